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

    /// Offers a tile; the last offer for a cell counts.
    pub(crate) fn stage(&mut self, tile: Arc<HeightTile>) {
        self.staged.retain(|other| other.cell() != tile.cell());
        self.staged.push(tile);
    }

    /// Whether a record may make this tile resident: it is, or it was staged with these samples.
    pub(crate) fn is_ready(&self, tile: CellId, checksum: u64) -> bool {
        let offered = |t: &Arc<HeightTile>| t.cell() == tile && t.checksum() == checksum;
        self.resident(tile).is_some_and(offered) || self.staged.iter().any(offered)
    }

    /// Makes a ready tile resident.
    pub(crate) fn admit(&mut self, tile: CellId) {
        let Some(n) = self.staged.iter().position(|t| t.cell() == tile) else {
            return; // resident already
        };
        let offered = self.staged.swap_remove(n);
        match self.resident.binary_search_by_key(&tile, |t| t.cell()) {
            Ok(at) => self.resident[at] = offered,
            Err(at) => self.resident.insert(at, offered),
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
