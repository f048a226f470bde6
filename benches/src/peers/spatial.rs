//! The moving index against k-d trees.

use std::hint::black_box;
use std::io;

use kiddo::{Eytzinger, ImmutableKdTree, QueryScratch, SquaredEuclidean};
use spatial_core::{Ecef, Hit, MovingIndex};

use super::Pace;
use super::clock::{ns_each, race as take_turns};
use super::row::Measured;
use crate::places::{in_towns, radius_of_hits, uniform};
use crate::radius::{Order, ids_of, index_of, queries_at};

const KIDDO: &str = "kiddo 6.3.0 immutable f64";
const MILLION: usize = 1_000_000;
const QUERIES: usize = 10_000;

type Tell<'a> = &'a mut dyn FnMut(Measured) -> io::Result<()>;

/// First the query, in the kinds of crowd that a world has; then what it costs to have an index at all.
pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    let million = uniform(pace.size.of(MILLION));
    let mut duel = Duel::around(&million, radius_of_hits(16.0, million.len()));
    tell(duel.race(pace, "radius: 16 of 1 M even, random order", Order::Random))?;
    tell(duel.race(pace, "radius: 16 of 1 M even, cell order", Order::Cells))?;
    let mut duel = Duel::around(&million, radius_of_hits(97.0, million.len()));
    tell(duel.race(pace, "radius: 97 of 1 M even, random order", Order::Random))?;
    tell(duel.race(pace, "radius: 97 of 1 M even, cell order", Order::Cells))?;
    tell(race_rebuild(pace, &million))?;
    let mut duel = Duel::around(&in_towns(million.len()), 5_000.0);
    tell(duel.race(
        pace,
        "radius: 18 of 1 M in towns, random order",
        Order::Random,
    ))?;
    tell(duel.race(pace, "radius: 18 of 1 M in towns, cell order", Order::Cells))?;
    let few = uniform(pace.size.of(10_000));
    let mut duel = Duel::around(&few, radius_of_hits(16.0, few.len()));
    tell(duel.race(
        pace,
        "radius: 16 of 10,000 even, random order",
        Order::Random,
    ))
}

/// One crowd and one radius; an index and a tree over it. Points are planet-centred metres for both.
struct Duel {
    places: Vec<Ecef>,
    radius_m: f64,
    ours: Ours,
    kiddo: Kiddo,
}

impl Duel {
    fn around(places: &[Ecef], radius_m: f64) -> Self {
        Self {
            places: places.to_vec(),
            radius_m,
            ours: Ours {
                index: index_of(places, radius_m),
                hits: Vec::new(),
            },
            kiddo: Kiddo::build(places),
        }
    }

    /// Each answers all queries into a buffer that it keeps: id and distance of every hit, in any order.
    fn race(&mut self, pace: &Pace, case: &str, order: Order) -> Measured {
        let queries = queries_at(self.places.clone(), pace.size.of(QUERIES), order);
        let agree = self.agree(&queries);
        let (radius_m, ours, kiddo) = (self.radius_m, &mut self.ours, &mut self.kiddo);
        let mut run_ours = || {
            for center in &queries {
                black_box(ours.query(*center, radius_m));
            }
        };
        let mut run_kiddo = || {
            for center in &queries {
                black_box(kiddo.query(*center, radius_m));
            }
        };
        let times = take_turns(pace.budget, [&mut run_ours, &mut run_kiddo]);
        let [ours, peer] = times.map(|time| ns_each(time, queries.len() as u64));
        measured(case, ours, peer, agree)
    }

    /// Whether both find the same entities at the same distances, to a micrometre.
    fn agree(&mut self, queries: &[Ecef]) -> bool {
        queries.iter().all(|center| {
            let ours = self.ours.query(*center, self.radius_m);
            let mut ours: Vec<_> = ours.iter().map(|hit| (hit.row, hit.distance_m)).collect();
            let mut kiddo = self.kiddo.query(*center, self.radius_m).to_vec();
            ours.sort_unstable_by_key(|hit| hit.0);
            kiddo.sort_unstable_by_key(|hit| hit.0);
            let same =
                |(a, b): (&(u32, f64), &(u32, f64))| a.0 == b.0 && (a.1 - b.1.sqrt()).abs() <= 1e-6;
            ours.len() == kiddo.len() && ours.iter().zip(&kiddo).all(same)
        })
    }
}

struct Ours {
    index: MovingIndex,
    hits: Vec<Hit>,
}

impl Ours {
    fn query(&mut self, center: Ecef, radius_m: f64) -> &[Hit] {
        self.index
            .radius(center, radius_m, &mut self.hits)
            .expect("a positive radius");
        &self.hits
    }
}

struct Kiddo {
    tree: ImmutableKdTree<f64, 3>,
    scratch: QueryScratch<Eytzinger, f64, 3>,
    hits: Vec<(u32, f64)>, // number of the point, square of the distance
}

impl Kiddo {
    fn build(places: &[Ecef]) -> Self {
        let tree = build_tree(&points_of(places));
        Self {
            scratch: tree.create_scratch::<SquaredEuclidean<f64>>(),
            tree,
            hits: Vec::new(),
        }
    }

    /// The fastest way that it documents: unsorted, visiting, with its scratch memory kept.
    fn query(&mut self, center: Ecef, radius_m: f64) -> &[(u32, f64)] {
        let hits = &mut self.hits;
        hits.clear();
        self.tree
            .query(&center.to_array())
            .within::<SquaredEuclidean<f64>>(radius_m * radius_m)
            .unsorted()
            .with_scratch(&mut self.scratch)
            .visit(|hit| hits.push((hit.item, hit.distance)));
        hits
    }
}

/// A tick's work for ours; a tree of this kind is built anew as well when its points have moved.
fn race_rebuild(pace: &Pace, places: &[Ecef]) -> Measured {
    let (ids, points) = (ids_of(places), points_of(places));
    let mut index = index_of(places, radius_of_hits(16.0, places.len()));
    let mut run_ours = || index.rebuild(&ids, places);
    let mut run_kiddo = || {
        black_box(build_tree(&points));
    };
    let times = take_turns(pace.budget, [&mut run_ours, &mut run_kiddo]);
    let [ours, peer] = times.map(|time| ns_each(time, places.len() as u64));
    // That both then answer alike is what the rows before have found.
    let agree = index.len() == build_tree(&points).size();
    measured("rebuild of 1 M even, each", ours, peer, agree)
}

fn measured(case: &str, ours: f64, peer: f64, agree: bool) -> Measured {
    Measured {
        case: case.to_owned(),
        ours: Some(ours),
        peer: Some(peer),
        peer_name: Some(KIDDO),
        unit: "ns",
        agree: Some(agree),
    }
}

fn points_of(places: &[Ecef]) -> Vec<[f64; 3]> {
    places.iter().map(|place| place.to_array()).collect()
}

/// On this thread alone, whose time is measured.
fn build_tree(points: &[[f64; 3]]) -> ImmutableKdTree<f64, 3> {
    ImmutableKdTree::builder()
        .with_serial_construction()
        .build_from_slice(points)
        .expect("points that are finite and not all equal")
}
