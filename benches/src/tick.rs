//! The simulation's step: crowds who wander.

use std::collections::BTreeSet;
use std::sync::Arc;

use sim_core::{
    Agent, FINE_PER_M, Input, Kind, KindId, Record, StepReport, Tier, World, WorldStart,
};
use spatial_core::{CellId, DVec3, Ecef, EntityId, LatticeSpec, Planet};

use crate::case::{Case, Size};
use crate::ground::{hills_m, lattice, leaf_cells, tile, tile_of};
use crate::places::on_datum;
use crate::seeded::Seeded;

/// Agents are spread this far around the middle of their town, standard deviation an axis.
const TOWN_M: f64 = 150.0;
/// Ground is there so far around everybody.
const AROUND_M: f64 = 300.0;
/// An agent changes its mind this often.
const TICKS_PER_WISH: usize = 90;
/// So many enter a world in one tick at most, for the memory that their records take.
const ENTER_MAX: usize = 1_000_000;
/// A square of 0.25 agents a square metre.
const M2_PER_AGENT: f64 = 4.0;

/// What all of them are.
pub(crate) fn person() -> Kind {
    Kind::crowd((2.0 * FINE_PER_M) as u16)
}

/// Where agents are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Spread {
    /// In one square, four square metres each; a million of them where 2 × 2 km touch seven frames, the most on the Earth.
    Square,
    /// In so many towns, in tiny worlds a hundredth.
    Towns(usize),
    /// Over the whole globe.
    Globe,
}

/// Agents who wander on ground that is resident, at most 2 m/s; each makes up its mind every three seconds.
pub(crate) struct Crowd {
    world: World,
    seeded: Seeded,
    records: Vec<Record>,
}

impl Crowd {
    /// So many, as the size has it, and awake.
    pub(crate) fn new(size: Size, agents: usize, spread: Spread) -> Self {
        Self::settled(size, agents, spread, Tier::EVERY_TICK)
    }

    /// All asleep, in a thousand towns.
    pub(crate) fn asleep(size: Size, agents: usize) -> Self {
        Self::settled(size, agents, Spread::Towns(1_000), Tier::ASLEEP)
    }

    fn settled(size: Size, agents: usize, spread: Spread, tier: Tier) -> Self {
        let mut seeded = Seeded(4);
        let places = places(size, size.of(agents), spread, &mut seeded);
        let lattice = match spread {
            Spread::Globe => lattice(),
            Spread::Square | Spread::Towns(_) => fine_lattice(),
        };
        let mut crowd = Self {
            world: World::new(WorldStart {
                world_id: 1,
                planet: Planet::EARTH,
                tick_rate_hz: 30,
                gravity: WorldStart::EARTH_GRAVITY,
                lattice,
            })
            .expect("a legal start"),
            seeded,
            records: Vec::new(),
        };
        // Who sleeps stands on nothing.
        if tier != Tier::ASLEEP {
            crowd.lay_ground(spread, &places);
        }
        crowd.enter(&places, tier);
        crowd
    }

    fn lay_ground(&mut self, spread: Spread, places: &[Ecef]) {
        let lattice = self.world.start().lattice;
        let cells: BTreeSet<CellId> = match spread {
            Spread::Globe => leaf_cells().collect(),
            Spread::Square | Spread::Towns(_) => cells_around(lattice, places),
        };
        for cell in cells {
            let tile = Arc::new(match spread {
                Spread::Globe => tile(cell),
                Spread::Square | Spread::Towns(_) => tile_of(lattice, cell, hills),
            });
            self.records.push(Record::Resident {
                tile: cell,
                checksum: tile.checksum(),
            });
            self.world.stage(tile);
        }
    }

