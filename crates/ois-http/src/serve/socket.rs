//! A peer's socket, watched (by epoll) only once something has to be waited for.
//!
//! A member's connection, whose handshake comes as a whole and whose answer fits, stays on the hot
//! loop and is never watched here: that would cost two system calls and a turn of an event loop.

use std::{
    io::{self, IoSlice, Read, Write},
    net,
};

use bytes::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A socket that does not block, and whether a task is woken when bytes come.
#[derive(Debug)]
pub(super) enum Socket {
    /// No task is woken yet. The socket is taken out to be watched, so it is missing if that failed.
    Fresh(Option<net::TcpStream>),
    /// The task that owns the socket is woken.
    Watched(TokioIo<TcpStream>),
}

/// How many bytes are read at first; mostly that is a whole request head.
const FIRST_BYTES: usize = 2048;

impl Socket {
    /// A socket that was just accepted.
    pub(super) fn new(socket: net::TcpStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self::Fresh(Some(socket)))
    }

    /// Whether a task is woken when bytes come.
    pub(super) fn is_watched(&self) -> bool {
        matches!(self, Self::Watched(_))
    }

    /// The socket, watched from now on.
    pub(super) fn watch(&mut self) -> io::Result<&mut TokioIo<TcpStream>> {
        if let Self::Fresh(socket) = self {
            let socket = socket.take().ok_or(io::ErrorKind::NotConnected)?;
            *self = Self::Watched(TokioIo::new(TcpStream::from_std(socket)?));
        }
        match self {
            Self::Watched(io) => Ok(io),
            Self::Fresh(_) => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// The bytes that have come by now, if the socket is not watched; none also at the end.
    pub(super) fn read_fresh(&self) -> io::Result<Bytes> {
        let Self::Fresh(Some(socket)) = self else { return Ok(Bytes::new()) };
        let (mut socket, mut bytes) = (socket, [0; FIRST_BYTES]);
        match socket.read(&mut bytes) {
            Ok(count) => Ok(Bytes::copy_from_slice(&bytes[..count])),
            Err(error) if is_not_now(&error) => Ok(Bytes::new()),
            Err(error) => Err(error),
        }
    }

    /// Writes what the socket takes at once, if it is not watched; `None` if it takes nothing.
    pub(super) fn write_fresh(&self, pieces: &[IoSlice<'_>]) -> Option<io::Result<usize>> {
        let Self::Fresh(Some(socket)) = self else { return None };
        let mut socket = socket;
        let wrote = match pieces {
            [only] => socket.write(only),
            several => socket.write_vectored(several),
        };
        (!wrote.as_ref().is_err_and(is_not_now)).then_some(wrote)
    }

    /// The socket, no longer watched.
    pub(super) fn into_std(self) -> io::Result<net::TcpStream> {
        match self {
            Self::Fresh(socket) => socket.ok_or_else(|| io::ErrorKind::NotConnected.into()),
            Self::Watched(io) => io.into_inner().into_std(),
        }
    }
}

fn is_not_now(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
