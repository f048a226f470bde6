//! Who of a neighbourhood is within two radii of a place: the kernel of standing queries and of the join.
//!
//! ```text
//!             inner                near            distances are computed in f32, with an error of at most e
//!    ───sure───┼─e─┼──────sure──────┼─e─┼── no     around each radius; who stands in such a band, one in
//!     INNER      ?        near        ?            thousands, is asked for its distance in f64, which decides
//! ```

use super::neighbourhood::Neighbourhood;
use super::view::RADIUS_MAX_M;
use crate::simd::SimdLevel;

/// Set in a found row that is within the inner radius.
pub(super) const INNER: u32 = 1 << 31;

/// Lanes in a step: neighbourhoods are padded to a multiple.
pub(super) const LANES: usize = 16;

/// Distances in f32 are good to this part of themselves, and of the size of the neighbourhood.
///
/// The roundings of two offsets, of their difference and of the squares come to less than a half of it.
const RELATIVE: f64 = 1.0 / (1 << 20) as f64;

/// A place and two radii, as the kernel compares them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    offset: [f32; 3], // from the neighbourhood's centre
    near: Bounds,
    inner: Bounds,
}

/// A radius and the squares of f32 distances around it: up to `lo` is within for sure, beyond `hi` is not.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    radius_m: f64,
    lo: f32,
    hi: f32,
}

impl Probe {
    /// Of a place at an offset from the neighbourhood's centre, metres; `inner_m` is at most `near_m`.
    pub(super) fn new(hood: &Neighbourhood, offset: [f64; 3], near_m: f64, inner_m: f64) -> Self {
        let [x, y, z] = offset;
        let error_m = hood.error_m() + (x.abs() + y.abs() + z.abs()) * RELATIVE;
        Self {
            offset: offset.map(|m| m as f32),
            near: Bounds::new(near_m, error_m),
            inner: Bounds::new(inner_m, error_m),
        }
    }
}

impl Bounds {
    fn new(radius_m: f64, error_m: f64) -> Self {
        let radius_m = radius_m.min(RADIUS_MAX_M); // whose square is finite in f32
        let lo = radius_m * (1.0 - RELATIVE) - error_m;
        let hi = radius_m * (1.0 + RELATIVE) + error_m;
        Self {
            radius_m,
            lo: if lo > 0.0 { (lo * lo) as f32 } else { -1.0 }, // no square is below 0
            hi: (hi * hi) as f32,
        }
    }
}

/// Appends the rows within the near radius, from a candidate on, in the neighbourhood's order; [`INNER`] marks those
/// within the inner one. `distance_m` gives the true distance of a row.
pub(super) fn sift(
    level: SimdLevel,
    candidates: (&Neighbourhood, usize),
    probe: &Probe,
    out: &mut Vec<u32>,
    distance_m: impl Fn(u32) -> f64,
) {
    out.reserve(candidates.0.rows().len() + LANES);
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a level above `Scalar` is one that this CPU has.
        SimdLevel::Avx512 => unsafe { x86::avx512(candidates, probe, out, distance_m) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        SimdLevel::Avx2 => unsafe { x86::avx2(candidates, probe, out, distance_m) },
        _ => run::<Scalar>(candidates, probe, out, distance_m),
    }
}

/// A step of candidates.
struct Step<'a> {
    x: &'a [f32; LANES],
    y: &'a [f32; LANES],
    z: &'a [f32; LANES],
    rows: &'a [u32; LANES],
}

/// One bit a lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Masks {
    near_lo: u16,
    near_hi: u16,
    inner_lo: u16,
    inner_hi: u16,
}

impl Masks {
    fn of(self, live: u16) -> Self {
        Self {
            near_lo: self.near_lo & live,
            near_hi: self.near_hi & live,
            inner_lo: self.inner_lo & live,
            inner_hi: self.inner_hi & live,
        }
    }

    /// Lanes in a band.
    fn doubtful(self) -> u16 {
        (self.near_hi & !self.near_lo) | (self.inner_hi & !self.inner_lo)
    }
}

