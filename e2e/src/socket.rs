//! A blocking WebSocket that speaks JSON; every wait has a deadline.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tungstenite::{Error, Message, WebSocket};

use crate::TIMEOUT;

/// A connection to a `ws://` address.
#[derive(Debug)]
pub struct Socket {
    inner: WebSocket<TcpStream>,
}

/// One thing that came, or that nothing did.
#[derive(Debug, Clone, PartialEq)]
pub enum Received {
    /// A text or binary frame that is JSON.
    Json(Value),
    /// The answer to a ping of the protocol's own kind.
    Pong,
    /// The other end closed, or the connection broke.
    Closed,
    /// Nothing until the deadline.
    Nothing,
}

impl Socket {
    /// Connects to `url` (`ws://127.0.0.1:8800/`).
    ///
    /// # Errors
    /// When nobody listens there or it is no WebSocket.
    pub fn open(url: &str) -> Result<Self> {
        let address = url.strip_prefix("ws://").context("only ws:// is spoken here")?;
        let address = address.split(['/', '?']).next().unwrap_or(address);
        let stream = TcpStream::connect(address).with_context(|| format!("no one at {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let (inner, _) = tungstenite::client(url, stream)
            .map_err(|error| anyhow::anyhow!("no WebSocket at {url}: {error}"))?;
        Ok(Self { inner })
    }

    /// Sends one JSON text frame.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send(&mut self, frame: &Value) -> Result<()> {
        self.send_message(Message::text(frame.to_string()))
    }

    /// Sends one frame of any kind.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send_message(&mut self, message: Message) -> Result<()> {
        self.inner.send(message).context("cannot send")
    }

    /// The next frame, waiting for it until `until` at the most.
    ///
    /// # Errors
    /// When what came is no JSON or against the protocol.
    pub fn next(&mut self, until: Instant) -> Result<Received> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            // A timeout of zero would mean none at all.
            let left = left.max(Duration::from_millis(1));
            self.inner.get_ref().set_read_timeout(Some(left))?;
            match self.inner.read() {
                Ok(Message::Pong(_)) => return Ok(Received::Pong),
                Ok(Message::Close(_)) => return Ok(Received::Closed),
                Ok(Message::Ping(_) | Message::Frame(_)) => {}
                Ok(message) => {
                    let data = message.into_data();
                    let frame = serde_json::from_slice(&data).context("not JSON")?;
                    return Ok(Received::Json(frame));
                }
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => return Ok(Received::Closed),
                Err(Error::Io(error)) if is_timeout(error.kind()) => {
                    if Instant::now() >= until {
                        return Ok(Received::Nothing);
                    }
                }
                Err(Error::Io(_) | Error::Protocol(_)) => return Ok(Received::Closed),
                Err(error) => bail!("cannot read: {error}"),
            }
        }
    }

    /// Breaks the connection without a word, as a lost network does.
    pub fn cut(self) {
        drop(self.inner.into_inner());
    }
}

fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
