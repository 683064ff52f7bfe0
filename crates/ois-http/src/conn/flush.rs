//! What is on its way out, written: the connection's own frames and the log from its place on.

use std::{
    io::{self, IoSlice},
    os::fd::{AsFd, BorrowedFd},
};

use ois_protocol::{ServerFrame, Timestamp};
use rustix::net::SendFlags;

use super::{Conn, Out, Place};
use crate::{
    codec,
    tail::{Stretch, Tail},
};

/// How a flush ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Everything there is has been written.
    Done,
    /// The socket takes no more for now.
    Blocked,
    /// What comes next is on disk.
    Behind,
    /// Everything was said; the socket can be closed.
    Finished,
}

/// What the log has for a connection that wants nothing else, ready to be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct News<'a> {
    /// Looked up with the rest, so that its line of memory has come by the time of the call.
    socket: BorrowedFd<'a>,
    bytes: &'a [u8],
    /// Where in the tail they begin.
    offset: u64,
}

impl Conn {
    /// Writes what is new unless the socket is known to take nothing. Whatever needs waiting for is
    /// left to the connection's own task.
    pub(crate) fn sweep(&self, tail: &Tail, now: Timestamp) {
        self.send(self.news(tail), tail, now);
    }

    /// What a sweep can send with one call; `None` if there is more to do than that.
    pub(crate) fn news<'a>(&'a self, tail: &'a Tail) -> Option<News<'a>> {
        let Place::Tail(offset) = self.place.get() else { return None };
        let bytes = tail.rest(offset, self.visibility.get()).filter(|_| self.is_plain.get())?;
        Some(News { socket: self.stream.as_fd(), bytes, offset })
    }

    /// Whether nothing is to be sent.
    pub(crate) fn has_all(&self, tail: &Tail) -> bool {
        self.news(tail).is_some_and(|news| news.bytes.is_empty())
    }

    /// Sends the news that it was just found to have, or whatever else it waits for.
    pub(crate) fn send(&self, news: Option<News<'_>>, tail: &Tail, now: Timestamp) {
        if news.is_some_and(|news| self.keep_up(news)) || self.is_blocked() {
            return;
        }
        if !matches!(self.flush(tail, now), Ok(Flow::Done)) {
            self.bell.ring();
        }
    }

    /// Sends with one call, past the runtime. Answers whether it has everything now; if not,
    /// [`Conn::flush`] meets the same obstacle.
    fn keep_up(&self, News { socket, bytes, offset }: News<'_>) -> bool {
        if bytes.is_empty() {
            return true;
        }
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let Ok(sent) = rustix::net::send(socket, bytes, flags) else { return false };
        self.metrics.bytes_out.add(sent as u64);
        self.place.set(Place::Tail(offset + sent as u64));
        sent == bytes.len()
    }

    /// Puts whole frames in line that are kept for others as well: what the socket takes at once is
    /// not copied.
    pub(crate) fn put_shared(&self, frames: &[u8]) {
        let mut out = self.out();
        if out.closing {
            return;
        }
        let own = out.own.len() - out.sent;
        let slices = [IoSlice::new(&out.own[out.sent..]), IoSlice::new(frames)];
        // Whatever is wrong is met again by the flush that follows.
        let wrote =
            if out.blocked { 0 } else { self.stream.try_write_vectored(&slices).unwrap_or(0) };
        let of_own = wrote.min(own);
        self.own_is_out(&mut out, of_own);
        self.metrics.bytes_out.add((wrote - of_own) as u64);
        out.own.extend_from_slice(&frames[wrote - of_own..]);
    }

    /// Moves it off the tail if its place there is before `from`; the frame that it is in the middle
    /// of is finished from what is left of it.
    pub(crate) fn leave_tail(&self, tail: &Tail, from: u64) {
        let Place::Tail(offset) = self.place.get() else { return };
        if offset < from {
            let (rest, sent) = tail.rest_of_frame(offset);
            // Mid-frame nothing of `own` is out: frames are never split.
            self.out().own.splice(0..0, rest.iter().copied());
            self.place.set(Place::Behind(sent));
        }
    }

