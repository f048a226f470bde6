//! How far a point is from an edge.

use glam::DVec3;

use crate::region::Chord;

/// The squared chord from a unit vector to the nearest point of an edge; right to about 10⁻¹⁶ rad.
///
/// A point is an edge from itself to itself.
pub(super) fn chord_to_edge(p: DVec3, a: DVec3, b: DVec3) -> Chord {
    let to_ends = p.distance_squared(a).min(p.distance_squared(b));
    // 2·(a × b), with few bits lost where the ends are near each other.
    let normal = (a + b).cross(b - a);
    // The foot of the perpendicular lies on the edge if the direction along it there comes from a and goes to b.
    let along = normal.cross(p);
    if along.dot(a) < 0.0 && along.dot(b) > 0.0 {
        let dot = p.dot(normal);
        let sin2 = dot * dot / normal.length_squared();
        let rise = 1.0 - (1.0 - sin2).max(0.0).sqrt();
        return Chord((sin2 + rise * rise).min(to_ends));
    }
    Chord(to_ends.min(4.0))
}
