//! People who walk about as people do: from goal to goal, with turns and stops, over real relief where it is there.

use std::collections::BTreeSet;
use std::sync::Arc;

use net_proto::EntityState;
use sim_core::{Agent, FINE_PER_M, Input, Kind, KindId, Record, World, WorldStart};
use spatial_core::{
    CellId, DVec3, Ecef, EntityId, Frame, Geodetic, HeightTile, LatticeSpec, Planet, TileStore,
};

use crate::ground::{hills_m, tile_of};
use crate::seeded::Seeded;
use crate::srtm::{SIDE, Square};

/// Ticks a second, and snapshots.
pub(crate) const RATE_HZ: u16 = 20;
/// How fast they may walk.
const SPEED_MPS: f64 = 1.4;
/// How far they turn in a tick, 2⁻¹⁶ turns: half a turn takes a second.
const TURN_MAX: i16 = 1_638;
/// They fall so far when they come.
const FALL_M: f64 = 10.0;
/// Ticks until they stand, and walk at their own pace.
const SETTLING: u64 = 120;

/// People who stay within so far of a place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Town {
    pub(crate) middle: DVec3, // a unit vector
    pub(crate) radius_m: f64,
    pub(crate) people: usize,
}

/// What they walk on.
pub(crate) struct Land {
    lattice: LatticeSpec,
    tiles: Vec<Arc<HeightTile>>,
    square: Option<Square>,
}

impl Land {
    /// The White Mountains, or where those are not there, hills of our own in their place, around some middles.
    pub(crate) fn new(middles: &[DVec3]) -> Self {
        if let Some(square) = Square::load("N44W072") {
            let store = square.planet();
            let tiles = (0..store.cells().len()).map(|slot| store.load_at(slot));
            return Self {
                lattice: *store.manifest().lattice(),
                tiles: tiles.map(|tile| tile.expect("in memory")).collect(),
                square: Some(square),
            };
        }
        let lattice = LatticeSpec::new(11, 128, 0.0, 1.0).expect("a legal lattice");
        let around = |middle: &DVec3| -> Vec<CellId> {
            let tile = lattice.tile_at(*middle);
            tile.neighbors().into_iter().chain([tile]).collect()
        };
        let cells: BTreeSet<CellId> = middles.iter().flat_map(around).collect();
        let tiles = cells
            .into_iter()
            .map(|cell| Arc::new(tile_of(lattice, cell, made_up)));
        Self {
            lattice,
            tiles: tiles.collect(),
            square: None,
        }
    }

    /// Whether it is real.
    pub(crate) fn is_real(&self) -> bool {
        self.square.is_some()
    }

    /// About how high it is.
    fn height_m(&self, direction: DVec3) -> f64 {
        let Some(square) = &self.square else {
            return made_up(direction);
        };
        let lat_deg = libm::asin(direction.z).to_degrees();
        let lon_deg = libm::atan2(direction.y, direction.x).to_degrees();
        let samples = |degrees: f64| degrees * (SIDE - 1) as f64;
        square.height_m(
            samples(lat_deg - square.south_deg),
            samples(lon_deg - square.west_deg),
        )
    }

    fn world(&self) -> (World, Vec<Record>) {
        let mut world = World::new(WorldStart {
            world_id: 1,
            planet: Planet::EARTH,
            tick_rate_hz: RATE_HZ,
            gravity: WorldStart::EARTH_GRAVITY,
            lattice: self.lattice,
        })
        .expect("a legal start");
        let tiles = self.tiles.iter().map(|tile| {
            world.stage(Arc::clone(tile));
            Record::Resident {
                tile: tile.cell(),
                checksum: tile.checksum(),
            }
        });
        let records = tiles.collect();
        (world, records)
    }
}

/// A place in the square, by its degrees.
pub(crate) fn direction(lat_deg: f64, lon_deg: f64) -> DVec3 {
    let place = Geodetic::from_degrees(lat_deg, lon_deg, 0.0);
    place.expect("on the planet").direction()
}

fn made_up(direction: DVec3) -> f64 {
    300.0 + hills_m(direction, &[(10_000.0, 50.0), (37_000.0, 8.0)])
}

/// All people of some towns.
pub(crate) struct Strollers {
    world: World,
    towns: Vec<Town>,
    people: Vec<Stroller>, // number n is entity 1 + n
    records: Vec<Record>,
    seeded: Seeded,
}

struct Stroller {
    town: usize,
    goal: DVec3, // a unit vector
    pace: f64,   // 2⁻⁸ m/s
    heading: u16,
    rests: u64, // ticks
}

