//! The step, on one thread; nobody to compare it with yet.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::clock::cpu_time_of;
use super::row::Measured;
use super::{Pace, Tell};
use crate::case::Case;
use crate::tick::Crowd;

/// Steps at least, so that a hundredth of them is some.
const STEPS_MIN: usize = 100;

const CASE: &str = "tick of 10,000 agents on one thread, p99";

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    if !pace.wants(CASE) {
        return Ok(());
    }
    let mut crowd = Crowd::new(pace.size, 1);
    let pool = Arc::clone(crowd.pool());
    // On the pool's only thread, so that its time is what is measured.
    let steps = pool.install(|| step_times(&mut crowd, pace.budget));
    let p99 = steps[steps.len() * 99 / 100].as_secs_f64() * 1e3;
    tell(Measured::alone(CASE, Some(p99), "ms"))
}

/// CPU times of steps, ascending.
fn step_times(crowd: &mut Crowd, budget: Duration) -> Vec<Duration> {
    let mut steps = Vec::new();
    let mut used = Duration::ZERO;
    crowd.run(); // to warm up
    while steps.len() < STEPS_MIN || used < budget {
        let time = cpu_time_of(|| crowd.run());
        used += time;
        steps.push(time);
    }
    steps.sort_unstable();
    steps
}
