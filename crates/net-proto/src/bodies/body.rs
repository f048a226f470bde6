//! A body in whole numbers.

/// Where a rigid body is, quantised. Always legal; 16 bytes that compare and subtract at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(align(16))]
pub struct Body {
    /// x, y, z; three components; which is the largest; the flag. Each of its range, see [`EXCESS`].
    lanes: Lanes,
}

/// A body's fields, or what they differ by.
pub(super) type Lanes = [i16; 8];

/// Lanes of the position, of the components, and the other two.
pub(super) const PLACE: core::ops::Range<usize> = 0..3;
pub(super) const TURN: core::ops::Range<usize> = 3..6;
pub(super) const LARGEST: usize = 6;
pub(super) const FLAG: usize = 7;

/// What a place along an axis can be.
pub(super) const PLACES: core::ops::RangeInclusive<i32> = -16_384..=16_383;

/// A lane is of its range when, this added, no bit of [`EXCESS`] is set.
const BIAS: Lanes = [16_384, 16_384, 16_384, 0, 0, 0, 0, 0];
const EXCESS: Lanes = [
    i16::MIN,
    i16::MIN,
    i16::MIN,
    !COMPONENT_MAX.cast_signed(),
    !COMPONENT_MAX.cast_signed(),
    !COMPONENT_MAX.cast_signed(),
    !3,
    !1,
];

/// The most that a component can be in any stream: all of eleven bits.
pub(super) const COMPONENT_MAX: u16 = 2_047;

/// The most that it is where nothing else is said: all of nine.
pub(super) const COMPONENT_USUAL: u16 = 511;

/// A field of a body is out of its range.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a field of a body is out of its range")]
pub struct IllegalBody;

impl Body {
    /// A body at `position`, along x, y and z, each of −16,384..=16,383 of whatever unit. Of its orientation's unit quaternion
    /// the component `largest`, x, y, z or w as 0 to 3, is the largest; it is positive, and left out. The others, in order, are
    /// 0 to 511 for −1/√2 to 1/√2, or 0 to whatever a stream has, at most 2,047: [`Bodies::with_components`](super::Bodies::with_components).
    /// `flag` is one bit more: whatever the game likes.
    ///
    /// # Errors
    /// A field is out of its range.
    pub fn new(
        position: [i16; 3],
        largest: u8,
        components: [u16; 3],
        flag: bool,
    ) -> Result<Self, IllegalBody> {
        let ([x, y, z], [a, b, c]) = (position, components.map(u16::cast_signed));
        let lanes = [x, y, z, a, b, c, i16::from(largest), i16::from(flag)];
        Self::of(lanes).ok_or(IllegalBody)
    }

    /// The place along x, y and z.
    #[inline]
    pub fn position(&self) -> [i16; 3] {
        [self.lanes[0], self.lanes[1], self.lanes[2]]
    }

    /// Which component of the unit quaternion is the largest.
    #[inline]
    pub fn largest(&self) -> u8 {
        self.lanes[LARGEST].to_le_bytes()[0]
    }

    /// The other three, in order.
    #[inline]
    pub fn components(&self) -> [u16; 3] {
        [self.lanes[3], self.lanes[4], self.lanes[5]].map(i16::cast_unsigned)
    }

    /// The bit that is the game's.
    #[inline]
    pub fn flag(&self) -> bool {
        self.lanes[FLAG] != 0
    }

    /// A body of these fields, if they are legal.
    #[inline]
    pub(super) fn of(lanes: Lanes) -> Option<Self> {
        let excess: Lanes =
            core::array::from_fn(|lane| lanes[lane].wrapping_add(BIAS[lane]) & EXCESS[lane]);
        (excess == [0; 8]).then_some(Self { lanes })
    }

    /// Whether no component is more than this.
    #[inline]
    pub(super) fn has_components_to(&self, most: u16) -> bool {
        self.components().into_iter().all(|part| part <= most)
    }

    #[inline]
    pub(super) fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    #[inline]
    pub(super) fn has_orientation_of(&self, other: &Self) -> bool {
        self.lanes[TURN.start..=LARGEST] == other.lanes[TURN.start..=LARGEST]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_out_of_its_range_is_refused_and_others_are_not() {
        let legal = |position: i16, largest, component| {
            Body::new([0, 0, position], largest, [0, component, 2_047], true).is_ok()
        };
        assert!(legal(-16_384, 0, 0) && legal(16_383, 3, 2_047));
        assert!(!legal(-16_385, 0, 0) && !legal(16_384, 0, 0) && !legal(i16::MIN, 0, 0));
        assert!(!legal(0, 4, 0) && !legal(0, 255, 0));
        assert!(!legal(0, 0, 2_048) && !legal(0, 0, u16::MAX));
    }

    #[test]
    fn fields_are_as_they_were_given() {
        let body = Body::new([1, -2, 3], 2, [4, 5, 6], true).unwrap();
        assert_eq!((body.position(), body.largest()), ([1, -2, 3], 2));
        assert_eq!((body.components(), body.flag()), ([4, 5, 6], true));
        assert_eq!(Body::of(*body.lanes()), Some(body));
    }
}
