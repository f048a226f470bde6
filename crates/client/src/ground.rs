//! The ground that a client has, shipped or served: the tiles around its player.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sim_core::Tiles;
use spatial_core::{CellId, Ecef, HeightTile, TileStore};

/// Tiles that are kept, of 33 KB each; a player touches four at most. When there are more all are forgotten.
const TILES_MAX: usize = 8;

/// Tiles of a store, read when they are needed first.
pub(crate) struct Ground {
    store: Arc<dyn TileStore>,
    tiles: BTreeMap<CellId, Option<Arc<HeightTile>>>, // none where the store has none that can be read
    missing: AtomicU64, // a cell that was asked for and not looked for yet; 0: none was
}

impl Ground {
    pub(crate) fn new(store: Arc<dyn TileStore>) -> Self {
        Self {
            store,
            tiles: BTreeMap::new(),
            missing: AtomicU64::new(0),
        }
    }

    /// Other ground from now on.
    pub(crate) fn exchange(&mut self, store: Arc<dyn TileStore>) {
        self.store = store;
        self.tiles.clear();
    }

    /// What the tile below a place is called: the low half of its checksum, 0 where there is none.
    pub(crate) fn name_at(&mut self, place: Ecef) -> u32 {
        let cell = self.store.manifest().lattice().tile_at(place.to_vec());
        self.read(cell);
        let tile = self.tiles.get(&cell).and_then(Option::as_ref);
        tile.map_or(0, |tile| tile.checksum() as u32)
    }

    /// Calls until nothing that was asked for is left to be read.
    pub(crate) fn with<T>(&mut self, mut work: impl FnMut(&Self) -> Option<T>) -> Option<T> {
        for _ in 0..TILES_MAX {
            self.missing.store(0, Ordering::Relaxed);
            if let Some(done) = work(self) {
                return Some(done);
            }
            let missing = CellId::new(self.missing.load(Ordering::Relaxed)).ok()?;
            self.read(missing);
        }
        None
    }

    fn read(&mut self, cell: CellId) {
        if self.tiles.contains_key(&cell) {
            return;
        }
        if self.tiles.len() >= TILES_MAX {
            self.tiles.clear();
        }
        self.tiles.insert(cell, self.store.load_refined(cell).ok());
    }
}

impl Tiles for Ground {
    fn tile(&self, cell: CellId) -> Option<&HeightTile> {
        match self.tiles.get(&cell) {
            Some(tile) => tile.as_deref(),
            None => {
                self.missing.store(cell.to_u64(), Ordering::Relaxed);
                None
            }
        }
    }
}

impl Clone for Ground {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            tiles: self.tiles.clone(),
            missing: AtomicU64::new(0),
        }
    }
}

impl fmt::Debug for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ground")
            .field("file", &self.store.file())
            .finish_non_exhaustive()
    }
}
