//! Walks over a segment record by record and says how far it can be believed.

use std::io;

use ois_protocol::{EventId, Timestamp};

use super::{
    chain::{Hash, Key},
    check::{Checker, Link},
    door::DoorFile,
    line::Line,
    lines::{Ended, Lines},
    segment::Segment,
};

/// The last record that is whole, and the chain after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The record's id; zero if there is none.
    pub(crate) id: EventId,
    /// The record's time.
    pub(crate) time: Timestamp,
    /// The chain after the record.
    pub(crate) chain: Hash,
}

/// What a walk over a segment found.
#[derive(Debug)]
pub(crate) struct Scan {
    /// The last record that is whole.
    pub(crate) last: Place,
    /// The offset at which the last whole record ends.
    pub(crate) end: u64,
    /// The number of records that are whole.
    pub(crate) records: u64,
    /// The number of those whose payload was taken out.
    pub(crate) purged: u64,
    /// What comes after the last whole record.
    pub(crate) rest: Rest,
}

/// What comes after the last whole record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// The segment ends there.
    Nothing,
    /// There is what a write leaves that was cut off.
    Torn,
    /// There is something that was once whole and does not fit.
    Damage,
}

impl Scan {
    /// Walks from the segment's first record to its end. `before` is the last record of the
    /// segments before it; `each` is shown every whole record and the offset at which it begins.
    pub(crate) fn of(
        segment: &Segment,
        file: &dyn DoorFile,
        key: &Key,
        before: Place,
        each: &mut dyn FnMut(&Line<'_>, u64),
    ) -> io::Result<Self> {
        let length = segment.length();
        let last = Place { chain: segment.base, ..before };
        let end = segment.start;
        let mut scan = Self { last, end, records: 0, purged: 0, rest: Rest::Nothing };
        // A line whose payload is missing altogether may be a purged record, or one whose payload
        // was split off by an altered byte: the line after it tells.
        let mut undecided = None;
        let mut scratch = Vec::new();
        let mut lines = Lines::new(file, segment.start, length);
        while let Some((at, bytes, ended)) = lines.next()? {
            let line = Line::parse(bytes).filter(|line| ended == Ended::Yes && scan.takes(line));
            let chain =
                line.as_ref().and_then(|line| line.follows(key, scan.last.chain, &mut scratch));
            let (Some(line), Some(chain)) = (line, chain) else {
                if let Some((last, end)) = undecided {
                    (scan.last, scan.end) = (last, end);
                    scan.records -= 1;
                    scan.purged -= 1;
                }
                scan.rest = Self::rest(file, scan.end, length)?;
                break;
            };
            each(&line, at);
            undecided = line.is_empty().then_some((scan.last, scan.end));
            scan.last = Place { id: line.id, time: line.time, chain };
            scan.end = at + bytes.len() as u64 + 1;
            scan.records += 1;
            scan.purged += u64::from(line.is_blank());
        }
        Ok(scan)
    }

    fn takes(&self, line: &Line<'_>) -> bool {
        line.id > self.last.id && line.time >= self.last.time && line.is_whole()
    }

    /// Whether a write that was cut off can have left this. It leaves the beginning of a line, or
    /// zeros where the disk has not got the bytes; a line with its end and without zeros was once
    /// written as a whole, and so was a record that stands whole behind zeros.
    pub(crate) fn rest(file: &dyn DoorFile, from: u64, length: u64) -> io::Result<Rest> {
        let mut lines = Lines::new(file, from, length);
        while let Some((_, line, ended)) = lines.next()? {
            let behind = memchr::memrchr(0, line).map(|zero| &line[zero + 1..]);
            let once_whole = match behind {
                None => true,
                Some(behind) => Line::parse(behind).is_some_and(|line| line.is_as_written()),
            };
            if ended == Ended::Yes && once_whole {
                return Ok(Rest::Damage);
            }
        }
        Ok(Rest::Torn)
    }
}

/// The end of a segment, and what the next one has to continue.
pub(crate) struct Tail<'k> {
    /// The last record that continues the chain, or the one before the segment if it has none.
    pub(crate) place: Place,
    /// Knows what the next segment has to continue.
    pub(crate) end: Checker<'k>,
    /// Whether the segment's last line is no record that continues the chain.
    pub(crate) is_damaged: bool,
}

impl<'k> Tail<'k> {
    /// Reads the last lines of a segment, as many as are needed to find a record that can be
    /// believed. `before` is the last record of the segments before it.
    pub(crate) fn of(
        segment: &Segment,
        file: &dyn DoorFile,
        key: &'k Key,
        before: Place,
    ) -> io::Result<Self> {
        let mut back = BACK;
        loop {
            let from = segment.length().saturating_sub(back).max(segment.start);
            let is_whole = from == segment.start;
            let found = Self::from(segment, file, key, from)?;
            let Self { place, end, is_damaged } = found;
            if place.id != EventId::ZERO {
                return Ok(Self { place, end, is_damaged });
            }
            if is_whole {
                let place = Place { chain: segment.base, ..before };
                return Ok(Self { place, end, is_damaged });
            }
            back *= 4;
        }
    }

    fn from(segment: &Segment, file: &dyn DoorFile, key: &'k Key, from: u64) -> io::Result<Self> {
        let mut lines = Lines::new(file, from, segment.length());
        let mut end = if from == segment.start {
            Checker::after(key, segment.base)
        } else {
            // The first line begins before `from`.
            lines.next()?;
            Checker::anywhere(key)
        };
        let (mut place, mut is_damaged) = (Place::default(), false);
        while let Some((_, bytes, ended)) = lines.next()? {
            let checked = end.check(bytes, ended);
            is_damaged = checked.links[0].is_none();
            for Link { line, after, .. } in checked.links.into_iter().flatten() {
                place = Place { id: line.id, time: line.time, chain: after };
            }
        }
        Ok(Self { place, end, is_damaged })
    }
}

const BACK: u64 = 16 * 1024;
