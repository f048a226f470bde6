//! Whether rings cross themselves or each other.

use glam::DVec3;

use super::crossing::{Crossing, crossing};
use super::edge_set::EdgeSet;
use super::orientation::ordered_ccw;
use super::polygon_error::PolygonError;

/// Sees pairs of edges that are near each other and remembers the least that cross.
pub(super) struct Check<'a> {
    edges: &'a EdgeSet,
    rings: &'a [u32],
    /// Numbers of the edges, ascending.
    crossed: Option<[u32; 2]>,
}

impl<'a> Check<'a> {
    /// `rings`: the first edge of each, and the end.
    pub(super) fn new(edges: &'a EdgeSet, rings: &'a [u32]) -> Self {
        Self {
            edges,
            rings,
            crossed: None,
        }
    }

    /// Tests all pairs.
    pub(super) fn pairs(&mut self, near: &[u32]) {
        for (n, &edge) in near.iter().enumerate() {
            let [a, b] = self.edges.ends(edge);
            for &other in &near[..n] {
                let [c, d] = self.edges.ends(other);
                let is_crossed = match crossing(a, b, c, d) {
                    Crossing::Proper => true,
                    Crossing::SharedVertex => a == c && self.wedges_cross(edge, other),
                    Crossing::None => false,
                };
                if is_crossed {
                    let pair = [edge.min(other), edge.max(other)];
                    self.crossed = Some(self.crossed.map_or(pair, |least| least.min(pair)));
                }
            }
        }
    }

    pub(super) fn verdict(&self) -> Result<(), PolygonError> {
        let Some([edge, other]) = self.crossed else {
            return Ok(());
        };
        let [a, _] = self.edges.ends(other);
        let at = a.to_array().map(f64::to_bits);
        let rings = [edge, other].map(|edge| self.ring_of(edge));
        Err(if rings[0] == rings[1] {
            PolygonError::SelfCrossing { ring: rings[0], at }
        } else {
            PolygonError::RingsCross { rings, at }
        })
    }

    /// Of two ways through the vertex where both edges begin: whether each comes from one side of the other and leaves
    /// to the other side. Ways that share an edge only touch.
    fn wedges_cross(&self, edge: u32, other: u32) -> bool {
        let [vertex, b] = self.edges.ends(edge);
        let [_, d] = self.edges.ends(other);
        let (a, c) = (self.before(edge), self.before(other));
        if a == c || a == d || b == c || b == d {
            return false;
        }
        ordered_ccw(a, c, b, vertex) != ordered_ccw(a, d, b, vertex)
    }

    /// The vertex before the one where the edge begins.
    fn before(&self, edge: u32) -> DVec3 {
        let ring = self.ring_of(edge);
        let (first, end) = (self.rings[ring], self.rings[ring + 1]);
        let before = if edge == first { end - 1 } else { edge - 1 };
        self.edges.ends(before)[0]
    }

    fn ring_of(&self, edge: u32) -> usize {
        self.rings.partition_point(|first| *first <= edge) - 1
    }
}
