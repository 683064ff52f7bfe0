//! The turns of agents: when they began and ended, what they cost, and how they are stopped.

use serde::{Deserialize, Serialize};

use crate::{
    delivery::{Reason, Rung},
    id::EventId,
    name::{RoomName, ShortName},
    time::Timestamp,
};

/// One turn of an agent.
///
/// ```
/// use ois_protocol::Run;
/// let wire = r#"{"run":"r1","agent":"HKH","cause":7,"room":"main","start":"2026-02-06T12:34:56.789Z"}"#;
/// assert!(serde_json::from_str::<Run>(wire).is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The runtime's name for the turn.
    pub run: String,
    /// The agent whose turn it is.
    pub agent: ShortName,
    /// The message that caused the turn.
    pub cause: EventId,
    /// The attempt at the delivery that the turn belongs to; 1 if absent.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub attempt: u32,
    /// The room of the message that caused the turn.
    #[serde(default = "RoomName::main")]
    pub room: RoomName,
    /// The time at which the turn began.
    pub start: Timestamp,
    /// The time at which the turn ended; absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
    /// How the turn ended: `replied`, `silent` or `failed`; `dead` if its end was never reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Rung>,
    /// Why the turn failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What the turn cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Whether the monitor reported more usage than the server believes of one turn; [`Run::usage`] is
    /// the most that it believes then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub capped: bool,
}

/// What a turn cost, as far as the runtime says.
///
/// ```
/// let usage: ois_protocol::Usage = serde_json::from_str(r#"{"inputTokens":10}"#).unwrap();
/// assert_eq!((usage.input_tokens, usage.output_tokens), (Some(10), None));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// The number of tokens that were read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// The number of tokens that were written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// The money that was spent, in millionths of a US dollar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micro_usd: Option<u64>,
}

/// Asks an agent's monitor to stop a turn.
///
/// ```
/// let stop: ois_protocol::Stop = serde_json::from_str(r#"{"run":"r1","agent":"HKH","by":"Mira"}"#).unwrap();
/// assert_eq!(stop.run, "r1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// The runtime's name for the turn.
    pub run: String,
    /// The agent whose turn it is.
    pub agent: ShortName,
    /// The member who wants the turn stopped.
    pub by: ShortName,
}

/// What the runtime answered when its monitor asked it to stop a turn.
///
/// ```
/// let stopped: ois_protocol::Stopped = serde_json::from_str(r#"{"run":"r1","stopped":false}"#).unwrap();
/// assert!(!stopped.stopped && stopped.detail.is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// The runtime's name for the turn.
    pub run: String,
    /// Whether the turn was running and is stopped now.
    pub stopped: bool,
    /// Why the turn was not stopped, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

fn first() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_first(attempt: &u32) -> bool {
    *attempt == 1
}
