//! Map makers, one for each thread that draws.

use std::sync::{Arc, Mutex, PoisonError};

use clap::ValueEnum;
use spatial_core::{Effort, MapMaker, MapRaster, MercatorTile, StoreError, TileStore, encode_png};

/// What a tile of the web's map shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Picture {
    /// Heights in the colours that globe and map viewers read
    Terrarium,
    /// The ground's colours in light from the upper left
    Shaded,
}

impl Picture {
    /// Its name, as it is given.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Terrarium => "terrarium",
            Self::Shaded => "shaded",
        }
    }

    /// The PNG of a tile.
    pub(super) fn png(
        self,
        maker: &mut MapMaker,
        tile: MercatorTile,
        effort: Effort,
    ) -> Result<Vec<u8>, StoreError> {
        let raster = maker.mercator(tile)?;
        let png = self.png_of(maker, &raster, effort);
        maker.reuse(raster);
        Ok(png)
    }

    /// The PNG of a tile's heights.
    pub(super) fn png_of(self, maker: &MapMaker, raster: &MapRaster, effort: Effort) -> Vec<u8> {
        let colours = match self {
            Self::Terrarium => raster.terrarium(maker.store().manifest().lattice()),
            // A tile of the web's map has a height everywhere.
            Self::Shaded => raster.shaded([0; 3]),
        };
        let side = MercatorTile::SIDE;
        encode_png((side, side), &colours, effort)
    }
}

/// Makers of one planet's maps. A maker keeps the tiles that it met, so those that are free are used again.
pub(super) struct Makers {
    store: Arc<dyn TileStore>,
    free: Mutex<Vec<MapMaker>>, // never more than threads were drawing at a time
}

impl Makers {
    pub(super) fn new(store: Arc<dyn TileStore>) -> Self {
        Self {
            store,
            free: Mutex::default(),
        }
    }

    /// The planet's tiles.
    pub(super) fn store(&self) -> &dyn TileStore {
        &*self.store
    }

    /// Lets a maker draw.
    pub(super) fn with<T>(&self, draw: impl FnOnce(&mut MapMaker) -> T) -> T {
        let free = || self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = free().pop();
        let mut maker = taken.unwrap_or_else(|| MapMaker::new(Arc::clone(&self.store)));
        let drawn = draw(&mut maker);
        free().push(maker);
        drawn
    }
}
