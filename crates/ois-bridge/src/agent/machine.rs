//! What a monitor decides for one agent, without I/O.
//!
//! An [`AgentMachine`] takes what the link tells, what the runtime reports, what the agent wants to
//! say and the time, asks the inbox, and answers with [`AgentAction`]s, to be carried out in order.
//! It opens no socket and no file, reads no clock and draws no random number.
//!
//! Two actions have an outcome that the machine waits for, since what follows must not happen
//! before it: [`AgentAction::Write`] and [`AgentAction::Say`]. Until the driver has told it,
//! [`next_action`](AgentMachine::next_action) answers nothing; when the disk takes nothing, the
//! machine tries the same action again later. A process that dies between any two actions goes on,
//! after its restart, from what was written.

mod inputs;

use std::collections::{BTreeMap, VecDeque};

use ois_inbox::{
    Assignment, Done, Effect, Ending, Fetched, IdentityMismatch, Inbox, InboxState, Record,
};
use ois_protocol::{Chat, ClientFrame, EventId, Holding, Nonce, PresenceState, Timestamp};

use super::presence::WakePath;
use crate::runtime::RuntimeError;

/// How one agent is looked after.
#[derive(Clone, Debug)]
pub struct AgentSettings {
    /// How its calls are handled.
    pub inbox: ois_inbox::Settings,
    /// How often its runtime is probed, in milliseconds.
    pub probe_every_ms: u64,
    /// The name of this installation, by which the server tells which monitor is awake.
    pub instance: String,
    /// What stands for the team's id at a server of OIS 1, which has none.
    pub address_hash: String,
}

/// The decisions of one agent's monitor. Times must not go back.
#[derive(Debug)]
pub struct AgentMachine {
    inbox: Inbox,
    settings: AgentSettings,
    wake_path: WakePath,
    /// When the runtime is probed next; `None` while a probe is under way.
    probe_at: Option<Timestamp>,
    queue: VecDeque<Step>,
    /// The step whose outcome the driver has not told yet.
    in_hand: Option<Step>,
    /// When a step that the disk did not take is tried again.
    retry_at: Option<Timestamp>,
    /// Those who wait to learn what the server made of what they said.
    waiting: BTreeMap<Nonce, u64>,
    messages_received: u64,
}

/// What the driver of an agent does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgentAction {
    /// Write these records to the journal, durably, and tell [`AgentMachine::written`] or
    /// [`AgentMachine::not_written`].
    Write(Vec<Record>),
    /// Give this draft to the link, which keeps it until the server has it, and tell
    /// [`AgentMachine::written`] or [`AgentMachine::not_written`]. The draft has a nonce.
    Say(Box<Chat>),
    /// Send this frame if the link is signed in. It may be lost.
    Send(Box<ClientFrame>),
    /// Hand this call to the runtime, whose reports come back by [`AgentMachine::ask_to_begin`] and
    /// [`AgentMachine::report`].
    Deliver(Box<Assignment>),
    /// Have the runtime stop this turn.
    Stop(Box<Assignment>),
    /// Fetch this message from the server.
    Fetch(EventId),
    /// Ask the runtime whether it lives.
    Probe,
    /// The turn with this ticket may begin: that it may have begun is on disk.
    Begin(u64),
    /// The turn with this ticket must not begin.
    DoNotBegin(u64),
    /// Tell the caller with this number what became of what it wanted to say.
    Answer(u64, Result<Said, NotSaid>),
    /// A call is over; nothing is left to do but to log it.
    Ended {
        /// The message that called.
        id: EventId,
        /// How the call ended.
        ending: Ending,
    },
    /// The runtime does not answer any more; nothing is left to do but to log it.
    Deaf {
        /// What the runtime or the system said.
        why: String,
    },
    /// The server is not the one whose messages the journal holds: this agent ends here.
    Mismatch(IdentityMismatch),
}

