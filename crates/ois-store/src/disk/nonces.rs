//! Which nonces were used, and for which records.
//!
//! Each segment has an index of its nonces in a file beside it ([`file`]), of which a small filter
//! is in memory; the segment that is written to has a table in memory ([`table`]) that becomes its
//! index when the next one is begun. A start reads filters and no nonces. What an index says is only
//! believed of a record that bears the nonce: a collision or a damaged index costs reading, and
//! never gives a wrong answer. An index that is missing or damaged is made again from its segment.

mod bloom;
#[cfg(test)]
mod damage;
mod file;
mod table;

use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
    thread::JoinHandle,
};

use ois_protocol::{EventId, Nonce, ShortName, Timestamp};

use self::{
    bloom::Mask,
    file::{Index, Stamp},
    table::{Entry, Table},
};
use super::{
    Durability,
    chain::NonceKey,
    door::{Door, remove_if_there, replace},
    line::Line,
    lines::Lines,
    scan::Place,
    segment::{Segment, name_of},
};
use crate::ReadError;

/// Where indexes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Indexing {
    /// On a thread that lives for it, so that no append waits.
    Background,
    /// Within the call that begins the next segment, for tests that count the disk's steps.
    #[cfg(test)]
    Inline,
}

/// See the module.
pub(crate) struct Nonces {
    door: Arc<dyn Door>,
    key: NonceKey,
    indexing: Indexing,
    /// For how long after its record a nonce is looked up, usually.
    window_ms: u64,
    segments: RwLock<Segments>,
    /// The thread that writes an index, if there was one.
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// The segments that may hold nonces; imported ones never do.
#[derive(Default)]
struct Segments {
    /// Those that are complete, oldest first.
    sealed: Vec<Sealed>,
    /// The one that is written to.
    active: Option<(Arc<Segment>, Table)>,
}

/// A segment to which nothing is appended any more.
struct Sealed {
    segment: Arc<Segment>,
    /// Its last record.
    end: Place,
    entries: Entries,
}

/// Where a sealed segment's nonces are.
#[derive(Clone)]
enum Entries {
    /// Only in memory: the index is not written yet.
    Memory(Arc<Table>),
    /// In the index, of which this is the part in memory.
    Indexed(Arc<Index>),
    /// Perhaps in the index; nobody has asked for nonces of this age.
    Unloaded,
}

/// A segment that may hold a nonce.
enum Candidate {
    /// At these offsets.
    At(Arc<Segment>, Vec<u64>),
    /// Where its index says.
    Indexed(Arc<Segment>, Place, Entries),
}

impl Nonces {
    /// The nonces of these segments, oldest first, each with its last record. `active` has the
    /// entries of the last one, which was read when the log was opened. Indexes of segments that
    /// end before the window begins are not loaded.
    pub(crate) fn open(
        door: Arc<dyn Door>,
        key: NonceKey,
        indexing: Indexing,
        window_ms: u64,
        segments: &[(Arc<Segment>, Place)],
        active: Vec<Entry>,
        now: Timestamp,
    ) -> Self {
        let mut found = Segments::default();
        let mut native = segments.iter().filter(|(segment, _)| !segment.header.imported);
        if let Some((segment, _)) = native.next_back() {
            found.active = Some((Arc::clone(segment), active.into_iter().collect()));
        }
        found.sealed = native
            .map(|(segment, end)| Sealed {
                segment: Arc::clone(segment),
                end: *end,
                entries: Entries::Unloaded,
            })
            .collect();
        let (segments, thread) = (RwLock::new(found), Mutex::default());
        let nonces = Self { door, key, indexing, window_ms, segments, thread };
        nonces.load_all(now);
        nonces
    }

    /// The last record that this author has stored under this nonce at `since` or later.
    pub(crate) fn find(
        &self,
        author: &ShortName,
        nonce: &Nonce,
        since: Timestamp,
    ) -> Result<Option<EventId>, ReadError> {
        let hash = self.key.hash(author, nonce.as_str());
        for candidate in self.candidates(hash, since) {
            let (segment, offsets) = match candidate {
                Candidate::At(segment, offsets) => (segment, offsets),
                Candidate::Indexed(segment, end, entries) => {
                    let offsets = self.offsets(&segment, end, entries, hash);
                    (segment, offsets.map_err(ReadError::Io)?)
                }
            };
            for offset in offsets.into_iter().rev() {
                let found = self.record_at(&segment, offset, author, nonce);
                if let Some((id, _)) =
                    found.map_err(ReadError::Io)?.filter(|(_, time)| *time >= since)
                {
                    return Ok(Some(id));
                }
            }
        }
        Ok(None)
    }

    /// The secret under which nonces are hashed.
    pub(crate) fn key(&self) -> &NonceKey {
        &self.key
    }

