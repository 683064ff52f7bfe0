//! Which events of the log a connection is shown.
//!
//! Chat goes to everybody. Deliveries and runs go to those who asked for them when they signed in; an
//! agent is shown its own only. Every way to a socket asks here: the tail, the disk behind it, and a
//! resume.

use std::hash::{DefaultHasher, Hash, Hasher};

use ois_protocol::{EventKind, Record, ShortName, Topic};
use serde::Deserialize;

use crate::Session;

/// The kind of frame that an event becomes, as far as it decides who is shown it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A message: everybody is shown it.
    Chat,
    /// A delivery of this agent.
    Delivery(AgentHash),
    /// A run of this agent.
    Run(AgentHash),
}

/// The hash of an agent's name, in four bytes, so that it can stand beside every frame. Two agents
/// whose hashes are equal are shown each other's reports, which are no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentHash(u32);

/// What one connection is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Visibility {
    deliveries: bool,
    runs: bool,
    /// Only this agent's.
    own: Option<AgentHash>,
}

impl AgentHash {
    fn of(name: &ShortName) -> Self {
        let mut hasher = DefaultHasher::new();
        name.folded().hash(&mut hasher);
        Self(hasher.finish() as u32)
    }
}

impl Class {
    /// The class of a record; `None` if nobody is shown it over a WebSocket.
    pub fn of(record: &Record<impl AsRef<[u8]>>) -> Option<Self> {
        let payload = record.payload.as_ref();
        if payload.is_empty() || !record.room.is_main() {
            return None;
        }
        match record.kind? {
            EventKind::Message => Some(Self::Chat),
            EventKind::Delivery => agent_in(payload).map(Self::Delivery),
            EventKind::Run => agent_in(payload).map(Self::Run),
            _ => None,
        }
    }
}

impl Visibility {
    /// What a session is shown, by who signed in and what the sign-in asked for.
    pub fn of(session: &Session) -> Self {
        let own = session.member().filter(|member| member.is_agent());
        Self {
            deliveries: session.follows(Topic::Deliveries),
            runs: session.follows(Topic::Runs),
            own: own.map(|member| AgentHash::of(&member.name)),
        }
    }

    /// Everything, as a person sees it who asked for deliveries and runs.
    pub fn everything() -> Self {
        Self { deliveries: true, runs: true, own: None }
    }

    /// Everything that concerns this agent, as it sees it when it asked for deliveries and runs.
    pub fn own(name: &ShortName) -> Self {
        Self { own: Some(AgentHash::of(name)), ..Self::everything() }
    }

    /// Whether an event of this class is shown.
    pub fn sees(self, class: Class) -> bool {
        let own = |agent| self.own.is_none_or(|own| own == agent);
        match class {
            Class::Chat => true,
            Class::Delivery(agent) => self.deliveries && own(agent),
            Class::Run(agent) => self.runs && own(agent),
        }
    }
}

/// The agent that a delivery's or a run's payload names.
fn agent_in(payload: &[u8]) -> Option<AgentHash> {
    #[derive(Deserialize)]
    struct Named {
        agent: ShortName,
    }
    serde_json::from_slice(payload).ok().map(|it: Named| AgentHash::of(&it.agent))
}
