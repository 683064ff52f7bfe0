//! What is known of a chain as a whole.

use std::collections::BTreeMap;

use ois_protocol::{EventId, HeldBy, LoopSign, Message, RoomName, ShortName};
use serde::{Deserialize, Serialize};

use super::hash::Key;

/// One chain, as long as one of its messages is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Chain {
    /// How many of its messages are known.
    pub(super) known: usize,
    /// How many agents its first message calls.
    first: u32,
    /// How often its agents woke each other.
    woken: BTreeMap<Key, u32>,
    pub(super) stop: Option<Stopped>,
    /// What waits for a person's `/continue`, by room.
    held: BTreeMap<RoomName, Held>,
}

/// A chain wakes nobody any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stopped {
    pub(super) sign: LoopSign,
    pub(super) told: bool,
}

/// The last message that was held in a room, and everybody held there since the last `/continue`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    message: EventId,
    agents: Vec<ShortName>,
}

impl Chain {
    /// A person's word, or an agent's own, calls so many.
    pub(super) fn begin(&mut self, calls: usize) {
        self.first = u32::try_from(calls).unwrap_or(u32::MAX);
    }

    /// An agent's message calls these.
    pub(super) fn wake(&mut self, calls: &[Key]) {
        for agent in calls {
            *self.woken.entry(*agent).or_default() += 1;
        }
    }

    /// Whether this agent was woken in it more than `wakes` times, and once for each that its first
    /// message calls: they may all report to the same one.
    pub(super) fn is_worn(&self, agent: Key, wakes: u32) -> bool {
        self.woken.get(&agent).is_some_and(|times| *times > wakes.saturating_add(self.first))
    }

    /// Takes whom a message does not wake.
    pub(super) fn hold(&mut self, message: &Message) {
        let mut agents = held_by_loop(message).peekable();
        if agents.peek().is_none() {
            return;
        }
        self.stop.get_or_insert(Stopped { sign: LoopSign::Hops, told: false });
        let empty = || Held { message: message.id, agents: Vec::new() };
        let held = self.held.entry(message.room.clone()).or_insert_with(empty);
        held.message = message.id;
        for agent in agents {
            if !held.agents.contains(agent) {
                held.agents.push(agent.clone());
            }
        }
    }

    /// A person's message answers one of the chain and calls agents.
    pub(super) fn go_on(&mut self, message: &Message) {
        let Some(held) = self.held.get_mut(&message.room) else { return };
        if message.reply_to == Some(held.message) {
            held.agents.clear();
        }
        held.agents.retain(|agent| !message.calls.contains(agent));
        if held.agents.is_empty() {
            self.held.remove(&message.room);
        }
    }

    pub(super) fn held(&self, room: &RoomName) -> Option<(EventId, &Vec<ShortName>)> {
        self.held.get(room).map(|held| (held.message, &held.agents))
    }
}

/// The agents that the loop guard kept a message from waking.
pub(super) fn held_by_loop(message: &Message) -> impl Iterator<Item = &ShortName> {
    message.held.iter().filter(|held| held.by == HeldBy::Loop).map(|held| &held.agent)
}
