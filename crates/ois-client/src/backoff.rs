//! How long to wait before the next try.

use std::time::Duration;

/// Pauses that double from try to try, and are drawn so that many clients do not come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest pause after the first failure.
    pub first: Duration,
    /// The longest pause of all.
    pub most: Duration,
}

impl Default for Backoff {
    /// 1 s to 30 s.
    fn default() -> Self {
        Self { first: Duration::from_secs(1), most: Duration::from_secs(30) }
    }
}

impl Backoff {
    /// The pause after so many failures in a row (1 and more). `dice` is any number: it decides
    /// between the half and the whole of what the failures allow.
    ///
    /// ```
    /// use ois_client::Backoff;
    /// let pause = Backoff::default().pause(3, u32::MAX);
    /// assert_eq!(pause.as_secs(), 4);
    /// ```
    pub fn pause(&self, failures: u32, dice: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        let most = self.first.saturating_mul(1 << doublings).min(self.most);
        let half = most / 2;
        half + half.mul_f64(f64::from(dice) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pause_lies_between_half_and_all_of_what_is_allowed(failures: u32, dice: u32) {
            let backoff = Backoff::default();
            let pause = backoff.pause(failures, dice);
            prop_assert!(pause >= backoff.first / 2 && pause <= backoff.most);
            prop_assert!(pause <= backoff.pause(failures.saturating_add(1), u32::MAX));
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let longest = |failures| Backoff::default().pause(failures, u32::MAX).as_secs();
        assert_eq!((1..=7).map(longest).collect::<Vec<_>>(), [1, 2, 4, 8, 16, 30, 30]);
    }
}
