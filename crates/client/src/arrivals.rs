//! When snapshots come, against when they were due.

/// Snapshots that are remembered at most.
const SLOTS: usize = 256;
/// So long a time is remembered, if that is neither more than [`SLOTS`] nor fewer than [`SLOTS_MIN`].
const WINDOW_S: f64 = 8.0;
const SLOTS_MIN: usize = 48;

/// The transits of the snapshots of the last seconds: local time of arrival less the time that the tick stands for.
///
/// What counts is when *something at least as new* was here: the transit of a snapshot that is lost is that of the next one, counted from when
/// the lost one was due. So loss, jitter and slow ticks are one number.
#[derive(Clone, Debug)]
pub(crate) struct Arrivals {
    recent: [f64; SLOTS], // a ring, seconds
    sorted: [f64; SLOTS], // the same, ascending
    count: usize,
    next: usize,
    count_max: usize,
}

impl Arrivals {
    /// For snapshots that are due so many times a second.
    pub(crate) fn new(per_s: f64) -> Self {
        let wanted = (per_s * WINDOW_S) as usize; // saturates
        Self {
            recent: [0.0; SLOTS],
            sorted: [0.0; SLOTS],
            count: 0,
            next: 0,
            count_max: wanted.clamp(SLOTS_MIN, SLOTS),
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        (self.count, self.next) = (0, 0);
    }

    /// Notes one; the oldest is forgotten. Costs a shift of at most 2 KB.
    pub(crate) fn push(&mut self, transit_s: f64) {
        if self.count == self.count_max {
            let at = self.rank(self.recent[self.next]);
            self.sorted.copy_within(at + 1..self.count, at);
            self.count -= 1;
        }
        let at = self.rank(transit_s);
        self.sorted.copy_within(at..self.count, at + 1);
        self.sorted[at] = transit_s;
        self.count += 1;
        self.recent[self.next] = transit_s;
        self.next = (self.next + 1) % self.count_max;
    }

    /// The transit that this share of them does not exceed; none before the first.
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        let last = self.count.checked_sub(1)?;
        Some(self.sorted[((last as f64 * share) as usize).min(last)])
    }

    /// The shortest transit: the line at its best.
    pub(crate) fn least(&self) -> Option<f64> {
        self.quantile(0.0)
    }

    fn rank(&self, transit_s: f64) -> usize {
        self.sorted[..self.count].partition_point(|s| *s < transit_s)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn quantiles_are_those_of_the_last_ones(all in prop::collection::vec(-1e3f64..1e3, 1..200), share in 0.0f64..=1.0) {
            let mut arrivals = Arrivals::new(1.0);
            prop_assert_eq!(arrivals.quantile(share), None);
            for (n, transit) in all.iter().enumerate() {
                arrivals.push(*transit);
                let mut last = all[(n + 1).saturating_sub(SLOTS_MIN)..=n].to_vec();
                last.sort_by(f64::total_cmp);
                let rank = ((last.len() - 1) as f64 * share) as usize;
                prop_assert_eq!(arrivals.quantile(share), Some(last[rank]));
                prop_assert_eq!(arrivals.least(), Some(last[0]));
            }
        }
    }
}
