//! The trait's methods, each handed to the part that keeps its promise.

use std::{io, sync::Arc};

use ois_protocol::{EventId, NewEvent, Nonce, ShortName, StorePath, Timestamp, UploadName};
use tokio::sync::watch;

use super::{DiskStore, files::DiskFiles, no_random};
use crate::{
    AppendError, Appended, Condition, FileEntry, FileError, FileReader, FileWriter, Files, Filter,
    Gap, Limit, Log, Page, Pending, ReadError, RecordError, Records, Uploads, Versioned, Visitor,
};

impl Log for DiskStore {
    fn team(&self) -> &str {
        self.log.team()
    }

    fn append(
        &self,
        events: Vec<NewEvent>,
        now: Timestamp,
        after: EventId,
    ) -> Pending<'_, Result<Appended, AppendError>> {
        Box::pin(self.log.append(events, now, after))
    }

    fn head(&self) -> watch::Receiver<EventId> {
        self.log.head()
    }

    fn oldest(&self) -> EventId {
        self.log.view().oldest()
    }

    fn read<'a>(
        &'a self,
        after: EventId,
        filter: &'a Filter,
        limit: Limit,
    ) -> Pending<'a, Result<Page, ReadError>> {
        Box::pin(async move { self.log.view().read(after, filter, limit) })
    }

    fn visit<'a>(
        &'a self,
        after: EventId,
        filter: &'a Filter,
        limit: Limit,
        each: &'a mut Visitor<'a>,
    ) -> Pending<'a, Result<EventId, ReadError>> {
        Box::pin(async move { self.log.view().visit(after, filter, limit, each) })
    }

    fn read_before<'a>(
        &'a self,
        before: EventId,
        filter: &'a Filter,
        limit: Limit,
    ) -> Pending<'a, Result<Page, ReadError>> {
        Box::pin(async move { self.log.view().read_before(before, filter, limit) })
    }

    fn find_nonce<'a>(
        &'a self,
        author: &'a ShortName,
        nonce: &'a Nonce,
        since: Timestamp,
    ) -> Pending<'a, Result<Option<EventId>, ReadError>> {
        Box::pin(async move { self.log.nonces().find(author, nonce, since) })
    }

    fn writable(&self) -> bool {
        self.log.view().is_writable()
    }

    fn gaps(&self) -> Vec<Gap> {
        self.log.view().gaps()
    }
}

impl Files for DiskStore {
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
}

impl Uploads for DiskStore {
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
}

impl Records for DiskStore {
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
            put.unwrap_or_else(|| Err(RecordError::Io(io::ErrorKind::Other.into())))
        })
    }
}

impl DiskStore {
    fn long<T: Send + 'static>(
        &self,
        files: &Arc<DiskFiles>,
        work: impl FnOnce(&DiskFiles) -> Result<T, FileError> + Send + 'static,
    ) -> Pending<'_, Result<T, FileError>> {
        let files = Arc::clone(files);
        Box::pin(async move {
            let done = self.workers.run(move || work(&files)).await;
            done.unwrap_or_else(|| Err(FileError::Io(io::ErrorKind::Other.into())))
        })
    }
}

fn upload(name: &UploadName) -> StorePath {
    StorePath::root().join(name.as_str()).expect("an upload's name is one plain name")
}

fn random() -> Result<u64, FileError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| FileError::Io(no_random(error)))?;
    Ok(u64::from_le_bytes(bytes))
}
