//! One file of the log: a header line, then records in the order of their ids.
//!
//! ```text
//! ois-log 1 TEAM FIRST native|imported CHAIN⏎
//! ```
//!
//! FIRST: no record in it has a smaller id. CHAIN: the chain up to here; with this line it makes
//! the chain that the first record continues. Records are found without an index: a payload holds
//! no raw line end, so from any offset in the file, the next record begins after the next line end.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use ois_protocol::EventId;

use super::{
    chain::{Hash, Key},
    check::Checker,
    door::{Door, DoorFile},
    line::Line,
    lines::Lines,
};

/// The newest format that this version reads, and the one it writes.
pub(crate) const FORMAT: u32 = 1;

/// What a segment's first line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The id of the team whose log it is.
    pub(crate) team: String,
    /// No record in it has a smaller id.
    pub(crate) first: EventId,
    /// Whether it came from an older server; its ids need not be dense.
    pub(crate) imported: bool,
    /// The chain before this segment.
    pub(crate) before: Hash,
}

/// Why a first line is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoHeader {
    /// A newer version wrote it.
    Newer(u32),
    /// The line is not a header at all.
    Unreadable,
}

impl Header {
    /// The line, with its end.
    pub(crate) fn line(&self) -> String {
        let Self { team, first, imported, before } = self;
        let origin = if *imported { IMPORTED } else { NATIVE };
        format!("ois-log {FORMAT} {team} {first} {origin} {before}\n")
    }

    /// Reads the line, without its end.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, NoHeader> {
        let line = std::str::from_utf8(line).map_err(|_| NoHeader::Unreadable)?;
        let mut words = line.split(' ');
        if words.next() != Some("ois-log") {
            return Err(NoHeader::Unreadable);
        }
        match words.next().and_then(|word| word.parse().ok()) {
            Some(FORMAT) => {}
            Some(newer) if newer > FORMAT => return Err(NoHeader::Newer(newer)),
            _ => return Err(NoHeader::Unreadable),
        }
        Self::fields(words).ok_or(NoHeader::Unreadable)
    }

    fn fields<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<Self> {
        let team = words.next().filter(|team| !team.is_empty())?.to_owned();
        let first = words.next()?.parse().ok()?;
        let imported = match words.next()? {
            NATIVE => false,
            IMPORTED => true,
            _ => return None,
        };
        let before = Hash::parse(words.next()?.as_bytes())?;
        words.next().is_none().then_some(Self { team, first, imported, before })
    }
}

/// A segment that readers may read up to its committed length.
pub(crate) struct Segment {
    /// The path of its file.
    pub(crate) path: PathBuf,
    /// What its first line says.
    pub(crate) header: Header,
    /// The offset at which its first record begins.
    pub(crate) start: u64,
    /// The chain that its first record continues.
    pub(crate) base: Hash,
    length: AtomicU64,
}

impl Segment {
    /// A segment with this header, of which `length` bytes are to be read.
    pub(crate) fn new(path: PathBuf, header: Header, key: &Key, length: u64) -> Self {
        let line = header.line();
        let base = key.chain(header.before, line.as_bytes(), &mut Vec::new());
        let start = line.len() as u64;
        Self { path, header, start, base, length: AtomicU64::new(length) }
    }

    /// The name of the file for a segment that begins with this id.
    pub(crate) fn file_name(first: EventId) -> String {
        format!("{:016}.log", first.get())
    }

    /// The first id that a file name tells, if it is a segment's.
    pub(crate) fn first_of(name: &str) -> Option<EventId> {
        name.strip_suffix(".log")?.parse().ok()
    }

    /// The file's own name, for people.
    pub(crate) fn name(&self) -> String {
        name_of(&self.path)
    }

    /// The length in bytes up to which the file may be read.
    pub(crate) fn length(&self) -> u64 {
        self.length.load(Ordering::Acquire)
    }

    /// Lets readers read up to here.
    pub(crate) fn commit(&self, length: u64) {
        self.length.store(length, Ordering::Release);
    }

    /// Opens the file for reading. A segment that nobody reads has no open file.
    pub(crate) fn open(&self, door: &dyn Door) -> io::Result<Arc<dyn DoorFile>> {
        door.read(&self.path)
    }

