//! Who is nearest.

use std::io;

use spatial_core::Ecef;

use super::super::contest::Contest;
use super::super::rivals::{PointIndex, s2_cpp};
use super::super::row::{Measured, Unit};
use super::super::{Pace, Tell};
use super::ours::Ours;
use super::scene::{Scene, Spread, compared, order_name, same_hits};
use crate::radius::Order;

const NEAREST: usize = 8;

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    for spread in Spread::ALL {
        let cases: Vec<_> = [Order::Random, Order::Cells]
            .map(|order| (order, case_of(spread, order)))
            .into_iter()
            .filter(|(_, case)| pace.wants(case))
            .collect();
        if cases.is_empty() {
            continue;
        }
        let mut scene = Scene::new(pace, spread);
        for (order, case) in cases {
            tell(match &mut scene {
                Some(scene) => race_one(pace, scene, &case, order),
                None => Measured::without_towns(case, Unit::Ns),
            })?;
        }
    }
    Ok(())
}

fn case_of(spread: Spread, order: Order) -> String {
    format!("nearest: 8 {}, {}", spread.name(), order_name(order))
}

/// Ours and the trees give them by distance.
fn race_one(pace: &Pace, scene: &mut Scene, case: &str, order: Order) -> Measured {
    let mut ours = Ours::build(&scene.places);
    let queries = scene.queries(pace, order);
    let centers: Vec<_> = queries.iter().map(|place| place.to_array()).collect();
    let mut agreements = Vec::new();
    for rival in scene.rivals() {
        agreements.push(agree(&mut ours, rival.as_mut(), &queries));
    }
    let run_ours = || ours.nearest_each(&queries, NEAREST);
    let mut contest = Contest::new(case, Unit::Ns, queries.len(), run_ours);
    for (rival, agree) in scene.rivals().iter_mut().zip(agreements) {
        let (centers, mut found) = (rival.native(&centers), Vec::new());
        contest = contest.against(rival.name(), Some(agree), move || {
            rival.nearest_each(&centers, NEAREST, &mut found)
        });
    }
    if !s2_cpp::IS_INSTALLED {
        contest = contest.without(s2_cpp::NAME);
    }
    contest.run(pace)
}

/// Whether both find the same. No two of the places are equally far from a third.
fn agree(ours: &mut Ours, rival: &mut dyn PointIndex, queries: &[Ecef]) -> bool {
    let some = compared(queries);
    let centers: Vec<_> = some.iter().map(|place| place.to_array()).collect();
    let centers = rival.native(&centers);
    let mut found = Vec::new();
    some.iter().zip(centers).all(|(place, center)| {
        rival.nearest(center, NEAREST, &mut found);
        same_hits(&mut ours.found_nearest(*place, NEAREST), &mut found)
    })
}
