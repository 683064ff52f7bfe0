//! One agent's calls: what mentions it, what became of each, what is to be done next.
//!
//! An [`Inbox`] takes messages, the server's and the runtime's word and the time, and answers with
//! [`Effect`]s, to be carried out in order. It owns no disk: each [`Effect::Journal`] must be durable
//! before what follows it is done, and after a restart the [`InboxState`] made of the journal's records
//! goes on where it was. So every call ends once: answered, silent, or failed for a reason that is
//! said.
//!
//! ```text
//! receive ─▶ Offered ─▶ Waiting ─▶ Delivering ─▶ Answering, Answered ─▶ closed ─▶ confirmed
//!                          ▲            │ │                                ▲
//!                          └─ not begun ┘ └──────────── silent ────────────┘
//! ```
//!
//! A turn that goes on for longer than a turn may is stopped, so that it blocks nobody else; without
//! such a limit it is never given up for being long. One whose end nobody saw is asked about
//! under the same key; one that has ended without an answer is tried anew under a fresh key
//! (wire.md, "Deliveries").
//!
//! The server is told of every rung. Reports may be lost, so what it has not confirmed is told again
//! after each sign-in, and the end of a call stays in the journal until the server has it. A server
//! of OIS 1 knows no deliveries: there the room is told that no answer will come.

mod answer;
mod assignment;
mod call;
mod messages;
mod outcome;
mod parts;
mod reconcile;
mod report;
mod silence;
mod standby;
mod state;
mod turn;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ois_protocol::{
    AttemptId, AuthOk, Chat, Delivery, DisplayName, EventId, Limits, Message, Run, Stopped,
    Timestamp,
};

use self::{answer::Saying, standby::Standby};
pub use self::{
    assignment::{Assignment, Missing},
    call::{Call, Running, Said, Stage, Trouble, UnderWay},
    outcome::{Done, Ending, Outcome},
    reconcile::Fetched,
    silence::spoken,
    state::{GivenUp, Identity, InboxState, Record, Wanted},
};

/// How an inbox works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long a call may wait for its turn before it counts as failed, in milliseconds.
    pub deadline_ms: u64,
    /// How many turns may be begun for one call.
    pub attempts: u32,
    /// How many calls may be under way at once.
    pub at_once: usize,
    /// How long a turn may go on before it is stopped, in milliseconds; `None` for no limit.
    pub turn_limit_ms: Option<u64>,
    /// How many messages before the call go with it, at the most.
    pub context_count: usize,
    /// At the first start of all, mentions that are younger than this many milliseconds and not
    /// answered yet are calls.
    pub look_back_ms: u64,
    /// The most bytes of one message; a longer answer is said in several.
    pub text_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            deadline_ms: 24 * 3600 * 1000,
            attempts: 3,
            at_once: 1,
            turn_limit_ms: Some(6 * 3600 * 1000),
            context_count: 10,
            look_back_ms: 10 * 60 * 1000,
            text_bytes: Limits::default().text_bytes,
        }
    }
}

/// Something that the driver of an inbox has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Put this on disk, durably, before doing what follows.
    Journal(Record),
    /// Hand this to the runtime. How it went comes back by [`Inbox::begun`], [`Inbox::admitted`]
    /// and, once, [`Inbox::settle`].
    Deliver(Box<Assignment>),
    /// Stop this turn; what the runtime answers comes back by [`Inbox::stopped`].
    Stop(Box<Assignment>),
    /// Fetch this message and what it answers; it comes back by [`Inbox::fetched`].
    Fetch(EventId),
    /// Say this in the room. It has a nonce, and may come again after a restart.
    Say(Chat),
    /// Tell the server how far a call is. It may be lost.
    Report(Box<Delivery>),
    /// Tell the server of a turn. It may be lost.
    Run(Box<Run>),
    /// Tell the server which calls the journal has, before any report of this connection.
    Holding(Vec<AttemptId>),
    /// Tell the server that there is nothing to stop. It may be lost.
    NotStopped(Stopped),
    /// A call is over.
    Ended {
        /// The message that called.
        id: EventId,
        /// How the call ended.
        ending: Ending,
    },
}

