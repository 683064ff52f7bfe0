//! Medians, and a histogram of times.

use std::time::Duration;

/// Returns the median of some numbers; zero of none.
pub(crate) fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.into_iter().collect();
    numbers.sort_by(f64::total_cmp);
    match numbers.as_slice() {
        [] => 0.0,
        sorted if sorted.len() % 2 == 1 => sorted[sorted.len() / 2],
        sorted => f64::midpoint(sorted[sorted.len() / 2 - 1], sorted[sorted.len() / 2]),
    }
}

/// Times in buckets that are at most 1/32 wide, so that adding one costs nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
}

impl Histogram {
    /// Adds a time to the histogram.
    pub(crate) fn add(&mut self, time: Duration) {
        let bucket = bucket(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        if bucket >= self.buckets.len() {
            self.buckets.resize(bucket + 1, 0);
        }
        self.buckets[bucket] += 1;
        self.count += 1;
    }

    /// Returns the time below which this part of all times lies, such as 0.5 or 0.99.
    pub(crate) fn quantile(&self, part: f64) -> Duration {
        let mut left = (self.count as f64 * part).ceil() as u64;
        for (bucket, count) in self.buckets.iter().enumerate() {
            if *count >= left {
                return Duration::from_nanos(lowest(bucket));
            }
            left -= count;
        }
        Duration::ZERO
    }
}

/// Returns the bucket of a time: five bits behind the highest one choose it.
fn bucket(nanos: u64) -> usize {
    let magnitude = 63 - nanos.max(32).leading_zeros();
    let shift = magnitude - 5;
    (shift as usize) * 32 + (nanos >> shift) as usize
}

fn lowest(bucket: usize) -> u64 {
    if bucket < 64 {
        return bucket as u64;
    }
    let shift = bucket / 32 - 1;
    ((bucket - shift * 32) as u64) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert!((median([4.0, 1.0, 3.0, 2.0]) - 2.5).abs() < 1e-9);
        assert!((median([5.0, 1.0, 3.0]) - 3.0).abs() < 1e-9);
        assert!(median([]).abs() < 1e-9);
    }

    #[test]
    fn a_bucket_begins_at_or_just_below_its_times() {
        for nanos in (0..5_000).chain([123_456, 9_876_543_210]) {
            let low = lowest(bucket(nanos));
            assert!(low <= nanos && nanos - low <= nanos / 32, "{nanos} in {low}");
        }
    }

    #[test]
    fn quantiles_are_found_within_a_bucket() {
        let mut histogram = Histogram::default();
        for micros in 1..=1000 {
            histogram.add(Duration::from_micros(micros));
        }
        let median = histogram.quantile(0.5).as_micros();
        assert!((480..=500).contains(&median), "{median}");
        let slowest = histogram.quantile(0.99).as_micros();
        assert!((955..=990).contains(&slowest), "{slowest}");
        assert_eq!(Histogram::default().quantile(0.5), Duration::ZERO);
    }
}
