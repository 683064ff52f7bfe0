//! The team's hot loop: one thread that owns every connection, the team's core and the tail.
//!
//! One tick: read every socket that is ready (`ws`), append one batch (`commit`), sweep once. What is
//! decided is decided by [`Team`]; this is its driver. Nothing here is shared with another thread;
//! commands come in through [`crate::hub::Hub`].

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    sync::Arc,
};

use ois_auth::Token;
use ois_chat::{
    Credential, DeskSettings, Team,
    team::{Answer, BatchLimits, ConnId, Output, Reading, RequestId, Start},
};
use ois_protocol::{
    ClientFrame, ErrorFrame, FrameError, Limits, Member, ServerFrame, SignIn, Timestamp,
};
use ois_store::{ReadError, Store};
use tokio::sync::{Mutex, Notify, oneshot};

use crate::{
    checkpoint::{self, Progress},
    clock::now,
    conn::{Conn, Proof},
    conns::Conns,
    follow::{self, read_tail},
    gather::Gather,
    history::Histories,
    keys::Keys,
    metrics::Metrics,
    tail::Tail,
};

/// What the hot loop is made from.
pub(crate) struct Parts {
    /// Where the log is kept.
    pub(crate) store: Arc<dyn Store>,
    /// Who is registered and signed in.
    pub(crate) keys: Arc<Keys>,
    /// The counters that it raises.
    pub(crate) metrics: Arc<Metrics>,
    /// How much a member may say and read at once.
    pub(crate) limits: Limits,
    /// How many bytes of finished frames stay in memory.
    pub(crate) tail_bytes: usize,
    /// How much one append takes.
    pub(crate) batch: BatchLimits,
    /// How the desk decides.
    pub(crate) desk: DeskSettings,
}

/// Everything that lives on the hot loop.
pub(crate) struct Hot {
    pub(crate) store: Arc<dyn Store>,
    keys: Arc<Keys>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) limits: Limits,
    /// When the loop began.
    pub(crate) started: Timestamp,
    pub(crate) team: RefCell<Team>,
    pub(crate) tail: RefCell<Tail>,
    pub(crate) histories: RefCell<Histories>,
    pub(crate) conns: RefCell<Conns>,
    pub(crate) gather: RefCell<Gather>,
    /// Rung when the team has something to append.
    pub(crate) work: Notify,
    /// Rung when the queue has room again.
    pub(crate) drained: Notify,
    /// Rung when a connection has closed.
    pub(crate) gone: Notify,
    /// Held from taking a batch to showing what became of it.
    pub(crate) turn: Mutex<()>,
    /// No command and no frame is obeyed any more.
    pub(crate) stopping: Cell<bool>,
    opened: Cell<u64>,
    /// The requests over HTTP that wait for an answer.
    requests: RefCell<BTreeMap<RequestId, oneshot::Sender<Result<Answer, ErrorFrame>>>>,
    /// How far the desk's checkpoint is behind.
    pub(crate) progress: Progress,
}

/// When frames that are put in line for a connection are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// At once.
    Now,
    /// With the sweep that follows.
    WithSweep,
}

impl Hot {
    /// Reads what is needed of the log, and is ready.
    pub(crate) async fn new(parts: Parts) -> Result<Self, ReadError> {
        let Parts { store, keys, metrics, limits, tail_bytes, batch, desk } = parts;
        let tail = read_tail(&*store, tail_bytes).await?;
        let (desk, through) = checkpoint::restore(&*store, desk, tail.head()).await?;
        let started = now();
        let team = Team::new(store.team(), limits, batch, desk, tail.head());
        let hot = Self {
            store,
            keys,
            metrics,
            limits,
            started,
            team: RefCell::new(team),
            tail: RefCell::new(tail),
            histories: RefCell::default(),
            conns: RefCell::default(),
            gather: RefCell::default(),
            work: Notify::new(),
            drained: Notify::new(),
            gone: Notify::new(),
            turn: Mutex::new(()),
            stopping: Cell::new(false),
            opened: Cell::new(0),
            requests: RefCell::default(),
            progress: Progress::new(through),
        };
        hot.read_register();
        Ok(hot)
    }

    /// The number of a new connection, which the team knows from now on.
    pub(crate) fn open(&self) -> ConnId {
        self.opened.set(self.opened.get() + 1);
        let id = ConnId(self.opened.get());
        self.team.borrow_mut().opened(id);
        id
    }

    /// Takes one frame of a connection. Answers with what to do before reading on.
    pub(crate) fn receive(
        &self,
        conn: ConnId,
        frame: Result<ClientFrame, FrameError>,
        now: Timestamp,
    ) -> Reading {
        let reading = self.team.borrow_mut().receive(conn, frame, now);
        self.carry_out(Write::Now);
        reading
    }

