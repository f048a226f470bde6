//! The centre of mass of what is enclosed.

use glam::DVec3;

use super::ring::closed_edges;
use crate::region::unit;

/// Rings that stay within this chord of their middle are weighed as a flat patch, whose error falls with the third power
/// of the size; the general formula's grows as the area shrinks. Here both are about 3·10⁻¹⁰ rad.
const SMALL: f64 = 6e-4;

/// The inside is to the left. `None` when the masses balance.
pub(super) fn of_rings<'a>(rings: impl Iterator<Item = &'a [DVec3]> + Clone) -> Option<DVec3> {
    let mut vertices = rings.clone().flatten();
    let first = *vertices.next()?;
    let is_small = vertices.all(|v| v.distance_squared(first) < SMALL * SMALL);
    let edges = rings.flat_map(closed_edges);
    if is_small {
        let (mut area, mut moment) = (0.0, DVec3::ZERO);
        for [a, b] in edges {
            let (a, b) = (a - first, b - first);
            let triangle = first.dot(a.cross(b));
            area += triangle;
            moment += (a + b) * triangle;
        }
        return unit(first + moment / (3.0 * area));
    }
    let sum: DVec3 = edges.map(|[a, b]| half_moment(a, b)).sum();
    if sum.length() > 1e-12 {
        unit(sum)
    } else {
        None
    }
}

/// ∫x dA over what a closed chain encloses is half the sum over its edges of their angle along their normal (Stokes).
fn half_moment(a: DVec3, b: DVec3) -> DVec3 {
    let normal = a.cross(b - a);
    let sine = normal.length();
    // Of a short edge the angle is the sine.
    let ratio = if sine < 1e-8 {
        1.0
    } else {
        libm::atan2(sine, a.dot(b)) / sine
    };
    normal * (0.5 * ratio)
}
