//! Writes what is said in `main` into files: the day's log `chat/YYYY-MM-DD.md`, and the last 500
//! messages in `chat/history.json`.
//!
//! Its cursor is a record of the store, together with the length of the day's log at that time. So
//! after a crash it knows what of a half-written batch stands there already, and neither doubles
//! nor drops a line. Text that somebody else has appended to a day's log stays where it is.

mod day;
mod recent;
mod stretch;

use std::{io, path::Path};

use ois_protocol::{EventId, UtcOffset, daylog};
use serde::{Deserialize, Serialize};

use self::{day::DayFile, stretch::Stretch};
use crate::{FileError, ReadError, RecordError, Store, disk::tree::Tree};

/// The writer of `chat/`. A team has one at a time.
pub struct Archive {
    tree: Tree,
    offset: UtcOffset,
    /// What the last call that went well has left; `None` before it and after one that failed.
    progress: Option<Progress>,
}

/// Why the archive is behind. The next call tries again from where it stands.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The log was not read.
    #[error("cannot read the log")]
    Log(#[from] ReadError),
    /// The cursor was not read or stored.
    #[error("cannot keep the archive's cursor")]
    Cursor(#[from] RecordError),
    /// A file in `chat/` was not written.
    #[error("cannot write to chat/")]
    File(#[from] FileError),
    /// A file in `chat/` was not read or written.
    #[error("cannot write to chat/")]
    Io(#[from] io::Error),
}

/// How far the archive has come, as it stands in its record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Everything up to this event is written.
    pub(crate) after: EventId,
    /// The name of the day's log that was written to last; empty if there was none.
    #[serde(default)]
    pub(crate) day: String,
    /// The length in bytes that it had when everything up to `after`, and nothing more, stood in
    /// it.
    #[serde(default)]
    pub(crate) length: u64,
}

struct Progress {
    cursor: Cursor,
    version: Option<u64>,
    /// Whether `history.json` lacks something.
    is_history_old: bool,
}

impl Archive {
    /// The name of the record that holds its cursor.
    pub(crate) const RECORD: &'static str = "archive";

    /// The archive in `chat/` under the team's directory, its days kept at this offset.
    ///
    /// # Errors
    /// If the directory cannot be opened.
    pub fn new(root: &Path, offset: UtcOffset) -> io::Result<Self> {
        Ok(Self { tree: Tree::open(root)?, offset, progress: None })
    }

    /// Writes everything up to the log's end and answers with how many messages that were. It
    /// syncs files within its polls, so it belongs on no event loop; once a second is often enough.
    ///
    /// # Errors
    /// [`ArchiveError`]; nothing is lost, call again later.
    pub async fn catch_up(&mut self, store: &dyn Store) -> Result<usize, ArchiveError> {
        let mut progress = match self.progress.take() {
            Some(progress) => progress,
            None => Progress::load(store).await?,
        };
        let mut written = 0;
        loop {
            let stretch = Stretch::read(store, progress.cursor.after, self.offset).await?;
            if stretch.last == progress.cursor.after {
                break;
            }
            written += stretch.messages;
            self.write(store, &mut progress, stretch).await?;
        }
        if progress.is_history_old {
            recent::write(store, progress.cursor.after, &self.tree).await?;
            progress.is_history_old = false;
        }
        self.progress = Some(progress);
        Ok(written)
    }

    /// Appends a stretch to its day's log.
    async fn write(
        &self,
        store: &dyn Store,
        progress: &mut Progress,
        stretch: Stretch,
    ) -> Result<(), ArchiveError> {
        if let Some(day) = stretch.day {
            let name = daylog::file_name(day);
            let file = DayFile::open(&self.tree, &name)?;
            if progress.cursor.day != name {
                progress.cursor.length = file.length()?;
                progress.cursor.day = name;
                progress.save(store).await?;
            }
            let mut text = file.beginning(progress.cursor.length, day)?;
            text.push_str(&stretch.entries);
            progress.cursor.length = file.append(progress.cursor.length, text.as_bytes())?;
            progress.is_history_old = true;
        }
        progress.cursor.after = stretch.last;
        progress.save(store).await
    }
}

impl Progress {
    async fn load(store: &dyn Store) -> Result<Self, ArchiveError> {
        let stored = store.record(Archive::RECORD).await?;
        let cursor = stored.as_ref().map(|stored| serde_json::from_slice(&stored.value));
        let cursor = cursor.transpose().map_err(io::Error::other)?.unwrap_or_default();
        // A crash may have come between the day's log and the history.
        Ok(Self { cursor, version: stored.map(|stored| stored.version), is_history_old: true })
    }

    async fn save(&mut self, store: &dyn Store) -> Result<(), ArchiveError> {
        let value = serde_json::to_vec(&self.cursor).expect("a cursor has only text keys");
        self.version = Some(store.put_record(Archive::RECORD, &value, self.version).await?);
        Ok(())
    }
}