/// How a step is done with some instructions. All give the same.
trait Kernel {
    fn masks(step: &Step<'_>, probe: &Probe) -> Masks;

    /// Writes the rows of `near`, marked by `inner`, and says how many.
    ///
    /// # Safety
    /// There is room for [`LANES`] at `out`.
    unsafe fn emit(rows: &[u32; LANES], near: u16, inner: u16, out: *mut u32) -> usize;
}

#[inline(always)]
fn run<K: Kernel>(
    (hood, from): (&Neighbourhood, usize),
    probe: &Probe,
    out: &mut Vec<u32>,
    distance_m: impl Fn(u32) -> f64,
) {
    let mut len = out.len();
    assert!(out.capacity() - len >= hood.rows().len() + LANES);
    let mut live = u16::MAX << (from % LANES); // lanes of the first step that count
    for step in hood.steps().skip(from / LANES) {
        let masks = K::masks(&step, probe).of(live);
        live = u16::MAX;
        let (mut near, mut inner) = (masks.near_lo, masks.inner_lo);
        if masks.doubtful() != 0 {
            (near, inner) = decide(&step, masks, probe, &distance_m);
        }
        // SAFETY: every step writes at most what it takes in, LANES at once: the assertion above.
        len += unsafe { K::emit(step.rows, near, inner, out.as_mut_ptr().add(len)) };
    }
    // SAFETY: so many have been written.
    unsafe { out.set_len(len) };
}

/// Asks about the lanes in a band.
#[cold]
fn decide(
    step: &Step<'_>,
    masks: Masks,
    probe: &Probe,
    distance_m: &impl Fn(u32) -> f64,
) -> (u16, u16) {
    let (mut near, mut inner) = (masks.near_lo, masks.inner_lo);
    let mut left = masks.doubtful();
    while left != 0 {
        let lane = left.trailing_zeros();
        left &= left - 1;
        let bit = 1 << lane;
        let m = distance_m(step.rows[lane as usize]);
        near = near & !bit | if m <= probe.near.radius_m { bit } else { 0 };
        inner = inner & !bit | if m <= probe.inner.radius_m { bit } else { 0 };
    }
    (near, inner)
}

impl Neighbourhood {
    #[inline(always)]
    fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        let [x, y, z] = self.lanes();
        let (x, y) = (x.as_chunks().0, y.as_chunks().0);
        let (z, rows) = (z.as_chunks().0, self.rows().as_chunks().0);
        let lanes = x.iter().zip(y).zip(z).zip(rows);
        lanes.map(|(((x, y), z), rows)| Step { x, y, z, rows })
    }
}

/// The specification.
struct Scalar;

impl Kernel for Scalar {
    #[inline(always)]
    fn masks(step: &Step<'_>, probe: &Probe) -> Masks {
        let mut squares = [0.0; LANES];
        for (n, square) in squares.iter_mut().enumerate() {
            let (dx, dy, dz) = (
                step.x[n] - probe.offset[0],
                step.y[n] - probe.offset[1],
                step.z[n] - probe.offset[2],
            );
            *square = dx * dx + dy * dy + dz * dz;
        }
        let within = |square_max: f32| {
            let bits = squares.iter().enumerate();
            bits.fold(0, |mask, (n, square)| {
                mask | u16::from(*square <= square_max) << n
            })
        };
        Masks {
            near_lo: within(probe.near.lo),
            near_hi: within(probe.near.hi),
            inner_lo: within(probe.inner.lo),
            inner_hi: within(probe.inner.hi),
        }
    }

