//! Which drafts were stored already, so that sending one twice yields one message.

use std::collections::{BTreeMap, VecDeque};

use ois_protocol::{EventId, Nonce, ShortName, Timestamp};

/// Who said a thing and what they called it.
pub type Key = (ShortName, Nonce);

/// Remembers nonces for a while: about 150 bytes each.
#[derive(Debug)]
pub struct Nonces {
    kept_ms: u64,
    ids: BTreeMap<Key, EventId>,
    order: VecDeque<(Timestamp, Key)>,
}

impl Nonces {
    /// Remembers each nonce for this many milliseconds.
    pub fn new(kept_ms: u64) -> Self {
        Self { kept_ms, ids: BTreeMap::new(), order: VecDeque::new() }
    }

    /// The event that this draft became, if it was stored before.
    pub fn find(&self, author: &ShortName, nonce: &Nonce) -> Option<EventId> {
        self.ids.get(&(author.clone(), nonce.clone())).copied()
    }

    /// Remembers that a draft was stored, and forgets what is too old. Times must not go back.
    pub fn insert(&mut self, author: ShortName, nonce: Nonce, id: EventId, now: Timestamp) {
        self.forget(now);
        let key = (author, nonce);
        if self.ids.insert(key.clone(), id).is_none() {
            self.order.push_back((now, key));
        }
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    fn forget(&mut self, now: Timestamp) {
        while let Some((time, _)) = self.order.front() {
            if now.since_ms(*time) <= self.kept_ms && self.order.len() < MOST {
                return;
            }
            if let Some((_, key)) = self.order.pop_front() {
                self.ids.remove(&key);
            }
        }
    }
}

/// The most nonces that are remembered: about 150 MB. Beyond, the oldest are forgotten early.
const MOST: usize = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_ms(1_771_200_000_000);

    fn seven() -> EventId {
        EventId::new(7).unwrap()
    }

    #[test]
    fn a_nonce_is_its_members_own() {
        let mut nonces = Nonces::new(1000);
        nonces.insert("a".parse().unwrap(), "n1".parse().unwrap(), seven(), NOON);
        assert_eq!(nonces.find(&"A".parse().unwrap(), &"n1".parse().unwrap()), Some(seven()));
        assert_eq!(nonces.find(&"b".parse().unwrap(), &"n1".parse().unwrap()), None);
    }

    #[test]
    fn a_nonce_is_forgotten_after_its_time_and_not_before() {
        let mut nonces = Nonces::new(1000);
        nonces.insert("a".parse().unwrap(), "n1".parse().unwrap(), seven(), NOON);
        nonces.insert(
            "a".parse().unwrap(),
            "n2".parse().unwrap(),
            seven().next(),
            NOON.after_ms(1000),
        );
        assert_eq!(nonces.len(), 2);
        nonces.insert(
            "a".parse().unwrap(),
            "n3".parse().unwrap(),
            seven().next(),
            NOON.after_ms(1001),
        );
        assert_eq!(nonces.find(&"a".parse().unwrap(), &"n1".parse().unwrap()), None);
        assert_eq!(nonces.len(), 2);
    }
}
