//! The step. Nobody else has it.
//!
//! A run is a second of the world, for not every tick has the same work: rows are put in order in some. A figure is the mean of such a run,
//! and the least one counts, as everywhere; of p99 it is that of all ticks.

use std::io;
use std::time::{Duration, Instant};

use super::super::clock::cpu_time_of;
use super::super::contest::Contest;
use super::super::row::{Measured, Unit};
use super::super::{Pace, Tell};
use crate::case::{Case, Size, pool};
use crate::tick::{Asleep, Crowd, Spread};

/// Ticks at least, so that a hundredth of them is some.
const TICKS_MIN: usize = 100;
/// Ticks of a run.
const RUN_TICKS: usize = 30;

const MILLION: usize = 1_000_000;
const TOWNS: &str = "tick of 10,000 agents on one thread, p99";
const WALL: &str = "crowd: 1 M in 2 x 2 km, two threads, wall, p99";
const ASLEEP: &str = "asleep: a tick of 10 M";

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    if pace.wants(TOWNS) {
        let crowd = || Crowd::new(pace.size, 10_000, Spread::Towns(20));
        let p99 = pool(1).install(|| p99(pace, crowd(), cpu_time_of_work));
        tell(Measured::alone(TOWNS, Some(p99), "ms"))?;
    }
    for (case, spread) in [
        ("crowd: 1 M in 2 x 2 km, a tick", Spread::Square),
        ("crowd: 1 M in 1,000 towns, a tick", Spread::Towns(1_000)),
        ("crowd: 1 M over the globe, a tick", Spread::Globe),
    ] {
        if pace.wants(case) {
            tell(pool(1).install(|| one_core(pace, case, spread)))?;
        }
    }
    if pace.wants(WALL) {
        let crowd = || Crowd::new(pace.size, MILLION, Spread::Square);
        let p99 = pool(2).install(|| p99(pace, crowd(), wall_time_of));
        tell(Measured::alone(WALL, Some(p99), "ms"))?;
    }
    if pace.wants(ASLEEP) {
        tell(pool(1).install(|| {
            let mut asleep = Asleep::new(pace.size, 10 * MILLION);
            Contest::new(ASLEEP, Unit::Us, 1, || asleep.run()).run(pace)
        }))?;
    }
    Ok(())
}

/// Figures are those of an agent and tick. On the pool's only thread, so that its time is what is measured.
fn one_core(pace: &Pace, case: &str, spread: Spread) -> Measured {
    let mut crowd = Crowd::new(pace.size, MILLION, spread);
    let ticks = if pace.size == Size::Tiny {
        2
    } else {
        RUN_TICKS
    };
    let agents = crowd.world().len();
    let run = || {
        let tick = |_| {
            crowd.ask();
            cpu_time_of(|| {
                crowd.step();
            })
        };
        (0..ticks).map(tick).sum()
    };
    Contest::timed(case, Unit::Ns, agents * ticks, run).run(pace)
}

/// Milliseconds that only a hundredth of all ticks exceeds.
fn p99(pace: &Pace, mut crowd: Crowd, time_of: fn(&mut dyn FnMut()) -> Duration) -> f64 {
    let mut ticks = Vec::new();
    let mut used = Duration::ZERO;
    crowd.run(); // to warm up
    let least = if pace.size == Size::Tiny {
        10
    } else {
        TICKS_MIN
    };
    while ticks.len() < least || used < pace.budget {
        crowd.ask();
        let time = time_of(&mut || {
            crowd.step();
        });
        used += time;
        ticks.push(time);
    }
    ticks.sort_unstable();
    ticks[ticks.len() * 99 / 100].as_secs_f64() * 1e3
}

fn cpu_time_of_work(work: &mut dyn FnMut()) -> Duration {
    cpu_time_of(work)
}

fn wall_time_of(work: &mut dyn FnMut()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
