//! When the values of columns are looked at.

/// The time of each lane.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rates(Vec<LaneRate>);

#[derive(Clone, Copy, Debug)]
struct LaneRate {
    ticks: u64, // from one time to the next; 0: always
    last: Option<u64>,
    is_time: bool,
}

impl Rates {
    /// Of lanes that are looked at so many times a second, 0 being always.
    pub(crate) fn new(rates_hz: impl Iterator<Item = u16>, tick_rate_hz: u16) -> Self {
        let lanes = rates_hz.map(|rate_hz| LaneRate {
            ticks: match rate_hz {
                0 => 0,
                rate_hz => u64::from(tick_rate_hz.div_ceil(rate_hz)),
            },
            last: None,
            is_time: true,
        });
        Self(lanes.collect())
    }

    /// Whether it is the time of all; notes whose it is.
    pub(crate) fn is_time(&mut self, tick: u64) -> bool {
        for lane in &mut self.0 {
            lane.is_time = lane.last.is_none_or(|last| tick >= last + lane.ticks);
            if lane.is_time {
                lane.last = Some(tick);
            }
        }
        self.0.iter().all(|lane| lane.is_time)
    }

    /// Keeps what was of those whose time it is not.
    pub(crate) fn hold(&self, now: &mut [u64], was: &[u64]) {
        for ((lane, now), was) in self.0.iter().zip(now).zip(was) {
            if !lane.is_time {
                *now = *was;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_lane_has_its_time() {
        let mut rates = Rates::new([0, 10, 4].into_iter(), 30);
        let mut seen = [0; 3];
        let mut changes = [0; 3];
        for tick in 1..=60 {
            let mut now = [tick; 3];
            rates.is_time(tick);
            rates.hold(&mut now, &seen);
            for (n, (now, seen)) in now.iter().zip(seen).enumerate() {
                changes[n] += u32::from(*now != seen);
            }
            seen = now;
        }
        assert_eq!(changes, [60, 20, 8]);
    }
}
