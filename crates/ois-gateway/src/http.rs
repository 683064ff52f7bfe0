//! The gateway's HTTP routes: `POST /tools/invoke`, `/healthz`, `/readyz`.
//!
//! `sessions_send` over HTTP is for gateways that are too old for [`Gateway`](crate::Gateway).
//! Current gateways refuse it unless configured, and each call sets off further turns of the agent.

use std::io;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::config::{Address, GatewayConfig, GatewayToken};
use crate::error::GatewayError;
use crate::tls;

/// A client for the gateway's HTTP routes. Every call blocks, at most for the time it is given.
#[derive(Debug, Clone)]
pub struct Http {
    agent: Agent,
    address: Address,
    token: GatewayToken,
}

/// A message to a session, sent with the tool `sessions_send`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionsSend {
    /// The session that receives the message, for example `agent:main:webchat`. It must have been
    /// used before, because the tool creates no session, unlike
    /// [`Gateway::deliver`](crate::Gateway::deliver).
    pub session_key: String,
    /// The text of the message.
    pub message: String,
    /// The session that sends the message. Without one the gateway takes the agent's main session
    /// as the sender, and then nothing can be sent to that session. The original monitor sent no
    /// caller, and old gateways need none.
    pub caller: Option<String>,
}

/// What the gateway reports about a message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The id of the run, if the gateway reports one.
    pub run_id: Option<String>,
    /// The status `ok`, `accepted` or `timeout`; empty from a gateway that does not report one.
    pub status: String,
    /// The agent's answer, if it came while the gateway waited for it.
    pub reply: Option<String>,
}

/// The answer of `/readyz`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// Whether the gateway has started completely.
    pub ready: bool,
    /// What the gateway still waits for, for example a channel's name.
    pub failing: Vec<String>,
}

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: u64 = 4 << 20;

/// The configuration that allows `sessions_send` over HTTP.
const ALLOW_SEND: &str = r#"gateway.tools.allow: ["sessions_send"]"#;

impl Http {
    /// Prepares calls; nothing is sent yet. Proxies that the environment names are not used.
    ///
    /// # Errors
    /// Fails with [`Address`](GatewayError::Address).
    pub fn new(config: &GatewayConfig) -> Result<Self, GatewayError> {
        let address = Address::parse(&config.url)
            .map_err(|why| GatewayError::Address { why: why.to_owned() })?;
        let mut settings = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_connect(Some(config.connect_within));
        if address.secure {
            let roots = tls::roots();
            let roots = roots.iter().map(|root| Certificate::from_der(root).to_owned());
            let roots = TlsConfig::builder().root_certs(RootCerts::from(roots)).build();
            settings = settings.tls_config(roots);
        }
        Ok(Self { agent: settings.build().new_agent(), address, token: config.token.clone() })
    }

    /// Sends a message with the tool `sessions_send`.
    ///
    /// # Errors
    /// Fails with [`Refused`](GatewayError::Refused), which names the configuration that allows the
    /// call, with [`Rejected`](GatewayError::Rejected) if the tool itself fails, and with the
    /// errors that any call may have.
    pub fn sessions_send(
        &self,
        send: &SessionsSend,
        within: Duration,
    ) -> Result<Sent, GatewayError> {
        let url = self.address.http("/tools/invoke");
        let request = self.agent.post(url).header("Authorization", self.bearer());
        let request = request.config().timeout_global(Some(within)).build();
        let (status, body) = self.read(request.send_json(send.body()), within)?;
        match status {
            200 => sent(&body),
            404 if body["error"]["type"] == "not_found" => Err(GatewayError::Refused {
                what: "sessions_send over HTTP".to_owned(),
                allow: ALLOW_SEND.to_owned(),
            }),
            _ => Err(refused(status, &body)),
        }
    }

    /// Whether the gateway's process answers. The call needs no token.
    ///
    /// # Errors
    /// Fails with the errors that any call may have.
    pub fn alive(&self, within: Duration) -> Result<bool, GatewayError> {
        let (status, body) = self.get("/healthz", within)?;
        match (status, body["ok"].as_bool()) {
            (200 | 503, Some(ok)) => Ok(ok),
            _ => Err(refused(status, &body)),
        }
    }

    /// Whether the gateway has started completely; it answers [`alive`](Self::alive) before that.
    /// The call needs no token.
    ///
    /// # Errors
    /// Fails with the errors that any call may have.
    pub fn ready(&self, within: Duration) -> Result<Readiness, GatewayError> {
        let (status, body) = self.get("/readyz", within)?;
        let (200 | 503, Some(ready)) = (status, body["ready"].as_bool()) else {
            return Err(refused(status, &body));
        };
        let failing = body["failing"].as_array().into_iter().flatten();
        let failing = failing.filter_map(|it| it.as_str().map(str::to_owned)).collect();
        Ok(Readiness { ready, failing })
    }

    fn get(&self, route: &str, within: Duration) -> Result<(u16, Value), GatewayError> {
        let request = self.agent.get(self.address.http(route));
        let request = request.config().timeout_global(Some(within)).build();
        self.read(request.call(), within)
    }

