//! The log as readers see it: everything that was appended and nothing that was not.

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicU64, Ordering},
};

use ois_protocol::EventId;

use super::{
    chain::Key,
    door::{Door, DoorFile},
    line::Line,
    lines::Lines,
    scan::{Place, Rest, Scan},
    segment::{SeekError, Segment},
};
use crate::{Batch, Filter, Limit, Page, ReadError, Record, Verified, Visitor, log::Meter};

/// The segments, oldest first. The writer adds to them; readers share them.
pub(crate) struct View {
    door: Arc<dyn Door>,
    segments: RwLock<Vec<Arc<Segment>>>,
    /// Readers at the log's end, of which there are most, need no file.
    recent: RwLock<Option<Arc<Recent>>>,
    oldest: AtomicU64,
}

impl View {
    /// A view of these segments.
    pub(crate) fn new(door: Arc<dyn Door>, segments: Vec<Arc<Segment>>) -> Self {
        let (segments, recent) = (RwLock::new(segments), RwLock::default());
        Self { door, segments, recent, oldest: AtomicU64::new(0) }
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
        let one = Limit { records: 1, bytes: 1 };
        let page = self.read(EventId::ZERO, &Filter::default(), one)?;
        page.records.first().into_iter().for_each(|record| self.set_oldest(record.id));
        Ok(())
    }

    /// Tells the id of the first event, if none was known.
    pub(crate) fn set_oldest(&self, id: EventId) {
        if self.oldest() == EventId::ZERO {
            self.oldest.store(id.get(), Ordering::Release);
        }
    }

    /// Lets readers have the last batch from memory; `before` is the id that the log ended at.
    pub(crate) fn set_recent(&self, before: EventId, records: Batch) {
        let recent = Some(Arc::new(Recent { before, records }));
        *self.recent.write().unwrap_or_else(PoisonError::into_inner) = recent;
    }

    /// The records after this id that the filter takes, oldest first.
    pub(crate) fn read(
        &self,
        after: EventId,
        filter: &Filter,
        limit: Limit,
    ) -> Result<Page, ReadError> {
        let mut records = Batch::new();
        let cursor = match self.recent_after(after) {
            Some(recent) => {
                recent.walk(after, filter, limit, |record| records.push(record.clone()))
            }
            None => self.visit_files(after, filter, limit, &mut |record| {
                records.push(record.into_owned());
            })?,
        };
        Ok(Page { records, cursor })
    }

    /// Shows the records after this id that the filter takes, oldest first. Nothing is allocated
    /// for a record.
    pub(crate) fn visit(
        &self,
        after: EventId,
        filter: &Filter,
        limit: Limit,
        each: &mut Visitor<'_>,
    ) -> Result<EventId, ReadError> {
        match self.recent_after(after) {
            Some(recent) => Ok(recent.walk(after, filter, limit, |record| each(record.borrowed()))),
            None => self.visit_files(after, filter, limit, each),
        }
    }

    fn visit_files(
        &self,
        after: EventId,
        filter: &Filter,
        limit: Limit,
        each: &mut Visitor<'_>,
    ) -> Result<EventId, ReadError> {
        let mut walk = Walk { filter, meter: Meter::new(limit), last: after, each };
        let mut at = self.containing(after);
        while let Some(segment) = self.segment(at).filter(|_| !walk.meter.is_full()) {
            let file = segment.open(&*self.door).map_err(ReadError::Io)?;
            let from = match after < segment.header.first {
                true => segment.start,
                false => {
                    segment.seek(&*file, |line| line.id <= after).map_err(|e| at_id(e, after))?
                }
            };
            walk.over(&*file, from, segment.length())?;
            at += 1;
        }
        Ok(walk.last)
    }

