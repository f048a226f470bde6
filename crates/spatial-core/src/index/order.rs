//! Sorting entities into tiles and cells: two counting sorts, fed in the order of the last time.

use super::approximation::PADDING;
use super::keys::{BATCH, Leaves};
use super::tile::Tile;
use crate::cell::MAX_LEVEL;
use crate::ids::EntityId;
use crate::planet::Ecef;
use crate::simd::SimdLevel;

/// A tile of the planet holds about so many entities, at the most, where they are spread evenly.
const TILE_MAX: usize = 256;
/// A grid becomes finer while its cells would hold more than this on average.
const CELL_MEAN_MAX: u32 = 4;
/// Cells along a grid's side: at most 2 to this power.
const BITS_MAX: u8 = 6;
/// A cell with more entities becomes a tile.
pub(super) const CELL_MAX: u32 = 32;
/// In a directory entry: not where a cell starts, but which tile it is.
pub(super) const IS_TILE: u32 = 1 << 31;

/// Who lies where: tiles, their cells, and entities in the order of cells.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    /// First the cells of one level, row-major by face; then cells that are tiles, in the order in which they were split.
    pub(super) tiles: Vec<Tile>,
    /// The level of the first tiles.
    pub(super) level: u8,
    /// For each tile, where each of its cells starts or which tile it is, and where the last one ends.
    pub(super) cells: Vec<u32>,
    /// The row of each slot.
    pub(super) rows: Vec<u32>, // and padding
    /// The least and greatest square of a distance from the planet's centre.
    pub(super) rho2: [f64; 2],
    spare: Vec<u32>,       // the rows of the last time; then scratch
    keys: Vec<u32>,        // tile and cell of each slot of the last time; then scratch
    next_ids: Vec<u64>,    // one a directory entry: the least id that would be in order
    census: Vec<[f64; 2]>, // a tile's least and greatest square of a distance from the planet's centre
    crowds: Vec<Crowd>,    // cells that are to become tiles
    disorder: Vec<u32>,    // cells whose ids do not ascend
}

/// A cell with too many entities.
#[derive(Clone, Copy, Debug)]
struct Crowd {
    tile: u32,
    cell: u32, // an index of the directory
    run: Run,
}

/// Slots from, to.
type Run = [u32; 2];

impl Order {
    /// Sorts everybody by tile, cell and id.
    pub(super) fn rebuild(&mut self, simd: SimdLevel, ids: &[EntityId], places: &[Ecef]) {
        self.take_last_order(ids.len());
        self.lay_tiles(ids.len());
        let bits = self.find_keys(simd, places);
        self.lay_cells(bits);
        self.count_cells(bits);
        self.start_cells();
        self.scatter(bits, ids);
        while let Some(crowd) = self.crowds.pop() {
            self.split(simd, crowd, ids, places);
        }
    }

    /// Entities.
    pub(super) fn len(&self) -> usize {
        self.rows.len().saturating_sub(PADDING)
    }

    /// Bytes allocated.
    pub(super) fn byte_count(&self) -> usize {
        let numbers = [
            &self.cells,
            &self.rows,
            &self.spare,
            &self.keys,
            &self.disorder,
        ];
        numbers
            .map(|lane| lane.capacity() * size_of::<u32>())
            .iter()
            .sum::<usize>()
            + self.tiles.capacity() * size_of::<Tile>()
            + self.next_ids.capacity() * size_of::<u64>()
            + self.census.capacity() * size_of::<[f64; 2]>()
            + self.crowds.capacity() * size_of::<Crowd>()
    }

    /// The rows in the order of the last time, where they are still rows, then new ones.
    fn take_last_order(&mut self, len: usize) {
        core::mem::swap(&mut self.rows, &mut self.spare);
        self.spare
            .truncate(self.spare.len().saturating_sub(PADDING));
        let known = self.spare.len();
        if known > len {
            self.spare.retain(|row| (*row as usize) < len);
        } else {
            self.spare.extend(known as u32..len as u32);
        }
        self.rows.resize(len + PADDING, 0);
        self.keys.resize(len, 0);
    }

    fn lay_tiles(&mut self, len: usize) {
        let fits = |level: &u8| (6 << (2 * level)) * TILE_MAX >= len;
        self.level = (0..11).find(fits).unwrap_or(11);
        let side = 1u32 << self.level;
        let shift = u32::from(MAX_LEVEL - self.level);
        self.tiles.clear();
        for face in 0..6 {
            for i in 0..side {
                let row = (0..side).map(|j| Tile::at(face, self.level, i << shift, j << shift));
                self.tiles.extend(row);
            }
        }
        self.census.clear();
        self.census.resize(self.tiles.len(), [f64::INFINITY, 0.0]);
    }

