//! How fast a member may talk: a bucket that fills with time.

use ois_protocol::Timestamp;

/// A burst at once, then so many a second. Nothing is refused: who is too fast is read later.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Thousandths of a frame that may be sent right now; below zero: owed.
    credit: i64,
    at: Timestamp,
}

impl Pace {
    /// A full bucket.
    pub fn new(burst: u32, now: Timestamp) -> Self {
        Self { credit: i64::from(burst) * 1000, at: now }
    }

    /// Takes one frame and answers with how many milliseconds to wait before reading the next;
    /// 0 if none. A rate of 0 means no limit.
    pub fn take(&mut self, burst: u32, per_second: u32, now: Timestamp) -> u64 {
        if per_second == 0 {
            return 0;
        }
        let earned = i64::try_from(now.since_ms(self.at))
            .unwrap_or(i64::MAX)
            .saturating_mul(i64::from(per_second));
        let credit = self.credit.saturating_add(earned).min(i64::from(burst) * 1000) - 1000;
        self.credit = credit.max(-LONGEST_MS * i64::from(per_second));
        self.at = now;
        if self.credit >= 0 {
            0
        } else {
            (-self.credit).unsigned_abs().div_ceil(u64::from(per_second))
        }
    }
}

/// Nobody waits longer than this, however much was owed at once.
const LONGEST_MS: i64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_ms(1_771_200_000_000);

    #[test]
    fn a_burst_is_free_and_what_follows_waits_its_turn() {
        let mut pace = Pace::new(3, NOON);
        let waits: Vec<u64> = (0..5).map(|_| pace.take(3, 100, NOON)).collect();
        assert_eq!(waits, [0, 0, 0, 10, 20]);
        assert_eq!(pace.take(3, 100, NOON.after_ms(30)), 0);
    }

    #[test]
    fn a_wait_is_never_longer_than_ten_seconds() {
        let mut pace = Pace::new(1, NOON);
        assert_eq!((0..100_000).map(|_| pace.take(1, 100, NOON)).max(), Some(10_000));
    }

    #[test]
    fn a_rate_of_zero_is_no_limit() {
        let mut pace = Pace::new(0, NOON);
        assert!((0..1000).all(|_| pace.take(0, 0, NOON) == 0));
    }
}
