//! An engine that keeps everything in memory, for tests and for who tries something out.
//!
//! It keeps every promise of the trait but to remember after its end.

mod files;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ois_protocol::{EventId, NewEvent, Nonce, ShortName, StorePath, Timestamp, UploadName};
use tokio::sync::watch;

use self::files::{Reader, Tree, Writer};
use crate::{
    AppendError, Batch, Condition, FileEntry, FileError, FileReader, FileWriter, Limit, NonceSeen,
    Pending, ReadError, Record, RecordError, Store, Versioned, policy,
};

/// A team in memory.
pub struct MemoryStore {
    team: String,
    head: watch::Sender<EventId>,
    log: Mutex<Log>,
    files: Arc<Mutex<Tree>>,
    uploads: Arc<Mutex<Tree>>,
    records: Mutex<BTreeMap<String, Versioned>>,
}

#[derive(Default)]
struct Log {
    records: Vec<Record>,
    nonces: Vec<(ShortName, Nonce, usize)>,
}

impl MemoryStore {
    /// An empty team with this id (8 hex digits).
    pub fn new(team: impl Into<String>) -> Self {
        Self {
            team: team.into(),
            head: watch::Sender::new(EventId::ZERO),
            log: Mutex::default(),
            files: Arc::default(),
            uploads: Arc::default(),
            records: Mutex::default(),
        }
    }

    fn append_now(&self, events: Vec<NewEvent>, now: Timestamp) -> Batch {
        let mut log = locked(&self.log);
        let before = log.records.len();
        for event in events {
            let last = log.records.last();
            let id =
                last.map_or(EventId::from(now).max(EventId::ZERO.next()), |last| last.id.next());
            let time = last.map_or(now, |last| last.time.max(now));
            let (kind, room) = (Some(event.kind()), event.room().clone());
            if let Some(nonce) = event.nonce() {
                let at = log.records.len();
                let seen = (event.author().clone(), nonce.clone(), at);
                log.nonces.push(seen);
            }
            let payload = event.encode(id, time).into();
            log.records.push(Record { id, time, kind, room, payload });
        }
        let batch = log.records[before..].to_vec();
        if let Some(last) = batch.last() {
            self.head.send_replace(last.id);
        }
        batch
    }
}

impl Store for MemoryStore {
    fn team(&self) -> &str {
        &self.team
    }

    fn append(
        &self,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Pending<'_, Result<Batch, AppendError>> {
        Box::pin(async move { Ok(self.append_now(events, now)) })
    }

    fn head(&self) -> watch::Receiver<EventId> {
        self.head.subscribe()
    }

    fn oldest(&self) -> EventId {
        locked(&self.log).records.first().map_or(EventId::ZERO, |record| record.id)
    }

