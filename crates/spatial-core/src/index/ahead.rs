//! Looking ahead in a batch: what its next queries will read is fetched while the present one is answered.
//!
//! ```text
//!              n          n + 2        n + 5         n + 8
//!   query   answered    slots asked   cells asked   ranges found, tiles asked
//! ```
//! A lone query waits for one after the other: a tile says where its cells are, these say where the slots are.

use super::order::Order;
use super::reach::{LeafRange, LeafRanges};
use super::scan::Lanes;
use super::tile::Tile;
use super::view::Ball;
use crate::cell::MAX_LEVEL;
use crate::columns::prefetch::prefetch;

/// So many queries ahead their ranges are found and tiles asked for, then cells, then slots.
const TILES_AHEAD: usize = 8;
const CELLS_AHEAD: usize = 5;
const SLOTS_AHEAD: usize = 2;
/// Places for those at work: more than [`TILES_AHEAD`].
const RING: usize = 16;

/// Queries that touch more tiles, or more lines of a lane in a tile, are long enough to wait by themselves.
const TILES_MAX: u32 = 9;
const LINES_MAX: usize = 16;
const LINE_BYTES: usize = 64;

/// The queries that come next.
pub(super) struct Ahead {
    ring: [Planned; RING],
    planned: usize,  // queries before this are planned
    celled: usize,   // those before this have asked for cells
    slotted: usize,  // those before this have asked for slots
    last: TileRange, // of the last one that was planned
}

/// A query whose cells are known.
#[derive(Clone, Copy)]
pub(super) struct Planned {
    pub(super) ball: Ball,
    pub(super) ranges: LeafRanges,
    is_elsewhere: bool, // so what it will read is to be fetched
}

impl Ahead {
    pub(super) fn new() -> Self {
        let nothing = Planned {
            ball: Ball::NONE,
            ranges: LeafRanges::NONE,
            is_elsewhere: false,
        };
        Self {
            ring: [nothing; RING],
            planned: 0,
            celled: 0,
            slotted: 0,
            last: TileRange::NONE,
        }
    }

    /// Query `n` of a batch of `len`, which is to be answered now. Queries come one after the other; `ball_of` is asked ahead,
    /// once about each.
    #[inline(always)]
    pub(super) fn advance(
        &mut self,
        (n, len): (usize, usize),
        order: &Order,
        lanes: Lanes<'_>,
        ball_of: impl Fn(usize) -> Ball,
    ) -> &Planned {
        while self.planned < len.min(n + TILES_AHEAD + 1) {
            self.plan(ball_of(self.planned), order);
        }
        while self.celled < len.min(n + CELLS_AHEAD + 1) {
            let planned = &self.ring[self.celled % RING];
            if planned.is_elsewhere {
                for range in planned.ranges.as_slice() {
                    order.for_each_tile_of_few(range, |tile| order.fetch_cells(tile, range));
                }
            }
            self.celled += 1;
        }
        while self.slotted < len.min(n + SLOTS_AHEAD + 1) {
            let planned = &self.ring[self.slotted % RING];
            if planned.is_elsewhere {
                for range in planned.ranges.as_slice() {
                    order.for_each_tile_of_few(range, |tile| order.fetch_slots(tile, range, lanes));
                }
            }
            self.slotted += 1;
        }
        &self.ring[n % RING]
    }

    /// Who is where the one before was finds everything there: in cell order most do.
    #[inline(always)]
    fn plan(&mut self, ball: Ball, order: &Order) {
        let planned = &mut self.ring[self.planned % RING];
        planned.ball = ball;
        planned.ranges = ball.ranges(order);
        planned.is_elsewhere = false;
        for range in planned.ranges.as_slice() {
            let tiles = order.tile_range(range);
            if !self.last.holds(&tiles) {
                planned.is_elsewhere = true;
                order.for_each_tile_of_few(range, prefetch);
            }
            self.last = tiles;
        }
        self.planned += 1;
    }
}

