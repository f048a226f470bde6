//! Our index, as the races ask it.

use spatial_core::{Ecef, Hit};

use super::super::rivals::Found;
use crate::radius::Indexed;

/// What is wanted of those who are found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// Where they stand in the caller's slices.
    Rows,
    /// That, who they are and how far away.
    Hits,
}

/// An index, and what it found last.
pub(crate) struct Ours {
    index: Indexed,
    rows: Vec<u32>,
    hits: Vec<Hit>,
}

impl Ours {
    pub(crate) fn build(places: &[Ecef]) -> Self {
        Self {
            index: Indexed::new(places.to_vec()),
            rows: Vec::new(),
            hits: Vec::new(),
        }
    }

    /// Answers all queries, each into the same buffer: the number of hits.
    pub(crate) fn within_each(&mut self, answer: Answer, queries: &[Ecef], radius_m: f64) -> u64 {
        let mut count = 0;
        match answer {
            Answer::Rows => self
                .index
                .view()
                .rows_within_each(queries, radius_m, &mut self.rows, |_, rows| {
                    count += rows.len() as u64;
                })
                .expect("a positive radius"),
            Answer::Hits => {
                for center in queries {
                    self.within(*center, radius_m);
                    count += self.hits.len() as u64;
                }
            }
        }
        count
    }

    fn within(&mut self, center: Ecef, radius_m: f64) {
        self.index
            .view()
            .radius(center, radius_m, &mut self.hits)
            .expect("a positive radius");
    }

    /// As peers give it.
    pub(crate) fn found(&mut self, center: Ecef, radius_m: f64) -> Vec<Found> {
        self.within(center, radius_m);
        self.found_last()
    }

    /// The nearest, for all queries: the number of hits.
    pub(crate) fn nearest_each(&mut self, queries: &[Ecef], count: usize) -> u64 {
        let mut found = 0;
        let view = self.index.view();
        view.nearest_each(queries, count, &mut self.hits, |_, hits| {
            found += hits.len() as u64;
        });
        found
    }

    /// As peers give it.
    pub(crate) fn found_nearest(&mut self, center: Ecef, count: usize) -> Vec<Found> {
        self.index.view().nearest(center, count, &mut self.hits);
        self.found_last()
    }

    fn found_last(&self) -> Vec<Found> {
        let found = self
            .hits
            .iter()
            .map(|hit| (hit.row, hit.distance_m.powi(2)));
        found.collect()
    }
}
