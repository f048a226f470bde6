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
/// One round warms up. Who begins rotates, so that nobody always finds the caches as one certain other left them. Whoever takes
/// more than its share of the budget for that round is run only once more, and not at all if it took ten budgets: then warmth is
/// of no account, and that round is its time.
pub(crate) fn race(budget: Duration, runners: &mut [Runner<'_>]) -> Vec<Duration> {
    let share = budget / runners.len() as u32;
    let mut least: Vec<_> = runners.iter_mut().map(|runner| runner()).collect();
    let quick: Vec<_> = (0..least.len()).filter(|n| least[*n] <= share).collect();
    for n in 0..least.len() {
        if quick.contains(&n) {
            least[n] = Duration::MAX;
        } else if least[n] <= 10 * budget {
            least[n] = runners[n]();
        }
    }
    let mut used = Duration::ZERO;
    let mut round = 0;
    while !quick.is_empty() && (round < ROUNDS_MIN as usize || used < budget) {
        for turn in 0..quick.len() {
            let n = quick[(round + turn) % quick.len()];
            let time = runners[n]();
            used += time;
            least[n] = least[n].min(time);
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
            Duration::from_millis(50),
            &mut [runner(|| spin(0, 10_000)), runner(|| spin(1, 200_000))],
        );
        assert!(times[1] > 4 * times[0], "{times:?}");
        let [a, b] = runs.get();
        assert!(a == b && a > ROUNDS_MIN, "{a} {b}");
    }

    #[test]
    fn who_takes_more_than_a_share_of_the_budget_runs_twice_or_once() {
        let runs = core::cell::Cell::new([0u32; 3]);
        let pretend = |n: usize, ms: u64| {
            let mut counts = runs.get();
            counts[n] += 1;
            runs.set(counts);
            Duration::from_millis(ms)
        };
        let times = race(
            Duration::from_millis(30),
            &mut [
                Box::new(|| pretend(0, 1)),
                Box::new(|| pretend(1, 11)),
                Box::new(|| pretend(2, 301)),
            ],
        );
        assert_eq!(times, [1, 11, 301].map(Duration::from_millis));
        assert_eq!(runs.get(), [31, 2, 1]);
    }
}
