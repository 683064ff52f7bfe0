//! What an agent is doing right now, and whether a member can be reached.

use serde::{Deserialize, Serialize};

use crate::{
    name::{RoomName, ShortName},
    time::Timestamp,
};

/// What an agent is doing right now. Activity may be lost on the way, and it is void after ten
/// seconds.
///
/// ```
/// let activity: ois_protocol::Activity = serde_json::from_str(r#"{"state":"typing"}"#).unwrap();
/// assert!(activity.room.is_main());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// The agent that is doing it; set by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<ShortName>,
    /// The room in which the agent is doing it.
    #[serde(default = "RoomName::main")]
    pub room: RoomName,
    /// What the agent is doing.
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
#[non_exhaustive]
pub enum ActivityState {
    /// The agent is writing its answer.
    Typing,
    /// The agent is waiting for its model.
    Thinking,
    /// The agent is using a tool.
    Working,
    /// The agent is doing none of these any more.
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
    /// A number that counts up; a lower one that arrives late is dropped.
    pub seq: u64,
    /// The whole text of the answer so far.
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
    /// The member whose presence this is.
    pub name: ShortName,
    /// The state of the member.
    pub state: PresenceState,
    /// The time since which the member is in this state.
    pub since: Timestamp,
    /// The time at which the wake path was last proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_at: Option<Timestamp>,
}

/// The states in which a member can be.
///
/// ```
/// use ois_protocol::PresenceState;
/// assert_eq!(serde_json::from_str::<PresenceState>(r#""deaf""#).unwrap(), PresenceState::Deaf);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PresenceState {
    /// The member is connected, and its wake path answers.
    Online,
    /// The member is at work on a turn.
    Busy,
    /// The member is connected, but its runtime does not answer.
    Deaf,
    /// The member is not connected.
    Offline,
}
