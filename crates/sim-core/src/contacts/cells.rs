//! A block's agents and guests, sorted by cell.

use core::ops::{Range, RangeInclusive};

use super::pair::{LANES, Other, Own};
use crate::kinds::KindBody;
use crate::roll::BLOCK_SHIFT;

/// A counting sort of one block; kept from block to block, so that it allocates nothing.
#[derive(Default)]
pub(crate) struct CellSort {
    cells: Vec<u32>,  // of each agent as it was added
    starts: Vec<u32>, // of each cell in the sorted arrays, and the end
    added: Vec<Added>,
    shift: u32, // log₂ of a cell's width; it is twice as high
    columns: u32,
    rows: u32,
    reach: i32, // at which the widest two touch
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
        self.reach = reach;
        let extent = (1u64 << BLOCK_SHIFT) + 2 * u64::from(reach.unsigned_abs());
        let along = |shift: u32| (extent >> shift) + 1;
        self.shift = SHIFT_MIN;
        while along(self.shift) * along(self.shift + 1) > count as u64 + 16 {
            self.shift += 1;
        }
        self.columns = along(self.shift) as u32;
        self.rows = along(self.shift + 1) as u32;
        self.cells.clear();
        self.added.clear();
    }

    #[inline(always)]
    fn column(&self, x: i32) -> u32 {
        let at = x.saturating_sub(self.corner[0]) >> self.shift;
        at.clamp(0, self.columns as i32 - 1) as u32
    }

    #[inline(always)]
    fn row(&self, y: i32) -> u32 {
        let at = y.saturating_sub(self.corner[1]) >> (self.shift + 1);
        at.clamp(0, self.rows as i32 - 1) as u32
    }

    /// Adds an agent; the order of adding numbers them.
    #[inline(always)]
    pub(crate) fn add(&mut self, xyz: [i32; 3], body: KindBody) {
        let (column, row) = (self.column(xyz[0]), self.row(xyz[1]));
        self.cells.push(row * self.columns + column);
        self.added.push(Added {
            xyz,
            radius: body.touch_radius,
            top: body.top,
        });
    }

    /// Sorts those who were added.
    pub(crate) fn sort(&mut self) {
        let count = self.added.len();
        let cells = (self.columns * self.rows) as usize;
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

    /// The run of the cells of a row between two columns, both included.
    #[inline(always)]
    fn run(&self, row: u32, columns: RangeInclusive<u32>) -> Range<usize> {
        let at = |column: u32| self.starts[(row * self.columns + column) as usize] as usize;
        at(*columns.start())..at(*columns.end() + 1)
    }

    /// The runs in which all are who may touch somebody: one or two, seldom three.
    #[inline(always)]
    pub(super) fn runs(&self, own: &Own) -> impl Iterator<Item = Range<usize>> + Clone + '_ {
        let [x, y, _] = own.xyz;
        let ends = |units: i32| {
            (
                units.saturating_sub(self.reach),
                units.saturating_add(self.reach),
            )
        };
        let ((x0, x1), (y0, y1)) = (ends(x), ends(y));
        let columns = self.column(x0)..=self.column(x1);
        (self.row(y0)..self.row(y1) + 1).map(move |row| self.run(row, columns.clone()))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.added.len()
    }

    /// Calls with the number of each agent whose cell touches a rectangle.
    #[inline(always)]
    pub(crate) fn each_between(&self, low: [i32; 2], high: [i32; 2], mut each: impl FnMut(u32)) {
        let columns = self.column(low[0])..=self.column(high[0]);
        for row in self.row(low[1])..=self.row(high[1]) {
            let run = self.run(row, columns.clone());
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