    /// Writes until everything is out or the socket takes no more.
    pub(crate) fn flush(&self, tail: &Tail, now: Timestamp) -> io::Result<Flow> {
        let mut out = self.out();
        if out.abandoned {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let was_blocked = std::mem::take(&mut out.blocked);
        loop {
            match self.flush_once(&mut out, tail) {
                Ok(Some(flow)) => {
                    self.is_plain.set(flow == Flow::Done);
                    return Ok(flow);
                }
                Ok(None) => out.progress = now,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !was_blocked {
                        out.progress = now;
                    }
                    out.blocked = true;
                    return Ok(Flow::Blocked);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// One system call, or what to do when none is needed.
    fn flush_once(&self, out: &mut Out, tail: &Tail) -> io::Result<Option<Flow>> {
        if out.sent < out.own.len() {
            self.write_own(out, tail)?;
            return Ok(None);
        }
        if out.closing {
            return Ok(Some(Flow::Finished));
        }
        let offset = match self.place.get() {
            Place::Nowhere => return Ok(Some(Flow::Done)),
            Place::Behind(_) => return Ok(Some(Flow::Behind)),
            Place::Tail(offset) => offset,
        };
        if offset < tail.end() {
            self.place.set(Place::Tail(self.write_shown(offset, tail)?));
            return Ok(None);
        }
        if !out.newest.is_empty() {
            let newest = std::mem::take(&mut out.newest);
            newest.values().for_each(|json| codec::write_text(&mut out.own, json));
            return Ok(None);
        }
        if std::mem::take(&mut out.resuming) {
            let frame = ServerFrame::CaughtUp { id: tail.head() };
            let json = serde_json::to_vec(&frame).expect("frames have only text keys");
            codec::write_text(&mut out.own, &json);
            return Ok(None);
        }
        Ok(Some(Flow::Done))
    }

    /// Writes what is shown after this offset; answers with the offset up to which all of it is out.
    fn write_shown(&self, offset: u64, tail: &Tail) -> io::Result<u64> {
        let mut stretches = [Stretch::default(); SLICES];
        let count = tail.stretches(offset, self.visibility.get(), &mut stretches);
        let mut wrote = match &stretches[..count] {
            [] => return Ok(tail.end()),
            [only] => self.stream.try_write(only.bytes)?,
            several => {
                let slices = several.iter().map(|stretch| IoSlice::new(stretch.bytes));
                let mut filled = [IoSlice::new(&[]); SLICES];
                filled.iter_mut().zip(slices).for_each(|(place, slice)| *place = slice);
                self.stream.try_write_vectored(&filled[..count])?
            }
        };
        self.metrics.bytes_out.add(wrote as u64);
        let mut out = offset;
        for stretch in &stretches[..count] {
            let took = wrote.min(stretch.bytes.len());
            out = stretch.start + took as u64;
            wrote -= took;
            if wrote == 0 {
                break;
            }
        }
        Ok(out)
    }

    fn write_own(&self, out: &mut Out, tail: &Tail) -> io::Result<()> {
        if let Place::Tail(offset) = self.place.get() {
            let (rest, _) = tail.rest_of_frame(offset);
            if !rest.is_empty() {
                let wrote = self.stream.try_write(rest)?;
                self.metrics.bytes_out.add(wrote as u64);
                self.place.set(Place::Tail(offset + wrote as u64));
                return Ok(());
            }
        }
        let wrote = self.stream.try_write(&out.own[out.sent..])?;
        self.own_is_out(out, wrote);
        Ok(())
    }

    /// So many bytes more of `own` are out.
    fn own_is_out(&self, out: &mut Out, wrote: usize) {
        self.metrics.bytes_out.add(wrote as u64);
        out.sent += wrote;
        if out.sent == out.own.len() {
            // An idle connection keeps no buffer; one that is behind fills it again at once.
            match self.place.get() {
                Place::Behind(_) => out.own.clear(),
                Place::Nowhere | Place::Tail(_) => out.own = Vec::new(),
            }
            out.sent = 0;
        }
    }
}

/// Slices for one system call; each is a stretch of the tail.
const SLICES: usize = 16;

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, sync::Arc};

    use ois_chat::{Visibility, team::ConnId};
    use ois_protocol::EventId;
    use tokio::net::TcpStream;

    use super::*;
    use crate::{
        metrics::Metrics,
        tail::tests::{add, record},
    };

    const NOON: Timestamp = Timestamp::from_ms(1_771_200_000_000);

    /// A connection that follows the log from here on, and its peer.
    async fn follow(tail: &Tail) -> (Conn, std::net::TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (peer, address) = listener.accept().unwrap();
        let conn = Conn::new(ConnId(1), address, stream, Arc::new(Metrics::new()), NOON);
        conn.follow(Place::Tail(tail.end()), Visibility::default());
        conn.stream.writable().await.unwrap();
        (conn, peer)
    }

    #[tokio::test]
    async fn a_peer_that_was_idle_for_long_stalls_from_when_it_takes_nothing() {
        let mut tail = Tail::new(EventId::ZERO, 64 << 20);
        let (conn, _peer) = follow(&tail).await;
        conn.sweep(&tail, NOON);
        assert_eq!(conn.stalled_since(), None);
        let mut now = NOON.after_ms(3_600_000);
        for id in 1.. {
            add(&mut tail, &[record(id, 60_000)]);
            conn.sweep(&tail, now);
            if conn.stalled_since().is_some() {
                break;
            }
            now = now.after_ms(1000);
        }
        assert_eq!(conn.stalled_since(), Some(now));
        conn.sweep(&tail, now.after_ms(1000));
        assert_eq!(conn.stalled_since(), Some(now), "a sweep passes it by");
    }
}
