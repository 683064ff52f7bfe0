//! Where it is kept: the [`Store`] trait, and what goes in and out of it.
//!
//! A store holds one team: its log, its files, its uploads and its records. Everything above talks
//! to the trait; nothing above may assume one process, since ids and heads come from the store.
//! Every engine passes the same suite, `conformance` (feature of that name).
//!
//! | you want | look at |
//! |---|---|
//! | a team in a directory | [`DiskStore`] |
//! | a team in memory, for tests | [`MemoryStore`] |
//! | the files that people read | [`Archive`] |
//! | what an older server has left | [`DiskStore::import`] |

mod archive;
#[cfg(feature = "conformance")]
pub mod conformance;
mod disk;
mod error;
mod import;
mod memory;
mod policy;

use std::{fs::File, future::Future, pin::Pin, sync::Arc};

pub use archive::{Archive, ArchiveError};
pub use disk::{DiskConfig, DiskStore, Durability, Verified};
pub use error::{AppendError, FileError, OpenError, ReadError, RecordError};
pub use import::{ImportError, Imported, Oddity};
pub use memory::MemoryStore;
pub use ois_protocol::Record;
use ois_protocol::{EventId, NewEvent, Nonce, ShortName, StorePath, Timestamp, UploadName};
use tokio::sync::watch;

/// What a store's method gives: a future that the caller drives; the disk engine does short work
/// within the first poll.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One team's memory.
pub trait Store: Send + Sync + 'static {
    /// The team's id: 8 hex digits, given once.
    fn team(&self) -> &str;

    /// Appends a batch as a whole and answers with its records, in order, once they are as durable
    /// as the store promises. Ids are given here. One caller appends; who appends while another
    /// append is under way waits.
    ///
    /// # Errors
    /// [`AppendError`]; then nothing of the batch was stored and nobody will see it.
    fn append(
        &self,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Pending<'_, Result<Batch, AppendError>>;

    /// Tells the id of the last event, at once and whenever it changes; [`EventId::ZERO`] if there is none.
    fn head(&self) -> watch::Receiver<EventId>;

    /// The id of the oldest event that is kept; [`EventId::ZERO`] if there is none.
    fn oldest(&self) -> EventId;

    /// The records after this id, oldest first, up to the limits. Empty means: none yet.
    fn read(&self, after: EventId, limit: Limit) -> Pending<'_, Result<Batch, ReadError>>;

    /// Shows `each` what [`Store::read`] gives, one record at a time, for who passes it on and keeps
    /// nothing. After an error it has been shown what comes before it.
    fn visit<'a>(
        &'a self,
        after: EventId,
        limit: Limit,
        each: &'a mut Visitor<'a>,
    ) -> Pending<'a, Result<(), ReadError>> {
        Box::pin(async move {
            let batch = self.read(after, limit).await?;
            batch.iter().for_each(|record| each(record.borrowed()));
            Ok(())
        })
    }

    /// The last records before this id, oldest first, up to the limits.
    fn read_before(&self, before: EventId, limit: Limit) -> Pending<'_, Result<Batch, ReadError>>;

    /// The nonces of events not older than `since`, for who answers repeats.
    fn nonces(&self, since: Timestamp) -> Pending<'_, Result<Vec<NonceSeen>, ReadError>>;

    /// What a folder holds, by name; hidden names (those that begin with `.`) are left out.
    fn list<'a>(&'a self, path: &'a StorePath) -> Pending<'a, Result<Vec<FileEntry>, FileError>>;

    /// Opens a regular file for reading.
    fn open<'a>(
        &'a self,
        path: &'a StorePath,
    ) -> Pending<'a, Result<Box<dyn FileReader>, FileError>>;

    /// Begins to write a file whole; nobody sees it before [`FileWriter::finish`]. Missing parents are made then.
    fn write<'a>(
        &'a self,
        path: &'a StorePath,
        condition: Condition,
    ) -> Pending<'a, Result<Box<dyn FileWriter>, FileError>>;

    /// Makes a folder and its missing parents.
    ///
    /// # Errors
    /// [`FileError::Exists`] if something has that name.
    fn make_dir<'a>(&'a self, path: &'a StorePath) -> Pending<'a, Result<(), FileError>>;

    /// Gives a file or folder another place; never replaces.
    fn rename<'a>(
        &'a self,
        from: &'a StorePath,
        to: &'a StorePath,
    ) -> Pending<'a, Result<(), FileError>>;

    /// Removes a file, or a folder with all that is in it. The root is refused.
    fn remove<'a>(&'a self, path: &'a StorePath) -> Pending<'a, Result<(), FileError>>;

    /// Begins to keep an upload; nobody sees it before [`FileWriter::finish`].
    fn upload<'a>(
        &'a self,
        name: &'a UploadName,
    ) -> Pending<'a, Result<Box<dyn FileWriter>, FileError>>;

    /// Opens an upload for reading.
    fn open_upload<'a>(
        &'a self,
        name: &'a UploadName,
    ) -> Pending<'a, Result<Box<dyn FileReader>, FileError>>;

    /// Removes an upload that nobody was told of.
    fn remove_upload<'a>(&'a self, name: &'a UploadName) -> Pending<'a, Result<(), FileError>>;

    /// A small value by its key, with its version for [`Store::put_record`].
    fn record<'a>(&'a self, key: &'a str) -> Pending<'a, Result<Option<Versioned>, RecordError>>;

    /// Sets a small value if its version is still `expected` (`None`: if there is none yet);
    /// answers with the new version. Durable when it answers.
    fn put_record<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        expected: Option<u64>,
    ) -> Pending<'a, Result<u64, RecordError>>;

    /// Whether a write would be taken right now, for `/readyz`.
    fn writable(&self) -> bool;
}

