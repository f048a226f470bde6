//! The join: all pairs within a distance.

use std::hint::black_box;

use spatial_core::{Ecef, EntityId, MovingIndex, PairSearch};

use crate::case::{Case, Size, mix};
use crate::places::{in_cell_order, radius_of_hits, uniform};
use crate::radius::ids_of;

/// All pairs of a million, each of whom has about so many others in reach. An operation is an entity.
pub(crate) struct Join {
    ids: Vec<EntityId>,
    places: Vec<Ecef>,
    index: MovingIndex,
    radius_m: f64,
    search: PairSearch,
}

impl Join {
    pub(crate) fn of_a_million(size: Size, hits: f64) -> Self {
        let places = in_cell_order(uniform(size.of(1_000_000)));
        let ids = ids_of(&places);
        let mut index = MovingIndex::new();
        index.rebuild(&ids, &places);
        Self {
            radius_m: radius_of_hits(hits, places.len()),
            ids,
            places,
            index,
            search: PairSearch::new(),
        }
    }

    fn for_each(&mut self, pair: impl FnMut(spatial_core::Pair)) {
        let view = self.index.view(&self.ids, &self.places);
        let paired = self.search.for_each(view, self.radius_m, pair);
        paired.expect("a positive radius");
    }
}

impl Case for Join {
    fn operations(&self) -> u64 {
        self.ids.len() as u64
    }

    fn run(&mut self) {
        self.for_each(|pair| {
            black_box(pair);
        });
    }

    fn hash(&self) -> u64 {
        let mut case = Self {
            ids: self.ids.clone(),
            places: self.places.clone(),
            index: self.index.clone(),
            radius_m: self.radius_m,
            search: PairSearch::new(),
        };
        let mut hash = 0u64;
        case.for_each(|pair| hash = hash.wrapping_add(mix(pair.a.0 << 32 ^ pair.b.0)));
        hash
    }
}
