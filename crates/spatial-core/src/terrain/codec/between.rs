//! The samples of a tile that its parent lacks, predicted from both sides.
//!
//! ```text
//! ● ─ ● ─ ●     ●  even i and j: known from the parent
//! │ │ │ │ │     ─  even rows j, odd i, all rows first
//! ● ─ ● ─ ●     │  odd rows j, every i
//! ```
//! A prediction is a weighted sum of groups of neighbours, in units of 2⁻¹⁰:
//!
//! ```text
//! ─   (±1, 0) · (±3, 0) · (±1, ±2)
//! │   (0, ±1) · (−1, ±1) · (1, ±1) · (−1, 0) · (0, ±3)         odd and even i with weights of their own
//! ```
//! For a neighbour outside the tile stands: three away the one a single step away, two rows away the one in the same
//! row, left or right of an odd row the one in the same column; for (−1, 0) the one below.

use super::fit::least_squares;

/// Groups at most.
pub(crate) const GROUPS: usize = 5;
/// Classes of samples: ─, │ with odd i, │ with even i.
pub(crate) const CLASSES: usize = 3;
/// Weights of the groups for each class; that of the first follows, all neighbours' weights add up to 1,024.
pub(crate) type Weights = [[i16; GROUPS]; CLASSES];
/// Neighbours in each group.
const NEIGHBOURS: [[i32; GROUPS]; CLASSES] = [[2, 2, 4, 0, 0], [2, 2, 2, 1, 2], [2, 2, 2, 1, 2]];
const WEIGHT_BITS: u32 = 10;

/// A sample that is to be coded, of an even row or an odd one.
#[derive(Clone, Copy)]
pub(crate) struct Place<const EVEN: bool> {
    pub(crate) index: usize,
    i: usize,
    j: usize,
    side: usize,
}

/// What is done at each place.
pub(crate) trait Visitor {
    fn visit<const EVEN: bool>(&mut self, place: Place<EVEN>);
}

/// Visits all places, in order.
#[inline(always)]
pub(crate) fn each(side: usize, visitor: &mut impl Visitor) {
    for j in (0..side).step_by(2) {
        for i in (1..side).step_by(2) {
            visitor.visit(Place::<true>::new(i, j, side));
        }
    }
    for j in (1..side).step_by(2) {
        for i in 0..side {
            visitor.visit(Place::<false>::new(i, j, side));
        }
    }
}

impl<const EVEN: bool> Place<EVEN> {
    #[inline(always)]
    fn new(i: usize, j: usize, side: usize) -> Self {
        let index = j * side + i;
        Self { index, i, j, side }
    }

    #[inline(always)]
    pub(crate) fn class(&self) -> usize {
        if EVEN { 0 } else { 2 - self.i % 2 }
    }

    /// Sums of the groups.
    #[inline(always)]
    fn groups(&self, samples: &[i16]) -> [i32; GROUPS] {
        let (at, side, last) = (self.index, self.side, self.side - 1);
        let v = |index: usize| i32::from(samples[index]);
        if EVEN {
            let far_west = if self.i >= 3 { at - 3 } else { at - 1 };
            let far_east = if self.i + 3 <= last { at + 3 } else { at + 1 };
            let down = if self.j >= 2 { 2 * side } else { 0 };
            let up = if self.j + 2 <= last { 2 * side } else { 0 };
            return [
                v(at - 1) + v(at + 1),
                v(far_west) + v(far_east),
                v(at - 1 - down) + v(at + 1 - down) + v(at - 1 + up) + v(at + 1 + up),
                0,
                0,
            ];
        }
        let (west, east) = (usize::from(self.i > 0), usize::from(self.i < last));
        let far_down = if self.j >= 3 { 3 * side } else { side };
        let far_up = if self.j + 3 <= last { 3 * side } else { side };
        [
            v(at - side) + v(at + side),
            v(at - side - west) + v(at + side - west),
            v(at - side + east) + v(at + side + east),
            if west == 1 { v(at - 1) } else { v(at - side) },
            v(at - far_down) + v(at + far_up),
        ]
    }

    #[inline(always)]
    pub(crate) fn prediction(&self, samples: &[i16], weights: &Weights) -> i16 {
        let (groups, weights) = (self.groups(samples), &weights[self.class()]);
        let mut sum = 1i32 << (WEIGHT_BITS - 1);
        for k in 0..GROUPS {
            sum = sum.wrapping_add(groups[k].wrapping_mul(i32::from(weights[k])));
        }
        (sum >> WEIGHT_BITS) as i16
    }

    /// A weighted sum of the sizes of residuals around: eight of them. (Sums of whole rows, computed ahead, made
    /// decoding slower, 13 to 15 ns a sample.)
    #[inline(always)]
    pub(crate) fn activity(&self, sizes: &[u16]) -> u16 {
        let (at, side, last) = (self.index, self.side, self.side - 1);
        let (west, east) = (usize::from(self.i > 0), usize::from(self.i < last));
        let down = if self.j >= 2 { 2 * side } else { 0 };
        if EVEN {
            let (west, east) = (
                if self.i >= 2 { 2 } else { 0 },
                if self.i + 2 <= last { 2 } else { 0 },
            );
            return 3 * sizes[at - west]
                + 3 * sizes[at - down]
                + sizes[at - down - west]
                + sizes[at - down + east];
        }
        let around = if self.i % 2 == 1 {
            2 * (sizes[at - side] + sizes[at + side])
        } else {
            sizes[at - side - west]
                + sizes[at - side + east]
                + sizes[at + side - west]
                + sizes[at + side + east]
        };
        2 * sizes[at - west] + 2 * sizes[at - down] + around
    }
}

/// The weights that predict a tile best.
pub(crate) fn fit(side: usize, samples: &[i16]) -> Weights {
    std::array::from_fn(|class| {
        let fitted = least_squares(|add| {
            each(
                side,
                &mut Rows {
                    class,
                    samples,
                    add,
                },
            )
        });
        let mut weights = [0; GROUPS];
        let mut rest = 1 << WEIGHT_BITS;
        for k in 1..GROUPS {
            let weight =
                fitted.map_or(0.0, |w: [f64; GROUPS - 1]| w[k - 1]) * f64::from(1 << WEIGHT_BITS);
            weights[k] = weight.round().clamp(-4_096.0, 4_096.0) as i16 / 2 * 2; // so that what is left is even
            rest -= NEIGHBOURS[class][k] * i32::from(weights[k]);
        }
        weights[0] = (rest / 2) as i16;
        weights
    })
}

/// Rows of the equations of a class: groups and sample, as differences from the mean of the first group.
struct Rows<'a> {
    class: usize,
    samples: &'a [i16],
    add: &'a mut dyn FnMut(&[f64; GROUPS]),
}

impl Visitor for Rows<'_> {
    fn visit<const EVEN: bool>(&mut self, place: Place<EVEN>) {
        if place.class() != self.class {
            return;
        }
        let groups = place.groups(self.samples).map(f64::from);
        let base = groups[0] / 2.0;
        let mut row = [0.0; GROUPS];
        for k in 1..GROUPS {
            row[k - 1] = groups[k] - f64::from(NEIGHBOURS[self.class][k]) * base;
        }
        row[GROUPS - 1] = f64::from(self.samples[place.index]) - base;
        (self.add)(&row);
    }
}
