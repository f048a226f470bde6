//! Sieving approximations by their distance: who is surely within a ball, and who may be.
//!
//! One specification, and lanes of it for AVX2 and AVX-512. All do the same operations in f32, so they agree on every lane.

use glam::DVec3;

use super::approximation::PADDING;
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

/// Rows of up to [`PADDING`] neighbouring slots: the first `count` are meant.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Found {
    pub(super) rows: [u32; PADDING],
    pub(super) count: usize, // at most PADDING
}

/// A kernel at some SIMD level.
pub(super) trait Scan: Copy {
    /// Tells the rows among slots `from..to` that are within the ball, in their order. `exact` decides about those near its
    /// rim.
    fn scan(
        self,
        lanes: Lanes<'_>,
        sieve: &Sieve,
        slots: [u32; 2],
        exact: impl Fn(u32) -> bool,
        tell: impl FnMut(&Found),
    );
}

/// The specification.
#[derive(Clone, Copy)]
pub(super) struct Scalar;

impl Scan for Scalar {
    #[inline(always)]
    fn scan(
        self,
        lanes: Lanes<'_>,
        sieve: &Sieve,
        [from, to]: [u32; 2],
        exact: impl Fn(u32) -> bool,
        mut tell: impl FnMut(&Found),
    ) {
        for start in (from as usize..to as usize).step_by(PADDING) {
            let end = (start + PADDING).min(to as usize);
            let mut found = Found {
                rows: [0; PADDING],
                count: 0,
            };
            for slot in start..end {
                let dx = f32::from(lanes.x[slot]) - sieve.center[0];
                let dy = f32::from(lanes.y[slot]) - sieve.center[1];
                let dz = f32::from(lanes.z[slot]) - sieve.center[2];
                let square = dx * dx + dy * dy + dz * dz;
                let row = lanes.rows[slot];
                let is_surely_within = square <= sieve.inner2;
                let is_within = is_surely_within || square <= sieve.outer2 && exact(row);
                found.rows[found.count] = row; // without a branch: the next one overwrites who is not within
                found.count += usize::from(is_within);
            }
            tell(&found);
        }
    }
}

