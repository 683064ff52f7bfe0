//! What a server sends.

use serde::{Deserialize, Serialize};

use super::ErrorFrame;
use crate::{
    delivery::Delivery,
    id::EventId,
    member::Role,
    message::Message,
    name::Nonce,
    presence::{Activity, Presence},
    run::{Run, Stop},
};

/// What a server sends.
///
/// ```
/// use ois_protocol::ServerFrame;
/// let frame: ServerFrame = serde_json::from_str(r#"{"type":"pong"}"#).unwrap();
/// assert_eq!(serde_json::to_string(&frame).unwrap(), r#"{"type":"pong"}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The answer to `ping`.
    Pong,
    /// Signed in.
    AuthOk(AuthOk),
    /// The token is wrong or has expired; the socket stays open.
    AuthFail,
    /// The last messages before now, oldest first.
    History(History),
    /// After a resume: everything up to this id has been sent.
    CaughtUp {
        /// The log's head when the reader reached it.
        id: EventId,
    },
    /// Somebody said something.
    Message {
        /// What.
        message: Message,
    },
    /// A draft with a nonce is durable.
    Ack(Ack),
    /// Something the client sent was not done.
    Error(ErrorFrame),
    /// How far a mention came.
    Delivery(Delivery),
    /// What an agent is doing right now.
    Activity(Activity),
    /// Whether somebody is there.
    Presence(Presence),
    /// An agent's turn.
    Run(Run),
    /// To the agent's monitor: stop a turn.
    Stop(Stop),
    /// A type that a newer server knows; ignored.
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
    /// The display name signed in under.
    pub user: String,
    /// Whether it is an agent's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_agent: bool,
    /// What the member may do; absent from an old server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The team's id, 8 hex digits; absent from an old server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// 2; absent from an old server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<u32>,
    /// The id of the last event so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<EventId>,
    /// This connection's number, for the server's log.
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
    /// Oldest first.
    pub messages: Vec<Message>,
    /// Set if a resume asked for more than is kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// With `truncated`: the oldest id that is kept.
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
    /// The draft's.
    pub nonce: Nonce,
    /// The message's.
    pub id: EventId,
    /// Whether it had been stored before.
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
