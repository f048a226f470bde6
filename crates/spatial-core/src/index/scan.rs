//! Sieving approximations by their distance: who is surely within a ball, and who may be.
//!
//! One specification, and lanes of it for AVX2 and AVX-512. All do the same operations in f32, so they agree on every lane.

use glam::DVec3;

use super::approximation::PADDING;
use super::lanes::{Work, at_level};
use super::tile::Tile;
use crate::simd::SimdLevel;

/// A ball in steps of a tile's frame.
///
/// The distance of an approximation is wrong by at most half a step an axis (0.87 together) for the rounding of the place,
/// 2⁻²⁴ of the centre's coordinates an axis for theirs to f32, and 2⁻²² of itself for the arithmetic. At the rim
/// it is the radius, so one step and 2⁻²¹ of both cover all of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sieve {
    center: [f32; 3],
    inner2: f32, // squares of distances up to here are within
    outer2: f32, // squares beyond are outside
    /// By how much distances around the radius may be wrong, steps.
    pub(super) error: f64,
}

impl Sieve {
    #[inline(always)]
    pub(super) fn new(tile: &Tile, center: DVec3, radius_m: f64) -> Self {
        let center = (center - tile.origin_m) * tile.steps_per_m;
        let radius = radius_m * tile.steps_per_m;
        let error = 1.0 + (center.abs().max_element() + radius) * (1.0 / 2_097_152.0);
        let (inner, outer) = (radius - error, radius + error);
        Self {
            center: [center.x as f32, center.y as f32, center.z as f32],
            inner2: if inner > 0.0 {
                (inner * inner) as f32
            } else {
                -1.0
            },
            outer2: (outer * outer) as f32,
            error,
        }
    }
}

/// What a sieve reads: the lanes of an index, each longer than its slots by [`PADDING`].
#[derive(Clone, Copy)]
pub(super) struct Lanes<'a> {
    pub(super) x: &'a [u16],
    pub(super) y: &'a [u16],
    pub(super) z: &'a [u16],
    pub(super) rows: &'a [u32],
}

/// Rows of up to [`PADDING`] neighbouring slots, in their order: the first `count` are meant.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Found {
    pub(super) rows: [u32; PADDING],
    pub(super) count: usize, // at most PADDING
}

impl Found {
    /// Appends those that are meant.
    #[inline(always)]
    pub(super) fn push_to(&self, rows: &mut Vec<u32>) {
        let len = rows.len() + self.count;
        rows.extend_from_slice(&self.rows); // all, for a copy of known size
        rows.truncate(len);
    }
}

/// Sixteen neighbouring approximations, sieved.
#[derive(Clone, Copy)]
pub(super) struct Sieved {
    /// Squares of distances, steps.
    pub(super) squares: [f32; PADDING],
    /// Lanes that are surely within.
    pub(super) inner: u16,
    /// Lanes that are not surely outside.
    pub(super) outer: u16,
}

/// A kernel at some SIMD level. Only inlined into a function with the level's instructions is it fast.
pub(super) trait Kernel: Copy {
    /// Sieves sixteen approximations.
    fn sieve(self, xyz: [&[u16; PADDING]; 3], sieve: &Sieve) -> Sieved;

    /// Moves the lanes of a mask to the front; what comes behind them is of no meaning.
    fn pack(self, lanes: &[u32; PADDING], mask: u16) -> [u32; PADDING];
}

/// Tells rows among slots `from..to` that may be within the ball, all that are, and the squares of their distances in steps.
#[inline(always)]
pub(super) fn scan_squares<K: Kernel>(
    kernel: K,
    lanes: Lanes<'_>,
    sieve: &Sieve,
    slots: [u32; 2],
    mut tell: impl FnMut(&Found, &[f32; PADDING]),
) {
    sieve_each(kernel, lanes, sieve, slots, |sieved, rows| {
        let squares = kernel.pack(&sieved.squares.map(f32::to_bits), sieved.outer);
        let found = Found {
            rows: kernel.pack(rows, sieved.outer),
            count: sieved.outer.count_ones() as usize,
        };
        tell(&found, &squares.map(f32::from_bits));
    });
}

