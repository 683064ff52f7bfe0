//! One WebSocket's outgoing half: what it still has to be sent is a place in the log.
//!
//! A [`Conn`] is up to date, blocked on a socket that takes no more, or behind the tail. The sweep
//! writes to those that are up to date; for the other two their own task waits (`ws.rs`). Its own
//! frames (`ack`, `error`, `pong`) go between log frames, never inside one.

mod flush;

use std::{
    cell::{Cell, RefCell, RefMut},
    collections::BTreeMap,
    io,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
};

use ois_auth::Token;
use ois_chat::{Beat, Liveness, Visibility, team::ConnId};
use ois_protocol::{EventId, ServerFrame, ShortName, Timestamp};
use rustix::net::RecvFlags;
use tokio::{io::Interest, net::TcpStream};

pub(crate) use self::flush::Flow;
use crate::{bell::Bell, codec, follow, metrics::Metrics};

/// An open connection. What a sweep looks at comes first, so that with thousands of connections it
/// touches two lines of memory of each and not six: see docs/performance.md.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Conn {
    place: Cell<Place>,
    /// What of the log it is shown.
    visibility: Cell<Visibility>,
    /// Nothing is to be done for it but to send on the log: the rest of `out` is empty.
    is_plain: Cell<bool>,
    /// The socket; only tried, never waited for, except by the connection's own task.
    pub(crate) stream: TcpStream,
    metrics: Arc<Metrics>,
    /// Its number, which grows with each connection.
    pub(crate) id: ConnId,
    /// From where.
    pub(crate) peer: SocketAddr,
    /// When its peer was last heard.
    liveness: Cell<Liveness>,
    /// By what it proved who it is, to be checked again when the keyring changes.
    pub(crate) proof: RefCell<Proof>,
    /// Calls the connection's own task.
    pub(crate) bell: Bell,
    /// Its peer is not read from for a while, so that its silence says nothing.
    waited_for: Cell<bool>,
    out: RefCell<Out>,
    /// How many messages of history it still has to be sent from disk.
    history: Cell<Option<usize>>,
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

/// What is on its way out, beside the log.
#[derive(Debug)]
struct Out {
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
    /// When the socket last took a byte, or the first time that it took none.
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

/// A peer that does not read its own frames is not read from above this many bytes.
const OWN_LIMIT: usize = 1 << 20;

impl Conn {
    /// A connection that has said nothing yet.
    pub(crate) fn new(
        id: ConnId,
        peer: SocketAddr,
        stream: TcpStream,
        metrics: Arc<Metrics>,
        now: Timestamp,
    ) -> Self {
        let out = Out {
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
            place: Cell::new(Place::Nowhere),
            visibility: Cell::default(),
            is_plain: Cell::new(false),
            stream,
            metrics,
            id,
            peer,
            liveness: Cell::new(Liveness::new(now)),
            proof: RefCell::default(),
            bell: Bell::default(),
            waited_for: Cell::new(false),
            out: RefCell::new(out),
            history: Cell::new(None),
        }
    }

    /// What is on its way out, to be changed: the next sweep looks at it.
    fn out(&self) -> RefMut<'_, Out> {
        self.is_plain.set(false);
        self.out.borrow_mut()
    }

    /// Puts a frame of the connection's own in line.
    pub(crate) fn say(&self, frame: &ServerFrame) {
        self.say_json(&follow::json(frame));
    }

    /// Puts a frame of the connection's own in line that is JSON already.
    pub(crate) fn say_json(&self, json: &[u8]) {
        self.put(|own| codec::write_text(own, json));
    }

    /// Shows what an agent is doing now. A peer that takes nothing for the moment is shown only the
    /// newest of each agent when it takes something again.
    pub(crate) fn say_newest(&self, agent: Option<&ShortName>, json: &Rc<[u8]>) {
        let mut out = self.out();
        if out.closing {
            return;
        }
        match agent {
            Some(agent) if out.blocked || !out.own.is_empty() => {
                out.newest.insert(agent.clone(), Rc::clone(json));
            }
            _ => codec::write_text(&mut out.own, json),
        }
    }

    /// Puts whole frames in line.
    pub(crate) fn put(&self, write: impl FnOnce(&mut Vec<u8>)) {
        let mut out = self.out();
        if !out.closing {
            write(&mut out.own);
        }
    }

    /// Says good-bye after what is in line.
    pub(crate) fn close(&self, code: u16) {
        self.put(|own| codec::write_close(own, code));
        self.out().closing = true;
        self.bell.ring();
    }

    /// Gives the peer up without a word.
    pub(crate) fn abandon(&self) {
        self.out().abandoned = true;
        self.bell.ring();
    }

    /// Lets it follow the log from here, and shows it this much of it.
    pub(crate) fn follow(&self, place: Place, visibility: Visibility) {
        self.place.set(place);
        self.visibility.set(visibility);
        self.out().resuming = false;
    }

    /// Has its task send so many messages of history from disk.
    pub(crate) fn want_history(&self, count: usize) {
        self.history.set(Some(count));
        self.bell.ring();
    }

    /// How many messages of history its task is to send from disk, if any.
    pub(crate) fn take_wanted_history(&self) -> Option<usize> {
        self.history.take()
    }

    /// Tells it when it has caught up with the log.
    pub(crate) fn resume(&self) {
        self.out().resuming = true;
    }

    /// Its peer sent something.
    pub(crate) fn heard(&self, now: Timestamp) {
        let mut liveness = self.liveness.get();
        liveness.heard(now);
        self.liveness.set(liveness);
    }

    /// What is to be done about a peer that may be silent, once in half a ping interval.
    pub(crate) fn beat(&self, now: Timestamp, ping_ms: u64) -> Option<Beat> {
        let mut liveness = self.liveness.get();
        let beat = liveness.tick(now, ping_ms);
        self.liveness.set(liveness);
        beat
    }

    /// It goes on from here.
    pub(crate) fn move_to(&self, place: Place) {
        self.place.set(place);
    }

    /// A buffer for more of the log: the one that the piece before it was in, if that is out.
    pub(crate) fn spare(&self) -> Vec<u8> {
        let mut out = self.out();
        if out.own.is_empty() { std::mem::take(&mut out.own) } else { Vec::new() }
    }

    /// Puts frames in line that were read from disk up to this place.
    pub(crate) fn pass(&self, frames: Vec<u8>, place: Place) {
        self.place.set(place);
        let mut out = self.out();
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
        self.place.get()
    }

    /// What of the log it is shown.
    pub(crate) fn visibility(&self) -> Visibility {
        self.visibility.get()
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

    /// Reads what is there: straight from the kernel, which is cheaper than through libc.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let receive = || {
            let (_, count) = rustix::net::recv(&self.stream, &mut *buffer, RecvFlags::DONTWAIT)?;
            Ok(count)
        };
        self.stream.try_io(Interest::READABLE, receive)
    }

    /// Since when its socket has taken nothing although something waits; `None` if nothing does.
    pub(crate) fn stalled_since(&self) -> Option<Timestamp> {
        let out = self.out.borrow();
        out.blocked.then_some(out.progress)
    }
}
