//! Over one tile: blocks whose highest samples reach the way, columns of cells that do, cells in which they meet.

use spatial_core::first_not_positive;

use super::track::{Octant, Parabola, Part, greater, lesser};
use crate::tile_table::{BLOCK_SHIFT, TableTile};

/// Cells along a block.
const BLOCK: u32 = 1 << BLOCK_SHIFT;

/// What rounding may do to a height, stored steps, and to a place, cells.
const SLACK: f64 = 1.0e-3;

/// A part of a track above its tile.
pub(super) struct Scan<'a> {
    tile: &'a TableTile,
    samples: Rows,
    blocks: Rows,
    last: u32, // cell along an axis
    part: Part,
}

/// Where something lies that is n-th along the axes of a track: first + n · strides, in numbers that wrap.
#[derive(Clone, Copy)]
struct Rows {
    first: usize,
    strides: [usize; 2],
}

impl Rows {
    #[inline(always)]
    fn new(octant: Octant, across: usize) -> Self {
        let mut first = 0;
        let mut strides = if octant.is_swapped {
            [across, 1]
        } else {
            [1, across]
        };
        for (stride, is_back) in strides.iter_mut().zip(octant.is_back) {
            let end = (across - 1) * *stride;
            let mask = usize::from(is_back).wrapping_neg();
            first += end & mask;
            *stride = (*stride ^ mask).wrapping_sub(mask);
        }
        Self { first, strides }
    }

    #[inline(always)]
    fn at(&self, a: u32, b: u32) -> usize {
        let along = (a as usize).wrapping_mul(self.strides[0]);
        let aside = (b as usize).wrapping_mul(self.strides[1]);
        self.first.wrapping_add(along).wrapping_add(aside)
    }
}

impl<'a> Scan<'a> {
    #[inline(always)]
    pub(super) fn new(tile: &'a TableTile, octant: Octant, part: Part) -> Self {
        let cells = u32::from(tile.tile.intervals());
        Self {
            samples: Rows::new(octant, cells as usize + 1),
            blocks: Rows::new(octant, (cells >> BLOCK_SHIFT) as usize),
            last: cells - 1,
            tile,
            part,
        }
    }

    /// The first place of the part that is on or under the ground.
    #[inline(always)]
    pub(super) fn first_contact(&self) -> Option<f64> {
        let Part {
            from, to, height, ..
        } = &self.part;
        let lowest = lesser(height.at(*from), height.at(*to)) - height.sag(to - from) - SLACK;
        if lowest > f64::from(self.tile.highest) {
            return None;
        }
        let mut blocks = self.blocks();
        while blocks != 0 {
            let first = blocks.trailing_zeros() << BLOCK_SHIFT;
            blocks &= blocks - 1;
            let mut columns = self.columns(first);
            while columns != 0 {
                let column = first + columns.trailing_zeros();
                columns &= columns - 1;
                let found = self.contact_in_column(column);
                if found.is_some() {
                    return found;
                }
            }
        }
        None
    }

    /// The cell along the first axis that holds a place.
    #[inline(always)]
    fn cell(&self, at: f64) -> u32 {
        (at as u32).min(self.last)
    }

    /// A bit for each block along the first axis in which the ground may reach the way.
    #[inline(always)]
    fn blocks(&self) -> u32 {
        let Part {
            from,
            to,
            aside,
            height,
        } = &self.part;
        let sag = height.sag(f64::from(BLOCK)) + SLACK;
        let wide = aside.sag(f64::from(BLOCK)) + SLACK;
        let mut mask = 0;
        let mut start = (aside.at(*from), height.at(*from));
        for block in self.cell(*from) >> BLOCK_SHIFT..=self.cell(*to) >> BLOCK_SHIFT {
            let end = lesser(f64::from((block + 1) << BLOCK_SHIFT), *to);
            let end = (aside.at(end), height.at(end));
            let near = self.cell(start.0 - wide) >> BLOCK_SHIFT;
            let far = self.cell(end.0 + wide) >> BLOCK_SHIFT;
            let of = |row: u32| self.tile.blocks[self.blocks.at(block, row)];
            let highest = f64::from(of(near).max(of(far)));
            let is_met = (lesser(start.1, end.1) - sag <= highest) | (far > near + 1);
            mask |= u32::from(is_met) << block;
            start = end;
        }
        mask
    }

