//! The id of a cell, and what follows from its bits alone.

use glam::DVec3;

use super::LEAVES;
use super::projection::{direction_to_face_uv, face_uv_to_direction, st_to_ij, st_to_uv, uv_to_st};

/// Levels run from 0 (a face) to this one (a leaf, about a centimetre on Earth).
pub const MAX_LEVEL: u8 = 30;

/// The id of a cell. The ordering is Hilbert order; a cell's descendants are one contiguous range.
///
/// Every value names a cell, so it is not plain old data: columns and files hold the `u64` and come back through
/// [`CellId::new`].
/// ```compile_fail
/// let nowhere: spatial_core::CellId = bytemuck::Zeroable::zeroed();
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct CellId(u64); // CellId::new would accept it

impl CellId {
    /// The id if it is one: face below 6 and the stop bit at an even place.
    ///
    /// # Errors
    /// [`InvalidCell`] for any other number.
    pub fn new(id: u64) -> Result<Self, InvalidCell> {
        let stop_is_even = id & 0x1555_5555_5555_5555 & id.wrapping_neg() != 0;
        if (id >> 61) < 6 && stop_is_even {
            Ok(Self(id))
        } else {
            Err(InvalidCell(id))
        }
    }

    /// The cell of an id that is known to be one.
    #[inline(always)]
    pub(super) fn from_bits(id: u64) -> Self {
        debug_assert!(Self::new(id).is_ok());
        Self(id)
    }

    /// The leaf that contains a direction (of any length but zero).
    ///
    /// The zero vector and non-finite ones fall into some cell; [`CellId::try_from_direction`] refuses them.
    #[inline]
    pub fn from_direction(p: DVec3) -> Self {
        let (face, u, v) = direction_to_face_uv(p);
        Self::leaf_at(face, st_to_ij(uv_to_st(u)), st_to_ij(uv_to_st(v)))
    }

    /// The number itself.
    #[inline]
    pub fn to_u64(self) -> u64 {
        self.0
    }

    /// The lowest bit that is set: 4^(30 − level). Ids of a level are twice this apart.
    #[inline]
    pub(super) fn stop(self) -> u64 {
        self.0 & self.0.wrapping_neg()
    }

    /// Face of the cube, 0 to 5 (+x, +y, +z, −x, −y, −z).
    #[inline]
    pub fn face(self) -> u8 {
        (self.0 >> 61) as u8
    }

    /// Level, 0 to 30.
    #[inline]
    pub fn level(self) -> u8 {
        MAX_LEVEL - (self.0.trailing_zeros() >> 1) as u8
    }

    /// Whether this is a cell of level 30.
    #[inline]
    pub fn is_leaf(self) -> bool {
        self.0 & 1 != 0
    }

    /// Leaves along the cell's edge: 2^(30 − level).
    #[inline]
    pub fn size_ij(self) -> u32 {
        1 << (MAX_LEVEL - self.level())
    }

    /// The ancestor at a level, or the cell itself at its own.
    ///
    /// A level finer than the cell's is a mistake of the caller: debug builds panic. Release builds do not look, and
    /// answer with a cell of that level inside this one, the one after its middle on the curve.
    ///
    /// # Panics
    /// When the level is above 30; in debug builds also when it is finer than the cell's.
    #[inline]
    pub fn parent(self, level: u8) -> Self {
        debug_assert!(level <= self.level());
        let stop = 1u64 << (2 * (MAX_LEVEL - level));
        Self(self.0 & stop.wrapping_neg() | stop)
    }

    /// The four children in Hilbert order; `None` of a leaf.
    pub fn children(self) -> Option<[Self; 4]> {
        let stop = self.stop();
        if stop == 1 {
            return None;
        }
        let quarter = stop >> 2;
        let first = self.0 - stop + quarter;
        Some([0, 1, 2, 3].map(|n| Self(first + 2 * quarter * n)))
    }

    /// The child at a Hilbert position; `None` of a leaf and of positions above 3.
    pub fn child(self, position: u8) -> Option<Self> {
        self.children()?.get(usize::from(position)).copied()
    }

    /// Which child its ancestor at `level` is of that one's parent: a Hilbert position, 0 to 3.
    ///
    /// # Panics
    /// When the level is 0 or finer than the cell's.
    pub fn child_position(self, level: u8) -> u8 {
        assert!((1..=self.level()).contains(&level));
        (self.0 >> (2 * (MAX_LEVEL - level) + 1) & 3) as u8
    }

