//! Which messages of agents wake nobody, since their chain goes round in circles.
//!
//! A chain is the tree of `cause`s below a person's word, or below what an agent says of its own
//! accord. The guard stops it, whole and for good, when a message
//!
//! | sign | is |
//! |---|---|
//! | [`LoopSign::Hops`] | more than [`GuardSettings::hops`] agents' messages away from the chain's beginning |
//! | [`LoopSign::Returns`] | the author's one too many on its path, or the chain woke the author too often in all ([`WAKES`]) |
//! | [`LoopSign::Repeats`] | nearly the same as some of its path (`guard/print.rs` says how near) |
//!
//! The second half of "returns" is for what no single path shows: `@all` among twenty agents is a
//! bush that is wide long before it is deep, and so is what an agent builds that answers the same
//! old message for ever.
//!
//! A person's word begins a new chain. So does one of an agent that nobody called, which is why
//! [`Guard::cause`] looks for a cause of its own when none is named. A [`Guard`] is a fold over the
//! log and holds the last [`KEPT`] messages that matter. Of older ones it knows, for each agent, the
//! worst that called it: whoever refers to them is taken to answer that one, so a chain that takes
//! its time does not become a new one. It wakes and holds nobody: `desk` does.

mod chain;
mod hash;
mod memory;
mod print;

use ois_protocol::{EventId, LoopSign, Member, Message, RoomName, ShortName, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::memory::{CALLS, KEPT, WAKES};
use self::{
    memory::{Memory, Place},
    print::Print,
};

/// When a chain goes round in circles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardSettings {
    /// The most messages of agents in a row.
    pub hops: u32,
    /// The most of them that are one agent's.
    pub returns: u32,
    /// How often nearly the same may have been said before.
    pub repeats: u32,
    /// A message of an agent without a cause is an answer to what called it last, if that is not
    /// longer ago than these milliseconds.
    pub infer_ms: u64,
}

impl Default for GuardSettings {
    /// 8 hops, 3 returns, the same twice, ten minutes.
    fn default() -> Self {
        Self { hops: 8, returns: 3, repeats: 2, infer_ms: 600_000 }
    }
}

/// Knows which chains go round in circles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    #[serde(skip)]
    settings: GuardSettings,
    memory: Memory,
}

/// What the guard says of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// How many messages of agents lie between the chain's beginning and this one, which counts.
    pub hop: u32,
    /// With which message the chain begins; `None` if with this one.
    pub root: Option<EventId>,
    /// Set if it must wake nobody.
    pub stop: Option<Stop>,
}

/// Why a message must wake nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// By which sign the chain was stopped.
    pub sign: LoopSign,
    /// With which message it begins.
    pub root: EventId,
    /// Whether a notice about it is in the log.
    pub told: bool,
}

impl Guard {
    /// A guard that has heard nothing.
    pub fn new(settings: GuardSettings) -> Self {
        Self { settings, memory: Memory::default() }
    }

    /// From now on these settings hold. A guard that was read back has the usual ones until then.
    pub fn set_settings(&mut self, settings: GuardSettings) {
        self.settings = settings;
    }

    /// Takes a stored message.
    pub fn apply_message(&mut self, message: &Message) {
        self.memory.apply(message);
    }

    /// The cause of what an agent says now: the message it names, if that called it or offered it
    /// something; otherwise the last that called it, unless that is too long ago.
    pub fn cause(
        &self,
        author: &ShortName,
        named: Option<EventId>,
        now: Timestamp,
    ) -> Option<EventId> {
        let believed = named.filter(|id| self.memory.has_called(author, *id));
        believed.or_else(|| self.memory.last_call(author, now, self.settings.infer_ms))
    }

    /// Judges a draft. Who is not an agent is never stopped.
    pub fn judge(&self, author: &Member, cause: Option<EventId>, text: &str) -> Verdict {
        if !author.is_agent() {
            return Verdict::default();
        }
        let Some(cause) = cause else { return Verdict { hop: 1, ..Verdict::default() } };
        let place = self.memory.place(&author.name, cause);
        let sign = place.stop.map(|stop| stop.sign).or_else(|| self.sign(&place, text));
        let told = place.stop.is_some_and(|stop| stop.told);
        let stop = sign.map(|sign| Stop { sign, root: place.root, told });
        Verdict { hop: place.hop, root: Some(place.root), stop }
    }

    /// Judges a stored message that was not applied yet. One that was held is stopped, whatever
    /// the settings are now.
    pub fn judge_stored(&self, message: &Message, author: &ShortName) -> Verdict {
        let Some(cause) = message.cause.filter(|_| memory::is_agents(message)) else {
            return Verdict { hop: message.hop, ..Verdict::default() };
        };
        let place = self.memory.place(author, cause);
        let (root, told) = (place.root, place.stop.is_some_and(|stop| stop.told));
        let sign = place.stop.map(|stop| stop.sign).or_else(|| self.sign(&place, &message.text));
        let held = chain::held_by_loop(message).next().map(|_| LoopSign::Hops);
        let stop = sign.or(held).map(|sign| Stop { sign, root, told });
        Verdict { hop: message.hop, root: Some(root), stop }
    }

    /// What a person's `/continue` in this room takes up: the last message that the guard held there
    /// and nobody has continued yet, and everybody whom its chain would have woken since. To be
    /// continued is to be answered (`reply_to`) by a person's message that calls.
    pub fn held(&self, room: &RoomName) -> Option<(EventId, Vec<ShortName>)> {
        self.memory.held(room)
    }

    fn sign(&self, place: &Place<'_>, text: &str) -> Option<LoopSign> {
        let GuardSettings { hops, returns, repeats, .. } = self.settings;
        if place.hop > hops {
            return Some(LoopSign::Hops);
        }
        if place.own + 1 > returns || place.is_worn {
            return Some(LoopSign::Returns);
        }
        let least = usize::try_from(repeats).unwrap_or(usize::MAX);
        if place.path.len() < least {
            return None;
        }
        let print = Print::of(text);
        let same = place.path.iter().filter(|said| print.is_nearly(said)).count();
        (same >= least).then_some(LoopSign::Repeats)
    }
}

#[cfg(test)]
mod tests;