impl Strollers {
    /// They have come, and walk.
    pub(crate) fn new(land: &Land, towns: &[Town], seed: u64) -> Self {
        let (world, records) = land.world();
        let mut strollers = Self {
            world,
            towns: towns.to_vec(),
            people: Vec::new(),
            records,
            seeded: Seeded(seed),
        };
        strollers.records.push(Record::Kind {
            id: KindId(0),
            kind: Kind::character((SPEED_MPS * FINE_PER_M) as u16),
        });
        for (n, town) in towns.iter().enumerate() {
            (0..town.people).for_each(|_| strollers.come(land, n));
        }
        for _ in 0..SETTLING {
            strollers.step();
        }
        strollers
    }

    fn come(&mut self, land: &Land, town: usize) {
        let start = self.anywhere(town);
        let up_m = Planet::EARTH.radius_m() + land.height_m(start) + FALL_M;
        let [x, y, z] = (start * up_m).to_array();
        let place = Ecef::new(x, y, z).expect("near the ground");
        let stroller = Stroller {
            town,
            goal: self.anywhere(town),
            pace: (0.9 + 0.1 * self.seeded.signed()) * SPEED_MPS * FINE_PER_M - 1.0,
            heading: self.seeded.bits() as u16,
            rests: 0,
        };
        self.people.push(stroller);
        let agent = Agent {
            position: Planet::EARTH.position(place).expect("on the ground"),
            ..Agent::default()
        };
        let entity = EntityId(self.people.len() as u64);
        self.records.push(Record::Spawn { entity, agent });
    }

    /// A place in a town, evenly.
    fn anywhere(&mut self, town: usize) -> DVec3 {
        let Town {
            middle, radius_m, ..
        } = self.towns[town];
        loop {
            let [a, b] = [0; 2].map(|_| self.seeded.signed());
            if a * a + b * b <= 1.0 {
                let east = DVec3::new(-middle.y, middle.x, 0.0).normalize();
                let north = middle.cross(east);
                let aside = (east * a + north * b) * (radius_m / Planet::EARTH.radius_m());
                return (middle + aside).normalize();
            }
        }
    }

    /// A tick in which everybody goes on.
    pub(crate) fn step(&mut self) {
        for n in 0..self.people.len() {
            let entity = EntityId(n as u64 + 1);
            if let Some(row) = self.world.row_of(entity) {
                let input = self.wish(n, row);
                self.records.push(Record::Input { entity, input });
            }
        }
        let report = self.world.step(self.world.tick(), &self.records);
        let report = report.expect("the next tick, on staged ground");
        assert_eq!((report.held, report.refused), (0, 0));
        self.records.clear();
    }

    fn wish(&mut self, n: usize, row: usize) -> Input {
        let place = self.world.place(row).to_vec();
        let frame = Frame::new(Planet::EARTH, self.world.position(row).frame);
        let frame = frame.expect("the ground's");
        let way = frame.rotate_in(self.people[n].goal * place.length() - place);
        if way.x * way.x + way.y * way.y < 1.0 {
            self.arrive(n);
        }
        let person = &mut self.people[n];
        let aim = (libm::atan2(way.x, way.y) / core::f64::consts::TAU * 65_536.0) as i64 as u16;
        let off = aim.wrapping_sub(person.heading).cast_signed();
        let turn = off.clamp(-TURN_MAX, TURN_MAX);
        let mut speed = person.pace;
        if person.rests > 0 {
            person.rests -= 1;
            speed = 0.0;
        } else {
            person.heading = person.heading.wrapping_add_signed(turn);
        }
        let angle = f64::from(person.heading) / 65_536.0 * core::f64::consts::TAU;
        let (sin, cos) = libm::sincos(angle);
        Input {
            east: (sin * speed) as i16,
            north: (cos * speed) as i16,
            heading: person.heading,
            ..Input::default()
        }
    }

    /// At a goal a third of them stop for one to five seconds; all know where next.
    fn arrive(&mut self, n: usize) {
        self.people[n].goal = self.anywhere(self.people[n].town);
        if self.seeded.below(3) == 0 {
            let second = usize::from(RATE_HZ);
            self.people[n].rests = (second + self.seeded.below(4 * second)) as u64;
        }
    }

    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    /// Everybody's state, ascending by id.
    pub(crate) fn states_into(&self, states: &mut Vec<EntityState>) {
        let (ids, headings) = (self.world.ids(), self.world.headings());
        states.clear();
        states.extend(
            (0..ids.len())
                .map(|row| EntityState::new(ids[row], self.world.position(row), headings[row])),
        );
        states.sort_unstable_by_key(EntityState::id);
    }
}