    /// The last records before this id that the filter takes, oldest first.
    pub(crate) fn read_before(
        &self,
        before: EventId,
        filter: &Filter,
        limit: Limit,
    ) -> Result<Page, ReadError> {
        let (mut meter, mut cursor, mut parts) = (Meter::new(limit), before, Vec::new());
        let mut at = Some(self.containing(before));
        while let Some(segment) = at.and_then(|at| self.segment(at)) {
            let file = segment.open(&*self.door).map_err(ReadError::Io)?;
            let end =
                segment.seek(&*file, |line| line.id < before).map_err(|e| at_id(e, before))?;
            let (part, first) = last_records(&segment, &*file, end, filter, &mut meter)?;
            parts.push(part);
            cursor = first.unwrap_or(cursor);
            at = at.filter(|_| !meter.is_full()).and_then(|at| at.checked_sub(1));
        }
        Ok(Page { records: parts.into_iter().rev().flatten().collect(), cursor })
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
            let file = segment.open(&*self.door).map_err(ReadError::Io)?;
            let scan =
                Scan::of(&segment, &*file, key, before, &mut |_, _| ()).map_err(ReadError::Io)?;
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

    /// The last batch, if it has everything after this id.
    fn recent_after(&self, after: EventId) -> Option<Arc<Recent>> {
        let recent = self.recent.read().unwrap_or_else(PoisonError::into_inner);
        recent.as_ref().filter(|recent| recent.before <= after).map(Arc::clone)
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

/// The last batch that was appended.
struct Recent {
    /// The id that the log ended at before it.
    before: EventId,
    records: Batch,
}

impl Recent {
    /// Shows the records after this id that the filter takes; answers with the page's cursor.
    fn walk(
        &self,
        after: EventId,
        filter: &Filter,
        limit: Limit,
        mut each: impl FnMut(&Record),
    ) -> EventId {
        let (mut meter, mut last) = (Meter::new(limit), after);
        let from = self.records.partition_point(|record| record.id <= after);
        for record in &self.records[from..] {
            if meter.is_full() {
                break;
            }
            last = record.id;
            if filter.takes(record.kind, &record.room) {
                meter.show(record.payload.len());
                each(record);
            } else {
                meter.pass(record.payload.len());
            }
        }
        last
    }
}

/// A page that is being read from files.
struct Walk<'v> {
    filter: &'v Filter,
    meter: Meter,
    /// The last record that was looked at.
    last: EventId,
    each: &'v mut Visitor<'v>,
}

impl Walk<'_> {
    /// Goes on over the records between two offsets of a file.
    fn over(&mut self, file: &dyn DoorFile, from: u64, end: u64) -> Result<(), ReadError> {
        let mut lines = Lines::new(file, from, end);
        while !self.meter.is_full() {
            let Some((_, bytes, _)) = lines.next().map_err(ReadError::Io)? else { break };
            let line = Line::parse(bytes).filter(|line| line.id > self.last);
            let line = line.ok_or(ReadError::Damaged(self.last))?;
            if line.is_wanted(self.filter) {
                let record = line.record().ok_or(ReadError::Damaged(self.last))?;
                self.meter.show(record.payload.len());
                (self.each)(record);
            } else {
                self.meter.pass(bytes.len());
            }
            self.last = line.id;
        }
        Ok(())
    }
}

/// The last records of a segment before `end` that the filter takes, as many as there is room for,
/// and the first record that was looked at. It reads backwards in growing steps.
fn last_records(
    segment: &Segment,
    file: &dyn DoorFile,
    end: u64,
    filter: &Filter,
    meter: &mut Meter,
) -> Result<(Batch, Option<EventId>), ReadError> {
    let mut back = BACK;
    loop {
        let from = end.saturating_sub(back).max(segment.start);
        let places = places(file, from, end, from > segment.start, filter)?;
        let (mut taken, mut filled) = (places.len(), *meter);
        while taken > 0 && !filled.is_full() {
            taken -= 1;
            match places[taken].payload {
                Some(length) => filled.show(length),
                None => filled.pass(places[taken].length),
            }
        }
        if filled.is_full() || from == segment.start {
            *meter = filled;
            let Some(first) = places.get(taken) else { return Ok((Batch::new(), None)) };
            let mut batch = Batch::new();
            let all = Meter::new(Limit { records: usize::MAX, bytes: usize::MAX });
            let mut each = |record: Record<&[u8]>| batch.push(record.into_owned());
            let mut walk = Walk { filter, meter: all, last: first.id.before(), each: &mut each };
            walk.over(file, first.offset, end)?;
            return Ok((batch, Some(first.id)));
        }
        back *= 4;
    }
}

/// A record's place in its file.
struct LinePlace {
    id: EventId,
    /// Where its line begins.
    offset: u64,
    /// How long its line is.
    length: usize,
    /// How long its payload is, if the filter takes it.
    payload: Option<usize>,
}

/// The places of the records between two offsets. `is_cut`: the first line begins before `from`.
fn places(
    file: &dyn DoorFile,
    from: u64,
    end: u64,
    is_cut: bool,
    filter: &Filter,
) -> Result<Vec<LinePlace>, ReadError> {
    let mut lines = Lines::new(file, from, end);
    let (mut places, mut skip, mut last) = (Vec::new(), is_cut, EventId::ZERO);
    while let Some((offset, bytes, _)) = lines.next().map_err(ReadError::Io)? {
        if std::mem::take(&mut skip) {
            continue;
        }
        let line = Line::parse(bytes).ok_or(ReadError::Damaged(last))?;
        last = line.id;
        let payload = line.is_wanted(filter).then(|| line.payload_length());
        places.push(LinePlace { id: line.id, offset, length: bytes.len(), payload });
    }
    Ok(places)
}

fn at_id(error: SeekError, id: EventId) -> ReadError {
    match error {
        SeekError::Io(error) => ReadError::Io(error),
        SeekError::Damaged => ReadError::Damaged(id),
    }
}

const BACK: u64 = 32 * 1024;
