//! Sorting entities into tiles and cells: two counting sorts, fed in the order of the last time.

use super::approximation::PADDING;
use super::keys::Keys;
use super::leaves::{BATCH, Leaves};
use super::sorter::Sorter;
use super::tile::Tile;
use crate::cell::MAX_LEVEL;
use crate::ids::EntityId;
use crate::memory;
use crate::planet::Ecef;

/// A first tile holds at most so many entities where they are spread evenly.
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
    /// The directory: for each tile, where each of its cells starts or which tile it is, and where the last one ends.
    pub(super) cells: Vec<u32>,
    /// The row of each slot, and padding.
    pub(super) rows: Vec<u32>,
    /// The least and greatest square of a distance from the planet's centre.
    pub(super) rho2: [f64; 2],
    pub(super) spare: Vec<u32>, // the rows of the last time; then scratch
    pub(super) keys: Vec<u32>,  // of each slot of the last time; then scratch
    pub(super) next_ids: Vec<u64>, // for each directory entry, the least id that would be in order
    pub(super) crowds: Vec<Crowd>, // cells that are to become tiles
    pub(super) disorder: Vec<u32>, // cells whose ids do not ascend
    census: Vec<[f64; 2]>, // for each first tile, the extreme squares of distances from the planet's centre
}

/// A cell with too many entities.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crowd {
    pub(super) face: u8,
    pub(super) entry: u32, // of the directory
    pub(super) slots: [u32; 2],
}

impl Order {
    /// Sorts everybody by tile, cell and id.
    #[inline(always)]
    pub(super) fn rebuild(&mut self, ids: &[EntityId], places: &[Ecef]) {
        self.take_last_order(ids.len());
        self.lay_tiles(ids.len());
        let keys = Keys::new(self.level, BITS_MAX);
        self.find_keys(keys, places);
        self.lay_grids(keys.bits());
        self.count_cells(keys);
        for n in 0..self.tiles.len() {
            self.start_cells(n);
        }
        self.scatter(keys, ids);
        while let Some(crowd) = self.crowds.pop() {
            self.split(crowd, ids, places);
        }
    }

    /// Entities.
    pub(super) fn len(&self) -> usize {
        self.rows.len().saturating_sub(PADDING)
    }

    /// Bytes allocated.
    pub(super) fn byte_count(&self) -> usize {
        let lanes = [
            &self.cells,
            &self.rows,
            &self.spare,
            &self.keys,
            &self.disorder,
        ];
        let numbers: usize = lanes.iter().map(|lane| lane.capacity()).sum();
        numbers * size_of::<u32>()
            + self.next_ids.capacity() * size_of::<u64>()
            + self.tiles.capacity() * size_of::<Tile>()
            + self.census.capacity() * size_of::<[f64; 2]>()
            + self.crowds.capacity() * size_of::<Crowd>()
    }

    /// Makes room for so many entities.
    pub(super) fn reserve(&mut self, len: usize) {
        for lane in [&mut self.rows, &mut self.spare, &mut self.keys] {
            memory::reserve(lane, (len + PADDING).saturating_sub(lane.len()));
        }
    }

    /// The rows in the order of the last time, where they are still rows, then new ones.
    fn take_last_order(&mut self, len: usize) {
        let known = self.len();
        core::mem::swap(&mut self.rows, &mut self.spare);
        self.spare.truncate(known);
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
        self.census.resize(self.tiles.len(), NO_EXTREMES);
    }

    /// Writes the key of each slot of the last time; counts the tiles' entities.
    #[inline(always)]
    fn find_keys(&mut self, keys: Keys, places: &[Ecef]) {
        let mut leaves = Leaves::ZERO;
        let batches = self.spare.chunks(BATCH).zip(self.keys.chunks_mut(BATCH));
        for (rows, out) in batches {
            leaves.find(places, rows);
            let batch = keys.of_leaves(&leaves);
            let (len, tile) = (out.len(), keys.tile(batch[0]));
            out.copy_from_slice(&batch[..len]);
            let is_one_tile = batch
                .iter()
                .fold(true, |same, key| same & (keys.tile(*key) == tile));
            if is_one_tile && len == BATCH {
                self.tiles[tile].end += BATCH as u32;
                widen(&mut self.census[tile], leaves.rho2_extremes());
                continue;
            }
            for (key, rho2) in out.iter().zip(leaves.rho2) {
                self.tiles[keys.tile(*key)].end += 1;
                widen(&mut self.census[keys.tile(*key)], [rho2; 2]);
            }
        }
    }