    /// Returns the status and the JSON body; a body that is no JSON becomes null.
    fn read(
        &self,
        answer: Result<http::Response<ureq::Body>, ureq::Error>,
        within: Duration,
    ) -> Result<(u16, Value), GatewayError> {
        let mut answer = answer.map_err(|error| self.failure(error, within))?;
        let status = answer.status().as_u16();
        let retry_after = answer.headers().get("retry-after");
        let retry_after = retry_after.and_then(|it| it.to_str().ok()?.parse::<u64>().ok());
        let body = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec();
        let body = body.map_err(|error| self.failure(error, within))?;
        match status {
            401 => Err(GatewayError::Unauthorized { why: "status 401".to_owned() }),
            403 => Err(GatewayError::Refused {
                what: "a request that a proxy forwarded".to_owned(),
                allow: "gateway.trustedProxies: [\"the proxy's address\"]".to_owned(),
            }),
            429 => Err(GatewayError::Busy {
                retry_after_ms: retry_after.map(|seconds| seconds.saturating_mul(1000)),
                why: "status 429".to_owned(),
            }),
            _ => Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null))),
        }
    }

    fn failure(&self, error: ureq::Error, within: Duration) -> GatewayError {
        let after_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        match error {
            ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
                GatewayError::unreachable(&self.address, io::ErrorKind::TimedOut.into())
            }
            ureq::Error::Timeout(_) => GatewayError::TimedOut { what: "HTTP".to_owned(), after_ms },
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                GatewayError::unreachable(&self.address, error)
            }
            ureq::Error::Io(error) => GatewayError::lost(error.to_string()),
            ureq::Error::HostNotFound => {
                let cause = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
                GatewayError::unreachable(&self.address, cause)
            }
            ureq::Error::ConnectionFailed => {
                GatewayError::unreachable(&self.address, io::ErrorKind::ConnectionRefused.into())
            }
            ureq::Error::Rustls(error) => {
                GatewayError::unreachable(&self.address, io::Error::other(error))
            }
            other => GatewayError::bad(other.to_string()),
        }
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token.reveal())
    }
}

impl SessionsSend {
    /// Returns the request's body; without a caller it is word for word that of the original
    /// monitor.
    fn body(&self) -> Value {
        let args = json!({ "sessionKey": self.session_key, "message": self.message });
        match &self.caller {
            None => json!({ "tool": "sessions_send", "args": args }),
            Some(caller) => json!({ "tool": "sessions_send", "sessionKey": caller, "args": args }),
        }
    }
}

/// Parses an answer of status 200, which a failed tool has as well.
fn sent(body: &Value) -> Result<Sent, GatewayError> {
    if body["ok"] != true {
        return Err(GatewayError::bad("status 200 without ok"));
    }
    let details = &body["result"]["details"];
    let text = |field: &str| details[field].as_str().map(str::to_owned);
    match details["status"].as_str().unwrap_or_default() {
        "error" => Err(GatewayError::Rejected {
            what: "sessions_send".to_owned(),
            why: text("error").unwrap_or_default(),
        }),
        "forbidden" => Err(GatewayError::Refused {
            what: "sessions_send to this session".to_owned(),
            allow: text("error").unwrap_or_else(|| {
                "tools.sessions.visibility, tools.agentToAgent.enabled".to_owned()
            }),
        }),
        status => {
            Ok(Sent { run_id: text("runId"), status: status.to_owned(), reply: text("reply") })
        }
    }
}

/// Converts a status that was not expected into an error.
fn refused(status: u16, body: &Value) -> GatewayError {
    match (status, body["error"]["message"].as_str()) {
        (500.., Some(why)) => {
            GatewayError::Busy { retry_after_ms: None, why: format!("status {status}: {why}") }
        }
        (_, Some(why)) => {
            GatewayError::Rejected { what: "the request".to_owned(), why: why.to_owned() }
        }
        (status, None) => GatewayError::bad(format!("status {status} and no JSON")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hi(caller: Option<&str>) -> SessionsSend {
        SessionsSend {
            session_key: "agent:main:webchat".into(),
            message: "hi".into(),
            caller: caller.map(str::to_owned),
        }
    }

    #[test]
    fn without_a_caller_the_body_is_the_original_monitors() {
        let original =
            r#"{"tool":"sessions_send","args":{"sessionKey":"agent:main:webchat","message":"hi"}}"#;
        assert_eq!(hi(None).body(), serde_json::from_str::<Value>(original).unwrap());
    }

    #[test]
    fn with_a_caller_its_session_stands_at_the_root() {
        let body = hi(Some("agent:main:ois")).body();
        assert_eq!(body["sessionKey"], "agent:main:ois");
        assert_eq!(body["args"]["sessionKey"], "agent:main:webchat");
    }

    #[test]
    fn a_tool_that_fails_does_so_with_status_200() {
        let why = "sessions_send cannot target the calling session; use your own reply instead";
        let body = json!({"ok": true, "result": {"details": {"status": "error", "error": why}}});
        let error = sent(&body).unwrap_err();
        assert_eq!(error.to_string(), format!("gateway rejects sessions_send: {why}"));
    }

    #[test]
    fn an_old_gateway_that_tells_no_details_has_sent_it_all_the_same() {
        let body = json!({"ok": true, "result": "sent"});
        let plain = Sent { run_id: None, status: String::new(), reply: None };
        assert_eq!(sent(&body).unwrap(), plain);
    }
}
