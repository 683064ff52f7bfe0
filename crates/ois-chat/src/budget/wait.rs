//! What was held by a budget, and which questions are open.

use std::collections::{BTreeMap, VecDeque};

use ois_protocol::{EventId, HeldBy, Message, Notice, RoomName, ShortName, Timestamp};
use serde::{Deserialize, Serialize};

/// What waits for a person's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The question.
    pub notice: EventId,
    /// What the agent was not woken for, oldest first.
    pub messages: Vec<EventId>,
}

/// What waits, for each agent and room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waits(BTreeMap<ShortName, BTreeMap<RoomName, Wait>>);

/// What waits for one agent in one room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wait {
    pub(super) messages: VecDeque<EventId>,
    /// When the first of them was held.
    first: Option<Timestamp>,
    /// When the last digest was handed over.
    digest: Option<Timestamp>,
    pub(super) ask: Option<Ask>,
}

/// An open question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ask {
    pub(super) notice: EventId,
    pub(super) until: Timestamp,
}

impl Waits {
    pub(super) fn apply(&mut self, message: &Message) {
        for held in message.held.iter().filter(|held| held.by == HeldBy::Budget) {
            self.wait(&held.agent, &message.room).hold(message);
        }
        match &message.notice {
            Some(Notice::Ask { agent, until }) => {
                let ask = Ask { notice: message.id, until: *until };
                self.wait(agent, &message.room).ask = Some(ask);
            }
            Some(Notice::NotAllowed { agent }) => {
                if let Some(wait) = self.known(agent, &message.room) {
                    wait.close(message.reply_to);
                }
            }
            Some(Notice::Digest { agent, messages }) => {
                self.wait(agent, &message.room).hand_over(messages, message.time);
            }
            None if !message.agent && message.reply_to.is_some() => {
                for agent in &message.calls {
                    if let Some(wait) = self.known(agent, &message.room) {
                        wait.close(message.reply_to);
                    }
                }
            }
            _ => {}
        }
    }

    pub(super) fn get(&self, agent: &ShortName, room: &RoomName) -> Option<&Wait> {
        self.0.get(agent)?.get(room)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ShortName, &RoomName, &Wait)> {
        self.0
            .iter()
            .flat_map(|(agent, rooms)| rooms.iter().map(move |(room, wait)| (agent, room, wait)))
    }

    /// A day is over: forgets what was held until then, and old digests.
    pub(super) fn forget(
        &mut self,
        now: Timestamp,
        was_stopped: impl Fn(&ShortName, &RoomName) -> bool,
    ) {
        for (agent, rooms) in &mut self.0 {
            rooms.retain(|room, wait| {
                if wait.ask.is_none() && was_stopped(agent, room) {
                    wait.clear();
                }
                !wait.is_idle(now)
            });
        }
        self.0.retain(|_, rooms| !rooms.is_empty());
    }

    fn wait(&mut self, agent: &ShortName, room: &RoomName) -> &mut Wait {
        self.0.entry(agent.clone()).or_default().entry(room.clone()).or_default()
    }

    fn known(&mut self, agent: &ShortName, room: &RoomName) -> Option<&mut Wait> {
        self.0.get_mut(agent)?.get_mut(room)
    }
}

impl Wait {
    /// From when on the interval until the next digest counts.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.digest.or(self.first)
    }

    pub(super) fn asked(&self, now: Timestamp) -> Option<Waiting> {
        let ask = self.ask.filter(|ask| now < ask.until)?;
        Some(Waiting { notice: ask.notice, messages: self.messages.iter().copied().collect() })
    }

    fn hold(&mut self, message: &Message) {
        if self.messages.len() >= MESSAGES {
            self.messages.pop_front();
        }
        self.messages.push_back(message.id);
        self.first.get_or_insert(message.time);
    }

    /// The question that this answers was answered, or any, if it does not say.
    fn close(&mut self, asked: Option<EventId>) {
        if self.ask.is_some_and(|ask| asked.is_none_or(|id| id == ask.notice)) {
            self.ask = None;
            self.clear();
        }
    }

    fn hand_over(&mut self, messages: &[EventId], at: Timestamp) {
        self.messages.retain(|waits| !messages.contains(waits));
        self.first = (!self.messages.is_empty()).then_some(at);
        self.digest = Some(at);
    }

    fn clear(&mut self) {
        self.messages.clear();
        self.first = None;
    }

    fn is_idle(&self, now: Timestamp) -> bool {
        let is_old = self.digest.is_none_or(|at| now.since_ms(at) > DIGEST_KEPT_MS);
        self.messages.is_empty() && self.ask.is_none() && is_old
    }
}

/// The most messages that wait for one agent in one room; beyond, the oldest are forgotten.
const MESSAGES: usize = 256;

/// How long the time of a digest is known.
const DIGEST_KEPT_MS: u64 = 31 * 86_400_000;
