//! The finest tile at a place.

use crate::cell::{CellId, MAX_LEVEL};
use crate::store::StoreError;
use crate::terrain::{LatticeSpec, cell_at};

/// Finds tiles by where they are: a table of hashes over those of the finest level, so that what costs is one line of memory,
/// wherever the place is. 32 to 64 bytes a tile.
#[derive(Debug)]
pub(super) struct Finder {
    level: u8,
    shift: u32,          // of a hash to its place in the table
    entries: Vec<Entry>, // a power of two, at most half of them used
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    key: u64,  // of a spot; EMPTY where nothing is
    slot: u32, // of its tile
}

const EMPTY: u64 = u64::MAX;

/// A tile, and where it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Spot {
    pub(super) face: u8,
    pub(super) level: u8,
    pub(super) column: u32, // among the 2ᵏ × 2ᵏ of its level
    pub(super) row: u32,
    pub(super) slot: u32, // among the store's cells
}

impl Spot {
    /// No tile's: what a memory of the last one starts with.
    pub(super) const NONE: Self = Self {
        face: u8::MAX,
        level: 0,
        column: 0,
        row: 0,
        slot: u32::MAX,
    };

    /// Whether leaf (i, j) of a face is inside.
    #[inline(always)]
    pub(super) fn holds(&self, face: u8, i: u32, j: u32) -> bool {
        let shift = u32::from(MAX_LEVEL - self.level);
        self.face == face && i >> shift == self.column && j >> shift == self.row
    }

    pub(super) fn cell(&self) -> CellId {
        cell_at(self.face, self.level, self.column, self.row)
    }
}

impl Finder {
    /// Of a store's cells, which ascend.
    pub(super) fn new(cells: &[CellId], lattice: &LatticeSpec) -> Self {
        let level = lattice.leaf_level();
        let leaves = || {
            (0u32..)
                .zip(cells)
                .filter(|(_, cell)| cell.level() == level)
        };
        let size = (2 * leaves().count()).next_power_of_two().max(2);
        let blank = Entry {
            key: EMPTY,
            slot: 0,
        };
        let mut finder = Self {
            level,
            shift: 64 - size.trailing_zeros(),
            entries: vec![blank; size],
        };
        for (slot, cell) in leaves() {
            let (face, i, j) = cell.to_face_ij();
            let key = finder.key(face, i, j);
            let at = finder.place_of(key);
            finder.entries[at] = Entry { key, slot };
        }
        finder
    }

    /// The finest tile that holds leaf (i, j) of a face.
    #[inline(always)]
    pub(super) fn finest(&self, face: u8, i: u32, j: u32) -> Result<Spot, StoreError> {
        let key = self.key(face, i, j);
        let entry = self.entries[self.place_of(key)];
        let shift = u32::from(MAX_LEVEL - self.level);
        let spot = Spot {
            face,
            level: self.level,
            column: i >> shift,
            row: j >> shift,
            slot: entry.slot,
        };
        match entry.key == key {
            true => Ok(spot),
            false => Err(missing(spot)),
        }
    }

    #[inline(always)]
    fn key(&self, face: u8, i: u32, j: u32) -> u64 {
        let shift = u32::from(MAX_LEVEL - self.level);
        u64::from(face) << 60 | u64::from(i >> shift) << 30 | u64::from(j >> shift)
    }

    /// Where a key is in the table, or would be.
    #[inline(always)]
    fn place_of(&self, key: u64) -> usize {
        let mask = self.entries.len() - 1;
        // Fibonacci hashing (Knuth, TAOCP 6.4): the upper bits of a product with 2⁶⁴ divided by the golden ratio.
        let hash = (key ^ key >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift;
        let mut at = hash as usize;
        // Half of the table is empty, so this ends.
        while self.entries[at].key != key && self.entries[at].key != EMPTY {
            at = (at + 1) & mask;
        }
        at
    }
}

#[cold]
fn missing(spot: Spot) -> StoreError {
    StoreError::Missing { cell: spot.cell() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tile_is_found_at_its_corners_and_nowhere_else() {
        let lattice = LatticeSpec::new(5, 8, 0.0, 1.0).unwrap();
        let cells = lattice.cells();
        let kept: Vec<_> = (cells.iter().enumerate())
            .filter(|(n, _)| n % 3 != 0)
            .map(|(_, cell)| *cell)
            .collect();
        let finder = Finder::new(&kept, &lattice);
        let mut found = 0;
        for cell in cells.iter().filter(|cell| cell.level() == 4) {
            let (face, i, j) = cell.to_face_ij();
            let last = cell.size_ij() - 1;
            for (i, j) in [(i, j), (i + last, j), (i, j + last), (i + last, j + last)] {
                match finder.finest(face, i, j) {
                    Ok(spot) => {
                        assert_eq!(kept[spot.slot as usize], *cell);
                        assert_eq!(spot.cell(), *cell);
                        assert!(spot.holds(face, i, j) && !Spot::NONE.holds(face, i, j));
                        found += 1;
                    }
                    Err(error) => {
                        assert!(matches!(error, StoreError::Missing { cell: c } if c == *cell));
                        assert!(kept.binary_search(cell).is_err());
                    }
                }
            }
        }
        assert_eq!(found, 4 * kept.iter().filter(|c| c.level() == 4).count());
    }
}
