//! The tiles that were decoded last.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cell::CellId;
use crate::terrain::HeightTile;

/// Decoded tiles kept: 17 MB of the largest, and all 510 of the bundled Earth.
const TILES_MAX: usize = 512;

/// A bounded cache; the tile unused for longest leaves first.
#[derive(Debug, Default)]
pub(crate) struct TileCache {
    tiles: Mutex<Recent>,
}

#[derive(Debug, Default)]
struct Recent {
    uses: u64,
    tiles: BTreeMap<CellId, (u64, Arc<HeightTile>)>, // with the number of its last use
}

impl TileCache {
    pub(crate) fn get(&self, cell: CellId) -> Option<Arc<HeightTile>> {
        let mut recent = self.tiles.lock().unwrap_or_else(PoisonError::into_inner);
        recent.uses += 1;
        let uses = recent.uses;
        recent.tiles.get_mut(&cell).map(|(used, tile)| {
            *used = uses;
            Arc::clone(tile)
        })
    }

    pub(crate) fn put(&self, tile: &Arc<HeightTile>) {
        let mut recent = self.tiles.lock().unwrap_or_else(PoisonError::into_inner);
        recent.uses += 1;
        let entry = (recent.uses, Arc::clone(tile));
        recent.tiles.insert(tile.cell(), entry);
        if recent.tiles.len() > TILES_MAX {
            let oldest = recent.tiles.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(cell) = oldest.map(|(cell, _)| *cell) {
                recent.tiles.remove(&cell);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tile_unused_for_longest_leaves() {
        let cache = TileCache::default();
        let cell = |n: u32| CellId::from_face_ij(1, n << 20, 5 << 20, 10);
        for n in 0..600 {
            let tile = HeightTile::new(cell(n), 8, vec![n as i16; 81]).unwrap();
            cache.put(&Arc::new(tile));
            assert!(cache.get(cell(0)).is_some());
        }
        let kept: Vec<u32> = (0..600).filter(|n| cache.get(cell(*n)).is_some()).collect();
        assert_eq!(kept.len(), TILES_MAX);
        assert_eq!((kept[0], kept[1]), (0, 600 - TILES_MAX as u32 + 1));
    }
}
