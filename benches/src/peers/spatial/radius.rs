//! Who is within a distance.

use std::io;

use spatial_core::Ecef;

use super::super::contest::Contest;
use super::super::rivals::{PointIndex, s2_cpp};
use super::super::row::{Measured, Unit};
use super::super::{Pace, Tell};
use super::ours::{Answer, Ours};
use super::scene::{Scene, Spread, compared, order_name, radius_m, same_hits};
use crate::radius::Order;

/// What is asked of a spread: about so many hits. Radii are those that give them on full-size input.
const ASKED: [(Spread, u32); 6] = [
    (Spread::Even, 16),
    (Spread::Even, 97),
    (Spread::Towns, 17),
    (Spread::Towns, 206),
    (Spread::Crowd, 16),
    (Spread::Crowd, 97),
];

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    for spread in Spread::ALL {
        let cases: Vec<_> = cases_of(spread)
            .into_iter()
            .filter(|case| pace.wants(&case.name))
            .collect();
        if cases.is_empty() {
            continue;
        }
        let mut scene = Scene::new(pace, spread);
        for case in cases {
            tell(match &mut scene {
                Some(scene) => race_one(pace, scene, &case),
                None => Measured::without_towns(case.name, Unit::Ns),
            })?;
        }
    }
    Ok(())
}

struct Case {
    name: String,
    hits: u32,
    order: Order,
    answer: Answer,
}

/// Rows are what our index finds at its fastest. Where distances are wanted too, as the peers give them whether or not, there
/// is a case of its own.
fn cases_of(spread: Spread) -> Vec<Case> {
    let mut cases = Vec::new();
    for (_, hits) in ASKED.iter().filter(|asked| asked.0 == spread) {
        for answer in [Answer::Rows, Answer::Hits] {
            for order in [Order::Random, Order::Cells] {
                let kind = match answer {
                    Answer::Rows => "radius",
                    Answer::Hits => "radius, with distances",
                };
                let name = format!("{kind}: {hits} {}, {}", spread.name(), order_name(order));
                cases.push(Case {
                    name,
                    hits: *hits,
                    order,
                    answer,
                });
            }
        }
    }
    cases
}

/// Each answers into a buffer that it keeps, in any order.
fn race_one(pace: &Pace, scene: &mut Scene, case: &Case) -> Measured {
    let radius_m = radius_m(pace, scene.spread, case.hits);
    let mut ours = Ours::build(&scene.places);
    let queries = scene.queries(pace, case.order);
    let centers: Vec<_> = queries.iter().map(|place| place.to_array()).collect();
    let mut agreements = Vec::new();
    for rival in scene.rivals() {
        agreements.push(agree(&mut ours, rival.as_mut(), &queries, radius_m));
    }
    let mut contest = Contest::new(case.name.as_str(), Unit::Ns, queries.len(), || {
        ours.within_each(case.answer, &queries, radius_m)
    });
    for (rival, agree) in scene.rivals().iter_mut().zip(agreements) {
        let (centers, mut found) = (rival.native(&centers), Vec::new());
        contest = contest.against(rival.name(), Some(agree), move || {
            rival.within_each(&centers, radius_m, &mut found)
        });
    }
    if !s2_cpp::IS_INSTALLED {
        contest = contest.without(s2_cpp::NAME);
    }
    contest.run(pace)
}

/// Whether both find as many everywhere, and the same where they are compared one by one.
fn agree(ours: &mut Ours, rival: &mut dyn PointIndex, queries: &[Ecef], radius_m: f64) -> bool {
    let native = |queries: &[Ecef]| -> Vec<[f64; 3]> {
        queries.iter().map(|place| place.to_array()).collect()
    };
    let centers = rival.native(&native(queries));
    let mut found = Vec::new();
    let hits = rival.within_each(&centers, radius_m, &mut found);
    let is_same = |answer| hits == ours.within_each(answer, queries, radius_m);
    if ![Answer::Rows, Answer::Hits].into_iter().all(is_same) {
        return false;
    }
    let some = compared(queries);
    let centers = rival.native(&native(&some));
    some.iter().zip(centers).all(|(place, center)| {
        rival.within(center, radius_m, &mut found);
        same_hits(&mut ours.found(*place, radius_m), &mut found)
    })
}
