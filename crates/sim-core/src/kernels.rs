//! The stages of a tick by different instructions: the bits are the same.
//!
//! Each stage is a function of its own, compiled once for every set of instructions; one function of all of them would have too few
//! registers.

use core::ops::Range;

use crate::advance::{Advance, Room};
use crate::contacts::{BlockAgents, CellSort, Contacts, Found, Push, near, search};

/// The stages.
///
/// # Safety
/// Of all functions: the CPU has the instructions of the implementation.
pub(crate) trait Kernels: Sized {
    /// Whether it is the specification: then what has a vector form is done one by one.
    const IS_SPECIFICATION: bool = false;

    /// A bit for each of the [`LANES`](crate::contacts::LANES) agents from `at` on who are at most so much further along both axes than
    /// a place. The lanes have so many.
    unsafe fn near(lanes: [&[i32]; 2], at: usize, place: [i32; 2], further: u32) -> u32 {
        near(lanes, at, place, further)
    }

    /// As [`CellSort::sort`].
    unsafe fn sort(cells: &mut CellSort, corner: [i32; 2], reach: i32, agents: &BlockAgents<'_>) {
        cells.sort(corner, reach, agents);
    }

    /// As [`search`].
    unsafe fn search(cells: &CellSort, from: usize, found: &mut Found) -> usize {
        // SAFETY: as the caller promises.
        unsafe { search::<Self>(cells, from, found) }
    }

    /// As [`Contacts::part_all`].
    unsafe fn part(
        contacts: &Contacts<'_>,
        cells: &CellSort,
        found: &mut Found,
        pushes: &mut [Push],
    ) -> u32 {
        contacts.part_all(cells, found, pushes)
    }

    /// As [`Advance::aim`].
    unsafe fn aim(of: &Advance<'_>, blocks: Range<usize>, entries: Range<usize>, room: &mut Room) {
        of.aim(blocks, entries, room);
    }

    /// As [`Advance::find_ground`].
    unsafe fn find_ground(of: &Advance<'_>, blocks: Range<usize>, first: usize, room: &mut Room) {
        of.find_ground(Self::IS_SPECIFICATION, blocks, first, room);
    }

    /// As [`Advance::settle`].
    unsafe fn settle(of: &Advance<'_>, blocks: Range<usize>, first: usize, room: &mut Room) {
        of.settle(blocks, first, room);
    }
}

/// The specification: one after the other.
pub(crate) struct OneByOne;

impl Kernels for OneByOne {
    const IS_SPECIFICATION: bool = true;
}

/// Eight at a time, in whatever vectors the compiler makes of it.
pub(crate) struct Eights;

impl Kernels for Eights {}

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use core::arch::x86_64::*;

    use super::*;
    use crate::contacts::LANES;

    /// Eight at a time by AVX2.
    pub(crate) struct Avx2;

    /// The stages again, with AVX2 and what comes with it.
    macro_rules! with_avx2 {
        ($(fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? = $work:expr;)*) => {
            $(
                #[inline(always)]
                unsafe fn $name($($argument: $type),*) $(-> $result)? {
                    #[inline(never)]
                    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
                    fn stage($($argument: $type),*) $(-> $result)? {
                        $work
                    }
                    // SAFETY: the caller has seen to it that the CPU has them all: the level is there only where each was detected.
                    unsafe { stage($($argument),*) }
                }
            )*
        };
    }

    impl Kernels for Avx2 {
        #[inline(always)]
        unsafe fn near(lanes: [&[i32]; 2], at: usize, place: [i32; 2], further: u32) -> u32 {
            // SAFETY: as the caller promises.
            unsafe { near(lanes, at, place, further) }
        }

        with_avx2! {
            fn sort(cells: &mut CellSort, corner: [i32; 2], reach: i32, agents: &BlockAgents<'_>) =
                cells.sort(corner, reach, agents);
            fn search(cells: &CellSort, from: usize, found: &mut Found) -> usize = {
                // SAFETY: this has AVX2.
                unsafe { search::<Avx2>(cells, from, found) }
            };
            fn part(
                contacts: &Contacts<'_>,
                cells: &CellSort,
                found: &mut Found,
                pushes: &mut [Push]
            ) -> u32 = contacts.part_all(cells, found, pushes);
            fn aim(of: &Advance<'_>, blocks: Range<usize>, entries: Range<usize>, room: &mut Room) =
                of.aim(blocks, entries, room);
            fn find_ground(of: &Advance<'_>, blocks: Range<usize>, first: usize, room: &mut Room) =
                of.find_ground(false, blocks, first, room);
            fn settle(of: &Advance<'_>, blocks: Range<usize>, first: usize, room: &mut Room) =
                of.settle(blocks, first, room);
        }
    }

    /// # Safety
    /// The lanes have eight from there on.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn near([x, y]: [&[i32]; 2], at: usize, place: [i32; 2], further: u32) -> u32 {
        // SAFETY: as the caller promises.
        let (x, y) = unsafe { (integers(x, at), integers(y, at)) };
        let x = _mm256_sub_epi32(x, _mm256_set1_epi32(place[0]));
        let y = _mm256_sub_epi32(y, _mm256_set1_epi32(place[1]));
        let furthest = _mm256_max_epu32(x, y);
        let least = _mm256_min_epu32(furthest, _mm256_set1_epi32(further.cast_signed()));
        let near = _mm256_cmpeq_epi32(least, furthest);
        _mm256_movemask_ps(_mm256_castsi256_ps(near)).cast_unsigned()
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
}
