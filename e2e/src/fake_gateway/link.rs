//! One WebSocket of the fake gateway, from its challenge to its end.

use std::io::ErrorKind;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tungstenite::protocol::CloseFrame;
use tungstenite::{Error, Message, WebSocket};

use super::{Manner, Shared, TOKEN};

/// Speaks until the other end or this process of the gateway is gone.
pub(super) fn serve(stream: TcpStream, shared: &Shared, process: u32) -> Result<()> {
    let socket = tungstenite::accept(stream).map_err(|error| anyhow::anyhow!("{error}"))?;
    // Two things can happen on a link, a frame and the end of a run; this is how long one of them
    // keeps the other waiting.
    socket.get_ref().set_read_timeout(Some(Duration::from_millis(10)))?;
    let told = shared.lock().events.len();
    let mut link = Link { socket, shared, waiting: Vec::new(), let_in: false, told };
    link.event("connect.challenge", &json!({"nonce": "c4978b5d", "ts": 1}))?;
    while shared.lock().process == process {
        match link.socket.read() {
            Ok(Message::Text(text)) => {
                let request: Value = serde_json::from_str(&text).context("no JSON")?;
                if !link.receive(&request)? {
                    return link.say_goodbye();
                }
            }
            Ok(Message::Close(_)) => return Ok(()),
            Ok(_) => {}
            Err(Error::Io(error))
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            // The other end is gone, in whatever way.
            Err(_) => return Ok(()),
        }
        link.tell()?;
        link.settle()?;
    }
    Ok(())
}

struct Link<'a> {
    socket: WebSocket<TcpStream>,
    shared: &'a Shared,
    waiting: Vec<Waiting>,
    let_in: bool,
    /// How many of the test's events were told.
    told: usize,
}

/// A request that is answered when a run ends: `agent.wait`, or the second answer to `agent`.
struct Waiting {
    id: Value,
    run: String,
    until: Option<Instant>,
}