    /// Remembers records of the segment that is written to.
    pub(crate) fn add(&self, entries: &[Entry]) {
        if entries.is_empty() {
            return;
        }
        let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, table)) = &mut segments.active {
            entries.iter().for_each(|entry| table.insert(*entry));
        }
    }

    /// Goes on with the next segment; `end` is the last record before it. The index of the one
    /// before is written.
    pub(crate) fn begin(self: &Arc<Self>, segment: Arc<Segment>, end: Place) {
        {
            let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
            let before = segments.active.replace((segment, Table::default()));
            let Some((segment, table)) = before else { return };
            let entries = Entries::Memory(Arc::new(table));
            segments.sealed.push(Sealed { segment, end, entries });
            let window = Timestamp::from_ms(end.time.ms().saturating_sub(self.window_ms));
            for sealed in &mut segments.sealed {
                if sealed.end.time < window && matches!(sealed.entries, Entries::Indexed(_)) {
                    sealed.entries = Entries::Unloaded;
                }
            }
        }
        match self.indexing {
            Indexing::Background => self.write_in_background(),
            #[cfg(test)]
            Indexing::Inline => self.write_indexes(),
        }
    }

    /// Waits for the thread that writes an index, if there is one.
    pub(crate) fn wait(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that writes indexes of nonces has panicked");
        }
    }

    fn write_in_background(self: &Arc<Self>) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            // A slow disk: this segment's turn comes with the next one's.
            return;
        }
        let nonces = Arc::clone(self);
        let named = std::thread::Builder::new().name("ois-nonces".to_owned());
        match named.spawn(move || nonces.write_indexes()) {
            Ok(started) => *thread = Some(started),
            Err(error) => tracing::warn!(%error, "cannot write an index of nonces yet"),
        }
    }

    /// Writes the indexes that are only in memory. One that the disk does not take stays there.
    fn write_indexes(&self) {
        let in_memory: Vec<_> = {
            let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
            let table = |sealed: &Sealed| match &sealed.entries {
                Entries::Memory(table) => {
                    Some((Arc::clone(&sealed.segment), sealed.end, Arc::clone(table)))
                }
                Entries::Indexed(_) | Entries::Unloaded => None,
            };
            segments.sealed.iter().filter_map(table).collect()
        };
        for (segment, end, table) in in_memory {
            match self.write_index(&segment, end, &table) {
                Ok(index) => self.set(&segment, Entries::Indexed(Arc::new(index))),
                Err(error) => {
                    tracing::warn!(%error, segment = segment.name(), "cannot write an index of nonces yet");
                }
            }
        }
    }

    /// Writes an index aside and puts it in its place. It is not synced: one that a power cut has
    /// torn is noticed and made again.
    fn write_index(&self, segment: &Segment, end: Place, table: &Table) -> io::Result<Index> {
        let (content, index) = Index::make(Stamp::of(segment, end), &table.sorted());
        replace(&*self.door, &path(segment), &content, Durability::Os)?;
        Ok(index)
    }

    /// Loads the indexes of the window, and makes those that are not there.
    fn load_all(&self, now: Timestamp) {
        let since = Timestamp::from_ms(now.ms().saturating_sub(self.window_ms));
        let sealed: Vec<(Arc<Segment>, Place)> = {
            let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
            let in_window = segments.sealed.iter().filter(|sealed| sealed.end.time >= since);
            in_window.map(|sealed| (Arc::clone(&sealed.segment), sealed.end)).collect()
        };
        let mut missing = Vec::new();
        for (segment, end) in sealed {
            match self.load(&segment, end) {
                Some(index) => self.set(&segment, Entries::Indexed(Arc::new(index))),
                None => missing.push((segment, end)),
            }
        }
        let of = missing.len();
        for (done, (segment, end)) in missing.into_iter().enumerate() {
            tracing::info!(segment = segment.name(), done, of, "making the index of nonces");
            if let Err(error) = self.make(&segment, end) {
                // The first lookup that needs it tries again.
                tracing::warn!(%error, segment = segment.name(), "cannot make the index of nonces");
            }
        }
    }

    /// Loads a segment's index; `None` if it is not there as it should be.
    fn load(&self, segment: &Segment, end: Place) -> Option<Index> {
        let file = self.door.read(&path(segment)).ok()?;
        Index::load(&*file, Stamp::of(segment, end)).ok().flatten()
    }

    /// Makes a segment's index from its records, and answers with them.
    fn make(&self, segment: &Arc<Segment>, end: Place) -> io::Result<Arc<Table>> {
        let file = segment.open(&*self.door)?;
        let mut collector = Collector::new(self.key.clone());
        let mut lines = Lines::new(&*file, segment.start, segment.length());
        while let Some((at, line, _)) = lines.next()? {
            // What is no record has no nonce.
            if let Some(line) = Line::parse(line) {
                collector.take(&line, at);
            }
        }
        let table = Arc::new(collector.entries.into_iter().collect::<Table>());
        let entries = match self.write_index(segment, end, &table) {
            Ok(index) => Entries::Indexed(Arc::new(index)),
            Err(error) => {
                tracing::warn!(%error, segment = segment.name(), "cannot write an index of nonces yet");
                Entries::Memory(Arc::clone(&table))
            }
        };
        self.set(segment, entries);
        Ok(table)
    }

    /// The segments that may hold a nonce with this hash, newest first.
    fn candidates(&self, hash: u64, since: Timestamp) -> Vec<Candidate> {
        let mask = Mask::of(hash);
        let mut candidates = Vec::new();
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((segment, table)) = &segments.active {
            let offsets = table.find(hash);
            if !offsets.is_empty() {
                candidates.push(Candidate::At(Arc::clone(segment), offsets));
            }
        }
        for Sealed { segment, end, entries } in segments.sealed.iter().rev() {
            if end.time < since {
                continue;
            }
            let may_hold = match entries {
                Entries::Memory(table) => !table.find(hash).is_empty(),
                Entries::Indexed(index) => index.may_hold(hash, &mask),
                Entries::Unloaded => true,
            };
            if may_hold {
                let (segment, entries) = (Arc::clone(segment), entries.clone());
                candidates.push(Candidate::Indexed(segment, *end, entries));
            }
        }
        candidates
    }

    /// The offsets in a sealed segment of the records with this hash. An index that is not what was
    /// written is made again.
    fn offsets(
        &self,
        segment: &Arc<Segment>,
        end: Place,
        entries: Entries,
        hash: u64,
    ) -> io::Result<Vec<u64>> {
        let index = match entries {
            Entries::Memory(table) => return Ok(table.find(hash)),
            Entries::Indexed(index) => Some(index),
            Entries::Unloaded => self.load(segment, end).map(Arc::new).inspect(|index| {
                self.set(segment, Entries::Indexed(Arc::clone(index)));
            }),
        };
        let found = index.and_then(|index| {
            let file = self.door.read(&path(segment)).ok()?;
            index.find(&*file, hash).ok().flatten()
        });
        if let Some(offsets) = found {
            return Ok(offsets);
        }
        tracing::warn!(segment = segment.name(), "an index of nonces is damaged; making it again");
        Ok(self.make(segment, end)?.find(hash))
    }

    /// The record at this offset, if it bears this nonce.
    fn record_at(
        &self,
        segment: &Segment,
        offset: u64,
        author: &ShortName,
        nonce: &Nonce,
    ) -> io::Result<Option<(EventId, Timestamp)>> {
        let file = segment.open(&*self.door)?;
        if offset < segment.start {
            return Ok(None);
        }
        // A line that was entered in its middle would be taken for one with another id.
        let mut lines = Lines::new(&*file, offset - 1, segment.length());
        let is_start = lines.next()?.is_some_and(|(_, before, _)| before.is_empty());
        let Some((_, line, _)) = lines.next()?.filter(|_| is_start) else { return Ok(None) };
        let line = Line::parse(line).filter(|line| line.bears(author, nonce));
        Ok(line.map(|line| (line.id, line.time)))
    }

    fn set(&self, segment: &Segment, entries: Entries) {
        let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        let first = segment.header.first;
        let found = segments.sealed.iter_mut().find(|sealed| sealed.segment.header.first == first);
        if let Some(sealed) = found {
            sealed.entries = entries;
        }
    }
}

