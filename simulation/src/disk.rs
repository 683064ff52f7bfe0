//! A disk that forgets: what was written and not synced may be lost with the process.

use ois_protocol::Timestamp;

use crate::random::Random;

/// A file of entries that only grows.
#[derive(Clone, Debug)]
pub(crate) struct Disk<T> {
    entries: Vec<T>,
    synced: usize,
    full_until: Timestamp,
}

/// The disk takes nothing now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl<T> Disk<T> {
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new(), synced: 0, full_until: Timestamp::from_ms(0) }
    }

    /// Writes; it is durable only after [`sync`](Self::sync).
    pub(crate) fn write(
        &mut self,
        entries: impl IntoIterator<Item = T>,
        now: Timestamp,
    ) -> Result<(), Full> {
        if self.is_full(now) {
            return Err(Full);
        }
        self.entries.extend(entries);
        Ok(())
    }

    pub(crate) fn sync(&mut self) {
        self.synced = self.entries.len();
    }

    /// Takes nothing until then.
    pub(crate) fn fill(&mut self, until: Timestamp) {
        self.full_until = self.full_until.max(until);
    }

    /// Whether it takes nothing.
    pub(crate) fn is_full(&self, now: Timestamp) -> bool {
        now < self.full_until
    }

    /// There is room again.
    pub(crate) fn clean(&mut self) {
        self.full_until = Timestamp::from_ms(0);
    }

    /// The process or the host dies: of what was not synced an arbitrary part at the end is gone. An
    /// entry that was torn in the middle is cut off by whoever reads next, so it is gone as well.
    pub(crate) fn crash(&mut self, random: &mut Random) {
        let unsynced = self.entries.len() - self.synced;
        let survives = self.synced + random.index(unsynced + 1);
        self.entries.truncate(survives);
        self.synced = survives;
    }

    /// Replaces everything, as by a new file that is renamed over the old one.
    pub(crate) fn rewrite(&mut self, entries: Vec<T>) {
        self.entries = entries;
        self.sync();
    }

    pub(crate) fn entries(&self) -> &[T] {
        &self.entries
    }
}
