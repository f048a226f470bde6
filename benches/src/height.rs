//! Heights of the ground.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use spatial_core::{
    Ecef, Geodetic, Manifest, MemoryStore, PackStore, PackWriter, Place, Planet, Terrain, TileStore,
};

use crate::case::{Case, Size, hash_of};
use crate::ground::{lattice, leaf_cells, tile};
use crate::places::{in_cell_order, uniform};
use crate::seeded::Seeded;

const COUNT: usize = 10_000;

/// The pack that the repository carries.
pub(crate) const BUNDLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/earth-1024.pack");

/// Places given planet-centred.
pub(crate) type ByEcef = Heights<Ecef>;
/// Places given by latitude and longitude.
pub(crate) type ByGeodetic = Heights<Geodetic>;

/// Heights at places all over the planet, in random order.
pub(crate) struct Heights<P> {
    terrain: Terrain,
    places: Vec<P>,
    heights_m: Vec<f64>,
}

impl Heights<Ecef> {
    pub(crate) fn in_memory(size: Size) -> Self {
        Self::new(Arc::new(memory()), uniform(size.of(COUNT)))
    }

    /// Tiles are read where they lie.
    pub(crate) fn in_raw_pack(size: Size) -> Self {
        let pack = PackStore::from_bytes(raw_pack(), "raw pack").expect("the pack just written");
        Self::new(Arc::new(pack), uniform(size.of(COUNT)))
    }

    /// Tiles are decoded when first met; all places lie in four of them, as around a player.
    pub(crate) fn in_bundled_pack(size: Size) -> Option<Self> {
        let pack = PackStore::open(Path::new(BUNDLED)).ok()?;
        let mut seeded = Seeded(3);
        let place = |_| {
            let degrees = |center: f64, seeded: &mut Seeded| center + seeded.signed();
            let (lat, lon) = (degrees(46.02, &mut seeded), degrees(7.75, &mut seeded));
            Planet::EARTH.ecef(Geodetic::from_degrees(lat, lon, 0.0).expect("in the Alps"))
        };
        let places = (0..size.of(COUNT)).map(place).collect();
        Some(Self::new(Arc::new(pack), places))
    }
}

impl Heights<Geodetic> {
    pub(crate) fn in_memory(size: Size) -> Self {
        let places = uniform(size.of(COUNT));
        let places = places.into_iter().map(|p| Planet::EARTH.geodetic(p));
        Self::new(Arc::new(memory()), places.collect())
    }
}

impl<P> Heights<P> {
    fn new(store: Arc<dyn TileStore>, places: Vec<P>) -> Self {
        Self {
            terrain: Terrain::new(store),
            heights_m: Vec::with_capacity(places.len()),
            places,
        }
    }
}

impl<P: Place + Copy> Case for Heights<P> {
    fn operations(&self) -> u64 {
        self.places.len() as u64
    }

    fn run(&mut self) {
        let height = |place: &P| self.terrain.height(*place).expect("every tile is there");
        self.heights_m.clear();
        self.heights_m.extend(self.places.iter().map(height));
    }

    fn hash(&self) -> u64 {
        hash_of(self.heights_m.iter().map(|height_m| height_m.to_bits()))
    }
}

pub(crate) fn memory() -> MemoryStore {
    let manifest = Manifest::new(Planet::EARTH, lattice(), "made for benches", "none");
    MemoryStore::new(manifest, leaf_cells().map(tile)).expect("tiles of the lattice")
}

/// Heights of many places in one call, in cell order.
pub(crate) struct Batch(Heights<Ecef>);

impl Batch {
    pub(crate) fn in_memory(size: Size) -> Self {
        let places = in_cell_order(uniform(size.of(COUNT)));
        let mut heights = Heights::new(Arc::new(memory()), places);
        heights.heights_m.resize(heights.places.len(), 0.0);
        Self(heights)
    }
}

impl Case for Batch {
    fn operations(&self) -> u64 {
        self.0.operations()
    }

    fn run(&mut self) {
        let Heights {
            terrain,
            places,
            heights_m,
        } = &mut self.0;
        terrain
            .heights(places, heights_m)
            .expect("every tile is there");
    }

    fn hash(&self) -> u64 {
        self.0.hash()
    }
}

fn raw_pack() -> Vec<u8> {
    let store = memory();
    let mut writer =
        PackWriter::new(Cursor::new(Vec::new()), store.manifest()).expect("a short manifest");
    for cell in store.cells() {
        let tile = store.load(*cell).expect("a tile in memory");
        writer
            .push(*cell, &tile.encode_raw())
            .expect("cells ascend and memory holds them");
    }
    let written = writer.finish().expect("as many tiles as the manifest says");
    written.into_inner()
}