impl Link<'_> {
    /// Answers a request; `false` ends the link.
    fn receive(&mut self, request: &Value) -> Result<bool> {
        let (method, params) = (request["method"].as_str().unwrap_or_default(), &request["params"]);
        let manner = {
            let mut state = self.shared.lock();
            *state.asked.entry(method.to_owned()).or_default() += 1;
            state.manner
        };
        self.shared.changed.notify_all();
        if !self.let_in {
            return self.greet(request, manner);
        }
        let answer = match method {
            "agent" if manner == Manner::Deaf => return Ok(true),
            "agent" if manner == Manner::Busy => {
                Err(json!({"code": "UNAVAILABLE", "message": "draining", "retryAfterMs": 10}))
            }
            "agent" if manner == Manner::Drops => {
                let key = &params["idempotencyKey"];
                Ok(json!({"runId": key, "sessionKey": params["sessionKey"], "status": "accepted"}))
            }
            "agent" if manner == Manner::Cuts => {
                let begun = self.agent(request);
                eprintln!("fake gateway: cutting the link after {begun:?}");
                self.socket.get_ref().shutdown(Shutdown::Both)?;
                return Ok(true);
            }
            "agent" => {
                let begun = self.agent(request);
                if manner == Manner::AdmitsTwice {
                    self.answer(&request["id"], begun.clone())?;
                }
                if manner == Manner::Floods {
                    self.answer(&request["id"], begun)?;
                    return self.flood(params);
                }
                begun
            }
            "chat.abort" => {
                let answer = self.shared.lock().abort(params);
                self.shared.changed.notify_all();
                Ok(answer)
            }
            "agent.wait" => {
                let patience = Duration::from_millis(params["timeoutMs"].as_u64().unwrap_or(0));
                let run = params["runId"].as_str().unwrap_or_default().to_owned();
                let until = Some(Instant::now() + patience);
                self.waiting.push(Waiting { id: request["id"].clone(), run, until });
                return Ok(true);
            }
            "chat.history" => Ok(self.shared.lock().history(params)),
            "health" => {
                Ok(json!({"ok": true, "agents": [{"agentId": "main"}], "defaultAgentId": "main"}))
            }
            other => Err(
                json!({"code": "INVALID_REQUEST", "message": format!("unknown method: {other}")}),
            ),
        };
        self.answer(&request["id"], answer)?;
        Ok(true)
    }

    fn greet(&mut self, request: &Value, manner: Manner) -> Result<bool> {
        let refusal = if request["method"] != "connect" {
            Some(json!({
                "code": "INVALID_REQUEST",
                "message": "invalid handshake: first request must be connect",
            }))
        } else if manner == Manner::Unavailable {
            Some(json!({"code": "UNAVAILABLE", "message": "starting", "retryAfterMs": 10}))
        } else if manner == Manner::Unauthorized || request["params"]["auth"]["token"] != TOKEN {
            Some(json!({
                "code": "INVALID_REQUEST",
                "message": "unauthorized: gateway token mismatch (provide gateway auth token)",
                "details": {"code": "AUTH_TOKEN_MISMATCH", "authReason": "token_mismatch"},
            }))
        } else {
            None
        };
        if let Some(refusal) = refusal {
            self.answer(&request["id"], Err(refusal))?;
            return Ok(false);
        }
        self.let_in = true;
        let scopes = match manner {
            Manner::NoScope => json!([]),
            _ => request["params"]["scopes"].clone(),
        };
        let boot = format!("boot-{}", self.shared.lock().process);
        let hello = json!({
            "type": "hello-ok", "protocol": 4,
            "server": {"version": "2026.9.6", "bootId": boot, "connId": "5a6f448e"},
            "auth": {"method": "token", "role": "operator", "scopes": scopes},
            "policy": {"maxPayload": 26_214_400, "tickIntervalMs": 600_000},
            "snapshot": {"sessionDefaults": {
                "mainSessionKey": "agent:main:main", "modelConfigured": true,
            }},
        });
        self.answer(&request["id"], Ok(hello))?;
        Ok(true)
    }

    fn agent(&mut self, request: &Value) -> Result<Value, Value> {
        let answer = self.shared.lock().agent(&request["params"])?;
        self.shared.changed.notify_all();
        if answer["status"] == "accepted" {
            let run = answer["runId"].as_str().unwrap_or_default().to_owned();
            self.waiting.push(Waiting { id: request["id"].clone(), run, until: None });
        }
        Ok(answer)
    }

    /// Sends more events than any client can show.
    fn flood(&mut self, params: &Value) -> Result<bool> {
        for seq in 0..FLOOD {
            self.event(
                "chat",
                &json!({
                    "runId": params["idempotencyKey"], "sessionKey": params["sessionKey"],
                    "seq": seq, "state": "delta", "deltaText": "blah blah ",
                }),
            )?;
        }
        Ok(true)
    }

    /// Sends the events that the test has asked for since the last time.
    fn tell(&mut self) -> Result<()> {
        let events = self.shared.lock().events.clone();
        for event in &events[self.told.min(events.len())..] {
            self.event(event["event"].as_str().unwrap_or_default(), &event["payload"])?;
        }
        self.told = events.len();
        Ok(())
    }

    /// Answers the requests whose runs have ended or whose time is over.
    fn settle(&mut self) -> Result<()> {
        let now = Instant::now();
        let mut told = Vec::new();
        {
            let state = self.shared.lock();
            self.waiting.retain(|waiting| {
                let late = waiting.until.is_some_and(|until| until <= now);
                let answer = state
                    .outcome(&waiting.run)
                    .or_else(|| late.then(|| json!({"runId": waiting.run, "status": "timeout"})));
                let Some(answer) = answer else { return true };
                told.push((waiting.id.clone(), answer));
                false
            });
        }
        for (id, answer) in told {
            self.answer(&id, Ok(answer))?;
        }
        Ok(())
    }

    fn answer(&mut self, id: &Value, answer: Result<Value, Value>) -> Result<()> {
        self.say(&match answer {
            Ok(payload) => json!({"type": "res", "id": id, "ok": true, "payload": payload}),
            Err(error) => json!({"type": "res", "id": id, "ok": false, "error": error}),
        })
    }

    fn event(&mut self, name: &str, payload: &Value) -> Result<()> {
        self.say(&json!({"type": "event", "event": name, "payload": payload}))
    }

    fn say(&mut self, frame: &Value) -> Result<()> {
        match self.socket.send(Message::text(frame.to_string())) {
            // The next read notices that the client has gone.
            Err(Error::Io(_) | Error::ConnectionClosed | Error::Protocol(_)) | Ok(()) => Ok(()),
            Err(error) => Err(error).context("cannot send"),
        }
    }

    fn say_goodbye(mut self) -> Result<()> {
        let frame = CloseFrame { code: 1008.into(), reason: "unauthorized".into() };
        match self.socket.close(Some(frame)).and_then(|()| self.socket.flush()) {
            Err(Error::Io(_) | Error::ConnectionClosed | Error::Protocol(_)) | Ok(()) => Ok(()),
            Err(error) => Err(error).context("cannot close"),
        }
    }
}

const FLOOD: u32 = 10_000;
