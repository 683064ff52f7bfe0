//! Where a team's data is kept: the [`Store`] traits, the engines behind them, and the archive.
//!
//! A store holds one team: its [`Log`], its [`Files`], its [`Uploads`] and its [`Records`]. The
//! crates above talk to these traits. They may not assume that they are the only process: ids and
//! heads come from the store, and an append takes place only where the log still ends at the event
//! by which the caller has decided. Every engine passes the same suite, `conformance` (behind the
//! feature of that name).
//!
//! | you want | look at |
//! |---|---|
//! | a team in a directory | [`DiskStore`] |
//! | a team in memory, for tests | [`MemoryStore`] |
//! | a store with one part replaced | [`Layered`] |
//! | the files that people read | [`Archive`] |
//! | what an older server has left | [`DiskStore::import`] |

mod archive;
#[cfg(feature = "conformance")]
pub mod conformance;
mod disk;
mod error;
mod files;
mod import;
mod layered;
mod log;
mod memory;
mod policy;
mod records;

use std::pin::Pin;

pub use archive::{Archive, ArchiveError};
pub use disk::{Damage, DiskConfig, DiskStore, Durability, Verified};
pub use error::{AppendError, FileError, OpenError, ReadError, RecordError};
pub use files::{Condition, FileEntry, FileReader, FileWriter, Files, Uploads};
pub use import::{ImportError, Imported, Oddity};
pub use layered::Layered;
pub use log::{Appended, Batch, Filter, Gap, Limit, Log, Page, Record, Visitor};
pub use memory::MemoryStore;
pub use records::{Records, Versioned};

/// What a store's method gives: a future that the caller drives. The disk engine does short work
/// within the first poll.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Everything that is kept of one team. Whatever keeps all four parts is a store.
pub trait Store: Log + Files + Uploads + Records {}

impl<T: Log + Files + Uploads + Records + ?Sized> Store for T {}
