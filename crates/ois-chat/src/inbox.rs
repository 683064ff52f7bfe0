//! One agent's calls: what mentions it, what became of each, what is to be done next.
//!
//! An [`Inbox`] takes messages, the runtime's word and the time, and answers with [`Effect`]s, to be
//! carried out in order. It owns no disk: each [`Effect::Journal`] must be durable before what
//! follows it is done, and after a restart the [`State`] made of the journal's records goes on where
//! it was. So every call ends once: answered, silent, or failed for a reason that is said in the room.
//!
//! ```text
//! receive ─▶ Waiting ─▶ Delivering ─▶ Answering, Regretting ─▶ closed
//!               ▲            │ │                                 ▲
//!               └─ not begun ┘ └──────────── silent ─────────────┘
//! ```
//!
//! A turn that has begun is never given up for being long. One whose end nobody saw is asked about
//! under the same key; one that has ended without an answer is tried anew under a fresh key
//! (wire.md, "Deliveries").

mod call;
mod hear;
mod outcome;
mod state;
mod turn;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ois_protocol::{AuthOk, Chat, DisplayName, EventId, Message, Timestamp};

pub use self::{
    call::{Call, Delivery, Stage, UnderWay},
    outcome::{Ending, Outcome, is_silence},
    state::{GivenUp, Identity, Record, State},
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
    /// How many messages before the call go with it, at the most.
    pub context_count: usize,
    /// At the first start of all, mentions that are younger than this many milliseconds and not
    /// answered yet are calls.
    pub look_back_ms: u64,
    /// The longest answer, in bytes; more is cut off.
    pub text_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            deadline_ms: 24 * 3600 * 1000,
            attempts: 3,
            at_once: 1,
            context_count: 10,
            look_back_ms: 10 * 60 * 1000,
            text_bytes: 200 << 10,
        }
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Put this on disk, durably, before doing what follows.
    Journal(Record),
    /// Hand this to the runtime. How it went comes back by [`Inbox::begun`], [`Inbox::admitted`]
    /// and, once, [`Inbox::settle`].
    Deliver(Box<Delivery>),
    /// Say this in the room. It has a nonce, and may come again after a restart.
    Say(Chat),
    /// A call is over.
    Ended {
        /// The message that called.
        id: EventId,
        /// How.
        ending: Ending,
    },
}

/// The server is not the one whose messages this inbox holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is kept belongs to {kept}, the server says {now}")]
pub struct Stranger {
    /// `agent@team` of what is kept.
    pub kept: String,
    /// `agent@team` of the server that was reached.
    pub now: String,
}

/// One agent's calls. Times must not go back.
#[derive(Debug)]
pub struct Inbox {
    settings: Settings,
    state: State,
    /// The last messages, for the context of the next call.
    recent: VecDeque<Message>,
    /// Calls that the runtime has in hand.
    running: BTreeSet<EventId>,
    /// Calls that this process has tried.
    tried: BTreeSet<EventId>,
    /// Calls that are not to be tried before this.
    again_at: BTreeMap<EventId, Timestamp>,
    /// Nothing is tried before this: the runtime was not to be reached.
    paused_until: Timestamp,
    /// How often in a row it was not.
    refusals: u32,
    /// Messages received since the cursor was last written down.
    unwritten: u32,
    /// The last message that this process was the first to see.
    newest: Option<EventId>,
}

impl Inbox {
    /// Goes on from a state; from [`State::default`] for the first time.
    pub fn new(settings: Settings, state: State) -> Self {
        Self {
            settings,
            state,
            recent: VecDeque::new(),
            running: BTreeSet::new(),
            tried: BTreeSet::new(),
            again_at: BTreeMap::new(),
            paused_until: Timestamp::from_ms(0),
            refusals: 0,
            unwritten: 0,
            newest: None,
        }
    }

    /// What an earlier process left undone; to be called once, first.
    pub fn start(&mut self, now: Timestamp) -> Vec<Effect> {
        let answers = self.state.calls.values().filter_map(Call::answer).map(Effect::Say);
        let mut effects: Vec<Effect> = answers.collect();
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

    /// The server has signed us in. An old one tells no team: then it is `address_hash`.
    ///
    /// # Errors
    /// [`Stranger`] if that is another agent or another team than before. A deployment that moves
    /// from an old server to a new one keeps its messages, and so its state.
    pub fn signed_in(
        &mut self,
        auth: &AuthOk,
        address_hash: &str,
    ) -> Result<Vec<Effect>, Stranger> {
        let me = auth.user.parse::<DisplayName>().map(|name| name.short());
        let me = me.map_err(|_| self.stranger(&auth.user, address_hash))?;
        let native = auth.team.is_some();
        let team = auth.team.clone().unwrap_or_else(|| address_hash.to_owned());
        let identity = Identity { team, native, me };
        match &self.state.identity {
            Some(known) if *known == identity => Ok(Vec::new()),
            Some(known) if known.me != identity.me || known.native => {
                Err(self.stranger(&identity.me.to_string(), &identity.team))
            }
            _ => Ok(vec![self.note(Record::Identity(identity))]),
        }
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
        let idle = self.state.calls.values().filter(|call| self.is_idle(call));
        idle.filter_map(|call| {
            let id = call.message.id;
            let again = self.again_at.get(&id).copied().unwrap_or_default().max(self.paused_until);
            let has_place = call.is_under_way() || !self.is_full();
            let late = self.tried.contains(&id).then(|| self.deadline(call));
            has_place.then_some(again).into_iter().chain(late).min()
        })
        .min()
    }

    /// What is known of everything.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Takes a record into the state and has it written down.
    fn note(&mut self, record: Record) -> Effect {
        if matches!(record, Record::Call(_) | Record::Cursor { .. }) {
            self.unwritten = 0;
        }
        self.state.apply(record.clone());
        Effect::Journal(record)
    }

    fn stranger(&self, name: &str, team: &str) -> Stranger {
        let kept = self.state.identity.as_ref();
        let kept = kept.map_or_else(|| "nobody".to_owned(), |it| format!("{}@{}", it.me, it.team));
        Stranger { kept, now: format!("{name}@{team}") }
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

#[cfg(test)]
mod tests;
