//! The team's hot loop: one thread that owns every connection, the room and the tail.
//!
//! One tick: read every socket that is ready (`ws.rs`), append one batch (`fanout.rs`), sweep once.
//! Nothing here is shared with another thread; commands come in through [`crate::hub::Hub`].

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
};

use ois_auth::Token;
use ois_chat::{Client, Credential, Desk, DeskSettings, Room, Session};
use ois_protocol::{
    Chat, ErrorCode, ErrorFrame, EventId, Limits, Member, NewEvent, ServerFrame, SignIn, Timestamp,
    Topic, event,
};
use ois_store::{Filter, Limit, ReadError, Store};
use tokio::sync::{Mutex, Notify, oneshot};

use crate::{
    codec,
    conn::{Conn, Place, Proof},
    conns::Conns,
    history::Histories,
    hub::Sent,
    keys::Keys,
    metrics::Metrics,
    queue::Queue,
    recall,
    reports::{self, Stopping},
    settings::BatchLimits,
    sight::Class,
    state::now,
    tail::Tail,
};

/// What the hot loop is made from.
pub(crate) struct Parts {
    /// Where the log is kept.
    pub(crate) store: Arc<dyn Store>,
    /// Who is registered and signed in.
    pub(crate) keys: Arc<Keys>,
    /// What is counted.
    pub(crate) metrics: Arc<Metrics>,
    /// How much is too much.
    pub(crate) limits: Limits,
    /// How many bytes of finished frames stay in memory.
    pub(crate) tail_bytes: usize,
    /// How much one append takes.
    pub(crate) batch: BatchLimits,
    /// What follows for agents.
    pub(crate) desk: DeskSettings,
}

/// Everything that lives on the hot loop.
pub(crate) struct Hot {
    pub(crate) store: Arc<dyn Store>,
    keys: Arc<Keys>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) limits: Limits,
    tail_bytes: usize,
    pub(crate) room: RefCell<Room>,
    pub(crate) desk: RefCell<Desk>,
    pub(crate) tail: RefCell<Tail>,
    histories: RefCell<Histories>,
    pub(crate) conns: RefCell<Conns>,
    pub(crate) queue: RefCell<Queue>,
    /// Something is in the queue.
    pub(crate) work: Notify,
    /// The queue has room again.
    pub(crate) drained: Notify,
    /// A connection has closed.
    pub(crate) gone: Notify,
    /// Held by who appends, from taking the line to showing what became of it.
    pub(crate) turn: Mutex<()>,
    /// Nobody is obeyed any more.
    pub(crate) stopping: Cell<bool>,
    opened: Cell<u64>,
    /// What the server itself wants to have stored is in line.
    pub(crate) owing: Cell<bool>,
    /// Who waits for a turn to be stopped.
    pub(crate) stops: RefCell<Vec<Stopping>>,
    /// Facts since the desk's checkpoint.
    pub(crate) facts: Cell<u64>,
    /// The event up to which that is.
    pub(crate) kept_through: Cell<EventId>,
}

/// Who is to hear what became of a draft.
pub(crate) enum Origin {
    /// A connection.
    Conn(Rc<Conn>),
    /// A request over HTTP.
    Post(oneshot::Sender<Result<Sent, ErrorFrame>>),
    /// A monitor's report, and of what; its receipt is the event itself.
    Report(Rc<Conn>, String),
    /// The server itself.
    Server,
}

impl Origin {
    /// Whether both came over the same connection.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let conn = |origin: &Self| match origin {
            Self::Conn(conn) | Self::Report(conn, _) => Some(conn.number),
            Self::Post(_) | Self::Server => None,
        };
        conn(self).is_some_and(|number| conn(other) == Some(number))
    }
}

/// What a sign-in leaves to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignedIn {
    /// Nothing.
    Ready,
    /// So many messages of history have to be read from disk: the tail does not hold them.
    NeedsHistory(usize),
    /// Nobody is signed in by that.
    Refused,
}

/// Messages that the tail is filled with at the start, as many as a history has.
const HISTORY: usize = 100;

impl Hot {
    /// Reads what is needed of the log, and is ready.
    pub(crate) async fn new(parts: Parts) -> Result<Self, ReadError> {
        let Parts { store, keys, metrics, limits, tail_bytes, batch, desk } = parts;
        let tail = read_tail(&*store, tail_bytes).await?;
        let (desk, kept_through) = recall::recall(&*store, desk).await?;
        let hot = Self {
            store,
            keys,
            metrics,
            limits,
            tail_bytes,
            room: RefCell::new(Room::new(limits, now())),
            desk: RefCell::new(desk),
            tail: RefCell::new(tail),
            histories: RefCell::default(),
            conns: RefCell::default(),
            queue: RefCell::new(Queue::new(batch)),
            work: Notify::new(),
            drained: Notify::new(),
            gone: Notify::new(),
            turn: Mutex::new(()),
            stopping: Cell::new(false),
            opened: Cell::new(0),
            owing: Cell::new(false),
            stops: RefCell::default(),
            facts: Cell::new(0),
            kept_through: Cell::new(kept_through),
        };
        hot.read_register();
        Ok(hot)
    }

