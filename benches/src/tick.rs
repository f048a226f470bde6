//! The simulation's step.

use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuilder};
use sim_core::{Agent, FINE_PER_M, Input, Kind, KindId, Record, World, WorldStart};
use spatial_core::{DVec3, EntityId, Planet};

use crate::case::{Case, Size};
use crate::ground::{lattice, tile};
use crate::places::on_datum;
use crate::seeded::Seeded;

const AGENTS: usize = 10_000;
const TOWNS: usize = 20;
/// Agents are spread this far around the middle of their town, standard deviation an axis.
const TOWN_M: f64 = 150.0;
/// An agent changes its mind this often.
const TICKS_PER_WISH: usize = 90;

/// Agents who wander in towns, on ground that is resident; each makes up its mind every three seconds.
pub(crate) struct Crowd {
    world: World,
    pool: Arc<ThreadPool>,
    seeded: Seeded,
    records: Vec<Record>,
}

impl Crowd {
    pub(crate) fn new(size: Size, threads: usize) -> Self {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        let mut crowd = Self {
            world: World::new(WorldStart {
                world_id: 1,
                planet: Planet::EARTH,
                tick_rate_hz: 30,
                gravity: WorldStart::EARTH_GRAVITY,
                lattice: lattice(),
            })
            .expect("a legal start"),
            pool: Arc::new(pool.expect("a few threads can be had")),
            seeded: Seeded(4),
            records: Vec::new(),
        };
        crowd.settle(size.of(AGENTS));
        crowd
    }

    /// The first tick: ground under the towns, and everybody in them.
    fn settle(&mut self, agents: usize) {
        self.records.push(Record::Kind {
            id: KindId(0),
            kind: Kind::crowd((2.0 * FINE_PER_M) as u16),
        });
        let towns: Vec<DVec3> = (0..TOWNS).map(|_| self.seeded.direction()).collect();
        let mut cells: Vec<_> = towns.iter().map(|town| lattice().tile_at(*town)).collect();
        cells.sort_unstable();
        cells.dedup();
        for cell in cells {
            let tile = Arc::new(tile(cell));
            self.records.push(Record::Resident {
                tile: cell,
                checksum: tile.checksum(),
            });
            self.world.stage(tile);
        }
        for n in 0..agents {
            let agent = self.newcomer(towns[n % TOWNS]);
            let entity = EntityId(n as u64 + 1);
            self.records.push(Record::Spawn { entity, agent });
            let wish = self.wish(entity);
            self.records.push(wish);
        }
        self.step();
    }

    fn newcomer(&mut self, town: DVec3) -> Agent {
        let sigma = TOWN_M / Planet::EARTH.radius_m();
        let mut offset = || self.seeded.normal() * sigma;
        let place = on_datum(town + DVec3::new(offset(), offset(), offset()));
        Agent {
            position: Planet::EARTH.position(place).expect("on the datum"),
            ..Agent::default()
        }
    }

    /// Somewhere, at most 2 m/s along each axis.
    fn wish(&mut self, entity: EntityId) -> Record {
        Record::Input {
            entity,
            input: Input {
                east: (self.seeded.signed() * 2.0 * FINE_PER_M) as i16,
                north: (self.seeded.signed() * 2.0 * FINE_PER_M) as i16,
                heading: self.seeded.bits() as u16,
                ..Input::default()
            },
        }
    }

    fn step(&mut self) {
        let (world, records) = (&mut self.world, &self.records);
        let report = self.pool.install(|| world.step(world.tick(), records));
        let report = report.expect("the next tick, on staged ground");
        assert_eq!((report.held, report.refused), (0, 0));
        self.records.clear();
    }

    /// The pool that the world is stepped on.
    pub(crate) fn pool(&self) -> &Arc<ThreadPool> {
        &self.pool
    }
}

impl Case for Crowd {
    fn operations(&self) -> u64 {
        self.world.len() as u64
    }

    fn run(&mut self) {
        for _ in 0..self.world.len().div_ceil(TICKS_PER_WISH) {
            let entity = EntityId(self.seeded.below(self.world.len()) as u64 + 1);
            let wish = self.wish(entity);
            self.records.push(wish);
        }
        self.step();
    }

    fn hash(&self) -> u64 {
        self.world.hash()
    }
}
