//! Real time in ticks: what players are judged by.
//!
//! ```text
//! real time   │ 10  │ 11  │ 12  │ 13  │ 14  │ 15  │        clients make an input in each of them
//! the world   ├─8───┼─9───┤  stands still   ├10┬11┤        eight inputs for two ticks of it: nobody was too fast
//! ```

use std::time::{Duration, Instant};

/// States that are remembered: half a minute of 30 Hz.
const STATES: usize = 1_024;

/// A clock of real time that counts in periods of the world's tick, and when states of the world left.
pub(super) struct Pulse {
    begun: Instant,
    period: Duration,
    left: Vec<(u64, u64)>, // state and time; state n is at n modulo STATES
}

impl Pulse {
    pub(super) fn new(begun: Instant, period: Duration) -> Self {
        Self {
            begun,
            period,
            left: vec![(0, 0); STATES],
        }
    }

    /// The time of what arrives at an instant: the tick that has begun, counted from 1. Never too early.
    pub(super) fn arrival(&self, at: Instant) -> u64 {
        self.whole(at) + 1
    }

    /// Notes that the state before a tick leaves for the players. Never too late.
    pub(super) fn leave(&mut self, tick: u64, at: Instant) {
        let time = self.whole(at);
        self.left[tick as usize % STATES] = (tick, time);
    }

    /// When the state before a tick left, if it did and that is not long ago.
    pub(super) fn departure(&self, tick: u64) -> Option<u64> {
        let (state, time) = self.left[tick as usize % STATES];
        (tick > 0 && state == tick).then_some(time)
    }

    fn whole(&self, at: Instant) -> u64 {
        let passed = at.saturating_duration_since(self.begun);
        (passed.as_nanos() / self.period.as_nanos().max(1)) as u64 // ticks of 500 million years fit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_that_stands_still_has_a_pulse() {
        let (begun, period) = (Instant::now(), Duration::from_millis(20));
        let mut pulse = Pulse::new(begun, period);
        pulse.leave(8, begun + 10 * period + period / 2);
        pulse.leave(9, begun + 11 * period);
        assert_eq!(pulse.departure(8), Some(10));
        assert_eq!(pulse.departure(9), Some(11));
        // Four ticks later the world has made none.
        assert_eq!(pulse.arrival(begun + 15 * period), 16);
        assert_eq!(pulse.arrival(begun + 16 * period - period / 4), 16);
    }

    #[test]
    fn what_did_not_leave_or_long_ago_has_no_time() {
        let (begun, period) = (Instant::now(), Duration::from_millis(20));
        let mut pulse = Pulse::new(begun, period);
        assert_eq!(pulse.departure(0), None);
        assert_eq!(pulse.departure(7), None);
        pulse.leave(7, begun + period);
        pulse.leave(7 + STATES as u64, begun + 2 * period);
        assert_eq!(pulse.departure(7), None);
        assert_eq!(pulse.departure(7 + STATES as u64), Some(2));
    }
}
