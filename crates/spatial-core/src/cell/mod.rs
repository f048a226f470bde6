//! Cells: squares of the cube-sphere quadtree, named by S2's 64-bit ids.
//!
//! ```text
//! id   fff pp pp … pp 1 00 … 00      face (3 bits), one Hilbert position (2 bits) a level, a stop bit
//! xyz  →  face, u, v ∈ [−1, 1]       the cube's face and the point on it (gnomonic)
//!      →  s, t ∈ [0, 1]              quadratic projection: cells of nearly equal area
//!      →  i, j ∈ [0, 2³⁰)            leaf coordinates, floor(2³⁰·s) clamped
//! ```
//! Ids equal those of the C++ library (0.14) bit for bit from the same vector: the later axis wins a tie
//! between faces, u and v come from true divisions, i and j from a floor.

use core::fmt;

use glam::DVec3;

/// Levels run from 0 (a face) to this one (a leaf, about a centimetre on Earth).
pub const MAX_LEVEL: u8 = 30;

/// The longest cell edge of level 0 in radians; each level halves it (S2's `kMaxEdge`, quadratic projection).
pub(crate) const MAX_EDGE_RAD: f64 = 1.704_897_179_199_218_5;

/// Leaf cells along the edge of a face.
const LEAVES: u32 = 1 << MAX_LEVEL;

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

    /// The leaf that contains a direction (of any length but zero).
    ///
    /// The zero vector and non-finite ones fall into some cell; [`crate::Ecef`] keeps them out.
    pub fn from_direction(p: DVec3) -> Self {
        let (face, u, v) = direction_to_face_uv(p);
        Self::from_face_ij(
            face,
            st_to_ij(uv_to_st(u)),
            st_to_ij(uv_to_st(v)),
            MAX_LEVEL,
        )
    }

    /// The cell of a level that contains the leaf (i, j) of a face. Costs a look-up a level.
    ///
    /// # Panics
    /// When face > 5, level > 30, or i or j is not below 2³⁰.
    pub fn from_face_ij(face: u8, i: u32, j: u32, level: u8) -> Self {
        assert!(face < 6 && level <= MAX_LEVEL && i < LEAVES && j < LEAVES);
        let mut orientation = face & SWAP;
        let mut position = 0u64;
        for k in (MAX_LEVEL - level..MAX_LEVEL).rev() {
            let ij = ((i >> k & 1) << 1 | (j >> k & 1)) as usize;
            let hilbert = IJ_TO_POS[usize::from(orientation)][ij];
            position = position << 2 | u64::from(hilbert);
            orientation ^= POS_TO_ORIENTATION[usize::from(hilbert)];
        }
        Self(u64::from(face) << 61 | (position << 1 | 1) << (2 * (MAX_LEVEL - level)))
    }

    /// The number itself.
    pub fn to_u64(self) -> u64 {
        self.0
    }

    /// Face of the cube, 0 to 5 (+x, +y, +z, −x, −y, −z).
    pub fn face(self) -> u8 {
        (self.0 >> 61) as u8
    }

    /// Level, 0 to 30.
    pub fn level(self) -> u8 {
        MAX_LEVEL - (self.0.trailing_zeros() >> 1) as u8
    }

    /// The ancestor at a level, or the cell itself at its own.
    ///
    /// # Panics
    /// In debug builds when the level is finer than the cell's.
    pub fn parent(self, level: u8) -> Self {
        debug_assert!(level <= self.level());
        let stop = 1u64 << (2 * (MAX_LEVEL - level));
        Self(self.0 & stop.wrapping_neg() | stop)
    }

    /// The four children in Hilbert order; `None` of a leaf.
    pub fn children(self) -> Option<[Self; 4]> {
        let stop = self.0 & self.0.wrapping_neg();
        if stop == 1 {
            return None;
        }
        let quarter = stop >> 2;
        let first = self.0 - stop + quarter;
        Some([0, 1, 2, 3].map(|n| Self(first + 2 * quarter * n)))
    }

    /// The first leaf inside.
    pub fn range_min(self) -> Self {
        Self(self.0 - ((self.0 & self.0.wrapping_neg()) - 1))
    }

    /// The last leaf inside.
    pub fn range_max(self) -> Self {
        Self(self.0 + ((self.0 & self.0.wrapping_neg()) - 1))
    }

    /// Whether the other cell is this one or lies inside it.
    pub fn contains(self, other: Self) -> bool {
        self.range_min() <= other && other <= self.range_max()
    }

    /// Face and the leaf coordinates of the cell's corner nearest (i, j) = (0, 0). Exact. Costs a look-up a level.
    pub fn to_face_ij(self) -> (u8, u32, u32) {
        let mut orientation = self.face() & SWAP;
        let (mut i, mut j) = (0u32, 0u32);
        let below = MAX_LEVEL - self.level();
        for k in (below..MAX_LEVEL).rev() {
            let hilbert = (self.0 >> (2 * k + 1) & 3) as usize;
            let ij = u32::from(POS_TO_IJ[usize::from(orientation)][hilbert]);
            i = i << 1 | ij >> 1;
            j = j << 1 | ij & 1;
            orientation ^= POS_TO_ORIENTATION[hilbert];
        }
        (self.face(), i << below, j << below)
    }

    /// Leaves along the cell's edge: 2^(30 − level).
    pub fn size_ij(self) -> u32 {
        1 << (MAX_LEVEL - self.level())
    }

    /// The direction of the cell's centre (of projection), of length one.
    pub fn center(self) -> DVec3 {
        let (face, i, j) = self.to_face_ij();
        // In half leaves, so that the centre of a leaf is exact too.
        let st =
            |k: u32| (2.0 * f64::from(k) + f64::from(self.size_ij())) / f64::from(LEAVES) / 2.0;
        face_uv_to_direction(face, st_to_uv(st(i)), st_to_uv(st(j))).normalize()
    }

    /// S2's token: the id in hexadecimal without its trailing zeros.
    pub fn token(self) -> String {
        format!("{:016x}", self.0).trim_end_matches('0').to_owned()
    }

    /// The cell named by a token.
    ///
    /// # Errors
    /// [`InvalidToken`] when it is not 1 to 16 hexadecimal digits or names no cell.
    pub fn from_token(token: &str) -> Result<Self, InvalidToken> {
        let digits = token.bytes().all(|b| b.is_ascii_hexdigit());
        if !digits || token.is_empty() || token.len() > 16 {
            return Err(InvalidToken);
        }
        let number = u64::from_str_radix(token, 16).map_err(|_| InvalidToken)?;
        let id = number << (4 * (16 - token.len()));
        Self::new(id).map_err(|_| InvalidToken)
    }
}