/// Which lanes of a vector are within: those that are near the rim as `exact` decides.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn decide(inner: u16, outer: u16, rows: &[u32; PADDING], exact: impl Fn(u32) -> bool) -> u16 {
    let (mut within, mut rim) = (inner, outer & !inner);
    while rim != 0 {
        let lane = rim.trailing_zeros();
        within |= u16::from(exact(rows[lane as usize])) << lane;
        rim &= rim - 1;
    }
    within
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use core::arch::x86_64::*;

    use super::{Found, Lanes, PADDING, Scan, Sieve, decide};
    use crate::simd::SimdLevel;

    /// Sixteen lanes. Exists only where the CPU has [`SimdLevel::Avx512`].
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512(());

    /// Eight lanes. Exists only where the CPU has [`SimdLevel::Avx2`].
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2(());

    impl Avx512 {
        pub(crate) fn new() -> Self {
            assert!(SimdLevel::detected() >= SimdLevel::Avx512);
            Self(())
        }
    }

    impl Avx2 {
        pub(crate) fn new() -> Self {
            assert!(SimdLevel::detected() >= SimdLevel::Avx2);
            Self(())
        }
    }

    impl Scan for Avx512 {
        #[inline(always)]
        fn scan(
            self,
            lanes: Lanes<'_>,
            sieve: &Sieve,
            slots: [u32; 2],
            exact: impl Fn(u32) -> bool,
            tell: impl FnMut(&Found),
        ) {
            // SAFETY: the CPU has the level, for `self` exists.
            unsafe { scan_avx512(lanes, sieve, slots, exact, tell) }
        }
    }

    #[target_feature(
        enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt"
    )]
    #[inline]
    fn scan_avx512(
        lanes: Lanes<'_>,
        sieve: &Sieve,
        [from, to]: [u32; 2],
        exact: impl Fn(u32) -> bool,
        mut tell: impl FnMut(&Found),
    ) {
        let [cx, cy, cz] = sieve.center.map(|c| _mm512_set1_ps(c));
        let (inner2, outer2) = (_mm512_set1_ps(sieve.inner2), _mm512_set1_ps(sieve.outer2));
        let float = |v: &[u16; PADDING]| {
            // SAFETY: sixteen numbers of 16 bits are 256 bits.
            let v = unsafe { _mm256_loadu_si256(v.as_ptr().cast()) };
            _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(v))
        };
        let mut slot = from as usize;
        while slot < to as usize {
            let live = u16::MAX >> (PADDING - (to as usize - slot).min(PADDING));
            let dx = _mm512_sub_ps(float(sixteen(lanes.x, slot)), cx);
            let dy = _mm512_sub_ps(float(sixteen(lanes.y, slot)), cy);
            let dz = _mm512_sub_ps(float(sixteen(lanes.z, slot)), cz);
            let xy = _mm512_add_ps(_mm512_mul_ps(dx, dx), _mm512_mul_ps(dy, dy));
            let square = _mm512_add_ps(xy, _mm512_mul_ps(dz, dz));
            let outer = _mm512_mask_cmp_ps_mask::<_CMP_LE_OQ>(live, square, outer2);
            let inner = _mm512_mask_cmp_ps_mask::<_CMP_LE_OQ>(outer, square, inner2);
            let rows = sixteen(lanes.rows, slot);
            let within = decide(inner, outer, rows, &exact);
            let mut found = Found {
                rows: [0; PADDING],
                count: within.count_ones() as usize,
            };
            // SAFETY: sixteen rows of 32 bits are 512 bits.
            unsafe {
                let rows = _mm512_loadu_si512(rows.as_ptr().cast());
                let packed = _mm512_maskz_compress_epi32(within, rows);
                _mm512_storeu_si512(found.rows.as_mut_ptr().cast(), packed);
            }
            tell(&found);
            slot += PADDING;
        }
    }

    impl Scan for Avx2 {
        #[inline(always)]
        fn scan(
            self,
            lanes: Lanes<'_>,
            sieve: &Sieve,
            slots: [u32; 2],
            exact: impl Fn(u32) -> bool,
            tell: impl FnMut(&Found),
        ) {
            // SAFETY: the CPU has the level, for `self` exists.
            unsafe { scan_avx2(lanes, sieve, slots, exact, tell) }
        }
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    #[inline]
    fn scan_avx2(
        lanes: Lanes<'_>,
        sieve: &Sieve,
        [from, to]: [u32; 2],
        exact: impl Fn(u32) -> bool,
        mut tell: impl FnMut(&Found),
    ) {
        let [cx, cy, cz] = sieve.center.map(|c| _mm256_set1_ps(c));
        let (inner2, outer2) = (_mm256_set1_ps(sieve.inner2), _mm256_set1_ps(sieve.outer2));
        let float = |v: &[u16; PADDING], half: usize| {
            // SAFETY: eight numbers of 16 bits are 128 bits; `half` is 0 or 1 in both calls.
            let v = unsafe { _mm_loadu_si128(v.as_ptr().add(8 * half).cast()) };
            _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(v))
        };
        let mut slot = from as usize;
        while slot < to as usize {
            let live = u16::MAX >> (PADDING - (to as usize - slot).min(PADDING));
            let x = sixteen(lanes.x, slot);
            let y = sixteen(lanes.y, slot);
            let z = sixteen(lanes.z, slot);
            let masks = [0, 1].map(|half| {
                let dx = _mm256_sub_ps(float(x, half), cx);
                let dy = _mm256_sub_ps(float(y, half), cy);
                let dz = _mm256_sub_ps(float(z, half), cz);
                let xy = _mm256_add_ps(_mm256_mul_ps(dx, dx), _mm256_mul_ps(dy, dy));
                let square = _mm256_add_ps(xy, _mm256_mul_ps(dz, dz));
                let mask = |bound| _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LE_OQ>(square, bound));
                [mask(inner2) as u16, mask(outer2) as u16]
            });
            let inner = live & (masks[0][0] | masks[1][0] << 8);
            let outer = live & (masks[0][1] | masks[1][1] << 8);
            let rows = sixteen(lanes.rows, slot);
            let mut within = decide(inner, outer, rows, &exact);
            let mut found = Found {
                rows: [0; PADDING],
                count: 0,
            };
            while within != 0 {
                found.rows[found.count] = rows[within.trailing_zeros() as usize];
                found.count += 1;
                within &= within - 1;
            }
            tell(&found);
            slot += PADDING;
        }
    }

    /// Sixteen neighbours of a lane; the padding lets a run end anywhere.
    #[inline(always)]
    fn sixteen<T>(lane: &[T], slot: usize) -> &[T; PADDING] {
        lane[slot..slot + PADDING]
            .try_into()
            .expect("a slice of sixteen")
    }
}

/// Work that a kernel does, whatever its level.
pub(super) trait WithScan {
    /// What comes out.
    type Output;

    /// Does the work. To be inlined always, so that it is compiled for the kernel's instructions.
    fn run<S: Scan>(self, scan: S) -> Self::Output;
}

/// Does work with the kernel of a level that the CPU has.
#[inline(always)]
pub(super) fn with_scan<W: WithScan>(level: SimdLevel, work: W) -> W::Output {
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: making the kernel checks that the CPU has the level.
        SimdLevel::Avx512 => unsafe { with_avx512(work, Avx512::new()) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        SimdLevel::Avx2 => unsafe { with_avx2(work, Avx2::new()) },
        _ => work.run(Scalar),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(
    enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt"
)]
fn with_avx512<W: WithScan>(work: W, scan: Avx512) -> W::Output {
    work.run(scan)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn with_avx2<W: WithScan>(work: W, scan: Avx2) -> W::Output {
    work.run(scan)
}
