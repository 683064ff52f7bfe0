//! What a runtime says became of a call, and how a call ends.

use ois_protocol::{EventId, Reason, Usage};
use serde::{Deserialize, Serialize};

/// What a runtime says at the end: what became of the call, and what that cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// What became of it.
    pub outcome: Outcome,
    /// What the turn cost, as far as the runtime says.
    pub usage: Option<Usage>,
}

impl From<Outcome> for Done {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, usage: None }
    }
}

/// What became of a call that a runtime had in hand. Never more than was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The turn ended with this text.
    Replied(String),
    /// The turn ended, and the agent chose to say nothing.
    Silent,
    /// Certainly no turn has begun, and the same key is as good as before: the runtime was not
    /// reached, or has no time, or does not let us in. Nothing else is tried meanwhile.
    NotBegun {
        /// The reason, for programs.
        reason: Reason,
        /// The reason in words, for people.
        why: String,
        /// When the runtime wants to be asked again, in milliseconds, if it said so.
        retry_after_ms: Option<u64>,
    },
    /// Certainly no turn has begun, but this key will not do any more.
    KeySpent,
    /// A turn may have begun, and its end was not seen. It is asked about under the same key.
    Unclear {
        /// What was seen of the turn, in words.
        why: String,
    },
    /// A turn may have begun and is over without an answer. Unless it was
    /// [stopped](Reason::Stopped), it is worth another try.
    Failed {
        /// The reason, for programs.
        reason: Reason,
        /// The reason in words, for people.
        why: String,
    },
    /// The runtime will never take this, or will fail at it every time.
    Rejected {
        /// The reason, for programs.
        reason: Reason,
        /// The reason in words, for people.
        why: String,
    },
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ending", rename_all = "snake_case")]
pub enum Ending {
    /// With a message in the room.
    Replied {
        /// The id of that message; unknown if an old server took the agent's own words.
        answer: Option<EventId>,
    },
    /// The agent chose to say nothing.
    Silent,
    /// Without an answer.
    Failed {
        /// The reason, for programs.
        reason: Reason,
        /// The reason in words, for people.
        detail: String,
    },
    /// The server says that nobody waits for it here any more: another agent or another monitor has
    /// it, or it is over.
    Withdrawn,
}
