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
    door::{Door, DoorFile, fill},
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
    /// up to some place and for none after it. A few small reads, whatever the file's size.
    pub(crate) fn seek(
        &self,
        file: &dyn DoorFile,
        before: impl Fn(&Line<'_>) -> bool,
    ) -> Result<u64, SeekError> {
        let (mut low, mut high, mut top) = (self.start, self.length(), self.length());
        while top - low > NEAR {
            let middle = low + (top - low) / 2;
            match probe(file, middle, high)? {
                None => top = middle,
                Some((at, chunk)) => {
                    if before(&Line::parse(&chunk).ok_or(SeekError::Damaged)?) {
                        low = at;
                    } else {
                        (high, top) = (at, middle);
                    }
                }
            }
        }
        let mut lines = Lines::new(file, low, high);
        while let Some((at, line, _)) = lines.next()? {
            if !before(&Line::parse(line).ok_or(SeekError::Damaged)?) {
                return Ok(at);
            }
        }
        Ok(high)
    }
}

/// Why a place was not found.
#[derive(Debug)]
pub(crate) enum SeekError {
    /// Reading failed.
    Io(io::Error),
    /// Something stands there that is no record.
    Damaged,
}

impl From<io::Error> for SeekError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A file's own name, for people.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The first record that begins after `from` and before `high`: where, and its line up to and
/// with its header.
fn probe(file: &dyn DoorFile, from: u64, high: u64) -> io::Result<Option<(u64, Vec<u8>)>> {
    let mut chunk = vec![0; LOOK];
    let mut at = from;
    let start = loop {
        let read = fill(file, &mut chunk, at)?;
        match memchr::memchr(b'\n', &chunk[..read]) {
            Some(end) => break at + end as u64 + 1,
            None if read < chunk.len() || at + read as u64 >= high => return Ok(None),
            None => at += read as u64,
        }
    };
    if start >= high {
        return Ok(None);
    }
    let read = fill(file, &mut chunk, start)?;
    chunk.truncate(read.min((high - start) as usize));
    Ok(Some((start, chunk)))
}

const NATIVE: &str = "native";
const IMPORTED: &str = "imported";

/// From here on lines are read one by one.
const NEAR: u64 = 16 * 1024;

/// What is read to see a record's header: the longest one has some 1,100 bytes.
const LOOK: usize = 2048;

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