    /// A bit for each column of cells of a block, from its first, in which the ground may reach the way.
    #[inline(always)]
    fn columns(&self, first: u32) -> u32 {
        let Part {
            from,
            to,
            aside,
            height,
        } = &self.part;
        let sag = height.sag(1.0) + SLACK;
        let wide = aside.sag(1.0) + SLACK;
        let samples = self.tile.tile.samples();
        let [ahead, side] = self.samples.strides;
        let mut mask = 0;
        let (low, high) = (
            first.max(self.cell(*from)),
            (first + BLOCK - 1).min(self.cell(*to)),
        );
        let start = greater(f64::from(low), *from);
        let mut start = (aside.at(start), height.at(start));
        for column in low..=high {
            let end = lesser(f64::from(column + 1), *to);
            let end = (aside.at(end), height.at(end));
            // A way that is above three rows is looked at.
            let near = self.cell(start.0 - wide).min(self.last - 1);
            let far = self.cell(end.0 + wide);
            let at = self.samples.at(column, near);
            let pair = |at: usize| samples[at].max(samples[at.wrapping_add(ahead)]);
            let next = at.wrapping_add(side);
            let highest = pair(at).max(pair(next)).max(pair(next.wrapping_add(side)));
            let is_met = (lesser(start.1, end.1) - sag <= f64::from(highest)) | (far > near + 1);
            mask |= u32::from(is_met) << (column - first);
            start = end;
        }
        mask
    }

    /// The first place in a column of cells that is on or under the ground.
    #[inline(always)]
    fn contact_in_column(&self, column: u32) -> Option<f64> {
        let mut from = greater(f64::from(column), self.part.from);
        let to = lesser(f64::from(column + 1), self.part.to);
        let aside = self.part.aside.from(from);
        let start = from;
        let last = self.cell(self.part.aside.at(to));
        for row in self.cell(aside.0[0])..=last {
            let end = match row < last {
                true => greater(lesser(start + aside.reaches(f64::from(row + 1)), to), from),
                false => to,
            };
            let found = self.contact_in_cell([column, row], from, end);
            if found.is_some() {
                return found;
            }
            from = end;
        }
        None
    }

    /// The first place in a cell that is on or under the ground: x and y from its corner, height − h(x, y), a polynomial of
    /// degree 3.
    #[inline(always)]
    fn contact_in_cell(&self, [column, row]: [u32; 2], from: f64, to: f64) -> Option<f64> {
        let samples = self.tile.tile.samples();
        let at = self.samples.at(column, row);
        let [ahead, side] = self.samples.strides;
        let of = |at: usize| f64::from(samples[at]);
        let next = at.wrapping_add(side);
        let corners = [
            of(at),
            of(at.wrapping_add(ahead)),
            of(next),
            of(next.wrapping_add(ahead)),
        ];
        let length = to - from;
        let x = Parabola([from - f64::from(column), length, 0.0]);
        let y = self
            .part
            .aside
            .from(from)
            .lowered(f64::from(row))
            .scaled(length);
        let height = self.part.height.from(from).scaled(length);
        let found = first_not_positive(above(corners, x, y, height))?;
        Some(from + found * length)
    }
}

/// How far a height is above the bilinear ground between four samples at (x, y), as a polynomial.
#[inline(always)]
pub(super) fn above(corners: [f64; 4], x: Parabola, y: Parabola, height: Parabola) -> [f64; 5] {
    let [a, b, c, d] = corners;
    let (p, q, pq) = (b - a, c - a, (a - b) + (d - c));
    let (Parabola([x0, x1, x2]), Parabola([y0, y1, y2])) = (x, y);
    let Parabola([z0, z1, z2]) = height;
    [
        (z0 - a) - (p * x0 + q * y0 + pq * (x0 * y0)),
        z1 - (p * x1 + q * y1 + pq * (x0 * y1 + x1 * y0)),
        z2 - (p * x2 + q * y2 + pq * (x0 * y2 + x1 * y1 + x2 * y0)),
        -pq * (x1 * y2 + x2 * y1),
        -pq * (x2 * y2),
    ]
}
