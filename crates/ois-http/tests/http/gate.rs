//! A store that can be held up.

use std::sync::{Arc, Mutex, mpsc};

use ois_protocol::{EventId, NewEvent, StorePath, Timestamp, UploadName};
use ois_store::{
    AppendError, Batch, Condition, FileEntry, FileError, FileReader, FileWriter, Limit, NonceSeen,
    Pending, ReadError, RecordError, Store, Versioned, Visitor,
};
use tokio::sync::{Semaphore, watch};

/// Stands before another store.
pub(crate) struct Gate {
    inner: Arc<dyn Store>,
    /// Hears of each append, which waits until it is let through.
    appending: Option<(mpsc::SyncSender<usize>, Arc<Semaphore>)>,
    /// Is called before each visit, on the thread that asks.
    visiting: Option<Mutex<Box<dyn FnMut() + Send>>>,
}

impl Gate {
    /// A store whose appends wait, before anything is written, until they are let through;
    /// `waiting` hears of each.
    pub(crate) fn appends(
        inner: Arc<dyn Store>,
        waiting: mpsc::SyncSender<usize>,
        let_through: Arc<Semaphore>,
    ) -> Self {
        Self { inner, appending: Some((waiting, let_through)), visiting: None }
    }

    /// A store that does this before each visit.
    pub(crate) fn visits(inner: Arc<dyn Store>, before: impl FnMut() + Send + 'static) -> Self {
        Self { inner, appending: None, visiting: Some(Mutex::new(Box::new(before))) }
    }
}

impl Store for Gate {
    fn append(
        &self,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Pending<'_, Result<Batch, AppendError>> {
        Box::pin(async move {
            if let Some((waiting, let_through)) = &self.appending {
                waiting.send(events.len()).unwrap();
                let_through.acquire().await.unwrap().forget();
            }
            self.inner.append(events, now).await
        })
    }

    fn team(&self) -> &str {
        self.inner.team()
    }

    fn head(&self) -> watch::Receiver<EventId> {
        self.inner.head()
    }

    fn oldest(&self) -> EventId {
        self.inner.oldest()
    }

    fn read(&self, after: EventId, limit: Limit) -> Pending<'_, Result<Batch, ReadError>> {
        self.inner.read(after, limit)
    }

    fn visit<'a>(
        &'a self,
        after: EventId,
        limit: Limit,
        each: &'a mut Visitor<'a>,
    ) -> Pending<'a, Result<(), ReadError>> {
        if let Some(visiting) = &self.visiting {
            visiting.lock().unwrap()();
        }
        self.inner.visit(after, limit, each)
    }

    fn read_before(&self, before: EventId, limit: Limit) -> Pending<'_, Result<Batch, ReadError>> {
        self.inner.read_before(before, limit)
    }

    fn nonces(&self, since: Timestamp) -> Pending<'_, Result<Vec<NonceSeen>, ReadError>> {
        self.inner.nonces(since)
    }

    fn list<'a>(&'a self, path: &'a StorePath) -> Pending<'a, Result<Vec<FileEntry>, FileError>> {
        self.inner.list(path)
    }

    fn open<'a>(
        &'a self,
        path: &'a StorePath,
    ) -> Pending<'a, Result<Box<dyn FileReader>, FileError>> {
        self.inner.open(path)
    }

    fn write<'a>(
        &'a self,
        path: &'a StorePath,
        condition: Condition,
    ) -> Pending<'a, Result<Box<dyn FileWriter>, FileError>> {
        self.inner.write(path, condition)
    }

    fn make_dir<'a>(&'a self, path: &'a StorePath) -> Pending<'a, Result<(), FileError>> {
        self.inner.make_dir(path)
    }

    fn rename<'a>(
        &'a self,
        from: &'a StorePath,
        to: &'a StorePath,
    ) -> Pending<'a, Result<(), FileError>> {
        self.inner.rename(from, to)
    }

    fn remove<'a>(&'a self, path: &'a StorePath) -> Pending<'a, Result<(), FileError>> {
        self.inner.remove(path)
    }

    fn upload<'a>(
        &'a self,
        name: &'a UploadName,
    ) -> Pending<'a, Result<Box<dyn FileWriter>, FileError>> {
        self.inner.upload(name)
    }

    fn open_upload<'a>(
        &'a self,
        name: &'a UploadName,
    ) -> Pending<'a, Result<Box<dyn FileReader>, FileError>> {
        self.inner.open_upload(name)
    }

    fn remove_upload<'a>(&'a self, name: &'a UploadName) -> Pending<'a, Result<(), FileError>> {
        self.inner.remove_upload(name)
    }

    fn record<'a>(&'a self, key: &'a str) -> Pending<'a, Result<Option<Versioned>, RecordError>> {
        self.inner.record(key)
    }

    fn put_record<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        expected: Option<u64>,
    ) -> Pending<'a, Result<u64, RecordError>> {
        self.inner.put_record(key, value, expected)
    }

    fn writable(&self) -> bool {
        self.inner.writable()
    }
}
