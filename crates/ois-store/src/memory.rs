//! An engine that keeps everything in memory, for tests and trials.
//!
//! It keeps every promise of the traits but to remember anything after its end.

mod files;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ois_protocol::{EventId, NewEvent, Nonce, ShortName, StorePath, Timestamp, UploadName};
use tokio::sync::watch;

use self::files::{Reader, Tree, Writer};
use crate::{
    AppendError, Appended, Batch, Condition, FileEntry, FileError, FileReader, FileWriter, Files,
    Filter, Limit, Log, Page, Pending, ReadError, Record, RecordError, Records, Uploads, Versioned,
    log::Meter, policy,
};

/// A handle to a team in memory. Clones are handles to the same team, as several servers have them.
#[derive(Clone)]
pub struct MemoryStore {
    team: Arc<str>,
    log: Arc<MemoryLog>,
    files: Arc<Mutex<Tree>>,
    uploads: Arc<Mutex<Tree>>,
    records: Arc<Mutex<BTreeMap<String, Versioned>>>,
}

struct MemoryLog {
    head: watch::Sender<EventId>,
    events: Mutex<Events>,
}

/// What the log holds.
#[derive(Default)]
struct Events {
    records: Vec<Record>,
    /// The place in `records` of the last event that an author has stored under a nonce.
    nonces: BTreeMap<(ShortName, Nonce), usize>,
}

impl MemoryStore {
    /// An empty team with this id (8 hex digits).
    pub fn new(team: impl Into<String>) -> Self {
        let log = MemoryLog { head: watch::Sender::new(EventId::ZERO), events: Mutex::default() };
        Self {
            team: team.into().into(),
            log: Arc::new(log),
            files: Arc::default(),
            uploads: Arc::default(),
            records: Arc::default(),
        }
    }
}

impl MemoryLog {
    fn append(
        &self,
        events: Vec<NewEvent>,
        now: Timestamp,
        after: EventId,
    ) -> Result<Appended, AppendError> {
        let mut log = locked(&self.events);
        let (before, time) =
            log.records.last().map_or((EventId::ZERO, now), |last| (last.id, last.time.max(now)));
        if before != after {
            return Err(AppendError::Moved(before));
        }
        let first = match before {
            EventId::ZERO if !events.is_empty() => EventId::from(now).max(before.next()),
            _ => before.next(),
        };
        let (mut id, mut last) = (first, before);
        for event in events {
            let (kind, room) = (Some(event.kind()), event.room().clone());
            if let Some(nonce) = event.nonce() {
                let at = log.records.len();
                log.nonces.insert((event.author().clone(), nonce.clone()), at);
            }
            let payload = event.encode(id, time).into();
            log.records.push(Record { id, time, kind, room, payload });
            last = id;
            id = id.next();
        }
        if last != before {
            self.head.send_replace(last);
        }
        Ok(Appended { first, last })
    }
}

impl Log for MemoryStore {
    fn team(&self) -> &str {
        &self.team
    }

    fn append(
        &self,
        events: Vec<NewEvent>,
        now: Timestamp,
        after: EventId,
    ) -> Pending<'_, Result<Appended, AppendError>> {
        Box::pin(async move { self.log.append(events, now, after) })
    }

    fn head(&self) -> watch::Receiver<EventId> {
        self.log.head.subscribe()
    }

    fn oldest(&self) -> EventId {
        locked(&self.log.events).records.first().map_or(EventId::ZERO, |record| record.id)
    }

    fn read<'a>(
        &'a self,
        after: EventId,
        filter: &'a Filter,
        limit: Limit,
    ) -> Pending<'a, Result<Page, ReadError>> {
        Box::pin(async move {
            let log = locked(&self.log.events);
            let from = log.records.partition_point(|record| record.id <= after);
            Ok(page(log.records[from..].iter(), after, filter, limit))
        })
    }

    fn read_before<'a>(
        &'a self,
        before: EventId,
        filter: &'a Filter,
        limit: Limit,
    ) -> Pending<'a, Result<Page, ReadError>> {
        Box::pin(async move {
            let log = locked(&self.log.events);
            let to = log.records.partition_point(|record| record.id < before);
            let mut page = page(log.records[..to].iter().rev(), before, filter, limit);
            page.records.reverse();
            Ok(page)
        })
    }

    fn find_nonce<'a>(
        &'a self,
        author: &'a ShortName,
        nonce: &'a Nonce,
        since: Timestamp,
    ) -> Pending<'a, Result<Option<EventId>, ReadError>> {
        Box::pin(async move {
            let log = locked(&self.log.events);
            let at = log.nonces.get(&(author.clone(), nonce.clone()));
            let record = at.map(|at| &log.records[*at]);
            Ok(record.filter(|record| record.time >= since).map(|record| record.id))
        })
    }

    fn writable(&self) -> bool {
        true
    }
}

impl Files for MemoryStore {
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
            policy::movable(path)?;
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
            if tree.node(path).is_some() {
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
}

impl Uploads for MemoryStore {
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
}

impl Records for MemoryStore {
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
}

/// As many of these as the limit allows, and the last one that was looked at.
fn page<'r>(
    records: impl Iterator<Item = &'r Record>,
    from: EventId,
    filter: &Filter,
    limit: Limit,
) -> Page {
    let (mut meter, mut cursor, mut taken) = (Meter::new(limit), from, Batch::new());
    for record in records {
        if meter.is_full() {
            break;
        }
        cursor = record.id;
        if filter.takes(record.kind, &record.room) {
            meter.show(record.payload.len());
            taken.push(record.clone());
        } else {
            meter.pass(record.payload.len());
        }
    }
    Page { records: taken, cursor }
}

fn plain(name: &UploadName) -> StorePath {
    StorePath::root().join(name.as_str()).expect("an upload's name is one plain name")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
