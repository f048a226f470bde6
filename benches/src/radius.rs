//! The moving index: queries and rebuilds.

use std::hint::black_box;

use spatial_core::{Ecef, EntityId, Hit, IndexView, MovingIndex};

use crate::case::{Case, Size, mix};
use crate::places::{in_cell_order, radius_of_hits, uniform};
use crate::seeded::Seeded;

/// In which order entities are asked about, or lie in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    Random,
    Cells,
}

/// Queries of about 16 hits around entities.
pub(crate) struct Radius {
    index: Indexed,
    queries: Vec<Ecef>,
    radius_m: f64,
    hits: Vec<Hit>,
}

impl Radius {
    /// All of 10,000 entities, one after the other.
    pub(crate) fn of_ten_thousand(size: Size, order: Order) -> Self {
        Self::new(size.of(10_000), size.of(10_000), order)
    }

    /// 10,000 of a million: anywhere, or all within one piece of the planet.
    pub(crate) fn of_a_million(size: Size, order: Order) -> Self {
        Self::new(size.of(1_000_000), size.of(10_000), order)
    }

    fn new(count: usize, queries: usize, order: Order) -> Self {
        let radius_m = radius_of_hits(16.0, count);
        let places = uniform(count);
        Self {
            index: Indexed::new(places.clone()),
            queries: queries_at(places, queries, order),
            radius_m,
            hits: Vec::new(),
        }
    }

    fn query(&self, center: Ecef, hits: &mut Vec<Hit>) {
        self.index
            .view()
            .radius(center, self.radius_m, hits)
            .expect("a positive radius");
    }
}

impl Case for Radius {
    fn operations(&self) -> u64 {
        self.queries.len() as u64
    }

    fn run(&mut self) {
        let mut hits = core::mem::take(&mut self.hits);
        for center in &self.queries {
            self.query(*center, &mut hits);
            black_box(&hits);
        }
        self.hits = hits;
    }

    /// The same for every order of the same queries.
    fn hash(&self) -> u64 {
        let mut hits = Vec::new();
        let mut hash = 0u64;
        for center in &self.queries {
            self.query(*center, &mut hits);
            for hit in &hits {
                hash = hash.wrapping_add(mix(hit.id.0 ^ hit.distance_m.to_bits()));
            }
        }
        hash
    }
}

/// Places, their entities numbered from 1, and an index over them.
pub(crate) struct Indexed {
    index: MovingIndex,
    ids: Vec<EntityId>,
    places: Vec<Ecef>,
}

impl Indexed {
    pub(crate) fn new(places: Vec<Ecef>) -> Self {
        let ids = ids_of(&places);
        let mut index = MovingIndex::new();
        index.rebuild(&ids, &places);
        Self { index, ids, places }
    }

    pub(crate) fn view(&self) -> IndexView<'_> {
        self.index.view(&self.ids, &self.places)
    }
}

pub(crate) fn ids_of(places: &[Ecef]) -> Vec<EntityId> {
    (1..=places.len() as u64).map(EntityId).collect()
}

/// Runs of neighbours that queries in cell order are made of: one alone might lie where few live.
const RUNS: usize = 20;

/// So many of the places: drawn at random, or runs of neighbours from all over the planet.
pub(crate) fn queries_at(mut places: Vec<Ecef>, count: usize, order: Order) -> Vec<Ecef> {
    match order {
        Order::Random => {
            Seeded(2).shuffle(&mut places);
            places.truncate(count);
            places
        }
        Order::Cells => {
            let places = in_cell_order(places);
            let run = |n: usize| {
                let first = n * places.len() / RUNS;
                &places[first..first + (n + 1) * count / RUNS - n * count / RUNS]
            };
            (0..RUNS).flat_map(run).copied().collect()
        }
    }
}

/// A whole new index.
pub(crate) struct Rebuild {
    index: MovingIndex,
    ids: Vec<EntityId>,
    places: Vec<Ecef>,
    radius_m: f64,
}

impl Rebuild {
    pub(crate) fn of_ten_thousand(size: Size, order: Order) -> Self {
        Self::new(size.of(10_000), order)
    }

    pub(crate) fn of_a_million(size: Size, order: Order) -> Self {
        Self::new(size.of(1_000_000), order)
    }

    fn new(count: usize, order: Order) -> Self {
        let radius_m = radius_of_hits(16.0, count);
        let places = match order {
            Order::Random => uniform(count),
            Order::Cells => in_cell_order(uniform(count)),
        };
        Self {
            index: MovingIndex::new(),
            ids: ids_of(&places),
            places,
            radius_m,
        }
    }
}

impl Case for Rebuild {
    fn operations(&self) -> u64 {
        self.places.len() as u64
    }

    fn run(&mut self) {
        self.index.rebuild(&self.ids, &self.places);
    }

    /// Who is around the first few places.
    fn hash(&self) -> u64 {
        let mut hash = self.index.len() as u64;
        for center in self.places.iter().take(100) {
            self.index
                .view(&self.ids, &self.places)
                .for_each_within(*center, self.radius_m, |hit| {
                    hash = hash.wrapping_add(mix(hit.id.0 ^ hit.distance_m.to_bits()));
                })
                .expect("a positive radius");
        }
        hash
    }
}
