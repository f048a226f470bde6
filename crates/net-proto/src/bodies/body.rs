//! A body in whole numbers.

/// Where a rigid body is, quantised.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Body {
    /// Place along x, y and z, each of −16,384..=16,383, of whatever unit.
    pub position: [i16; 3],
    /// Which component of the unit quaternion is the largest: x, y, z or w as 0 to 3. It is positive, and left out.
    pub largest: u8,
    /// The other three in order, 0 to 511 for −1/√2 to 1/√2.
    pub components: [u16; 3],
    /// One bit more: whatever the game likes.
    pub flag: bool,
}

impl Body {
    /// Whether all fields are of their ranges.
    pub fn is_legal(&self) -> bool {
        let is_place = |value: &i16| PLACES.contains(&i32::from(*value));
        self.largest < 4
            && self.components.iter().all(|value| *value < 512)
            && self.position.iter().all(is_place)
    }

    pub(super) fn has_orientation_of(&self, other: &Self) -> bool {
        self.largest == other.largest && self.components == other.components
    }
}

/// What a place along an axis can be.
pub(super) const PLACES: core::ops::RangeInclusive<i32> = -16_384..=16_383;
