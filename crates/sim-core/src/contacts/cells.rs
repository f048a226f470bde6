//! A block's agents and guests, sorted by cell.

use core::ops::Range;

use super::pair::{LANES, Other, Own};
use crate::kinds::KindBody;
use crate::roll::BLOCK_SHIFT;

/// A counting sort of one block; kept from block to block, so that it allocates nothing.
#[derive(Default)]
pub(crate) struct CellSort {
    cells: Vec<u32>,  // of each agent as it was added
    starts: Vec<u32>, // of each cell in the sorted arrays, and the end
    added: Vec<Added>,
    shift: u32,
    side: u32, // cells along an edge
    corner: [i32; 2],
    /// Who it is: its number as it was added.
    pub(crate) entry: Vec<u32>,
    pub(super) x: Vec<i32>,
    pub(super) y: Vec<i32>,
    pub(super) z: Vec<i32>,
    pub(super) radius: Vec<f32>,
    pub(super) top: Vec<f32>,
}

#[derive(Clone, Copy)]
struct Added {
    xyz: [i32; 3],
    radius: f32,
    top: f32,
}

/// Cells are not smaller: 1 m.
const SHIFT_MIN: u32 = 16;

impl CellSort {
    /// Begins a block of so many agents, guests included, the widest two of whom touch at `reach`.
    pub(crate) fn begin(&mut self, corner: [i32; 2], reach: i32, count: usize) {
        self.corner = corner.map(|low| low.wrapping_sub(reach));
        let extent = (1u64 << BLOCK_SHIFT) + 2 * u64::from(reach.unsigned_abs());
        let finest = (reach.max(1) as u32 - 1)
            .checked_ilog2()
            .map_or(0, |log| log + 1);
        self.shift = finest.max(SHIFT_MIN);
        let side = |shift: u32| (extent >> shift) + 1;
        while side(self.shift) * side(self.shift) > 2 * count as u64 + 16 {
            self.shift += 1;
        }
        self.side = side(self.shift) as u32;
        self.cells.clear();
        self.added.clear();
    }

    /// Adds an agent; the order of adding numbers them.
    #[inline(always)]
    pub(crate) fn add(&mut self, xyz: [i32; 3], body: KindBody) {
        let last = self.side as i32 - 1;
        let at =
            |units: i32, low: i32| ((units.wrapping_sub(low)) >> self.shift).clamp(0, last) as u32;
        let (column, row) = (at(xyz[0], self.corner[0]), at(xyz[1], self.corner[1]));
        self.cells.push(row * self.side + column);
        self.added.push(Added {
            xyz,
            radius: body.touch_radius,
            top: body.top,
        });
    }

    /// Sorts those who were added.
    pub(crate) fn sort(&mut self) {
        let count = self.added.len();
        let cells = (self.side * self.side) as usize;
        self.starts.clear();
        self.starts.resize(cells + 2, 0);
        for cell in &self.cells {
            self.starts[*cell as usize + 2] += 1;
        }
        let mut sum = 0;
        for start in &mut self.starts {
            sum += *start;
            *start = sum;
        }
        let padded = count + LANES;
        for lane in [&mut self.x, &mut self.y, &mut self.z] {
            lane.resize(padded, 0);
        }
        self.radius.resize(padded, 0.0);
        self.top.resize(padded, 0.0);
        self.entry.resize(padded, 0);
        for (n, (cell, added)) in self.cells.iter().zip(&self.added).enumerate() {
            let start = &mut self.starts[*cell as usize + 1];
            let at = *start as usize;
            *start += 1;
            [self.x[at], self.y[at], self.z[at]] = added.xyz;
            (self.radius[at], self.top[at]) = (added.radius, added.top);
            self.entry[at] = n as u32;
        }
    }

    /// Cells along an edge.
    #[inline(always)]
    pub(super) fn side(&self) -> usize {
        self.side as usize
    }

    /// The run of the cells of a row between two columns.
    #[inline(always)]
    pub(super) fn run(&self, row: usize, from: usize, to: usize) -> Range<usize> {
        let at = row * self.side();
        self.starts[at + from] as usize..self.starts[at + to] as usize
    }

    /// The three runs that hold a cell and those around it.
    #[inline(always)]
    pub(super) fn around(&self, row: usize, column: usize) -> [Range<usize>; 3] {
        let (from, to) = (column.saturating_sub(1), (column + 2).min(self.side()));
        let below = row
            .checked_sub(1)
            .map_or(0..0, |row| self.run(row, from, to));
        let above = match row + 1 < self.side() {
            true => self.run(row + 1, from, to),
            false => 0..0,
        };
        [below, self.run(row, from, to), above]
    }

    /// Calls with the number of each agent whose cell touches a rectangle.
    #[inline(always)]
    pub(crate) fn each_between(&self, low: [i32; 2], high: [i32; 2], mut each: impl FnMut(u32)) {
        let last = self.side as i32 - 1;
        let at = |units: i32, axis: usize| {
            (units.saturating_sub(self.corner[axis]) >> self.shift).clamp(0, last) as usize
        };
        for row in at(low[1], 1)..=at(high[1], 1) {
            let run = self.run(row, at(low[0], 0), at(high[0], 0) + 1);
            self.entry[run].iter().for_each(|entry| each(*entry));
        }
    }

    /// An agent as the one who is pushed; `up` is how far up turns in a unit, 1 / radius of the planet.
    #[inline(always)]
    pub(super) fn own(&self, at: usize, up: f32) -> Own {
        Own {
            at,
            xyz: [self.x[at], self.y[at], self.z[at]],
            radius: self.radius[at],
            top: self.top[at],
            up: [self.x[at] as f32 * up, self.y[at] as f32 * up],
        }
    }

    #[inline(always)]
    pub(super) fn other(&self, at: usize) -> Other {
        Other {
            xyz: [self.x[at], self.y[at], self.z[at]],
            radius: self.radius[at],
            top: self.top[at],
        }
    }
}
