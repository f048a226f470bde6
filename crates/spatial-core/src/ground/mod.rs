//! The ground of a planet, answered from its tiles.
//!
//! What is true: the surface is `|p| = R + h(s, t)`, with h bilinear in (s, t) between the four samples around a place, of the
//! finest tile there. Everything here is a question about that surface.

mod biome;
mod grid;
mod height;
mod line;
mod maxima;
mod patch;
mod place;
mod profile;
mod quartic;
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
pub use quartic::first_not_positive;
pub use ray::{Ray, RayError, RayHit};
pub use sight::Sight;
pub use surface::Ground;
pub(crate) use surface::water_depth_m;
pub use viewshed::{Seen, Viewshed, ViewshedError, ViewshedOptions};

use crate::planet::Planet;
use crate::store::{Finest, FinestTable, Samples, StoreError, StoredTile, TileStore};
use crate::terrain::LatticeSpec;

/// A planet's ground, answered from its tiles.
///
/// Making and cloning one costs nothing: everything is shared.
#[derive(Clone)]
pub struct Terrain {
    store: Arc<dyn TileStore>,
    table: Arc<FinestTable>, // the store's
    number: u64,             // what threads keep of its tiles is kept under; never used twice
    highest: i16,            // sample of all, as far as one knows
}

impl Terrain {
    /// The ground of a store's planet.
    pub fn new(store: Arc<dyn TileStore>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let nodes = store.nodes();
        let table = Arc::clone(nodes.finest_table());
        let highest = (0..6).map(|face| nodes.node(face).max()).max();
        Self {
            // What is missing may be higher.
            highest: highest.filter(|_| table.is_whole()).unwrap_or(i16::MAX),
            table,
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
    fn finest(&self, face: u8, i: u32, j: u32) -> Result<Finest, StoreError> {
        self.table.finest(face, i, j)
    }

    /// Whether ground is known everywhere.
    #[inline(always)]
    fn is_whole(&self) -> bool {
        self.table.is_whole()
    }

    fn lattice(&self) -> &LatticeSpec {
        self.store.manifest().lattice()
    }
}
