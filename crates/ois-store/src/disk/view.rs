//! The log as readers see it: everything that was appended and nothing that was not.

use std::{
    collections::{BTreeMap, btree_map::Entry as Slot},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use ois_protocol::EventId;

use super::{
    chain::{Hash, Key},
    check::{Checker, Link},
    door::{Door, DoorFile, fill},
    lines::Lines,
    manifest::{self, Manifest, Stored},
    recover::{End, misfit, missing},
    scan::Place,
    segment::{Found, Segment},
    survey::Survey,
};
use crate::{
    Batch, Damage, Filter, Gap, Limit, Page, ReadError, Record, Verified, Visitor, log::Meter,
};

/// The segments, oldest first. The writer adds to them; readers share them.
pub(crate) struct View {
    door: Arc<dyn Door>,
    key: Key,
    segments: RwLock<Vec<Arc<Segment>>>,
    /// Readers at the log's end, of which there are most, need no file.
    recent: RwLock<Option<Arc<Recent>>>,
    oldest: AtomicU64,
    /// The id that the log ends at.
    head: AtomicU64,
    gaps: Gaps,
    /// Whether the disk took the last batch.
    writable: AtomicBool,
}

impl View {
    /// A view of these segments, of which `head` is the last event.
    pub(crate) fn new(
        door: Arc<dyn Door>,
        key: Key,
        segments: Vec<Arc<Segment>>,
        head: EventId,
    ) -> Self {
        let (segments, recent) = (RwLock::new(segments), RwLock::default());
        let (oldest, head) = (AtomicU64::new(0), AtomicU64::new(head.get()));
        let (gaps, writable) = (Gaps::default(), AtomicBool::new(true));
        Self { door, key, segments, recent, oldest, head, gaps, writable }
    }

    /// Whether the disk took the last batch; true before the first one.
    pub(crate) fn is_writable(&self) -> bool {
        self.writable.load(Ordering::Acquire)
    }

    /// Tells whether the disk took a batch.
    pub(crate) fn set_writable(&self, writable: bool) {
        self.writable.store(writable, Ordering::Release);
    }

    /// The gaps that readers have met so far, oldest first.
    pub(crate) fn gaps(&self) -> Vec<Gap> {
        self.gaps.all()
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

    /// Tells the id that the log ends at.
    pub(crate) fn set_head(&self, id: EventId) {
        self.head.store(id.get(), Ordering::Release);
    }

    /// Lets readers have the last batch from memory; `before` is the id that the log ended at.
    pub(crate) fn set_recent(&self, before: EventId, records: Batch) {
        if let Some(last) = records.last() {
            self.set_head(last.id);
        }
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
        // Before any length is read: up to here everything is looked at below.
        let head = EventId::new(self.head.load(Ordering::Acquire)).unwrap_or_default();
        let gap = OpenGap::new(&self.gaps);
        let mut walk = Walk { filter, meter: Meter::new(limit), last: after, each, gap };
        let mut at = self.containing(after);
        while let Some(segment) = self.segment(at).filter(|_| !walk.meter.is_full()) {
            let file = segment.open(&*self.door).map_err(ReadError::Io)?;
            let (from, mut checker) = match after < segment.header.first {
                true => (segment.start, Checker::after(&self.key, segment.base)),
                false => {
                    let found = segment.seek(&*file, &self.key, |line| line.id <= after);
                    let Found { at, checker } = found.map_err(ReadError::Io)?;
                    (at, checker)
                }
            };
            walk.over(&*file, from, segment.length(), &mut checker)?;
            at += 1;
        }
        // Damaged records at the end have no ids to go on from.
        let is_at_end = !walk.meter.is_full();
        Ok(if is_at_end { walk.last.max(head) } else { walk.last })
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
            let found = segment.seek(&*file, &self.key, |line| line.id < before);
            let end = found.map_err(ReadError::Io)?.at;
            let (part, first) = self.last_records(&segment, &*file, end, filter, &mut meter)?;
            parts.push(part);
            cursor = first.unwrap_or(cursor);
            at = at.filter(|_| !meter.is_full()).and_then(|at| at.checked_sub(1));
        }
        Ok(Page { records: parts.into_iter().rev().flatten().collect(), cursor })
    }

    /// The last records of a segment before `end` that the filter takes, as many as there is room
    /// for, and the first record that was looked at. It reads backwards in growing steps.
    fn last_records(
        &self,
        segment: &Segment,
        file: &dyn DoorFile,
        end: u64,
        filter: &Filter,
        meter: &mut Meter,
    ) -> Result<(Batch, Option<EventId>), ReadError> {
        let mut back = BACK;
        loop {
            let from = end.saturating_sub(back).max(segment.start);
            let mut lines = Lines::new(file, from, end);
            let checker = if from == segment.start {
                Checker::after(&self.key, segment.base)
            } else {
                // The first line begins before `from`.
                lines.next().map_err(ReadError::Io)?;
                Checker::anywhere(&self.key)
            };
            let places = places(lines, checker, filter)?;
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
                let (last, gap) = (first.id.before(), OpenGap::new(&self.gaps));
                let mut walk = Walk { filter, meter: all, last, each: &mut each, gap };
                let mut checker = Checker::after(&self.key, first.chain);
                walk.over(file, first.offset, end, &mut checker)?;
                return Ok((batch, Some(first.id)));
            }
            back *= 4;
        }
    }

    /// Walks over everything and checks it, also against the list of segments in the log's
    /// directory. Nothing is written.
    pub(crate) fn verify(&self, dir: &Path) -> Result<Verified, ReadError> {
        let stored = Manifest::load(&*self.door, dir, &self.key).map_err(ReadError::Io)?;
        let mut found = Verified::default();
        if stored == Stored::Damaged {
            let (segment, what) = (manifest::NAME.to_owned(), "it is not what was written".into());
            found.damage.push(Damage { segment, after: EventId::ZERO, offset: 0, what });
        }
        let listed = stored.into_manifest();
        let mut last = Place::default();
        let mut end: Option<End<'_>> = None;
        let mut there = Vec::new();
        while let Some(segment) = self.segment(there.len()) {
            there.push(segment.header.first);
            self.verify_segment(&segment, listed.as_ref(), &mut end, &mut last, &mut found)?;
        }
        found.damage.extend(missing(listed.as_ref(), &there));
        found.segments = there.len() as u64;
        found.head = last.id;
        found.chain = last.chain.to_string();
        Ok(found)
    }

    fn verify_segment<'k>(
        &'k self,
        segment: &Segment,
        listed: Option<&Manifest>,
        end: &mut Option<End<'k>>,
        last: &mut Place,
        found: &mut Verified,
    ) -> Result<(), ReadError> {
        let first = segment.header.first;
        let mut damaged = |after, offset, what: &str| {
            let what = what.to_owned();
            found.damage.push(Damage { segment: segment.name(), after, offset, what });
        };
        if let Some(what) = misfit(listed, end.as_ref(), segment) {
            damaged(last.id, 0, what);
        }
        let file = segment.open(&*self.door).map_err(ReadError::Io)?;
        let line = segment.header.line().into_bytes();
        let mut there = vec![0; line.len()];
        let read = fill(&*file, &mut there, 0).map_err(ReadError::Io)?;
        if there[..read] != line {
            damaged(last.id, 0, "its first line is not what was written");
        }
        let entry = listed.and_then(|listed| listed.entries.get(&first));
        let at = entry.map(|entry| entry.length);
        let survey = Survey::of(segment, &*file, &self.key, *last, at, &mut |_, _| ())
            .map_err(ReadError::Io)?;
        for stretch in &survey.damaged {
            let bytes = stretch.to - stretch.from;
            let what = format!("{bytes} bytes are not what was written");
            damaged(stretch.after, stretch.from, &what);
        }
        let is_other = |entry: &manifest::Entry| survey.chain_there != Some(entry.chain);
        if survey.damaged.is_empty() && entry.is_some_and(is_other) {
            damaged(survey.last.id, 0, "it ends otherwise than it did");
        }
        found.events += survey.records;
        found.purged += survey.purged;
        *last = survey.last;
        let (checker, is_damaged) = (survey.end, survey.damaged_lines_at_end > 0);
        *end = Some(End { first, checker, is_damaged });
        Ok(())
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
    gap: OpenGap<'v>,
}

