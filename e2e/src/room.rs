//! A member's WebSocket: it signs in, says messages and waits for frames.

use std::collections::VecDeque;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tungstenite::Message;

use crate::TIMEOUT;
use crate::socket::{Received, Socket};

/// One connection to the room.
///
/// Frames that a wait passed over are kept, in order, for the next wait.
#[derive(Debug)]
pub struct Room {
    socket: Socket,
    waiting: VecDeque<Value>,
}

/// The credential with which a connection signs in.
#[derive(Debug, Clone, Copy)]
pub enum Credential<'a> {
    /// A session token, from [`Rest::login`](crate::rest::Rest::login).
    Session(&'a str),
    /// An agent's token.
    Agent(&'a str),
}

impl Room {
    /// Connects to the server at `ws_url` and does not sign in.
    ///
    /// # Errors
    /// When there is no WebSocket at that address.
    pub fn open(ws_url: &str) -> Result<Self> {
        Ok(Self { socket: Socket::open(ws_url)?, waiting: VecDeque::new() })
    }

    /// Connects, signs in and answers with the connection and its `auth_ok` frame.
    ///
    /// The `history` frame that follows is left waiting.
    ///
    /// # Errors
    /// When the server refuses the credential.
    pub fn join(ws_url: &str, who: Credential<'_>) -> Result<(Self, Value)> {
        Self::join_with(ws_url, who, json!({}))
    }

    /// Signs in as [`join`](Self::join) does and asks for what came after the message `after`.
    ///
    /// # Errors
    /// When the server refuses the credential.
    pub fn resume(ws_url: &str, who: Credential<'_>, after: u64) -> Result<(Self, Value)> {
        Self::join_with(ws_url, who, json!({"after": after}))
    }

    /// Signs in with the fields of `more` in the frame as well, such as `subscribe`.
    ///
    /// # Errors
    /// When the server refuses the credential.
    pub fn join_with(ws_url: &str, who: Credential<'_>, more: Value) -> Result<(Self, Value)> {
        let mut room = Self::open(ws_url)?;
        let (kind, token) = match who {
            Credential::Session(token) => ("auth", token),
            Credential::Agent(token) => ("agent_auth", token),
        };
        let mut frame = more;
        frame["type"] = kind.into();
        frame["token"] = token.into();
        room.send(&frame)?;
        let answer = room.wait_for("auth_ok or auth_fail", |frame| {
            frame["type"].as_str().is_some_and(|kind| kind.starts_with("auth_"))
        })?;
        ensure!(answer["type"] == "auth_ok", "the server refused {who:?}");
        Ok((room, answer))
    }

    /// Sends a frame as it is.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send(&mut self, frame: &Value) -> Result<()> {
        self.socket.send(frame)
    }

    /// Sends a WebSocket message of any kind, right or wrong.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send_message(&mut self, message: Message) -> Result<()> {
        self.socket.send_message(message)
    }

    /// Says `text` and waits until the room shows it: answers with the message.
    ///
    /// # Errors
    /// When it does not come back, or an `error` frame comes instead.
    pub fn say(&mut self, text: &str) -> Result<Value> {
        self.send(&json!({"type": "chat", "text": text}))?;
        let frame = self.wait_for(&format!("own words {text:?}"), |frame| {
            frame["type"] == "error" || frame["message"]["text"] == text
        })?;
        ensure!(frame["type"] == "message", "refused: {frame}");
        Ok(frame["message"].clone())
    }

    /// Waits for a chat message with `from` in its author's name and `fitting` text.
    ///
    /// # Errors
    /// When it does not come within [`TIMEOUT`].
    pub fn hear(&mut self, from: &str, fitting: impl Fn(&str) -> bool) -> Result<Value> {
        let frame = self.wait_for(&format!("a message of {from}"), |frame| {
            let message = &frame["message"];
            let user = message["user"].as_str().unwrap_or_default();
            user.contains(from) && message["text"].as_str().is_some_and(&fitting)
        })?;
        Ok(frame["message"].clone())
    }

    /// Waits for a frame of this type.
    ///
    /// # Errors
    /// When it does not come within [`TIMEOUT`].
    pub fn wait_for_type(&mut self, kind: &str) -> Result<Value> {
        self.wait_for(kind, |frame| frame["type"] == kind)
    }

    /// Waits for the first frame that fits; `what` is its name in the failure.
    ///
    /// # Errors
    /// When none comes within [`TIMEOUT`] or the connection ends.
    pub fn wait_for(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        if let Some(at) = self.waiting.iter().position(&fits) {
            return self.waiting.remove(at).context("the position was found just now");
        }
        let until = Instant::now() + TIMEOUT;
        loop {
            match self.socket.next(until)? {
                Received::Json(frame) if fits(&frame) => return Ok(frame),
                Received::Json(frame) => self.waiting.push_back(frame),
                Received::Pong => {}
                Received::Closed => bail!("closed while waiting for {what}; {}", self.seen()),
                Received::Nothing => bail!("no {what} within {TIMEOUT:?}; {}", self.seen()),
            }
        }
    }

    /// All frames that came before the answer to a `ping` sent now, those left waiting first.
    ///
    /// # Errors
    /// When the server does not answer the ping.
    pub fn drain(&mut self) -> Result<Vec<Value>> {
        self.send(&json!({"type": "ping"}))?;
        self.wait_for_type("pong")?;
        Ok(self.waiting.drain(..).collect())
    }

    /// Whether the server answers a ping of the WebSocket's own kind.
    ///
    /// # Errors
    /// When what came instead is no JSON.
    pub fn answers_control_ping(&mut self) -> Result<bool> {
        self.send_message(Message::Ping(Vec::from(*b"hi").into()))?;
        let until = Instant::now() + TIMEOUT;
        loop {
            match self.socket.next(until)? {
                Received::Pong => return Ok(true),
                Received::Json(frame) => self.waiting.push_back(frame),
                Received::Closed | Received::Nothing => return Ok(false),
            }
        }
    }

    /// Waits until the server closes.
    ///
    /// # Errors
    /// When it has not within [`TIMEOUT`].
    pub fn wait_closed(&mut self) -> Result<()> {
        let until = Instant::now() + TIMEOUT;
        loop {
            match self.socket.next(until)? {
                Received::Closed => return Ok(()),
                Received::Json(frame) => self.waiting.push_back(frame),
                Received::Pong => {}
                Received::Nothing => bail!("still open after {TIMEOUT:?}"),
            }
        }
    }

    /// Breaks the connection without a word, as a lost network does.
    pub fn cut(self) {
        self.socket.cut();
    }

    fn seen(&self) -> String {
        let last = self.waiting.iter().rev().take(FRAMES_SHOWN).rev();
        let shown: Vec<String> = last.map(Value::to_string).collect();
        format!("waiting are {} frames, the last: {}", self.waiting.len(), shown.join("\n"))
    }
}

const FRAMES_SHOWN: usize = 5;
