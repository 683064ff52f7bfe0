//! The log as readers see it: everything that was appended and nothing that was not.

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicU64, Ordering},
};

use ois_protocol::{EventId, Timestamp};

use super::{
    chain::Key,
    door::{Door, DoorFile},
    line::Line,
    lines::Lines,
    scan::{Place, Rest, Scan},
    segment::{SeekError, Segment},
};
use crate::{Batch, Limit, NonceSeen, ReadError, Record, Verified, Visitor};

/// The segments, oldest first. The writer adds to them; readers share them.
pub(crate) struct View {
    door: Arc<dyn Door>,
    segments: RwLock<Vec<Arc<Segment>>>,
    oldest: AtomicU64,
}

impl View {
    /// A view of these segments.
    pub(crate) fn new(door: Arc<dyn Door>, segments: Vec<Arc<Segment>>) -> Self {
        Self { door, segments: RwLock::new(segments), oldest: AtomicU64::new(0) }
    }

    /// Adds the segment that the writer has begun.
    pub(crate) fn push(&self, segment: Arc<Segment>) {
        self.segments.write().unwrap_or_else(PoisonError::into_inner).push(segment);
    }

    /// The id of the first event; zero if there is none.
    pub(crate) fn oldest(&self) -> EventId {
        EventId::new(self.oldest.load(Ordering::Acquire)).unwrap_or_default()
    }

    /// Looks for the first event.
    pub(crate) fn find_oldest(&self) -> Result<(), ReadError> {
        let first = self.read(EventId::ZERO, Limit { records: 1, bytes: 1 })?;
        first.first().into_iter().for_each(|record| self.set_oldest(record.id));
        Ok(())
    }

    /// Tells the id of the first event, if none was known.
    pub(crate) fn set_oldest(&self, id: EventId) {
        if self.oldest() == EventId::ZERO {
            self.oldest.store(id.get(), Ordering::Release);
        }
    }

    /// The records after this id, oldest first.
    pub(crate) fn read(&self, after: EventId, limit: Limit) -> Result<Batch, ReadError> {
        let mut batch = Batch::new();
        self.visit(after, limit, &mut |record| batch.push(record.into_owned()))?;
        Ok(batch)
    }

    /// Shows the records after this id, oldest first. Nothing is allocated for a record.
    pub(crate) fn visit(
        &self,
        after: EventId,
        limit: Limit,
        each: &mut Visitor<'_>,
    ) -> Result<(), ReadError> {
        let mut page = Page::new(limit, after, each);
        let mut at = self.containing(after);
        while let Some(segment) = self.segment(at).filter(|_| !page.is_full()) {
            let file = segment.open(&*self.door).map_err(ReadError::Disk)?;
            let from = match after < segment.header.first {
                true => segment.start,
                false => {
                    segment.seek(&*file, |line| line.id <= after).map_err(|e| at_id(e, after))?
                }
            };
            page.fill(&*file, from, segment.length())?;
            at += 1;
        }
        Ok(())
    }

    /// The last records before this id, oldest first.
    pub(crate) fn read_before(&self, before: EventId, limit: Limit) -> Result<Batch, ReadError> {
        let (mut left, mut parts) = (limit, Vec::new());
        let mut at = Some(self.containing(before));
        while let Some(segment) = at.and_then(|at| self.segment(at)) {
            let file = segment.open(&*self.door).map_err(ReadError::Disk)?;
            let end =
                segment.seek(&*file, |line| line.id < before).map_err(|e| at_id(e, before))?;
            let part =
                last_records(&segment, &*file, end, left, parts.iter().all(Batch::is_empty))?;
            let bytes: usize = part.iter().map(|record| record.payload.len()).sum();
            let ended = part.len() < left.records && bytes < left.bytes;
            left.records = left.records.saturating_sub(part.len());
            left.bytes = left.bytes.saturating_sub(bytes);
            parts.push(part);
            at = at.filter(|_| ended).and_then(|at| at.checked_sub(1));
        }
        Ok(parts.into_iter().rev().flatten().collect())
    }

    /// The nonces of events not older than `since`. Times never go back, so everything after the
    /// first such event counts.
    pub(crate) fn nonces(&self, since: Timestamp) -> Result<Vec<NonceSeen>, ReadError> {
        let mut parts = Vec::new();
        let mut at = self.containing(EventId::MAX);
        while let Some(segment) = self.segment(at) {
            let file = segment.open(&*self.door).map_err(ReadError::Disk)?;
            let first = segment.header.first;
            let from =
                segment.seek(&*file, |line| line.time < since).map_err(|e| at_id(e, first))?;
            parts.push(nonces_from(&segment, &*file, from)?);
            if from > segment.start || at == 0 {
                break;
            }
            at -= 1;
        }
        Ok(parts.into_iter().rev().flatten().collect())
    }

