//! The terrain that a world stands on: tiles of its one collision level, made resident by records.

use std::sync::Arc;

use spatial_core::{CellId, DVec3, HeightTile, LatticeSpec, face_st};

/// Resident tiles, and those staged to become so.
///
/// What is resident is state; what is staged is only a supply of samples and never hashed or saved.
#[derive(Clone)]
pub(crate) struct Ground {
    lattice: LatticeSpec,
    resident: Vec<Arc<HeightTile>>, // sorted by cell, no cell twice
    staged: Vec<Arc<HeightTile>>,
}

impl Ground {
    pub(crate) fn new(lattice: LatticeSpec) -> Self {
        Self {
            lattice,
            resident: Vec::new(),
            staged: Vec::new(),
        }
    }

    /// Offers a tile; the last offer for a cell counts. A tile of another level or size than the collision level's is
    /// of no use and not kept.
    pub(crate) fn stage(&mut self, tile: Arc<HeightTile>) {
        let fits = tile.cell().level() == self.lattice.leaf_level()
            && tile.intervals() == self.lattice.intervals();
        if fits {
            self.staged.retain(|other| other.cell() != tile.cell());
            self.staged.push(tile);
        }
    }

    /// Whether the tile was staged with these samples.
    pub(crate) fn is_staged(&self, tile: CellId, checksum: u64) -> bool {
        let offered = |t: &Arc<HeightTile>| t.cell() == tile && t.checksum() == checksum;
        self.staged.iter().any(offered)
    }

    /// Makes a staged tile resident; what is resident stays as it is.
    pub(crate) fn admit(&mut self, tile: CellId) {
        let Some(n) = self.staged.iter().position(|t| t.cell() == tile) else {
            return;
        };
        let offered = self.staged.swap_remove(n);
        if let Err(at) = self.resident.binary_search_by_key(&tile, |t| t.cell()) {
            self.resident.insert(at, offered);
        }
    }

    /// Cells and checksums of the resident tiles, in cell order.
    pub(crate) fn inventory(&self) -> impl ExactSizeIterator<Item = (CellId, u64)> + '_ {
        self.resident.iter().map(|t| (t.cell(), t.checksum()))
    }

    pub(crate) fn resident(&self, tile: CellId) -> Option<&Arc<HeightTile>> {
        let at = self.resident.binary_search_by_key(&tile, |t| t.cell());
        at.ok().map(|n| &self.resident[n])
    }

    /// Height of the ground in a direction, metres; `None` where it is not resident.
    pub(crate) fn height_m(&self, direction: DVec3) -> Option<f64> {
        let (face, s, t) = face_st(direction);
        let tile = self.resident(self.lattice.tile_of(face, s, t))?;
        Some(tile.height_m(&self.lattice, face, s, t))
    }
}
