//! A histogram of durations as HDR histograms are: logarithmic buckets with even parts, in fixed memory.

use std::time::{Duration, Instant};

use crate::status::TickTimes;

/// Buckets an octave: a quantile is at most 1/16 too high, never too low.
const PARTS: usize = 16;
const OCTAVES: usize = 36;

/// Counts of microseconds in logarithmic buckets.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: Box<[u64; PARTS * OCTAVES]>,
    count: u64,
    max_us: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: Box::new([0; PARTS * OCTAVES]),
            count: 0,
            max_us: 0,
        }
    }
}

impl Histogram {
    pub(crate) fn record(&mut self, duration: Duration) {
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.counts[bucket_of(us)] += 1;
        self.count += 1;
        self.max_us = self.max_us.max(us);
    }

    /// Takes in what another has counted.
    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, count) in self.counts.iter_mut().zip(other.counts.iter()) {
            *sum += count;
        }
        self.count += other.count;
        self.max_us = self.max_us.max(other.max_us);
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn max_ms(&self) -> f64 {
        self.max_us as f64 / 1e3
    }

    /// The duration that a share of all durations does not exceed, milliseconds, rounded up to its bucket.
    pub(crate) fn quantile_ms(&self, share: f64) -> f64 {
        let wanted = (share * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper_us(bucket).min(self.max_us) as f64 / 1e3;
            }
        }
        self.max_ms()
    }
}

impl From<&Histogram> for TickTimes {
    fn from(of: &Histogram) -> Self {
        Self {
            p50: of.quantile_ms(0.5),
            p99: of.quantile_ms(0.99),
            max: of.max_ms(),
            count: of.count(),
        }
    }
}

/// All that was ever counted, and what was within the last whole window of some seconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Windowed {
    all: Histogram,
    current: Histogram,
    last: Histogram,
    begun: Option<Instant>,
}

impl Windowed {
    const WINDOW: Duration = Duration::from_secs(10);

    pub(crate) fn record(&mut self, duration: Duration) {
        self.all.record(duration);
        self.current.record(duration);
    }

    /// Both, of this moment: call it more often than once a window.
    pub(crate) fn times(&mut self, now: Instant) -> [TickTimes; 2] {
        let begun = *self.begun.get_or_insert(now);
        if now.saturating_duration_since(begun) >= Self::WINDOW {
            self.last = core::mem::take(&mut self.current);
            self.begun = Some(now);
        }
        [(&self.all).into(), (&self.last).into()]
    }
}

/// Values below 16 have buckets of their own; above, the top five bits choose.
fn bucket_of(us: u64) -> usize {
    if us < PARTS as u64 {
        return us as usize;
    }
    let octave = 63 - us.leading_zeros() as usize; // at least 4
    let part = (us >> (octave - 4)) as usize & (PARTS - 1);
    ((octave - 3) * PARTS + part).min(PARTS * OCTAVES - 1)
}

/// The largest value of a bucket.
fn upper_us(bucket: usize) -> u64 {
    let (row, part) = (bucket / PARTS, bucket % PARTS);
    if row == 0 {
        return part as u64;
    }
    ((PARTS + part + 1) as u64) << (row - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_sixteenth() {
        let mut all = Histogram::default();
        for us in 1..=100_000u64 {
            all.record(Duration::from_micros(us));
        }
        for (share, exact_ms) in [(0.5, 50.0), (0.99, 99.0), (0.001, 0.1)] {
            let found = all.quantile_ms(share);
            assert!(
                found >= exact_ms && found <= exact_ms * (1.0 + 1.0 / 16.0) + 1e-3,
                "{share}: {found}"
            );
        }
        assert_eq!(all.max_ms(), 100.0);
        assert_eq!(Histogram::default().quantile_ms(0.99), 0.0);
    }

    #[test]
    fn a_window_forgets_what_was_before_it() {
        let (mut both, begun) = (Windowed::default(), Instant::now());
        let at = |s| begun + Duration::from_secs(s);
        both.record(Duration::from_millis(100));
        assert_eq!(both.times(at(0)).map(|times| times.count), [1, 0]);
        both.record(Duration::from_millis(200));
        assert_eq!(both.times(at(10)).map(|times| times.count), [2, 2]);
        both.record(Duration::from_millis(7));
        assert_eq!(both.times(at(19)).map(|times| times.max), [200.0, 200.0]);
        assert_eq!(both.times(at(20)).map(|times| times.max), [200.0, 7.0]);
    }

    #[test]
    fn every_value_is_within_its_bucket() {
        for us in (0..200).chain([1 << 20, (1 << 30) + 12_345, u64::MAX >> 30]) {
            let bucket = bucket_of(us);
            assert!(us <= upper_us(bucket), "{us}");
            assert!(
                bucket == 0 || us > upper_us(bucket - 1) - u64::from(us >= 16),
                "{us}"
            );
        }
    }
}
