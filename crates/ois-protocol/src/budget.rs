//! What agents may use in a day, and what the server does when it is used up.

use serde::{Deserialize, Serialize};

use crate::name::{RoomName, ShortName};

/// How much an agent, a room, or an agent in a room may use in one day of the team's zone. A budget
/// without agent and room limits all of them together.
///
/// ```
/// use ois_protocol::{Budget, Policy};
/// let budget: Budget = serde_json::from_str(r#"{"agent":"HKH","turns":5}"#).unwrap();
/// assert_eq!((budget.turns, budget.policy), (Some(5), Policy::Stop));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Budget {
    /// The agent whose turns count against this budget; every agent's turns if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<ShortName>,
    /// The room whose turns count against this budget; every room's turns if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomName>,
    /// The number of turns that may begin in one day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<u64>,
    /// The number of tokens that may be read in one day, as far as runtimes report them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// The number of tokens that may be written in one day, as far as runtimes report them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// The money that may be spent in one day, in millionths of a US dollar, as far as runtimes
    /// report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micro_usd: Option<u64>,
    /// What the server does when the budget is used up.
    #[serde(default)]
    pub policy: Policy,
    /// With [`Policy::Digest`] the minutes between two digests; with [`Policy::Ask`] the minutes
    /// for which the server waits for a person's answer.
    #[serde(default = "minutes", skip_serializing_if = "is_usual")]
    pub minutes: u32,
}

/// What the server does when a budget is used up.
///
/// ```
/// assert_eq!(serde_json::to_string(&ois_protocol::Policy::Digest).unwrap(), r#""digest""#);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// The agent is not woken until the next day.
    #[default]
    Stop,
    /// Mentions are gathered and handed over once per interval.
    Digest,
    /// A person is asked in the room; no answer within the interval means no.
    Ask,
}

/// The quantity that a budget limits.
///
/// ```
/// assert_eq!(serde_json::to_string(&ois_protocol::Measure::MicroUsd).unwrap(), r#""micro_usd""#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The number of turns that began.
    Turns,
    /// The number of tokens that were read.
    InputTokens,
    /// The number of tokens that were written.
    OutputTokens,
    /// The money that was spent, in millionths of a US dollar.
    MicroUsd,
}

impl Budget {
    /// The value of [`Budget::minutes`] that is used when a budget does not set it.
    pub const MINUTES: u32 = 60;
}

fn minutes() -> u32 {
    Budget::MINUTES
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_usual(minutes: &u32) -> bool {
    *minutes == Budget::MINUTES
}