    /// A number for a new connection.
    pub(crate) fn number(&self) -> u64 {
        self.opened.set(self.opened.get() + 1);
        self.opened.get()
    }

    /// Reads the log's end again after it was written past this loop (an import into an empty
    /// team). Whoever follows goes on at its end: what is old is history, not news that wakes.
    pub(crate) async fn reload(&self) -> Result<(), ReadError> {
        let _turn = self.turn.lock().await;
        let tail = read_tail(&*self.store, self.tail_bytes).await?;
        let before = self.tail.replace(tail);
        let end = Place::Tail(self.tail.borrow().end());
        for conn in self.conns.borrow().iter() {
            if matches!(conn.place(), Place::Tail(_)) {
                conn.leave_tail(&before, u64::MAX);
                conn.move_to(end);
            }
        }
        Ok(())
    }

    /// Takes over who can be mentioned, and shows out whoever is not welcome any more.
    pub(crate) fn keyring_changed(&self) {
        self.read_register();
        for conn in self.conns.borrow().iter() {
            if !self.still_welcome(conn) {
                conn.close(POLICY_VIOLATION);
            }
        }
    }

    /// Signs a connection in, or tells it that it is nobody.
    pub(crate) fn sign_in(
        &self,
        conn: &Conn,
        cookie: Option<&Token>,
        credential: Credential,
        sign_in: SignIn,
    ) -> SignedIn {
        let Some((member, proof)) = self.whose(credential, sign_in.token.as_deref(), cookie) else {
            conn.say(&conn.session.borrow().refuse());
            return SignedIn::Refused;
        };
        self.leave(conn);
        let head = self.tail.borrow().head();
        let answer = conn.session.borrow_mut().admit(
            member.clone(),
            sign_in.subscribe,
            self.store.team(),
            head,
            conn.number,
        );
        *conn.proof.borrow_mut() = proof;
        conn.say(&answer);
        self.join(conn, &member);
        self.start(conn, sign_in.after, Session::history_limit(credential))
    }

    /// Makes a draft of what a member says and puts it in line for the log, or tells whoever said it
    /// why it cannot be said. Answers whether it is in line.
    pub(crate) fn queue(
        &self,
        author: &Member,
        chat: Chat,
        origin: Origin,
        now: Timestamp,
    ) -> bool {
        let nonce = chat.nonce.clone();
        let head = self.tail.borrow().head();
        let said = self.room.borrow().say(author, chat, head);
        match said {
            Ok((draft, called)) => {
                let draft = self.desk.borrow_mut().say(draft, called, now);
                self.queue.borrow_mut().push(NewEvent::Message(draft), origin);
                self.work.notify_one();
                true
            }
            Err(error) => {
                self.refuse(origin, error.frame(nonce));
                false
            }
        }
    }

    /// How many milliseconds a member who says something now has to wait before the next.
    pub(crate) fn pace(&self, member: &Member, now: Timestamp) -> u64 {
        self.room.borrow_mut().pace(member, now)
    }

    /// Whether so much waits for the disk that nobody should be read from.
    pub(crate) fn is_full(&self) -> bool {
        self.queue.borrow().is_full()
    }

    /// The connection is no more.
    pub(crate) fn closed(&self, conn: &Conn) {
        if self.conns.borrow_mut().remove(conn.number) {
            self.leave(conn);
            self.metrics.connections.fall();
            self.gone.notify_one();
        }
    }

    /// A `history` frame of the last messages, from disk, and the place after it.
    pub(crate) async fn history_from_disk(
        &self,
        count: usize,
    ) -> Result<(Vec<u8>, Place), ReadError> {
        let head = self.tail.borrow().head();
        let mut before = head.next();
        let mut found = Vec::new();
        while found.len() < count {
            let limit = Limit { records: count, bytes: 4 << 20 };
            let records = self.store.read_before(before, &Filter::default(), limit).await?.records;
            let Some(first) = records.first() else { break };
            before = first.id;
            let is_chat = |record: &ois_store::Record| Class::of(record) == Some(Class::Chat);
            let wanted = records.into_iter().rev().filter(is_chat);
            found.extend(wanted.take(count - found.len()).map(|record| record.payload));
        }
        let messages = found.iter().rev().filter_map(|payload| event::message_json(payload));
        Ok((event::history_frame(messages), self.place_after(head)))
    }

