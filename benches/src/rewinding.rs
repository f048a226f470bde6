//! Shots at players as they were.

use sim_core::{Moment, PlayerRow, Rewind};
use spatial_core::{DVec3, Ecef, EntityId, Frames, Planet, Ray};

use crate::case::{Case, Size, hash_of};
use crate::seeded::Seeded;
use crate::tick::{Crowd, Spread};

const PLAYERS: usize = 10_000;
const TOWNS: usize = 5;
const SHOTS: usize = 10_000;
/// Shots fly so far.
const REACH_M: f64 = 100.0;
/// Whence they are shot, above the feet.
const GUN_M: f64 = 1.4;
const TICKS: u64 = Rewind::TICKS as u64;

/// A shot, and when its shooter saw the world.
type Shot = (Moment, Ray, EntityId);

/// A ring full of players in five towns, and shots at them.
pub(crate) struct Shots {
    ring: Rewind,
    shots: Vec<Shot>,
    hits: Vec<Option<EntityId>>,
    rows: Vec<PlayerRow>, // of the last tick
    frames: Frames,
}

impl Shots {
    pub(crate) fn new(size: Size) -> Self {
        let mut crowd = Crowd::new(size, PLAYERS, Spread::Towns(TOWNS));
        let players: Vec<EntityId> = crowd.world().ids().to_vec();
        let mut ring = Rewind::new(Planet::EARTH, players.len());
        let mut seeded = Seeded(73);
        let mut shots = Vec::new();
        let shots_a_tick = size.of(SHOTS).div_ceil(TICKS as usize - 1);
        let first = crowd.world().tick();
        for tick in first..first + TICKS {
            crowd.ask();
            crowd.step();
            let recorded = ring.record_world(tick, crowd.world(), players.iter().copied());
            assert_eq!(recorded.expect("the next tick").left_out, 0);
            if tick + 1 < first + TICKS {
                shots.extend((0..shots_a_tick).map(|_| shot(&crowd, tick, &mut seeded)));
            }
        }
        seeded.shuffle(&mut shots);
        let rows = crowd
            .world()
            .ids()
            .iter()
            .enumerate()
            .map(|(row, entity)| PlayerRow {
                entity: *entity,
                position: crowd.world().position(row),
                heading: crowd.world().headings()[row],
                kind: crowd.world().kind_at(row),
            });
        Self {
            rows: rows.collect(),
            frames: Frames::new(Planet::EARTH),
            hits: vec![None; shots.len()],
            ring,
            shots,
        }
    }

    /// Bytes of the ring.
    pub(crate) fn bytes(&self) -> usize {
        self.ring.bytes()
    }

    pub(crate) fn players(&self) -> usize {
        self.rows.len()
    }

    /// How many shots hit.
    pub(crate) fn hits(&self) -> usize {
        self.hits.iter().flatten().count()
    }

    /// Asks about every shot.
    pub(crate) fn shoot(&mut self) {
        for ((moment, ray, shooter), hit) in self.shots.iter().zip(&mut self.hits) {
            let past = self.ring.past(*moment).expect("a tick of the ring");
            let met = past.hit(ray, 0.0, Some(*shooter));
            *hit = met.expect("a legal ray").map(|hit| hit.entity);
        }
    }

    /// Remembers the last tick's players once more, under the next tick.
    pub(crate) fn record(&mut self) {
        let tick = self.ring.newest().map_or(0, |tick| tick + 1);
        let rows = self.rows.iter().copied();
        let recorded = self.ring.record(tick, &self.frames, rows);
        recorded.expect("the next tick");
    }
}

impl Case for Shots {
    fn operations(&self) -> u64 {
        self.shots.len() as u64
    }

    fn run(&mut self) {
        self.shoot();
    }

    fn hash(&self) -> u64 {
        let id = |hit: &Option<EntityId>| hit.map_or(0, |id| id.0);
        hash_of(self.hits.iter().map(id))
    }
}

/// Somebody shoots at somebody of his town, anywhere between this tick and the next one, and may miss.
fn shot(crowd: &Crowd, tick: u64, seeded: &mut Seeded) -> Shot {
    let world = crowd.world();
    let count = world.len();
    let shooter = seeded.below(count);
    // Towns take turns in the order of ids.
    let others = (count / TOWNS).max(1);
    let target = (shooter + TOWNS * seeded.below(others)) % count;
    let place = |n: usize| {
        let row = world.row_of(EntityId(n as u64 + 1)).expect("all stay");
        world.place(row).to_vec()
    };
    let (from, to) = (place(shooter), place(target));
    let from = from + from.normalize() * GUN_M;
    let aim = to + to.normalize() * GUN_M - from;
    let [x, y, z] = from.to_array();
    let ray = Ray {
        from: Ecef::new(x, y, z).expect("near the ground"),
        direction: match aim == DVec3::ZERO {
            true => DVec3::Z,
            false => aim,
        },
        reach_m: REACH_M,
    };
    let fraction = seeded.bits() as u16;
    (Moment { tick, fraction }, ray, EntityId(shooter as u64 + 1))
}
