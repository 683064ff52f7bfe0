//! One function per promise of [`Store`]; every engine keeps all of them.
//!
//! Each function wants a store of its own, empty, and panics if the promise is broken.
//!
//! ```
//! # fn main() {
//! use std::sync::Arc;
//! use ois_store::{MemoryStore, conformance};
//!
//! for (_name, promise) in conformance::promises() {
//!     let kept = promise(Arc::new(MemoryStore::new("0a1b2c3d")));
//!     // drive `kept` on any runtime
//! #   drop(kept);
//! }
//! # }
//! ```
#![expect(clippy::unwrap_used, reason = "a promise that is broken panics")]

mod files;
mod log;
mod records;

use std::sync::Arc;

use ois_protocol::{Draft, Kind, Member, NewEvent, Role, Timestamp};

use crate::{FileWriter, Limit, Pending, Store};

/// A function that panics if its promise is broken.
pub type Promise = fn(Arc<dyn Store>) -> Pending<'static, ()>;

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

/// More than any test stores.
const ALL: Limit = Limit { records: usize::MAX, bytes: usize::MAX };

async fn written(
    begun: Pending<'_, Result<Box<dyn FileWriter>, crate::FileError>>,
    bytes: &[u8],
) -> Result<String, crate::FileError> {
    let mut writer = begun.await?;
    writer.write(bytes).await?;
    writer.finish().await
}
