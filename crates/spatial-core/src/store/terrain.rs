//! Heights on a planet.

use std::sync::Arc;

use glam::DVec3;

use super::{StoreError, TileStore};
use crate::planet::{Ecef, Geodetic, Planet};
use crate::terrain::face_st;

/// A planet's ground, answered from its tiles.
#[derive(Clone)]
pub struct Terrain {
    store: Arc<dyn TileStore>,
}

impl Terrain {
    /// The ground of a store's planet.
    pub fn new(store: Arc<dyn TileStore>) -> Self {
        Self { store }
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn TileStore> {
        &self.store
    }

    /// The planet's size.
    pub fn planet(&self) -> Planet {
        self.store.manifest().planet()
    }

    /// Height of the ground above the datum, metres, below or above a place: bilinear between the four samples of
    /// the finest level around it. The place's own height does not matter.
    ///
    /// From [`Ecef`] without trigonometry; from [`Geodetic`] two `sincos` more.
    ///
    /// # Errors
    /// [`StoreError`] when the tile is missing or damaged.
    pub fn height(&self, place: impl Place) -> Result<f64, StoreError> {
        let spec = self.store.manifest().lattice();
        let (face, s, t) = face_st(place.direction());
        let cell = spec.tile_of(face, s, t);
        let tile = self.store.tile(cell)?;
        tile.height_m(spec, face, s, t)
            .map_err(|e| StoreError::tile(self.store.file(), cell, e))
    }
}

/// A place that has a direction from the planet's centre: [`Ecef`] and [`Geodetic`].
pub trait Place: sealed::Sealed {
    /// The direction, of any length.
    fn direction(&self) -> DVec3;
}

impl Place for Ecef {
    fn direction(&self) -> DVec3 {
        self.to_vec()
    }
}

impl Place for Geodetic {
    fn direction(&self) -> DVec3 {
        Geodetic::direction(*self)
    }
}

mod sealed {
    use crate::planet::{Ecef, Geodetic};

    pub trait Sealed {}
    impl Sealed for Ecef {}
    impl Sealed for Geodetic {}
}
