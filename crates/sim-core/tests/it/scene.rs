//! A small planet with ground, and agents at its awkward places.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use sim_core::{Agent, FINE_PER_M, Input, Kind, KindId, Record, World, WorldStart};
use spatial_core::{
    CellId, Ecef, EntityId, Geodetic, HeightTile, LatticeSpec, Planet, Position, face_st,
};

pub(crate) const TICK_RATE_HZ: u16 = 30;

/// Poles, antimeridian, cube edge, cube corner (lat = atan(1/√2)), and ordinary places.
pub(crate) const PLACES_DEG: [(f64, f64); 8] = [
    (90.0, 0.0),
    (-90.0, 0.0),
    (-17.3, 180.0),
    (0.0, 45.0),
    (35.264_389_682_754_654, -45.0),
    (35.264_389_682_754_654, 135.0),
    (46.95, 7.44),
    (-33.9, 18.4),
];

pub(crate) fn lattice() -> LatticeSpec {
    LatticeSpec::new(2, 32, 0.0, 1.0).expect("a legal lattice")
}

/// Rolling hills of ±1.5 km, a pure function of the direction. Those of the collision level are made once.
pub(crate) fn tile(cell: CellId) -> Arc<HeightTile> {
    static MADE: OnceLock<BTreeMap<CellId, Arc<HeightTile>>> = OnceLock::new();
    let made = MADE.get_or_init(|| cells().map(|cell| (cell, made(cell))).collect());
    made.get(&cell).cloned().unwrap_or_else(|| self::made(cell))
}

fn made(cell: CellId) -> Arc<HeightTile> {
    let spec = lattice();
    let n = u32::from(spec.intervals());
    let (face, i, j) = cell.to_face_ij();
    let leaves_per_sample = (1u32 << 30) / spec.face_intervals();
    let mut samples = Vec::new();
    for row in 0..=n {
        for column in 0..=n {
            let p = spec.direction(
                face,
                i / leaves_per_sample + column,
                j / leaves_per_sample + row,
            );
            samples.push(
                (1_500.0 * (3.0 * p.x * p.y + 2.0 * p.z * p.x - p.y * p.z * p.z) / 3.0) as i16,
            );
        }
    }
    Arc::new(HeightTile::new(cell, spec.intervals(), samples).expect("samples of a whole tile"))
}

/// The tiles of the collision level.
pub(crate) fn tiles() -> impl Iterator<Item = Arc<HeightTile>> {
    cells().map(tile)
}

fn cells() -> impl Iterator<Item = CellId> {
    (0..6u8).flat_map(|face| {
        let root = CellId::from_face_ij(face, 0, 0, 0);
        root.children().expect("a face has children")
    })
}

pub(crate) fn empty_world() -> World {
    empty_world_on(Planet::EARTH)
}

pub(crate) fn empty_world_on(planet: Planet) -> World {
    World::new(WorldStart {
        world_id: 7,
        planet,
        tick_rate_hz: TICK_RATE_HZ,
        gravity: WorldStart::EARTH_GRAVITY,
        lattice: lattice(),
    })
    .expect("a legal start")
}

/// Walks at most 4 m/s.
pub(crate) const WALKER: KindId = KindId(0);
/// Walks as fast as anybody can.
pub(crate) const RACER: KindId = KindId(3);

/// A character that walks at most 4 m/s, and one as fast as can be.
pub(crate) const CHARACTER: KindId = KindId(1);
pub(crate) const RUNNER: KindId = KindId(4);
/// A ball of 0.1 m.
pub(crate) const BALL: KindId = KindId(5);

/// The kinds that a test's worlds have.
pub(crate) fn kinds() -> [Record; 5] {
    [
        (WALKER, Kind::crowd(1_024)),
        (CHARACTER, Kind::character(1_024)),
        (RACER, Kind::crowd(u16::MAX)),
        (RUNNER, Kind::character(25_600)),
        (BALL, Kind::flyer(26)),
    ]
    .map(|(id, kind)| Record::Kind { id, kind })
}

/// Stages every tile and gives the records that make them resident, and those of the kinds.
pub(crate) fn all_ground(world: &mut World) -> Vec<Record> {
    let tiles = tiles().map(|tile| {
        let record = Record::Resident {
            tile: tile.cell(),
            checksum: tile.checksum(),
        };
        world.stage(tile);
        record
    });
    kinds().into_iter().chain(tiles).collect()
}

pub(crate) fn at(lat_deg: f64, lon_deg: f64) -> Position {
    at_on(Planet::EARTH, lat_deg, lon_deg)
}

pub(crate) fn at_on(planet: Planet, lat_deg: f64, lon_deg: f64) -> Position {
    let place = planet.ecef(Geodetic::from_degrees(lat_deg, lon_deg, 0.0).expect("a legal place"));
    planet.position(place).expect("within the shell")
}

/// A walker at a position.
pub(crate) fn walker(position: Position) -> Agent {
    Agent {
        position,
        kind: WALKER,
        ..Agent::default()
    }
}

/// One agent on resident ground, ticked once so that it stands on it.
pub(crate) fn lone_walker(position: Position) -> (World, EntityId) {
    let mut world = empty_world();
    let mut records = all_ground(&mut world);
    let entity = EntityId(1);
    records.push(Record::Spawn {
        entity,
        agent: walker(position),
    });
    world.step(0, &records).expect("the first step");
    (world, entity)
}

pub(crate) fn wish(entity: EntityId, east_mps: f64, north_mps: f64) -> Record {
    Record::Input {
        entity,
        input: Input {
            east: (east_mps * FINE_PER_M) as i16,
            north: (north_mps * FINE_PER_M) as i16,
            ..Input::default()
        },
    }
}

/// Height of the ground under a place above the datum, from its tile alone.
pub(crate) fn ground_m(place: Ecef) -> f64 {
    let spec = lattice();
    let (face, s, t) = face_st(place.to_vec());
    tile(spec.tile_of(face, s, t)).height_m(&spec, face, s, t)
}

/// A seeded generator (splitmix64).
#[derive(Clone)]
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}