    /// Where the first record begins of which `before` does not hold; it must hold for all records
    /// up to some place and for none after it. A few small reads, whatever the file's size. Only
    /// records that continue the chain are asked, so that a damaged one does not mislead.
    pub(crate) fn seek<'k>(
        &self,
        file: &dyn DoorFile,
        key: &'k Key,
        before: impl Fn(&Line<'_>) -> bool,
    ) -> io::Result<Found<'k>> {
        let mut low = (self.start, self.base);
        let (mut high, mut top) = (self.length(), self.length());
        // A long record may begin behind the place at which the search had stopped looking.
        while top.saturating_sub(low.0) > NEAR {
            let middle = low.0 + (top - low.0) / 2;
            match probe(file, key, middle, high, &before)? {
                None => top = middle,
                Some(Probe { at, chain, is_before: true }) => low = (at, chain),
                Some(Probe { at, .. }) => (high, top) = (at, middle),
            }
        }
        let (from, chain) = low;
        let mut checker = Checker::after(key, chain);
        let mut lines = Lines::new(file, from, high);
        while let Some((at, line, ended)) = lines.next()? {
            let checked = checker.check(line, ended);
            let found = checked.links.iter().flatten().find(|link| !before(&link.line));
            if let Some(link) = found {
                let checker = Checker::after(key, link.before);
                return Ok(Found { at: at + link.at as u64, checker });
            }
        }
        Ok(Found { at: high, checker })
    }
}

/// A place in a segment, and what the record there has to continue.
pub(crate) struct Found<'k> {
    /// Where the record begins.
    pub(crate) at: u64,
    /// Knows what it continues.
    pub(crate) checker: Checker<'k>,
}

/// A file's own name, for people.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A record that was found in the middle of a segment.
struct Probe {
    /// Where it begins.
    at: u64,
    /// The chain that it continues.
    chain: Hash,
    /// What was asked of it.
    is_before: bool,
}

/// The first record that can be believed between `from` and `high`. The line in which `from` is, and
/// the one behind it, only tell what comes next.
fn probe(
    file: &dyn DoorFile,
    key: &Key,
    from: u64,
    high: u64,
    before: impl Fn(&Line<'_>) -> bool,
) -> io::Result<Option<Probe>> {
    let mut lines = Lines::few(file, from, high);
    lines.next()?;
    let mut checker = Checker::anywhere(key);
    while let Some((at, line, ended)) = lines.next()? {
        let checked = checker.check(line, ended);
        if let Some(link) = checked.links.into_iter().flatten().next() {
            let (at, chain) = (at + link.at as u64, link.before);
            return Ok(Some(Probe { at, chain, is_before: before(&link.line) }));
        }
    }
    Ok(None)
}

const NATIVE: &str = "native";
const IMPORTED: &str = "imported";

/// From here on lines are read one by one.
const NEAR: u64 = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back_and_a_newer_one_is_told_apart() {
        let header = Header {
            team: "0a1b2c3d".to_owned(),
            first: EventId::new(17).unwrap(),
            imported: true,
            before: Hash::of(b"x"),
        };
        let line = header.line();
        let line = line.trim_end();
        assert_eq!(Header::parse(line.as_bytes()), Ok(header));
        let newer = line.replacen("ois-log 1", "ois-log 2", 1);
        assert_eq!(Header::parse(newer.as_bytes()), Err(NoHeader::Newer(2)));
        for wrong in ["", "ois-log", "ois-log 0", "{}", &line[..line.len() - 1]] {
            assert_eq!(Header::parse(wrong.as_bytes()), Err(NoHeader::Unreadable), "{wrong}");
        }
    }

    #[test]
    fn a_segment_is_named_by_its_first_id() {
        let first = EventId::new(1_771_200_000_000).unwrap();
        assert_eq!(Segment::file_name(first), "0001771200000000.log");
        assert_eq!(Segment::first_of("0001771200000000.log"), Some(first));
        assert_eq!(Segment::first_of("0001771200000000.log.new"), None);
    }
}
