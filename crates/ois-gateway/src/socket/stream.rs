//! The byte stream under the WebSocket.
//!
//! It has two phases. While the link is made, reads go to the socket and end at a deadline. From
//! then on a thread of its own reads the socket and the owner [feeds](Stream::feed) the bytes that
//! came, so that reads never block; that way one thread can wait for bytes and for requests at
//! once, on every system and under TLS too. Writes always go to the socket, and block for a limited
//! time.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::config::Address;
use crate::error::GatewayError;
use crate::tls;

/// How long a peer may take no bytes at all before the link counts as dead.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// A stream that is plain or under TLS.
pub(crate) enum Stream {
    Plain(Pipe),
    Secure(Box<StreamOwned<ClientConnection, Pipe>>),
}

/// The socket, with the bytes that its reader brought.
pub(crate) struct Pipe {
    socket: TcpStream,
    source: Source,
}

enum Source {
    /// Reads go to the socket itself, until this instant.
    Socket(Instant),
    /// Reads take the bytes that were fed.
    Fed { bytes: VecDeque<u8>, ended: bool },
}

impl Stream {
    /// Connects to a gateway, with TLS if its address says so. The TLS handshake itself comes with
    /// the first bytes.
    pub(crate) fn open(address: &Address, deadline: Instant) -> Result<Self, GatewayError> {
        let unreachable = |cause| GatewayError::unreachable(address, cause);
        let socket = reach(address, deadline).map_err(unreachable)?;
        socket.set_nodelay(true).map_err(unreachable)?;
        socket.set_write_timeout(Some(WRITE_TIMEOUT)).map_err(unreachable)?;
        let pipe = Pipe { socket, source: Source::Socket(deadline) };
        if !address.secure {
            return Ok(Self::Plain(pipe));
        }
        let name = ServerName::try_from(address.host.clone()).map_err(|_| {
            GatewayError::Address { why: "its host cannot have a certificate".into() }
        })?;
        let client = tls::client().and_then(|config| ClientConnection::new(config, name));
        let client = client.map_err(|error| unreachable(io::Error::other(error)))?;
        Ok(Self::Secure(Box::new(StreamOwned::new(client, pipe))))
    }

    /// Ends the first phase and returns the socket for the thread that reads it from now on.
    pub(crate) fn split(&mut self) -> io::Result<TcpStream> {
        let pipe = self.pipe();
        pipe.socket.set_read_timeout(None)?;
        pipe.source = Source::Fed { bytes: VecDeque::new(), ended: false };
        pipe.socket.try_clone()
    }

    /// Takes bytes that the reading thread brought; an empty slice means the end.
    pub(crate) fn feed(&mut self, brought: &[u8]) {
        if let Source::Fed { bytes, ended } = &mut self.pipe().source {
            bytes.extend(brought);
            *ended |= brought.is_empty();
        }
    }

    /// Ends both directions, which also ends the thread that reads.
    pub(crate) fn shut(&mut self) {
        // The socket may be closed already, which is the purpose of the call.
        drop(self.pipe().socket.shutdown(Shutdown::Both));
    }

    fn pipe(&mut self) -> &mut Pipe {
        match self {
            Self::Plain(pipe) => pipe,
            Self::Secure(secure) => &mut secure.sock,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(pipe) => pipe.read(buffer),
            Self::Secure(secure) => secure.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(pipe) => pipe.write(bytes),
            Self::Secure(secure) => secure.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(pipe) => pipe.flush(),
            Self::Secure(secure) => secure.flush(),
        }
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.source {
            Source::Socket(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(ErrorKind::TimedOut.into());
                }
                self.socket.set_read_timeout(Some(left))?;
                (&self.socket).read(buffer).map_err(named)
            }
            Source::Fed { bytes, ended } if bytes.is_empty() => {
                if *ended {
                    Ok(0)
                } else {
                    Err(ErrorKind::WouldBlock.into())
                }
            }
            Source::Fed { bytes, .. } => bytes.read(buffer),
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&self.socket).write(bytes).map_err(named)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&self.socket).flush()
    }
}

/// Renames an error of a timeout. A socket with a timeout says "would block" on some systems and
/// "timed out" on others. The callers above take the first as "nothing yet", so it must not stand
/// for the second.
fn named(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::WouldBlock => ErrorKind::TimedOut.into(),
        _ => error,
    }
}

/// Tries each of the host's addresses in turn.
fn reach(address: &Address, deadline: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the host has no address");
    for one in (address.host.as_str(), address.port).to_socket_addrs()? {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        match TcpStream::connect_timeout(&one, left) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}