/// Who is shown records one by one.
pub type Visitor<'a> = dyn FnMut(Record<&[u8]>) + Send + 'a;

/// Records in order, as read or appended.
pub type Batch = Vec<Record>;

/// How much to read at once: whichever is reached first. At least one record comes if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Records.
    pub records: usize,
    /// Bytes of payload.
    pub bytes: usize,
}

/// A nonce that somebody used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NonceSeen {
    /// Who.
    pub author: ShortName,
    /// Which.
    pub nonce: Nonce,
    /// For which event.
    pub id: EventId,
    /// When.
    pub time: Timestamp,
}

/// One thing in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Its name.
    pub name: String,
    /// Whether it is a folder.
    pub is_dir: bool,
    /// Its length in bytes; 0 for a folder.
    pub size: u64,
    /// When it was last changed.
    pub modified: Timestamp,
}

/// What must hold for a write to take place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    #[default]
    None,
    /// The file is as it was when it had this tag (`If-Match`).
    Matches(String),
    /// There is no such file (`If-None-Match: *`).
    Absent,
}

/// An open file. It stays what it was even if the name is given to another one.
pub trait FileReader: Send + Sync {
    /// Its length in bytes when it was opened.
    fn len(&self) -> u64;

    /// Whether it has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When it was last changed.
    fn modified(&self) -> Timestamp;

    /// Its tag, if that takes no reading: it was written here or asked for before, and has not
    /// changed since.
    fn known_tag(&self) -> Option<String>;

    /// Its content's hash as 32 hex digits; computed when asked for and remembered per inode, size and time.
    fn tag(&self) -> Pending<'_, Result<String, FileError>>;

    /// Up to `most` bytes from this offset; empty only at the end.
    fn read_at(&self, offset: u64, most: usize) -> Pending<'_, Result<Vec<u8>, FileError>>;

    /// The file itself, for who lets the system send from it; `None` if the engine has none.
    fn file(&self) -> Option<Arc<File>>;
}

/// A file being written. Dropped before [`FileWriter::finish`], it leaves nothing.
pub trait FileWriter: Send {
    /// Takes the next bytes.
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Pending<'a, Result<(), FileError>>;

    /// Makes it durable and visible, if its condition still holds; answers with its tag.
    fn finish(self: Box<Self>) -> Pending<'static, Result<String, FileError>>;
}

/// A small value and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// The bytes.
    pub value: Vec<u8>,
    /// Grows with every change.
    pub version: u64,
}
