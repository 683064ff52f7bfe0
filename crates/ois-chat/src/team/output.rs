//! What a team has its driver do.

use ois_protocol::{Delivery, ErrorFrame, EventId, ServerFrame, Stopped};

use crate::visibility::Visibility;

/// The number of a connection, given by the driver and never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// The number of a request that came over another way than a connection (HTTP), given by the driver
/// and never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// What a team has its driver do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this frame to one connection, before anything else of the log.
    Send(ConnId, ServerFrame),
    /// Send this frame to each of these connections. It is worth nothing later: a peer that does not
    /// read misses it.
    SendAll(Vec<ConnId>, ServerFrame),
    /// Let a connection that has signed in follow the log from here.
    Start(ConnId, Start),
    /// Answer a request. A request is answered once.
    Answer(RequestId, Result<Answer, ErrorFrame>),
}

/// From where a connection that has signed in follows the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// After an empty history it is sent everything after this event, then `caught_up`.
    Resume {
        /// The last event that it knows.
        after: EventId,
        /// What it is shown.
        visibility: Visibility,
    },
    /// It is sent so many of the last messages, then everything that comes.
    History {
        /// How many messages.
        count: usize,
        /// What it is shown.
        visibility: Visibility,
    },
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Something was said; it is in the log.
    Sent(Sent),
    /// A delivery is driven again; this is its next attempt, which is in the log.
    Retried(Delivery),
    /// A monitor's word about a turn that was to be stopped.
    Stopped(Stopped),
}

/// The place of something that was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The message's place in the log.
    pub id: EventId,
    /// Whether it had been stored before.
    pub duplicate: bool,
}