/// Gathers the nonces of records that are walked over.
pub(crate) struct Collector {
    key: NonceKey,
    /// Authors as they are compared: folding a name takes longer than all else here.
    authors: HashMap<String, Option<ShortName>>,
    /// What was found, in the order of the log.
    pub(crate) entries: Vec<Entry>,
}

impl Collector {
    /// A collector of hashes under this key.
    pub(crate) fn new(key: NonceKey) -> Self {
        Self { key, authors: HashMap::new(), entries: Vec::new() }
    }

    /// Takes a record that begins at this offset.
    pub(crate) fn take(&mut self, line: &Line<'_>, at: u64) {
        let Some(nonce) = line.nonce() else { return };
        let word = line.author_word();
        let author = match self.authors.get(word) {
            Some(known) => known,
            None => self.authors.entry(word.to_owned()).or_insert(line.author()),
        };
        if let Some(author) = author {
            self.entries.push((self.key.hash(author, &nonce), at));
        }
    }
}

/// Removes indexes that have no segment, which `--repair` may leave.
pub(crate) fn remove_strays(
    door: &dyn Door,
    dir: &std::path::Path,
    segments: &[PathBuf],
) -> io::Result<()> {
    let kept: Vec<String> =
        segments.iter().map(|path| name_of(&path.with_extension(EXTENSION))).collect();
    for name in door.names(dir)? {
        let is_index = std::path::Path::new(&name).extension().is_some_and(|it| it == EXTENSION);
        if is_index && !kept.contains(&name) {
            remove_if_there(door, &dir.join(name))?;
        }
    }
    Ok(())
}

/// Where a segment's index is.
fn path(segment: &Segment) -> PathBuf {
    segment.path.with_extension(EXTENSION)
}

/// How the name of an index ends.
const EXTENSION: &str = "nonces";
