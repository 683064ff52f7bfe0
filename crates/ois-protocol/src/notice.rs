//! What the server itself has to say in a room, and whom a message does not wake.
//!
//! A notice is a message by [`AUTHOR`], so that old clients show it too; [`Notice`] says the same
//! for programs. It wakes nobody unless it is a digest.

use serde::{Deserialize, Serialize};

use crate::{
    budget::{Measure, Policy},
    delivery::Reason,
    id::EventId,
    name::ShortName,
    time::Timestamp,
};

/// The name under which the server speaks; no member may bear it.
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
pub enum Notice {
    /// No answer will come to the message that this replies to.
    Dead {
        /// From whom.
        agents: Vec<ShortName>,
        /// Why.
        reason: Reason,
    },
    /// Nobody who has the duty took the message that this replies to.
    Unclaimed {
        /// The duty.
        duty: ShortName,
    },
    /// The message that this replies to wakes nobody: its chain goes round in circles.
    Loop {
        /// The first message of the chain.
        root: EventId,
        /// By which sign.
        sign: LoopSign,
        /// Who would have been woken.
        agents: Vec<ShortName>,
    },
    /// Four fifths of a budget are used.
    BudgetWarning {
        /// Of what.
        spent: Spent,
    },
    /// A budget is used up.
    BudgetReached {
        /// Of what.
        spent: Spent,
        /// What happens now.
        policy: Policy,
    },
    /// A person is asked whether an agent whose budget is used up may be woken all the same.
    Ask {
        /// Which agent.
        agent: ShortName,
        /// After this it is no.
        until: Timestamp,
    },
    /// Nobody allowed it.
    NotAllowed {
        /// Which agent is not woken.
        agent: ShortName,
    },
    /// What an agent was not woken for, handed over now.
    Digest {
        /// Which agent.
        agent: ShortName,
        /// The messages that named it.
        messages: Vec<EventId>,
    },
    /// One that a newer server knows.
    #[serde(other)]
    Unknown,
}

/// By which sign a chain of messages was found to go round in circles.
///
/// ```
/// assert_eq!(serde_json::to_string(&ois_protocol::LoopSign::Hops).unwrap(), r#""hops""#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoopSign {
    /// It is too long.
    Hops,
    /// It came back to the same agent too often.
    Returns,
    /// It says the same again, nearly word for word.
    Repeats,
    /// One that a newer server knows.
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
    /// Whose budget; everybody's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<ShortName>,
    /// Where; everywhere if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<crate::RoomName>,
    /// What is counted.
    pub measure: Measure,
    /// How much.
    pub used: u64,
    /// Of how much.
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
    /// Who.
    pub agent: ShortName,
    /// By what.
    pub by: HeldBy,
}

/// What keeps a message from waking an agent.
///
/// ```
/// assert_eq!(serde_json::to_string(&ois_protocol::HeldBy::Loop).unwrap(), r#""loop""#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldBy {
    /// The loop guard.
    Loop,
    /// A budget.
    Budget,
    /// One that a newer server knows.
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
    /// The duty.
    pub duty: ShortName,
    /// The agents that have it and may claim the message.
    pub agents: Vec<ShortName>,
}
