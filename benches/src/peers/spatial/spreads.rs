//! What a hit costs where entities crowd, as a multiple of what it costs where they are even: ours alone.

use std::io;

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
    Ok(())
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
