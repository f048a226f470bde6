//! The lattice: where on a face every height sample of every level lies.
//!
//! ```text
//! leaf level L, N intervals a tile, n = N·2ᴸ           t ▲  ┌────┬────┐ n
//! sample (i, j) of a face:  s = i/n, t = j/n, 0…n        │  │tile│    │    tiles of level k: 2ᵏ × 2ᵏ,
//! its direction:  cube point (u(s), v(t)), normalised    │  ├────┼────┤    each of (N+1)² samples,
//! level k < L keeps every 2ᴸ⁻ᵏ-th sample                   │  │    │    │    neighbours share edges
//!                                                     0 ┴──┴────┴────┴──▶ s
//! ```
//! The cube point is a function of integers that is odd in each: `u((n − i)/n) = −u(i/n)` holds exactly in f64,
//! since s has at most 24 bits and so 4s² − 1 is exact. Faces that meet at an edge or a corner therefore compute
//! the same direction bit for bit, and nobody has to own the edge.

use glam::DVec3;
use xxhash_rust::xxh3::xxh3_64;

use crate::cell::{
    CellId, MAX_LEVEL, direction_to_face_uv, face_uv_to_direction, st_to_ij, st_to_uv, uv_to_st,
};

/// The shape of a planet's terrain: tile levels, samples a tile, and what a stored number means in metres.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LatticeSpec {
    levels: u8,     // in LEVELS
    intervals: u16, // a power of two in INTERVALS
    offset_m: f64,  // finite, within ±OFFSET_MAX_M
    quantum_m: f64, // in QUANTUM_M
}

impl LatticeSpec {
    /// Tile levels that a planet may have; the finest lattice then has 2²⁴ intervals along a face.
    pub const LEVELS: core::ops::RangeInclusive<u8> = 1..=18;
    /// Intervals along a tile's edge: powers of two in this range. A raw tile stays far below the 128 KiB at
    /// which the allocator and the database begin to copy.
    pub const INTERVALS: core::ops::RangeInclusive<u16> = 8..=128;
    /// Metres that one step of a stored sample may stand for.
    pub const QUANTUM_M: core::ops::RangeInclusive<f64> = 0.001..=100.0;
    /// Largest height of a stored zero, metres, either sign.
    pub const OFFSET_MAX_M: f64 = 1.0e6;

    /// A lattice of `levels` tile levels with `intervals` along a tile's edge, whose stored number `v` means
    /// `offset_m + quantum_m · v` metres.
    ///
    /// # Errors
    /// [`InvalidLattice`] when an argument is out of its range.
    pub fn new(
        levels: u8,
        intervals: u16,
        offset_m: f64,
        quantum_m: f64,
    ) -> Result<Self, InvalidLattice> {
        if !Self::LEVELS.contains(&levels) {
            return Err(InvalidLattice::Levels(levels));
        }
        if !Self::intervals_are_legal(intervals) {
            return Err(InvalidLattice::Intervals(intervals));
        }
        if !(-Self::OFFSET_MAX_M..=Self::OFFSET_MAX_M).contains(&offset_m) {
            return Err(InvalidLattice::Offset(offset_m));
        }
        if !Self::QUANTUM_M.contains(&quantum_m) {
            return Err(InvalidLattice::Quantum(quantum_m));
        }
        Ok(Self {
            levels,
            intervals,
            offset_m,
            quantum_m,
        })
    }

    /// Tile levels, coarsest to finest: 0 to `levels − 1`.
    pub fn levels(&self) -> u8 {
        self.levels
    }

    /// The finest tile level, the one heights are read from.
    pub fn leaf_level(&self) -> u8 {
        self.levels - 1
    }

    /// Intervals along a tile's edge; samples are one more.
    pub fn intervals(&self) -> u16 {
        self.intervals
    }

    /// Height of a stored zero, metres.
    pub fn offset_m(&self) -> f64 {
        self.offset_m
    }

