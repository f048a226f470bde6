//! Resident tiles by where they lie, each with the highest samples of its blocks.
//!
//! ```text
//! slots   key of a tile ┆ its number      a power of two of them, at least half of them free; who finds one taken takes the next
//! tiles   tile ┆ its highest sample ┆ that of the 9 × 9 samples of every block of 8 × 8 cells, row by row
//! ```

use std::sync::Arc;

use spatial_core::{CellId, HeightTile, column_row};

/// Cells along a block are 2³.
pub(crate) const BLOCK_SHIFT: u32 = 3;
/// In the largest tile.
const BLOCKS_MAX: usize = 256;
const SIDE_MAX: usize = 129;

/// No tile's key.
const FREE: u64 = 0;
const SLOTS_MIN: usize = 64;

/// All resident tiles; derived.
#[derive(Clone, Default)]
pub(crate) struct TileTable {
    slots: Vec<(u64, u32)>,
    shift: u32, // leaves as many bits of a hash as number the slots
    tiles: Vec<TableTile>,
}

/// A tile, and what bounds it from above.
#[derive(Clone)]
pub(crate) struct TableTile {
    pub(crate) tile: Arc<HeightTile>,
    pub(crate) highest: i16,
    pub(crate) blocks: [i16; BLOCKS_MAX],
}

impl TileTable {
    /// Takes in a tile of a cell that has none yet. 3 µs, and at times those of moving all.
    pub(crate) fn insert(&mut self, tile: Arc<HeightTile>) {
        self.put(TableTile::new(tile));
    }

    /// Has these tiles from now on, of which it may have had some.
    pub(crate) fn set(&mut self, tiles: &[Arc<HeightTile>]) {
        let known = core::mem::take(self);
        for tile in tiles {
            let number = known.number(key_of(tile.cell()));
            let same = number.map(|n| &known.tiles[n]);
            match same.filter(|known| Arc::ptr_eq(&known.tile, tile)) {
                Some(known) => self.put(known.clone()),
                None => self.insert(Arc::clone(tile)),
            }
        }
    }

    /// The tile in a column and row of the collision level of a face.
    #[inline(always)]
    pub(crate) fn find(&self, face: u8, column: u32, row: u32) -> Option<&TableTile> {
        self.number(key(face, column, row)).map(|n| &self.tiles[n])
    }

    /// A cell's tile.
    pub(crate) fn tile(&self, cell: CellId) -> Option<&Arc<HeightTile>> {
        let number = self.number(key_of(cell))?;
        Some(&self.tiles[number].tile).filter(|tile| tile.cell() == cell)
    }

    #[inline(always)]
    fn number(&self, key: u64) -> Option<usize> {
        if self.slots.is_empty() {
            return None;
        }
        let mask = self.slots.len() - 1;
        let mut at = self.home(key);
        loop {
            match self.slots[at] {
                (found, number) if found == key => return Some(number as usize),
                (FREE, _) => return None,
                _ => at = (at + 1) & mask,
            }
        }
    }

