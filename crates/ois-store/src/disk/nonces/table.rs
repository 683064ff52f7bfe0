//! The nonces of a segment that has no index yet, in memory.

use std::{
    collections::{HashMap, hash_map},
    hash::{BuildHasherDefault, Hasher},
};

/// A nonce's hash, and the offset in its segment at which its record begins.
pub(crate) type Entry = (u64, u64);

/// Offsets of records by the hashes of their nonces: about 30 bytes each.
#[derive(Debug, Default)]
pub(crate) struct Table {
    offsets: HashMap<u64, u64, BuildHasherDefault<AsIs>>,
    /// Those whose hash was there already: nonces used again after their time, and collisions.
    more: Vec<Entry>,
}

impl Table {
    /// Adds a record behind all that were added before.
    pub(crate) fn insert(&mut self, (hash, offset): Entry) {
        match self.offsets.entry(hash) {
            hash_map::Entry::Vacant(free) => drop(free.insert(offset)),
            hash_map::Entry::Occupied(_) => self.more.push((hash, offset)),
        }
    }

    /// The offsets of the records with this hash, in the order of the log.
    pub(crate) fn find(&self, hash: u64) -> Vec<u64> {
        let Some(first) = self.offsets.get(&hash) else { return Vec::new() };
        let more = self.more.iter().filter(|entry| entry.0 == hash).map(|entry| entry.1);
        std::iter::once(*first).chain(more).collect()
    }

    /// Everything that was added, by hash and then by offset.
    pub(crate) fn sorted(&self) -> Vec<Entry> {
        let first = self.offsets.iter().map(|(hash, offset)| (*hash, *offset));
        let mut entries: Vec<Entry> = first.chain(self.more.iter().copied()).collect();
        entries.sort_unstable();
        entries
    }
}

impl FromIterator<Entry> for Table {
    fn from_iter<T: IntoIterator<Item = Entry>>(entries: T) -> Self {
        let mut table = Self::default();
        entries.into_iter().for_each(|entry| table.insert(entry));
        table
    }
}

/// The keys are hashes under a secret already, so the map takes them as they are.
#[derive(Default)]
pub(crate) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_with_a_hash_is_found_in_the_order_of_the_log() {
        let table: Table = [(7, 1), (8, 2), (7, 3), (7, 4)].into_iter().collect();
        assert_eq!(table.find(7), [1, 3, 4]);
        assert_eq!(table.find(8), [2]);
        assert!(table.find(9).is_empty());
        assert_eq!(table.sorted(), [(7, 1), (7, 3), (7, 4), (8, 2)]);
    }
}