    /// Signs a connection in, or tells it that its credential is nobody's. Answers whether it is
    /// signed in.
    pub(crate) fn sign_in(
        &self,
        conn: &Conn,
        cookie: Option<&Token>,
        credential: Credential,
        sign_in: SignIn,
    ) -> bool {
        let known = self.whose(credential, sign_in.token.as_deref(), cookie);
        let is_known = known.is_some();
        match known {
            Some((member, proof)) => {
                *conn.proof.borrow_mut() = proof;
                let head = *self.store.head().borrow();
                let mut team = self.team.borrow_mut();
                team.signed_in(conn.id, member, credential, sign_in, head, now());
            }
            None => self.team.borrow_mut().sign_in_refused(conn.id),
        }
        self.carry_out(Write::Now);
        is_known
    }

    /// Asks the team for something; the answer goes to `answer`.
    pub(crate) fn request(
        &self,
        request: RequestId,
        ask: impl FnOnce(&mut Team, RequestId, Timestamp),
        answer: oneshot::Sender<Result<Answer, ErrorFrame>>,
    ) {
        self.requests.borrow_mut().insert(request, answer);
        ask(&mut self.team.borrow_mut(), request, now());
        self.carry_out(Write::Now);
    }

    /// Does what the team has its driver do, and wakes the task that appends if there is work for it.
    pub(crate) fn carry_out(&self, write: Write) {
        while let Some(output) = self.next_output() {
            match output {
                Output::Send(to, frame) => self.send(to, &frame, write),
                Output::SendAll(to, frame) => self.send_all(&to, &frame, write),
                Output::Start(conn, start) => self.start_of(conn, start, write),
                Output::Answer(request, answer) => self.answer(request, answer),
            }
        }
        if self.team.borrow().has_work() {
            self.work.notify_one();
        }
    }

    /// Time has passed.
    pub(crate) fn tick(&self) {
        let mut team = self.team.borrow_mut();
        self.requests.borrow_mut().retain(|request, answer| {
            if answer.is_closed() {
                team.forget(*request);
            }
            !answer.is_closed()
        });
        team.tick();
        drop(team);
        self.carry_out(Write::Now);
    }

    /// Whether so much waits for the log that no member should be read from.
    pub(crate) fn is_full(&self) -> bool {
        self.team.borrow().waiting().is_full
    }

    /// The connection is no more.
    pub(crate) fn closed(&self, conn: &Conn) {
        if self.conns.borrow_mut().remove(conn.id) {
            self.team.borrow_mut().closed(conn.id, now());
            self.carry_out(Write::Now);
            self.metrics.connections.fall();
            self.gone.notify_one();
        }
    }

    /// Takes over who can be mentioned, and closes the connections whose proof is worth nothing now.
    pub(crate) fn keyring_changed(&self) {
        self.read_register();
        for conn in self.conns.borrow().iter() {
            if !self.is_still_valid(&conn.proof.borrow()) {
                conn.close(POLICY_VIOLATION);
            }
        }
    }

    fn next_output(&self) -> Option<Output> {
        self.team.borrow_mut().output()
    }

    fn send(&self, to: ConnId, frame: &ServerFrame, write: Write) {
        let conns = self.conns.borrow();
        let Some(conn) = conns.get(to) else { return };
        conn.say(frame);
        if write == Write::Now {
            conn.sweep(&self.tail.borrow(), now());
        }
    }

    fn start_of(&self, conn: ConnId, start: Start, write: Write) {
        let conns = self.conns.borrow();
        let Some(conn) = conns.get(conn) else { return };
        self.start(conn, start);
        if write == Write::Now {
            conn.sweep(&self.tail.borrow(), now());
        }
    }

    /// Sends what is worth nothing later. What an agent is doing replaces what it was doing before.
    fn send_all(&self, to: &[ConnId], frame: &ServerFrame, write: Write) {
        let (conns, tail, now) = (self.conns.borrow(), self.tail.borrow(), now());
        let json = follow::json(frame);
        for conn in to.iter().filter_map(|to| conns.get(*to)) {
            match frame {
                ServerFrame::Activity(activity) => conn.say_newest(activity.agent.as_ref(), &json),
                // A peer that does not even read its own frames misses the news, and asks again when
                // it signs in.
                _ if !conn.wants_input() => continue,
                _ => conn.say_json(&json),
            }
            if write == Write::Now {
                conn.sweep(&tail, now);
            }
        }
    }

    fn answer(&self, request: RequestId, answer: Result<Answer, ErrorFrame>) {
        let waiting = self.requests.borrow_mut().remove(&request);
        if waiting.is_none_or(|waiting| waiting.send(answer).is_err()) {
            tracing::debug!(request = request.0, "nobody waits for the answer to this request");
        }
    }

    fn read_register(&self) {
        let members = self.keys.ask(|keys| keys.members().cloned().collect());
        self.team.borrow_mut().register(members);
    }

    fn is_still_valid(&self, proof: &Proof) -> bool {
        self.keys.ask(|keys| match proof {
            Proof::None => true,
            Proof::Session(token) => keys.session(token, now()).is_some(),
            Proof::Agent(token) => keys.agent(token).is_some(),
        })
    }

    /// Whose a token is. Agents' and sessions' do not stand for each other here, as in OIS 1.2; a
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
}

/// Close code for a peer that is not welcome any more (RFC 6455, 7.4.1).
const POLICY_VIOLATION: u16 = 1008;
