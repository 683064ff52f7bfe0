//! The disk engine: one directory, one server, everything in files that people can read.
//!
//! ```text
//! ROOT/            what people and agents see: the tree of `files`, and the archive in `chat/`
//! ROOT/.ois/       the server's own: lock, key, team, state, log/, records/, uploads/, tmp/
//! ROOT/.ois/log/   FIRST.log: a segment; FIRST.nonces: the index of its nonces, made from it;
//!                  manifest: the list of segments, made from them
//! ```
//!
//! Short work happens within the first poll of a future, long work (syncing, hashing, walking) on
//! threads of the store's own; no runtime is needed.

mod chain;
mod check;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod damage;
mod door;
mod files;
mod home;
mod line;
mod lines;
mod lock;
mod log;
mod manifest;
mod nonces;
mod records;
mod recover;
mod scan;
mod segment;
#[cfg(test)]
mod simulated;
mod store;
mod survey;
mod tags;
pub(crate) mod tree;
mod view;
mod worker;
mod writer;

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use ois_protocol::{EventId, Timestamp, UtcOffset};
use serde::{Deserialize, Serialize};

use self::{
    door::{Door, RealDoor},
    files::DiskFiles,
    home::{Seed, disk},
    lock::Lock,
    log::{DiskLog, LogConfig},
    nonces::Indexing,
    records::DiskRecords,
    tree::{Tree, absolute},
    worker::Workers,
};
use crate::{
    ImportError, Imported, OpenError, Pending, ReadError, RecordError, Records,
    archive::{Archive, Cursor},
    import::gather,
    policy::OWN,
};

/// What an append waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// An append waits until the disk has the batch: what was shown survives a power cut.
    #[default]
    Sync,
    /// An append waits until the operating system has the batch: what was shown survives the end
    /// of the process.
    Os,
}

/// Where and how a team is kept.
#[derive(Clone, Debug)]
pub struct DiskConfig {
    /// The team's directory, which is made if it is missing.
    pub root: PathBuf,
    /// The directory of uploads; `None` for `ROOT/.ois/uploads`.
    pub upload_dir: Option<PathBuf>,
    /// What an append waits for.
    pub durability: Durability,
    /// The length in bytes from which on a file of the log is followed by another one.
    pub segment_bytes: u64,
    /// Whether the log goes on without what is damaged where it goes on, or missing, rather than
    /// being refused. A copy of what is damaged is kept in `.ois/damaged-<ms>`.
    pub repair: bool,
    /// The number of threads that sync, hash and walk files; at least one is started.
    pub workers: usize,
    /// How old the nonces are that are looked up, usually, in milliseconds. Of these a filter is in
    /// memory, two bytes each; looking up older ones takes a moment and is answered as well.
    pub nonce_window_ms: u64,
}

impl DiskConfig {
    /// The defaults for this directory: uploads within it, every batch synced, 64 MiB to a file,
    /// no repair, two threads for files, nonces of seven days.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            upload_dir: None,
            durability: Durability::Sync,
            segment_bytes: 64 * 1024 * 1024,
            repair: false,
            workers: 2,
            nonce_window_ms: 7 * 24 * 60 * 60 * 1000,
        }
    }
}

/// What a walk over the whole log has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// The id of the last event.
    pub head: EventId,
    /// The chain after it, 32 hex digits. Note it elsewhere: a log whose end was cut off has
    /// another one.
    pub chain: String,
    /// The number of events that are what was written.
    pub events: u64,
    /// The number of those whose payload was taken out.
    pub purged: u64,
    /// The number of files that they are in.
    pub segments: u64,
    /// What is not what was written, or is missing.
    pub damage: Vec<Damage>,
}

/// A part of the log that is not what was written, or is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// The name of the file in `.ois/log`.
    pub segment: String,
    /// The last event before it.
    pub after: EventId,
    /// Where it begins in the file, in bytes; 0 for the whole file or its first line.
    pub offset: u64,
    /// What is wrong, in words.
    pub what: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { segment, after, offset, what } = self;
        write!(f, "in {segment} after event {after}, at byte {offset}: {what}")
    }
}

/// A team in a directory.
pub struct DiskStore {
    root: PathBuf,
    log: DiskLog,
    files: Arc<DiskFiles>,
    uploads: Arc<DiskFiles>,
    records: Arc<DiskRecords>,
    workers: Workers,
    /// Let go of last.
    _lock: Lock,
}

