//! Whether edges cross. Edges are the shorter arcs of great circles between their ends.

use glam::DVec3;

use super::orientation::{ordered_ccw, triage, turn};

/// How two edges meet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Crossing {
    /// Their interiors share a point.
    Proper,
    /// An end of one is an end of the other.
    SharedVertex,
    /// Neither.
    None,
}

/// How the edges ab and cd meet; exact. A point is an edge that crosses nothing. Unit vectors.
///
/// An end on the other edge is decided as [`super::orientation`] decides everything on a circle: always one way,
/// consistent with all others.
pub fn crossing(a: DVec3, b: DVec3, c: DVec3, d: DVec3) -> Crossing {
    if a == c || a == d || b == c || b == d {
        return Crossing::SharedVertex;
    }
    if crosses(a, b, c, d) {
        Crossing::Proper
    } else {
        Crossing::None
    }
}

/// Whether the interiors cross; no end of one is an end of the other.
#[inline]
fn crosses(a: DVec3, b: DVec3, c: DVec3, d: DVec3) -> bool {
    // The four triangles around the crossing all turn the same way.
    let acb = -turn(a, b, c);
    acb != 0 && turn(a, b, d) == acb && -turn(c, d, b) == acb && turn(c, d, a) == acb
}

/// Whether two edges that share an end cross there, so that the parity of crossings says on which side of closed
/// chains a point is (S2's rule): of all wedges around a vertex, one contains it.
///
/// Unchanged when either edge is turned. Of two edges that share one end, each way round one crosses the other: exchanged,
/// the answer is the opposite. So keep the way that is walked first and the boundary's edges second. False of points and
/// of edges that share no end.
pub fn vertex_crossing(a: DVec3, b: DVec3, c: DVec3, d: DVec3) -> bool {
    if a == b || c == d {
        return false;
    }
    if a == c {
        return b == d || ordered_ccw(reference_direction(a), d, b, a);
    }
    if b == d {
        return ordered_ccw(reference_direction(b), c, a, b);
    }
    if a == d {
        return b == c || ordered_ccw(reference_direction(a), c, b, a);
    }
    b == c && ordered_ccw(reference_direction(b), d, a, b)
}

/// Whether the way ab crosses the edge cd, in its interior or at a shared end. Parity of it over the edges cd of closed
/// chains tells whether a and b are on different sides; see [`vertex_crossing`] for a and b at vertices.
pub fn edge_or_vertex_crossing(a: DVec3, b: DVec3, c: DVec3, d: DVec3) -> bool {
    match crossing(a, b, c, d) {
        Crossing::Proper => true,
        Crossing::SharedVertex => vertex_crossing(a, b, c, d),
        Crossing::None => false,
    }
}

/// Whether the wedge to the left of a → vertex → b contains the vertex itself. No two are equal.
pub(super) fn wedge_contains_vertex(a: DVec3, vertex: DVec3, b: DVec3) -> bool {
    // The far end of the wedge is not in it, so that of all wedges around the vertex one is chosen.
    !ordered_ccw(reference_direction(vertex), b, a, vertex)
}

/// A way whose crossings with many edges are wanted.
#[derive(Clone, Copy)]
pub(super) struct Way {
    from: DVec3,
    to: DVec3,
    normal: DVec3, // from × to
}

impl Way {
    pub(super) fn new(from: DVec3, to: DVec3) -> Self {
        let normal = from.cross(to);
        Self { from, to, normal }
    }

    /// [`edge_or_vertex_crossing`] of the way and an edge; two products where that settles it.
    #[inline]
    pub(super) fn crosses(&self, c: DVec3, d: DVec3) -> bool {
        let side = triage(self.normal.dot(c));
        if side != 0 && side == triage(self.normal.dot(d)) {
            return false;
        }
        edge_or_vertex_crossing(self.from, self.to, c, d)
    }
}

/// A direction at right angles to `a`, always the same one, and the one that S2 takes.
pub(super) fn reference_direction(a: DVec3) -> DVec3 {
    let magnitude = a.abs();
    let largest = match (magnitude.x > magnitude.y, magnitude.x > magnitude.z) {
        (true, true) => 0,
        (true, false) => 2,
        (false, _) if magnitude.y > magnitude.z => 1,
        _ => 2,
    };
    let mut other = DVec3::new(0.012, 0.0053, 0.00457);
    other[(largest + 2) % 3] = 1.0;
    a.cross(other).normalize()
}
