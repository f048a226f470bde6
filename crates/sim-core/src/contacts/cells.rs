//! A block's agents and guests, sorted by cell.

use core::ops::Range;

use super::pair::Body;
use crate::kind::Kind;
use crate::kinds::Kinds;
use crate::roll::{BLOCK_SHIFT, Guest};
use crate::rooms::{grow, resize};

/// Neighbours that are looked at together.
pub(crate) const LANES: usize = 8;

/// A counting sort of one block; kept from block to block, so that it allocates nothing.
#[derive(Default)]
pub(crate) struct CellSort {
    cells: Vec<u32>,  // of each agent as it was added
    starts: Vec<u32>, // of each cell in the sorted arrays, and the end
    grid: Grid,
    count: usize, // of all who were sorted
    /// Who it is: its number as it was added.
    pub(crate) entry: Vec<u32>,
    pub(super) x: Vec<i32>, // and so many more that a vector may be read from every place
    pub(super) y: Vec<i32>,
}

/// Those in a cell, as places in the sorted arrays, and who comes after them and may touch them: a cell is wider and higher than the
/// reach. What follows the last cell of a row is the first of the next: nobody in it is near.
pub(super) struct Neighbours {
    pub(super) own_end: usize,
    pub(super) beside_end: usize, // of those in the cell and the one to the right
    pub(super) below: Range<usize>, // the three cells of the row below
}

/// A block and what is within twice the reach of it, in cells.
#[derive(Clone, Copy, Default)]
struct Grid {
    shift: u32, // log₂ of a cell's side
    columns: u32,
    rows: u32,
    reach: i32,       // at which the widest two touch
    low: [i32; 2],    // the block's lowest corner
    corner: [i32; 2], // that of the cells: twice the reach lower, modulo 2³²
}

/// A block's own agents, a slice each, and who visits it: numbered one after the other.
#[derive(Clone, Copy)]
pub(crate) struct BlockAgents<'a> {
    pub(crate) rows: &'a [u32],
    pub(crate) x: &'a [i32],
    pub(crate) y: &'a [i32],
    pub(crate) z: &'a [i32],
    pub(crate) kinds: &'a [u16],
    pub(crate) guests: &'a [Guest],
}

impl BlockAgents<'_> {
    pub(crate) fn count(&self) -> usize {
        self.x.len() + self.guests.len()
    }

    /// The row of an agent.
    #[inline(always)]
    pub(super) fn row(&self, number: u32) -> usize {
        let number = number as usize;
        let row = self.rows.get(number);
        *row.unwrap_or_else(|| &self.guests[number - self.x.len()].row) as usize
    }

    /// An agent as its neighbours feel it.
    #[inline(always)]
    pub(super) fn get(&self, number: usize, kinds: &Kinds) -> Body {
        let (xyz, kind) = match self.kinds.get(number) {
            Some(kind) => {
                let xyz = [self.x[number], self.y[number], self.z[number]];
                (xyz, *kind)
            }
            None => {
                let guest = &self.guests[number - self.x.len()];
                (guest.xyz, guest.kind)
            }
        };
        let kind = kinds.body(kind);
        Body {
            xyz,
            radius: kind.touch_radius,
            top: kind.top,
        }
    }
}

/// So few are all in one cell: looking at every pair of them costs less than sorting.
const FEW: usize = 32;

/// Cells are not smaller: 1 m.
const SHIFT_MIN: u32 = 16;
/// One is wide enough for a block with its borders: 128 m.
const SHIFT_MAX: u32 = 23;
const _: () = assert!((1 << BLOCK_SHIFT) + 8 * 256 * Kind::RADIUS_MAX as u32 <= 1 << SHIFT_MAX);

impl Grid {
    /// Of a block with so many agents, guests included, the widest two of whom touch at `reach`.
    fn new(corner: [i32; 2], reach: i32, count: usize) -> Self {
        let extent = (1u64 << BLOCK_SHIFT) + 4 * u64::from(reach.unsigned_abs());
        let along = |shift: u32| (extent >> shift) + 1;
        let mut shift = if count <= FEW { SHIFT_MAX } else { SHIFT_MIN };
        while along(shift) * along(shift) > count as u64 / 2 + 16 || 1 << shift < reach {
            shift += 1;
        }
        Self {
            shift,
            columns: along(shift) as u32,
            rows: along(shift) as u32,
            reach,
            low: corner,
            corner: corner.map(|low| low.wrapping_sub(2 * reach)),
        }
    }

    /// The column of a place; of one outside, some column.
    #[inline(always)]
    fn column(&self, x: i32) -> u32 {
        let at = x.wrapping_sub(self.corner[0]).cast_unsigned() >> self.shift;
        at.min(self.columns - 1)
    }

    /// The row of a place; of one outside, some row.
    #[inline(always)]
    fn row(&self, y: i32) -> u32 {
        let at = y.wrapping_sub(self.corner[1]).cast_unsigned() >> self.shift;
        at.min(self.rows - 1)
    }

    /// The least y of a row.
    #[inline(always)]
    fn top_of(&self, row: u32) -> i32 {
        let down = row << self.shift;
        self.corner[1].wrapping_add(down.cast_signed())
    }

