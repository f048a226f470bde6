//! Draws from a fixed seed.

use spatial_core::DVec3;

use crate::case::mix;

/// A seeded generator (SplitMix64: Steele, Lea, Flood 2014).
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    /// Sixty-four even bits.
    pub(crate) fn bits(&mut self) -> u64 {
        let bits = mix(self.0);
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        bits
    }

    /// Below `n`, which is far below 2⁶⁴.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    /// Even in [−1, 1).
    pub(crate) fn signed(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// Nearly normal, of standard deviation 1: the sum of twelve even draws.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.signed() / 2.0).sum()
    }

    /// Even on the unit sphere; without trigonometry, so the same on every platform.
    pub(crate) fn direction(&mut self) -> DVec3 {
        loop {
            let p = DVec3::new(self.signed(), self.signed(), self.signed());
            let square = p.length_squared();
            if square > 0.01 && square <= 1.0 {
                return p / square.sqrt();
            }
        }
    }

    /// Shuffles (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