impl Walk<'_> {
    /// Goes on over the records between two offsets of a file, and steps over what is damaged.
    fn over(
        &mut self,
        file: &dyn DoorFile,
        from: u64,
        end: u64,
        checker: &mut Checker<'_>,
    ) -> Result<(), ReadError> {
        let mut lines = Lines::new(file, from, end);
        while !self.meter.is_full() {
            let Some((_, bytes, ended)) = lines.next().map_err(ReadError::Io)? else { break };
            let checked = checker.check(bytes, ended);
            if checked.is_damaged && checked.links[0].is_none() {
                self.gap.open(self.last);
            }
            for Link { line, .. } in checked.links.into_iter().flatten() {
                if line.id <= self.last {
                    continue;
                }
                match line.is_wanted(self.filter).then(|| line.record()) {
                    None => {
                        self.gap.close(line.id);
                        self.meter.pass(bytes.len());
                    }
                    Some(Some(record)) => {
                        self.gap.close(line.id);
                        self.meter.show(record.payload.len());
                        (self.each)(record);
                    }
                    Some(None) => self.gap.open(self.last),
                }
                self.last = line.id;
            }
        }
        Ok(())
    }
}

/// The gaps that readers have met: the first event behind each, and the last one before it.
#[derive(Default)]
struct Gaps(Mutex<BTreeMap<EventId, EventId>>);