    /// Where to read on after this event.
    pub(crate) fn place_after(&self, id: EventId) -> Place {
        self.tail.borrow().after(id).map_or(Place::Behind(id), Place::Tail)
    }

    fn read_register(&self) {
        self.room.borrow_mut().register(self.keys.ask(|keys| keys.members().cloned().collect()));
    }

    fn still_welcome(&self, conn: &Conn) -> bool {
        self.keys.ask(|keys| match &*conn.proof.borrow() {
            Proof::None => true,
            Proof::Session(token) => keys.session(token, now()).is_some(),
            Proof::Agent(token) => keys.agent(token).is_some(),
        })
    }

    /// Whose a token is. Agents' and sessions' do not stand for each other here, as of old; a
    /// session without token is the cookie's of the upgrade.
    fn whose(
        &self,
        credential: Credential,
        token: Option<&str>,
        cookie: Option<&Token>,
    ) -> Option<(Member, Proof)> {
        let cookie = cookie.filter(|_| credential == Credential::Session);
        let token = match token {
            Some(text) => Token::parse(text).ok()?,
            None => cookie?.clone(),
        };
        self.keys.ask(|keys| match credential {
            Credential::Session => Some((keys.session(&token, now())?, Proof::Session(token))),
            Credential::Agent => Some((keys.agent(&token)?, Proof::Agent(token))),
        })
    }

    /// Sends what was said before now, or lets a resuming peer read on where it was.
    fn start(&self, conn: &Conn, after: Option<EventId>, history: usize) -> SignedIn {
        let tail = self.tail.borrow();
        // Who signs in again may be in the middle of a frame: its rest goes first.
        conn.leave_tail(&tail, u64::MAX);
        if let Some(after) = after {
            if after <= tail.head() {
                conn.put(|own| codec::write_text(own, &event::history_frame([])));
                conn.follow(tail.after(after).map_or(Place::Behind(after), Place::Tail), true);
                return SignedIn::Ready;
            }
            let words = format!("this log ends at {}; here is its end", tail.head());
            conn.say(&ServerFrame::Error(ErrorFrame::new(ErrorCode::CursorAhead, words)));
        }
        let frame = self.histories.borrow_mut().of(&tail, history, self.store.oldest());
        let Some(frame) = frame else {
            conn.follow(Place::Nowhere, false);
            return SignedIn::NeedsHistory(history);
        };
        conn.put_shared(&frame);
        conn.follow(Place::Tail(tail.end()), false);
        SignedIn::Ready
    }

    fn join(&self, conn: &Conn, member: &Member) {
        let client = reports::client(&conn.session.borrow());
        let news = self.room.borrow_mut().join(member, client, now());
        if conn.session.borrow().follows(Topic::Presence) {
            for presence in self.room.borrow().online() {
                conn.say(&ServerFrame::Presence(presence));
            }
        }
        self.tell(news.map(ServerFrame::Presence), Topic::Presence, Some(conn.number));
    }

    fn leave(&self, conn: &Conn) {
        let client = reports::client(&conn.session.borrow());
        let name = conn.session.borrow().member().map(|member| member.name.clone());
        let Some(name) = name else { return };
        let news = self.room.borrow_mut().leave(&name, client, now());
        self.tell(news.map(ServerFrame::Presence), Topic::Presence, Some(conn.number));
        if client == Client::Monitor {
            self.end_activity(&name);
        }
    }

    /// Tells those who asked for it.
    pub(crate) fn tell(&self, news: Option<ServerFrame>, topic: Topic, except: Option<u64>) {
        let Some(frame) = news else { return };
        let tail = self.tail.borrow();
        for conn in self.conns.borrow().iter().filter(|conn| Some(conn.number) != except) {
            // Who does not even read its own frames misses the news and asks again when it signs in.
            if conn.session.borrow().follows(topic) && conn.wants_input() {
                conn.say(&frame);
                conn.sweep(&tail, now());
            }
        }
    }
}

/// Close code for a peer that is not welcome any more (RFC 6455, 7.4.1).
const POLICY_VIOLATION: u16 = 1008;

/// The log's end as finished frames: at least as many messages as a history has.
async fn read_tail(store: &dyn Store, bytes: usize) -> Result<Tail, ReadError> {
    let head = *store.head().borrow();
    let limit = Limit { records: HISTORY, bytes };
    let records = store.read_before(head.next(), &Filter::default(), limit).await?.records;
    let base = records.first().map_or(head, |first| first.id.before());
    let mut tail = Tail::new(base, bytes);
    tail.push(&records);
    Ok(tail)
}
