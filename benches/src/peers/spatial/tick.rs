//! All entities move, and are found where they are now.

use std::io;

use spatial_core::{DVec3, Ecef, EntityId, IndexView, MovingIndex};

use super::super::contest::Contest;
use super::super::rivals::kiddo::Mutable;
use super::super::rivals::rstar::Tree;
use super::super::rivals::{MovingPoints, s2_cpp};
use super::super::row::{Measured, Unit};
use super::super::{Pace, Tell};
use super::scene::{MILLION, Spread, compared, radius_m, same_hits};
use crate::places::{in_cell_order, on_datum};
use crate::radius::{Order, ids_of, queries_at};
use crate::seeded::Seeded;

/// Each walks so far at most, along each axis.
const STEP_M: f64 = 50.0;

/// Entities of one cell lie together in memory, as a world keeps them; and once they do not.
pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    let cases = [
        (Spread::Even, Order::Cells, "tick: 1 M move, even"),
        (Spread::Towns, Order::Cells, "tick: 1 M move, in towns"),
        (
            Spread::Even,
            Order::Random,
            "tick: 1 M move, even, random order",
        ),
    ];
    for (spread, order, case) in cases {
        if !pace.wants(case) {
            continue;
        }
        let hits = if spread == Spread::Towns { 17 } else { 16 };
        let radius_m = radius_m(pace, spread, hits);
        let places = spread.places(pace).map(|places| match order {
            Order::Cells => in_cell_order(places),
            Order::Random => places,
        });
        tell(match places {
            Some(places) => race_one(pace, case, &places, radius_m),
            None => Measured::without_towns(case.to_owned(), Unit::Ms),
        })?;
    }
    tell_bytes(pace, tell)
}

/// What the index takes of memory: exact, so nobody's is compared.
fn tell_bytes(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    let case = "index: bytes an entity of 1 M";
    if !pace.wants(case) {
        return Ok(());
    }
    let places = crate::places::uniform(MILLION); // its fixed part is large for a few
    let mut ours = Ours::new(&places, &after_a_step(&places));
    ours.step();
    ours.step();
    let bytes = ours.index.byte_count() as f64 / places.len() as f64;
    tell(Measured::alone(case, Some(bytes), "B"))
}

/// Ours is told of all places at once; the peers move their points one by one, there and back again.
fn race_one(pace: &Pace, case: &str, places: &[Ecef], radius_m: f64) -> Measured {
    let moved = after_a_step(places);
    let mut ours = Ours::new(places, &moved);
    let points = [points_of(places), points_of(&moved)];
    let mut rivals: Vec<Walkers> = vec![
        Walkers::new(Mutable::build(&points[0]), &points),
        Walkers::new(Tree::build(&points[0]), &points),
    ];
    if s2_cpp::IS_INSTALLED {
        let index = s2_cpp::Points::build(&points[0]);
        rivals.push(Walkers::new(index, &points));
    }
    ours.step();
    let queries = compared(&queries_at(moved, pace.size.of(10_000), Order::Random));
    let agreements: Vec<bool> = rivals
        .iter_mut()
        .map(|rival| {
            rival.step();
            agree(ours.view(), rival.index.as_mut(), &queries, radius_m)
        })
        .collect();
    let mut contest = Contest::new(case, Unit::Ms, 1, || ours.step());
    for (rival, agree) in rivals.iter_mut().zip(agreements) {
        contest = contest.against(rival.index.name(), Some(agree), || rival.step());
    }
    if !s2_cpp::IS_INSTALLED {
        contest = contest.without(s2_cpp::NAME);
    }
    contest.run(pace)
}

fn agree(
    view: IndexView<'_>,
    rival: &mut dyn MovingPoints,
    queries: &[Ecef],
    radius_m: f64,
) -> bool {
    let centers = rival.native(&points_of(queries));
    let (mut hits, mut found) = (Vec::new(), Vec::new());
    queries.iter().zip(centers).all(|(place, center)| {
        view.radius(*place, radius_m, &mut hits)
            .expect("a positive radius");
        rival.within(center, radius_m, &mut found);
        let mut ours: Vec<_> = hits
            .iter()
            .map(|hit| (hit.row, hit.distance_m.powi(2)))
            .collect();
        same_hits(&mut ours, &mut found)
    })
}

struct Ours {
    index: MovingIndex,
    ids: Vec<EntityId>,
    places: [Vec<Ecef>; 2], // now, and where they go next
}

impl Ours {
    fn new(places: &[Ecef], moved: &[Ecef]) -> Self {
        Self {
            index: MovingIndex::new(),
            ids: ids_of(places),
            places: [places.to_vec(), moved.to_vec()],
        }
    }

    fn step(&mut self) {
        self.places.swap(0, 1);
        self.index.rebuild(&self.ids, &self.places[0]);
    }

    fn view(&self) -> IndexView<'_> {
        self.index.view(&self.ids, &self.places[0])
    }
}

/// A peer's points that go to and fro.
struct Walkers {
    index: Box<dyn MovingPoints>,
    points: [Vec<[f64; 3]>; 2], // now, and where they go next
}

impl Walkers {
    fn new(index: impl MovingPoints + 'static, points: &[Vec<[f64; 3]>; 2]) -> Self {
        Self {
            points: points.each_ref().map(|points| index.native(points)),
            index: Box::new(index),
        }
    }

    fn step(&mut self) {
        let [from, to] = &self.points;
        self.index.move_each(from, to);
        self.points.swap(0, 1);
    }
}

fn after_a_step(places: &[Ecef]) -> Vec<Ecef> {
    let steps = steps(places.len());
    let moved = places
        .iter()
        .zip(steps)
        .map(|(at, step)| on_datum(at.to_vec() + step));
    moved.collect()
}

/// How far everybody walks.
pub(crate) fn steps(count: usize) -> Vec<DVec3> {
    let mut seeded = Seeded(13);
    let mut step = || seeded.signed() * STEP_M;
    (0..count)
        .map(|_| DVec3::new(step(), step(), step()))
        .collect()
}

fn points_of(places: &[Ecef]) -> Vec<[f64; 3]> {
    places.iter().map(|place| place.to_array()).collect()
}
