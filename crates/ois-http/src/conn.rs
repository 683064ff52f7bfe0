//! One WebSocket's outgoing half: what it still has to be sent is a place in the log.
//!
//! A [`Conn`] is up to date, blocked on a socket that takes no more, or behind the tail. The sweep
//! writes to those that are up to date; for the other two their own task waits (`ws.rs`). Its own
//! frames (`ack`, `error`, `pong`) go between log frames, never inside one.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    io::{self, IoSlice},
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
};

use ois_auth::Token;
use ois_chat::{Session, session};
use ois_protocol::{EventId, ServerFrame, ShortName, Timestamp};
use tokio::{net::TcpStream, sync::Notify};

use crate::{
    codec,
    metrics::Metrics,
    sight::Sight,
    tail::{Stretch, Tail},
};

/// An open connection.
#[derive(Debug)]
pub(crate) struct Conn {
    /// Counts up from 1 with each connection.
    pub(crate) number: u64,
    /// From where.
    pub(crate) peer: SocketAddr,
    /// Who and what for.
    pub(crate) session: RefCell<Session>,
    /// By what it proved who it is, to be checked again when the keyring changes.
    pub(crate) proof: RefCell<Proof>,
    /// Wakes the connection's own task.
    pub(crate) wake: Notify,
    /// Its peer is not read from for a while, so that its silence says nothing.
    waited_for: Cell<bool>,
    /// The socket; only tried, never waited for, except by the connection's own task.
    pub(crate) stream: TcpStream,
    metrics: Arc<Metrics>,
    out: RefCell<Out>,
    /// The second in which it last told an activity, and how many it has told in it.
    told: Cell<(u64, u32)>,
}

/// By what a connection proved who it is.
#[derive(Clone, Debug, Default)]
pub(crate) enum Proof {
    /// Nothing yet.
    #[default]
    None,
    /// A session's token, be it the cookie's.
    Session(Token),
    /// An agent's token.
    Agent(Token),
}

/// What is on its way out.
#[derive(Debug)]
struct Out {
    place: Place,
    /// What of the log it is shown.
    sight: Sight,
    /// Whole frames that go before anything else of the log: the connection's own, and what was
    /// read from disk for one that is behind.
    own: Vec<u8>,
    /// How much of `own` is written.
    sent: usize,
    /// The socket takes no more for now.
    blocked: bool,
    /// To be told when it has reached the head.
    resuming: bool,
    /// Nothing follows what is in `own`.
    closing: bool,
    /// Given up: nothing more is written, said or not.
    abandoned: bool,
    /// When the socket last took a byte.
    progress: Timestamp,
    /// What each agent is doing, for a peer that cannot take it now: only the newest counts.
    newest: BTreeMap<ShortName, Rc<[u8]>>,
}

/// What a connection has been sent of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It does not follow the log.
    Nowhere,
    /// Everything before this offset in the tail.
    Tail(u64),
    /// Everything up to this event, which is older than the tail.
    Behind(EventId),
}

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

/// A peer that does not read its own frames is not read from above this many bytes.
const OWN_LIMIT: usize = 1 << 20;
/// What a monitor may tell of its agent's activity in a second.
const ACTIVITIES_A_SECOND: u32 = 20;
/// Slices for one system call; each is a stretch of the tail.
const SLICES: usize = 16;

impl Conn {
    /// A connection that has said nothing yet.
    pub(crate) fn new(
        number: u64,
        peer: SocketAddr,
        stream: TcpStream,
        metrics: Arc<Metrics>,
        now: Timestamp,
    ) -> Self {
        let out = Out {
            place: Place::Nowhere,
            sight: Sight::default(),
            own: Vec::new(),
            sent: 0,
            blocked: false,
            resuming: false,
            closing: false,
            abandoned: false,
            progress: now,
            newest: BTreeMap::new(),
        };
        Self {
            number,
            peer,
            session: RefCell::new(Session::open(now)),
            proof: RefCell::default(),
            wake: Notify::new(),
            waited_for: Cell::new(false),
            stream,
            metrics,
            out: RefCell::new(out),
            told: Cell::new((0, 0)),
        }
    }

    /// Puts a frame of the connection's own in line.
    pub(crate) fn say(&self, frame: &ServerFrame) {
        let json = serde_json::to_vec(frame).expect("frames have only text keys");
        self.put(|own| codec::write_text(own, &json));
    }

    /// Shows what an agent is doing now. A peer that takes nothing for the moment is shown only the
    /// newest of each agent when it takes something again.
    pub(crate) fn say_newest(&self, agent: &ShortName, json: &Rc<[u8]>) {
        let mut out = self.out.borrow_mut();
        if out.closing {
            return;
        }
        if out.blocked || !out.own.is_empty() {
            out.newest.insert(agent.clone(), Rc::clone(json));
        } else {
            codec::write_text(&mut out.own, json);
        }
    }

    /// Whether another activity may be told in this second. They are worth little: the rest is
    /// dropped.
    pub(crate) fn may_tell_activity(&self, now: Timestamp) -> bool {
        let second = now.ms() / 1000;
        let (last, count) = self.told.get();
        let count = if last == second { count + 1 } else { 1 };
        self.told.set((second, count));
        count <= ACTIVITIES_A_SECOND
    }

    /// Puts whole frames in line.
    pub(crate) fn put(&self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut out = self.out.borrow_mut();
        if !out.closing {
            write(&mut out.own);
        }
    }

    /// Says good-bye after what is in line.
    pub(crate) fn close(&self, code: u16) {
        self.put(|own| codec::write_close(own, code));
        self.out.borrow_mut().closing = true;
        self.wake.notify_one();
    }