#[inline(always)]
fn sieve_each<K: Kernel>(
    kernel: K,
    lanes: Lanes<'_>,
    sieve: &Sieve,
    [from, to]: [u32; 2],
    mut tell: impl FnMut(&Sieved, &[u32; PADDING]),
) {
    let (mut slot, to) = (from as usize, to as usize);
    while slot < to {
        let (sieved, rows) = sieve_next(kernel, lanes, sieve, [slot, to]);
        tell(&sieved, rows);
        slot += PADDING;
    }
}

/// Sieves the first sixteen of a run that is not empty, or all when it is shorter; and their rows.
#[inline(always)]
pub(super) fn sieve_next<'a, K: Kernel>(
    kernel: K,
    lanes: Lanes<'a>,
    sieve: &Sieve,
    [slot, to]: [usize; 2],
) -> (Sieved, &'a [u32; PADDING]) {
    let live = u16::MAX >> (PADDING - (to - slot).min(PADDING));
    let xyz = [lanes.x, lanes.y, lanes.z].map(|lane| sixteen(lane, slot));
    let mut sieved = kernel.sieve(xyz, sieve);
    sieved.inner &= live;
    sieved.outer &= live;
    (sieved, sixteen(lanes.rows, slot))
}

/// Sixteen neighbours of a lane; the padding lets a run end anywhere.
#[inline(always)]
fn sixteen<T>(lane: &[T], slot: usize) -> &[T; PADDING] {
    lane[slot..slot + PADDING]
        .try_into()
        .expect("a slice of sixteen")
}

/// The specification.
#[derive(Clone, Copy)]
pub(super) struct Scalar;

impl Kernel for Scalar {
    #[inline(always)]
    fn sieve(self, [x, y, z]: [&[u16; PADDING]; 3], sieve: &Sieve) -> Sieved {
        let mut sieved = Sieved {
            squares: [0.0; PADDING],
            inner: 0,
            outer: 0,
        };
        for lane in 0..PADDING {
            let dx = f32::from(x[lane]) - sieve.center[0];
            let dy = f32::from(y[lane]) - sieve.center[1];
            let dz = f32::from(z[lane]) - sieve.center[2];
            let square = dx * dx + dy * dy + dz * dz;
            sieved.squares[lane] = square;
            sieved.inner |= u16::from(square <= sieve.inner2) << lane;
            sieved.outer |= u16::from(square <= sieve.outer2) << lane;
        }
        sieved
    }

    #[inline(always)]
    fn pack(self, lanes: &[u32; PADDING], mut mask: u16) -> [u32; PADDING] {
        let mut packed = [0; PADDING];
        for place in &mut packed {
            if mask == 0 {
                break;
            }
            *place = lanes[mask.trailing_zeros() as usize];
            mask &= mask - 1;
        }
        packed
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use core::arch::x86_64::*;

    use super::{Kernel, PADDING, Scalar, Sieve, Sieved};
    use crate::simd::SimdLevel;

    /// Sixteen lanes. Exists only where the CPU has [`SimdLevel::Avx512`].
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx512(());

    /// Twice eight lanes. Exists only where the CPU has [`SimdLevel::Avx2`].
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx2(());

    impl Avx512 {
        pub(in super::super) fn new() -> Self {
            debug_assert!(SimdLevel::detected() >= SimdLevel::Avx512);
            Self(())
        }
    }

    impl Avx2 {
        pub(in super::super) fn new() -> Self {
            debug_assert!(SimdLevel::detected() >= SimdLevel::Avx2);
            Self(())
        }
    }

    impl Kernel for Avx512 {
        #[inline(always)]
        fn sieve(self, xyz: [&[u16; PADDING]; 3], sieve: &Sieve) -> Sieved {
            // SAFETY: the CPU has the level, for `self` exists; sixteen numbers of 16 bits are 256 bits, of 32 bits 512.
            unsafe {
                let apart = |axis: usize| {
                    let steps = _mm256_loadu_si256(xyz[axis].as_ptr().cast());
                    let steps = _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(steps));
                    _mm512_sub_ps(steps, _mm512_set1_ps(sieve.center[axis]))
                };
                let (dx, dy, dz) = (apart(0), apart(1), apart(2));
                let xy = _mm512_add_ps(_mm512_mul_ps(dx, dx), _mm512_mul_ps(dy, dy));
                let square = _mm512_add_ps(xy, _mm512_mul_ps(dz, dz));
                let mut squares = [0.0; PADDING];
                _mm512_storeu_ps(squares.as_mut_ptr(), square);
                let up_to = |bound| _mm512_cmp_ps_mask::<_CMP_LE_OQ>(square, _mm512_set1_ps(bound));
                Sieved {
                    squares,
                    inner: up_to(sieve.inner2),
                    outer: up_to(sieve.outer2),
                }
            }
        }

        #[inline(always)]
        fn pack(self, lanes: &[u32; PADDING], mask: u16) -> [u32; PADDING] {
            let mut packed = [0; PADDING];
            // SAFETY: as above.
            unsafe {
                let lanes = _mm512_loadu_si512(lanes.as_ptr().cast());
                let front = _mm512_maskz_compress_epi32(mask, lanes);
                _mm512_storeu_si512(packed.as_mut_ptr().cast(), front);
            }
            packed
        }
    }