    /// Height of one stored step, metres.
    pub fn quantum_m(&self) -> f64 {
        self.quantum_m
    }

    /// What tells one lattice from another in eight bytes: the xxh3-64 of levels u8, intervals u16, offset f64 and quantum f64, little-endian.
    pub fn fingerprint(&self) -> u64 {
        let mut bytes = vec![self.levels];
        bytes.extend(self.intervals.to_le_bytes());
        bytes.extend(self.offset_m.to_le_bytes());
        bytes.extend(self.quantum_m.to_le_bytes());
        xxh3_64(&bytes)
    }

    /// Intervals along a face's edge at the finest level.
    pub fn face_intervals(&self) -> u32 {
        u32::from(self.intervals) << self.leaf_level()
    }

    /// Tiles of all levels on all six faces.
    pub fn tile_count(&self) -> u64 {
        2 * ((1u64 << (2 * u32::from(self.levels))) - 1) // 6 · (4^levels − 1) / 3
    }

    /// The cells of all tiles of all levels, ascending. 8 bytes each.
    pub fn cells(&self) -> Vec<CellId> {
        let mut cells = Vec::with_capacity(self.tile_count() as usize);
        cells.extend((0..6).map(|face| CellId::from_face_ij(face, 0, 0, 0)));
        let mut from = 0;
        for _ in 1..self.levels {
            let to = cells.len();
            for n in from..to {
                let cell: CellId = cells[n];
                cells.extend(cell.children().into_iter().flatten());
            }
            from = to;
        }
        cells.sort_unstable();
        cells
    }

    /// Whether a tile of this cell can exist: its level is one of the lattice's.
    pub fn has_level_of(&self, cell: CellId) -> bool {
        cell.level() < self.levels
    }

    /// Metres that a stored (or interpolated) value stands for.
    pub fn height_m(&self, value: f64) -> f64 {
        self.offset_m + self.quantum_m * value
    }

    /// The unit vector of sample (i, j) of a face at the finest level: the same bits from every face that has it.
    ///
    /// # Panics
    /// When face > 5 or an index is beyond [`LatticeSpec::face_intervals`].
    pub fn direction(&self, face: u8, i: u32, j: u32) -> DVec3 {
        let n = self.face_intervals();
        assert!(face < 6 && i <= n && j <= n);
        let at = |k: u32| line_uv(k, n);
        line_crossing(face, at(i), at(j))
    }

    /// Where the samples of a cell's tile lie, for those who want many of them.
    ///
    /// # Panics
    /// When the cell's level is not one of the lattice's.
    pub fn tile_lines(&self, cell: CellId) -> TileLines {
        assert!(self.has_level_of(cell));
        let intervals = u32::from(self.intervals);
        let along = intervals << cell.level();
        let (column, row) = column_row(cell);
        let lines = |tile: u32| {
            let lines = (0..=intervals).map(|k| line_uv(tile * intervals + k, along));
            lines.collect()
        };
        TileLines {
            face: cell.face(),
            us: lines(column),
            vs: lines(row),
        }
    }

    /// The finest-level tile that contains a direction.
    pub fn tile_at(&self, direction: DVec3) -> CellId {
        let (face, s, t) = face_st(direction);
        self.tile_of(face, s, t)
    }

    /// The finest-level tile that contains (s, t) of a face; s and t beyond [0, 1] count as the nearer end.
    ///
    /// # Panics
    /// When face > 5.
    pub fn tile_of(&self, face: u8, s: f64, t: f64) -> CellId {
        CellId::from_face_ij(face, st_to_ij(s), st_to_ij(t), self.leaf_level())
    }

    pub(crate) fn intervals_are_legal(intervals: u16) -> bool {
        Self::INTERVALS.contains(&intervals) && intervals.is_power_of_two()
    }
}

/// The lines of the lattice that cross in a tile's samples.
#[derive(Clone, Debug)]
pub struct TileLines {
    face: u8,
    us: Vec<f64>, // one a column of samples
    vs: Vec<f64>,
}