    /// Writes the key of each slot, counts the tiles' entities, and returns the number of bits of a key that name a cell
    /// within its tile, for each axis.
    fn find_keys(&mut self, simd: SimdLevel, places: &[Ecef]) -> u32 {
        let level = u32::from(self.level);
        let bits = ((31 - 3 - 2 * level) / 2).min(u32::from(BITS_MAX));
        let mut leaves = Leaves::ZERO;
        let batches = self.spare.chunks(BATCH).zip(self.keys.chunks_mut(BATCH));
        for (rows, keys) in batches {
            leaves.find(simd, places, rows);
            let to_tile = u32::from(MAX_LEVEL) - level;
            let to_cell = to_tile - bits;
            let mask = (1u32 << bits) - 1;
            for (n, key) in keys.iter_mut().enumerate() {
                let (face, i, j) = (leaves.face[n], leaves.i[n], leaves.j[n]);
                let tile = face << (2 * level) | (i >> to_tile) << level | j >> to_tile;
                let cell = (i >> to_cell & mask) << bits | j >> to_cell & mask;
                *key = tile << (2 * bits) | cell;
                self.tiles[tile as usize].end += 1;
                let rho2 = &mut self.census[tile as usize];
                *rho2 = [rho2[0].min(leaves.rho2[n]), rho2[1].max(leaves.rho2[n])];
            }
        }
        bits
    }

    /// Gives each tile its run of slots, its frame and its grid.
    fn lay_cells(&mut self, bits: u32) {
        let (mut slot, mut cells) = (0, 0);
        self.rho2 = [f64::INFINITY, 0.0];
        for (tile, rho2) in self.tiles.iter_mut().zip(&self.census) {
            let count = tile.end; // until now
            tile.start = slot;
            slot += count;
            tile.end = slot;
            tile.cells = cells;
            if count > 0 {
                tile.bits = grid_bits(count).min(bits as u8);
                tile.lay_frame(*rho2);
                self.rho2 = [self.rho2[0].min(rho2[0]), self.rho2[1].max(rho2[1])];
                cells += tile.cell_count() + 1;
            }
        }
        self.cells.clear();
        self.next_ids.clear();
        self.add_cells(cells as usize);
    }

    /// Makes directory entries; when there are more than ever before, with a little to spare.
    fn add_cells(&mut self, count: usize) {
        let len = self.cells.len() + count;
        if len > self.cells.capacity() {
            let spare = count + len / 8;
            self.cells.reserve_exact(spare);
            self.next_ids.reserve_exact(spare);
        }
        self.cells.resize(len, 0);
        self.next_ids.resize(len, 0);
    }

    fn count_cells(&mut self, bits: u32) {
        for key in &self.keys {
            let tile = &self.tiles[(key >> (2 * bits)) as usize];
            self.cells[1 + cell_of_key(*key, bits, tile) as usize] += 1;
        }
    }

    /// Turns counts, each one entry late, into starts that are one entry late; notes crowds.
    fn start_cells(&mut self) {
        for n in 0..self.tiles.len() {
            self.start_cells_of(n);
        }
    }

    fn start_cells_of(&mut self, n: usize) {
        let tile = &mut self.tiles[n];
        if tile.start == tile.end {
            return;
        }
        let may_split = tile.level + tile.bits < MAX_LEVEL;
        let mut slot = tile.start;
        let first = tile.cells as usize;
        let cells = &mut self.cells[first..=first + tile.cell_count() as usize];
        cells[0] = slot;
        for (cell, entry) in cells[1..].iter_mut().enumerate() {
            let count = core::mem::replace(entry, slot);
            slot += count;
            if count > CELL_MAX && may_split {
                self.crowds.push(Crowd {
                    tile: n as u32,
                    cell: (first + cell) as u32,
                    run: [slot - count, slot],
                });
                tile.is_split = true;
            }
        }
    }

    /// Puts rows into their cells; afterwards entries are where their cells start.
    fn scatter(&mut self, bits: u32, ids: &[EntityId]) {
        let mut sorter = Sorter {
            cells: &mut self.cells,
            next_ids: &mut self.next_ids,
            rows: &mut self.rows,
            disorder: &mut self.disorder,
            ids,
        };
        for (key, row) in self.keys.iter().zip(&self.spare) {
            let tile = &self.tiles[(key >> (2 * bits)) as usize];
            sorter.put(cell_of_key(*key, bits, tile) as usize, *row);
        }
        sorter.finish(true);
    }