/// What a runtime reports, besides asking whether a turn may begin.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuntimeReport {
    /// The turn has begun.
    Admitted {
        /// The message that called.
        id: EventId,
        /// The runtime's name for the turn.
        run: String,
    },
    /// The runtime has no more to say of this assignment.
    Settled {
        /// The message that called.
        id: EventId,
        /// What became of the call.
        done: Done,
    },
    /// The runtime was told to stop a turn.
    Stopped {
        /// The message that called.
        id: EventId,
        /// The runtime's name for the turn; empty if it never told one.
        run: String,
        /// Whether a turn was running and is stopped now.
        stopped: Result<bool, RuntimeError>,
    },
    /// The runtime was probed.
    Probed(Result<(), RuntimeError>),
    /// The server was asked for a message.
    Fetched {
        /// The message.
        id: EventId,
        /// What came of it.
        fetched: Fetched,
    },
}

/// The server has stored what an agent said by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// The id of the message.
    pub id: EventId,
}

/// Why the room will not have what an agent wanted to say by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSaid {
    /// There is no connection; nothing was kept.
    Offline,
    /// The disk did not keep it, so it is not sent.
    NotKept(String),
    /// The server refused it, in these words.
    Refused(String),
}

/// How an agent is, for its local port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentStatus {
    /// What the room is told of it; `None` before the first probe.
    pub presence: Option<PresenceState>,
    /// When the runtime last answered.
    pub proven_at: Option<Timestamp>,
    /// How many calls are not over.
    pub calls: usize,
    /// How many of the last calls ended without an answer.
    pub given_up: usize,
    /// The calls that wait for their turn, in the order in which they get it.
    pub waiting: Vec<EventId>,
    /// Whether another monitor of the agent is awake and this one stands by.
    pub standby: bool,
    /// How many messages were received since the process started.
    pub messages_received: u64,
}

/// One thing to do.
#[derive(Clone, Debug)]
enum Step {
    Act(AgentAction),
    /// Something that the agent itself wants to say; the caller with this number waits for it.
    SayFor(u64, Box<Chat>),
}

impl AgentMachine {
    /// Goes on from what an earlier process has written; [`start`](Self::start) is to be called
    /// once, first.
    pub fn new(settings: AgentSettings, state: InboxState, now: Timestamp) -> Self {
        Self {
            inbox: Inbox::new(settings.inbox.clone(), state),
            settings,
            wake_path: WakePath::default(),
            probe_at: Some(now),
            queue: VecDeque::new(),
            in_hand: None,
            retry_at: None,
            waiting: BTreeMap::new(),
            messages_received: 0,
        }
    }

    /// The next thing to do at this time. `None` if there is nothing, if the outcome of the last
    /// one has not been told, or if the disk is being waited for.
    pub fn next_action(&mut self, now: Timestamp) -> Option<AgentAction> {
        if self.in_hand.is_some() || self.retry_at.is_some_and(|at| now < at) {
            return None;
        }
        self.retry_at = None;
        let step = self.queue.pop_front()?;
        let action = match &step {
            Step::Act(action) => action.clone(),
            Step::SayFor(_, chat) => AgentAction::Say(chat.clone()),
        };
        if matches!(action, AgentAction::Write(_) | AgentAction::Say(_)) {
            self.in_hand = Some(step);
        }
        Some(action)
    }

    /// What was to be written or kept is durable.
    pub fn written(&mut self) {
        if let Some(Step::SayFor(caller, chat)) = self.in_hand.take()
            && let Some(nonce) = chat.nonce
        {
            self.waiting.insert(nonce, caller);
        }
    }

    /// The disk did not take it. It is tried again after a pause, and nothing else is done
    /// meanwhile. An agent that wanted to say something is told so instead.
    pub fn not_written(&mut self, why: String, now: Timestamp) {
        match self.in_hand.take() {
            Some(Step::SayFor(caller, _)) => {
                self.act(AgentAction::Answer(caller, Err(NotSaid::NotKept(why))));
            }
            Some(step) => {
                self.queue.push_front(step);
                self.retry_at = Some(now.after_ms(DISK_PAUSE_MS));
            }
            None => {}
        }
    }

