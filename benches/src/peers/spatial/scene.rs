//! Entities that are looked for, and everybody's index over them.

use std::cell::OnceCell;

use spatial_core::Ecef;

use super::super::Pace;
use super::super::rivals::kiddo::Immutable;
use super::super::rivals::rstar::Tree;
use super::super::rivals::{Found, PointIndex, s2_cpp};
use crate::places::{CROWD_SIDE_M, crowd_among_even, in_towns, radius_of_hits, uniform};
use crate::radius::{Order, queries_at};

pub(crate) const MILLION: usize = 1_000_000;
pub(crate) const QUERIES: usize = 10_000;
/// Answers are compared for so many queries: the others, for the time that some peers take, by the number of hits.
const COMPARED: usize = 1_000;

/// How entities are spread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Spread {
    /// Over the whole planet.
    Even,
    /// Around real towns, normal, 5 km.
    Towns,
    /// A tenth of them in a square kilometre, where the questions are asked; the others even.
    Crowd,
}

impl Spread {
    pub(crate) const ALL: [Self; 3] = [Self::Even, Self::Towns, Self::Crowd];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Even => "of 1 M even",
            Self::Towns => "of 1 M in towns",
            Self::Crowd => "of 100,000 in 1 km²",
        }
    }

    /// The places of a full-size or tiny scene; `None` when the towns have not been fetched.
    pub(crate) fn places(self, pace: &Pace) -> Option<Vec<Ecef>> {
        let count = pace.size.of(MILLION);
        match self {
            Self::Even => Some(uniform(count)),
            Self::Towns => in_towns(count),
            Self::Crowd => Some(crowd_among_even(count)),
        }
    }
}

pub(crate) fn order_name(order: Order) -> &'static str {
    match order {
        Order::Random => "random order",
        Order::Cells => "cell order",
    }
}

/// The radius around which so many hits are.
pub(crate) fn radius_m(pace: &Pace, spread: Spread, hits: u32) -> f64 {
    let count = pace.size.of(MILLION);
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

/// Entities, and the peers' indexes over them, built when first asked for.
pub(crate) struct Scene {
    pub(crate) spread: Spread,
    pub(crate) places: Vec<Ecef>,
    pub(crate) points: Vec<[f64; 3]>,
    rivals: OnceCell<Vec<Box<dyn PointIndex>>>,
}

impl Scene {
    /// `None` when the towns have not been fetched.
    pub(crate) fn new(pace: &Pace, spread: Spread) -> Option<Self> {
        let places = spread.places(pace)?;
        Some(Self {
            points: places.iter().map(|place| place.to_array()).collect(),
            places,
            spread,
            rivals: OnceCell::new(),
        })
    }

    /// Places to ask about: among the crowd, where there is one.
    pub(crate) fn queries(&self, pace: &Pace, order: Order) -> Vec<Ecef> {
        let places = match self.spread {
            Spread::Crowd => &self.places[..self.places.len() / 10],
            Spread::Even | Spread::Towns => &self.places,
        };
        let count = pace.size.of(QUERIES).min(places.len());
        queries_at(places.to_vec(), count, order)
    }

    /// The indexes of all peers that are here.
    pub(crate) fn rivals(&mut self) -> &mut [Box<dyn PointIndex>] {
        let points = &self.points;
        self.rivals.get_or_init(|| {
            let mut rivals: Vec<Box<dyn PointIndex>> = vec![
                Box::new(Immutable::build(points)),
                Box::new(Tree::build(points)),
            ];
            if s2_cpp::IS_INSTALLED {
                rivals.push(Box::new(s2_cpp::Points::build(points)));
            }
            rivals
        });
        self.rivals.get_mut().expect("just built")
    }
}

/// Whether two answers hold the same entities at the same distances, to a micrometre.
pub(crate) fn same_hits(ours: &mut [Found], theirs: &mut [Found]) -> bool {
    ours.sort_unstable_by_key(|hit| hit.0);
    theirs.sort_unstable_by_key(|hit| hit.0);
    let same = |(a, b): (&Found, &Found)| a.0 == b.0 && (a.1.sqrt() - b.1.sqrt()).abs() <= 1e-6;
    ours.len() == theirs.len() && ours.iter().zip(theirs.iter()).all(same)
}

/// Those of the queries whose answers are compared hit by hit, spread over all.
pub(crate) fn compared<T: Copy>(queries: &[T]) -> Vec<T> {
    let step = queries.len().div_ceil(COMPARED).max(1);
    queries.iter().copied().step_by(step).collect()
}
