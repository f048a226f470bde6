//! Many conversions at once, in the vectors that the CPU has.
//!
//! Each kernel says what it does with one item, which is its specification, and what with a block of them in lanes. The
//! arithmetic is written once for all vectors, in the scalar order of operations, so that all levels give the same bits.
//! The Hilbert curve is a prefix scan on lanes (see `hilbert`), so that division and square root, of which a direction
//! needs two each, set the pace.
//!
//! Lane code has no closures: the compiler does not inline them into functions with more instructions than their own, and
//! every intrinsic becomes a call (ten times slower, measured).

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod centers;
mod face_places;
mod face_points;
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "no lanes"))]
mod geometry;
mod grid;
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "no lanes"))]
mod lanes;
#[cfg(feature = "import")]
mod lat_lon;
mod leaves;
mod source;
#[cfg(test)]
mod tests;
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "no lanes"))]
mod trigonometry;

pub(crate) use face_places::{FACE_PLACES, FacePlaces, face_places};
pub(crate) use face_points::{FACE_POINTS, FacePoints, face_points};
pub use grid::{GridKey, grid_keys, grid_keys_of_places};
#[cfg(feature = "import")]
pub(crate) use lat_lon::lat_lon_rad;
pub use source::InvalidDirection;

pub(super) use leaves::{cells_around, cells_at};
pub(super) use source::check_directions;

use core::ops::Range;

use lanes::Lanes;

use crate::simd::SimdLevel;

/// Work on numbered items.
trait Kernel {
    /// How many there are.
    fn count(&self) -> usize;
    /// The specification: the item `at`.
    fn single(&mut self, at: usize);
    /// The same for some of them, without vectors.
    fn singles(&mut self, items: Range<usize>) {
        items.for_each(|at| self.single(at));
    }
    /// The same for two vectors of items from `at` on.
    fn block<L: Lanes>(&mut self, l: L, at: usize);
}

/// Does all of the work, at a level that the CPU has.
fn run(level: SimdLevel, kernel: &mut impl Kernel) {
    assert!(level <= SimdLevel::detected());
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level was detected.
        SimdLevel::Avx512 => unsafe { run_avx512(kernel) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the level was detected.
        SimdLevel::Avx2 => unsafe { run_avx2(kernel) },
        _ => kernel.singles(0..kernel.count()),
    }
}

/// # Safety
/// The CPU must have every instruction set of [`SimdLevel::Avx512`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,avx512vbmi2")]
unsafe fn run_avx512(kernel: &mut impl Kernel) {
    // SAFETY: the caller's promise.
    run_blocks(unsafe { avx512::Avx512::new() }, kernel);
}

/// # Safety
/// The CPU must have every instruction set of [`SimdLevel::Avx2`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
unsafe fn run_avx2(kernel: &mut impl Kernel) {
    // SAFETY: the caller's promise.
    run_blocks(unsafe { avx2::Avx2::new() }, kernel);
}

/// Whole blocks in lanes, the rest one by one.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn run_blocks<L: Lanes>(l: L, kernel: &mut impl Kernel) {
    let count = kernel.count();
    let in_blocks = count - count % (2 * L::COUNT);
    for at in (0..in_blocks).step_by(2 * L::COUNT) {
        kernel.block(l, at);
    }
    // Fewer than are worth stages.
    (in_blocks..count).for_each(|at| kernel.single(at));
}
