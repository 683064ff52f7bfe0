//! What agents may use in a day, and what happens when it is used up.

use serde::{Deserialize, Serialize};

use crate::name::{RoomName, ShortName};

/// How much an agent, a room, or an agent in a room may use in one day of the team's zone. Without
/// agent and room it holds for everything together.
///
/// ```
/// use ois_protocol::{Budget, Policy};
/// let budget: Budget = serde_json::from_str(r#"{"agent":"HKH","turns":5}"#).unwrap();
/// assert_eq!((budget.turns, budget.policy), (Some(5), Policy::Stop));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Budget {
    /// Whose turns count; everybody's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<ShortName>,
    /// Where they count; everywhere if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomName>,
    /// Turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<u64>,
    /// Tokens read, as far as runtimes report them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Money in millionths of a US dollar, as far as runtimes report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micro_usd: Option<u64>,
    /// What happens when it is used up.
    #[serde(default)]
    pub policy: Policy,
    /// `digest`: how often mentions are handed over. `ask`: how long an answer is waited for.
    #[serde(default = "minutes", skip_serializing_if = "is_usual")]
    pub minutes: u32,
}

/// What happens when a budget is used up.
///
/// ```
/// assert_eq!(serde_json::to_string(&ois_protocol::Policy::Digest).unwrap(), r#""digest""#);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Nobody is woken until the next day.
    #[default]
    Stop,
    /// Mentions are gathered and handed over once per interval.
    Digest,
    /// A person is asked in the room; after a time it is no.
    Ask,
}

/// What is counted.
///
/// ```
/// assert_eq!(serde_json::to_string(&ois_protocol::Measure::MicroUsd).unwrap(), r#""micro_usd""#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Turns.
    Turns,
    /// Tokens read.
    InputTokens,
    /// Money in millionths of a US dollar.
    MicroUsd,
}

impl Budget {
    /// [`Budget::minutes`] if nothing else is said.
    pub const MINUTES: u32 = 60;
}

fn minutes() -> u32 {
    Budget::MINUTES
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_usual(minutes: &u32) -> bool {
    *minutes == Budget::MINUTES
}
