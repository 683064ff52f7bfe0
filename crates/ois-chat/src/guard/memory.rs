//! The last messages that called agents, and how they hang together.

use std::collections::BTreeMap;

use ois_protocol::{DisplayName, EventId, Message, Notice, RoomName, ShortName, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    chain::{Chain, Stopped},
    hash::{Hash, Key},
    print::Print,
};

/// How many messages are known.
pub const KEPT: usize = 4096;

/// How many calls of those messages are known: `@all` in a large team is many.
pub const CALLS: usize = 1 << 16;

/// How often agents of one chain may wake the same agent in all, and once more for each that the
/// chain's first message calls. Enough for one that hands work to twenty others and hears three times
/// from each.
pub const WAKES: u32 = 64;

/// What is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    said: BTreeMap<EventId, Said>,
    /// By their first message.
    chains: BTreeMap<EventId, Chain>,
    /// What called an agent last.
    last: BTreeMap<Key, Last>,
    /// The worst that called an agent, of what is no longer known.
    forgotten: BTreeMap<Key, Forgotten>,
    /// The last message that is no longer known.
    horizon: EventId,
    /// How many calls all known messages make.
    calls: usize,
}

/// A message that calls, or would have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Said {
    /// The agent that wrote it.
    author: Option<Key>,
    cause: Option<EventId>,
    root: EventId,
    hop: u32,
    /// The agents that may name it as a cause, in ascending order.
    calls: Vec<Key>,
    print: Print,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Last {
    id: EventId,
    at: Timestamp,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Forgotten {
    hop: u32,
    stop: Option<Stopped>,
}

/// Where a message with some cause stands.
pub(super) struct Place<'a> {
    pub(super) hop: u32,
    pub(super) root: EventId,
    pub(super) stop: Option<Stopped>,
    /// How many messages of its path are its author's.
    pub(super) own: u32,
    /// Whether the chain has woken its author too often.
    pub(super) is_worn: bool,
    /// What the agents of its path said.
    pub(super) path: Vec<&'a Print>,
}

impl Memory {
    pub(super) fn apply(&mut self, message: &Message) {
        self.take_notice(message);
        if message.calls.is_empty() && message.offers.is_empty() && message.held.is_empty() {
            return;
        }
        let said = self.read(message);
        let chain = self.chains.entry(said.root).or_default();
        chain.known += 1;
        chain.hold(message);
        let calls: Vec<Key> = message.calls.iter().map(key).collect();
        if said.root == message.id {
            chain.begin(calls.len());
        } else if said.author.is_some() {
            chain.wake(&calls);
        }
        for agent in calls {
            self.last.insert(agent, Last { id: message.id, at: message.time });
        }
        self.calls += said.calls.len();
        self.said.insert(message.id, said);
        self.forget();
    }

    /// Whether a message called an agent or offered it something. Of what is no longer known it is
    /// believed of whoever was called then.
    pub(super) fn has_called(&self, agent: &ShortName, id: EventId) -> bool {
        let agent = key(agent);
        match self.said.get(&id) {
            Some(said) => said.calls.binary_search(&agent).is_ok(),
            None => id <= self.horizon && self.forgotten.contains_key(&agent),
        }
    }

    pub(super) fn last_call(
        &self,
        agent: &ShortName,
        now: Timestamp,
        within_ms: u64,
    ) -> Option<EventId> {
        let last = self.last.get(&key(agent))?;
        (now.since_ms(last.at) <= within_ms).then_some(last.id)
    }