    /// Gives each first tile its slots, its frame and its grid.
    fn lay_grids(&mut self, bits_max: u8) {
        let (mut slot, mut entries) = (0, 0);
        self.rho2 = NO_EXTREMES;
        for (tile, rho2) in self.tiles.iter_mut().zip(&self.census) {
            let count = tile.end; // until now
            tile.start = slot;
            slot += count;
            tile.end = slot;
            tile.cells = entries;
            if count > 0 {
                tile.bits = grid_bits(count).min(bits_max);
                tile.lay_frame(*rho2);
                widen(&mut self.rho2, *rho2);
                entries += tile.cell_count() + 1;
            }
        }
        self.cells.clear();
        self.next_ids.clear();
        self.add_entries(entries as usize);
    }

    /// Makes directory entries; when there are more than ever before, with a little to spare.
    pub(super) fn add_entries(&mut self, count: usize) {
        let len = self.cells.len() + count;
        if len > self.cells.capacity() {
            memory::reserve_exact(&mut self.cells, count + len / 8);
            memory::reserve_exact(&mut self.next_ids, count + len / 8);
        }
        self.cells.resize(len, 0);
        self.next_ids.resize(len, 0);
    }

    /// Counts the entities of each cell into the entry behind it.
    #[inline(always)]
    fn count_cells(&mut self, keys: Keys) {
        let mut rest = &self.keys[..];
        while !rest.is_empty() {
            let (run, others) = rest.split_at(keys.run(rest));
            let tile = self.tiles[keys.tile(run[0])];
            for key in run {
                self.cells[keys.entry(*key, &tile) + 1] += 1;
            }
            rest = others;
        }
    }

    /// Turns a tile's counts, each in the entry behind its cell, into starts that are there too; notes crowds.
    pub(super) fn start_cells(&mut self, number: usize) {
        let tile = &mut self.tiles[number];
        if tile.start == tile.end {
            return;
        }
        let can_split = tile.can_split();
        let mut slot = tile.start;
        let entries = tile.cells..=tile.cells + tile.cell_count();
        self.cells[tile.cells as usize] = slot;
        for entry in entries.skip(1) {
            let count = core::mem::replace(&mut self.cells[entry as usize], slot);
            slot += count;
            if count > CELL_MAX && can_split {
                tile.is_split = true;
                self.crowds.push(Crowd {
                    face: tile.face,
                    entry: entry - 1,
                    slots: [slot - count, slot],
                });
            }
        }
    }

    /// Puts rows into their cells, in the order of ids. Afterwards entries say where their cells start.
    #[inline(always)]
    fn scatter(&mut self, keys: Keys, ids: &[EntityId]) {
        let mut sorter = Sorter {
            cells: &mut self.cells,
            next_ids: &mut self.next_ids,
            rows: &mut self.rows,
            disorder: &mut self.disorder,
            ids,
        };
        let (mut rest, mut rows) = (&self.keys[..], &self.spare[..]);
        while !rest.is_empty() {
            let (run, others) = rest.split_at(keys.run(rest));
            let tile = self.tiles[keys.tile(run[0])];
            for (key, row) in run.iter().zip(rows) {
                sorter.put(keys.entry(*key, &tile), *row);
            }
            (rest, rows) = (others, &rows[run.len()..]);
        }
        sorter.finish(true);
    }
}

/// How fine the grid of a tile with so many entities is.
pub(super) fn grid_bits(count: u32) -> u8 {
    (0..BITS_MAX)
        .find(|bits| count >> (2 * bits) <= CELL_MEAN_MAX)
        .unwrap_or(BITS_MAX)
}

/// The least and greatest of nothing.
pub(super) const NO_EXTREMES: [f64; 2] = [f64::INFINITY, 0.0];

/// Widens a least and a greatest by others.
#[inline(always)]
pub(super) fn widen(extremes: &mut [f64; 2], others: [f64; 2]) {
    *extremes = [extremes[0].min(others[0]), extremes[1].max(others[1])];
}