    #[inline(always)]
    fn cell(&self, x: i32, y: i32) -> u32 {
        let row_start = self.row(y).wrapping_mul(self.columns);
        row_start.wrapping_add(self.column(x))
    }
}

impl CellSort {
    /// Sorts a block's agents, the widest two of whom touch at `reach`.
    #[inline(always)]
    pub(crate) fn sort(&mut self, corner: [i32; 2], reach: i32, agents: &BlockAgents<'_>) {
        self.count = agents.count();
        let grid = Grid::new(corner, reach, self.count);
        self.grid = grid;
        let own = agents.x.len();
        resize(&mut self.cells, self.count, 0);
        let (cells, guest_cells) = self.cells.split_at_mut(own);
        for (cell, (x, y)) in cells.iter_mut().zip(agents.x.iter().zip(agents.y)) {
            *cell = grid.cell(*x, *y);
        }
        for (cell, guest) in guest_cells.iter_mut().zip(agents.guests) {
            *cell = grid.cell(guest.xyz[0], guest.xyz[1]);
        }
        self.begin_cells();
        let places = agents.x.iter().copied().zip(agents.y.iter().copied());
        let visits = agents
            .guests
            .iter()
            .map(|guest| (guest.xyz[0], guest.xyz[1]));
        let starts = &mut self.starts[1..];
        for ((cell, number), (x, y)) in self.cells.iter().zip(0..).zip(places.chain(visits)) {
            let start = &mut starts[*cell as usize];
            let at = *start as usize;
            *start = start.wrapping_add(1);
            (self.x[at], self.y[at], self.entry[at]) = (x, y, number);
        }
    }

    /// Counts, sums up, and makes room.
    #[inline(always)]
    fn begin_cells(&mut self) {
        self.starts.clear();
        let size = self.grid.columns * self.grid.rows;
        resize(&mut self.starts, size as usize + 2, 0);
        let counts = &mut self.starts[2..];
        for cell in &self.cells {
            let count = &mut counts[*cell as usize];
            *count = count.wrapping_add(1); // agents are numbered by 32 bits
        }
        let mut sum = 0u32;
        for start in &mut self.starts {
            sum = sum.wrapping_add(*start);
            *start = sum;
        }
        let padded = self.count + LANES;
        resize(&mut self.x, padded, 0);
        resize(&mut self.y, padded, 0);
        resize(&mut self.entry, padded, 0);
    }

    /// Where a cell begins.
    #[inline(always)]
    fn start(&self, row: u32, column: u32) -> usize {
        let cell = row.wrapping_mul(self.grid.columns).wrapping_add(column);
        self.starts[cell as usize] as usize
    }

    /// Makes room for all that another one has room for.
    pub(crate) fn grow_to(&mut self, other: &Self) {
        grow(&mut self.cells, &other.cells);
        grow(&mut self.starts, &other.starts);
        grow(&mut self.entry, &other.entry);
        grow(&mut self.x, &other.x);
        grow(&mut self.y, &other.y);
    }

    /// How many cells there are.
    pub(super) fn cell_count(&self) -> usize {
        (self.grid.rows * self.grid.columns) as usize
    }

    /// The cell of a place in the sorted arrays.
    pub(super) fn cell_of(&self, at: usize) -> usize {
        let ends = &self.starts[1..];
        ends.partition_point(|end| *end as usize <= at)
    }

    /// Who is in a cell, and who comes after them and may touch them.
    #[inline(always)]
    pub(super) fn neighbours(&self, cell: usize) -> Neighbours {
        let last = self.cell_count();
        let start = |cell: usize| self.starts[cell.min(last)] as usize;
        let below = cell + self.grid.columns as usize;
        Neighbours {
            own_end: start(cell + 1),
            beside_end: start(cell + 2),
            below: start(below - 1)..start(below + 2),
        }
    }

    /// Where a cell's row of cells ends, and from which y on somebody in it may touch one in the row below.
    #[inline(always)]
    pub(super) fn row_of(&self, cell: usize) -> (usize, i32) {
        let next = cell as u32 / self.grid.columns + 1;
        let low = self.grid.top_of(next).wrapping_sub(self.grid.reach);
        ((next * self.grid.columns) as usize, low)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// How far apart along an axis two may be who touch.
    pub(super) fn reach(&self) -> i32 {
        self.grid.reach
    }

    /// Calls with the number of each agent whose cell touches a rectangle.
    #[inline(always)]
    pub(crate) fn each_between(&self, low: [i32; 2], high: [i32; 2], mut each: impl FnMut(u32)) {
        let grid = &self.grid;
        // The cell of a place along an axis; of one outside, that at the end. Corners wrap at the grid's end, so these are not compared.
        let cell = |axis: usize, units: i32| {
            let from = i64::from(grid.low[axis]) - 2 * i64::from(grid.reach);
            let most = i64::from(grid.columns) << grid.shift;
            let at = (i64::from(units) - from).clamp(0, most - 1);
            (at >> grid.shift) as u32
        };
        let (first, after) = (cell(0, low[0]), cell(0, high[0]) + 1);
        for row in cell(1, low[1])..=cell(1, high[1]) {
            let run = self.start(row, first)..self.start(row, after);
            self.entry[run].iter().for_each(|entry| each(*entry));
        }
    }
}
