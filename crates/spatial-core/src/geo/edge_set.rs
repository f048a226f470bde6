//! Edges of many shapes in one place, as trees over them refer to them.

use glam::DVec3;

/// Points, and the edges between them.
#[derive(Clone, Default, Debug)]
pub(super) struct EdgeSet {
    points: Vec<DVec3>, // unit vectors
    edges: Vec<Edge>,
}

/// An edge from point `a` to point `b`; of a point feature they are the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Edge {
    pub(super) a: u32,
    pub(super) b: u32,
    /// The shape it belongs to, counted by the owner of the set.
    pub(super) shape: u32,
}

impl EdgeSet {
    /// Points and edges together, beyond which a set is not made: all numbers and offsets stay far within u32.
    pub(super) const EDGES_MAX: usize = 1 << 26;

    pub(super) fn with_capacity(edges: usize) -> Self {
        Self {
            points: Vec::with_capacity(edges),
            edges: Vec::with_capacity(edges),
        }
    }

    /// Adds the edges of a closed chain, or an open one's; a chain of one point is the edge from it to itself.
    pub(super) fn push_chain(&mut self, chain: &[DVec3], is_closed: bool, shape: u32) {
        let first = self.points.len() as u32;
        let count = chain.len() as u32;
        self.points.extend_from_slice(chain);
        for a in first + 1..first + count {
            self.edges.push(Edge {
                a: a - 1,
                b: a,
                shape,
            });
        }
        if is_closed || count == 1 {
            let last = first + count - 1;
            self.edges.push(Edge {
                a: last,
                b: first,
                shape,
            });
        }
    }

    pub(super) fn len(&self) -> usize {
        self.edges.len()
    }

    pub(super) fn points(&self) -> &[DVec3] {
        &self.points
    }

    pub(super) fn edge(&self, edge: u32) -> Edge {
        self.edges[edge as usize]
    }

    /// The ends of an edge.
    #[inline]
    pub(super) fn ends(&self, edge: u32) -> [DVec3; 2] {
        let Edge { a, b, .. } = self.edges[edge as usize];
        [self.points[a as usize], self.points[b as usize]]
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.points.capacity() * size_of::<DVec3>() + self.edges.capacity() * size_of::<Edge>()
    }
}
