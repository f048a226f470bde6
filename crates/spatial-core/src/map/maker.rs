//! Drawing rasters.

use std::sync::Arc;

use super::mesh::{Lattice, Nodes, PlaceMesh, RowPlaces};
use super::tiles::TileWindow;
use super::{MapGrid, MapRaster, MapWindow, MercatorTile, Places};
use crate::cell::{FACE_PLACES, FacePlaces, face_places};
use crate::simd::SimdLevel;
use crate::store::{StoreError, TileStore};

/// Pixels of a raster, its border included.
const PIXELS_MAX: u64 = 1 << 26;

/// Draws a planet's ground onto maps. It keeps up to 1,024 tiles (34 MB): one for each thread, for neighbouring maps one after
/// the other.
pub struct MapMaker {
    store: Arc<dyn TileStore>,
    tiles: TileWindow,
    lattice: Lattice,
    row: Row,
    nodes: Nodes,
    spare: Option<MapRaster>,
}

impl MapMaker {
    /// Of a store's planet.
    pub fn new(store: Arc<dyn TileStore>) -> Self {
        let tiles = TileWindow::new(&*store);
        Self {
            lattice: tiles.lattice(&*store),
            row: Row::default(),
            nodes: Nodes::default(),
            spare: None,
            tiles,
            store,
        }
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn TileStore> {
        &self.store
    }

    /// The zoom from which on tiles of the web's map show all that the planet has: at the equator a pixel is no larger than the
    /// distance of its finest samples. At most [`MercatorTile::Z_MAX`].
    pub fn finest_zoom(&self) -> u8 {
        let around_m = core::f64::consts::TAU * self.lattice.radius_m;
        let pixel_m = |z: u8| around_m / (f64::from(MercatorTile::SIDE) * f64::from(1u32 << z));
        let finest_m = self.lattice.spacing_m(self.lattice.leaf_level);
        let mut zooms = 0..MercatorTile::Z_MAX;
        zooms
            .find(|z| pixel_m(*z) <= finest_m)
            .unwrap_or(MercatorTile::Z_MAX)
    }

    /// Metres between the finest samples, in the mean of a face.
    pub fn finest_spacing_m(&self) -> f64 {
        self.lattice.spacing_m(self.lattice.leaf_level)
    }

    /// The heights of a window of a map. Pixels in whose middle the map has no place have none.
    ///
    /// Places are right within 1/64 of the interval between two samples, heights are bilinear between the samples of the coarsest level
    /// with an interval that is no longer than a pixel (in the mean of a face; a pixel's is the root of its area); of the finest where
    /// there is none. 16 bytes a pixel. A window without columns or rows has no pixels.
    ///
    /// # Panics
    /// When the window has more than 2²⁶ pixels, with one more on each side (1 GiB).
    ///
    /// # Errors
    /// [`StoreError`] when a tile is damaged, or absent where the planet's manifest says that this is an error.
    pub fn raster(
        &mut self,
        grid: &MapGrid<'_>,
        window: MapWindow,
    ) -> Result<MapRaster, StoreError> {
        let border = MapRaster::BORDER;
        let [width, height] = [window.width, window.height].map(|n| u64::from(n) + 2);
        assert!(
            // Both are less than 2³³.
            width <= PIXELS_MAX && height <= PIXELS_MAX && width * height <= PIXELS_MAX,
            "{} × {} pixels are too many for a raster",
            window.width,
            window.height
        );
        let around = MapWindow {
            // Columns so far away are no longer told from their neighbours anyway.
            column: window.column.saturating_sub(i64::from(border)),
            row: window.row.saturating_sub(i64::from(border)),
            width: window.width + 2 * border,
            height: window.height + 2 * border,
        };
        let mut raster = self.blank(around.width, around.height);
        self.draw(grid, around, 0, &mut raster)?;
        Ok(raster)
    }

    /// The heights of a tile of the web's map.
    ///
    /// # Errors
    /// As [`MapMaker::raster`].
    pub fn mercator(&mut self, tile: MercatorTile) -> Result<MapRaster, StoreError> {
        let border = MapRaster::BORDER;
        let side = MercatorTile::SIDE + 2 * border;
        let mut raster = self.blank(side, side);
        let on_map = tile.on_map();
        let (window, before) = on_map.window(border);
        self.draw(&on_map, window, before, &mut raster)?;
        // Beyond the map its first or last row of pixels goes on.
        match tile.y().saturating_sub(on_map.y()) {
            0 => {}
            ..0 => raster.repeat_ends(border as usize, 1),
            1.. => raster.repeat_ends((side - 1 - border) as usize, 1),
        }
        Ok(raster)
    }

    /// Takes a raster's memory for the next one. To ask the system for it takes a millisecond of 512² pixels.
    pub fn reuse(&mut self, raster: MapRaster) {
        self.spare = Some(raster);
    }

    /// A raster whose pixels are still to be drawn, all of them.
    fn blank(&mut self, width: u32, height: u32) -> MapRaster {
        let mut raster = self.spare.take().unwrap_or(MapRaster::EMPTY);
        raster.resize(width, height);
        raster
    }

    /// Draws a window into the rows of a raster from one on; rows before and after are those at its ends.
    fn draw<P: Places>(
        &mut self,
        places: &P,
        window: MapWindow,
        before: u32,
        raster: &mut MapRaster,
    ) -> Result<(), StoreError> {
        let kept = core::mem::take(&mut self.nodes);
        let mesh = PlaceMesh::new(places, window, self.lattice, kept);
        for row in 0..window.height as usize {
            mesh.row(row, &mut self.row.places);
            self.row.find_heights(&*self.store, &mut self.tiles)?;
            raster.put_row(before as usize + row, &self.row.places, &self.row.heights_m);
        }
        self.nodes = mesh.into_nodes();
        raster.repeat_ends(before as usize, window.height as usize);
        Ok(())
    }
}

/// A row of pixels.
#[derive(Default)]
struct Row {
    places: RowPlaces,
    heights_m: Vec<f32>, // NaN where there is none
}

impl Row {
    fn find_heights(
        &mut self,
        store: &dyn TileStore,
        tiles: &mut TileWindow,
    ) -> Result<(), StoreError> {
        let Self { places, heights_m } = self;
        heights_m.clear();
        heights_m.resize(places.directions.len(), f32::NAN);
        let simd = SimdLevel::detected();
        let mut on_faces = FacePlaces::ZERO;
        let chunks = places.directions.chunks(FACE_PLACES);
        let levels = places.levels.chunks(FACE_PLACES);
        for ((directions, levels), out) in chunks.zip(levels).zip(heights_m.chunks_mut(FACE_PLACES))
        {
            face_places(simd, directions, &mut on_faces);
            let mut at = 0;
            while at < out.len() {
                at = match directions[at].is_nan() {
                    true => at + 1,
                    false => tiles.heights_m(store, (levels, &on_faces), at, out)?,
                };
            }
        }
        Ok(())
    }
}
