//! A block's agents and guests, sorted by cell.

use core::ops::{Range, RangeInclusive};

use super::pair::{LANES, Other, Own};
use crate::kinds::{KindBody, Kinds};
use crate::roll::{BLOCK_SHIFT, Guest};

/// A counting sort of one block; kept from block to block, so that it allocates nothing.
#[derive(Default)]
pub(crate) struct CellSort {
    cells: Vec<u32>,  // of each agent as it was added
    starts: Vec<u32>, // of each cell in the sorted arrays, and the end
    count: usize,     // of all who were sorted
    shift: u32,       // log₂ of a cell's width; it is twice as high
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

/// A block's own agents, a slice each.
pub(crate) struct OwnAgents<'a> {
    pub(crate) x: &'a [i32],
    pub(crate) y: &'a [i32],
    pub(crate) z: &'a [i32],
    pub(crate) kinds: &'a [u16],
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
    }

    /// The column of a place in the block or within reach of it; of any other, some column.
    #[inline(always)]
    fn column(&self, x: i32) -> u32 {
        let at = x.wrapping_sub(self.corner[0]).cast_unsigned() >> self.shift;
        at.min(self.columns - 1)
    }

    /// The row of a place in the block or within reach of it; of any other, some row.
    #[inline(always)]
    fn row(&self, y: i32) -> u32 {
        let at = y.wrapping_sub(self.corner[1]).cast_unsigned() >> (self.shift + 1);
        at.min(self.rows - 1)
    }

    #[inline(always)]
    fn cell(&self, x: i32, y: i32) -> u32 {
        self.row(y)
            .wrapping_mul(self.columns)
            .wrapping_add(self.column(x))
    }

    /// Sorts a block's own agents, which are numbered from 0, and those after them who visit it.
    #[inline(always)]
    pub(crate) fn sort(&mut self, own: &OwnAgents<'_>, guests: &[Guest], kinds: &Kinds) {
        self.count = own.x.len() + guests.len();
        let mut cells = core::mem::take(&mut self.cells);
        cells.clear();
        cells.extend(own.x.iter().zip(own.y).map(|(x, y)| self.cell(*x, *y)));
        cells.extend(
            guests
                .iter()
                .map(|guest| self.cell(guest.xyz[0], guest.xyz[1])),
        );
        self.begin_cells(&cells);
        let (own_cells, guest_cells) = cells.split_at(own.x.len());
        for (n, cell) in own_cells.iter().enumerate() {
            let body = kinds.body(own.kinds[n]);
            self.put(*cell, n as u32, [own.x[n], own.y[n], own.z[n]], body);
        }
        for ((n, cell), guest) in (own.x.len()..).zip(guest_cells).zip(guests) {
            self.put(*cell, n as u32, guest.xyz, kinds.body(guest.kind));
        }
        self.cells = cells;
    }

    /// Counts, sums up, and makes room.
    fn begin_cells(&mut self, cells: &[u32]) {
        self.starts.clear();
        self.starts
            .resize((self.columns * self.rows) as usize + 2, 0);
        for cell in cells {
            let start = &mut self.starts[*cell as usize + 2];
            *start = start.wrapping_add(1); // agents are numbered by 32 bits
        }
        let mut sum = 0u32;
        for start in &mut self.starts {
            sum = sum.wrapping_add(*start);
            *start = sum;
        }
        let padded = self.count + LANES;
        for lane in [&mut self.x, &mut self.y, &mut self.z] {
            lane.resize(padded, 0);
        }
        self.radius.resize(padded, 0.0);
        self.top.resize(padded, 0.0);
        self.entry.resize(padded, 0);
    }

    #[inline(always)]
    fn put(&mut self, cell: u32, number: u32, [x, y, z]: [i32; 3], body: KindBody) {
        let start = &mut self.starts[cell as usize + 1];
        let at = *start as usize;
        *start = start.wrapping_add(1);
        (self.x[at], self.y[at], self.z[at]) = (x, y, z);
        (self.radius[at], self.top[at]) = (body.touch_radius, body.top);
        self.entry[at] = number;
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
                units.wrapping_sub(self.reach),
                units.wrapping_add(self.reach),
            )
        };
        let ((x0, x1), (y0, y1)) = (ends(x), ends(y));
        let columns = self.column(x0)..=self.column(x1);
        (self.row(y0)..self.row(y1) + 1).map(move |row| self.run(row, columns.clone()))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Calls with the number of each agent whose cell touches a rectangle.
    #[inline(always)]
    pub(crate) fn each_between(&self, low: [i32; 2], high: [i32; 2], mut each: impl FnMut(u32)) {
        let extent = (1 << BLOCK_SHIFT) + 2 * self.reach;
        let inside = |at: [i32; 2]| {
            [0, 1].map(|axis| {
                let from = self.corner[axis];
                at[axis].clamp(from, from.saturating_add(extent))
            })
        };
        let ([x0, y0], [x1, y1]) = (inside(low), inside(high));
        let columns = self.column(x0)..=self.column(x1);
        for row in self.row(y0)..=self.row(y1) {
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