impl DiskStore {
    /// Opens the team in this directory, or begins one.
    ///
    /// # Errors
    /// [`OpenError`]: another server has it, a newer one wrote it, or the log is damaged.
    pub fn open(config: DiskConfig, now: Timestamp) -> Result<Self, OpenError> {
        let DiskConfig {
            root,
            upload_dir,
            durability,
            segment_bytes,
            repair,
            workers,
            nonce_window_ms,
        } = config;
        let door: Arc<dyn Door> = Arc::new(RealDoor);
        std::fs::create_dir_all(&root).map_err(|source| at_path(&root, source))?;
        let root = absolute(&root).map_err(|source| at_path(&root, source))?;
        let home = root.join(OWN);
        door.make_dir(&home).map_err(|error| disk("", error))?;
        let lock = Lock::take(&home.join("lock"), &root)?;
        let indexing = Indexing::Background;
        let config = LogConfig { durability, segment_bytes, repair, nonce_window_ms, indexing };
        let log = DiskLog::open(Arc::clone(&door), &home, config, &seed()?, now)?;
        let workers = Workers::start(workers).map_err(|error| disk("", error))?;
        let files = || -> io::Result<DiskFiles> {
            let own = rustix::fs::stat(&home)?;
            let tree = Tree::open(&root)?;
            DiskFiles::open(tree, home.join("tmp"), Some(&own), Arc::clone(&door), workers.clone())
        };
        let files = Arc::new(files().map_err(|source| at_path(&root, source))?);
        let uploads = upload_dir.unwrap_or_else(|| home.join("uploads"));
        let open_uploads = || -> io::Result<DiskFiles> {
            std::fs::create_dir_all(&uploads)?;
            let uploads = absolute(&uploads)?;
            let tmp = uploads.join(format!(".ois-{}", log.team()));
            DiskFiles::open(Tree::open(&uploads)?, tmp, None, Arc::clone(&door), workers.clone())
        };
        let uploads = Arc::new(open_uploads().map_err(|source| at_path(&uploads, source))?);
        let records = DiskRecords::open(home.join("records"), Arc::clone(&door))
            .map_err(|error| disk("records", error))?;
        let records = Arc::new(records);
        Ok(Self { root, log, files, uploads, records, workers, _lock: lock })
    }

    /// The team's directory, as the file system names it.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes everything durable, notes that the server stopped by itself, and takes no more events.
    ///
    /// # Errors
    /// If the disk does not take it; the next start recovers as after a crash.
    pub fn close(&self) -> Pending<'_, io::Result<()>> {
        Box::pin(self.log.close())
    }

    /// Reads the whole log and checks every record, and writes nothing; with a large log this takes
    /// a while.
    ///
    /// # Errors
    /// [`ReadError`] if the disk does not give it.
    pub fn verify(&self) -> Result<Verified, ReadError> {
        self.log.verify()
    }

    /// Checks the log of the team in this directory as [`DiskStore::verify`] does, while no server
    /// has it. Nothing is written, and nothing is repaired: what a start would cut off is not
    /// counted. Answers with the team's id and what was found.
    ///
    /// # Errors
    /// [`OpenError`]: a server has it, a newer one wrote it, or there is no log or not its key.
    pub fn inspect(root: &Path) -> Result<(String, Verified), OpenError> {
        let home = root.join(OWN);
        let _lock = Lock::look(&home.join("lock"), root)?;
        DiskLog::inspect(Arc::new(RealDoor), &home)
    }

    /// Takes over what an older server has written in `from` (its root, or the folder with
    /// `history.json` itself), its days' logs kept at this offset. Nothing is found: nothing
    /// happens. What it finds under the store's own root is not archived again.
    ///
    /// # Errors
    /// [`ImportError::NotEmpty`] if the log has events; then, and on any other error, nothing was
    /// taken over.
    pub fn import<'a>(
        &'a self,
        from: &'a Path,
        offset: UtcOffset,
        now: Timestamp,
    ) -> Pending<'a, Result<Imported, ImportError>> {
        Box::pin(async move {
            if *self.log.head().borrow() != EventId::ZERO {
                return Err(ImportError::NotEmpty);
            }
            let (messages, oddities) = gather(from, offset, now)?;
            let count = messages.len();
            // The cursor goes first: a crash in between leaves an empty log, and the next import
            // gives the same ids.
            if let Some(last) = messages.last().filter(|_| self.is_own(from)) {
                self.skip_archive(last.id).await.map_err(|source| {
                    let what = "the archive's cursor".to_owned();
                    ImportError::Io { what, source: io::Error::other(source) }
                })?;
            }
            self.log.import(messages).await?;
            Ok(Imported { messages: count, oddities })
        })
    }

    fn is_own(&self, from: &Path) -> bool {
        absolute(from).is_ok_and(|from| from == self.root || from == self.root.join("chat"))
    }

    async fn skip_archive(&self, after: EventId) -> Result<(), RecordError> {
        let version = self.record(Archive::RECORD).await?.map(|found| found.version);
        let cursor = Cursor { after, ..Cursor::default() };
        let value = serde_json::to_vec(&cursor).expect("a cursor has only text keys");
        self.put_record(Archive::RECORD, &value, version).await.map(drop)
    }
}

fn seed() -> Result<Seed, OpenError> {
    let mut seed = Seed { key: [0; 32], team: [0; 4] };
    let filled = getrandom::fill(&mut seed.key).and_then(|()| getrandom::fill(&mut seed.team));
    filled.map_err(|error| disk("key", no_random(error)))?;
    Ok(seed)
}

fn no_random(error: getrandom::Error) -> io::Error {
    io::Error::other(error.to_string())
}

fn at_path(path: &Path, source: io::Error) -> OpenError {
    OpenError::Io { what: path.display().to_string(), source }
}