    /// The first leaf inside.
    #[inline]
    pub fn range_min(self) -> Self {
        Self(self.0 - (self.stop() - 1))
    }

    /// The last leaf inside.
    #[inline]
    pub fn range_max(self) -> Self {
        Self(self.0 + (self.stop() - 1))
    }

    /// Whether the other cell is this one or lies inside it.
    #[inline]
    pub fn contains(self, other: Self) -> bool {
        self.range_min() <= other && other <= self.range_max()
    }

    /// Whether one of the two contains the other: cells overlap in no other way.
    #[inline]
    pub fn intersects(self, other: Self) -> bool {
        self.range_min() <= other.range_max() && other.range_min() <= self.range_max()
    }

    /// The level of the smallest cell that contains both; `None` when they lie on different faces.
    pub fn common_ancestor_level(self, other: Self) -> Option<u8> {
        // The first bit that differs, or the coarser cell's stop bit when one contains the other.
        let above = (self.0 ^ other.0).max(self.stop()).max(other.stop());
        let place = above.ilog2() as u8;
        (place <= 60).then(|| (60 - place) / 2)
    }

    /// The direction of the cell's centre (of projection), of length one.
    #[inline]
    pub fn center(self) -> DVec3 {
        let (face, i, j) = self.to_face_ij();
        // In half leaves, so that the centre of a leaf is exact too.
        let st =
            |k: u32| (2.0 * f64::from(k) + f64::from(self.size_ij())) / f64::from(LEAVES) / 2.0;
        face_uv_to_direction(face, st_to_uv(st(i)), st_to_uv(st(j))).normalize()
    }
}

/// A number that is not the id of a cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:#018x} is not a cell id")]
pub struct InvalidCell(pub u64);

#[cfg(test)]
mod tests {
    use super::super::InvalidToken;
    use super::*;

    /// (vector, leaf id) from the C++ library 0.14: faces, ties, corners.
    #[test]
    fn ids_of_known_places() {
        let of = |x, y, z| CellId::from_direction(DVec3::new(x, y, z));
        assert_eq!(of(1.0, 0.0, 0.0).to_u64(), 0x1000_0000_0000_0001);
        assert_eq!(of(1.0, 1.0, 0.0).face(), 1);
        assert_eq!(of(1.0, 1.0, 1.0).face(), 2);
        assert_eq!(of(-1.0, 0.0, -1.0).face(), 5);
    }

    #[test]
    fn ij_round_trip_at_every_level() {
        let mut seed = 88_172_645_463_325_252u64;
        for n in 0..20_000u32 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let (face, level) = ((n % 6) as u8, (n % 31) as u8);
            let (i, j) = (seed as u32 % LEAVES, (seed >> 32) as u32 % LEAVES);
            let cell = CellId::from_face_ij(face, i, j, level);
            let mask = cell.size_ij().wrapping_neg();
            assert_eq!(cell.to_face_ij(), (face, i & mask, j & mask));
            assert_eq!(
                (cell.level(), CellId::new(cell.to_u64())),
                (level, Ok(cell))
            );
            assert_eq!(CellId::from_token(&cell.token()), Ok(cell));
            assert_eq!(CellId::from_direction(cell.center()).parent(level), cell);
            if let Some(children) = cell.children() {
                assert!(
                    children
                        .iter()
                        .all(|c| cell.contains(*c) && c.parent(level) == cell)
                );
            }
        }
    }

    /// Walking only the levels that are asked for gives the ancestors of the leaf.
    #[test]
    fn a_level_is_the_ancestor_of_the_leaf() {
        let mut seed = 0x9e37_79b9_7f4a_7c15u64;
        for n in 0..6_000u32 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (i, j) = ((seed >> 34) as u32, (seed >> 4) as u32 % LEAVES);
            let leaf = CellId::from_face_ij((n % 6) as u8, i, j, MAX_LEVEL);
            assert_eq!(leaf.to_face_ij(), ((n % 6) as u8, i, j));
            for level in 0..=MAX_LEVEL {
                let cell = CellId::from_face_ij((n % 6) as u8, i, j, level);
                assert_eq!(cell, leaf.parent(level));
            }
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(CellId::new(0), Err(InvalidCell(0)));
        assert!(CellId::new(0xf000_0000_0000_0001).is_err());
        assert!(CellId::new(0x1000_0000_0000_0002).is_err());
        for bad in ["", "x", "zz", "12345678901234567", "+1", "0"] {
            assert_eq!(CellId::from_token(bad), Err(InvalidToken), "{bad:?}");
        }
    }
}
