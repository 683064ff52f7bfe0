//! The team's log, to which one server appends, or two.
//!
//! With one server it is that server's disk: what was not synced may be gone after a crash. With two it
//! outlives both, and what is appended is durable at once; but the one that appends learns of it only
//! later, and the other one later still.

use std::collections::BTreeMap;

use ois_chat::{
    Fact,
    team::{Key, KnownNonces, NonceState},
};
use ois_protocol::{EventId, NewEvent, Record, ServerFrame, Timestamp};

use crate::{disk::Disk, random::Random};

/// The team's log.
#[derive(Debug)]
pub(crate) struct Log {
    disk: Disk<Stored>,
    nonces: BTreeMap<Key, EventId>,
}

/// An event in its place in the log.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) id: EventId,
    pub(crate) time: Timestamp,
    pub(crate) event: NewEvent,
    pub(crate) frame: ServerFrame,
    pub(crate) record: Record,
}

/// Why the log has not taken a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is no room on its disk.
    Full,
    /// It does not end where the batch was decided.
    Moved,
}

/// The log's first id.
const FIRST: u64 = 100;

impl Stored {
    fn new(event: NewEvent, id: EventId, time: Timestamp) -> Self {
        let (kind, room) = (Some(event.kind()), event.room().clone());
        let payload: std::sync::Arc<[u8]> = event.clone().encode(id, time).into();
        let record = Record { id, time, kind, room, payload };
        let frame = ois_protocol::event::decode(&record.payload).expect("it is read as written");
        Self { id, time, event, frame, record }
    }

    /// The event as the desk minds it, out of the bytes that stand in the log.
    pub(crate) fn fact(&self) -> Option<Fact> {
        Fact::read(&self.record)
    }
}

impl Log {
    pub(crate) fn new() -> Self {
        Self { disk: Disk::new(), nonces: BTreeMap::new() }
    }

    /// Appends a batch if the log ends at `after`; answers with the first event's id.
    pub(crate) fn append(
        &mut self,
        events: Vec<NewEvent>,
        after: EventId,
        now: Timestamp,
    ) -> Result<EventId, Refused> {
        if after != self.head() {
            return Err(Refused::Moved);
        }
        let first = FIRST + self.disk.entries().len() as u64;
        let id = |at: usize| EventId::new(first + at as u64).expect("a small number");
        let stored = events.into_iter().enumerate();
        let stored: Vec<Stored> =
            stored.map(|(at, event)| Stored::new(event, id(at), now)).collect();
        let nonces: Vec<(Key, EventId)> = stored.iter().filter_map(nonce).collect();
        self.disk.write(stored, now).map_err(|_| Refused::Full)?;
        self.nonces.extend(nonces);
        Ok(id(0))
    }

    /// What was appended is durable from now on.
    pub(crate) fn sync(&mut self) {
        self.disk.sync();
    }

    /// The host of its disk dies.
    pub(crate) fn crash(&mut self, random: &mut Random) {
        self.disk.crash(random);
        self.nonces = self.disk.entries().iter().filter_map(nonce).collect();
    }

    pub(crate) fn disk(&mut self) -> &mut Disk<Stored> {
        &mut self.disk
    }

    /// What the log knows of these nonces.
    pub(crate) fn look_up(&self, keys: Vec<Key>) -> KnownNonces {
        let known = keys.into_iter().filter_map(|key| {
            let id = *self.nonces.get(&key)?;
            Some((key, NonceState::Stored(id)))
        });
        known.collect()
    }

    /// Everything that is in it.
    pub(crate) fn entries(&self) -> &[Stored] {
        self.disk.entries()
    }

    /// How many events there are up to this one.
    pub(crate) fn len_through(id: EventId) -> usize {
        usize::try_from(id.get().saturating_sub(FIRST - 1)).unwrap_or_default()
    }

    pub(crate) fn head(&self) -> EventId {
        self.entries().last().map_or(EventId::ZERO, |last| last.id)
    }

    pub(crate) fn last_time(&self) -> Timestamp {
        self.entries().last().map_or(Timestamp::from_ms(0), |last| last.time)
    }
}

fn nonce(stored: &Stored) -> Option<(Key, EventId)> {
    let nonce = stored.event.nonce()?.clone();
    Some(((stored.event.author().clone(), nonce), stored.id))
}
