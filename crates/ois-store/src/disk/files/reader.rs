//! A file of the tree, open for reading.

use std::{fs::File, os::unix::fs::FileExt, sync::Arc};

use ois_protocol::Timestamp;

use super::gone;
use crate::{
    FileError, FileReader, Pending,
    disk::{
        tags::{Looks, Tags},
        tree::io_file_error,
        worker::Workers,
    },
};

/// See [`FileReader`].
pub(super) struct Reader {
    pub(super) file: Arc<File>,
    pub(super) length: u64,
    pub(super) modified: Timestamp,
    pub(super) looks: Looks,
    pub(super) tags: Arc<Tags>,
    pub(super) workers: Workers,
}

impl FileReader for Reader {
    fn len(&self) -> u64 {
        self.length
    }

    fn modified(&self) -> Timestamp {
        self.modified
    }

    fn known_tag(&self) -> Option<String> {
        self.tags.known(&self.looks)
    }

    fn tag(&self) -> Pending<'_, Result<String, FileError>> {
        Box::pin(async move {
            if let Some(tag) = self.known_tag() {
                return Ok(tag);
            }
            // Reading and hashing so little takes less than asking another thread to do it.
            if self.length <= SHORT {
                return self.tags.of(&self.file).map_err(io_file_error);
            }
            let (file, tags) = (Arc::clone(&self.file), Arc::clone(&self.tags));
            let tagged = self.workers.run(move || tags.of(&file)).await;
            tagged.ok_or_else(gone)?.map_err(io_file_error)
        })
    }

    fn read_at(&self, offset: u64, most: usize) -> Pending<'_, Result<Vec<u8>, FileError>> {
        Box::pin(async move {
            let left = self.length.saturating_sub(offset);
            let mut bytes = vec![0; usize::try_from(left).unwrap_or(most).min(most)];
            let mut done = 0;
            while done < bytes.len() {
                match self.file.read_at(&mut bytes[done..], offset + done as u64) {
                    Ok(0) => break,
                    Ok(read) => done += read,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(io_file_error(error)),
                }
            }
            bytes.truncate(done);
            Ok(bytes)
        })
    }

    fn file(&self) -> Option<Arc<File>> {
        Some(Arc::clone(&self.file))
    }
}

/// The longest file that is hashed by whoever asks for its tag.
const SHORT: u64 = 64 << 10;