/// Rows and columns of first tiles of a face.
#[derive(Clone, Copy)]
struct TileRange {
    face: u8,
    i: [u32; 2],
    j: [u32; 2],
}

impl TileRange {
    /// No face's.
    const NONE: Self = Self {
        face: u8::MAX,
        i: [0; 2],
        j: [0; 2],
    };

    /// How many there are; on level 11 fewer than 2²⁴.
    fn len(&self) -> u32 {
        (self.i[1] - self.i[0] + 1) * (self.j[1] - self.j[0] + 1)
    }

    fn holds(&self, other: &Self) -> bool {
        let within = |[lo, hi]: [u32; 2], [from, to]: [u32; 2]| lo <= from && to <= hi;
        self.face == other.face && within(self.i, other.i) && within(self.j, other.j)
    }
}

impl Order {
    #[inline(always)]
    fn tile_range(&self, range: &LeafRange) -> TileRange {
        let shift = u32::from(MAX_LEVEL - self.level);
        TileRange {
            face: range.face,
            i: range.i.map(|i| i >> shift),
            j: range.j.map(|j| j >> shift),
        }
    }

    /// Calls with the first tiles that a range touches, empty ones among them, unless they are many.
    #[inline(always)]
    fn for_each_tile_of_few(&self, range: &LeafRange, visit: impl Fn(&Tile)) {
        let tiles = self.tile_range(range);
        if tiles.len() > TILES_MAX {
            return;
        }
        let [j0, j1] = tiles.j;
        for i in tiles.i[0]..=tiles.i[1] {
            let row = (u32::from(tiles.face) << self.level | i) << self.level;
            for tile in &self.tiles[(row | j0) as usize..=(row | j1) as usize] {
                visit(tile);
            }
        }
    }

    /// Asks for the directory entries of the cells around a leaf.
    #[inline(always)]
    pub(super) fn fetch_around(&self, (face, i, j): (u8, u32, u32)) {
        let tile = self.first_tile_at(face, i, j);
        if tile.start != tile.end {
            let entry = (tile.cells + tile.cell_of(i, j)) as usize;
            let row = 1 << tile.bits;
            let last = (tile.cells + tile.cell_count()) as usize;
            prefetch(&self.cells[entry]);
            prefetch(&self.cells[entry.saturating_sub(row)]);
            prefetch(&self.cells[(entry + row).min(last)]);
        }
    }

    /// Asks for the directory entries of a tile's cells in a range.
    #[inline(always)]
    fn fetch_cells(&self, tile: &Tile, range: &LeafRange) {
        if tile.start != tile.end {
            let [first, last] = tile.entries_in(range);
            fetch(&self.cells[first..=last]);
        }
    }

    /// Asks for the slots of a tile's cells in a range.
    #[inline(always)]
    fn fetch_slots(&self, tile: &Tile, range: &LeafRange, lanes: Lanes<'_>) {
        if tile.start != tile.end && !tile.is_split {
            let slots = tile.entries_in(range).map(|entry| self.cells[entry]);
            let slots = slots[0] as usize..slots[1] as usize;
            fetch(&lanes.x[slots.clone()]);
            fetch(&lanes.y[slots.clone()]);
            fetch(&lanes.z[slots.clone()]);
            fetch(&lanes.rows[slots]);
        }
    }
}

impl Tile {
    /// The directory entries of the first of its cells in a range, and of what comes behind the last one.
    #[inline(always)]
    fn entries_in(&self, range: &LeafRange) -> [usize; 2] {
        let [[i0, i1], [j0, j1]] = self.cells_in(range);
        let entry = |i: u32, j: u32| (self.cells + (i << self.bits | j)) as usize;
        [entry(i0, j0), entry(i1, j1) + 1]
    }
}

/// Asks for the first lines of a slice, and the last one.
#[inline(always)]
fn fetch<T>(slice: &[T]) {
    for line in slice.chunks(LINE_BYTES / size_of::<T>()).take(LINES_MAX) {
        prefetch(&line[0]);
    }
    if let Some(last) = slice.last() {
        prefetch(last);
    }
}
