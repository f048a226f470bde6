//! Who moved before a packet, and who is near the first body.

use super::body::Body;
use super::frame::Past;
use super::set::{Set, differing, set_of};

/// What is known of all bodies at once.
pub(super) struct Scene {
    /// Moved in the last frame before the baseline; in the last three.
    one: Set,
    three: Set,
    /// Within so many units of the first body on every axis: that is the one that a player steers.
    near: Set,
    /// Moved at all, or differed in the packet of the baseline.
    pub(super) active: Set,
}

/// Bodies that are told of at once while they lie still.
pub(super) const GROUP: usize = 16;

impl Scene {
    pub(super) fn new(past: &Past<'_>) -> Self {
        let one = differing(past.base, past.one_before);
        let three = differing(past.base, past.three_before);
        let first = &past.base[0];
        Self {
            active: core::array::from_fn(|n| one[n] | three[n] | past.differed[n]),
            one,
            three,
            near: set_of(past.base, |body: &Body| is_within(body, first, NEAR)),
        }
    }

    /// What of a body moved: in the packet of the baseline; in the last frame; in the last three.
    #[inline]
    pub(super) fn moved(&self, past: &Past<'_>, n: usize) -> usize {
        has(past.differed, n) * 4 + has(&self.one, n) * 2 + has(&self.three, n)
    }

    /// How near the first body is: 0 to 2.
    #[inline]
    pub(super) fn closeness(&self, past: &Past<'_>, n: usize) -> usize {
        let is_nearer = is_within(&past.base[n], &past.base[0], NEAR / 2);
        has(&self.near, n) + usize::from(is_nearer)
    }

    /// Of a group of those that lie still: whether the first body is near to one of it, and whether others of the group moved.
    #[inline]
    pub(super) fn group(&self, first: usize, still: u64) -> (usize, usize) {
        let (word, shift) = (first / 64, first % 64);
        let some = |set: &Set| usize::from((set[word] >> shift) & still != 0);
        let active = (self.active[word] >> shift) & 0xFFFF;
        (some(&self.near), usize::from(active != 0))
    }
}

/// How near "near" is.
const NEAR: i16 = 2_048;

#[inline]
fn is_within(body: &Body, other: &Body, reach: i16) -> bool {
    let (lanes, other) = (body.lanes(), other.lanes());
    // One comparison an axis: what is below becomes great.
    let is_near = |axis: usize| {
        let way = lanes[axis]
            .wrapping_sub(other[axis])
            .wrapping_add(reach - 1);
        way.cast_unsigned() < 2 * reach.cast_unsigned() - 1
    };
    is_near(0) & is_near(1) & is_near(2)
}

/// 1 if it is in the set.
#[inline]
pub(super) fn has(set: &Set, n: usize) -> usize {
    usize::from((set[n / 64] >> (n % 64)) & 1 != 0)
}