    /// Gives the peer up without a word.
    pub(crate) fn abandon(&self) {
        self.out.borrow_mut().abandoned = true;
        self.wake.notify_one();
    }

    /// Lets it follow the log from here; with `resuming`, it is told when it has caught up.
    pub(crate) fn follow(&self, place: Place, resuming: bool) {
        let sight = Sight::of(&self.session.borrow());
        let mut out = self.out.borrow_mut();
        out.place = place;
        out.sight = sight;
        out.resuming = resuming;
    }

    /// It goes on from here.
    pub(crate) fn move_to(&self, place: Place) {
        self.out.borrow_mut().place = place;
    }

    /// A buffer for more of the log: the one that the piece before it was in, if that is out.
    pub(crate) fn spare(&self) -> Vec<u8> {
        let mut out = self.out.borrow_mut();
        if out.own.is_empty() { std::mem::take(&mut out.own) } else { Vec::new() }
    }

    /// Puts frames in line that were read from disk up to this place.
    pub(crate) fn pass(&self, frames: Vec<u8>, place: Place) {
        let mut out = self.out.borrow_mut();
        out.place = place;
        // An empty one is kept only while more is to be read.
        let is_wanted = !frames.is_empty() || matches!(place, Place::Behind(_));
        if out.closing || !is_wanted {
            return;
        }
        if out.own.is_empty() {
            out.own = frames;
        } else {
            out.own.extend_from_slice(&frames);
        }
    }

    /// What it has been sent of the log.
    pub(crate) fn place(&self) -> Place {
        self.out.borrow().place
    }

    /// What of the log it is shown.
    pub(crate) fn sight(&self) -> Sight {
        self.out.borrow().sight
    }

    /// Whether its peer should be read from.
    pub(crate) fn wants_input(&self) -> bool {
        let out = self.out.borrow();
        !out.closing && out.own.len() - out.sent < OWN_LIMIT
    }

    /// Whether its socket took no more the last time.
    pub(crate) fn is_blocked(&self) -> bool {
        self.out.borrow().blocked
    }

    /// Whether nothing more will be read or said.
    pub(crate) fn is_closing(&self) -> bool {
        self.out.borrow().closing
    }

    /// Says whether its peer is not read from for a while.
    pub(crate) fn set_waited_for(&self, waited_for: bool) {
        self.waited_for.set(waited_for);
    }

    /// Whether its peer is not read from for a while.
    pub(crate) fn is_waited_for(&self) -> bool {
        self.waited_for.get()
    }

    /// Since when its socket has taken nothing although something waits; `None` if nothing does.
    pub(crate) fn stalled_since(&self) -> Option<Timestamp> {
        let out = self.out.borrow();
        out.blocked.then_some(out.progress)
    }

    /// The sweep's turn: writes what is new unless the socket is known to take nothing. Whatever
    /// needs waiting for is left to the connection's own task.
    pub(crate) fn sweep(&self, tail: &Tail, now: Timestamp) {
        if self.is_blocked() {
            return;
        }
        if !matches!(self.flush(tail, now), Ok(Flow::Done)) {
            self.wake.notify_one();
        }
    }

    /// Moves it off the tail if its place there is before `from`; the frame that it is in the middle
    /// of is finished from what is left of it.
    pub(crate) fn leave_tail(&self, tail: &Tail, from: u64) {
        let mut out = self.out.borrow_mut();
        let Place::Tail(offset) = out.place else { return };
        if offset < from {
            let (rest, sent) = tail.rest_of_frame(offset);
            // Mid-frame nothing of `own` is out: frames are never split.
            out.own.splice(0..0, rest.iter().copied());
            out.place = Place::Behind(sent);
        }
    }

    /// Writes until everything is out or the socket takes no more.
    pub(crate) fn flush(&self, tail: &Tail, now: Timestamp) -> io::Result<Flow> {
        let mut out = self.out.borrow_mut();
        if out.abandoned {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        out.blocked = false;
        loop {
            match self.flush_once(&mut out, tail) {
                Ok(Some(flow)) => return Ok(flow),
                Ok(None) => out.progress = now,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
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
        let offset = match out.place {
            Place::Nowhere => return Ok(Some(Flow::Done)),
            Place::Behind(_) => return Ok(Some(Flow::Behind)),
            Place::Tail(offset) => offset,
        };
        if offset < tail.end() {
            out.place = Place::Tail(self.write_shown(offset, out.sight, tail)?);
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
    fn write_shown(&self, offset: u64, sight: Sight, tail: &Tail) -> io::Result<u64> {
        let mut stretches = [Stretch::default(); SLICES];
        let count = tail.stretches(offset, sight, &mut stretches);
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
        if let Place::Tail(offset) = out.place {
            let (rest, _) = tail.rest_of_frame(offset);
            if !rest.is_empty() {
                let wrote = self.stream.try_write(rest)?;
                self.metrics.bytes_out.add(wrote as u64);
                out.place = Place::Tail(offset + wrote as u64);
                return Ok(());
            }
        }
        let wrote = self.stream.try_write(&out.own[out.sent..])?;
        self.metrics.bytes_out.add(wrote as u64);
        out.sent += wrote;
        if out.sent == out.own.len() {
            // An idle connection keeps no buffer; one that is behind fills it again at once.
            match out.place {
                Place::Behind(_) => out.own.clear(),
                Place::Nowhere | Place::Tail(_) => out.own = Vec::new(),
            }
            out.sent = 0;
        }
        Ok(())
    }

    /// Answers a draft that is durable.
    pub(crate) fn ack(&self, nonce: ois_protocol::Nonce, id: EventId, duplicate: bool) {
        self.say(&session::ack(nonce, id, duplicate));
    }
}
