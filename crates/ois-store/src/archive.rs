//! Writes what is said in `main` where those look who read files: the day's log
//! `chat/YYYY-MM-DD.md` and the last 500 messages in `chat/history.json`.
//!
//! How far it has come is a record of the store, together with how long the day's log was then. So
//! after a crash it knows what of a half-written batch stands there already, and neither doubles
//! nor drops a line. What somebody else appended to a day's log stays where it is.

mod day;
mod recent;
mod stretch;

use std::{io, path::Path};

use ois_protocol::{EventId, UtcOffset, daylog};
use serde::{Deserialize, Serialize};

use self::{day::DayFile, stretch::Stretch};
use crate::{FileError, ReadError, RecordError, Store, disk::tree::Tree};

/// The writer of `chat/`. One at a time for a team.
pub struct Archive {
    tree: Tree,
    offset: UtcOffset,
    /// What is known since the last call that went well.
    state: Option<State>,
}

/// Why the archive is behind. The next call tries again from where it stands.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The log was not read.
    #[error("cannot read the log")]
    Log(#[from] ReadError),
    /// How far it has come was not read or kept.
    #[error("cannot keep the archive's cursor")]
    Cursor(#[from] RecordError),
    /// A file in `chat/` was not written.
    #[error("cannot write to chat/")]
    File(#[from] FileError),
    /// Writing failed.
    #[error("cannot write to chat/")]
    Io(#[from] io::Error),
}

/// How far the archive has come, as it stands in its record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Everything up to this event is written.
    pub(crate) after: EventId,
    /// The day's log written to last.
    #[serde(default)]
    pub(crate) day: String,
    /// How long it was when everything up to `after`, and nothing more, stood in it; bytes.
    #[serde(default)]
    pub(crate) length: u64,
}

struct State {
    cursor: Cursor,
    version: Option<u64>,
    /// `history.json` lacks something.
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
        Ok(Self { tree: Tree::open(root)?, offset, state: None })
    }

    /// Writes everything up to the log's end and answers with how many messages that were. It
    /// syncs files within its polls, so it belongs on no event loop; once a second is often enough.
    ///
    /// # Errors
    /// [`ArchiveError`]; nothing is lost, call again later.
    pub async fn catch_up(&mut self, store: &dyn Store) -> Result<usize, ArchiveError> {
        let mut state = match self.state.take() {
            Some(state) => state,
            None => State::load(store).await?,
        };
        let mut written = 0;
        loop {
            let stretch = Stretch::read(store, state.cursor.after, self.offset).await?;
            if stretch.last == state.cursor.after {
                break;
            }
            written += stretch.messages;
            self.write(store, &mut state, stretch).await?;
        }
        if state.is_history_old {
            recent::write(store, state.cursor.after, &self.tree).await?;
            state.is_history_old = false;
        }
        self.state = Some(state);
        Ok(written)
    }

    /// Appends a stretch to its day's log.
    async fn write(
        &self,
        store: &dyn Store,
        state: &mut State,
        stretch: Stretch,
    ) -> Result<(), ArchiveError> {
        if let Some(day) = stretch.day {
            let name = daylog::file_name(day);
            let file = DayFile::open(&self.tree, &name)?;
            if state.cursor.day != name {
                state.cursor.length = file.length()?;
                state.cursor.day = name;
                state.keep(store).await?;
            }
            let mut text = file.beginning(state.cursor.length, day)?;
            text.push_str(&stretch.entries);
            state.cursor.length = file.append(state.cursor.length, text.as_bytes())?;
            state.is_history_old = true;
        }
        state.cursor.after = stretch.last;
        state.keep(store).await
    }
}

impl State {
    async fn load(store: &dyn Store) -> Result<Self, ArchiveError> {
        let kept = store.record(Archive::RECORD).await?;
        let cursor = kept.as_ref().map(|kept| serde_json::from_slice(&kept.value));
        let cursor = cursor.transpose().map_err(io::Error::other)?.unwrap_or_default();
        // A crash may have come between the day's log and the history.
        Ok(Self { cursor, version: kept.map(|kept| kept.version), is_history_old: true })
    }

    async fn keep(&mut self, store: &dyn Store) -> Result<(), ArchiveError> {
        let value = serde_json::to_vec(&self.cursor).expect("a cursor has only text keys");
        self.version = Some(store.put_record(Archive::RECORD, &value, self.version).await?);
        Ok(())
    }
}
