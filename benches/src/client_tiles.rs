//! Client tiles of real relief: from hot tiles that lie in memory, to bytes and back, and to a mesh.

use std::io::Cursor;

use spatial_core::{CellId, ClientTile, Codec, Geodetic, PackStore, PackWriter, Planet, TileStore};

use crate::case::{Case, Size, hash_of};
use crate::srtm::Square;

/// A square as a server has it, and the cells of its client tiles.
pub(crate) struct Scene {
    pub(crate) store: PackStore, // of hot tiles, read where they lie
    pub(crate) cells: Vec<CellId>,
}

impl Scene {
    /// A square by its name, with all client tiles of the finest level inside it, or some of them.
    pub(crate) fn load(name: &'static str, size: Size) -> Option<Self> {
        let square = Square::load(name)?;
        // Of the level above, for the parents of the finest client tiles.
        let memory = square.planet_of_levels(2);
        let manifest = memory.manifest();
        let mut writer = PackWriter::new(Cursor::new(Vec::new()), manifest).ok()?;
        for cell in memory.cells() {
            let tile = memory.load(*cell).expect("a tile in memory");
            let hot = tile.encode(Codec::Hot, None).expect("any samples");
            writer
                .push(*cell, &hot)
                .expect("cells ascend and memory holds them");
        }
        let bytes = writer
            .finish()
            .expect("as many tiles as it says")
            .into_inner();
        let store = PackStore::from_bytes(bytes, name).expect("the pack just written");
        let mut cells = inside(&square, manifest.lattice().levels());
        if size == Size::Tiny {
            cells.truncate(3);
        }
        // Checksums are verified at the first reading.
        cells.retain(|cell| ClientTile::of(&store, *cell).is_ok());
        Some(Self { store, cells })
    }

    pub(crate) fn tile(&self, cell: CellId) -> ClientTile {
        ClientTile::of(&self.store, cell).expect("it was made before")
    }

    pub(crate) fn tiles(&self) -> Vec<ClientTile> {
        self.cells.iter().map(|cell| self.tile(*cell)).collect()
    }

    pub(crate) fn mesh(&self, tile: &ClientTile) -> usize {
        let manifest = self.store.manifest();
        let mesh = tile.mesh(manifest.planet(), manifest.lattice(), [0, 1, 0, 0]);
        mesh.expect("one level").indices.len()
    }
}

/// Cells of a level all of whose corners lie 0.02° and more inside the square: what is around them does, too.
fn inside(square: &Square, level: u8) -> Vec<CellId> {
    let places =
        (0..10_000).map(|k| [f64::from(k / 100), f64::from(k % 100)].map(|x| (x + 0.5) / 100.0));
    let mut cells: Vec<CellId> = places
        .map(|[north, east]| {
            Geodetic::from_degrees(square.south_deg + north, square.west_deg + east, 0.0)
        })
        .map(|place| place.expect("inside the square").leaf().parent(level))
        .filter(|cell| {
            spatial_core::Cell::new(*cell).vertices().iter().all(|v| {
                let corner = spatial_core::Ecef::new(v.x, v.y, v.z).expect("a unit vector");
                let at = Planet::EARTH.geodetic(corner);
                let within = |x: f64| (0.02..=0.98).contains(&x);
                within(at.lat_deg() - square.south_deg) && within(at.lon_deg() - square.west_deg)
            })
        })
        .collect();
    cells.sort_unstable();
    cells.dedup();
    cells
}

/// What is timed, a tile.
#[derive(Clone, Copy)]
pub(crate) enum Work {
    Make,
    Encode(Codec),
    Decode(Codec),
    Mesh,
}

/// One kind of work on all client tiles of S33W071.
pub(crate) struct ClientTiles {
    scene: Scene,
    work: Work,
    tiles: Vec<ClientTile>,
    encoded: Vec<Vec<u8>>,
    hash: u64,
}

impl ClientTiles {
    pub(crate) fn new(size: Size, work: Work) -> Option<Self> {
        let mut scene = Scene::load("S33W071", size)?;
        if let Work::Encode(_) = work {
            scene.cells.truncate(50);
        }
        let tiles = scene.tiles();
        let codec = match work {
            Work::Decode(codec) => codec,
            _ => Codec::Wire,
        };
        let encoded = tiles
            .iter()
            .map(|tile| tile.encode(codec, None).expect("without a parent"));
        Some(Self {
            encoded: encoded.collect(),
            scene,
            work,
            tiles,
            hash: 0,
        })
    }
}

impl Case for ClientTiles {
    fn operations(&self) -> u64 {
        self.tiles.len() as u64
    }

    fn run(&mut self) {
        let scene = &self.scene;
        let of_tile = |tile: &ClientTile| tile.sample(7, 9) as u64;
        let each: Vec<u64> = match self.work {
            Work::Make => scene
                .cells
                .iter()
                .map(|cell| of_tile(&scene.tile(*cell)))
                .collect(),
            Work::Encode(codec) => {
                let bytes =
                    |tile: &ClientTile| tile.encode(codec, None).expect("without a parent").len();
                self.tiles.iter().map(|tile| bytes(tile) as u64).collect()
            }
            Work::Decode(_) => {
                let tile = |bytes: &Vec<u8>| ClientTile::decode(bytes, None).expect("just encoded");
                self.encoded
                    .iter()
                    .map(|bytes| of_tile(&tile(bytes)))
                    .collect()
            }
            Work::Mesh => self
                .tiles
                .iter()
                .map(|tile| scene.mesh(tile) as u64)
                .collect(),
        };
        self.hash = hash_of(each);
    }

    fn hash(&self) -> u64 {
        self.hash
    }
}
