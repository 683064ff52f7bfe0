//! What the server itself says in a room, and which agents a message does not wake.
//!
//! A notice is a message by [`AUTHOR`], so that old clients show it too; [`Notice`] says the same
//! for programs. A notice wakes nobody unless it is a digest.

use serde::{Deserialize, Serialize};

use crate::{
    budget::{Measure, Policy},
    delivery::Reason,
    id::EventId,
    name::ShortName,
    time::Timestamp,
};

/// The name under which the server speaks; no member may have it.
pub const AUTHOR: &str = "OIS";

/// What a notice is about. A reader that does not know a kind shows the message's text.
///
/// ```
/// use ois_protocol::Notice;
/// let wire = r#"{"kind":"dead","agents":["HKH"],"reason":"deadline"}"#;
/// let notice: Notice = serde_json::from_str(wire).unwrap();
/// assert_eq!(serde_json::to_string(&notice).unwrap(), wire);
/// assert_eq!(serde_json::from_str::<Notice>(r#"{"kind":"new"}"#).unwrap(), Notice::Unknown);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Notice {
    /// No answer will come to the message that this notice replies to.
    Dead {
        /// The agents that will not answer.
        agents: Vec<ShortName>,
        /// Why they will not answer.
        reason: Reason,
    },
    /// No agent that has the duty claimed the message that this notice replies to.
    Unclaimed {
        /// The duty that was offered the message.
        duty: ShortName,
    },
    /// The message that this notice replies to wakes nobody, because its chain goes round in
    /// circles.
    Loop {
        /// The first message of the chain.
        root: EventId,
        /// The sign by which the loop was found.
        sign: LoopSign,
        /// The agents that would have been woken.
        agents: Vec<ShortName>,
    },
    /// Four fifths of a budget are used.
    BudgetWarning {
        /// The budget and what is used of it.
        spent: Spent,
    },
    /// A budget is used up.
    BudgetReached {
        /// The budget and what is used of it.
        spent: Spent,
        /// What the server does now.
        policy: Policy,
    },
    /// A person is asked whether an agent whose budget is used up may be woken all the same.
    Ask {
        /// The agent that would be woken.
        agent: ShortName,
        /// The time after which no answer means no.
        until: Timestamp,
    },
    /// No person allowed the agent to be woken.
    NotAllowed {
        /// The agent that is not woken.
        agent: ShortName,
    },
    /// Messages for which an agent was not woken are handed over now.
    Digest {
        /// The agent that the messages are handed over to.
        agent: ShortName,
        /// The messages that named the agent.
        messages: Vec<EventId>,
    },
    /// A kind that only a newer server knows.
    #[serde(other)]
    Unknown,
}

impl Notice {
    /// Returns the word that stands for this kind on the wire.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Dead { .. } => "dead",
            Self::Unclaimed { .. } => "unclaimed",
            Self::Loop { .. } => "loop",
            Self::BudgetWarning { .. } => "budget_warning",
            Self::BudgetReached { .. } => "budget_reached",
            Self::Ask { .. } => "ask",
            Self::NotAllowed { .. } => "not_allowed",
            Self::Digest { .. } => "digest",
            Self::Unknown => "unknown",
        }
    }
}

/// The sign by which a chain of messages was found to go round in circles.
///
/// ```
/// assert_eq!(serde_json::to_string(&ois_protocol::LoopSign::Hops).unwrap(), r#""hops""#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LoopSign {
    /// The chain is too long.
    Hops,
    /// The chain came back to the same agent too often.
    Returns,
    /// The chain repeats the same text, nearly word for word.
    Repeats,
    /// A sign that only a newer server knows.
    #[serde(other)]
    Unknown,
}

/// How much of a budget is used.
///
/// ```
/// let spent: ois_protocol::Spent =
///     serde_json::from_str(r#"{"agent":"HKH","measure":"turns","used":4,"limit":5}"#).unwrap();
/// assert_eq!((spent.used, spent.limit), (4, 5));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// The agent whose budget it is; every agent's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<ShortName>,
    /// The room that the budget holds for; every room if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<crate::RoomName>,
    /// The quantity that the budget limits.
    pub measure: Measure,
    /// The amount that is used, in the unit of the measure.
    pub used: u64,
    /// The amount that the budget allows, in the unit of the measure.
    pub limit: u64,
}

/// An agent that a message names and does not wake.
///
/// ```
/// let held: ois_protocol::Held = serde_json::from_str(r#"{"agent":"HKH","by":"budget"}"#).unwrap();
/// assert_eq!(held.by, ois_protocol::HeldBy::Budget);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The agent that is not woken.
    pub agent: ShortName,
    /// What keeps the message from waking the agent.
    pub by: HeldBy,
    /// The budget that is used up, as it was when the message was held; absent in older messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent: Option<Spent>,
    /// What the server does about the budget that is used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
}

impl Held {
    /// Returns an agent that the loop guard keeps from being woken.
    pub const fn by_loop(agent: ShortName) -> Self {
        Self { agent, by: HeldBy::Loop, spent: None, policy: None }
    }

    /// Returns an agent that is not woken since this budget is used up.
    pub const fn by_budget(agent: ShortName, spent: Spent, policy: Policy) -> Self {
        Self { agent, by: HeldBy::Budget, spent: Some(spent), policy: Some(policy) }
    }
}

/// What keeps a message from waking an agent.
///
/// ```
/// assert_eq!(serde_json::to_string(&ois_protocol::HeldBy::Loop).unwrap(), r#""loop""#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HeldBy {
    /// The loop guard stopped the chain.
    Loop,
    /// A budget is used up.
    Budget,
    /// A cause that only a newer server knows.
    #[serde(other)]
    Unknown,
}

/// A duty whose first holder that claims the message is woken.
///
/// ```
/// let offer: ois_protocol::Offer =
///     serde_json::from_str(r#"{"duty":"reviewer","agents":["HKH","ARIA"]}"#).unwrap();
/// assert_eq!(offer.agents.len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The duty that the text names.
    pub duty: ShortName,
    /// The agents that have the duty and may claim the message.
    pub agents: Vec<ShortName>,
}
