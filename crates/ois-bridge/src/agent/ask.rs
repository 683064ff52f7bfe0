//! What the local port asks of an agent's loop.

use ois_protocol::{Chat, EventId, PresenceState, Timestamp};
use serde::Serialize;
use tokio::sync::oneshot;

use crate::runtime::RuntimeError;

/// What the local port asks of an agent's loop.
#[derive(Debug)]
pub(crate) enum Ask {
    /// Say this in the room, as the agent.
    Say { chat: Box<Chat>, reply: oneshot::Sender<Result<Said, NotSaid>> },
    /// Say this in the agent's own session.
    TellOwner { text: String, reply: oneshot::Sender<Result<(), RuntimeError>> },
    /// Tell how it is.
    Status { reply: oneshot::Sender<Status> },
}

/// The room has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) id: Option<EventId>,
}

/// The room will not have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotSaid {
    /// There is no connection; nothing was kept.
    Offline,
    /// The disk did not keep it, so it is not sent.
    NotKept(String),
    /// The server refused it.
    Refused(String),
}

/// How an agent is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    /// What it is called here.
    pub(crate) agent: String,
    /// Whether it is signed in at the server.
    pub(crate) online: bool,
    /// Whether the way to it is open, as the room sees it; absent before the first probe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) presence: Option<PresenceState>,
    /// When that was last proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) proven_at: Option<Timestamp>,
    /// How many calls are not over.
    pub(crate) calls: usize,
    /// How many were given up lately.
    pub(crate) given_up: usize,
    /// How many messages it has heard since the monitor started.
    pub(crate) heard: u64,
}
