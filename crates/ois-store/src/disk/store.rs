//! The trait's methods, each handed to the part that keeps its promise.

use std::{io, sync::Arc};

use ois_protocol::{EventId, NewEvent, StorePath, Timestamp, UploadName};
use tokio::sync::watch;

use super::{DiskStore, files::Files, no_random};
use crate::{
    AppendError, Batch, Condition, FileEntry, FileError, FileReader, FileWriter, Limit, NonceSeen,
    Pending, ReadError, RecordError, Store, Versioned, Visitor,
};

impl Store for DiskStore {
    fn team(&self) -> &str {
        self.log.team()
    }

    fn append(
        &self,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Pending<'_, Result<Batch, AppendError>> {
        Box::pin(self.log.append(events, now))
    }

    fn head(&self) -> watch::Receiver<EventId> {
        self.log.head()
    }

    fn oldest(&self) -> EventId {
        self.log.view().oldest()
    }

    fn read(&self, after: EventId, limit: Limit) -> Pending<'_, Result<Batch, ReadError>> {
        Box::pin(async move { self.log.view().read(after, limit) })
    }

    fn visit<'a>(
        &'a self,
        after: EventId,
        limit: Limit,
        each: &'a mut Visitor<'a>,
    ) -> Pending<'a, Result<(), ReadError>> {
        Box::pin(async move { self.log.view().visit(after, limit, each) })
    }

    fn read_before(&self, before: EventId, limit: Limit) -> Pending<'_, Result<Batch, ReadError>> {
        Box::pin(async move { self.log.view().read_before(before, limit) })
    }

    fn nonces(&self, since: Timestamp) -> Pending<'_, Result<Vec<NonceSeen>, ReadError>> {
        Box::pin(async move { self.log.view().nonces(since) })
    }

    fn list<'a>(&'a self, path: &'a StorePath) -> Pending<'a, Result<Vec<FileEntry>, FileError>> {
        let path = path.clone();
        self.long(&self.files, move |files| files.list(&path))
    }

    fn open<'a>(
        &'a self,
        path: &'a StorePath,
    ) -> Pending<'a, Result<Box<dyn FileReader>, FileError>> {
        Box::pin(async move { self.files.read(path) })
    }

    fn write<'a>(
        &'a self,
        path: &'a StorePath,
        condition: Condition,
    ) -> Pending<'a, Result<Box<dyn FileWriter>, FileError>> {
        Box::pin(async move { self.files.write(path, condition, random()?) })
    }

    fn make_dir<'a>(&'a self, path: &'a StorePath) -> Pending<'a, Result<(), FileError>> {
        let path = path.clone();
        self.long(&self.files, move |files| files.make_dir(&path))
    }

    fn rename<'a>(
        &'a self,
        from: &'a StorePath,
        to: &'a StorePath,
    ) -> Pending<'a, Result<(), FileError>> {
        let (from, to) = (from.clone(), to.clone());
        self.long(&self.files, move |files| files.rename(&from, &to))
    }

    fn remove<'a>(&'a self, path: &'a StorePath) -> Pending<'a, Result<(), FileError>> {
        let path = path.clone();
        self.long(&self.files, move |files| files.remove(&path, random()?))
    }

    fn upload<'a>(
        &'a self,
        name: &'a UploadName,
    ) -> Pending<'a, Result<Box<dyn FileWriter>, FileError>> {
        Box::pin(async move { self.uploads.write(&upload(name), Condition::Absent, random()?) })
    }

    fn open_upload<'a>(
        &'a self,
        name: &'a UploadName,
    ) -> Pending<'a, Result<Box<dyn FileReader>, FileError>> {
        Box::pin(async move { self.uploads.read(&upload(name)) })
    }

    fn remove_upload<'a>(&'a self, name: &'a UploadName) -> Pending<'a, Result<(), FileError>> {
        let name = upload(name);
        self.long(&self.uploads, move |uploads| uploads.remove(&name, random()?))
    }

    fn record<'a>(&'a self, key: &'a str) -> Pending<'a, Result<Option<Versioned>, RecordError>> {
        Box::pin(async move { self.records.get(key) })
    }

    fn put_record<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        expected: Option<u64>,
    ) -> Pending<'a, Result<u64, RecordError>> {
        let (records, key, value) = (Arc::clone(&self.records), key.to_owned(), value.to_vec());
        Box::pin(async move {
            let put = self.workers.run(move || records.put(&key, &value, expected)).await;
            put.unwrap_or_else(|| Err(RecordError::Disk(io::ErrorKind::Other.into())))
        })
    }

    fn writable(&self) -> bool {
        self.probe().is_ok()
    }
}

impl DiskStore {
    fn long<T: Send + 'static>(
        &self,
        files: &Arc<Files>,
        work: impl FnOnce(&Files) -> Result<T, FileError> + Send + 'static,
    ) -> Pending<'_, Result<T, FileError>> {
        let files = Arc::clone(files);
        Box::pin(async move {
            let done = self.workers.run(move || work(&files)).await;
            done.unwrap_or_else(|| Err(FileError::Disk(io::ErrorKind::Other.into())))
        })
    }
}

fn upload(name: &UploadName) -> StorePath {
    StorePath::root().join(name.as_str()).expect("an upload's name is one plain name")
}

fn random() -> Result<u64, FileError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| FileError::Disk(no_random(error)))?;
    Ok(u64::from_le_bytes(bytes))
}
