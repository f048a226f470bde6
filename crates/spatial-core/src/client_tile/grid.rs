//! The square of samples that a client tile sends: its own and one more all around.

use super::places::Places;
use crate::cell::CellId;

/// Intervals that a client tile may have: half of those of the stored ones.
pub(super) const INTERVALS: core::ops::RangeInclusive<u16> = 4..=64;

pub(super) fn intervals_are_legal(intervals: u16) -> bool {
    INTERVALS.contains(&intervals) && intervals.is_power_of_two()
}

/// Samples along the square: C + 3.
pub(super) fn side(intervals: u16) -> usize {
    usize::from(intervals) + 3
}

/// The index of sample (i, j), from −1 to C + 1.
#[inline(always)]
pub(super) fn index(intervals: u16, i: i32, j: i32) -> usize {
    (j + 1) as usize * side(intervals) + (i + 1) as usize
}

/// All samples around a tile: −1 or C + 1 is one of the two.
pub(super) fn ring(intervals: u16) -> impl Iterator<Item = (i32, i32)> {
    let last = i32::from(intervals) + 1;
    let rows = [-1, last]
        .into_iter()
        .flat_map(move |j| (-1..=last).map(move |i| (i, j)));
    let columns = (0..last).flat_map(move |j| [(-1, j), (last, j)]);
    rows.chain(columns)
}

/// The corners of the ring that lie diagonally across a corner of the cube, where no sample is. There the square repeats the sample
/// beside it, which is one and the same in the row and in the column.
pub(super) fn repeated(cell: CellId, intervals: u16) -> impl Iterator<Item = [usize; 3]> {
    let (places, last) = (Places::of(cell, intervals), i32::from(intervals) + 1);
    let corners = [(-1, -1), (last, -1), (-1, last), (last, last)];
    let without = corners
        .into_iter()
        .filter(move |(i, j)| places.at(*i, *j).is_none());
    without.map(move |(i, j)| {
        let inwards = |k: i32| k.clamp(0, last - 1);
        [(i, j), (i, inwards(j)), (inwards(i), j)].map(|(i, j)| index(intervals, i, j))
    })
}
