//! HTTP/1.1 as the generator speaks it: requests as bytes, answers counted by their lengths.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, EventData, EventFlags};

/// One connection's place in the stream of answers.
#[derive(Debug, Default)]
struct Answers {
    /// The beginning of a head that is not whole yet.
    head: Vec<u8>,
    /// Bytes of the body that are still to come.
    left: u64,
    /// Whether a body is being skipped.
    in_body: bool,
}

impl Answers {
    /// Takes the next bytes of the stream; answers with how many answers ended in them.
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

/// What `Content-Length` says in the head of an answer that is no refusal.
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

/// A request without a body, as a member with this token.
pub(crate) fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n")
        .into_bytes()
}

/// The head of a request with a body of so many bytes.
pub(crate) fn head(method: &str, path: &str, token: &str, kind: &str, length: u64) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    )
    .into_bytes()
}

/// A connection on which one request follows the answer to the other.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens there.
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).context("cannot connect")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, buffer: vec![0; 256 << 10] })
    }

    /// Sends bytes of a request.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).context("cannot send")
    }

    /// Reads an answer and throws it away.
    ///
    /// # Errors
    /// When it is a refusal, or does not come.
    pub(crate) fn skip(&mut self) -> Result<()> {
        self.read(&mut |_| ())
    }

    /// Reads an answer's JSON.
    ///
    /// # Errors
    /// When it is a refusal, or none.
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

/// Asks the same again and again on some connections at once; answers with how often in `span`.
///
/// # Errors
/// When an answer is a refusal or a connection breaks.
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
            // An empty body ends with the next byte, or with the piece that its head ends in.
            assert_eq!(counted, 3, "cut every {cut} bytes");
        }
    }

    #[test]
    fn a_refusal_is_an_error() {
        let refused = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
        assert!(Answers::default().count(refused).is_err());
    }
}
