//! Tiles in memory: for tests, tools and worlds that fit.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::nodes::{Node, NodeTable, TileEntry};
use super::{Manifest, StoreError, StoredTile, TileStore};
use crate::terrain::HeightTile;

/// What errors name in place of a file.
const NAME: &str = "tiles in memory";

/// A store of decoded tiles.
#[derive(Debug)]
pub struct MemoryStore {
    manifest: Manifest,
    nodes: NodeTable,
    tiles: Vec<Arc<HeightTile>>, // tiles[n] is that of nodes.cells()[n]
}

impl MemoryStore {
    /// A store of these tiles; of two for one cell the later counts.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when a tile does not fit the manifest's lattice, or lacks a parent that must be there.
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
        let entries: Vec<TileEntry> = tiles.values().map(|tile| entry(tile)).collect();
        Ok(Self {
            nodes: NodeTable::new(&entries, &manifest).map_err(refused)?,
            manifest,
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

    fn nodes(&self) -> &NodeTable {
        &self.nodes
    }

    fn tile_at(&self, slot: usize) -> Result<StoredTile<'_>, StoreError> {
        Ok(StoredTile::borrowed(&self.tiles[slot]))
    }

    fn load_at(&self, slot: usize) -> Result<Arc<HeightTile>, StoreError> {
        Ok(Arc::clone(&self.tiles[slot]))
    }
}

fn entry(tile: &HeightTile) -> TileEntry {
    TileEntry {
        min: tile.min(),
        max: tile.max(),
        error: tile.geometric_error().unwrap_or(Node::ERROR_UNKNOWN),
        ..TileEntry::unknown(tile.cell())
    }
}