/// The server is not the one whose messages this inbox holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is kept belongs to {kept}, the server says {now}")]
pub struct IdentityMismatch {
    /// `agent@team` of what is kept.
    pub kept: String,
    /// `agent@team` of the server that was reached.
    pub now: String,
}

/// One agent's calls. Times must not go back.
#[derive(Debug)]
pub struct Inbox {
    settings: Settings,
    state: InboxState,
    /// The last messages, for the context of the next call.
    recent: VecDeque<Message>,
    /// Calls that the runtime has in hand.
    running: BTreeSet<EventId>,
    /// Calls that this process has tried.
    tried: BTreeSet<EventId>,
    /// How far the last words of calls are said, if it is beyond the first part.
    saying: BTreeMap<EventId, Saying>,
    /// Calls that are not to be tried, and messages that are not to be fetched, before this.
    retry_at: BTreeMap<EventId, Timestamp>,
    /// Messages that are being fetched.
    fetching: BTreeSet<EventId>,
    /// Calls of which the server will hear nothing more in their present attempt.
    unreported: BTreeSet<EventId>,
    /// When all reports are to be sent again, since the server had no time for one.
    report_at: Option<Timestamp>,
    /// When all reports are to be sent again, since the server has not confirmed one.
    receipts_at: Option<Timestamp>,
    /// Nothing is begun before this, or before all that was missed has been heard: it may say that
    /// a call is over.
    held_until: Option<Timestamp>,
    /// Nothing is tried before this: the runtime was not to be reached.
    paused_until: Timestamp,
    /// How often in a row it was not.
    refusals: u32,
    /// Whether another monitor of the agent is awake.
    standby: Standby,
    /// Messages received since the cursor was last written down.
    unwritten: u32,
    /// The last message that this process was the first to see.
    newest: Option<EventId>,
}

impl Inbox {
    /// Goes on from a state; from [`InboxState::default`] for the first time.
    pub fn new(settings: Settings, state: InboxState) -> Self {
        Self {
            settings,
            state,
            recent: VecDeque::new(),
            running: BTreeSet::new(),
            tried: BTreeSet::new(),
            saying: BTreeMap::new(),
            retry_at: BTreeMap::new(),
            fetching: BTreeSet::new(),
            unreported: BTreeSet::new(),
            report_at: None,
            receipts_at: None,
            held_until: None,
            paused_until: Timestamp::from_ms(0),
            refusals: 0,
            standby: Standby::default(),
            unwritten: 0,
            newest: None,
        }
    }

    /// What an earlier process left undone; to be called once, first.
    pub fn start(&mut self, now: Timestamp) -> Vec<Effect> {
        self.hold(now);
        let answers =
            self.state.calls.values().filter_map(|call| call.last_words().into_iter().next());
        let mut effects: Vec<Effect> = answers.map(Effect::Say).collect();
        self.tick(now, &mut effects);
        effects
    }

    /// Where to go on reading: `None` before the first sign-in of all. So many messages before the
    /// last one are asked for again that the next call has its context.
    pub fn resume_after(&self) -> Option<EventId> {
        self.state.identity.as_ref()?;
        let context = u64::try_from(self.settings.context_count).unwrap_or(u64::MAX);
        EventId::new(self.state.cursor.get().saturating_sub(context))
    }

    /// The server has signed us in. An old one tells no team: then it is `address_hash`. What it may
    /// not have heard is told again.
    ///
    /// # Errors
    /// [`IdentityMismatch`] if that is another agent or another team than before. A deployment that moves
    /// from an old server to a new one keeps its messages, and so its state.
    pub fn signed_in(
        &mut self,
        auth: &AuthOk,
        address_hash: &str,
        now: Timestamp,
    ) -> Result<Vec<Effect>, IdentityMismatch> {
        let me = auth.user.parse::<DisplayName>().map(|name| name.short());
        let me = me.map_err(|_| self.identity_mismatch(&auth.user, address_hash))?;
        let native = auth.team.is_some();
        let team = auth.team.clone().unwrap_or_else(|| address_hash.to_owned());
        let identity = Identity { team, native, me };
        let mut effects = match &self.state.identity {
            Some(known) if *known == identity => Vec::new(),
            Some(known) if known.me != identity.me || known.native => {
                return Err(self.identity_mismatch(&identity.me.to_string(), &identity.team));
            }
            _ => vec![self.note(Record::Identity(identity))],
        };
        self.hold(now);
        self.standby.begin_session();
        effects.extend(self.holding());
        effects.extend(self.reports());
        self.plan_reports(now);
        Ok(effects)
    }

