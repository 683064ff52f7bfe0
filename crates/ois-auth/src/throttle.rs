//! The throttle: an address from which wrong passwords or tokens come has to wait.
//!
//! A [`Throttle`] counts failures to prove who one is. It is a machine without a clock: it takes
//! the address and the time and says whether to go on. What an address is, the caller decides:
//! for IPv6 the first 64 bits of it, since a single host has all of the rest to itself; and with
//! the door's name before it where a monitor that shows an outdated token again and again should
//! not keep people at the same address from signing in.
//!
//! | failures | wait after the last one |
//! |---|---|
//! | 1 to 9 within a minute | none |
//! | 10 within a minute | 10 s |
//! | one more once that is over | 20 s |
//! | each further one | twice as long as before: 40 s, 80 s, 160 s, 320 s, 640 s |
//! | and from then on | 900 s |
//!
//! An hour without a failure after the wait, or a success, and the address is as good as new.
//! At most [`Throttle::MOST_ADDRESSES`] are remembered; when there are more, those are forgotten
//! first whose wait is over soonest, a quarter at a time. It does not know what was tried, nor for which member.

use std::collections::{BTreeMap, VecDeque};

use ois_protocol::Timestamp;

/// The failures of the last while, by address.
#[derive(Debug, Clone, Default)]
pub struct Throttle {
    /// By the hash of the address, so that a long one takes no more room than a short one.
    marks: BTreeMap<[u8; 32], Mark>,
}

/// The failures of one address.
#[derive(Debug, Clone, Default)]
struct Mark {
    /// Failures within [`WINDOW_MS`] of each other, fewer than [`FREE`]; the newest at the back.
    recent: VecDeque<Timestamp>,
    /// How many waits were imposed.
    waits: u32,
    /// Nothing is tried before this.
    until: Timestamp,
}

/// Come back after this many seconds, at least one: the value of the header `Retry-After`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many failures, retry after {seconds} s")]
pub struct RetryAfter {
    /// Whole seconds, rounded up.
    pub seconds: u64,
}

impl Throttle {
    /// The most addresses that are remembered, about 3 MiB of them.
    pub const MOST_ADDRESSES: usize = 10_000;

    /// A throttle that has seen nobody fail.
    pub fn new() -> Throttle {
        Throttle::default()
    }

    /// Whether this address may try. Counts nothing.
    ///
    /// # Errors
    ///
    /// [`RetryAfter`] while it has to wait.
    pub fn check(&self, address: &str, now: Timestamp) -> Result<(), RetryAfter> {
        let left = self.marks.get(&key(address)).map_or(0, |mark| mark.until.since_ms(now));
        match left {
            0 => Ok(()),
            left => Err(RetryAfter { seconds: left.div_ceil(1000) }),
        }
    }

    /// Lets one attempt begin whose outcome takes a while to find out, a password's for example.
    /// It counts as a failure until [`succeeded`](Throttle::succeeded) says otherwise: else a
    /// thousand attempts could begin before the first of them has failed.
    ///
    /// # Errors
    ///
    /// [`RetryAfter`] while the address has to wait; such an attempt does not count.
    pub fn admit(&mut self, address: &str, now: Timestamp) -> Result<(), RetryAfter> {
        self.check(address, now)?;
        self.failed(address, now);
        Ok(())
    }

    /// An attempt from this address failed.
    pub fn failed(&mut self, address: &str, now: Timestamp) {
        let key = key(address);
        if !self.marks.contains_key(&key) && self.marks.len() >= Self::MOST_ADDRESSES {
            self.make_room(now);
        }
        let mark = self.marks.entry(key).or_default();
        if mark.is_over(now) {
            *mark = Mark::default();
        }
        mark.fail(now);
    }

    /// An attempt from this address succeeded: its failures are forgiven.
    pub fn succeeded(&mut self, address: &str) {
        self.marks.remove(&key(address));
    }

    /// Forgets those that have behaved long enough. Needed by nobody but the memory.
    pub fn sweep(&mut self, now: Timestamp) {
        self.marks.retain(|_, mark| !mark.is_over(now));
    }

    fn make_room(&mut self, now: Timestamp) {
        self.sweep(now);
        if self.marks.len() < Self::MOST_ADDRESSES {
            return;
        }
        // A quarter at once, so that a flood of addresses does not cost a search for each of them.
        let mut ends: Vec<Timestamp> = self.marks.values().map(Mark::end).collect();
        let (_, cut, _) = ends.select_nth_unstable(Self::MOST_ADDRESSES / 4);
        self.marks.retain(|_, mark| mark.end() > *cut);
    }
}

impl Mark {
    fn fail(&mut self, now: Timestamp) {
        self.recent.retain(|then| now.since_ms(*then) < WINDOW_MS);
        self.recent.push_back(now);
        if self.waits == 0 && self.recent.len() < FREE {
            return;
        }
        self.recent.clear();
        let wait = (FIRST_WAIT_MS << self.waits).min(LONGEST_WAIT_MS);
        self.waits = (self.waits + 1).min(WAITS_THAT_GROW);
        self.until = now.after_ms(wait);
    }

    fn is_over(&self, now: Timestamp) -> bool {
        let kept = if self.waits == 0 { WINDOW_MS } else { FORGIVEN_MS };
        now >= self.end().after_ms(kept)
    }

    /// When the wait is over, or the last failure if that was later.
    fn end(&self) -> Timestamp {
        self.until.max(self.recent.back().copied().unwrap_or_default())
    }
}

fn key(address: &str) -> [u8; 32] {
    *blake3::hash(address.as_bytes()).as_bytes()
}

