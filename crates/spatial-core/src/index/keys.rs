//! Where places lie on the faces of the cube, many at once.
//!
//! The very arithmetic of [`crate::cell::direction_to_face_uv`], [`crate::cell::uv_to_st`] and
//! [`crate::cell::st_to_ij`] without branches, so that the compiler makes lanes of it at each level.

use crate::planet::Ecef;
use crate::simd::SimdLevel;

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

    /// Finds the leaves of up to [`BATCH`] rows of places; the rest repeats the last one.
    pub(super) fn find(&mut self, level: SimdLevel, places: &[Ecef], rows: &[u32]) {
        match level {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a level is only passed on when the CPU has it.
            SimdLevel::Avx512 => unsafe { find_avx512(self, places, rows) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            SimdLevel::Avx2 => unsafe { find_avx2(self, places, rows) },
            _ => find(self, places, rows),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2,popcnt")]
fn find_avx512(leaves: &mut Leaves, places: &[Ecef], rows: &[u32]) {
    find(leaves, places, rows);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn find_avx2(leaves: &mut Leaves, places: &[Ecef], rows: &[u32]) {
    find(leaves, places, rows);
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
    // From 0 to 1, or NaN, which becomes 0; the cast rounds down.
    let leaf = (1_073_741_824.0 * s).clamp(0.0, 1_073_741_823.0);
    leaf as i32 as u32
}