    /// Whether everything is done that was decided. Until then a driver takes nothing further in.
    pub fn is_settled(&self) -> bool {
        self.queue.is_empty() && self.in_hand.is_none()
    }

    /// When [`wake`](Self::wake), or [`next_action`](Self::next_action) for a disk that took
    /// nothing, is worth a call.
    pub fn next_wake(&self) -> Option<Timestamp> {
        if !self.is_settled() {
            return self.retry_at;
        }
        self.inbox.next_wake().into_iter().chain(self.probe_at).min()
    }

    /// The last record, to be written before the process ends: how far was read.
    pub fn last_record(&mut self) -> Option<Record> {
        match self.inbox.cursor() {
            Effect::Journal(record) => Some(record),
            _ => None,
        }
    }

    /// Where the link goes on reading; `None` before the first sign-in of all.
    pub fn resume_after(&self) -> Option<EventId> {
        self.inbox.resume_after()
    }

    /// Everything that the records so far have made.
    pub fn inbox_state(&self) -> &InboxState {
        self.inbox.state()
    }

    /// How the agent is.
    pub fn status(&self) -> AgentStatus {
        let state = self.inbox.state();
        AgentStatus {
            presence: self.wake_path.state(),
            proven_at: self.wake_path.proven_at(),
            calls: state.calls.len(),
            given_up: state.given_up.len(),
            waiting: self.inbox.queue(),
            standby: self.inbox.is_standby(),
            messages_received: self.messages_received,
        }
    }

    fn act(&mut self, action: AgentAction) {
        self.queue.push_back(Step::Act(action));
    }

    fn send(&mut self, frame: ClientFrame) {
        self.act(AgentAction::Send(Box::new(frame)));
    }

    /// Puts what the inbox wants in line. Records that follow each other are written at once.
    fn follow(&mut self, effects: Vec<Effect>) {
        let mut effects = effects.into_iter().peekable();
        while let Some(effect) = effects.next() {
            let action = match effect {
                Effect::Journal(record) => {
                    let mut records = vec![record];
                    while let Some(Effect::Journal(record)) =
                        effects.next_if(|effect| matches!(effect, Effect::Journal(_)))
                    {
                        records.push(record);
                    }
                    AgentAction::Write(records)
                }
                Effect::Deliver(assignment) => AgentAction::Deliver(assignment),
                Effect::Stop(assignment) => AgentAction::Stop(assignment),
                Effect::Fetch(id) => AgentAction::Fetch(id),
                Effect::Say(chat) => AgentAction::Say(Box::new(chat)),
                Effect::Report(report) => {
                    AgentAction::Send(Box::new(ClientFrame::Delivery(*report)))
                }
                Effect::Run(run) => AgentAction::Send(Box::new(ClientFrame::Run(*run))),
                Effect::Holding(calls) => {
                    AgentAction::Send(Box::new(ClientFrame::Holding(Holding { calls })))
                }
                Effect::NotStopped(stopped) => {
                    AgentAction::Send(Box::new(ClientFrame::Stopped(stopped)))
                }
                Effect::Ended { id, ending } => AgentAction::Ended { id, ending },
            };
            self.act(action);
        }
    }

    /// Tells the server how the agent is, if it listens and there is anything to tell. While another
    /// monitor is awake, that one does.
    fn send_presence(&mut self) {
        if self.inbox.is_standby() {
            return;
        }
        let identity = self.inbox.state().identity.as_ref().filter(|identity| identity.native);
        let presence = identity.and_then(|identity| self.wake_path.presence(&identity.me));
        if let Some(presence) = presence {
            self.send(ClientFrame::Presence(presence));
        }
    }

    /// Whether a turn is under way is news for those who look on.
    fn watch_work(&mut self, now: Timestamp) {
        if self.wake_path.at_work(self.inbox.is_at_work(), now) {
            self.send_presence();
        }
    }
}

/// How long a disk that takes nothing is left alone.
const DISK_PAUSE_MS: u64 = 5_000;

#[cfg(test)]
mod tests;
