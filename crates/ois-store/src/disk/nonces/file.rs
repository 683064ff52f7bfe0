//! The index of a segment's nonces, in a file beside the segment.
//!
//! ```text
//! ois-nonces 1 COUNT LENGTH BASE LAST DIGEST⏎
//! the Bloom filter, the list of pages, the entries
//! ```
//!
//! LENGTH, BASE and LAST are the segment's length and the chains before and after its records, by
//! which an index is told from that of another segment or another state of it. An entry is a hash
//! and the offset of its record, 16 bytes; entries are sorted and 256 of them make a page. The list
//! has each page's first hash and its digest. DIGEST is that of all that stands before the entries,
//! so what is damaged is noticed: the filter and the list when they are loaded, a page when it is
//! read. Numbers are little-endian.
//!
//! Nothing is lost with an index: it is made again from its segment.

use std::io;

use super::{
    super::{
        chain::Hash,
        door::{DoorFile, fill},
        scan::Place,
        segment::Segment,
    },
    bloom::{Bloom, Mask},
    table::Entry,
};

/// To which state of which segment an index belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    length: u64,
    base: Hash,
    last: Hash,
}

impl Stamp {
    /// The stamp of a segment to which nothing is appended any more; `end` is its last record.
    pub(crate) fn of(segment: &Segment, end: Place) -> Self {
        Self { length: segment.length(), base: segment.base, last: end.chain }
    }
}

/// The part of an index that is kept in memory.
#[derive(Debug)]
pub(crate) struct Index {
    bloom: Bloom,
    pages: Vec<PageEntry>,
    count: usize,
    /// Where the entries begin in the file.
    start: u64,
}

/// What the list of pages says of one.
#[derive(Clone, Copy, Debug)]
struct PageEntry {
    first: u64,
    digest: u64,
}

impl Index {
    /// Makes an index of these entries, which are sorted; answers with the file's content and the
    /// part of it that is kept in memory.
    pub(crate) fn make(stamp: Stamp, entries: &[Entry]) -> (Vec<u8>, Self) {
        let bloom = Bloom::of(entries.iter().map(|entry| entry.0));
        let mut packed = Vec::with_capacity(entries.len() * ENTRY);
        for (hash, offset) in entries {
            packed.extend_from_slice(&hash.to_le_bytes());
            packed.extend_from_slice(&offset.to_le_bytes());
        }
        let page = |bytes: &[u8]| PageEntry { first: number(bytes), digest: digest(bytes) };
        let pages: Vec<PageEntry> = packed.chunks(PAGE).map(page).collect();
        let mut summary = Vec::with_capacity(Bloom::length(entries.len()) + pages.len() * 16);
        bloom.write(&mut summary);
        for PageEntry { first, digest } in &pages {
            summary.extend_from_slice(&first.to_le_bytes());
            summary.extend_from_slice(&digest.to_le_bytes());
        }
        let count = entries.len();
        let header = header(count, stamp, &summary);
        let content = [header.as_bytes(), &summary, &packed].concat();
        let start = (header.len() + summary.len()) as u64;
        (content, Self { bloom, pages, count, start })
    }

    /// Loads the index with this stamp; `None` if the file holds another one or is damaged.
    pub(crate) fn load(file: &dyn DoorFile, stamp: Stamp) -> io::Result<Option<Self>> {
        let mut line = vec![0; LONGEST_HEADER];
        let read = fill(file, &mut line, 0)?;
        let Some(end) = memchr::memchr(b'\n', &line[..read]) else { return Ok(None) };
        let Some(count) = count(&line[..end]) else { return Ok(None) };
        let summary_length = Bloom::length(count) + count.div_ceil(PER_PAGE) * 16;
        let start = (end + 1 + summary_length) as u64;
        if file.length()? != start + (count * ENTRY) as u64 {
            return Ok(None);
        }
        let mut summary = vec![0; summary_length];
        let read = fill(file, &mut summary, end as u64 + 1)?;
        if read < summary_length || header(count, stamp, &summary).as_bytes() != &line[..=end] {
            return Ok(None);
        }
        let (bloom, pages) = summary.split_at(Bloom::length(count));
        let page = |bytes: &[u8]| PageEntry { first: number(bytes), digest: number(&bytes[8..]) };
        let pages = pages.chunks_exact(16).map(page).collect();
        Ok(Some(Self { bloom: Bloom::read(bloom), pages, count, start }))
    }

    /// Whether a nonce with this hash may be in the segment.
    pub(crate) fn may_hold(&self, hash: u64, mask: &Mask) -> bool {
        self.count > 0 && self.bloom.may_hold(hash, mask)
    }

