//! Keys of a grid on the faces, row by row.

use super::super::MAX_LEVEL;
use super::super::projection::{direction_to_face_uv, uv_to_st};
use super::geometry::face_ij;
use super::lanes::{Float, Lanes};
use super::source::{InvalidDirection, Source, Xyz, check_directions};
use super::{Kernel, run};
use crate::batch::BatchError;
use crate::planet::Ecef;
use crate::simd::SimdLevel;

/// A type of keys: `u32` up to level 14, `u64` up to level 24.
pub trait GridKey: Copy + sealed::Sealed {
    /// The finest level whose keys have room.
    const LEVEL_MAX: u8;
}

mod sealed {
    /// Keeps the trait to the two types, and makes keys of numbers that are integral and not negative.
    pub trait Sealed {
        /// The number as a key.
        fn of(key: f64) -> Self;
    }
}

impl GridKey for u32 {
    const LEVEL_MAX: u8 = 14; // 6·4¹⁴ < 2³¹
}

impl sealed::Sealed for u32 {
    #[inline(always)]
    fn of(key: f64) -> Self {
        // Through a signed number: one instruction at every level.
        key as i32 as Self
    }
}

impl GridKey for u64 {
    const LEVEL_MAX: u8 = 24; // 6·4²⁴ < 2⁵²
}

impl sealed::Sealed for u64 {
    #[inline(always)]
    fn of(key: f64) -> Self {
        // The sum with 2⁵² has the number in its lowest bits, whatever the instructions.
        const SHIFT: f64 = 4_503_599_627_370_496.0;
        (key + SHIFT).to_bits() ^ SHIFT.to_bits()
    }
}

/// The cells of a level that contain places, as keys whose order is (face, i, j):
/// `face·4^level + i·2^level + j`, with i and j counted in cells of the level.
///
/// # Panics
/// When the slices differ in length, or the level is above [`GridKey::LEVEL_MAX`].
pub fn grid_keys_of_places<K: GridKey>(places: &[Ecef], level: u8, keys: &mut [K]) {
    store(SimdLevel::detected(), places, level, keys);
}

/// As [`grid_keys_of_places`], of directions given in a slice for each axis.
///
/// # Errors
/// [`InvalidDirection`] with the index of the first one; `keys` is unchanged.
///
/// # Panics
/// When the slices differ in length, or the level is above [`GridKey::LEVEL_MAX`].
pub fn grid_keys<K: GridKey>(
    [x, y, z]: [&[f64]; 3],
    level: u8,
    keys: &mut [K],
) -> Result<(), BatchError<InvalidDirection>> {
    check_directions([x, y, z])?;
    store(SimdLevel::detected(), Xyz([x, y, z]), level, keys);
    Ok(())
}

/// Stores the keys of a source at a level of instructions that the CPU has.
pub(super) fn store<S: Source, K: GridKey>(simd: SimdLevel, source: S, level: u8, keys: &mut [K]) {
    assert_eq!(source.count(), keys.len());
    assert!(level <= K::LEVEL_MAX.min(MAX_LEVEL));
    let side = 1 << level;
    run(simd, &mut ToKeys { source, side, keys });
}

struct ToKeys<'a, S, K> {
    source: S,
    side: u32,         // cells along the edge of a face, a power of two
    keys: &'a mut [K], // as many as the source has
}

impl<S: Source, K: GridKey> Kernel for ToKeys<'_, S, K> {
    fn count(&self) -> usize {
        self.keys.len()
    }

    #[inline(always)]
    fn single(&mut self, at: usize) {
        let (face, u, v) = direction_to_face_uv(self.source.direction(at));
        let side = f64::from(self.side);
        let cell = |u: f64| f64::from(((side * uv_to_st(u)) as u32).min(self.side - 1));
        self.keys[at] = K::of((f64::from(face) * side + cell(u)) * side + cell(v));
    }

    #[inline(always)]
    fn block<L: Lanes>(&mut self, l: L, at: usize) {
        let keys = &mut self.keys[at..at + 2 * L::COUNT];
        let side = l.splat(f64::from(self.side));
        for (n, keys) in keys.chunks_exact_mut(L::COUNT).enumerate() {
            let directions = self.source.directions(l, at + n * L::COUNT);
            let [face, i, j] = face_ij(l, directions, self.side);
            let mut numbers = [0.0; 8];
            l.store((face * side + i.floor()) * side + j.floor(), &mut numbers);
            for (key, number) in keys.iter_mut().zip(numbers) {
                *key = K::of(number);
            }
        }
    }
}
