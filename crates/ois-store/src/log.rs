//! A team's log: its records, and the trait of everything that keeps them.

pub use ois_protocol::Record;
use ois_protocol::{EventId, EventKind, NewEvent, Nonce, RoomName, ShortName, Timestamp};
use tokio::sync::watch;

use crate::{AppendError, Pending, ReadError};

/// A team's log: events in the order of their ids, to which batches are appended.
pub trait Log: Send + Sync + 'static {
    /// The team's id: 8 hex digits, given once and never changed.
    fn team(&self) -> &str;

    /// Appends a batch as a whole, if the log still ends at `after`, and answers with the batch's
    /// ids once its records are as durable as the store promises. Ids are given here. The caller
    /// learns what was stored by reading the log behind `after`, as every other reader does.
    ///
    /// A future that is dropped before it has answered may leave the batch stored or not stored.
    ///
    /// # Errors
    /// [`AppendError::Moved`] if the log does not end at `after`: the caller catches up with the
    /// log and decides anew. After every error, nothing of the batch was stored, and nobody is shown
    /// any of it while the store is open. Only if the disk refuses to take back what it has written,
    /// and the process is killed before it does, the batch may stand in the log at the next start,
    /// whole or its first records, under the same nonces: a sender that tries again is recognised.
    fn append(
        &self,
        events: Vec<NewEvent>,
        now: Timestamp,
        after: EventId,
    ) -> Pending<'_, Result<Appended, AppendError>>;

    /// The id of the last event, at once and whenever it changes; [`EventId::ZERO`] while the log
    /// is empty.
    fn head(&self) -> watch::Receiver<EventId>;

    /// The id of the oldest event that is kept; [`EventId::ZERO`] while the log is empty.
    fn oldest(&self) -> EventId;

    /// The records after this id that the filter takes, oldest first, up to the limit.
    ///
    /// Where the filter takes few records, a page may end before its limit, also without any
    /// record: an engine passes over a bounded part of the log at once, so that nobody waits for
    /// long. The page's cursor says where to go on; there is nothing more once it stays where it
    /// was.
    ///
    /// # Errors
    /// [`ReadError`] if the engine cannot give the records.
    fn read<'a>(
        &'a self,
        after: EventId,
        filter: &'a Filter,
        limit: Limit,
    ) -> Pending<'a, Result<Page, ReadError>>;

    /// Shows `each` what [`Log::read`] gives, one record at a time, and answers with the page's
    /// cursor. It suits callers that pass records on and keep none.
    ///
    /// # Errors
    /// [`ReadError`] if the engine cannot give the records; `each` has then been shown those before
    /// the fault.
    fn visit<'a>(
        &'a self,
        after: EventId,
        filter: &'a Filter,
        limit: Limit,
        each: &'a mut Visitor<'a>,
    ) -> Pending<'a, Result<EventId, ReadError>> {
        Box::pin(async move {
            let page = self.read(after, filter, limit).await?;
            page.records.iter().for_each(|record| each(record.borrowed()));
            Ok(page.cursor)
        })
    }

    /// The last records before this id that the filter takes, oldest first, up to the limit. Of a
    /// page that ends early the same holds as for [`Log::read`].
    ///
    /// # Errors
    /// [`ReadError`] if the engine cannot give the records.
    fn read_before<'a>(
        &'a self,
        before: EventId,
        filter: &'a Filter,
        limit: Limit,
    ) -> Pending<'a, Result<Page, ReadError>>;

    /// The last event that this author has stored under this nonce at `since` or later, by which a
    /// repeated draft is recognised. Names are compared as [`ShortName`] compares them.
    ///
    /// # Errors
    /// [`ReadError`] if the engine cannot tell.
    fn find_nonce<'a>(
        &'a self,
        author: &'a ShortName,
        nonce: &'a Nonce,
        since: Timestamp,
    ) -> Pending<'a, Result<Option<EventId>, ReadError>>;

    /// Whether the engine took the last batch that was appended, for `/readyz`; true before the
    /// first one. The answer costs nothing.
    fn writable(&self) -> bool;

    /// The gaps that readers have met so far, oldest first. An engine whose records cannot be
    /// damaged has none.
    fn gaps(&self) -> Vec<Gap> {
        Vec::new()
    }
}

/// A function that is shown records one by one.
pub type Visitor<'a> = dyn FnMut(Record<&[u8]>) + Send + 'a;

/// Records in the order of their ids.
pub type Batch = Vec<Record>;

/// The ids that a batch was given; they are dense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The first record's id. It is greater than the id that the log ended at, and not always the
    /// next one. For an empty batch it is the id after `last`.
    pub first: EventId,
    /// The last record's id, at which the log ends now.
    pub last: EventId,
}

/// A damaged part of the log, over which readers step: the events between these two are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// The last event before it; [`EventId::ZERO`] if there is none.
    pub after: EventId,
    /// The first event behind it.
    pub before: EventId,
}

/// Some records of the log, and where to read on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The records, oldest first.
    pub records: Batch,
    /// The id of the last record that was looked at (of the first one, when reading backwards),
    /// whether the filter took it or not. A page that ends with damaged records has the id that the
    /// log ends at. A page that begins at the log's end (or before its
    /// beginning) has the id that the caller asked with, and no records.
    pub cursor: EventId,
}

/// Which records a reader wants. The default takes every record. It is decided on a record's
/// header, so a payload that is not wanted is neither checked nor parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The rooms whose records are taken; `None` for all rooms, an empty list for none.
    pub rooms: Option<Vec<RoomName>>,
    /// The kinds of records that are taken; `None` for all kinds, also those that only newer
    /// versions know.
    pub kinds: Option<Vec<EventKind>>,
}

impl Filter {
    /// Whether a record of this kind in this room is wanted.
    pub fn takes(&self, kind: Option<EventKind>, room: &RoomName) -> bool {
        let of_kind = |kinds: &Vec<EventKind>| kind.is_some_and(|kind| kinds.contains(&kind));
        self.kinds.as_ref().is_none_or(of_kind)
            && self.rooms.as_ref().is_none_or(|rooms| rooms.contains(room))
    }
}

/// How much to read at once: the page ends when either number is reached. At least one record
/// comes if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The number of records.
    pub records: usize,
    /// The length of their payloads together, in bytes.
    pub bytes: usize,
}

/// Counts what a page holds, until it is full.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meter {
    limit: Limit,
    records: usize,
    bytes: usize,
    passed: usize,
}

impl Meter {
    /// A meter of an empty page.
    pub(crate) fn new(limit: Limit) -> Self {
        Self { limit, records: 0, bytes: 0, passed: 0 }
    }

    /// Counts a record that stands on the page and has a payload of this length.
    pub(crate) fn show(&mut self, bytes: usize) {
        self.records += 1;
        self.bytes += bytes;
    }

    /// Counts a record that the filter has not taken and that is as long as this.
    pub(crate) fn pass(&mut self, bytes: usize) {
        self.passed += bytes;
    }

    /// Whether the page ends here.
    pub(crate) fn is_full(&self) -> bool {
        let reached = self.records >= self.limit.records || self.bytes >= self.limit.bytes;
        reached && self.records > 0 || self.passed >= MOST_PASSED
    }
}

/// How many bytes of records that the filter does not take are passed over within one page: a few
/// milliseconds' worth.
const MOST_PASSED: usize = 4 << 20;
