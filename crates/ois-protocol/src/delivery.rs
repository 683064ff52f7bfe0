//! How far a mention came, what its agent is doing, and whether it can be reached.
//!
//! The states and frames of wire.md, "Deliveries". The machine that climbs them is `ois-chat`'s.

use serde::{Deserialize, Serialize};

use crate::{
    id::EventId,
    name::{RoomName, ShortName},
    time::Timestamp,
};

/// How far one attempt at a delivery came. Within an attempt it only climbs.
///
/// ```
/// use ois_protocol::Rung;
/// assert!(Rung::Received < Rung::Admitted);
/// assert!(Rung::Silent.is_final() && !Rung::Ended.is_final());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rung {
    /// The message is in the log.
    Stored,
    /// The monitor has it on its own disk.
    Received,
    /// The runtime confirmed that a turn for it began.
    Admitted,
    /// The runtime said that the turn is over.
    Ended,
    /// A message answers it.
    Replied,
    /// The agent chose not to answer.
    Silent,
    /// It went wrong, for a reason that is said.
    Failed,
    /// Nobody will try any more by itself.
    Dead,
}

impl Rung {
    /// Whether the attempt is over.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Replied | Self::Silent | Self::Failed | Self::Dead)
    }
}

/// One delivery's state: a message on its way to one agent.
///
/// ```
/// use ois_protocol::Delivery;
/// let wire = r#"{"message":7,"agent":"HKH","attempt":1,"state":"received","at":"2026-02-06T12:34:56.789Z"}"#;
/// let delivery: Delivery = serde_json::from_str(wire).unwrap();
/// assert_eq!(serde_json::to_string(&delivery).unwrap(), wire);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// The message that calls.
    pub message: EventId,
    /// The agent that is called.
    pub agent: ShortName,
    /// From 1; a person who drives it again opens the next.
    pub attempt: u32,
    /// How far it came.
    pub state: Rung,
    /// The runtime's name for the turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The message that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<EventId>,
    /// When this was seen.
    pub at: Timestamp,
    /// Set if an earlier attempt may have begun a turn as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub possible_duplicate: bool,
}

/// What an agent is doing right now; lossy, void after ten seconds.
///
/// ```
/// let activity: ois_protocol::Activity = serde_json::from_str(r#"{"state":"typing"}"#).unwrap();
/// assert!(activity.room.is_main());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Who; set by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<ShortName>,
    /// Where.
    #[serde(default)]
    pub room: RoomName,
    /// What.
    pub state: ActivityState,
    /// The runtime's name for the turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// A few words, for example a tool's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The answer as far as it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<Partial>,
}

/// What an agent may be doing.
///
/// ```
/// use ois_protocol::ActivityState;
/// assert_eq!(serde_json::to_string(&ActivityState::Working).unwrap(), r#""working""#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActivityState {
    /// Writing its answer.
    Typing,
    /// Waiting for its model.
    Thinking,
    /// Using a tool.
    Working,
    /// None of these any more.
    Idle,
}

/// An answer as far as it is written.
///
/// ```
/// let partial: ois_protocol::Partial = serde_json::from_str(r#"{"seq":2,"text":"so f"}"#).unwrap();
/// assert_eq!(partial.seq, 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    /// Counts up; a lower one that comes late is dropped.
    pub seq: u64,
    /// All the text so far.
    pub text: String,
}

/// Whether a member can be reached.
///
/// ```
/// use ois_protocol::Presence;
/// let wire = r#"{"name":"HKH","state":"online","since":"2026-02-06T12:34:56.789Z"}"#;
/// assert!(serde_json::from_str::<Presence>(wire).is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Presence {
    /// Who.
    pub name: ShortName,
    /// In what state.
    pub state: PresenceState,
    /// Since when.
    pub since: Timestamp,
    /// When the wake path was last proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_at: Option<Timestamp>,
}

/// In what state a member is.
///
/// ```
/// use ois_protocol::PresenceState;
/// assert_eq!(serde_json::from_str::<PresenceState>(r#""deaf""#).unwrap(), PresenceState::Deaf);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PresenceState {
    /// Connected, and its wake path answers.
    Online,
    /// At work on a turn.
    Busy,
    /// Connected, but its runtime does not answer.
    Deaf,
    /// Not connected.
    Offline,
}

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
    /// Whose.
    pub agent: ShortName,
    /// The message that caused it.
    pub cause: EventId,
    /// Where.
    #[serde(default)]
    pub room: RoomName,
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Rung>,
    /// What it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// What a turn cost, as far as the runtime says.
///
/// ```
/// let usage: ois_protocol::Usage = serde_json::from_str(r#"{"inputTokens":10}"#).unwrap();
/// assert_eq!((usage.input_tokens, usage.output_tokens), (Some(10), None));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Tokens read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Tokens written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// Money in millionths of a US dollar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micro_usd: Option<u64>,
}
