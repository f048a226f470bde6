//! The ground of a planet, answered from its tiles.
//!
//! What is true: the surface is `|p| = R + h(s, t)`, with h bilinear in (s, t) between the four samples around a place, of the
//! finest tile there. Everything here is a question about that surface.

mod biome;
mod finder;
mod grid;
mod height;
mod line;
mod maxima;
mod patch;
mod place;
mod profile;
mod ray;
mod sight;
mod surface;
mod viewshed;
mod walk;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use biome::Biome;
pub use place::Place;
pub use profile::{ProfileError, ProfilePoint};
pub use ray::{Ray, RayError, RayHit};
pub use sight::Sight;
pub use surface::Ground;
pub use viewshed::{Seen, Viewshed, ViewshedError, ViewshedOptions};

use crate::planet::Planet;
use crate::store::{Samples, StoreError, StoredTile, TileStore};
use crate::terrain::LatticeSpec;
use finder::{Finder, Spot};

/// A planet's ground, answered from its tiles.
///
/// Cloning shares everything. Making one costs 32 to 64 bytes a tile of the finest level.
#[derive(Clone)]
pub struct Terrain {
    store: Arc<dyn TileStore>,
    finder: Arc<Finder>, // of the store's tiles
    number: u64,         // what threads keep of its tiles is kept under; never used twice
}

impl Terrain {
    /// The ground of a store's planet.
    pub fn new(store: Arc<dyn TileStore>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let finder = Finder::new(store.cells(), store.manifest().lattice());
        Self {
            finder: Arc::new(finder),
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            store,
        }
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn TileStore> {
        &self.store
    }

    /// The planet's size.
    pub fn planet(&self) -> Planet {
        self.store.manifest().planet()
    }

    /// The finest tile that holds leaf (i, j) of a face.
    #[inline(always)]
    fn finest(&self, face: u8, i: u32, j: u32) -> Result<Spot, StoreError> {
        match self.finder.finest(face, i, j) {
            Ok(spot) => Ok(spot),
            Err(_) => self.coarser(face, i, j),
        }
    }

    /// The same where the ground is not known to the finest level.
    #[cold]
    fn coarser(&self, face: u8, i: u32, j: u32) -> Result<Spot, StoreError> {
        let finest = self.store.nodes().finest_at(face, i, j)?;
        Ok(Spot {
            face,
            level: finest.level,
            column: finest.column,
            row: finest.row,
            slot: finest.slot as u32, // a table of tiles has fewer
        })
    }

    fn lattice(&self) -> &LatticeSpec {
        self.store.manifest().lattice()
    }
}
