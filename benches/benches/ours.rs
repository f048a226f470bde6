//! Criterion's view of all benches, and the time of one operation below each. Without `--bench` (as `cargo test`
//! calls it) each runs once, on tiny input.

use std::time::{Duration, Instant};

use bluemarble_benches::{BENCHES, Bench, Case, Size};
use criterion::{Bencher, Criterion};

fn main() {
    let is_timed = std::env::args().any(|argument| argument == "--bench");
    let size = if is_timed { Size::Full } else { Size::Tiny };
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .sample_size(20)
        .configure_from_args();
    for bench in BENCHES {
        show(bench, size, &mut criterion);
    }
    criterion.final_summary();
}

fn show(bench: &Bench, size: Size, criterion: &mut Criterion) {
    let (group_name, name) = bench.name;
    let mut group = criterion.benchmark_group(group_name);
    // Prepared at the first call, so that those filtered out cost nothing.
    let mut timed: Option<Timed> = None;
    group.bench_function(name, |bencher| {
        timed
            .get_or_insert_with(|| Timed::new((bench.prepare)(size)))
            .run(bencher);
    });
    group.finish();
    match timed {
        Some(Timed { case: None, .. }) => println!("SKIPPED: the input is not there\n"),
        Some(Timed {
            case: Some(case),
            least,
        }) => {
            let ns = least.as_secs_f64() * 1e9 / case.operations() as f64;
            println!(
                "least: {ns:.1} ns an operation, hash {:016x}\n",
                case.hash()
            );
        }
        None => {}
    }
}

/// A case, and the least time of a run so far.
struct Timed {
    case: Option<Box<dyn Case>>,
    least: Duration,
}

impl Timed {
    fn new(case: Option<Box<dyn Case>>) -> Self {
        Self {
            case,
            least: Duration::MAX,
        }
    }

    fn run(&mut self, bencher: &mut Bencher<'_>) {
        let Some(case) = &mut self.case else {
            return bencher.iter(|| ());
        };
        bencher.iter_custom(|runs| {
            let start = Instant::now();
            (0..runs).for_each(|_| case.run());
            let time = start.elapsed();
            self.least = self.least.min(time.div_f64(runs as f64));
            time
        });
    }
}
