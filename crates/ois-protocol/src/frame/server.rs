//! The frames that a server sends.

use serde::{Deserialize, Serialize};

use super::ErrorFrame;
use crate::{
    delivery::{Delivery, Standby},
    id::EventId,
    member::Role,
    message::Message,
    name::Nonce,
    presence::{Activity, Presence},
    run::{Run, Stop},
};

/// A frame that a server sends.
///
/// ```
/// use ois_protocol::ServerFrame;
/// let frame: ServerFrame = serde_json::from_str(r#"{"type":"pong"}"#).unwrap();
/// assert_eq!(serde_json::to_string(&frame).unwrap(), r#"{"type":"pong"}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// Answers a `ping` of the client.
    Pong,
    /// Says that the client is signed in.
    AuthOk(AuthOk),
    /// Says that the token is wrong or has expired; the socket stays open.
    AuthFail,
    /// The last messages before now, oldest first.
    History(History),
    /// Says, after a resume, that everything up to this id has been sent.
    CaughtUp {
        /// The head of the log when the reader reached it.
        id: EventId,
    },
    /// A message that was said in a room.
    Message {
        /// The message as every client sees it.
        message: Message,
    },
    /// Confirms that a draft with a nonce is durable.
    Ack(Ack),
    /// Says that something the client sent was not done.
    Error(ErrorFrame),
    /// A new state of a delivery, which says how far a mention came.
    Delivery(Delivery),
    /// What an agent is doing right now.
    Activity(Activity),
    /// Whether a member can be reached.
    Presence(Presence),
    /// The start or the end of an agent's turn.
    Run(Run),
    /// Asks the agent's monitor to stop a turn.
    Stop(Stop),
    /// Tells an agent's monitors which of them is awake.
    Standby(Standby),
    /// A type that only a newer server knows; clients ignore it.
    #[serde(other)]
    Unknown,
}

/// The body of `auth_ok`.
///
/// ```
/// let old: ois_protocol::AuthOk = serde_json::from_str(r#"{"user":"tester"}"#).unwrap();
/// assert!(old.protocol.is_none(), "a server without `protocol` is an old one");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthOk {
    /// The display name under which the member is signed in.
    pub user: String,
    /// Whether the member is an agent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_agent: bool,
    /// What the member may do; absent from an old server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The team's id, 8 hex digits; absent from an old server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The version of the protocol, 2; absent from an old server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<u32>,
    /// The id of the last event so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<EventId>,
    /// The number of this connection, by which the server's log names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// The body of `history`.
///
/// ```
/// let history: ois_protocol::History = serde_json::from_str(r#"{"messages":[]}"#).unwrap();
/// assert!(!history.truncated);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The messages, oldest first.
    pub messages: Vec<Message>,
    /// Whether a resume asked for more than is kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// The oldest id that is kept; present with `truncated`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<EventId>,
}

/// The body of `ack`.
///
/// ```
/// let ack: ois_protocol::Ack = serde_json::from_str(r#"{"nonce":"n1","id":7}"#).unwrap();
/// assert_eq!((ack.id.get(), ack.duplicate), (7, false));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The nonce of the draft.
    pub nonce: Nonce,
    /// The id of the message that the draft became.
    pub id: EventId,
    /// Whether the draft had been stored before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_servers_frame_is_no_error() {
        assert_eq!(
            serde_json::from_str::<ServerFrame>(r#"{"type":"hologram","x":1}"#).unwrap(),
            ServerFrame::Unknown
        );
    }
}
