//! Which tiles there are, and which of them have been verified.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Manifest, StoreError};
use crate::cell::CellId;
use crate::terrain::TileError;

/// The sorted cells of a store, with one bit each: its checksum has matched. 8 bytes and a bit a tile.
#[derive(Debug)]
pub(crate) struct TileIndex {
    cells: Vec<CellId>,       // strictly ascending
    verified: Vec<AtomicU64>, // bit n of word n / 64
}

impl TileIndex {
    /// An index of cells that must be ascending, on the manifest's levels, and as many as it says.
    pub(crate) fn new(cells: Vec<CellId>, manifest: &Manifest) -> Result<Self, &'static str> {
        if cells.len() as u64 != manifest.tiles() {
            return Err("the number of tiles is not the manifest's");
        }
        if !cells.is_sorted_by(|a, b| a < b) {
            return Err("tile ids are not in order");
        }
        if !cells.iter().all(|c| manifest.lattice().has_level_of(*c)) {
            return Err("a tile's level is not one of the manifest's");
        }
        let verified = (0..cells.len().div_ceil(64)).map(|_| AtomicU64::new(0));
        Ok(Self {
            verified: verified.collect(),
            cells,
        })
    }

    pub(crate) fn cells(&self) -> &[CellId] {
        &self.cells
    }

    /// The number of a cell's tile.
    pub(crate) fn slot(&self, cell: CellId) -> Result<usize, StoreError> {
        self.cells
            .binary_search(&cell)
            .map_err(|_| StoreError::Missing { cell })
    }

    /// Whether the tile's check has passed.
    pub(crate) fn is_verified(&self, slot: usize) -> bool {
        self.verified[slot / 64].load(Ordering::Relaxed) & 1u64 << (slot % 64) != 0
    }

    /// Runs the check unless it has passed before. Two threads may both run it; a failure is not remembered.
    pub(crate) fn verify_once(
        &self,
        slot: usize,
        check: impl FnOnce() -> Result<(), TileError>,
    ) -> Result<(), TileError> {
        let (word, bit) = (&self.verified[slot / 64], 1u64 << (slot % 64));
        // Relaxed: the bit says something about immutable bytes and publishes no other memory.
        if word.load(Ordering::Relaxed) & bit == 0 {
            check()?;
            word.fetch_or(bit, Ordering::Relaxed);
        }
        Ok(())
    }
}
