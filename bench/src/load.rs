//! The load generator, which is cheaper than what it measures.
//!
//! It has one thread, one epoll and one buffer. It reads the headers of WebSocket frames and skips
//! their payloads; only a [checked](Swarm::check) swarm looks for ids and checks that they
//! increase. Client frames are masked with zeros, which is a valid mask and costs nothing.

mod connection;
pub(crate) mod flow;
mod frames;
pub(crate) mod http;
pub(crate) mod nats;
pub(crate) mod swarm;

use std::net::SocketAddr;

use serde_json::json;

pub(crate) use frames::Frames;
pub(crate) use swarm::Swarm;

/// The address of a server and the bytes with which a connection to it begins.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The address of the server.
    pub(crate) address: SocketAddr,
    /// The protocol of the server.
    pub(crate) speech: Speech,
    /// The bytes that are sent once the connection stands.
    pub(crate) hello: Vec<u8>,
    /// The number of data frames that answer the hello; after the last of them the connection is
    /// signed in.
    pub(crate) greetings: u32,
    /// The size of the receive buffer in bytes, if it is not the system's.
    pub(crate) receive_buffer: Option<usize>,
}

/// The protocol of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    /// A WebSocket: an upgrade, then frames.
    WebSocket,
    /// The lines of NATS; the greeting is the answer to `PING`.
    Nats,
}

impl Target {
    /// Returns a room of OIS, or one with the same protocol: sign in, then `auth_ok` and `history`.
    pub(crate) fn room(address: SocketAddr, token: &str) -> Self {
        Self::signing_in(address, &json!({"type": "agent_auth", "token": token}), 2)
    }

    /// Returns a room that answers this sign-in with this many frames.
    pub(crate) fn signing_in(
        address: SocketAddr,
        hello: &serde_json::Value,
        greetings: u32,
    ) -> Self {
        let hello = text_frame(hello.to_string().as_bytes());
        let speech = Speech::WebSocket;
        Self { address, speech, hello, greetings, receive_buffer: None }
    }
}

/// Returns a `chat` frame with a text of `bytes` bytes.
pub(crate) fn chat(bytes: usize) -> Vec<u8> {
    let text = "what is said, again and again. ".bytes().cycle().take(bytes);
    let text = String::from_utf8_lossy(&text.collect::<Vec<u8>>()).into_owned();
    text_frame(json!({"type": "chat", "text": text}).to_string().as_bytes())
}

/// Returns a text frame as a client sends it.
pub(crate) fn text_frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    match payload.len() {
        short @ 0..=125 => frame.push(0x80 | u8::try_from(short).unwrap_or_default()),
        middle @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(middle).unwrap_or_default().to_be_bytes());
        }
        long => {
            frame.push(0x80 | 127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// The length of every message's text in bytes, unless a scenario chooses another.
pub(crate) const TEXT: usize = 128;
