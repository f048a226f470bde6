//! How a cell lies to a cap, without roots of vertices and without trigonometry.
//!
//! ```text
//! axis a = (a_u, a_v, a_w) along the face's axes, vertex x = (u, v, 1):
//!     p = a_v − v·a_w      q = a_u − u·a_w           the axis' products with the normals of the edges v and u
//!     a × x = (p, −q, q·v − p·u)                     |a × x| = |x|·sin of the angle between
//! ```
//! p and q are differences of nearly equal numbers where the cap is small, so the angle keeps its absolute precision
//! of 2e-16. Answers nearer to the rim than [`MARGIN`] are in doubt.

use glam::DVec3;

use super::cell::to_uvw;
use super::{Cap, Cell, Region, Relation};

/// Radians; 6 nm on the Earth. Directions are rounded by a quarter of this.
const MARGIN: f64 = 4.0 * f64::EPSILON;

/// Caps up to this squared chord (60°) compare sines, which small angles have precisely; others cosines.
const SINES_MAX: f64 = 1.0;

pub(super) fn relation(cap: &Cap, cell: &Cell) -> Relation {
    if cap.is_empty() {
        return Relation::Outside;
    }
    if cap.is_full() {
        return Relation::Inside;
    }
    let reach = Reach::of(cap.squared_chord());
    let axis = to_uvw(cell.face(), cap.axis());
    let (inside, near) = count_vertices(cell, axis, &reach);
    // A cap of at most half the sphere is convex, and so is the rest of a larger one: it holds a cell with its vertices.
    if cap.squared_chord() <= 2.0 {
        match (inside, near) {
            (4, _) => Relation::Inside,
            (_, 0) if !touches_side(cell, cap.axis(), axis, &reach) => Relation::Outside,
            _ => Relation::Crosses,
        }
    } else {
        let rest = Reach::of(4.0 - cap.squared_chord());
        match (inside, near) {
            (_, 0) => Relation::Outside,
            (4, _) if !touches_side(cell, -cap.axis(), axis.map(|w| -w), &rest) => Relation::Inside,
            _ => Relation::Crosses,
        }
    }
}

/// The rim of a cap, a margin inside and a margin outside of it.
struct Reach {
    by_sine: bool,
    sin2: [f64; 2], // squares of sines
    cos: [f64; 2],
}

impl Reach {
    #[inline]
    fn of(chord: f64) -> Self {
        let sin2 = chord * (1.0 - 0.25 * chord);
        let sin = sin2.sqrt();
        let margins = MARGIN * (2.0 * sin + MARGIN) + 4.0 * f64::EPSILON * sin2;
        let cos = 1.0 - 0.5 * chord;
        Self {
            by_sine: chord <= SINES_MAX,
            sin2: [sin2 - margins, sin2 + margins],
            cos: [cos + 2.0 * MARGIN, cos - 2.0 * MARGIN],
        }
    }
}

/// How many vertices are surely inside, and how many perhaps.
#[inline]
fn count_vertices(cell: &Cell, [a_u, a_v, a_w]: [f64; 3], reach: &Reach) -> (u32, u32) {
    let [us, vs] = cell.uv_bound();
    let (mut inside, mut near) = (0, 0);
    for v in vs {
        let p = a_v - v * a_w;
        for u in us {
            let q = a_u - u * a_w;
            let cross = q * v - p * u;
            let dot = a_u * u + a_v * v + a_w;
            let length2 = 1.0 + u * u + v * v;
            let (surely, perhaps) = if reach.by_sine {
                let sin2 = p * p + q * q + cross * cross;
                // Below 60° the dot product is far from its rounding.
                let ahead = dot > 0.0;
                (
                    ahead && sin2 <= reach.sin2[0] * length2,
                    ahead && sin2 <= reach.sin2[1] * length2,
                )
            } else {
                let length = length2.sqrt();
                (dot >= reach.cos[0] * length, dot >= reach.cos[1] * length)
            };
            inside += u32::from(surely);
            near += u32::from(perhaps);
        }
    }
    (inside, near)
}

/// Whether a convex cap that no vertex is near touches the cell all the same: with its axis inside, or with a foot of the
/// axis on an edge.
fn touches_side(cell: &Cell, axis: DVec3, [a_u, a_v, a_w]: [f64; 3], reach: &Reach) -> bool {
    if cell.contains_point(axis) {
        return true;
    }
    let [us, vs] = cell.uv_bound();
    // On the outer side of an edge's plane, within reach of it, and the foot between the edge's ends. The foot on the plane v
    // has u = a_u·(1 + v²) / (a_w + v·a_v).
    let on_edge = |line: f64, outwards: f64, [along, across]: [f64; 2], ends: [f64; 2]| {
        let beyond = (across - line * a_w) * outwards;
        let length2 = 1.0 + line * line;
        let (foot, scale) = (along * length2, a_w + line * across);
        beyond >= -MARGIN
            && beyond * beyond <= reach.sin2[1] * length2
            && ends[0] * scale <= foot
            && foot <= ends[1] * scale
    };
    on_edge(vs[0], -1.0, [a_u, a_v], us)
        || on_edge(vs[1], 1.0, [a_u, a_v], us)
        || on_edge(us[0], -1.0, [a_v, a_u], vs)
        || on_edge(us[1], 1.0, [a_v, a_u], vs)
}
