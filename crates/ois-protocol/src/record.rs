//! One event as the log holds it.

use std::sync::Arc;

use crate::{event::EventKind, id::EventId, name::RoomName, time::Timestamp};

/// One event in its place in the log. The payload is shared by default; a store that shows a record
/// without giving it away borrows it.
///
/// ```
/// use ois_protocol::{EventId, EventKind, Record, RoomName, Timestamp};
/// let (id, time) = (EventId::new(7).unwrap(), Timestamp::from_ms(0));
/// let (kind, room) = (Some(EventKind::Message), RoomName::main());
/// let record = Record { id, time, kind, room, payload: &b"{}"[..] };
/// assert_eq!(record.clone().into_owned().borrowed(), record);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<P = Arc<[u8]>> {
    /// Its place in the log.
    pub id: EventId,
    /// When it was stored; for an imported event, when it was said.
    pub time: Timestamp,
    /// What it is; `None` for a kind that a newer version wrote.
    pub kind: Option<EventKind>,
    /// The room in which it is seen.
    pub room: RoomName,
    /// The JSON that its receivers get, in one line; empty if it was purged.
    pub payload: P,
}

impl Record {
    /// The same record with a borrowed payload.
    pub fn borrowed(&self) -> Record<&[u8]> {
        let Self { id, time, kind, room, payload } = self;
        Record { id: *id, time: *time, kind: *kind, room: room.clone(), payload }
    }
}

impl Record<&[u8]> {
    /// The same record with a payload of its own, which outlives the one that was borrowed.
    pub fn into_owned(self) -> Record {
        let Self { id, time, kind, room, payload } = self;
        Record { id, time, kind, room, payload: payload.into() }
    }
}
