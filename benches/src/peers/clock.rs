//! CPU time of the thread, and runners that take turns.

use std::hint::black_box;
use std::time::Duration;

use cpu_time::ThreadTime;

/// A round is measured at least so often.
const ROUNDS_MIN: u32 = 3;

/// Does its work once, and tells what of the CPU's time counts.
pub(crate) type Runner<'a> = Box<dyn FnMut() -> Duration + 'a>;

/// A runner all of whose work counts.
pub(crate) fn runner<'a, T>(mut work: impl FnMut() -> T + 'a) -> Runner<'a> {
    Box::new(move || {
        cpu_time_of(|| {
            black_box(work());
        })
    })
}

/// CPU time of this thread that the work takes.
pub(crate) fn cpu_time_of(work: impl FnOnce()) -> Duration {
    let start = ThreadTime::now();
    work();
    start.elapsed()
}

/// Lets the runners take turns until the budget is used up; gives the least time of each.
///
/// One round warms up. Who begins rotates, so that nobody always finds the caches as one certain other left them.
pub(crate) fn race(budget: Duration, runners: &mut [Runner<'_>]) -> Vec<Duration> {
    let mut least = vec![Duration::MAX; runners.len()];
    let mut used = Duration::ZERO;
    let mut round = 0;
    while round <= ROUNDS_MIN as usize || used < budget {
        for turn in 0..runners.len() {
            let n = (round + turn) % runners.len();
            let time = runners[n]();
            used += time;
            if round > 0 {
                least[n] = least[n].min(time);
            }
        }
        round += 1;
    }
    least
}

/// Nanoseconds that one of so many operations takes.
pub(crate) fn ns_each(time: Duration, operations: u64) -> f64 {
    time.as_secs_f64() * 1e9 / operations as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_work_takes_longer_and_all_run_equally_often() {
        let runs = core::cell::Cell::new([0u32; 2]);
        let spin = |n: usize, loops: u64| {
            let mut counts = runs.get();
            counts[n] += 1;
            runs.set(counts);
            for k in 0..loops {
                black_box(k);
            }
        };
        let times = race(
            Duration::from_millis(5),
            &mut [runner(|| spin(0, 10_000)), runner(|| spin(1, 200_000))],
        );
        assert!(times[1] > 4 * times[0], "{times:?}");
        let [a, b] = runs.get();
        assert!(a == b && a > ROUNDS_MIN, "{a} {b}");
    }
}