/// This many failures within [`WINDOW_MS`] bring the first wait.
const FREE: usize = 10;
const WINDOW_MS: u64 = 60_000;
const FIRST_WAIT_MS: u64 = 10_000;
const LONGEST_WAIT_MS: u64 = 900_000;
/// After so many the wait is at its longest.
const WAITS_THAT_GROW: u32 = 8;
const FORGIVEN_MS: u64 = 3_600_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: Timestamp = Timestamp::from_ms(1_770_379_200_000);
    const HERE: &str = "192.0.2.7";

    fn seconds(s: u64) -> Timestamp {
        NOON.after_ms(s * 1000)
    }

    fn fail(throttle: &mut Throttle, times: u64, at: Timestamp) {
        for _ in 0..times {
            throttle.failed(HERE, at);
        }
    }

    /// How long the address has to wait, in seconds; 0 for not at all.
    fn wait(throttle: &Throttle, at: Timestamp) -> u64 {
        throttle.check(HERE, at).map_or_else(|after| after.seconds, |()| 0)
    }

    #[test]
    fn nine_failures_are_free_and_the_tenth_is_not() {
        let mut throttle = Throttle::new();
        fail(&mut throttle, 9, NOON);
        assert_eq!(wait(&throttle, NOON), 0);
        fail(&mut throttle, 1, NOON);
        assert_eq!(wait(&throttle, NOON), 10);
        assert_eq!(wait(&throttle, NOON.after_ms(9001)), 1);
        assert_eq!(wait(&throttle, seconds(10)), 0);
    }

    #[test]
    fn failures_that_are_a_minute_apart_do_not_add_up() {
        let mut throttle = Throttle::new();
        fail(&mut throttle, 9, NOON);
        fail(&mut throttle, 9, seconds(60));
        assert_eq!(wait(&throttle, seconds(60)), 0);
    }

    #[test]
    fn the_minute_slides() {
        let mut throttle = Throttle::new();
        fail(&mut throttle, 5, seconds(50));
        fail(&mut throttle, 5, seconds(70));
        assert_eq!(wait(&throttle, seconds(70)), 10);
    }

    #[test]
    fn each_further_failure_doubles_the_wait_up_to_a_quarter_of_an_hour() {
        let mut throttle = Throttle::new();
        let mut now = NOON;
        fail(&mut throttle, 9, now);
        for expected in [10, 20, 40, 80, 160, 320, 640, 900, 900] {
            throttle.failed(HERE, now);
            assert_eq!(wait(&throttle, now), expected);
            now = now.after_ms(expected * 1000);
        }
    }

    #[test]
    fn an_hour_of_peace_after_the_wait_forgives() {
        let mut throttle = Throttle::new();
        fail(&mut throttle, 10, NOON);
        fail(&mut throttle, 1, seconds(3609));
        assert_eq!(wait(&throttle, seconds(3609)), 20);

        let mut throttle = Throttle::new();
        fail(&mut throttle, 10, NOON);
        fail(&mut throttle, 1, seconds(3610));
        assert_eq!(wait(&throttle, seconds(3610)), 0);
    }

    #[test]
    fn a_success_forgives_at_once() {
        let mut throttle = Throttle::new();
        fail(&mut throttle, 10, NOON);
        throttle.succeeded(HERE);
        assert_eq!(wait(&throttle, NOON), 0);
    }

    #[test]
    fn another_address_does_not_wait() {
        let mut throttle = Throttle::new();
        fail(&mut throttle, 10, NOON);
        assert_eq!(throttle.check("192.0.2.8", NOON), Ok(()));
    }

    #[test]
    fn only_ten_attempts_are_under_way_at_once() {
        let mut throttle = Throttle::new();
        let admitted = (0..100).filter(|_| throttle.admit(HERE, NOON).is_ok()).count();
        assert_eq!(admitted, 10);
    }

    #[test]
    fn an_attempt_while_waiting_does_not_lengthen_the_wait() {
        let mut throttle = Throttle::new();
        fail(&mut throttle, 10, NOON);
        assert_eq!(throttle.admit(HERE, seconds(4)), Err(RetryAfter { seconds: 6 }));
        assert_eq!(wait(&throttle, seconds(4)), 6);
    }

    #[test]
    fn a_flood_of_addresses_neither_grows_the_memory_nor_frees_who_waits() {
        let mut throttle = Throttle::new();
        fail(&mut throttle, 10, NOON);
        for n in 0..Throttle::MOST_ADDRESSES + 50 {
            throttle.failed(&format!("2001:db8::{n:x}"), NOON);
        }
        assert!(throttle.marks.len() <= Throttle::MOST_ADDRESSES);
        assert_eq!(wait(&throttle, NOON), 10);
    }

    #[test]
    fn a_sweep_forgets_who_has_behaved() {
        let mut throttle = Throttle::new();
        fail(&mut throttle, 1, NOON);
        throttle.sweep(seconds(59));
        assert_eq!(throttle.marks.len(), 1);
        throttle.sweep(seconds(60));
        assert!(throttle.marks.is_empty());
    }

    proptest! {
        #[test]
        fn no_wait_exceeds_a_quarter_of_an_hour_and_eleven_attempts_take_ten_seconds(
            pauses in prop::collection::vec(prop_oneof![0u64..2_000, 0u64..90_000], 1..200),
        ) {
            let mut throttle = Throttle::new();
            let mut now = NOON;
            let mut tried = Vec::new();
            for pause in pauses {
                now = now.after_ms(pause);
                prop_assert!(wait(&throttle, now) <= 900);
                if throttle.admit(HERE, now).is_ok() {
                    tried.push(now);
                }
            }
            for window in tried.windows(11) {
                prop_assert!(window[10].since_ms(window[0]) >= FIRST_WAIT_MS);
            }
        }
    }
}