    /// Walks over everything and checks it.
    pub(crate) fn verify(&self, key: &Key) -> Result<Verified, ReadError> {
        let mut found = Verified::default();
        let mut last: Option<Place> = None;
        let mut at = 0;
        while let Some(segment) = self.segment(at) {
            let before = last.unwrap_or_default();
            if last.is_some_and(|last| last.chain != segment.header.before) {
                return Err(ReadError::Damaged(before.id));
            }
            let file = segment.open(&*self.door).map_err(ReadError::Disk)?;
            let scan = Scan::of(&segment, &*file, key, before).map_err(ReadError::Disk)?;
            if scan.rest != Rest::Nothing {
                return Err(ReadError::Damaged(scan.last.id));
            }
            found.events += scan.records;
            found.purged += scan.purged;
            found.segments += 1;
            found.head = scan.last.id;
            found.chain = scan.last.chain.to_string();
            last = Some(scan.last);
            at += 1;
        }
        Ok(found)
    }

    /// The place in the list of the last segment that begins at or before this id.
    fn containing(&self, id: EventId) -> usize {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        segments.partition_point(|segment| segment.header.first <= id).saturating_sub(1)
    }

    fn segment(&self, at: usize) -> Option<Arc<Segment>> {
        self.segments.read().unwrap_or_else(PoisonError::into_inner).get(at).cloned()
    }
}

/// Records shown up to a limit.
struct Page<'v> {
    limit: Limit,
    records: usize,
    bytes: usize,
    last: EventId,
    each: &'v mut Visitor<'v>,
}

impl<'v> Page<'v> {
    fn new(limit: Limit, after: EventId, each: &'v mut Visitor<'v>) -> Self {
        Self { limit, records: 0, bytes: 0, last: after, each }
    }

    fn is_full(&self) -> bool {
        let reached = self.records >= self.limit.records || self.bytes >= self.limit.bytes;
        reached && self.records > 0
    }

    fn fill(&mut self, file: &dyn DoorFile, from: u64, end: u64) -> Result<(), ReadError> {
        let mut lines = Lines::new(file, from, end);
        while !self.is_full() {
            let Some((_, line, _)) = lines.next().map_err(ReadError::Disk)? else { break };
            let record = record(line).filter(|record| record.id > self.last);
            let record = record.ok_or(ReadError::Damaged(self.last))?;
            self.records += 1;
            self.bytes += record.payload.len();
            self.last = record.id;
            (self.each)(record);
        }
        Ok(())
    }
}

/// The last records of a segment that end at `end`: reads backwards in growing steps.
fn last_records(
    segment: &Segment,
    file: &dyn DoorFile,
    end: u64,
    limit: Limit,
    at_least_one: bool,
) -> Result<Batch, ReadError> {
    let mut back = BACK;
    loop {
        let from = end.saturating_sub(back).max(segment.start);
        let mut lines = Lines::new(file, from, end);
        let mut spans: Vec<(u64, usize)> = Vec::new();
        let mut skip = from > segment.start; // the first line is cut
        while let Some((at, line, _)) = lines.next().map_err(ReadError::Disk)? {
            if !std::mem::take(&mut skip) {
                let tab = memchr::memchr(b'\t', line).unwrap_or_default();
                spans.push((at, line.len().saturating_sub(tab + 1)));
            }
        }
        let (mut taken, mut bytes) = (0, 0);
        let is_full = |taken: usize, bytes: usize| {
            (taken >= limit.records || bytes >= limit.bytes) && (taken > 0 || !at_least_one)
        };
        for (_, length) in spans.iter().rev() {
            if is_full(taken, bytes) {
                break;
            }
            taken += 1;
            bytes += length;
        }
        if is_full(taken, bytes) || from == segment.start {
            let Some((start, _)) = spans.get(spans.len() - taken) else { return Ok(Batch::new()) };
            let (all, before) =
                (Limit { records: taken, bytes: usize::MAX }, segment.header.first.before());
            let mut batch = Batch::new();
            Page::new(all, before, &mut |record| batch.push(record.into_owned()))
                .fill(file, *start, end)?;
            return Ok(batch);
        }
        back *= 4;
    }
}

fn nonces_from(
    segment: &Segment,
    file: &dyn DoorFile,
    from: u64,
) -> Result<Vec<NonceSeen>, ReadError> {
    let mut seen = Vec::new();
    let mut last = segment.header.first;
    let mut lines = Lines::new(file, from, segment.length());
    while let Some((_, line, _)) = lines.next().map_err(ReadError::Disk)? {
        let line = Line::parse(line).ok_or(ReadError::Damaged(last))?;
        last = line.id;
        seen.extend(line.nonce());
    }
    Ok(seen)
}

fn record(line: &[u8]) -> Option<Record<&[u8]>> {
    Line::parse(line)?.record()
}

fn at_id(error: SeekError, id: EventId) -> ReadError {
    match error {
        SeekError::Disk(error) => ReadError::Disk(error),
        SeekError::Damaged => ReadError::Damaged(id),
    }
}

const BACK: u64 = 32 * 1024;
