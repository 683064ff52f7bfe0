//! What is appended to a day's log at once.

use std::borrow::Cow;

use ois_protocol::{Civil, EventId, EventKind, UtcOffset, daylog, event};
use serde::Deserialize;

use crate::{Limit, ReadError, Record, Store};

/// A stretch of the log whose messages are all of one day, as that day's log shows them.
#[derive(Default)]
pub(super) struct Stretch {
    /// Its last event.
    pub(super) last: EventId,
    /// The day, at the time of its first message; `None` if it holds none.
    pub(super) day: Option<Civil>,
    /// The messages as they are appended.
    pub(super) entries: String,
    /// How many they are.
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
        loop {
            let before = stretch.last;
            store.visit(before, PAGE, &mut |record| stretch.take(&record, offset)).await?;
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
        serde_json::from_slice(message_json(record)?).ok()
    }
}

/// The JSON of a message of `main` that was not purged.
pub(super) fn message_json<'a>(record: &Record<&'a [u8]>) -> Option<&'a [u8]> {
    let is_said = record.kind == Some(EventKind::Message) && record.room.is_main();
    is_said.then(|| event::message_json(record.payload))?
}

/// How much is read at once.
const PAGE: Limit = Limit { records: 1000, bytes: 1 << 20 };
/// How much is written at once, in bytes, if there is so much: each write is four syncs, and with
/// thousands of messages a second they took as long as everything else here.
const ENOUGH: usize = 2 << 20;
