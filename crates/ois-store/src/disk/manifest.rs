//! The list of the log's segments, by which one that is missing or was cut off is noticed.
//!
//! ```text
//! ois-manifest 1 TEAM⏎
//! FIRST LAST BEFORE CHAIN LENGTH sealed|open⏎
//! end MAC⏎
//! ```
//!
//! A line says what a segment held when the list was written: the ids of its first and last event,
//! the chain before and after them, and its length. An open one may have grown since. The list is
//! made from the segments and is not synced: one that is missing or damaged is made again.

use std::{collections::BTreeMap, io, path::Path};

use ois_protocol::EventId;

use super::{
    Durability,
    chain::{Hash, Key},
    door::{Door, read_whole, replace},
};

/// What is known of the segments, by their first ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// The segments, oldest first.
    pub(crate) entries: BTreeMap<EventId, Entry>,
}

/// What a segment held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The id of its last event.
    pub(crate) last: EventId,
    /// The chain before the segment.
    pub(crate) before: Hash,
    /// The chain after its last event.
    pub(crate) chain: Hash,
    /// Its length in bytes.
    pub(crate) length: u64,
    /// Whether nothing is appended to it any more.
    pub(crate) sealed: bool,
}

/// What stands where the list is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// There is none.
    Missing,
    /// It is not what was written.
    Damaged,
    /// The list.
    Whole(Manifest),
}

impl Stored {
    /// The list, if there is one that can be believed.
    pub(crate) fn into_manifest(self) -> Option<Manifest> {
        match self {
            Self::Whole(manifest) => Some(manifest),
            Self::Missing | Self::Damaged => None,
        }
    }
}

impl Manifest {
    /// Reads the list in the log's directory.
    pub(crate) fn load(door: &dyn Door, dir: &Path, key: &Key) -> io::Result<Stored> {
        let bytes = match read_whole(door, &dir.join(NAME)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Stored::Missing),
            Err(error) => return Err(error),
        };
        Ok(Self::parse(&bytes, key).map_or(Stored::Damaged, Stored::Whole))
    }

    /// Replaces the list in the log's directory.
    fn store(&self, door: &dyn Door, dir: &Path, team: &str, key: &Key) -> io::Result<()> {
        let mut text = format!("ois-manifest 1 {team}\n");
        for (first, entry) in &self.entries {
            let Entry { last, before, chain, length, sealed } = entry;
            let state = if *sealed { SEALED } else { OPEN };
            text.push_str(&format!("{first} {last} {before} {chain} {length} {state}\n"));
        }
        let mac = key.chain(Hash::default(), text.as_bytes(), &mut Vec::new());
        text.push_str(&format!("end {mac}\n"));
        replace(door, &dir.join(NAME), text.as_bytes(), Durability::Os).map(drop)
    }

    /// The same; a disk that does not take it costs nothing but a check at the next start.
    pub(crate) fn keep(&self, door: &dyn Door, dir: &Path, team: &str, key: &Key) {
        if let Err(error) = self.store(door, dir, team, key) {
            tracing::warn!(%error, "cannot write the list of the log's segments yet");
        }
    }

    fn parse(bytes: &[u8], key: &Key) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
        let (signed, end) = text.split_at(text.rfind('\n')? + 1);
        let mac = Hash::parse(end.strip_prefix("end ")?.as_bytes())?;
        if key.chain(Hash::default(), signed.as_bytes(), &mut Vec::new()) != mac {
            return None;
        }
        let mut lines = signed.lines();
        lines.next()?.strip_prefix("ois-manifest 1 ")?;
        let entries: Option<_> = lines.map(entry).collect();
        Some(Self { entries: entries? })
    }
}

fn entry(line: &str) -> Option<(EventId, Entry)> {
    let words: Vec<&str> = line.split(' ').collect();
    let [first, last, before, chain, length, state] = words[..] else { return None };
    let entry = Entry {
        last: last.parse().ok()?,
        before: Hash::parse(before.as_bytes())?,
        chain: Hash::parse(chain.as_bytes())?,
        length: length.parse().ok()?,
        sealed: match state {
            SEALED => true,
            OPEN => false,
            _ => return None,
        },
    };
    Some((first.parse().ok()?, entry))
}

/// The name of the file in the log's directory.
pub(crate) const NAME: &str = "manifest";
const SEALED: &str = "sealed";
const OPEN: &str = "open";
