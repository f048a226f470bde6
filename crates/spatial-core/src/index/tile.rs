//! A tile: a cell of the sphere with a grid of smaller cells, and the frame in which its entities are approximated.

use glam::DVec3;

use super::reach::LeafRange;
use crate::cell::{MAX_LEVEL, face_uv_to_direction, st_to_uv};

/// Steps of an approximation along one axis.
const STEPS: f64 = 65_535.0;
/// Margins around a frame, relative to its distance from the planet's centre, and metres: a step stays far above the
/// rounding of places, and squares of coordinates that are counted in steps stay finite in f32.
const MARGIN: f64 = 1e-9;
const MARGIN_M: f64 = 1e-3;
/// Outward rounding of a frame.
const RELATIVE: f64 = 1e-12;

/// A cell whose entities are approximated in one frame and sorted by the cells of one grid.
///
/// One cache line.
#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(C, align(64))]
pub(super) struct Tile {
    /// The frame's least corner, planet-centred metres.
    pub(super) origin_m: DVec3,
    /// Steps in a metre: an approximation is `(place − origin) · steps`, rounded, below 2¹⁶ on each axis.
    pub(super) steps_per_m: f64,
    /// Slots `start..end` hold its entities.
    pub(super) start: u32,
    pub(super) end: u32,
    /// Leaf coordinates of the tile's least corner.
    pub(super) i: u32,
    pub(super) j: u32,
    /// Where its cells begin in the directory.
    pub(super) cells: u32,
    /// 2^bits cells a side.
    pub(super) bits: u8,
    pub(super) level: u8,
    pub(super) face: u8,
    /// Whether some of its cells are tiles themselves.
    pub(super) is_split: bool,
}

impl Tile {
    /// A tile without entities, grid or frame.
    pub(super) fn at(face: u8, level: u8, i: u32, j: u32) -> Self {
        Self {
            origin_m: DVec3::ZERO,
            steps_per_m: 0.0,
            start: 0,
            end: 0,
            i,
            j,
            cells: 0,
            bits: 0,
            level,
            face,
            is_split: false,
        }
    }

    /// Entities.
    pub(super) fn len(&self) -> u32 {
        self.end - self.start
    }

    /// Whether its cells can become tiles: leaves cannot be divided.
    pub(super) fn can_split(&self) -> bool {
        self.level + self.bits < MAX_LEVEL
    }

    /// Leaf coordinates are shifted by this to cells of the grid.
    pub(super) fn shift(&self) -> u32 {
        u32::from(MAX_LEVEL - self.level - self.bits)
    }

    /// Cells of the grid.
    pub(super) fn cell_count(&self) -> u32 {
        1 << (2 * self.bits)
    }

    /// The last leaf coordinates inside.
    pub(super) fn last_leaf(&self) -> [u32; 2] {
        let size = 1u32 << (MAX_LEVEL - self.level);
        [self.i + (size - 1), self.j + (size - 1)]
    }

    /// Whether the tile has leaves in a range of its face.
    pub(super) fn touches(&self, range: &LeafRange) -> bool {
        let meet = |[lo, hi]: [u32; 2], first, last| lo <= last && hi >= first;
        let [i_last, j_last] = self.last_leaf();
        meet(range.i, self.i, i_last) && meet(range.j, self.j, j_last)
    }

    /// Whether a leaf of the tile's face lies inside.
    pub(super) fn holds(&self, i: u32, j: u32) -> bool {
        let shift = u32::from(MAX_LEVEL - self.level);
        (i ^ self.i) >> shift == 0 && (j ^ self.j) >> shift == 0
    }

    /// The first and last i, then j, of the grid's cells in a range of the face that touches the tile.
    #[inline(always)]
    pub(super) fn cells_in(&self, range: &LeafRange) -> [[u32; 2]; 2] {
        let shift = self.shift();
        let clip = |[lo, hi]: [u32; 2], first: u32, last: u32| {
            [lo.max(first), hi.min(last)].map(|leaf| (leaf - first) >> shift)
        };
        let [i_last, j_last] = self.last_leaf();
        [clip(range.i, self.i, i_last), clip(range.j, self.j, j_last)]
    }

    /// The grid cell of a leaf inside, row-major.
    #[inline(always)]
    pub(super) fn cell_of(&self, i: u32, j: u32) -> u32 {
        let shift = self.shift();
        ((i - self.i) >> shift) << self.bits | (j - self.j) >> shift
    }

    /// Lays the frame around all places of the tile whose distances from the planet's centre have squares within `rho2`.
    pub(super) fn lay_frame(&mut self, rho2: [f64; 2]) {
        let rho = [
            rho2[0].sqrt() * (1.0 - RELATIVE),
            rho2[1].sqrt() * (1.0 + RELATIVE),
        ];
        let [lo, hi] = self.direction_bounds();
        let margin = (MARGIN * rho[1]).max(MARGIN_M);
        // Components times the extreme distances; a negative one is least at the greatest distance.
        let least = (lo * rho[0]).min(lo * rho[1]) - margin;
        let greatest = (hi * rho[0]).max(hi * rho[1]) + margin;
        self.origin_m = least;
        self.steps_per_m = STEPS / (greatest - least).max_element();
    }

    /// The least and greatest components of unit vectors in the tile.
    ///
    /// With (1, u, v)/√(1 + u² + v²) on the face: the first component falls with |u| and |v|, the second rises with
    /// u and moves towards 0 with |v|; so the extremes stand at ends, or at 0.
    fn direction_bounds(&self) -> [DVec3; 2] {
        let size = 1u32 << (MAX_LEVEL - self.level);
        let uv = |ij: u32| st_to_uv(f64::from(ij) / f64::from(1u32 << MAX_LEVEL));
        let u = [uv(self.i), uv(self.i + size)];
        let v = [uv(self.j), uv(self.j + size)];
        let (u_abs, v_abs) = (abs_bounds(u), abs_bounds(v));
        let ahead = |n: usize| 1.0 / (1.0 + u_abs[n] * u_abs[n] + v_abs[n] * v_abs[n]).sqrt();
        let u_range = component(u, v_abs);
        let v_range = component(v, u_abs);
        let corner = |n, u, v| face_uv_to_direction(self.face, u / n, v / n) * n;
        // `corner` only names the axes; a face may turn an axis round, so the ends are sorted.
        let a = corner(ahead(1), u_range[0], v_range[0]);
        let b = corner(ahead(0), u_range[1], v_range[1]);
        [
            a.min(b) - DVec3::splat(RELATIVE),
            a.max(b) + DVec3::splat(RELATIVE),
        ]
    }
}

/// The least and greatest absolute value in an interval.
fn abs_bounds([lo, hi]: [f64; 2]) -> [f64; 2] {
    let least = if lo <= 0.0 && hi >= 0.0 {
        0.0
    } else {
        lo.abs().min(hi.abs())
    };
    [least, lo.abs().max(hi.abs())]
}

/// The least and greatest u/√(1 + u² + v²).
fn component(u: [f64; 2], v_abs: [f64; 2]) -> [f64; 2] {
    let at = |u: f64, v: f64| u / (1.0 + u * u + v * v).sqrt();
    let lo = at(u[0], if u[0] < 0.0 { v_abs[0] } else { v_abs[1] });
    let hi = at(u[1], if u[1] > 0.0 { v_abs[0] } else { v_abs[1] });
    [lo, hi]
}
