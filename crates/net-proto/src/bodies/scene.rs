//! Who moved before a packet, and who is near the first body.

use super::frame::Past;
use super::set::{Set, differing};

/// What is known of all bodies at once.
pub(super) struct Scene {
    /// Moved in the last frame before the baseline.
    one: Set,
    /// Moved at all, or differed in the packet of the baseline.
    pub(super) active: Set,
}

/// Bodies that are told of at once while they lie still.
pub(super) const GROUP: usize = 16;

impl Scene {
    pub(super) fn new(past: &Past<'_>) -> Self {
        let one = differing(past.base, past.one_before);
        Self {
            active: core::array::from_fn(|n| one[n] | past.differed[n]),
            one,
        }
    }

    /// What of a body moved: in the packet of the baseline; in the last frame.
    #[inline]
    pub(super) fn moved(&self, past: &Past<'_>, n: usize) -> usize {
        has(past.differed, n) * 2 + has(&self.one, n)
    }

    /// Of a group of those that lie still: whether others of the group moved.
    #[inline]
    pub(super) fn is_busy(&self, first: usize) -> usize {
        let active = (self.active[first / 64] >> (first % 64)) & 0xFFFF;
        usize::from(active != 0)
    }
}

/// How near a body is to the first, the one that a player steers: 2 within 1,024 units on every axis, 1 within 2,048, 0 beyond.
#[inline]
pub(super) fn closeness(past: &Past<'_>, n: usize) -> usize {
    let (lanes, first) = (past.base[n].lanes(), past.base[0].lanes());
    let way = |axis: usize| lanes[axis].wrapping_sub(first[axis]).unsigned_abs();
    let way = way(0).max(way(1)).max(way(2));
    usize::from(way < 1_024) + usize::from(way < 2_048)
}

/// 1 if it is in the set.
#[inline]
pub(super) fn has(set: &Set, n: usize) -> usize {
    ((set[n / 64 % 16] >> (n % 64)) & 1) as usize
}