    pub(super) fn place(&self, author: &ShortName, cause: EventId) -> Place<'_> {
        let author = key(author);
        let Some(said) = self.said.get(&cause) else { return self.place_unknown(author, cause) };
        let agents = || self.path(cause).filter(|said| said.author.is_some());
        let own = agents().filter(|said| said.author == Some(author)).count();
        let chain = self.chains.get(&said.root);
        Place {
            hop: said.hop.saturating_add(1),
            root: said.root,
            stop: chain.and_then(|chain| chain.stop),
            own: u32::try_from(own).unwrap_or(u32::MAX),
            is_worn: chain.is_some_and(|chain| chain.is_worn(author, WAKES)),
            path: agents().map(|said| &said.print).collect(),
        }
    }

    pub(super) fn held(&self, room: &RoomName) -> Option<(EventId, Vec<ShortName>)> {
        let held = self.chains.values().filter_map(|chain| chain.held(room));
        held.max_by_key(|(message, _)| *message).map(|(message, agents)| (message, agents.clone()))
    }

    fn place_unknown(&self, author: Key, cause: EventId) -> Place<'_> {
        let worst = self.forgotten.get(&author).copied().unwrap_or_default();
        let chain = self.chains.get(&cause);
        Place {
            hop: worst.hop.saturating_add(1),
            root: cause,
            stop: chain.and_then(|chain| chain.stop).or(worst.stop),
            own: 0,
            is_worn: chain.is_some_and(|chain| chain.is_worn(author, WAKES)),
            path: Vec::new(),
        }
    }

    /// A message and what caused it, back to the chain's beginning. A cause is always the older one.
    fn path(&self, from: EventId) -> impl Iterator<Item = &Said> {
        std::iter::successors(self.said.get(&from), |said| self.said.get(&said.cause?))
    }

    fn take_notice(&mut self, message: &Message) {
        if let Some(Notice::Loop { root, sign, .. }) = &message.notice
            && let Some(chain) = self.chains.get_mut(root)
        {
            chain.stop = Some(Stopped { sign: *sign, told: true });
        }
        let is_persons = !message.agent && message.notice.is_none() && !message.calls.is_empty();
        let answered = message.reply_to.filter(|_| is_persons).and_then(|id| self.said.get(&id));
        if let Some(chain) = answered.and_then(|said| self.chains.get_mut(&said.root)) {
            chain.go_on(message);
        }
    }

    fn read(&self, message: &Message) -> Said {
        let by_agent = is_agents(message);
        let cause = if by_agent { message.cause } else { self.worst_of_digest(message) };
        let cause = cause.filter(|cause| *cause < message.id);
        let known = cause.and_then(|cause| self.said.get(&cause));
        let above = known.map_or(0, |said| said.hop);
        let author = message.user.parse().ok().map(|name: DisplayName| key(&name.short()));
        let offers = message.offers.iter().flat_map(|offer| &offer.agents);
        let mut calls: Vec<Key> = message.calls.iter().chain(offers).map(key).collect();
        calls.sort_unstable();
        calls.dedup();
        Said {
            author: author.filter(|_| by_agent),
            cause,
            root: known.map(|said| said.root).or(cause).unwrap_or(message.id),
            // The log's word stands where the cause is no longer known.
            hop: if by_agent { message.hop.max(above.saturating_add(1)) } else { above },
            calls,
            print: if by_agent { Print::of(&message.text) } else { Print::default() },
        }
    }

    /// A digest goes on with the longest chain of those that it gathers, so that a loop that is
    /// slowed down to one turn an hour is still one.
    fn worst_of_digest(&self, message: &Message) -> Option<EventId> {
        let Some(Notice::Digest { messages, .. }) = &message.notice else { return None };
        let known = messages.iter().filter_map(|id| self.said.get_key_value(id));
        known.max_by_key(|(_, said)| said.hop).map(|(id, _)| *id)
    }

    fn forget(&mut self) {
        while self.said.len() > KEPT || self.calls > CALLS && self.said.len() > 1 {
            let Some((id, said)) = self.said.pop_first() else { return };
            self.horizon = id;
            self.calls -= said.calls.len();
            let chain = self.chains.get_mut(&said.root);
            let stop = chain.and_then(|chain| {
                chain.known -= 1;
                chain.stop
            });
            if self.chains.get(&said.root).is_some_and(|chain| chain.known == 0) {
                self.chains.remove(&said.root);
            }
            for agent in said.calls {
                let worst = self.forgotten.entry(agent).or_default();
                worst.hop = worst.hop.max(said.hop);
                worst.stop = worst.stop.or(stop);
                if self.last.get(&agent).is_some_and(|last| last.id == id) {
                    self.last.remove(&agent);
                }
            }
        }
    }
}

/// Whether an agent wrote a message: the server's own notices are a program's as well.
pub(super) fn is_agents(message: &Message) -> bool {
    message.agent && message.notice.is_none()
}

fn key(name: &ShortName) -> Key {
    name.folded().chars().fold(Hash::default(), Hash::and).value()
}
