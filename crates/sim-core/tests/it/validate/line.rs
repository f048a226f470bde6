//! A line that delays, reorders and loses, in virtual time.

use crate::scene::Seeded;

/// Slices of a tick.
pub(super) const TICK: u64 = 1_024;

/// One way of a line.
pub(super) struct Line<T> {
    seeded: Seeded,
    delay: (u64, u64), // slices, the bounds included
    lost_per_100: u64,
    on_the_way: Vec<(u64, T)>,
}

impl<T> Line<T> {
    pub(super) fn new(
        seed: u64,
        delay_ms: (u64, u64),
        lost_per_100: u64,
        tick_rate_hz: u64,
    ) -> Self {
        let slices = |ms| ms * tick_rate_hz * TICK / 1_000;
        Self {
            seeded: Seeded(seed),
            delay: (slices(delay_ms.0), slices(delay_ms.1)),
            lost_per_100,
            on_the_way: Vec::new(),
        }
    }

    /// The delay of what is sent from now on is within other bounds.
    pub(super) fn set_delay(&mut self, low: u64, high: u64) {
        self.delay = (low, high);
    }

    pub(super) fn send(&mut self, now: u64, message: T) {
        let (low, high) = self.delay;
        let delay = low + self.seeded.below(high - low + 1);
        if self.seeded.below(100) >= self.lost_per_100 {
            self.on_the_way.push((now + delay, message));
        }
    }

    /// What has come by now, in the order in which it came.
    pub(super) fn take(&mut self, now: u64, mut tell: impl FnMut(T)) {
        loop {
            let come = self.on_the_way.iter().enumerate();
            let first = come.min_by_key(|(_, (at, _))| *at);
            match first {
                Some((n, (at, _))) if *at <= now => tell(self.on_the_way.swap_remove(n).1),
                _ => return,
            }
        }
    }
}
