//! Which events of the log a connection is shown.
//!
//! Chat goes to everybody. Deliveries and runs go to those who asked for them when they signed in;
//! an agent is shown its own only. Every way to a socket asks here: the tail, the disk behind it,
//! and a resume.

use std::hash::{DefaultHasher, Hash, Hasher};

use ois_chat::Session;
use ois_protocol::{EventKind, ShortName, Topic};
use ois_store::Record;
use serde::Deserialize;

/// What kind of frame an event is, as far as it matters to who is shown it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// For everybody.
    Chat,
    /// A delivery of this agent.
    Delivery(Agent),
    /// A run of this agent.
    Run(Agent),
}

/// An agent's name, small enough to stand beside every frame. Two names that fall together show
/// their agents each other's reports, which are no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Agent(u32);

/// What one connection is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sight {
    deliveries: bool,
    runs: bool,
    /// Only this agent's.
    own: Option<Agent>,
}

impl Agent {
    fn of(name: &ShortName) -> Self {
        let mut hasher = DefaultHasher::new();
        name.folded().hash(&mut hasher);
        Self(hasher.finish() as u32)
    }
}

impl Class {
    /// Of a record; `None` if nobody is shown it over a WebSocket.
    pub(crate) fn of(record: &Record<impl AsRef<[u8]>>) -> Option<Self> {
        let payload = record.payload.as_ref();
        if payload.is_empty() || !record.room.is_main() {
            return None;
        }
        match record.kind? {
            EventKind::Message => Some(Self::Chat),
            EventKind::Delivery => whose(payload).map(Self::Delivery),
            EventKind::Run => whose(payload).map(Self::Run),
            _ => None,
        }
    }
}

impl Sight {
    /// Of a connection that has signed in.
    pub(crate) fn of(session: &Session) -> Self {
        let own = session.member().filter(|member| member.is_agent());
        Self {
            deliveries: session.follows(Topic::Deliveries),
            runs: session.follows(Topic::Runs),
            own: own.map(|member| Agent::of(&member.name)),
        }
    }

    /// Whether it is shown this.
    pub(crate) fn sees(self, class: Class) -> bool {
        let own = |agent| self.own.is_none_or(|own| own == agent);
        match class {
            Class::Chat => true,
            Class::Delivery(agent) => self.deliveries && own(agent),
            Class::Run(agent) => self.runs && own(agent),
        }
    }
}

fn whose(payload: &[u8]) -> Option<Agent> {
    #[derive(Deserialize)]
    struct Whose {
        agent: ShortName,
    }
    serde_json::from_slice(payload).ok().map(|it: Whose| Agent::of(&it.agent))
}

#[cfg(test)]
impl Sight {
    /// Of a person who asked for everything.
    pub(crate) fn everything() -> Self {
        Self { deliveries: true, runs: true, own: None }
    }

    /// Of an agent that asked for everything.
    pub(crate) fn own(name: &ShortName) -> Self {
        Self { own: Some(Agent::of(name)), ..Self::everything() }
    }
}