    /// Everybody, in a few ticks.
    fn enter(&mut self, places: &[Ecef], tier: Tier) {
        self.records.push(Record::Kind {
            id: KindId(0),
            kind: person(),
        });
        let mut entity = EntityId(0);
        for places in places.chunks(ENTER_MAX) {
            for place in places {
                entity.0 += 1;
                let agent = Agent {
                    position: Planet::EARTH.position(*place).expect("on the datum"),
                    ..Agent::default()
                };
                self.records.push(Record::Spawn { entity, agent });
                let asked = match tier {
                    Tier::EVERY_TICK => self.wish(entity),
                    _ => Record::Tier { entity, tier },
                };
                self.records.push(asked);
            }
            self.step();
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

    /// Some make up their minds: what the next step is told.
    pub(crate) fn ask(&mut self) {
        for _ in 0..self.world.len().div_ceil(TICKS_PER_WISH) {
            let entity = EntityId(self.seeded.below(self.world.len()) as u64 + 1);
            let wish = self.wish(entity);
            self.records.push(wish);
        }
    }

    /// On the current pool.
    pub(crate) fn step(&mut self) -> StepReport {
        let report = self.world.step(self.world.tick(), &self.records);
        let report = report.expect("the next tick, on staged ground");
        assert_eq!((report.held, report.refused), (0, 0));
        self.records.clear();
        report
    }

    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    pub(crate) fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

impl Case for Crowd {
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

/// A tick of a world all of whom are asleep.
pub(crate) struct Asleep(Crowd);

impl Asleep {
    pub(crate) fn new(size: Size, agents: usize) -> Self {
        Self(Crowd::asleep(size, agents))
    }
}

impl Case for Asleep {
    fn operations(&self) -> u64 {
        1
    }

    fn run(&mut self) {
        self.0.step();
    }

    fn hash(&self) -> u64 {
        self.0.hash()
    }
}

fn fine_lattice() -> LatticeSpec {
    LatticeSpec::new(13, 128, 0.0, 0.25).expect("a legal lattice")
}

/// What there is between samples 20 m apart.
fn hills(p: DVec3) -> f64 {
    hills_m(p, &[(2_000.0, 60.0), (17_000.0, 20.0), (90_000.0, 3.0)])
}

fn places(size: Size, agents: usize, spread: Spread, seeded: &mut Seeded) -> Vec<Ecef> {
    match spread {
        Spread::Square => {
            let (middle, [east, north]) = square();
            let half_m = 0.5 * (agents as f64 * M2_PER_AGENT).sqrt();
            let mut aside = || seeded.signed() * half_m;
            (0..agents)
                .map(|_| on_datum(middle + east * aside() + north * aside()))
                .collect()
        }
        Spread::Towns(towns) => {
            let towns = if size == Size::Tiny {
                towns.div_ceil(100)
            } else {
                towns
            };
            let towns: Vec<DVec3> = (0..towns).map(|_| seeded.direction()).collect();
            let sigma = TOWN_M / Planet::EARTH.radius_m();
            (0..agents)
                .map(|n| {
                    let mut offset = || seeded.normal() * sigma;
                    let aside = DVec3::new(offset(), offset(), offset());
                    on_datum(towns[n % towns.len()] + aside)
                })
                .collect()
        }
        Spread::Globe => (0..agents).map(|_| on_datum(seeded.direction())).collect(),
    }
}

/// The middle of the square, metres, and its axes.
pub(crate) fn square() -> (DVec3, [DVec3; 2]) {
    let up = DVec3::new(-0.4223110372841195, 0.6971793594658376, -0.5793050392693088);
    let up = up.normalize();
    let (east, north) = up.any_orthonormal_pair();
    let (sin, cos) = libm::sincos(-2.005818465271995);
    (
        up * Planet::EARTH.radius_m(),
        [east * cos + north * sin, north * cos - east * sin],
    )
}

/// The tiles below everybody and around.
fn cells_around(lattice: LatticeSpec, places: &[Ecef]) -> BTreeSet<CellId> {
    let aside = AROUND_M / Planet::EARTH.radius_m();
    let side = |k: usize, bit: usize| if k >> bit & 1 == 0 { -aside } else { aside };
    let mut cells = BTreeSet::new();
    for place in places {
        let up = place.to_vec().normalize();
        let corner = |k| up + DVec3::new(side(k, 0), side(k, 1), side(k, 2));
        cells.extend((0..8).map(|k| lattice.tile_at(corner(k))));
    }
    cells
}
