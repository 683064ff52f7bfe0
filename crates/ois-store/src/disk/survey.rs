//! Walks over a whole segment, names what is damaged, and goes on behind it.

use std::io;

use ois_protocol::EventId;

use super::{
    chain::{Hash, Key},
    check::Checker,
    door::DoorFile,
    line::Line,
    lines::{Ended, Lines},
    scan::Place,
    segment::Segment,
};

/// What stands in a segment.
pub(crate) struct Survey<'k> {
    /// The last record that continues the chain.
    pub(crate) last: Place,
    /// The id of the last record that is what was written; zero if there is none.
    pub(crate) last_whole: EventId,
    /// The number of records that are what was written.
    pub(crate) records: u64,
    /// The number of those whose payload was taken out.
    pub(crate) purged: u64,
    /// What is not what was written, in the order of the file.
    pub(crate) damaged: Vec<Stretch>,
    /// The number of damaged lines behind the last record.
    pub(crate) damaged_lines_at_end: u64,
    /// Knows what the next segment has to continue.
    pub(crate) end: Checker<'k>,
    /// The chain at the offset that was asked for, if a record ends there.
    pub(crate) chain_there: Option<Hash>,
}

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Where it begins.
    pub(crate) from: u64,
    /// Where it ends.
    pub(crate) to: u64,
    /// The last event before it.
    pub(crate) after: EventId,
}

impl<'k> Survey<'k> {
    /// Walks from the segment's first record to its end. `before` is the last record of the
    /// segments before it; `each` is shown every record that is what was written, and the offset at
    /// which it begins. `there` is an offset of which the chain is wanted.
    pub(crate) fn of(
        segment: &Segment,
        file: &dyn DoorFile,
        key: &'k Key,
        before: Place,
        there: Option<u64>,
        each: &mut dyn FnMut(&Line<'_>, u64),
    ) -> io::Result<Self> {
        let end = Checker::after(key, segment.base);
        let last = Place { chain: segment.base, ..before };
        let mut survey = Self {
            last,
            last_whole: EventId::ZERO,
            records: 0,
            purged: 0,
            damaged: Vec::new(),
            damaged_lines_at_end: 0,
            end,
            chain_there: None,
        };
        let mut lines = Lines::new(file, segment.start, segment.length());
        while let Some((at, bytes, ended)) = lines.next()? {
            let after = survey.last.id;
            let checked = survey.end.check(bytes, ended);
            let mut is_damaged = checked.is_damaged;
            survey.damaged_lines_at_end += 1;
            for link in checked.links.into_iter().flatten() {
                let line = link.line;
                survey.damaged_lines_at_end = 0;
                survey.last = Place { id: line.id, time: line.time, chain: link.after };
                if line.is_whole() {
                    survey.records += 1;
                    survey.last_whole = line.id;
                    survey.purged += u64::from(line.is_blank());
                    each(&line, at + link.at as u64);
                } else {
                    is_damaged = true;
                }
            }
            let to = at + bytes.len() as u64 + u64::from(ended == Ended::Yes);
            if there == Some(to) {
                survey.chain_there = Some(survey.last.chain);
            }
            if is_damaged {
                survey.add(Stretch { from: at, to, after });
            }
        }
        Ok(survey)
    }

    /// Lines that stand side by side are one stretch.
    fn add(&mut self, stretch: Stretch) {
        match self.damaged.last_mut() {
            Some(last) if last.to == stretch.from => last.to = stretch.to,
            _ => self.damaged.push(stretch),
        }
    }
}