impl TileLines {
    /// The unit vector of the sample in a column and row, with the bits of [`LatticeSpec::direction`].
    ///
    /// # Panics
    /// When an index is beyond the tile.
    #[inline]
    pub fn direction(&self, i: usize, j: usize) -> DVec3 {
        line_crossing(self.face, self.us[i], self.vs[j])
    }
}

/// u (or v) of line k of a lattice with n intervals along a face: odd about the middle, exactly, up to n = 2²⁴.
#[inline(always)]
pub(crate) fn line_uv(k: u32, n: u32) -> f64 {
    st_to_uv(f64::from(k) / f64::from(n))
}

/// The unit vector where two lines of a lattice cross: the same bits from every face that has it.
#[inline(always)]
pub(crate) fn line_crossing(face: u8, u: f64, v: f64) -> DVec3 {
    // Adding zero turns −0 into +0: a negated zero would be the one difference between faces.
    let cube = face_uv_to_direction(face, u, v) + DVec3::ZERO;
    cube / (cube.x * cube.x + cube.y * cube.y + cube.z * cube.z).sqrt()
}

/// The face a direction points at and its place (s, t) ∈ [0, 1]² there. One division and one root an axis.
pub fn face_st(direction: DVec3) -> (u8, f64, f64) {
    let (face, u, v) = direction_to_face_uv(direction);
    (face, uv_to_st(u), uv_to_st(v))
}

/// Column and row of a cell among the 2ᵏ × 2ᵏ cells of its level on its face.
pub fn column_row(cell: CellId) -> (u32, u32) {
    let (_, i, j) = cell.to_face_ij();
    let shift = MAX_LEVEL - cell.level();
    (i >> shift, j >> shift)
}

/// The cell of a level at a column and row of a face: the inverse of [`column_row`].
///
/// # Panics
/// When face > 5, level > 30, or column or row is not below 2ᵏ.
pub fn cell_at(face: u8, level: u8, column: u32, row: u32) -> CellId {
    assert!(level <= MAX_LEVEL && column >> level == 0 && row >> level == 0);
    let shift = MAX_LEVEL - level;
    CellId::from_face_ij(face, column << shift, row << shift, level)
}

