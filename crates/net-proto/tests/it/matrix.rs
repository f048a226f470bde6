//! The matrix of bad lines in virtual time: loss × round trip × jitter × doubling. After the line has cleared every client has what the
//! server has, and on the way there nothing ever diverged.
//!
//! Small here; `BLUEMARBLE_MATRIX_SEEDS=15` makes it a million snapshots.

use net_proto::PROTOCOL_VERSION;

use crate::link::Weather;
use crate::replication::{Pair, check};

const LOSS_PERCENT: [u64; 6] = [0, 1, 5, 10, 20, 30];
/// Ticks of 30 Hz each way: round trips of 0, 67, 133 and 333 ms.
const DELAY_TICKS: [u64; 4] = [0, 1, 2, 5];
const DOUBLE_PERCENT: [u64; 3] = [0, 2, 10];
/// 67 ms, which also reorders.
const JITTER_TICKS: [u64; 2] = [0, 2];

fn seeds() -> u64 {
    let seeds = std::env::var("BLUEMARBLE_MATRIX_SEEDS").ok();
    seeds.map_or(0, |seeds| seeds.parse().unwrap())
}

#[test]
fn after_any_line_clients_have_what_the_server_has() {
    let (mut cells, mut snapshots) = (0u64, 0);
    for (loss, &loss_percent) in LOSS_PERCENT.iter().enumerate() {
        for (delay, &ticks) in DELAY_TICKS.iter().enumerate() {
            for (double, &double_percent) in DOUBLE_PERCENT.iter().enumerate() {
                for (jitter, &more) in JITTER_TICKS.iter().enumerate() {
                    // A third of the cells, with all pairs of values, unless all are asked for.
                    let is_one = (loss + delay + double + jitter).is_multiple_of(3);
                    let runs = if is_one { seeds().max(1) } else { seeds() };
                    let weather = Weather {
                        loss_percent,
                        double_percent,
                        delay_ticks: (ticks, ticks + more),
                    };
                    for run in 0..runs {
                        snapshots += check(1_000 * cells + run, weather, PROTOCOL_VERSION);
                    }
                    cells += 1;
                }
            }
        }
    }
    println!("{cells} cells, {snapshots} snapshots, 0 divergences");
}

/// Bytes of half a minute, with the same walks.
fn bytes(seed: u64, loss_percent: u64) -> u64 {
    let weather = Weather {
        loss_percent,
        double_percent: 0,
        delay_ticks: (1, 2),
    };
    let mut pair = Pair::new(seed, weather);
    for _ in 0..900 {
        pair.step();
    }
    pair.bytes
}

#[test]
fn a_twentieth_that_is_lost_costs_a_tenth_at_most() {
    let (mut fine, mut lossy) = (0, 0);
    for seed in 1..=6 {
        fine += bytes(seed, 0);
        lossy += bytes(seed, 5);
    }
    println!(
        "{fine} B without losses, {lossy} B with 5 %: {:.3}",
        lossy as f64 / fine as f64
    );
    assert!(lossy * 10 <= fine * 11, "{lossy} B for {fine}");
}
