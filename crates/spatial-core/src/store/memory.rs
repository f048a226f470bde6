//! Tiles in memory: for tests, tools and worlds that fit.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::index::TileIndex;
use super::{Manifest, StoreError, StoredTile, TileStore};
use crate::cell::CellId;
use crate::terrain::HeightTile;

/// What errors name in place of a file.
const NAME: &str = "tiles in memory";

/// A store of decoded tiles.
#[derive(Debug)]
pub struct MemoryStore {
    manifest: Manifest,
    index: TileIndex,
    tiles: Vec<Arc<HeightTile>>, // tiles[n] is that of index.cells()[n]
}

impl MemoryStore {
    /// A store of these tiles; of two for one cell the later counts.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a tile does not fit the manifest's lattice.
    pub fn new(
        manifest: Manifest,
        tiles: impl IntoIterator<Item = HeightTile>,
    ) -> Result<Self, StoreError> {
        let refused = |reason: &str| StoreError::damaged(Path::new(NAME), reason);
        let tiles: BTreeMap<_, _> = tiles
            .into_iter()
            .map(|tile| (tile.cell(), Arc::new(tile)))
            .collect();
        let intervals = manifest.lattice().intervals();
        if tiles.values().any(|tile| tile.intervals() != intervals) {
            return Err(refused("a tile's intervals are not the manifest's"));
        }
        let manifest = manifest.with_tiles(tiles.len() as u64);
        let index = TileIndex::new(tiles.keys().copied().collect(), &manifest).map_err(refused)?;
        Ok(Self {
            manifest,
            index,
            tiles: tiles.into_values().collect(),
        })
    }
}

impl TileStore for MemoryStore {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn file(&self) -> &Path {
        Path::new(NAME)
    }

    fn cells(&self) -> &[CellId] {
        self.index.cells()
    }

    fn tile(&self, cell: CellId) -> Result<StoredTile<'_>, StoreError> {
        self.tile_at(self.index.slot(cell)?)
    }

    fn tile_at(&self, slot: usize) -> Result<StoredTile<'_>, StoreError> {
        Ok(StoredTile::borrowed(&self.tiles[slot]))
    }

    fn load(&self, cell: CellId) -> Result<Arc<HeightTile>, StoreError> {
        Ok(Arc::clone(&self.tiles[self.index.slot(cell)?]))
    }
}
