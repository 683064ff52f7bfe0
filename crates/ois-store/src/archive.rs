//! Writes what is said in `main` where those look who read files: the day's log
//! `chat/YYYY-MM-DD.md` and the last 500 messages in `chat/history.json`.
//!
//! How far it has come is a record of the store, together with how long the day's log was then. So
//! after a crash it knows what of a half-written batch stands there already, and neither doubles
//! nor drops a line. What somebody else appended to a day's log stays where it is.

mod day;
mod recent;

use std::{borrow::Cow, io, path::Path};

use ois_protocol::{EventId, EventKind, Timestamp, UtcOffset, daylog, event};
use serde::{Deserialize, Serialize};

use self::{day::DayFile, recent::Recent};
use crate::{FileError, Limit, ReadError, Record, RecordError, Store, disk::tree::Tree};

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
    /// The disk did not take it.
    #[error("cannot write to chat/")]
    Disk(#[from] io::Error),
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
    recent: Recent,
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
            let batch = store.read(state.cursor.after, PAGE).await?;
            let Some(last) = batch.last() else { break };
            written += self.write_days(store, &mut state, &batch).await?;
            if state.cursor.after < last.id {
                state.cursor.after = last.id;
                state.keep(store).await?;
            }
        }
        if state.recent.is_new() {
            state.recent.write(&self.tree)?;
        }
        self.state = Some(state);
        Ok(written)
    }

    /// Appends the messages among these records to their days' logs.
    async fn write_days(
        &self,
        store: &dyn Store,
        state: &mut State,
        batch: &[Record],
    ) -> Result<usize, ArchiveError> {
        let said: Vec<Said<'_>> = batch.iter().filter_map(Said::of).collect();
        let day = |said: &Said<'_>| said.time.day(self.offset);
        for of_day in said.chunk_by(|a, b| day(a) == day(b)) {
            let (Some(first), Some(last)) = (of_day.first(), of_day.last()) else { continue };
            let name = daylog::file_name(first.time.civil(self.offset));
            let file = DayFile::open(&self.tree, &name)?;
            if state.cursor.day != name {
                state.cursor.length = file.length()?;
                state.cursor.day = name;
                state.keep(store).await?;
            }
            let mut text = file.beginning(state.cursor.length, first.time.civil(self.offset))?;
            for message in of_day {
                let time = message.time.civil(self.offset);
                daylog::write_entry(&mut text, time, &message.user, &message.text);
            }
            state.cursor.length = file.append(state.cursor.length, text.as_bytes())?;
            state.cursor.after = last.id;
            state.keep(store).await?;
        }
        state.recent.extend(batch.iter().filter(|record| is_said(record)));
        Ok(said.len())
    }
}

impl State {
    async fn load(store: &dyn Store) -> Result<Self, ArchiveError> {
        let kept = store.record(Archive::RECORD).await?;
        let cursor = kept.as_ref().map(|kept| serde_json::from_slice(&kept.value));
        let cursor: Cursor = cursor.transpose().map_err(io::Error::other)?.unwrap_or_default();
        let recent = Recent::before(store, cursor.after).await?;
        Ok(Self { cursor, version: kept.map(|kept| kept.version), recent })
    }

    async fn keep(&mut self, store: &dyn Store) -> Result<(), ArchiveError> {
        let value = serde_json::to_vec(&self.cursor).expect("a cursor has only text keys");
        self.version = Some(store.put_record(Archive::RECORD, &value, self.version).await?);
        Ok(())
    }
}

/// What the day's log keeps of a message.
#[derive(Deserialize)]
struct Said<'a> {
    id: EventId,
    #[serde(borrow)]
    user: Cow<'a, str>,
    #[serde(borrow, default)]
    text: Cow<'a, str>,
    time: Timestamp,
}

impl<'a> Said<'a> {
    fn of(record: &'a Record) -> Option<Self> {
        serde_json::from_slice(said(record)?).ok()
    }
}

/// Whether a record is a message of `main` that was not purged.
fn is_said(record: &Record) -> bool {
    said(record).is_some()
}

/// The JSON of a message of `main` that was not purged.
fn said(record: &Record) -> Option<&[u8]> {
    let is_said = record.kind == Some(EventKind::Message) && record.room.is_main();
    is_said.then(|| event::message_json(&record.payload))?
}

/// How much is read and written at once.
const PAGE: Limit = Limit { records: 1000, bytes: 1024 * 1024 };
