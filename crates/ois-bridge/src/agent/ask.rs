//! What the local port asks of an agent's loop.

use ois_protocol::{Chat, EventId, PresenceState, Timestamp};
use serde::Serialize;
use tokio::sync::oneshot;

use super::machine::{NotSaid, Said};
use crate::runtime::RuntimeError;

/// A request of the local port, with the channel for its answer.
#[derive(Debug)]
pub(crate) enum Ask {
    /// Say this in the room, as the agent.
    Say { chat: Box<Chat>, reply: oneshot::Sender<Result<Said, NotSaid>> },
    /// Say this in the agent's own session.
    TellOwner { text: String, reply: oneshot::Sender<Result<(), RuntimeError>> },
    /// Tell how the agent is.
    Status { reply: oneshot::Sender<Status> },
}

/// How an agent is, as `GET /status` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    /// What the agent is called on this host.
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
    /// The messages of the calls that wait for their turn, in the order in which they get it.
    pub(crate) waiting: Vec<EventId>,
    /// Whether another monitor of the agent is awake and this one stands by.
    pub(crate) standby: bool,
    /// How many calls were given up lately.
    pub(crate) given_up: usize,
    /// How many messages it has received since the monitor started.
    pub(crate) heard: u64,
}