    #[inline(always)]
    unsafe fn emit(rows: &[u32; LANES], near: u16, inner: u16, out: *mut u32) -> usize {
        let (mut left, mut count) = (near, 0);
        while left != 0 {
            let lane = left.trailing_zeros();
            left &= left - 1;
            let mark = if inner >> lane & 1 == 1 { INNER } else { 0 };
            // SAFETY: fewer than LANES before it.
            unsafe { out.add(count).write(rows[lane as usize] | mark) };
            count += 1;
        }
        count
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use core::arch::x86_64::*;

    use super::{INNER, Kernel, LANES, Masks, Neighbourhood, Probe, Step, run};

    /// # Safety
    /// The CPU has AVX-512 F, VL, BW, DQ and POPCNT.
    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,popcnt,bmi1,bmi2")]
    pub(super) unsafe fn avx512(
        candidates: (&Neighbourhood, usize),
        probe: &Probe,
        out: &mut Vec<u32>,
        distance_m: impl Fn(u32) -> f64,
    ) {
        run::<Avx512>(candidates, probe, out, distance_m);
    }

    /// # Safety
    /// The CPU has AVX2, POPCNT, BMI1 and BMI2.
    #[target_feature(enable = "avx2,popcnt,bmi1,bmi2")]
    pub(super) unsafe fn avx2(
        candidates: (&Neighbourhood, usize),
        probe: &Probe,
        out: &mut Vec<u32>,
        distance_m: impl Fn(u32) -> f64,
    ) {
        run::<Avx2>(candidates, probe, out, distance_m);
    }

    struct Avx512;

    impl Kernel for Avx512 {
        #[inline(always)]
        fn masks(step: &Step<'_>, probe: &Probe) -> Masks {
            // SAFETY: inlined into `avx512` alone; sixteen lanes are read from arrays of sixteen.
            unsafe {
                let apart = |lane: &[f32; LANES], at: f32| {
                    _mm512_sub_ps(_mm512_loadu_ps(lane.as_ptr()), _mm512_set1_ps(at))
                };
                let [x, y, z] = probe.offset;
                let (dx, dy, dz) = (apart(step.x, x), apart(step.y, y), apart(step.z, z));
                let flat = _mm512_add_ps(_mm512_mul_ps(dx, dx), _mm512_mul_ps(dy, dy));
                let square = _mm512_add_ps(flat, _mm512_mul_ps(dz, dz));
                let within = |square_max: f32| {
                    _mm512_cmp_ps_mask::<_CMP_LE_OQ>(square, _mm512_set1_ps(square_max))
                };
                Masks {
                    near_lo: within(probe.near.lo),
                    near_hi: within(probe.near.hi),
                    inner_lo: within(probe.inner.lo),
                    inner_hi: within(probe.inner.hi),
                }
            }
        }

        #[inline(always)]
        unsafe fn emit(rows: &[u32; LANES], near: u16, inner: u16, out: *mut u32) -> usize {
            // SAFETY: inlined into `avx512` alone; the caller has room for a whole vector.
            unsafe {
                let rows = _mm512_loadu_si512(rows.as_ptr().cast());
                let mark = _mm512_set1_epi32(INNER as i32);
                let marked = _mm512_mask_or_epi32(rows, inner, rows, mark);
                // Compressed in a register: straight to memory it is microcode on some CPUs.
                let found = _mm512_maskz_compress_epi32(near, marked);
                _mm512_storeu_si512(out.cast(), found);
            }
            near.count_ones() as usize
        }
    }

    struct Avx2;

    impl Kernel for Avx2 {
        #[inline(always)]
        fn masks(step: &Step<'_>, probe: &Probe) -> Masks {
            let [a, b] = [0, 8].map(|from| half_masks(step, probe, from));
            let both = |n: usize| a[n] | b[n] << 8;
            Masks {
                near_lo: both(0),
                near_hi: both(1),
                inner_lo: both(2),
                inner_hi: both(3),
            }
        }

        #[inline(always)]
        unsafe fn emit(rows: &[u32; LANES], near: u16, inner: u16, out: *mut u32) -> usize {
            // SAFETY: inlined into `avx2` alone; the first half writes eight and moves on by at most eight, so
            // the second ends within sixteen.
            unsafe {
                let first = emit_half(&rows[..8], near & 0xff, inner & 0xff, out);
                first + emit_half(&rows[8..], near >> 8, inner >> 8, out.add(first))
            }
        }
    }

    /// The four masks of eight lanes.
    #[inline(always)]
    fn half_masks(step: &Step<'_>, probe: &Probe, from: usize) -> [u16; 4] {
        // SAFETY: inlined into `avx2` alone; eight lanes from 0 or 8 are within sixteen.
        unsafe {
            let apart = |lane: &[f32; LANES], at: f32| {
                _mm256_sub_ps(_mm256_loadu_ps(lane.as_ptr().add(from)), _mm256_set1_ps(at))
            };
            let [x, y, z] = probe.offset;
            let (dx, dy, dz) = (apart(step.x, x), apart(step.y, y), apart(step.z, z));
            let flat = _mm256_add_ps(_mm256_mul_ps(dx, dx), _mm256_mul_ps(dy, dy));
            let square = _mm256_add_ps(flat, _mm256_mul_ps(dz, dz));
            [probe.near.lo, probe.near.hi, probe.inner.lo, probe.inner.hi].map(|square_max| {
                let within = _mm256_cmp_ps::<_CMP_LE_OQ>(square, _mm256_set1_ps(square_max));
                _mm256_movemask_ps(within) as u16
            })
        }
    }

    /// # Safety
    /// Inlined into a function with AVX2 and BMI2; eight rows, and room for eight at `out`.
    #[inline(always)]
    unsafe fn emit_half(rows: &[u32], near: u16, inner: u16, out: *mut u32) -> usize {
        debug_assert_eq!(rows.len(), 8);
        // SAFETY: the caller's promises.
        unsafe {
            // A byte for each bit, then the numbers of the lanes that are set, packed.
            let bytes = |mask: u16| _pdep_u64(u64::from(mask), 0x0101_0101_0101_0101) * 0xff;
            let lanes = _pext_u64(0x0706_0504_0302_0100, bytes(near));
            let order = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(lanes as i64));
            let inside = _mm256_cvtepi8_epi32(_mm_cvtsi64_si128(bytes(inner) as i64));
            let mark = _mm256_and_si256(inside, _mm256_set1_epi32(INNER as i32));
            let marked = _mm256_or_si256(_mm256_loadu_si256(rows.as_ptr().cast()), mark);
            let found = _mm256_permutevar8x32_epi32(marked, order);
            _mm256_storeu_si256(out.cast(), found);
        }
        near.count_ones() as usize
    }
}
