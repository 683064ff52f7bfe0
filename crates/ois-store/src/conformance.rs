//! One function per promise of [`Store`]; every engine keeps all of them.
//!
//! Each function wants an empty store of its own, by two handles such as two servers have, and
//! panics if the promise is broken. A promise that needs one handle only takes the first.
//!
//! ```
//! # fn main() {
//! use std::sync::Arc;
//! use ois_store::{MemoryStore, conformance};
//!
//! for (_name, promise) in conformance::promises() {
//!     let store = MemoryStore::new("0a1b2c3d");
//!     let checked = promise([Arc::new(store.clone()), Arc::new(store)]);
//!     // drive `checked` on any runtime
//! #   drop(checked);
//! }
//! # }
//! ```
#![expect(clippy::unwrap_used, reason = "a promise that is broken panics")]

mod files;
mod log;
mod records;

use std::sync::Arc;

use ois_protocol::{Draft, EventId, Kind, Member, NewEvent, Role, Timestamp};

use crate::{Batch, FileWriter, Filter, Limit, Pending, Store};

/// A function that takes two handles to one store and panics if its promise is broken.
pub type Promise = fn([Arc<dyn Store>; 2]) -> Pending<'static, ()>;

/// All promises, with their names.
pub fn promises() -> Vec<(&'static str, Promise)> {
    [log::promises(), files::promises(), records::promises()].concat()
}

/// A moment for events to be stored at: 2026-02-16T00:00:00Z.
pub const NOON: Timestamp = Timestamp::from_ms(1_771_200_000_000);

/// A draft by ARIA.
pub fn chat(text: &str) -> NewEvent {
    let author = Member::new("ARIA 🐱".parse().unwrap(), Kind::Agent, Role::Agent);
    NewEvent::Message(Draft::new(author, text))
}

/// A draft by ARIA with a nonce.
pub fn chat_once(text: &str, nonce: &str) -> NewEvent {
    let NewEvent::Message(draft) = chat(text) else { unreachable!("it is a message") };
    NewEvent::Message(Draft { nonce: Some(nonce.parse().unwrap()), ..draft })
}

/// Appends these events at the log's end, and reads them as everybody does.
pub async fn append_at_end(store: &dyn Store, events: Vec<NewEvent>, now: Timestamp) -> Batch {
    let after = head(store);
    let ids = store.append(events, now, after).await.unwrap();
    let batch = store.read(after, &Filter::default(), ALL).await.unwrap().records;
    assert_eq!(batch.first().map(|record| record.id), Some(ids.first));
    assert_eq!(batch.last().map(|record| record.id), Some(ids.last));
    batch
}

/// More than any test stores.
const ALL: Limit = Limit { records: usize::MAX, bytes: usize::MAX };

fn head(store: &dyn Store) -> EventId {
    *store.head().borrow()
}

async fn written(
    begun: Pending<'_, Result<Box<dyn FileWriter>, crate::FileError>>,
    bytes: &[u8],
) -> Result<String, crate::FileError> {
    let mut writer = begun.await?;
    writer.write(bytes).await?;
    writer.finish().await
}
