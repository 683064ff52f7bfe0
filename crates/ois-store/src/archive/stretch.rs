//! What is appended to a day's log at once.

use std::borrow::Cow;

use ois_protocol::{Civil, EventId, EventKind, RoomName, UtcOffset, daylog, event};
use serde::Deserialize;

use crate::{Filter, Limit, ReadError, Record, Store};

/// A stretch of the log whose messages are all of one day, as that day's log shows them.
#[derive(Default)]
pub(super) struct Stretch {
    /// The id of its last event.
    pub(super) last: EventId,
    /// The day, at the time of its first message; `None` if it holds none.
    pub(super) day: Option<Civil>,
    /// The messages as they are appended to the day's log.
    pub(super) entries: String,
    /// The number of messages.
    pub(super) messages: usize,
    /// What comes next is of another day.
    has_ended: bool,
}

impl Stretch {
    /// Reads on after this event; a stretch that ends there is empty.
    pub(super) async fn read(
        store: &dyn Store,
        after: EventId,
        offset: UtcOffset,
    ) -> Result<Self, ReadError> {
        let mut stretch = Self { last: after, ..Self::default() };
        let filter = messages_of_main();
        loop {
            let before = stretch.last;
            let mut each = |record: Record<&[u8]>| stretch.take(&record, offset);
            let cursor = store.visit(before, &filter, PAGE, &mut each).await?;
            if !stretch.has_ended {
                stretch.last = cursor;
            }
            if stretch.last == before || stretch.has_ended || stretch.entries.len() >= ENOUGH {
                return Ok(stretch);
            }
        }
    }

    fn take(&mut self, record: &Record<&[u8]>, offset: UtcOffset) {
        if self.has_ended {
            return;
        }
        if let Some(said) = Said::of(record) {
            let time = record.time.civil(offset);
            let day = *self.day.get_or_insert(time);
            if (day.year, day.month, day.day) != (time.year, time.month, time.day) {
                self.has_ended = true;
                return;
            }
            daylog::write_entry(&mut self.entries, time, &said.user, &said.text);
            self.messages += 1;
        }
        self.last = record.id;
    }
}

/// What the day's log keeps of a message.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    user: Cow<'a, str>,
    #[serde(borrow, default)]
    text: Cow<'a, str>,
}

impl<'a> Said<'a> {
    fn of(record: &Record<&'a [u8]>) -> Option<Self> {
        serde_json::from_slice(event::message_json(record.payload)?).ok()
    }
}

/// The records that the archive shows.
pub(super) fn messages_of_main() -> Filter {
    Filter { rooms: Some(vec![RoomName::main()]), kinds: Some(vec![EventKind::Message]) }
}

/// How much is read at once.
const PAGE: Limit = Limit { records: 1000, bytes: 1 << 20 };
/// How much is written at once, in bytes, if there is so much: each write costs four syncs, which
/// with thousands of messages a second took as long as everything else here.
const ENOUGH: usize = 2 << 20;