    #[inline(always)]
    fn home(&self, key: u64) -> usize {
        (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize
    }

    fn put(&mut self, tile: TableTile) {
        self.tiles.push(tile);
        let count = self.tiles.len();
        if 2 * count <= self.slots.len() {
            return self.name(count - 1);
        }
        let size = (4 * count).next_power_of_two().max(SLOTS_MIN);
        self.slots.clear();
        self.slots.resize(size, (FREE, 0));
        self.shift = 64 - size.trailing_zeros();
        (0..count).for_each(|number| self.name(number));
    }

    /// Puts a tile's number where its key is looked for.
    fn name(&mut self, number: usize) {
        let key = key_of(self.tiles[number].tile.cell());
        let mut at = self.home(key);
        while self.slots[at].0 != FREE {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = (key, number as u32);
    }
}

impl TableTile {
    fn new(tile: Arc<HeightTile>) -> Self {
        let (cells, samples) = (usize::from(tile.intervals()), tile.samples());
        let (side, size) = (cells + 1, 1 << BLOCK_SHIFT);
        let across = cells / size;
        let mut blocks = [i16::MIN; BLOCKS_MAX];
        for (row, blocks) in blocks.chunks_exact_mut(across).take(across).enumerate() {
            let mut highest = [i16::MIN; SIDE_MAX];
            let first = row * size * side;
            for samples in samples[first..first + (size + 1) * side].chunks_exact(side) {
                for (highest, sample) in highest.iter_mut().zip(samples) {
                    *highest = (*highest).max(*sample);
                }
            }
            for (column, block) in blocks.iter_mut().enumerate() {
                let of = &highest[column * size..=(column + 1) * size];
                *block = of.iter().fold(i16::MIN, |a, b| a.max(*b));
            }
        }
        Self {
            highest: tile.max(),
            blocks,
            tile,
        }
    }
}

/// Of a cell, whatever its level.
fn key_of(cell: CellId) -> u64 {
    let (column, row) = column_row(cell);
    key(cell.face(), column, row)
}

#[inline(always)]
fn key(face: u8, column: u32, row: u32) -> u64 {
    1 << 63 | u64::from(face) << 60 | u64::from(column) << 30 | u64::from(row)
}

#[cfg(test)]
mod tests {
    use spatial_core::LatticeSpec;

    use super::*;

    fn tile(cell: CellId, intervals: u16, seed: u64) -> Arc<HeightTile> {
        let side = u64::from(intervals) + 1;
        let sample = |k: u64| (k ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
        let samples = (0..side * side).map(|k| sample(k) as i16).collect();
        Arc::new(HeightTile::new(cell, intervals, samples).unwrap())
    }

    #[test]
    fn tiles_are_found_where_they_lie_and_nowhere_else() {
        let lattice = LatticeSpec::new(6, 8, 0.0, 1.0).unwrap();
        let cells = lattice.cells();
        let leaves: Vec<_> = cells.iter().filter(|cell| cell.level() == 5).collect();
        let made = leaves.iter().map(|cell| tile(**cell, 8, cell.to_u64()));
        let tiles: Vec<_> = made.collect();
        let mut table = TileTable::default();
        assert!(table.tile(*leaves[0]).is_none());
        tiles
            .iter()
            .step_by(2)
            .cloned()
            .for_each(|t| table.insert(t));
        let check = |table: &TileTable, step: usize| {
            for (n, cell) in leaves.iter().enumerate() {
                let (column, row) = column_row(**cell);
                let found = table.find(cell.face(), column, row);
                assert_eq!(found.is_some(), n % step == 0);
                assert!(found.is_none_or(|found| Arc::ptr_eq(&found.tile, &tiles[n])));
                assert_eq!(table.tile(**cell).is_some(), n % step == 0);
                assert!(table.tile(cell.parent(4)).is_none());
            }
        };
        check(&table, 2);
        let fewer: Vec<_> = tiles.iter().step_by(3).cloned().collect();
        table.set(&fewer);
        check(&table, 3);
    }

    #[test]
    fn blocks_are_bounded_by_the_highest_of_their_samples() {
        for intervals in [8, 32, 128u16] {
            let tile = tile(CellId::from_face_ij(1, 0, 0, 0), intervals, 9);
            let made = TableTile::new(Arc::clone(&tile));
            let across = usize::from(intervals) / 8;
            for (j, i) in (0..across).flat_map(|j| (0..across).map(move |i| (j, i))) {
                let rows = 8 * j..=8 * j + 8;
                let of_row = |row| (8 * i..=8 * i + 8).map(move |column| (column, row));
                let all = rows.flat_map(of_row).map(|(i, j)| tile.sample(i, j));
                assert_eq!(made.blocks[j * across + i], all.max().unwrap());
            }
            assert_eq!(made.highest, *tile.samples().iter().max().unwrap());
        }
    }
}
