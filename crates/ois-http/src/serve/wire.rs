//! A socket as hyper uses it, with a limit for a peer that takes nothing.
//!
//! It can be taken back from hyper between two answers, and given to it again with what had
//! already been read.

use std::{
    future::Future,
    io::{self, IoSlice},
    net,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    time::{Sleep, sleep},
};

use super::socket::Socket;

/// A peer's socket, with bytes that were read before.
pub(super) struct Wire {
    socket: Socket,
    /// Bytes that were read before and not used.
    unread: Bytes,
    signs: Arc<Signs>,
    /// How long the peer may take no bytes.
    stall: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

/// What can be seen of a wire while hyper has it. One task sets these and reads them.
#[derive(Debug, Default)]
pub(super) struct Signs {
    /// Bytes have come since this was last taken back.
    pub(super) heard: Sign,
    /// Everything that was written is out.
    pub(super) flushed: Sign,
    /// The socket has to be watched. Until then what cannot be read or written at once is put off,
    /// since hyper also reads when it needs nothing more.
    pub(super) waits: Sign,
}

/// A flag for something that has happened, or not yet.
#[derive(Debug, Default)]
pub(super) struct Sign(AtomicBool);

impl Sign {
    /// Notes that it has happened.
    pub(super) fn give(&self) {
        self.0.store(true, Relaxed);
    }

    /// Notes that it has not happened yet, or not again.
    pub(super) fn take_back(&self) {
        self.0.store(false, Relaxed);
    }

    /// Whether it has happened.
    pub(super) fn is_given(&self) -> bool {
        self.0.load(Relaxed)
    }
}

impl Wire {
    /// A socket that was just accepted, with the bytes that have come by now. A peer that takes no
    /// bytes for as long as `stall` is given up.
    pub(super) fn new(socket: net::TcpStream, stall: Duration) -> io::Result<Self> {
        let (socket, signs) = (Socket::new(socket)?, Arc::<Signs>::default());
        let unread = socket.read_fresh()?;
        if unread.is_empty() {
            signs.waits.give();
        }
        Ok(Self { socket, unread, signs, stall, stalled: None })
    }

    /// The flags that can be seen from outside while hyper has the wire.
    pub(super) fn signs(&self) -> Arc<Signs> {
        Arc::clone(&self.signs)
    }

    /// The socket, for a caller that writes to it without hyper.
    pub(super) fn socket(&mut self) -> io::Result<&TcpStream> {
        Ok(self.socket.watch()?.inner())
    }

    /// Bytes that have come and were not read from the wire.
    pub(super) fn unread(&self) -> &[u8] {
        &self.unread
    }

    /// The same wire, from which these bytes are read first.
    pub(super) fn reading_first(mut self, read: Bytes) -> Self {
        self.unread =
            if self.unread.is_empty() { read } else { [read, self.unread].concat().into() };
        self
    }

    /// The socket, and the bytes that were read from it and not used.
    pub(super) fn into_parts(self) -> io::Result<(net::TcpStream, Bytes)> {
        Ok((self.socket.into_std()?, self.unread))
    }

    /// The watched socket, once it has to be watched.
    fn watched(&mut self) -> Poll<io::Result<Pin<&mut TokioIo<TcpStream>>>> {
        if !self.socket.is_watched() && !self.signs.waits.is_given() {
            return Poll::Pending;
        }
        Poll::Ready(self.socket.watch().map(Pin::new))
    }

    /// The outcome of a write, or an error if the peer has taken no bytes for too long.
    fn waited<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stalled = None;
            return outcome;
        }
        let stall = self.stall;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(stall)));
        stalled.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.unread.is_empty() {
            let most = self.unread.len().min(into.remaining());
            into.put_slice(&self.unread.split_to(most));
            self.signs.heard.give();
            return Poll::Ready(Ok(()));
        }
        let read = ready!(self.watched())?.poll_read(cx, into);
        if read.is_ready() {
            self.signs.heard.give();
        }
        read
    }
}

impl Write for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.signs.flushed.take_back();
        let written = match self.socket.write_fresh(pieces) {
            Some(written) => Poll::Ready(written),
            None => match self.watched() {
                Poll::Ready(io) => io?.poll_write_vectored(cx, pieces),
                Poll::Pending => Poll::Pending,
            },
        };
        self.waited(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Asked for once nothing is left to be written, and nothing is kept on the way to the socket.
        self.signs.flushed.give();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.socket.watch()?).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, task::Waker};

    use tokio::{io::AsyncWriteExt, net::TcpListener};

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (near, listener.accept().await.unwrap().0)
    }

    fn wire(near: TcpStream, stall: Duration) -> Wire {
        Wire::new(near.into_std().unwrap(), stall).unwrap()
    }

    /// Reads once, at the most ten bytes; `None` if it would have to wait.
    fn read(wire: &mut Wire) -> Option<Vec<u8>> {
        let mut bytes = [0; 10];
        let mut into = hyper::rt::ReadBuf::new(&mut bytes);
        let mut cx = Context::from_waker(Waker::noop());
        let read = Pin::new(wire).poll_read(&mut cx, into.unfilled());
        read.is_ready().then(|| into.filled().to_vec())
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_given_up() {
        let (near, _far) = pair().await;
        let mut wire = wire(near, Duration::from_secs(600));
        let ended = loop {
            let write = poll_fn(|cx| Pin::new(&mut wire).poll_write(cx, &[0; 1 << 16]));
            if let Err(error) = write.await {
                break error.kind();
            }
        };
        assert_eq!(ended, io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn what_was_read_before_is_read_again_and_in_order() {
        let (near, _far) = pair().await;
        let wire = wire(near, Duration::MAX).reading_first(Bytes::from_static(b"second"));
        let mut wire = wire.reading_first(Bytes::from_static(b"first "));
        assert_eq!(read(&mut wire).unwrap(), b"first seco");
        assert_eq!(wire.into_parts().unwrap().1, "nd");
    }

    #[tokio::test]
    async fn a_request_is_answered_before_the_socket_is_watched() {
        let (near, mut far) = pair().await;
        far.write_all(b"ask").await.unwrap();
        near.readable().await.unwrap();
        let mut wire = wire(near, Duration::MAX);
        assert_eq!(read(&mut wire).unwrap(), b"ask");
        let answered = poll_fn(|cx| Pin::new(&mut wire).poll_write(cx, b"answer")).await;
        assert_eq!(answered.unwrap(), 6);
        assert!(read(&mut wire).is_none() && !wire.socket.is_watched());
        wire.signs().waits.give();
        assert!(read(&mut wire).is_none() && wire.socket.is_watched());
        far.write_all(b"again").await.unwrap();
        wire.socket().unwrap().readable().await.unwrap();
        assert_eq!(read(&mut wire).unwrap(), b"again");
    }
}
