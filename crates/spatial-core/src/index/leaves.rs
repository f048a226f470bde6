//! Where places lie on the faces of the cube, many at once.
//!
//! The very arithmetic of [`crate::cell::direction_to_face_uv`], [`crate::cell::uv_to_st`] and
//! [`crate::cell::st_to_ij`] without branches, so that the compiler makes lanes of it at each level.

use crate::planet::Ecef;

/// Places whose leaves are found together.
pub(super) const BATCH: usize = 32;

/// Leaves of a batch of places, and the squares of their distances from the planet's centre.
#[derive(Clone)]
#[repr(align(64))]
pub(super) struct Leaves {
    pub(super) face: [u32; BATCH],
    pub(super) i: [u32; BATCH],
    pub(super) j: [u32; BATCH],
    pub(super) rho2: [f64; BATCH],
}

impl Leaves {
    pub(super) const ZERO: Self = Self {
        face: [0; BATCH],
        i: [0; BATCH],
        j: [0; BATCH],
        rho2: [0.0; BATCH],
    };

    /// The least and greatest square of a distance from the planet's centre.
    #[inline(always)]
    pub(super) fn rho2_extremes(&self) -> [f64; 2] {
        const LANES: usize = 8; // least and greatest of each first: the compiler may not reorder them
        let (mut lo, mut hi) = ([f64::INFINITY; LANES], [0.0; LANES]);
        for chunk in self.rho2.chunks_exact(LANES) {
            for (n, rho2) in chunk.iter().enumerate() {
                lo[n] = select(*rho2 < lo[n], *rho2, lo[n]);
                hi[n] = select(*rho2 > hi[n], *rho2, hi[n]);
            }
        }
        let lo = lo.iter().copied().fold(f64::INFINITY, f64::min);
        [lo, hi.iter().copied().fold(0.0, f64::max)]
    }

    /// Finds the leaves of up to [`BATCH`] rows of places; what lies behind them is of no meaning.
    #[inline(always)]
    pub(super) fn find(&mut self, places: &[Ecef], rows: &[u32]) {
        find(self, places, rows);
    }
}

#[inline(always)]
fn find(leaves: &mut Leaves, places: &[Ecef], rows: &[u32]) {
    let (mut x, mut y, mut z) = ([0.0; BATCH], [0.0; BATCH], [0.0; BATCH]);
    for (n, row) in rows.iter().take(BATCH).enumerate() {
        let p = places[*row as usize].0;
        (x[n], y[n], z[n]) = (p.x, p.y, p.z);
    }
    for n in 0..BATCH {
        let (x, y, z) = (x[n], y[n], z[n]);
        leaves.rho2[n] = x * x + y * y + z * z;
        let (ax, ay, az) = (x.abs(), y.abs(), z.abs());
        let is_x = (ax > ay) & (ax > az);
        let is_y = (ay >= ax) & (ay > az);
        let normal = select(is_x, x, select(is_y, y, z));
        let a = select(is_x, y, -x);
        let b = select(is_x | is_y, z, -y);
        let is_behind = normal < 0.0;
        let axis = select(is_x, 0u32, select(is_y, 1, 2));
        leaves.face[n] = axis + select(is_behind, 3, 0);
        let (a, b) = (leaf_coordinate(a / normal), leaf_coordinate(b / normal));
        leaves.i[n] = select(is_behind, b, a);
        leaves.j[n] = select(is_behind, a, b);
    }
}

#[inline(always)]
fn select<T>(condition: bool, yes: T, no: T) -> T {
    if condition { yes } else { no }
}

#[inline(always)]
fn leaf_coordinate(u: f64) -> u32 {
    let root = 0.5 * (1.0 + 3.0 * u.abs()).sqrt();
    let s = select(u >= 0.0, root, 1.0 - root);
    // From 0 to 1, or NaN, which becomes 0.
    floor(select(s >= 0.0, 1_073_741_824.0 * s, 0.0).min(1_073_741_823.0))
}

/// The integer part of a number from 0 to 2³²; unlike a cast, in lanes at every level.
#[inline(always)]
fn floor(v: f64) -> u32 {
    let rounded = v + SHIFT_TO_INTEGER;
    let integer = rounded.to_bits() as u32;
    integer.wrapping_sub(u32::from(rounded - SHIFT_TO_INTEGER > v))
}

/// The nearest integer to a number from 0 to 2³², in lanes at every level.
#[inline(always)]
pub(super) fn round(v: f64) -> u32 {
    (v + SHIFT_TO_INTEGER).to_bits() as u32
}

/// A sum with 2⁵² has the nearest integer in its lowest bits.
const SHIFT_TO_INTEGER: f64 = 4_503_599_627_370_496.0;
