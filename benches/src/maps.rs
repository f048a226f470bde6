//! Tiles of the web's map: 512² pixels from the store to a PNG.

use std::path::Path;
use std::sync::Arc;

use spatial_core::{
    Effort, MapMaker, MercatorTile, PackStore, Projection, WebMercator, encode_png,
};

use crate::case::{Case, Size, hash_of};
use crate::height::BUNDLED;
use crate::srtm::Square;

/// What a tile shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Picture {
    Terrarium,
    Shaded,
}

/// A planet's tiles around a place, drawn one after the other on one thread, hot.
pub(crate) struct MapTiles {
    maker: MapMaker,
    tiles: Vec<MercatorTile>,
    picture: Picture,
    pngs: Vec<Vec<u8>>,
}

impl MapTiles {
    /// The bundled Earth: of each zoom, to one beyond its finest, the tile that the Alps are in.
    pub(crate) fn of_earth(size: Size, picture: Picture) -> Option<Self> {
        let maker = MapMaker::new(Arc::new(PackStore::open(Path::new(BUNDLED)).ok()?));
        let zooms = 0..=maker.finest_zoom() + 1;
        let tiles = zooms.map(|z| tile_at(z, (46.5, 10.2))).collect();
        Some(Self::new(size, maker, tiles, picture))
    }

    /// A square of a degree of SRTM at its finest zoom: the four tiles around its middle.
    pub(crate) fn of_srtm(size: Size, picture: Picture) -> Option<Self> {
        let square = Square::load("N44W072")?;
        let middle = (square.south_deg + 0.5, square.west_deg + 0.5);
        let maker = MapMaker::new(Arc::new(square.planet()));
        let first = tile_at(maker.finest_zoom(), middle);
        let around =
            |k: i64| MercatorTile::new(first.z(), i64::from(first.x()) + k % 2, first.y() + k / 2);
        let tiles = (0..4)
            .map(|k| around(k).expect("the zoom of the first"))
            .collect();
        Some(Self::new(size, maker, tiles, picture))
    }

    fn new(size: Size, maker: MapMaker, mut tiles: Vec<MercatorTile>, picture: Picture) -> Self {
        if size == Size::Tiny {
            tiles.truncate(1);
        }
        Self {
            maker,
            tiles,
            picture,
            pngs: Vec::new(),
        }
    }

    /// How many tiles there are.
    pub(crate) fn count(&self) -> usize {
        self.tiles.len()
    }

    /// The PNG of one of them.
    pub(crate) fn draw(&mut self, tile: usize) -> Vec<u8> {
        let raster = self
            .maker
            .mercator(self.tiles[tile])
            .expect("every tile is there");
        let colours = match self.picture {
            Picture::Terrarium => raster.terrarium(self.maker.store().manifest().lattice()),
            Picture::Shaded => raster.shaded([0; 3]),
        };
        self.maker.reuse(raster);
        let side = MercatorTile::SIDE;
        encode_png((side, side), &colours, Effort::Fast)
    }
}

impl Case for MapTiles {
    fn operations(&self) -> u64 {
        self.tiles.len() as u64
    }

    fn run(&mut self) {
        self.pngs = (0..self.count()).map(|n| self.draw(n)).collect();
    }

    fn hash(&self) -> u64 {
        hash_of(self.pngs.iter().flatten().map(|byte| u64::from(*byte)))
    }
}

/// The tile of a zoom that a place is in.
fn tile_at(z: u8, (lat_deg, lon_deg): (f64, f64)) -> MercatorTile {
    let (x_m, y_m) = WebMercator
        .forward(lat_deg, lon_deg)
        .expect("a place of the map");
    let side_m = WebMercator::TURN_M / f64::from(1u32 << z);
    let number = |along_m: f64| ((along_m + WebMercator::TURN_M / 2.0) / side_m) as i64;
    MercatorTile::new(z, number(x_m), number(-y_m)).expect("a zoom of the map")
}
