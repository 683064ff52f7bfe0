//! A fake gateway on a real socket that does what a test tells it to.

use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use ois_gateway::{GatewayConfig, GatewayToken};
use serde_json::{Value, json};
use tungstenite::handshake::server::{Request, Response};
use tungstenite::protocol::frame::CloseFrame;
use tungstenite::{Message, WebSocket};

/// The gateway's end of one link.
pub(crate) struct Peer {
    socket: WebSocket<TcpStream>,
}

/// Serves one connection by the script; the result of the thread is that of the script.
pub(crate) fn serve<T: Send + 'static>(
    script: impl FnOnce(Peer) -> T + Send + 'static,
) -> (GatewayConfig, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = config(&format!("ws://{}", listener.local_addr().unwrap()));
    let thread = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        // With the timeout a test that hangs fails instead.
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        script(Peer::accept(stream))
    });
    (config, thread)
}

pub(crate) fn config(url: &str) -> GatewayConfig {
    GatewayConfig {
        connect_within: Duration::from_secs(20),
        ..GatewayConfig::new(url, GatewayToken::new("s3cret"))
    }
}

impl Peer {
    fn accept(stream: TcpStream) -> Self {
        #[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
        let look = |request: &Request, response: Response| {
            assert!(request.headers().get("origin").is_none(), "an Origin was sent");
            Ok(response)
        };
        Self { socket: tungstenite::accept_hdr(stream, look).unwrap() }
    }

    /// Sends the challenge, checks the token and accepts the connection.
    pub(crate) fn accept_client(&mut self) {
        self.challenge();
        let connect = self.next();
        assert_eq!(connect["method"], "connect");
        assert_eq!(connect["params"]["auth"]["token"], "s3cret");
        let hello = json!({
            "type": "hello-ok", "protocol": 4,
            "server": {"version": "2026.9.6", "bootId": "b1"},
            "auth": {"scopes": ["operator.read", "operator.write"]},
            "policy": {"maxPayload": 1_000_000, "tickIntervalMs": 30_000},
            "snapshot": {"sessionDefaults": {"mainSessionKey": "agent:main:main"}},
        });
        self.answer(&connect, &hello);
    }

    pub(crate) fn challenge(&mut self) {
        self.event("connect.challenge", &json!({"nonce": "n", "ts": 1}));
    }

    /// Returns the next request.
    pub(crate) fn next(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.socket.read().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    pub(crate) fn answer(&mut self, request: &Value, payload: &Value) {
        self.say(&json!({"type": "res", "id": request["id"], "ok": true, "payload": payload}));
    }

    pub(crate) fn complain(&mut self, request: &Value, error: &Value) {
        self.say(&json!({"type": "res", "id": request["id"], "ok": false, "error": error}));
    }

    pub(crate) fn event(&mut self, name: &str, payload: &Value) {
        self.say(&json!({"type": "event", "event": name, "payload": payload}));
    }

    pub(crate) fn raw(&mut self, message: Message) {
        self.socket.send(message).unwrap();
    }

    /// Closes the link with a code, and waits until the other end has seen it.
    pub(crate) fn close(mut self, code: u16, reason: &'static str) {
        self.socket.close(Some(CloseFrame { code: code.into(), reason: reason.into() })).unwrap();
        self.until_gone();
    }

    /// Reads until the other end is gone.
    pub(crate) fn until_gone(mut self) {
        while self.socket.read().is_ok() {}
    }

    fn say(&mut self, frame: &Value) {
        self.raw(Message::text(frame.to_string()));
    }
}
