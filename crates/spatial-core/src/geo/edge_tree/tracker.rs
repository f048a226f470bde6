//! Which shapes contain a point that moves along the Hilbert curve.

use glam::DVec3;

use super::sets::SetsBuilder;
use crate::geo::crossing::Way;
use crate::geo::edge_set::EdgeSet;

/// A point and the shapes that contain it (the idea is that of S2's index: nothing changes where there are no edges).
pub(super) struct Tracker {
    at: DVec3,
    inside: Vec<u32>, // ascending
    /// Number of `inside` as a set, until it changes.
    set: Option<u32>,
}

impl Tracker {
    /// `inside` contain the start; ascending.
    pub(super) fn new(start: DVec3, inside: Vec<u32>) -> Self {
        Self {
            at: start,
            inside,
            set: None,
        }
    }

    /// Where no edge is between here and there.
    pub(super) fn jump(&mut self, to: DVec3) {
        self.at = to;
    }

    /// Moves across those of the edges that lie between.
    pub(super) fn walk(&mut self, to: DVec3, edges: &EdgeSet, near: impl Iterator<Item = u32>) {
        let way = Way::new(self.at, to);
        for edge in near {
            let [a, b] = edges.ends(edge);
            if way.crosses(a, b) {
                self.toggle(edges.edge(edge).shape);
            }
        }
        self.at = to;
    }

    pub(super) fn inside(&self) -> &[u32] {
        &self.inside
    }

    pub(super) fn set(&mut self, sets: &mut SetsBuilder) -> u32 {
        *self.set.get_or_insert_with(|| sets.number(&self.inside))
    }

    fn toggle(&mut self, shape: u32) {
        self.set = None;
        match self.inside.binary_search(&shape) {
            Ok(at) => {
                self.inside.remove(at);
            }
            Err(at) => self.inside.insert(at, shape),
        }
    }
}
