//! Contacts by AVX2: a run of neighbours is mostly shorter than a vector, and mostly nobody in it touches.

use core::arch::x86_64::*;

use super::Contacts;
use super::cells::CellSort;
use super::pair::{COINCIDENT, LANES, Own, PUSH_MAX, Push};

/// Eight neighbours at a time by AVX2.
pub(crate) struct Avx2;

impl Contacts for Avx2 {
    #[inline(always)]
    unsafe fn sum(own: &Own, others: &CellSort) -> Push {
        // SAFETY: the caller has seen to it that the CPU has AVX2.
        unsafe { sum(own, others) }
    }
}

#[inline]
#[target_feature(enable = "avx2,popcnt")]
fn sum(own: &Own, others: &CellSort) -> Push {
    let mut total = Push::default();
    let [own_x, own_y, own_z] = own.xyz.map(|units| _mm256_set1_epi32(units));
    let [up_x, up_y] = own.up.map(|part| _mm256_set1_ps(part));
    let (own_radius, own_top) = (_mm256_set1_ps(own.radius), _mm256_set1_ps(own.top));
    let zero = _mm256_setzero_ps();
    let numbers = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    let itself = _mm256_set1_epi32(own.at as i32);
    let (mut sum_x, mut sum_y) = (_mm256_setzero_si256(), _mm256_setzero_si256());
    for run in others.runs(own) {
        let end = _mm256_set1_epi32(run.end as i32);
        let mut at = run.start;
        while at < run.end {
            let d = |lane: &[i32], own: __m256i| {
                // SAFETY: runs end before the padding of a vector, as `CellSort` makes its lanes.
                let others = unsafe { integers(lane, at) };
                _mm256_cvtepi32_ps(_mm256_sub_epi32(own, others))
            };
            let (x, y, z) = (
                d(&others.x, own_x),
                d(&others.y, own_y),
                d(&others.z, own_z),
            );
            // SAFETY: as above.
            let (radius, top) = unsafe { (floats(&others.radius, at), floats(&others.top, at)) };
            let up = _mm256_add_ps(
                z,
                _mm256_add_ps(_mm256_mul_ps(x, up_x), _mm256_mul_ps(y, up_y)),
            );
            let plane = _mm256_add_ps(_mm256_mul_ps(x, x), _mm256_mul_ps(y, y));
            let along = _mm256_sub_ps(
                _mm256_add_ps(plane, _mm256_mul_ps(z, z)),
                _mm256_mul_ps(up, up),
            );
            let along = _mm256_max_ps(along, zero);
            let above = _mm256_sub_ps(_mm256_add_ps(up, own_radius), top);
            let below = _mm256_sub_ps(radius, _mm256_add_ps(up, own_top));
            let gap = _mm256_max_ps(_mm256_max_ps(above, below), zero);
            let square = _mm256_add_ps(along, _mm256_mul_ps(gap, gap));
            let reach = _mm256_add_ps(own_radius, radius);
            let touching = _mm256_cmp_ps::<_CMP_LT_OQ>(square, _mm256_mul_ps(reach, reach));
            let number = _mm256_add_epi32(numbers, _mm256_set1_epi32(at as i32));
            let there = _mm256_andnot_si256(
                _mm256_cmpeq_epi32(number, itself),
                _mm256_cmpgt_epi32(end, number),
            );
            let touching = _mm256_and_ps(touching, _mm256_castsi256_ps(there));
            let bits = _mm256_movemask_ps(touching) as u32;
            at += LANES;
            if bits == 0 {
                continue;
            }
            let apart = _mm256_cmp_ps::<_CMP_GE_OQ>(along, _mm256_set1_ps(COINCIDENT));
            let pushing = _mm256_and_ps(touching, apart);
            let distance = _mm256_sqrt_ps(square);
            let half = _mm256_mul_ps(_mm256_set1_ps(0.5), _mm256_sub_ps(reach, distance));
            let half = _mm256_min_ps(half, _mm256_set1_ps(PUSH_MAX));
            let weight = _mm256_div_ps(half, distance);
            let round = |part: __m256| {
                _mm256_cvtps_epi32(_mm256_and_ps(_mm256_mul_ps(part, weight), pushing))
            };
            sum_x = _mm256_add_epi32(sum_x, round(x));
            sum_y = _mm256_add_epi32(sum_y, round(y));
            total.contacts += bits.count_ones();
            total.coincident += (bits & !(_mm256_movemask_ps(apart) as u32)).count_ones();
        }
    }
    if total.contacts > 0 {
        (total.x, total.y) = (sum_of(sum_x), sum_of(sum_y));
    }
    total
}

/// Eight integers of a lane.
///
/// # Safety
/// The lane has so many from there on.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn integers(lane: &[i32], at: usize) -> __m256i {
    debug_assert!(at + LANES <= lane.len());
    // SAFETY: as the caller promises; the load needs no alignment.
    unsafe { _mm256_loadu_si256(lane.as_ptr().add(at).cast()) }
}

/// Eight floats of a lane.
///
/// # Safety
/// The lane has so many from there on.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn floats(lane: &[f32], at: usize) -> __m256 {
    debug_assert!(at + LANES <= lane.len());
    // SAFETY: as the caller promises; the load needs no alignment.
    unsafe { _mm256_loadu_ps(lane.as_ptr().add(at)) }
}

/// The sum of eight lanes, wrapping.
#[inline]
#[target_feature(enable = "avx2")]
fn sum_of(lanes: __m256i) -> i32 {
    let four = _mm_add_epi32(
        _mm256_castsi256_si128(lanes),
        _mm256_extracti128_si256::<1>(lanes),
    );
    let two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
    let one = _mm_add_epi32(two, _mm_shuffle_epi32::<1>(two));
    _mm_cvtsi128_si32(one)
}
