//! Characters on a meadow.

use sim_core::{Agent, FINE_PER_M, Input, Kind, KindId, Record, World};
use spatial_core::{EntityId, Planet};

use crate::case::{Case, Size};
use crate::meadow::Meadow;
use crate::seeded::Seeded;

const COUNT: usize = 2_000;
/// They start within this far of the middle, along each axis: so few on so much ground rarely meet.
const HALF_M: f64 = 400.0;
const SPEED_MPS: f64 = 3.0;
/// They turn around after so many ticks, so that they stay on the meadow.
pub(crate) const TURN_TICKS: u64 = 300;

/// The kind of all of them.
pub(crate) fn person() -> Kind {
    Kind::character((SPEED_MPS * FINE_PER_M) as u16)
}

/// Characters who walk to and fro, each along a line of its own.
pub(crate) struct Walkers {
    pub(crate) meadow: Meadow,
    world: World,
    /// Where each starts, metres east and north.
    pub(crate) starts: Vec<[f64; 2]>,
    ways: Vec<[i16; 2]>, // wishes of the way there, 2⁻⁸ m/s
    records: Vec<Record>,
}

impl Walkers {
    pub(crate) fn new(size: Size) -> Self {
        let meadow = Meadow::new();
        let (world, mut records) = meadow.world();
        let mut seeded = Seeded(71);
        let kind = person();
        records.push(Record::Kind {
            id: KindId(0),
            kind,
        });
        let count = size.of(COUNT);
        let starts: Vec<[f64; 2]> = (0..count)
            .map(|_| [0; 2].map(|_| seeded.signed() * HALF_M))
            .collect();
        let speed = f64::from(kind.speed_max) - 1.0; // rounding makes nobody faster than it can be
        let ways = (0..count).map(|_| {
            let (sin, cos) = libm::sincos(core::f64::consts::PI * seeded.signed());
            [(speed * sin) as i16, (speed * cos) as i16]
        });
        let mut walkers = Self {
            ways: ways.collect(),
            world,
            starts,
            meadow,
            records,
        };
        walkers.enter();
        walkers
    }

    /// The first tick; they stand.
    fn enter(&mut self) {
        for (n, start) in (1..).zip(&self.starts) {
            let place = self.meadow.place(*start, self.meadow.ground_m(*start));
            let agent = Agent {
                position: Planet::EARTH.position(place).expect("on the ground"),
                ..Agent::default()
            };
            let entity = EntityId(n);
            self.records.push(Record::Spawn { entity, agent });
        }
        self.step();
    }

    /// What somebody wishes in a tick, 2⁻⁸ m/s east and north.
    pub(crate) fn way(&self, n: usize, tick: u64) -> [i16; 2] {
        match tick / TURN_TICKS % 2 {
            0 => self.ways[n],
            _ => self.ways[n].map(|part| -part),
        }
    }

    /// Tells the next step where all want to go, as a server does each tick.
    pub(crate) fn ask(&mut self) {
        let tick = self.world.tick() - 1;
        for n in 0..self.starts.len() {
            let [east, north] = self.way(n, tick);
            self.records.push(Record::Input {
                entity: EntityId(n as u64 + 1),
                input: Input {
                    east,
                    north,
                    ..Input::default()
                },
            });
        }
    }

    /// On the current pool.
    pub(crate) fn step(&mut self) {
        let report = self.world.step(self.world.tick(), &self.records);
        let report = report.expect("the next tick, on staged ground");
        assert_eq!((report.held, report.refused), (0, 0));
        self.records.clear();
    }

    /// Where somebody is: metres east, north and above the datum.
    pub(crate) fn place_m(&self, n: usize) -> [f64; 3] {
        let row = self.world.row_of(EntityId(n as u64 + 1));
        let place = self.world.place(row.expect("everybody stays"));
        let [east, north] = self.meadow.aside_m(place);
        let up_m = place.to_vec().length() - Planet::EARTH.radius_m();
        [east, north, up_m]
    }
}

impl Case for Walkers {
    fn operations(&self) -> u64 {
        self.world.len() as u64
    }

    fn run(&mut self) {
        self.ask();
        self.step();
    }

    fn hash(&self) -> u64 {
        self.world.hash()
    }
}
