//! A gateway that speaks OpenClaw's protocol and ends every turn at once, without an answer.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// The shared token of the gateway.
pub(super) const TOKEN: &str = "token-of-the-gateway";

/// A gateway on a free port, which runs until the end of the program.
#[derive(Debug)]
pub(super) struct Gateway {
    port: u16,
    asked: mpsc::Receiver<Instant>,
}

impl Gateway {
    /// Starts the gateway.
    ///
    /// # Errors
    /// Fails when there is no free port.
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
        let port = listener.local_addr()?.port();
        // Each turn is awaited before the next is requested; when the channel is full, a turn is
        // not counted.
        let (asks, asked) = mpsc::sync_channel(64);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let asks = asks.clone();
                // The thread ends with its connection.
                thread::spawn(move || {
                    if let Err(error) = serve(stream, &asks) {
                        eprintln!("gateway: {error:#}");
                    }
                });
            }
        });
        Ok(Self { port, asked })
    }

    /// Returns its port on 127.0.0.1.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Returns the time at which the next turn was requested.
    ///
    /// # Errors
    /// Fails when no turn is requested.
    pub(super) fn asked(&self) -> Result<Instant> {
        self.asked.recv_timeout(PATIENCE).context("the monitor asked for no turn")
    }
}

fn serve(mut stream: TcpStream, asks: &mpsc::SyncSender<Instant>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut begin = [0; 2048];
    let size = stream.peek(&mut begin)?;
    let head = String::from_utf8_lossy(&begin[..size]).to_ascii_lowercase();
    if !head.contains("upgrade: websocket") {
        // The request asks for the gateway's health, or for a tool that it does not have.
        let size = stream.read(&mut begin)?;
        let body = r#"{"ok":true,"status":"live","ready":true}"#;
        let words = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            body.len(),
        );
        return if size == 0 { Ok(()) } else { Ok(stream.write_all(words.as_bytes())?) };
    }
    let Ok(mut socket) = tungstenite::accept(stream) else { bail!("no upgrade") };
    say(
        &mut socket,
        &json!({
            "type": "event", "event": "connect.challenge", "payload": {"nonce": "c4978b5d", "ts": 1},
        }),
    )?;
    // The loop ends when the monitor disconnects.
    while let Ok(message) = socket.read() {
        let Message::Text(text) = message else { continue };
        let now = Instant::now();
        let request: Value = serde_json::from_str(&text)?;
        if request["method"] == "agent" {
            // The channel may be full; see where it is created.
            asks.try_send(now).ok();
        }
        for payload in answers(&request) {
            let answer =
                json!({"type": "res", "id": request["id"], "ok": true, "payload": payload});
            say(&mut socket, &answer)?;
        }
    }
    Ok(())
}

/// Returns the payloads that answer a request; `agent` is answered twice.
fn answers(request: &Value) -> Vec<Value> {
    let params = &request["params"];
    let run = if params["runId"].is_null() { &params["idempotencyKey"] } else { &params["runId"] };
    let silence = json!({
        "runId": run, "status": "ok", "stopReason": "stop",
        "terminalReply": {"disposition": "silent"},
    });
    match request["method"].as_str().unwrap_or_default() {
        "connect" => vec![json!({
            "type": "hello-ok", "protocol": 4,
            "server": {"version": "2026.9.6", "bootId": "boot-1", "connId": "5a6f448e"},
            "auth": {"method": "token", "role": "operator", "scopes": params["scopes"]},
            "policy": {"maxPayload": 26_214_400, "tickIntervalMs": 600_000},
            "snapshot": {"sessionDefaults": {
                "mainSessionKey": "agent:main:main", "modelConfigured": true,
            }},
        })],
        "agent" => vec![
            json!({"runId": run, "sessionKey": params["sessionKey"], "status": "accepted"}),
            json!({"runId": run, "status": "ok", "summary": "completed", "result": {"payloads": []}}),
        ],
        "agent.wait" => vec![silence],
        "chat.history" => {
            vec![json!({"sessionKey": params["sessionKey"], "messages": [], "hasMore": false})]
        }
        _ => vec![json!({"ok": true, "agents": [{"agentId": "main"}], "defaultAgentId": "main"})],
    }
}

fn say(socket: &mut WebSocket<TcpStream>, frame: &Value) -> Result<()> {
    socket.send(Message::text(frame.to_string())).context("cannot send")
}

const PATIENCE: Duration = Duration::from_secs(30);
