//! A minimal HTTP/1.1 client: requests as bytes, answers counted by their lengths.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, EventData, EventFlags};

/// The position of one connection in the stream of answers.
#[derive(Debug, Default)]
struct Answers {
    /// The beginning of a head that is incomplete.
    head: Vec<u8>,
    /// The number of bytes of the body that are still to come.
    left: u64,
    /// Whether a body is being skipped.
    in_body: bool,
}

impl Answers {
    /// Takes the next bytes of the stream; returns how many answers ended in them.
    fn count(&mut self, mut bytes: &[u8]) -> Result<u32> {
        let mut whole = 0;
        loop {
            if self.in_body {
                let step = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
                bytes = &bytes[step..];
                self.left -= step as u64;
                if self.left > 0 {
                    return Ok(whole);
                }
                self.in_body = false;
                whole += 1;
            }
            if bytes.is_empty() {
                return Ok(whole);
            }
            let before = self.head.len();
            self.head.extend_from_slice(bytes);
            let end = self.head.windows(4).position(|part| part == b"\r\n\r\n");
            let Some(end) = end else { return Ok(whole) };
            bytes = &bytes[end + 4 - before..];
            self.left = body_length(&self.head[..end])?;
            self.in_body = true;
            self.head.clear();
        }
    }
}

/// Returns the `Content-Length` of an answer's head; an error status is an error.
fn body_length(head: &[u8]) -> Result<u64> {
    let head = String::from_utf8_lossy(head);
    ensure!(head.starts_with("HTTP/1.1 2"), "refused: {head}");
    if head.starts_with("HTTP/1.1 204") {
        return Ok(0);
    }
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let length = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let (_, length) = length.with_context(|| format!("no length in {head}"))?;
    length.trim().parse().context("a length that is no number")
}

/// Returns a request without a body, from the member with this token.
pub(crate) fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n")
        .into_bytes()
}

/// Returns the head of a request with a body of `length` bytes.
pub(crate) fn head(method: &str, path: &str, token: &str, kind: &str, length: u64) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    )
    .into_bytes()
}

/// A connection on which each request follows the answer to the one before.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects to the server.
    ///
    /// # Errors
    /// Fails when no server listens there.
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).context("cannot connect")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, buffer: vec![0; 256 << 10] })
    }

    /// Sends bytes of a request.
    ///
    /// # Errors
    /// Fails when the connection is gone.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).context("cannot send")
    }

    /// Reads an answer and discards it.
    ///
    /// # Errors
    /// Fails when the answer is an error, or does not come.
    pub(crate) fn skip(&mut self) -> Result<()> {
        self.read(&mut |_| ())
    }

    /// Reads an answer and parses its JSON.
    ///
    /// # Errors
    /// Fails when the answer is an error, does not come, or is no JSON.
    pub(crate) fn json(&mut self) -> Result<serde_json::Value> {
        let mut came = Vec::new();
        self.read(&mut |bytes| came.extend_from_slice(bytes))?;
        let end = came.windows(4).position(|part| part == b"\r\n\r\n").context("no body")?;
        Ok(serde_json::from_slice(&came[end + 4..])?)
    }

    fn read(&mut self, take: &mut dyn FnMut(&[u8])) -> Result<()> {
        let mut answers = Answers::default();
        loop {
            let size = self.stream.read(&mut self.buffer).context("no answer")?;
            ensure!(size > 0, "closed before the answer");
            take(&self.buffer[..size]);
            if answers.count(&self.buffer[..size])? > 0 {
                return Ok(());
            }
        }
    }
}

/// Sends the same request again and again on some connections at once; returns how often in `span`.
///
/// # Errors
/// Fails when an answer is a refusal or a connection breaks.
pub(crate) fn ask_for(
    address: SocketAddr,
    request: &[u8],
    connections: usize,
    span: Duration,
) -> Result<u64> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let mut all = Vec::new();
    for index in 0..connections {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        epoll::add(&epoll, &stream, EventData::new_u64(index as u64), EventFlags::IN)?;
        // A request always fits into an empty socket.
        stream.write_all(request)?;
        all.push((stream, Answers::default()));
    }
    let (end, patience) = (Instant::now() + span, Timespec::try_from(PATIENCE)?);
    let (mut events, mut buffer, mut whole) = (Vec::with_capacity(256), vec![0; 64 << 10], 0);
    while Instant::now() < end {
        events.clear();
        epoll::wait(&epoll, spare_capacity(&mut events), Some(&patience))?;
        ensure!(!events.is_empty(), "nothing came within {PATIENCE:?}");
        for event in &events {
            let (stream, answers) = &mut all[usize::try_from(event.data.u64())?];
            let size = match stream.read(&mut buffer) {
                Ok(size) => size,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error.into()),
            };
            ensure!(size > 0, "the server closed a connection");
            if answers.count(&buffer[..size])? > 0 {
                whole += 1;
                stream.write_all(request)?;
            }
        }
    }
    Ok(whole)
}

const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_however_the_stream_is_cut() {
        let stream = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhelloHTTP/1.1 204 No\r\n\r\n\
                       HTTP/1.1 201 Made\r\nX: y\r\nContent-Length: 0\r\n\r\n";
        for cut in 1..=stream.len() {
            let mut answers = Answers::default();
            let counted: u32 = stream.chunks(cut).map(|piece| answers.count(piece).unwrap()).sum();
            // An empty body ends with the next byte, or with the piece in which its head ends.
            assert_eq!(counted, 3, "cut every {cut} bytes");
        }
    }

    #[test]
    fn a_refusal_is_an_error() {
        let refused = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
        assert!(Answers::default().count(refused).is_err());
    }
}
