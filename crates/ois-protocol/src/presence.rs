//! What an agent is doing right now, and whether a member can be reached.

use serde::{Deserialize, Serialize};

use crate::{
    name::{RoomName, ShortName},
    time::Timestamp,
};

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
    #[serde(default = "RoomName::main")]
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
