//! Some messages of one room, read out of the log.

use ois_protocol::{EventId, EventKind, RoomName, event::message_json};
use ois_store::{Batch, Filter, Limit, ReadError, Record, Store};

use super::{From, Wanted};

/// Some messages of one room, the oldest first.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// Each message as JSON, as it stands in the log.
    pub(crate) messages: Vec<Vec<u8>>,
    /// Whether there are more messages in the wanted direction; around an id, in either direction.
    pub(crate) more: bool,
}

/// Reads the wanted messages, and finds out whether there are more.
pub(super) async fn read(store: &dyn Store, wanted: &Wanted) -> Result<Page, ReadError> {
    let Wanted { room, from, limit } = wanted;
    match *from {
        From::After(id) => after(store, room, id, *limit).await,
        From::Before(id) => before(store, room, id, *limit).await,
        From::Around(id) => {
            let earlier = before(store, room, id.next(), limit.div_ceil(2)).await?;
            let left = limit - earlier.messages.len();
            let later = after(store, room, id, left).await?;
            let more = earlier.more || later.more;
            let messages = [earlier.messages, later.messages].concat();
            Ok(Page { messages, more })
        }
    }
}

async fn after(
    store: &dyn Store,
    room: &RoomName,
    mut cursor: EventId,
    limit: usize,
) -> Result<Page, ReadError> {
    let mut page = Filling::new(limit);
    loop {
        let batch = store.read(cursor, &Filter::default(), CHUNK).await?.records;
        let Some(last) = batch.last() else { break };
        cursor = last.id;
        if !page.take_all(batch, room) {
            break;
        }
        // In a room with few messages the scan is long: other tasks have a turn in between.
        tokio::task::yield_now().await;
    }
    Ok(Page { messages: page.messages, more: page.more })
}

async fn before(
    store: &dyn Store,
    room: &RoomName,
    mut cursor: EventId,
    limit: usize,
) -> Result<Page, ReadError> {
    let mut page = Filling::new(limit);
    loop {
        let mut batch = store.read_before(cursor, &Filter::default(), CHUNK).await?.records;
        let Some(first) = batch.first() else { break };
        cursor = first.id;
        batch.reverse();
        if !page.take_all(batch, room) {
            break;
        }
        // In a room with few messages the scan is long: other tasks have a turn in between.
        tokio::task::yield_now().await;
    }
    page.messages.reverse();
    Ok(Page { messages: page.messages, more: page.more })
}

/// A page that is being filled, in the direction of reading.
struct Filling {
    messages: Vec<Vec<u8>>,
    bytes: usize,
    limit: usize,
    more: bool,
}

impl Filling {
    fn new(limit: usize) -> Self {
        Self { messages: Vec::new(), bytes: 0, limit, more: false }
    }

    /// Takes the messages of the room; answers with `false` once there are more than the page holds.
    fn take_all(&mut self, batch: Batch, room: &RoomName) -> bool {
        for record in batch {
            let Some(json) = said_in(&record, room) else { continue };
            let full = self.messages.len() >= self.limit
                || !self.messages.is_empty() && self.bytes + json.len() > MOST_BYTES;
            if full {
                self.more = true;
                return false;
            }
            self.bytes += json.len();
            self.messages.push(json.to_vec());
        }
        true
    }
}

/// The message's JSON, if the record is a message of this room that was not purged.
fn said_in<'a>(record: &'a Record, room: &RoomName) -> Option<&'a [u8]> {
    let here = record.kind == Some(EventKind::Message) && record.room == *room;
    here.then(|| message_json(&record.payload)).flatten()
}

/// How much of the log is in memory at once for one request.
const CHUNK: Limit = Limit { records: 256, bytes: 1 << 20 };

/// A page ends early when its messages together have this many bytes.
const MOST_BYTES: usize = 4 << 20;