    /// Makes a tile of a cell and sorts its entities by a finer grid.
    fn split(&mut self, simd: SimdLevel, crowd: Crowd, ids: &[EntityId], places: &[Ecef]) {
        let [from, to] = crowd.run.map(|slot| slot as usize);
        let rho2 = self.find_leaves(simd, places, from, to);
        let parent = &self.tiles[crowd.tile as usize];
        let mut tile = self.common_tile(parent.face, from, to);
        tile.start = from as u32;
        tile.end = to as u32;
        tile.bits = grid_bits(tile.len()).min(MAX_LEVEL - tile.level);
        tile.cells = self.cells.len() as u32;
        tile.lay_frame(rho2);
        self.add_cells(tile.cell_count() as usize + 1);
        let number = self.tiles.len();
        self.cells[crowd.cell as usize] = number as u32 | IS_TILE;
        self.tiles.push(tile);
        for slot in from..to {
            let cell = tile.cells + tile.cell_of(self.keys[slot], self.spare[slot]);
            self.keys[slot] = cell;
            self.cells[1 + cell as usize] += 1;
        }
        self.start_cells_of(number);
        self.spare[from..to].copy_from_slice(&self.rows[from..to]);
        let mut sorter = Sorter {
            cells: &mut self.cells,
            next_ids: &mut self.next_ids,
            rows: &mut self.rows,
            disorder: &mut self.disorder,
            ids,
        };
        for (cell, row) in self.keys[from..to].iter().zip(&self.spare[from..to]) {
            sorter.put(*cell as usize, *row);
        }
        sorter.finish(tile.level + tile.bits < MAX_LEVEL);
    }

    /// Writes leaf coordinates of slots, i into the keys and j into the spare lane.
    fn find_leaves(
        &mut self,
        simd: SimdLevel,
        places: &[Ecef],
        from: usize,
        to: usize,
    ) -> [f64; 2] {
        let mut leaves = Leaves::ZERO;
        let mut rho2 = [f64::INFINITY, 0.0f64];
        for start in (from..to).step_by(BATCH) {
            let end = (start + BATCH).min(to);
            leaves.find(simd, places, &self.rows[start..end]);
            let len = end - start;
            self.keys[start..end].copy_from_slice(&leaves.i[..len]);
            self.spare[start..end].copy_from_slice(&leaves.j[..len]);
            for square in &leaves.rho2[..len] {
                rho2 = [rho2[0].min(*square), rho2[1].max(*square)];
            }
        }
        rho2
    }

    /// The smallest cell around the leaves of slots.
    fn common_tile(&self, face: u8, from: usize, to: usize) -> Tile {
        let (i, j) = (self.keys[from], self.spare[from]);
        let fold = |lane: &[u32], first| lane[from..to].iter().fold(0, |all, v| all | (v ^ first));
        let differ = fold(&self.keys, i) | fold(&self.spare, j);
        let shift = u32::BITS - differ.leading_zeros();
        let mask = u32::MAX << shift;
        Tile::at(face, MAX_LEVEL - shift as u8, i & mask, j & mask)
    }
}

/// Puts rows into cells and cells into the order of ids.
struct Sorter<'a> {
    cells: &'a mut [u32],
    next_ids: &'a mut [u64],
    rows: &'a mut [u32],
    disorder: &'a mut Vec<u32>,
    ids: &'a [EntityId],
}

impl Sorter<'_> {
    #[inline(always)]
    fn put(&mut self, cell: usize, row: u32) {
        let slot = &mut self.cells[cell + 1];
        self.rows[*slot as usize] = row;
        *slot += 1;
        let id = self.ids[row as usize].0;
        let next_id = &mut self.next_ids[cell];
        if id >= *next_id {
            *next_id = id.saturating_add(1);
        } else if *next_id != u64::MAX {
            *next_id = u64::MAX; // nothing comes after it, so this cell is told once
            self.disorder.push(cell as u32);
        }
    }

    /// Sorts the cells whose rows did not come in the order of ids, but not crowds that will be split.
    fn finish(&mut self, may_split: bool) {
        for cell in self.disorder.drain(..) {
            let [from, to] = [0, 1].map(|n| self.cells[cell as usize + n]);
            if to - from <= CELL_MAX || !may_split {
                let rows = &mut self.rows[from as usize..to as usize];
                rows.sort_unstable_by_key(|row| (self.ids[*row as usize], *row));
            }
        }
    }
}

/// How fine the grid of a tile with so many entities is.
fn grid_bits(count: u32) -> u8 {
    (0..BITS_MAX)
        .find(|bits| count >> (2 * bits) <= CELL_MEAN_MAX)
        .unwrap_or(BITS_MAX)
}

/// The directory entry of a key's cell: keys have cells of the finest grid, the tile's are coarser.
#[inline(always)]
fn cell_of_key(key: u32, bits: u32, tile: &Tile) -> u32 {
    let coarser = bits - u32::from(tile.bits);
    let mask = (1u32 << bits) - 1;
    let (i, j) = (key >> bits & mask, key & mask);
    tile.cells + ((i >> coarser) << tile.bits | j >> coarser)
}