    /// The offsets of the records with this hash, in the order of the log; `None` if the file is
    /// damaged. It reads a page, or two where the hash stands at a page's end.
    pub(crate) fn find(&self, file: &dyn DoorFile, hash: u64) -> io::Result<Option<Vec<u64>>> {
        let mut offsets = Vec::new();
        let from = self.pages.partition_point(|page| page.first < hash).saturating_sub(1);
        for (at, page) in self.pages.iter().enumerate().skip(from) {
            if page.first > hash {
                break;
            }
            let mut bytes = vec![0; (self.count - at * PER_PAGE).min(PER_PAGE) * ENTRY];
            let read = fill(file, &mut bytes, self.start + (at * PAGE) as u64)?;
            if read < bytes.len() || digest(&bytes) != page.digest {
                return Ok(None);
            }
            let found = bytes.chunks_exact(ENTRY).filter(|entry| number(entry) == hash);
            offsets.extend(found.map(|entry| number(&entry[8..])));
        }
        Ok(Some(offsets))
    }
}

fn header(count: usize, stamp: Stamp, summary: &[u8]) -> String {
    let Stamp { length, base, last } = stamp;
    let fields = format!("{MAGIC} {FORMAT} {count} {length} {base} {last}");
    let digest = Hash::of(&[fields.as_bytes(), summary].concat());
    format!("{fields} {digest}\n")
}

/// The number of entries that a header tells. The rest of it is compared once what it speaks of has
/// been read.
fn count(header: &[u8]) -> Option<usize> {
    let mut words = std::str::from_utf8(header).ok()?.split(' ');
    if (words.next()?, words.next()?) != (MAGIC, FORMAT) {
        return None;
    }
    words.next()?.parse().ok().filter(|count| *count <= MOST)
}

/// 64 bits of a page's hash: enough against faults of a disk. Against an attacker that can write to
/// `.ois` it would be no protection, and needs to be none.
fn digest(page: &[u8]) -> u64 {
    number(blake3::hash(page).as_bytes())
}

/// The number in the first eight bytes.
fn number(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"))
}

const MAGIC: &str = "ois-nonces";
const FORMAT: &str = "1";
const LONGEST_HEADER: usize = 256;
const ENTRY: usize = 16;
const PER_PAGE: usize = 256;
const PAGE: usize = PER_PAGE * ENTRY;

/// More entries than any segment has; a damaged header must not make the server allocate at will.
const MOST: usize = 1 << 28;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::disk::{door::Door, simulated::Simulated};

    const STAMP: Stamp = Stamp { length: 7, base: Hash::ZERO, last: Hash::ZERO };

    fn written(content: &[u8]) -> std::sync::Arc<dyn DoorFile> {
        let file = Simulated::new().create(Path::new("f"), 0o600).unwrap();
        file.write_at(content, 0).unwrap();
        file
    }

    #[test]
    fn every_entry_is_found_wherever_the_pages_end() {
        for same in [1, 2, 255, 256, 257, 600] {
            let hashes = (0..700_u64).map(|at| (at << 53, at)).filter(|entry| entry.1 % 7 != 3);
            let mut entries: Vec<Entry> = hashes.collect();
            entries.extend((0..same).map(|at| (300 << 53, 1000 + at)));
            entries.sort_unstable();
            let (content, made) = Index::make(STAMP, &entries);
            let file = written(&content);
            let loaded = Index::load(&*file, STAMP).unwrap().unwrap();
            for index in [made, loaded] {
                for at in 0..700 {
                    let hash = at << 53;
                    let wanted = entries.iter().filter(|entry| entry.0 == hash);
                    let wanted: Vec<u64> = wanted.map(|entry| entry.1).collect();
                    assert!(index.may_hold(hash, &Mask::of(hash)) || wanted.is_empty());
                    assert_eq!(index.find(&*file, hash).unwrap(), Some(wanted));
                }
            }
        }
    }

    #[test]
    fn an_index_without_entries_holds_nothing() {
        let (content, _) = Index::make(STAMP, &[]);
        let file = written(&content);
        let index = Index::load(&*file, STAMP).unwrap().unwrap();
        assert!(!index.may_hold(0, &Mask::of(0)));
        assert_eq!(index.find(&*file, 0).unwrap(), Some(Vec::new()));
    }

    #[test]
    fn another_segments_index_is_not_taken() {
        let (content, _) = Index::make(STAMP, &[(1, 2)]);
        for stamp in [
            Stamp { length: 8, ..STAMP },
            Stamp { base: Hash::of(b"x"), ..STAMP },
            Stamp { last: Hash::of(b"x"), ..STAMP },
        ] {
            assert!(Index::load(&*written(&content), stamp).unwrap().is_none());
        }
    }

    #[test]
    fn an_altered_or_missing_byte_is_noticed() {
        let entries: Vec<Entry> = (0..300).map(|at| (at << 54, at)).collect();
        let (content, _) = Index::make(STAMP, &entries);
        for at in 0..content.len() {
            let mut altered = content.clone();
            altered[at] ^= 1;
            for damaged in [&altered[..], &content[..at]] {
                let file = written(damaged);
                if let Some(index) = Index::load(&*file, STAMP).unwrap() {
                    // One entry of each page.
                    let mut looked_up = [entries[0], entries[299]].into_iter();
                    let missed =
                        looked_up.any(|(hash, _)| index.find(&*file, hash).unwrap().is_none());
                    assert!(missed, "byte {at}");
                }
            }
        }
    }
}