/// Why a lattice was refused.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum InvalidLattice {
    /// Too few or too many levels.
    #[error("{0} tile levels are not within {lo} to {hi}", lo = LatticeSpec::LEVELS.start(), hi = LatticeSpec::LEVELS.end())]
    Levels(u8),
    /// Intervals along a tile's edge are out of range or no power of two.
    #[error("{0} intervals a tile are no power of two within {lo} to {hi}", lo = LatticeSpec::INTERVALS.start(), hi = LatticeSpec::INTERVALS.end())]
    Intervals(u16),
    /// The offset is not finite or too large.
    #[error("height offset {0} m is not within ±{max}", max = LatticeSpec::OFFSET_MAX_M)]
    Offset(f64),
    /// The quantum is out of range.
    #[error("height quantum {0} m is not within {lo} to {hi}", lo = LatticeSpec::QUANTUM_M.start(), hi = LatticeSpec::QUANTUM_M.end())]
    Quantum(f64),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn earth() -> LatticeSpec {
        LatticeSpec::new(4, 128, 0.0, 1.0).unwrap()
    }

    #[test]
    fn every_number_of_a_lattice_is_in_its_fingerprint() {
        let of = |levels, intervals, offset_m, quantum_m| {
            let spec = LatticeSpec::new(levels, intervals, offset_m, quantum_m);
            spec.unwrap().fingerprint()
        };
        let earth = of(4, 128, 0.0, 1.0);
        assert_eq!(earth, 18_393_172_327_664_507_654);
        for other in [
            of(5, 128, 0.0, 1.0),
            of(4, 64, 0.0, 1.0),
            of(4, 128, 1.0, 1.0),
            of(4, 128, 0.0, 0.5),
        ] {
            assert_ne!(other, earth);
        }
    }

    #[test]
    fn lines_of_a_tile_cross_in_its_samples() {
        let spec = LatticeSpec::new(4, 16, 0.0, 1.0).unwrap();
        for cell in spec.cells().into_iter().step_by(7) {
            let (lines, (column, row)) = (spec.tile_lines(cell), column_row(cell));
            let step = 1 << (spec.leaf_level() - cell.level());
            for (i, j) in [(0, 0), (16, 0), (3, 11), (16, 16)] {
                let place = |tile: u32, k: usize| (tile * 16 + k as u32) * step;
                let want = spec.direction(cell.face(), place(column, i), place(row, j));
                assert_eq!(lines.direction(i, j), want);
            }
        }
    }

    #[test]
    fn counts_of_the_bundled_earth() {
        assert_eq!(earth().face_intervals(), 1_024);
        assert_eq!(earth().tile_count(), 510);
        let cells = earth().cells();
        assert_eq!(cells.len(), 510);
        assert!(cells.is_sorted_by(|a, b| a < b));
        assert_eq!(cells.iter().filter(|c| c.level() == 3).count(), 6 * 64);
    }

    /// Every edge sample is found, bit for bit, among the edge samples of exactly one other face.
    #[test]
    fn edges_and_corners_have_one_direction() {
        let spec = LatticeSpec::new(3, 16, 0.0, 1.0).unwrap();
        let n = spec.face_intervals();
        let mut seen = std::collections::BTreeMap::<[u64; 3], u32>::new();
        for face in 0..6 {
            for k in 0..n {
                for (i, j) in [(k, 0), (n, k), (n - k, n), (0, n - k)] {
                    let bits = spec.direction(face, i, j).to_array().map(f64::to_bits);
                    *seen.entry(bits).or_default() += 1;
                }
            }
        }
        let with = |count: u32| seen.values().filter(|c| **c == count).count();
        assert_eq!(with(3), 8, "corners");
        assert_eq!(with(2), 12 * (n as usize - 1), "edges");
        assert_eq!(seen.len(), with(2) + with(3));
    }

    /// The finest lattice a planet may have is still exactly odd.
    #[test]
    fn projection_is_odd_at_the_finest_lattice() {
        let spec = LatticeSpec::new(18, 128, 0.0, 1.0).unwrap();
        let n = spec.face_intervals();
        for k in (0..=n).step_by(4_099) {
            let (a, b) = (spec.direction(0, k, n), spec.direction(2, 0, n - k));
            assert_eq!(a.to_array()[0].to_bits(), b.to_array()[2].to_bits());
            let u = |k: u32| st_to_uv(f64::from(k) / f64::from(n));
            assert_eq!(u(k), -u(n - k));
        }
    }

    #[test]
    fn tiles_contain_their_directions() {
        let spec = earth();
        for k in 0..5_000u32 {
            let (face, i, j) = ((k % 6) as u8, k * 7 % 1_025, k * 13 % 1_025);
            let direction = spec.direction(face, i, j);
            let tile = spec.tile_at(direction);
            assert_eq!(tile, CellId::from_direction(direction).parent(3));
        }
    }

    #[test]
    fn columns_and_rows_round_trip() {
        for k in 0..3_000u32 {
            let (face, level) = ((k % 6) as u8, (k % 10) as u8);
            let (column, row) = (k * 31 % (1 << level), k * 17 % (1 << level));
            assert_eq!(column_row(cell_at(face, level, column, row)), (column, row));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for (levels, intervals, offset, quantum) in [
            (0, 128, 0.0, 1.0),
            (19, 128, 0.0, 1.0),
            (4, 127, 0.0, 1.0),
            (4, 256, 0.0, 1.0),
            (4, 128, f64::NAN, 1.0),
            (4, 128, 0.0, 0.0),
            (4, 128, 0.0, f64::INFINITY),
        ] {
            assert!(LatticeSpec::new(levels, intervals, offset, quantum).is_err());
        }
    }
}
