//! Who is within a distance.

use std::io;

use spatial_core::{Ecef, Hit};

use super::super::clock::{Runner, ns_each, race as take_turns};
use super::super::contest::Contest;
use super::super::rivals::{Found, PointIndex, s2_cpp};
use super::super::row::{Measured, Unit};
use super::super::{Pace, Tell};
use super::scene::{Scene, Spread, compared, same_hits};
use crate::places::{CROWD_SIDE_M, radius_of_hits};
use crate::radius::{Indexed, Order};

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
        let asked = ASKED.iter().filter(|asked| asked.0 == spread);
        let wanted: Vec<_> = asked
            .flat_map(|(_, hits)| [(*hits, Order::Random), (*hits, Order::Cells)])
            .filter(|(hits, order)| pace.wants(&case_of(spread, *hits, *order)))
            .collect();
        if wanted.is_empty() {
            continue;
        }
        let mut scene = Scene::new(pace, spread);
        for (hits, order) in wanted {
            let case = case_of(spread, hits, order);
            tell(match &mut scene {
                Some(scene) => race_one(pace, scene, &case, radius_m(pace, spread, hits), order),
                None => Measured::without_towns(case, Unit::Ns),
            })?;
        }
    }
    race_spreads(pace, tell)
}

fn case_of(spread: Spread, hits: u32, order: Order) -> String {
    format!("radius: {hits} {}, {}", spread.name(), order_name(order))
}

pub(crate) fn order_name(order: Order) -> &'static str {
    match order {
        Order::Random => "random order",
        Order::Cells => "cell order",
    }
}

/// The radius around which so many hits are.
pub(crate) fn radius_m(pace: &Pace, spread: Spread, hits: u32) -> f64 {
    let count = pace.size.of(super::scene::MILLION);
    match (spread, hits) {
        (Spread::Even, _) => radius_of_hits(f64::from(hits), count),
        (Spread::Towns, 17) => 5_000.0,
        (Spread::Towns, _) => 20_000.0,
        (Spread::Crowd, _) => {
            let each_m2 = CROWD_SIDE_M * CROWD_SIDE_M / (count / 10) as f64;
            (f64::from(hits) * each_m2 / core::f64::consts::PI).sqrt()
        }
    }
}

/// One index a radius, as ours is made for one. Each answers into a buffer that it keeps: number and distance of every
/// hit, in any order.
fn race_one(pace: &Pace, scene: &mut Scene, case: &str, radius_m: f64, order: Order) -> Measured {
    let mut ours = Ours::build(&scene.places);
    let queries = scene.queries(pace, order);
    let centers: Vec<_> = queries.iter().map(|place| place.to_array()).collect();
    let mut agreements = Vec::new();
    for rival in scene.rivals() {
        agreements.push(agree(&mut ours, rival.as_mut(), &queries, radius_m));
    }
    let mut contest = Contest::new(case, Unit::Ns, queries.len(), || {
        ours.within_each(&queries, radius_m)
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
    if rival.within_each(&centers, radius_m, &mut found) != ours.within_each(queries, radius_m) {
        return false;
    }
    let some = compared(queries);
    let centers = rival.native(&native(&some));
    some.iter().zip(centers).all(|(place, center)| {
        rival.within(center, radius_m, &mut found);
        same_hits(&mut ours.found(*place, radius_m), &mut found)
    })
}

/// Our index, and what it found last.
pub(crate) struct Ours {
    index: Indexed,
    hits: Vec<Hit>,
}

impl Ours {
    pub(crate) fn build(places: &[Ecef]) -> Self {
        Self {
            index: Indexed::new(places.to_vec()),
            hits: Vec::new(),
        }
    }

    fn within_each(&mut self, queries: &[Ecef], radius_m: f64) -> u64 {
        let mut hits = 0;
        for center in queries {
            self.within(*center, radius_m);
            hits += self.hits.len() as u64;
        }
        hits
    }

    fn within(&mut self, center: Ecef, radius_m: f64) {
        self.index
            .view()
            .radius(center, radius_m, &mut self.hits)
            .expect("a positive radius");
    }

    fn found(&mut self, center: Ecef, radius_m: f64) -> Vec<Found> {
        self.within(center, radius_m);
        let found = self
            .hits
            .iter()
            .map(|hit| (hit.row, hit.distance_m.powi(2)));
        found.collect()
    }
}

/// What a hit costs where entities crowd, as a multiple of what it costs where they are even: ours alone, taking turns.
fn race_spreads(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    for order in [Order::Random, Order::Cells] {
        let pairs = [(Spread::Towns, 17), (Spread::Crowd, 16)];
        let case = |spread| {
            let spread = match spread {
                Spread::Towns => "in towns",
                _ => "in a crowd",
            };
            format!("a hit {spread} against even, {}", order_name(order))
        };
        let wanted = pairs.iter().any(|(spread, _)| pace.wants(&case(*spread)));
        if !wanted {
            continue;
        }
        let even = cost(pace, Spread::Even, 16, order).expect("no towns are needed");
        for (spread, hits) in pairs {
            let ratio = cost(pace, spread, hits, order).map(|other| {
                let mut runners = [even.runner(), other.runner()];
                let times = take_turns(pace.budget, &mut runners);
                ns_each(times[1], other.hits()) / ns_each(times[0], even.hits())
            });
            tell(Measured::alone(&case(spread), ratio, "x"))?;
        }
    }
    Ok(())
}

/// Queries of ours, to be timed.
struct Cost {
    index: Indexed,
    queries: Vec<Ecef>,
    radius_m: f64,
}

fn cost(pace: &Pace, spread: Spread, hits: u32, order: Order) -> Option<Cost> {
    let scene = Scene::new(pace, spread)?;
    let radius_m = radius_m(pace, spread, hits);
    Some(Cost {
        index: Indexed::new(scene.places.clone()),
        queries: scene.queries(pace, order),
        radius_m,
    })
}

impl Cost {
    fn each(&self, hits: &mut Vec<Hit>) -> u64 {
        let mut count = 0;
        for center in &self.queries {
            self.index
                .view()
                .radius(*center, self.radius_m, hits)
                .expect("a positive radius");
            count += hits.len() as u64;
        }
        count
    }

    fn runner(&self) -> Runner<'_> {
        let mut hits = Vec::new();
        Box::new(move || {
            std::hint::black_box(self.each(&mut hits));
        })
    }

    fn hits(&self) -> u64 {
        self.each(&mut Vec::new())
    }
}
