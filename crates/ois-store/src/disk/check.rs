//! Checks lines of a segment one after the other, and goes on behind those that are damaged.
//!
//! A record is believed if it continues the chain. Behind a damaged line the chain is not known for
//! certain, but the line nearly always still tells it: in its own words, or by what they sign. All
//! that it may be is tried with the next line, so that a damaged byte costs the record that it
//! stands in and no other. A line end that became another byte costs none at all.

use ois_protocol::EventId;

use super::{
    chain::{Hash, Key},
    line::Line,
    lines::Ended,
};

/// Knows what the next record has to continue.
#[derive(Clone)]
pub(crate) struct Checker<'k> {
    key: &'k Key,
    /// The chains that the next record may continue; one, unless the line before it is damaged.
    chains: Vec<Hash>,
    /// Whether the chain was known where the walk began, or a record was found that continues it.
    /// Before that, a line that does not fit need not be damaged.
    anchored: bool,
    /// The last record; none with this id or a smaller one is believed behind it.
    last: EventId,
    scratch: Vec<u8>,
}

/// What a line holds: one record nearly always, two if the end of the first one is damaged.
pub(crate) struct Checked<'a> {
    /// The records, none of whose payloads was looked at.
    pub(crate) links: [Option<Link<'a>>; 2],
    /// Whether the line, or a part of it, is not what was written.
    pub(crate) is_damaged: bool,
}

/// A record that continues the chain.
pub(crate) struct Link<'a> {
    /// Where it begins within the line.
    pub(crate) at: usize,
    /// The record.
    pub(crate) line: Line<'a>,
    /// The chain that it continues.
    pub(crate) before: Hash,
    /// The chain after it.
    pub(crate) after: Hash,
}

impl<'k> Checker<'k> {
    /// A checker of lines of which the first continues this chain.
    pub(crate) fn after(key: &'k Key, chain: Hash) -> Self {
        let (anchored, last) = (true, EventId::ZERO);
        Self { key, chains: vec![chain], anchored, last, scratch: Vec::new() }
    }

    /// A checker of lines from the middle of a segment. The first one is not believed; it tells
    /// what the second one continues.
    pub(crate) fn anywhere(key: &'k Key) -> Self {
        let (anchored, last) = (false, EventId::ZERO);
        Self { key, chains: Vec::new(), anchored, last, scratch: Vec::new() }
    }

    /// Whether a record that continues this chain may be the next one.
    pub(crate) fn may_continue(&self, chain: Hash) -> bool {
        self.chains.contains(&chain)
    }

    /// The chains that the next record may continue.
    pub(crate) fn chains(&self) -> &[Hash] {
        &self.chains
    }

    /// Takes the next line, without its end.
    pub(crate) fn check<'a>(&mut self, bytes: &'a [u8], ended: Ended) -> Checked<'a> {
        let Some(link) = Line::parse(bytes).and_then(|line| self.link(line, 0)) else {
            return self.damaged(bytes);
        };
        self.anchored = true;
        if ended == Ended::Yes && !link.line.has_tab() {
            self.go_on(&link);
            return Checked { links: [Some(link), None], is_damaged: false };
        }
        self.split(bytes, ended, link)
    }

    /// The record as a link of the chain, if it is one.
    fn link<'a>(&mut self, line: Line<'a>, at: usize) -> Option<Link<'a>> {
        let Self { key, chains, scratch, last, .. } = self;
        if line.id <= *last {
            return None;
        }
        let found = chains
            .iter()
            .find_map(|before| line.follows(key, *before, scratch).map(|after| (*before, after)));
        found.map(|(before, after)| Link { at, line, before, after })
    }

    fn go_on(&mut self, link: &Link<'_>) {
        self.last = link.line.id;
        self.chains.clear();
        self.chains.push(link.after);
    }

    /// A line whose end is damaged: another record may stand behind it, or the file's end.
    fn split<'a>(&mut self, bytes: &'a [u8], ended: Ended, first: Link<'a>) -> Checked<'a> {
        self.go_on(&first);
        let (before, after) = (first.before, first.after);
        let shorter = |end: usize| {
            let line = Line::parse(&bytes[..end]);
            line.map(|line| Link { at: 0, line, before, after })
        };
        let tabs = memchr::memchr_iter(b'\t', bytes).skip(1);
        for start in tabs.flat_map(|tab| starts(bytes, tab)) {
            let second = Line::parse(&bytes[start..]).and_then(|line| self.link(line, start));
            if let Some(second) = second {
                self.go_on(&second);
                return Checked { links: [shorter(start - 1), Some(second)], is_damaged: true };
            }
        }
        if first.line.is_whole() {
            return Checked { links: [Some(first), None], is_damaged: ended == Ended::No };
        }
        let cut = (ended == Ended::No).then(|| shorter(bytes.len() - 1)).flatten();
        let cut = cut.filter(|link| link.line.is_as_written());
        Checked { links: [Some(cut.unwrap_or(first)), None], is_damaged: true }
    }

    /// A line that does not continue the chain: gathers what the next one may continue.
    fn damaged<'a>(&mut self, bytes: &[u8]) -> Checked<'a> {
        let mut found = Vec::new();
        match Line::parse(bytes).filter(|_| !self.anchored) {
            Some(line) => found.extend(line.claimed_chain()),
            None => {
                // If only the record's own chain is damaged, what it signs still tells it.
                let header = memchr::memchr(b'\t', bytes).unwrap_or(bytes.len());
                let spaces = memchr::memrchr_iter(b' ', &bytes[..header]).take(2);
                for signed in spaces.map(|space| &bytes[..space]) {
                    for before in &self.chains {
                        found.push(self.key.chain(*before, signed, &mut self.scratch));
                    }
                }
                found.extend(hashes(bytes));
            }
        }
        self.chains.extend(found);
        let surplus = self.chains.len().saturating_sub(MOST);
        self.chains.drain(..surplus);
        Checked { links: [None, None], is_damaged: self.anchored }
    }
}

/// Where the record may begin whose header ends at this tab. The byte before it, which was a line
/// end, may be a digit now.
fn starts(bytes: &[u8], tab: usize) -> impl Iterator<Item = usize> {
    let seventh = memchr::memrchr_iter(b' ', &bytes[..tab]).nth(6);
    let digits = seventh.map(|end| {
        let digits = bytes[..end].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        (end - digits, end)
    });
    let starts = digits.into_iter().flat_map(|(start, end)| [start, start + 1].map(|at| (at, end)));
    starts.filter(|(start, end)| *start > 0 && start < end).map(|(start, _)| start)
}

/// The hashes that stand in a damaged line: the first and the last of them, of which the chain is
/// one.
fn hashes(bytes: &[u8]) -> Vec<Hash> {
    let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let runs = bytes.split(|byte| !is_hex(byte)).filter(|run| run.len() >= DIGITS);
    // A byte between two hashes may have become a digit.
    let ends = runs.flat_map(|run| [&run[..DIGITS], &run[run.len() - DIGITS..]]);
    let mut found: Vec<Hash> = ends.filter_map(Hash::parse).collect();
    found.dedup();
    if found.len() > MOST / 2 {
        found.drain(MOST / 4..found.len() - MOST / 4);
    }
    found
}

/// The most chains that are tried with a line.
const MOST: usize = 64;

/// The length of a hash in hex digits.
const DIGITS: usize = 32;
