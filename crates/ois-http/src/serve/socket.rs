//! A peer's socket, watched (by epoll) only once it has to be waited for.
//!
//! Who has asked for all of it at once, as members do, takes the answer at once and stays on the hot
//! loop is never watched here: that would be two system calls, and a turn of an event loop.

use std::{
    io::{self, IoSlice, Read, Write},
    net,
};

use bytes::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A socket that does not block, and whether somebody is told when something comes.
#[derive(Debug)]
pub(super) enum Socket {
    /// Nobody yet. It is taken out only to be watched, so it is missing where that failed.
    Fresh(Option<net::TcpStream>),
    /// The task that has it.
    Watched(TokioIo<TcpStream>),
}

/// Read at first: a request's head, most of the time.
const FIRST_BYTES: usize = 2048;

impl Socket {
    /// A socket that was just accepted.
    pub(super) fn new(socket: net::TcpStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self::Fresh(Some(socket)))
    }

    /// Whether somebody is told when something comes.
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

    /// What has come by now, if nobody watches; nothing as well where that is the end.
    pub(super) fn read_fresh(&self) -> io::Result<Bytes> {
        let Self::Fresh(Some(socket)) = self else { return Ok(Bytes::new()) };
        let (mut socket, mut bytes) = (socket, [0; FIRST_BYTES]);
        match socket.read(&mut bytes) {
            Ok(count) => Ok(Bytes::copy_from_slice(&bytes[..count])),
            Err(error) if is_not_now(&error) => Ok(Bytes::new()),
            Err(error) => Err(error),
        }
    }

    /// Writes what it takes at once, if nobody watches; `None` if that is nothing.
    pub(super) fn write_fresh(&self, pieces: &[IoSlice<'_>]) -> Option<io::Result<usize>> {
        let Self::Fresh(Some(socket)) = self else { return None };
        let mut socket = socket;
        let wrote = match pieces {
            [only] => socket.write(only),
            several => socket.write_vectored(several),
        };
        (!wrote.as_ref().is_err_and(is_not_now)).then_some(wrote)
    }

    /// The socket, watched by nobody.
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
