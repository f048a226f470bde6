//! The moving index against brute force: every kind of query, in worlds of all sizes, at every level of the CPU.
//!
//! What stands here is the size of the runs, which the environment sets:
//! - `BLUEMARBLE_QUERIES`: how many queries of each kind, over worlds of 1,000 to 20,000 entities. Without it they are a
//!   hundred thousand in small worlds.
//! - `BLUEMARBLE_QUERIES_AMONG`: how many entities a thousand queries of each kind go through.
//! - `BLUEMARBLE_QUERIES_SEED`: the seed of the first world. With the one that a failure has printed, that world is the
//!   first.

mod among_many;
mod balls;
mod corridors;
mod order;
mod pairs;
mod regions;
mod scene;
mod steady;

use std::time::Instant;

use spatial_core::{MovingIndex, SimdLevel};

use crate::world::{Random, World};
use scene::Scene;

/// How many queries of each kind, and how many of them in a world of how many entities.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) queries: u64,
    a_world: u64,
    pub(crate) entities: [u64; 2],
}

impl Size {
    pub(crate) fn new() -> Self {
        match number("BLUEMARBLE_QUERIES") {
            Some(queries) => Self {
                queries,
                a_world: 2_000,
                entities: [1_000, 20_000],
            },
            None => Self {
                queries: 100_000,
                a_world: 1_000,
                entities: [50, 1_000],
            },
        }
    }

    /// A part of the queries.
    fn share(self, part: u64) -> Self {
        Self {
            queries: self.queries / part,
            ..self
        }
    }
}

pub(crate) fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap())
}

/// The seed of a run's first world; the next have the next ones.
pub(crate) fn first_seed() -> u64 {
    number("BLUEMARBLE_QUERIES_SEED").unwrap_or(30_317)
}

/// A line every few seconds, so that a long run can be watched.
pub(crate) struct Progress {
    kind: &'static str,
    all: u64,
    start: Instant,
    told_s: u64,
}

impl Progress {
    #[expect(clippy::disallowed_methods, reason = "only a person reads it")]
    pub(crate) fn new(kind: &'static str, all: u64) -> Self {
        println!("{kind}: {all} from seed {}", first_seed());
        Self {
            kind,
            all,
            start: Instant::now(),
            told_s: 0,
        }
    }

    pub(crate) fn at(&mut self, done: u64) {
        let took_s = self.start.elapsed().as_secs();
        if took_s >= self.told_s + 10 || done >= self.all {
            self.told_s = took_s;
            eprintln!("{}: {done} of {} in {took_s} s", self.kind, self.all);
        }
    }
}

/// Runs a kind of query in world after world, each with an index of another of the CPU's levels. A query tells how many it
/// has found.
fn check(kind: &'static str, size: Size, mut query: impl FnMut(&Scene<'_>, &mut Random) -> usize) {
    let levels: Vec<SimdLevel> = SimdLevel::available().collect();
    let mut progress = Progress::new(kind, size.queries);
    let (mut done, mut some, mut hits) = (0, 0u64, 0u64);
    for seed in first_seed().. {
        let mut random = Random::new(seed);
        let [lo, hi] = size.entities;
        let count = random.log_uniform(lo as f64, hi as f64) as u64;
        let world = World::of_count(count, &mut random);
        let mut index = MovingIndex::with_simd(levels[seed as usize % levels.len()]);
        index.rebuild(&world.ids, &world.places);
        let scene = Scene::new(seed, &world, &index);
        for _ in 0..size.a_world.min(size.queries - done) {
            let found = query(&scene, &mut random) as u64;
            some += u64::from(found > 0 && found < count);
            hits += found;
            done += 1;
        }
        progress.at(done);
        if done == size.queries {
            break;
        }
    }
    println!("{kind}: {some} of {done} with some hits but not all, {hits} hits");
    assert!(some * 3 > done, "{kind}: {some} of {done} are of use");
}
