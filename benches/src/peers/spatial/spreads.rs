//! What a hit costs where entities crowd, as a multiple of what it costs where they are even, and what the slow queries there
//! cost, as a multiple of the median: ours alone.

use std::hint::black_box;
use std::io;
use std::time::{Duration, Instant};

use spatial_core::Ecef;

use super::super::clock::{ns_each, race as take_turns, runner};
use super::super::row::Measured;
use super::super::{Pace, Tell};
use super::ours::{Answer, Ours};
use super::scene::{Scene, Spread, order_name, radius_m};
use crate::radius::Order;

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    let crowded = [
        (Spread::Towns, 17, "in towns"),
        (Spread::Crowd, 16, "in a crowd"),
    ];
    for order in [Order::Random, Order::Cells] {
        let wanted = crowded
            .map(|(spread, hits, name)| {
                let case = format!("a hit {name} against even, {}", order_name(order));
                (spread, hits, case)
            })
            .into_iter()
            .filter(|(_, _, case)| pace.wants(case));
        for (spread, hits, case) in wanted {
            let ratio = ratio(pace, order, [(Spread::Even, 16), (spread, hits)]);
            tell(Measured::alone(&case, ratio, "x"))?;
        }
    }
    let case = "radius: 16 in a crowd, p99 over median";
    if pace.wants(case) {
        tell(Measured::alone(case, slow_over_median(pace), "x"))?;
    }
    Ok(())
}

/// The 99th percentile of a query's time in the crowd over the median. A query's time is the least of its runs, each between
/// others, by the clock on the wall: that of the thread takes as long as a query.
fn slow_over_median(pace: &Pace) -> Option<f64> {
    let scene = Scene::new(pace, Spread::Crowd)?;
    let mut ours = Ours::build(&scene.places);
    let queries = scene.queries(pace, Order::Random);
    let radius_m = radius_m(pace, Spread::Crowd, 16);
    let mut least = vec![Duration::MAX; queries.len()];
    let start = Instant::now();
    while start.elapsed() < pace.budget {
        for (query, least) in queries.chunks(1).zip(&mut least) {
            let start = Instant::now();
            black_box(ours.within_each(Answer::Rows, query, radius_m));
            *least = start.elapsed().min(*least);
        }
    }
    least.sort_unstable();
    let slow = least[least.len() * 99 / 100].as_secs_f64();
    Some(slow / least[least.len() / 2].as_secs_f64())
}

/// The second's cost of a hit over the first's, taking turns. `None` without the towns.
fn ratio(pace: &Pace, order: Order, asked: [(Spread, u32); 2]) -> Option<f64> {
    let mut hits = [0; 2];
    let mut runners = Vec::new();
    for (n, (spread, about)) in asked.into_iter().enumerate() {
        let scene = Scene::new(pace, spread)?;
        let mut ours = Ours::build(&scene.places);
        let queries: Vec<Ecef> = scene.queries(pace, order);
        let radius_m = radius_m(pace, spread, about);
        hits[n] = ours.within_each(Answer::Rows, &queries, radius_m);
        runners.push(runner(move || {
            ours.within_each(Answer::Rows, &queries, radius_m)
        }));
    }
    let times = take_turns(pace.budget, &mut runners);
    Some(ns_each(times[1], hits[1]) / ns_each(times[0], hits[0]))
}
