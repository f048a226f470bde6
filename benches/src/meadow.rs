//! A square kilometre with a sample every metre, near the middle of a face of the cube: there the lattice is as good as a square
//! grid, which is what other engines have.

use std::sync::Arc;

use sim_core::{Record, World, WorldStart};
use spatial_core::{DVec3, Ecef, HeightTile, LatticeSpec, Planet, cell_at};

use crate::ground::{hills_m, tile_of};

/// Samples along an edge of the square.
pub(crate) const SIDE: usize = 1_025;
const FACE: u8 = 0;
const LEVEL: u8 = 16;
/// Tiles along an edge.
const TILES: u32 = 8;
/// The tile in the corner: a kilometre from the middle of the face, and all in one frame.
const FIRST: u32 = (1 << 15) + 4;
/// How high it lies: out of the sea.
const BASE_M: f64 = 100.0;
/// Steps of stored height.
const QUANTUM_M: f64 = 1.0 / 256.0;

/// The square: places in it are metres east and north of its middle, and above the datum.
pub(crate) struct Meadow {
    lattice: LatticeSpec,
    tiles: Vec<Arc<HeightTile>>, // row by row, from the south-west
    middle: DVec3,               // a unit vector
    axes: [DVec3; 2],            // east and north
    step_m: [f64; 2],            // between samples to the east and to the north
}

impl Meadow {
    pub(crate) fn new() -> Self {
        let lattice = LatticeSpec::new(LEVEL + 1, 128, BASE_M, QUANTUM_M).expect("a legal lattice");
        let cell = |k: u32| cell_at(FACE, LEVEL, FIRST + k % TILES, FIRST + k / TILES);
        let tiles = (0..TILES * TILES).map(|k| Arc::new(tile_of(lattice, cell(k), knolls)));
        let first = FIRST * 128;
        let half = TILES * 64;
        let at = |east: u32, north: u32| lattice.direction(FACE, first + east, first + north);
        let middle = at(half, half).normalize();
        let across = [
            at(half + 64, half) - at(half - 64, half),
            at(half, half + 64) - at(half, half - 64),
        ];
        Self {
            lattice,
            tiles: tiles.collect(),
            middle,
            axes: across.map(DVec3::normalize),
            step_m: across.map(|way| way.length() * Planet::EARTH.radius_m() / 128.0),
        }
    }

    /// A world at its first tick, and what that is told so that all of the square is ground.
    pub(crate) fn world(&self) -> (World, Vec<Record>) {
        let mut world = World::new(WorldStart {
            world_id: 1,
            planet: Planet::EARTH,
            tick_rate_hz: 30,
            gravity: WorldStart::EARTH_GRAVITY,
            lattice: self.lattice,
        })
        .expect("a legal start");
        let mut records = Vec::new();
        for tile in &self.tiles {
            records.push(Record::Resident {
                tile: tile.cell(),
                checksum: tile.checksum(),
            });
            world.stage(Arc::clone(tile));
        }
        (world, records)
    }

    /// Metres between samples to the north and to the east.
    pub(crate) fn step_m(&self) -> [f64; 2] {
        [self.step_m[1], self.step_m[0]]
    }

    /// A sample, metres: rows go north, columns east.
    pub(crate) fn sample_m(&self, row: usize, column: usize) -> f32 {
        let tiles = TILES as usize;
        let tile = |n: usize| (n / 128).min(tiles - 1);
        let (north, east) = (tile(row), tile(column));
        let samples = self.tiles[north * tiles + east].samples();
        let value = samples[(row - 128 * north) * 129 + column - 128 * east];
        (BASE_M + f64::from(value) * QUANTUM_M) as f32
    }

    /// The ground's height at a place, between the four samples around it.
    pub(crate) fn ground_m(&self, [east, north]: [f64; 2]) -> f64 {
        let [x, y] = self.samples([east, north]);
        let (i, j) = (x.floor(), y.floor());
        let sample = |di, dj| f64::from(self.sample_m(j as usize + dj, i as usize + di));
        let along = |dj| sample(0, dj) + (x - i) * (sample(1, dj) - sample(0, dj));
        along(0) + (y - j) * (along(1) - along(0))
    }

    /// Samples east and north of the corner.
    pub(crate) fn samples(&self, [east, north]: [f64; 2]) -> [f64; 2] {
        let half = 0.5 * (SIDE - 1) as f64;
        [east / self.step_m[0] + half, north / self.step_m[1] + half]
    }

    /// Where that is on the planet.
    pub(crate) fn place(&self, [east, north]: [f64; 2], up_m: f64) -> Ecef {
        let radius_m = Planet::EARTH.radius_m();
        let flat = self.middle * radius_m + self.axes[0] * east + self.axes[1] * north;
        let [x, y, z] = (flat.normalize() * (radius_m + up_m)).to_array();
        Ecef::new(x, y, z).expect("near the ground")
    }

    /// Metres east and north of the middle.
    pub(crate) fn aside_m(&self, place: Ecef) -> [f64; 2] {
        let p = place.to_vec();
        let scale = Planet::EARTH.radius_m() / p.dot(self.middle);
        self.axes.map(|axis| p.dot(axis) * scale)
    }
}

/// Slopes of up to 25°, in knolls of 100 m, of 12 m and of 3 m.
fn knolls(p: DVec3) -> f64 {
    BASE_M + hills_m(p, &[(63_000.0, 8.0), (530_000.0, 0.3), (2_100_000.0, 0.03)])
}