impl Gaps {
    fn all(&self) -> Vec<Gap> {
        let gaps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        gaps.iter().map(|(before, after)| Gap { after: *after, before: *before }).collect()
    }

    /// Remembers a gap, and says so the first time.
    fn add(&self, Gap { after, before }: Gap) {
        let mut gaps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A reader that began within it knows less of its beginning.
        let is_full = gaps.len() >= MOST_GAPS;
        match gaps.entry(before) {
            Slot::Occupied(mut known) => {
                let first = after.min(*known.get());
                known.insert(first);
            }
            Slot::Vacant(slot) if !is_full => {
                slot.insert(after);
                tracing::error!(%after, %before, "the log is damaged between these events; going on behind");
            }
            Slot::Vacant(_) => {}
        }
    }
}

/// A gap whose end is not known yet.
struct OpenGap<'v> {
    gaps: &'v Gaps,
    after: Option<EventId>,
}

impl<'v> OpenGap<'v> {
    fn new(gaps: &'v Gaps) -> Self {
        Self { gaps, after: None }
    }

    /// Behind this event something is damaged.
    fn open(&mut self, after: EventId) {
        self.after = self.after.or(Some(after));
    }

    /// This event is whole.
    fn close(&mut self, before: EventId) {
        if let Some(after) = self.after.take() {
            self.gaps.add(Gap { after, before });
        }
    }
}

/// A record's place in its file.
struct LinePlace {
    id: EventId,
    /// Where its line begins.
    offset: u64,
    /// The chain that it continues.
    chain: Hash,
    /// How long its line is.
    length: usize,
    /// How long its payload is, if the filter takes it.
    payload: Option<usize>,
}

/// The places of the records in these lines.
fn places(
    mut lines: Lines<'_>,
    mut checker: Checker<'_>,
    filter: &Filter,
) -> Result<Vec<LinePlace>, ReadError> {
    let mut places = Vec::new();
    while let Some((at, bytes, ended)) = lines.next().map_err(ReadError::Io)? {
        for link in checker.check(bytes, ended).links.into_iter().flatten() {
            let Link { at: within, line, before: chain, .. } = link;
            let payload = line.is_wanted(filter).then(|| line.payload_length());
            let (id, offset, length) = (line.id, at + within as u64, bytes.len());
            places.push(LinePlace { id, offset, chain, length, payload });
        }
    }
    Ok(places)
}

const BACK: u64 = 32 * 1024;

/// The most gaps that are remembered and shown; a disk that has more is to be replaced at once.
const MOST_GAPS: usize = 10_000;