    fn read(&self, after: EventId, limit: Limit) -> Pending<'_, Result<Batch, ReadError>> {
        Box::pin(async move {
            let log = locked(&self.log);
            let from = log.records.partition_point(|record| record.id <= after);
            Ok(within(log.records[from..].iter(), limit))
        })
    }

    fn read_before(&self, before: EventId, limit: Limit) -> Pending<'_, Result<Batch, ReadError>> {
        Box::pin(async move {
            let log = locked(&self.log);
            let to = log.records.partition_point(|record| record.id < before);
            let mut batch = within(log.records[..to].iter().rev(), limit);
            batch.reverse();
            Ok(batch)
        })
    }

    fn nonces(&self, since: Timestamp) -> Pending<'_, Result<Vec<NonceSeen>, ReadError>> {
        Box::pin(async move {
            let log = locked(&self.log);
            let seen = log.nonces.iter().map(|(author, nonce, at)| {
                let Record { id, time, .. } = log.records[*at];
                NonceSeen { author: author.clone(), nonce: nonce.clone(), id, time }
            });
            Ok(seen.filter(|seen| seen.time >= since).collect())
        })
    }

    fn list<'a>(&'a self, path: &'a StorePath) -> Pending<'a, Result<Vec<FileEntry>, FileError>> {
        Box::pin(async move {
            policy::readable(path)?;
            locked(&self.files).list(path)
        })
    }

    fn open<'a>(
        &'a self,
        path: &'a StorePath,
    ) -> Pending<'a, Result<Box<dyn FileReader>, FileError>> {
        Box::pin(async move {
            policy::readable(path)?;
            Reader::open(&locked(&self.files), path)
        })
    }

    fn write<'a>(
        &'a self,
        path: &'a StorePath,
        condition: Condition,
    ) -> Pending<'a, Result<Box<dyn FileWriter>, FileError>> {
        Box::pin(async move {
            policy::writable(path)?;
            Ok(Writer::begin(&self.files, path, condition))
        })
    }

    fn make_dir<'a>(&'a self, path: &'a StorePath) -> Pending<'a, Result<(), FileError>> {
        Box::pin(async move {
            if path.is_root() {
                return Err(FileError::Exists);
            }
            policy::writable(path)?;
            let mut tree = locked(&self.files);
            if tree.kept(path).is_some() {
                return Err(FileError::Exists);
            }
            tree.make_dirs(path)
        })
    }

    fn rename<'a>(
        &'a self,
        from: &'a StorePath,
        to: &'a StorePath,
    ) -> Pending<'a, Result<(), FileError>> {
        Box::pin(async move {
            policy::movable(from)?;
            policy::movable(to)?;
            locked(&self.files).rename(from, to)
        })
    }

    fn remove<'a>(&'a self, path: &'a StorePath) -> Pending<'a, Result<(), FileError>> {
        Box::pin(async move {
            policy::movable(path)?;
            locked(&self.files).remove(path)
        })
    }

    fn upload<'a>(
        &'a self,
        name: &'a UploadName,
    ) -> Pending<'a, Result<Box<dyn FileWriter>, FileError>> {
        Box::pin(async move { Ok(Writer::begin(&self.uploads, &plain(name), Condition::Absent)) })
    }

    fn open_upload<'a>(
        &'a self,
        name: &'a UploadName,
    ) -> Pending<'a, Result<Box<dyn FileReader>, FileError>> {
        Box::pin(async move { Reader::open(&locked(&self.uploads), &plain(name)) })
    }

    fn remove_upload<'a>(&'a self, name: &'a UploadName) -> Pending<'a, Result<(), FileError>> {
        Box::pin(async move { locked(&self.uploads).remove(&plain(name)) })
    }

    fn record<'a>(&'a self, key: &'a str) -> Pending<'a, Result<Option<Versioned>, RecordError>> {
        Box::pin(async move { Ok(locked(&self.records).get(key).cloned()) })
    }

    fn put_record<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        expected: Option<u64>,
    ) -> Pending<'a, Result<u64, RecordError>> {
        Box::pin(async move {
            let mut records = locked(&self.records);
            let found = records.get(key).map(|found| found.version);
            if found != expected {
                return Err(RecordError::Changed);
            }
            let version = found.unwrap_or(0) + 1;
            records.insert(key.to_owned(), Versioned { value: value.to_vec(), version });
            Ok(version)
        })
    }

    fn writable(&self) -> bool {
        true
    }
}

/// As many of these as the limit allows; the first always comes.
fn within<'r>(records: impl Iterator<Item = &'r Record>, limit: Limit) -> Batch {
    let mut batch = Batch::new();
    let mut bytes = 0;
    for record in records {
        if !batch.is_empty() && (batch.len() >= limit.records || bytes >= limit.bytes) {
            break;
        }
        bytes += record.payload.len();
        batch.push(record.clone());
    }
    batch
}

fn plain(name: &UploadName) -> StorePath {
    StorePath::root().join(name.as_str()).expect("an upload's name is one plain name")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