    impl Kernel for Avx2 {
        #[inline(always)]
        fn sieve(self, xyz: [&[u16; PADDING]; 3], sieve: &Sieve) -> Sieved {
            let mut sieved = Sieved {
                squares: [0.0; PADDING],
                inner: 0,
                outer: 0,
            };
            for half in 0..2 {
                // SAFETY: the CPU has the level, for `self` exists; eight numbers of 16 bits are 128 bits, of 32 bits 256, and
                // two times eight are sixteen.
                unsafe {
                    let apart = |axis: usize| {
                        let steps = _mm_loadu_si128(xyz[axis].as_ptr().add(8 * half).cast());
                        let steps = _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(steps));
                        _mm256_sub_ps(steps, _mm256_set1_ps(sieve.center[axis]))
                    };
                    let (dx, dy, dz) = (apart(0), apart(1), apart(2));
                    let xy = _mm256_add_ps(_mm256_mul_ps(dx, dx), _mm256_mul_ps(dy, dy));
                    let square = _mm256_add_ps(xy, _mm256_mul_ps(dz, dz));
                    _mm256_storeu_ps(sieved.squares.as_mut_ptr().add(8 * half), square);
                    let up_to = |bound| {
                        let lanes = _mm256_cmp_ps::<_CMP_LE_OQ>(square, _mm256_set1_ps(bound));
                        (_mm256_movemask_ps(lanes) as u16) << (8 * half)
                    };
                    sieved.inner |= up_to(sieve.inner2);
                    sieved.outer |= up_to(sieve.outer2);
                }
            }
            sieved
        }

        #[inline(always)]
        fn pack(self, lanes: &[u32; PADDING], mask: u16) -> [u32; PADDING] {
            Scalar.pack(lanes, mask)
        }
    }
}

/// Work that a kernel does, whatever its level.
pub(super) trait KernelWork {
    /// Does the work. To be inlined always, so that it is compiled for the kernel's instructions.
    fn run<K: Kernel>(self, kernel: K);
}

/// Does work with the kernel of a level that the CPU has.
#[inline(always)]
pub(super) fn with_kernel<W: KernelWork>(level: SimdLevel, work: W) {
    match level {
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx512 => at_level(level, With(x86::Avx512::new(), work)),
        #[cfg(target_arch = "x86_64")]
        SimdLevel::Avx2 => at_level(level, With(x86::Avx2::new(), work)),
        _ => work.run(Scalar),
    }
}

struct With<K, W>(K, W);

impl<K: Kernel, W: KernelWork> Work for With<K, W> {
    #[inline(always)]
    fn run(self) {
        self.1.run(self.0);
    }
}