    /// All that was said while we were away has been heard.
    pub fn caught_up(&mut self, now: Timestamp) -> Vec<Effect> {
        self.held_until = None;
        let mut effects = self.end_standby_unless_told(now);
        effects.extend(self.wake(now));
        effects
    }

    /// The cursor as it is now, to be written down before stopping.
    pub fn cursor(&mut self) -> Effect {
        let (id, looked) = (self.state.cursor, self.state.looked);
        self.note(Record::Cursor { id, looked })
    }

    /// Time has passed.
    pub fn wake(&mut self, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.tick(now, &mut effects);
        effects
    }

    /// When [`wake`](Self::wake) is worth a call, if time alone changes anything.
    pub fn next_wake(&self) -> Option<Timestamp> {
        let fetches = self.state.wanted.keys().filter(|_| !self.is_standby());
        let fetches =
            fetches.filter(|id| !self.fetching.contains(id) && !self.state.calls.contains_key(id));
        let fetches = fetches.map(|id| self.retry_at.get(id).copied().unwrap_or_default());
        let calls = self.state.calls.values().filter_map(|call| self.next_look(call));
        let limits = self.state.calls.values().filter_map(|call| self.limit(call));
        let due = fetches.chain(calls).chain(limits).min();
        let due = due.map(|at| at.max(self.held_until.unwrap_or_default()));
        due.into_iter().chain(self.report_at).chain(self.receipts_at).min()
    }

    /// Whether the runtime has a turn in hand that it has confirmed.
    pub fn is_at_work(&self) -> bool {
        self.state.calls.values().any(|call| call.is_under_way() && call.run.is_some())
    }

    /// What is known of everything.
    pub fn state(&self) -> &InboxState {
        &self.state
    }

    /// When time alone changes anything for this call.
    fn next_look(&self, call: &Call) -> Option<Timestamp> {
        if call.stage == Stage::Answered {
            return Some(self.deadline(call));
        }
        if !self.is_idle(call) || (self.is_standby() && !call.is_under_way()) {
            return None;
        }
        let id = call.message.id;
        let again = self.retry_at.get(&id).copied().unwrap_or_default().max(self.paused_until);
        let has_place = call.is_under_way() || !self.is_full();
        let late = self.tried.contains(&id).then(|| self.deadline(call));
        has_place.then_some(again).into_iter().chain(late).min()
    }

    /// After a start or a sign-in, what was missed comes first. A server that is away or says
    /// nothing more does not hold the calls up for ever.
    fn hold(&mut self, now: Timestamp) {
        if self.is_native() {
            self.held_until = Some(now.after_ms(HELD_MS));
        }
    }

    fn is_held(&self, now: Timestamp) -> bool {
        self.held_until.is_some_and(|until| now < until)
    }

    /// Whether the server knows deliveries.
    fn is_native(&self) -> bool {
        self.state.identity.as_ref().is_some_and(|identity| identity.native)
    }

    /// Takes a record into the state and has it written down.
    fn note(&mut self, record: Record) -> Effect {
        if matches!(record, Record::Call(_) | Record::Cursor { .. }) {
            self.unwritten = 0;
        }
        self.state.apply(record.clone());
        Effect::Journal(record)
    }

    fn identity_mismatch(&self, name: &str, team: &str) -> IdentityMismatch {
        let kept = self.state.identity.as_ref();
        let kept = kept.map_or_else(|| "nobody".to_owned(), |it| format!("{}@{}", it.me, it.team));
        IdentityMismatch { kept, now: format!("{name}@{team}") }
    }
}

/// At most so many bytes of a text, marked where it was cut.
fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut end = most.saturating_sub(MARK.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{MARK}", &text[..end])
}

const MARK: &str = "\n[…]";
/// How long nothing is begun while nothing that was missed comes.
const HELD_MS: u64 = 30_000;

#[cfg(test)]
mod tests;
