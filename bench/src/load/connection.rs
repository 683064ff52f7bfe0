//! One connection of a swarm, from the upgrade to the last message.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context, Result, bail, ensure};
use rustix::net::{AddressFamily, SocketType, connect, socket, sockopt};

use super::nats::Lines;
use super::{Frames, Speech, Target};

/// One connection: its socket and its state.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    reader: Reader,
    stage: Stage,
    /// The bytes that the socket has not taken yet.
    pub(super) unsent: Vec<u8>,
    /// The number of messages since the sign-in, or since the count was reset.
    pub(super) got: u64,
}

#[derive(Debug)]
enum Reader {
    WebSocket(Frames),
    Nats(Lines),
}

#[derive(Debug)]
enum Stage {
    /// The end of the answer to the upgrade is awaited; holds the bytes so far and what to send
    /// then.
    Upgrading {
        came: Vec<u8>,
        hello: Vec<u8>,
        greetings: u32,
    },
    /// This many greetings are still awaited.
    SigningIn(u32),
    In,
}

impl Connection {
    /// Connects; returns the connection and the bytes that are to be sent first.
    ///
    /// # Errors
    /// Fails when no server listens there.
    pub(super) fn open(target: &Target) -> Result<(Self, &[u8])> {
        let stream = dial(target)?;
        let (reader, stage, first) = match target.speech {
            Speech::WebSocket => {
                let (hello, greetings) = (target.hello.clone(), target.greetings);
                let stage = Stage::Upgrading { came: Vec::new(), hello, greetings };
                (Reader::WebSocket(Frames::default()), stage, UPGRADE.as_bytes())
            }
            Speech::Nats => {
                let stage = Stage::SigningIn(target.greetings);
                (Reader::Nats(Lines::default()), stage, target.hello.as_slice())
            }
        };
        Ok((Self { stream, reader, stage, unsent: Vec::new(), got: 0 }, first))
    }

    /// Whether the connection is signed in.
    pub(super) fn is_in(&self) -> bool {
        matches!(self.stage, Stage::In)
    }

    /// Takes received bytes; returns what to answer and how many messages were in them.
    ///
    /// # Errors
    /// Fails when the server says what it must not, or with `is_checked` an id does not increase.
    pub(super) fn take(&mut self, bytes: &[u8], is_checked: bool) -> Result<(Vec<u8>, u32)> {
        if let Stage::Upgrading { came, hello, greetings } = &mut self.stage {
            came.extend_from_slice(bytes);
            let Some(end) = came.windows(4).position(|part| part == b"\r\n\r\n") else {
                return Ok((Vec::new(), 0));
            };
            ensure!(came.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(came));
            // No bytes follow the upgrade, because the client speaks first.
            ensure!(came.len() == end + 4, "bytes behind the upgrade");
            let hello = std::mem::take(hello);
            self.stage = Stage::SigningIn(*greetings);
            return Ok((hello, 0));
        }
        let (data, answer) = self.reader.count(bytes)?;
        let Stage::SigningIn(left) = &mut self.stage else { return Ok((answer, data)) };
        let messages = data.saturating_sub(*left);
        *left -= data.min(*left);
        if *left == 0 {
            self.stage = Stage::In;
            if let (Reader::WebSocket(frames), true) = (&mut self.reader, is_checked) {
                frames.check();
            }
        }
        Ok((answer, messages))
    }
}

impl Reader {
    /// Counts the messages (or the greetings before them) in `bytes`; returns their number and what
    /// to answer.
    fn count(&mut self, bytes: &[u8]) -> Result<(u32, Vec<u8>)> {
        match self {
            Self::WebSocket(frames) => {
                let counted = frames.count(bytes)?;
                ensure!(!counted.close, "the server said goodbye");
                // An empty pong is enough of an answer.
                let pong = [0x8a, 0x80, 0, 0, 0, 0];
                let answer = if counted.pings > 0 { pong.to_vec() } else { Vec::new() };
                Ok((counted.data, answer))
            }
            Self::Nats(lines) => {
                let counted = lines.count(bytes)?;
                let answer = if counted.pings > 0 { b"PONG\r\n".to_vec() } else { Vec::new() };
                Ok((counted.messages + counted.pongs, answer))
            }
        }
    }
}

/// Returns a connected socket. `connect` chooses its port: every server has a port of its own, so
/// there are 28,000 for each, and searching for a free one with `bind` would take longer than
/// signing in.
fn dial(target: &Target) -> Result<TcpStream> {
    let SocketAddr::V4(address) = target.address else { bail!("{} is no IPv4", target.address) };
    let stream = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    if let Some(bytes) = target.receive_buffer {
        sockopt::set_socket_recv_buffer_size(&stream, bytes)?;
    }
    connect(&stream, &SocketAddr::from(address)).context("cannot connect")?;
    let stream = TcpStream::from(stream);
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// Writes as many bytes as the socket takes at once.
///
/// # Errors
/// Fails when the connection is gone.
pub(super) fn write(mut stream: &TcpStream, bytes: &[u8]) -> Result<usize> {
    match stream.write(bytes) {
        Ok(taken) => Ok(taken),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        Err(error) => Err(error).context("cannot send"),
    }
}

const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";