impl fmt::Debug for CellId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CellId({})", self.token())
    }
}

impl fmt::Display for CellId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.token())
    }
}

/// A number that is not the id of a cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:#018x} is not a cell id")]
pub struct InvalidCell(pub u64);

/// A text that is not the token of a cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a cell token: want 1 to 16 hexadecimal digits that name a cell")]
pub struct InvalidToken;

/// The face a direction points at, and where it meets that face of the cube [−1, 1]³.
///
/// Faces are chosen as S2 does: x only if strictly the largest, then y only if strictly larger than z.
pub fn direction_to_face_uv(p: DVec3) -> (u8, f64, f64) {
    let a = p.abs();
    let axis = if a.x > a.y {
        if a.x > a.z { 0 } else { 2 }
    } else if a.y > a.z {
        1
    } else {
        2
    };
    let negative = p[axis] < 0.0;
    let face = axis as u8 + if negative { 3 } else { 0 };
    let (u, v) = match face {
        0 => (p.y / p.x, p.z / p.x),
        1 => (-p.x / p.y, p.z / p.y),
        2 => (-p.x / p.z, -p.y / p.z),
        3 => (p.z / p.x, p.y / p.x),
        4 => (p.z / p.y, -p.x / p.y),
        _ => (-p.y / p.z, -p.x / p.z),
    };
    (face, u, v)
}

/// The point of a cube face, not normalised.
pub fn face_uv_to_direction(face: u8, u: f64, v: f64) -> DVec3 {
    match face {
        0 => DVec3::new(1.0, u, v),
        1 => DVec3::new(-u, 1.0, v),
        2 => DVec3::new(-u, -v, 1.0),
        3 => DVec3::new(-1.0, -v, -u),
        4 => DVec3::new(v, -1.0, -u),
        _ => DVec3::new(v, u, -1.0),
    }
}

/// S2's quadratic projection: [0, 1] to [−1, 1], odd about ½.
pub fn st_to_uv(s: f64) -> f64 {
    if s >= 0.5 {
        (1.0 / 3.0) * (4.0 * s * s - 1.0)
    } else {
        (1.0 / 3.0) * (1.0 - 4.0 * (1.0 - s) * (1.0 - s))
    }
}

/// The inverse of [`st_to_uv`].
pub fn uv_to_st(u: f64) -> f64 {
    if u >= 0.0 {
        0.5 * (1.0 + 3.0 * u).sqrt()
    } else {
        1.0 - 0.5 * (1.0 - 3.0 * u).sqrt()
    }
}

/// The leaf coordinate of s: floor(2³⁰·s), clamped to the face.
pub fn st_to_ij(s: f64) -> u32 {
    // A float-to-integer cast saturates and sends NaN to 0, so every input lands on the face.
    ((f64::from(LEAVES) * s).floor() as u32).min(LEAVES - 1)
}

/// Orientation bit: i and j are exchanged.
const SWAP: u8 = 1;
/// Hilbert position of the quadrant `2·(i bit) + (j bit)`, for each of the four orientations.
const IJ_TO_POS: [[u8; 4]; 4] = [[0, 1, 3, 2], [0, 3, 1, 2], [2, 3, 1, 0], [2, 1, 3, 0]];
/// The inverse of [`IJ_TO_POS`].
const POS_TO_IJ: [[u8; 4]; 4] = [[0, 1, 3, 2], [0, 2, 3, 1], [3, 2, 0, 1], [3, 1, 0, 2]];
/// What a step into the quadrant at a Hilbert position does to the orientation.
const POS_TO_ORIENTATION: [u8; 4] = [SWAP, 0, 0, 3];

#[cfg(test)]
mod tests {
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
