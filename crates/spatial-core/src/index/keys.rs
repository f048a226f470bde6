//! Sort keys: an entity's first tile and its cell there.
//!
//! ```text
//! tile number │ i within the tile │ j within the tile        31 bits, tiles row-major by face
//!               bits                bits
//! ```
//! Cells are those of the finest grid that a first tile may have; a coarser grid drops bits.

use super::leaves::{BATCH, Leaves};
use super::tile::Tile;
use crate::cell::MAX_LEVEL;

/// How keys are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys {
    level: u32, // of the first tiles
    bits: u32,  // of a cell, an axis
}

impl Keys {
    /// Keys for first tiles of a level, up to 11, and grids of at most 2^`bits_max` cells a side.
    pub(super) fn new(level: u8, bits_max: u8) -> Self {
        let level = u32::from(level);
        let bits = ((28 - 2 * level) / 2).min(u32::from(bits_max));
        Self { level, bits }
    }

    /// The finest grid has 2 to the power of this cells a side.
    pub(super) fn bits(self) -> u8 {
        self.bits as u8
    }

    /// The keys of a batch of leaves.
    #[inline(always)]
    pub(super) fn of_leaves(self, leaves: &Leaves) -> [u32; BATCH] {
        let to_cell = u32::from(MAX_LEVEL) - self.level - self.bits;
        let mask = (1u32 << self.bits) - 1;
        let mut keys = [0; BATCH];
        for (n, key) in keys.iter_mut().enumerate() {
            let (i, j) = (leaves.i[n] >> to_cell, leaves.j[n] >> to_cell);
            let row = leaves.face[n] << self.level | i >> self.bits;
            let tile = row << self.level | j >> self.bits;
            *key = (tile << self.bits | i & mask) << self.bits | j & mask;
        }
        keys
    }

    /// The number of a key's tile.
    #[inline(always)]
    pub(super) fn tile(self, key: u32) -> usize {
        (key >> (2 * self.bits)) as usize
    }

    /// A key's directory entry, in its tile.
    #[inline(always)]
    pub(super) fn entry(self, key: u32, tile: &Tile) -> usize {
        let coarser = self.bits - u32::from(tile.bits);
        let mask = (1u32 << self.bits) - 1;
        let (i, j) = (key >> self.bits & mask, key & mask);
        (tile.cells + ((i >> coarser) << tile.bits | j >> coarser)) as usize
    }

    /// How many keys at the start of a slice are of one tile: nearly all of a tile's, when they come in the order of the last time.
    #[inline(always)]
    pub(super) fn run(self, keys: &[u32]) -> usize {
        let tile = self.tile(keys[0]);
        keys.iter()
            .take_while(|key| self.tile(**key) == tile)
            .count()
    }
}
