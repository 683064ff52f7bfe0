//! A store that is put together from parts.

use std::sync::Arc;

use ois_protocol::{EventId, NewEvent, Nonce, ShortName, StorePath, Timestamp, UploadName};
use tokio::sync::watch;

use crate::{
    AppendError, Appended, Condition, FileEntry, FileError, FileReader, FileWriter, Files, Filter,
    Gap, Limit, Log, Page, Pending, ReadError, RecordError, Records, Store, Uploads, Versioned,
    Visitor,
};

/// A store whose parts come from different places, so that one of them can be replaced: by a
/// wrapper that delays or fails its calls in a test, or by another engine.
///
/// ```
/// use std::sync::Arc;
/// use ois_store::{Layered, MemoryStore, Store};
///
/// let store: Arc<dyn Store> = Arc::new(MemoryStore::new("0a1b2c3d"));
/// let files = Arc::new(MemoryStore::new("0a1b2c3d"));
/// let mixed: Arc<dyn Store> = Arc::new(Layered { files, ..Layered::of(store) });
/// # drop(mixed);
/// ```
#[derive(Clone)]
pub struct Layered {
    /// The log that is used.
    pub log: Arc<dyn Log>,
    /// The tree of files that is used.
    pub files: Arc<dyn Files>,
    /// The uploads that are used.
    pub uploads: Arc<dyn Uploads>,
    /// The small values that are used.
    pub records: Arc<dyn Records>,
}

impl Layered {
    /// A store whose parts are all those of this one.
    pub fn of(store: Arc<dyn Store>) -> Self {
        Self {
            log: Arc::clone(&store) as Arc<dyn Log>,
            files: Arc::clone(&store) as Arc<dyn Files>,
            uploads: Arc::clone(&store) as Arc<dyn Uploads>,
            records: store,
        }
    }
}

impl Log for Layered {
    fn team(&self) -> &str {
        self.log.team()
    }

    fn append(
        &self,
        events: Vec<NewEvent>,
        now: Timestamp,
        after: EventId,
    ) -> Pending<'_, Result<Appended, AppendError>> {
        self.log.append(events, now, after)
    }

    fn head(&self) -> watch::Receiver<EventId> {
        self.log.head()
    }

    fn oldest(&self) -> EventId {
        self.log.oldest()
    }

    fn read<'a>(
        &'a self,
        after: EventId,
        filter: &'a Filter,
        limit: Limit,
    ) -> Pending<'a, Result<Page, ReadError>> {
        self.log.read(after, filter, limit)
    }

    fn visit<'a>(
        &'a self,
        after: EventId,
        filter: &'a Filter,
        limit: Limit,
        each: &'a mut Visitor<'a>,
    ) -> Pending<'a, Result<EventId, ReadError>> {
        self.log.visit(after, filter, limit, each)
    }

    fn read_before<'a>(
        &'a self,
        before: EventId,
        filter: &'a Filter,
        limit: Limit,
    ) -> Pending<'a, Result<Page, ReadError>> {
        self.log.read_before(before, filter, limit)
    }

    fn find_nonce<'a>(
        &'a self,
        author: &'a ShortName,
        nonce: &'a Nonce,
        since: Timestamp,
    ) -> Pending<'a, Result<Option<EventId>, ReadError>> {
        self.log.find_nonce(author, nonce, since)
    }

    fn writable(&self) -> bool {
        self.log.writable()
    }

    fn gaps(&self) -> Vec<Gap> {
        self.log.gaps()
    }
}

impl Files for Layered {
    fn list<'a>(&'a self, path: &'a StorePath) -> Pending<'a, Result<Vec<FileEntry>, FileError>> {
        self.files.list(path)
    }

    fn open<'a>(
        &'a self,
        path: &'a StorePath,
    ) -> Pending<'a, Result<Box<dyn FileReader>, FileError>> {
        self.files.open(path)
    }

    fn write<'a>(
        &'a self,
        path: &'a StorePath,
        condition: Condition,
    ) -> Pending<'a, Result<Box<dyn FileWriter>, FileError>> {
        self.files.write(path, condition)
    }

    fn make_dir<'a>(&'a self, path: &'a StorePath) -> Pending<'a, Result<(), FileError>> {
        self.files.make_dir(path)
    }

    fn rename<'a>(
        &'a self,
        from: &'a StorePath,
        to: &'a StorePath,
    ) -> Pending<'a, Result<(), FileError>> {
        self.files.rename(from, to)
    }

    fn remove<'a>(&'a self, path: &'a StorePath) -> Pending<'a, Result<(), FileError>> {
        self.files.remove(path)
    }
}

impl Uploads for Layered {
    fn upload<'a>(
        &'a self,
        name: &'a UploadName,
    ) -> Pending<'a, Result<Box<dyn FileWriter>, FileError>> {
        self.uploads.upload(name)
    }

    fn open_upload<'a>(
        &'a self,
        name: &'a UploadName,
    ) -> Pending<'a, Result<Box<dyn FileReader>, FileError>> {
        self.uploads.open_upload(name)
    }

    fn remove_upload<'a>(&'a self, name: &'a UploadName) -> Pending<'a, Result<(), FileError>> {
        self.uploads.remove_upload(name)
    }
}

impl Records for Layered {
    fn record<'a>(&'a self, key: &'a str) -> Pending<'a, Result<Option<Versioned>, RecordError>> {
        self.records.record(key)
    }

    fn put_record<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        expected: Option<u64>,
    ) -> Pending<'a, Result<u64, RecordError>> {
        self.records.put_record(key, value, expected)
    }
}
