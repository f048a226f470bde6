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

/// [`relation`] of the four children of a cell at once: they share vertices and edges, and a cap cuts through them in too
/// many ways for branches to be foreseen.
pub(super) fn child_relations(cap: &Cap, cell: &Cell) -> [Relation; 4] {
    let chord = cap.squared_chord();
    if !(0.0..=SINES_MAX).contains(&chord) {
        return [0, 1, 2, 3].map(|position| relation(cap, &cell.child(position)));
    }
    let lattice = Lattice::of(cell, to_uvw(cell.face(), cap.axis()));
    let reach = Reach::of(chord);
    let (inside, near) = lattice.vertices(&reach);
    let (rows, columns) = (lattice.rows(&reach), lattice.columns(&reach));
    let axis = lattice.axis();
    let mut relations = [Relation::Outside; 4];
    for (position, relation) in (0..4).zip(&mut relations) {
        let [east, north] = cell.halves(position);
        let at = u32::from(east + 3 * north);
        let (corners, row_edges, column_edges) = (0b11_011 << at, 0b1_001 << at, 0b11 << at);
        let touched =
            (near & corners) | (rows & row_edges) | (columns & column_edges) | (axis & 1 << at);
        if inside & corners == corners {
            *relation = Relation::Inside;
        } else if touched != 0 {
            *relation = Relation::Crosses;
        }
    }
    relations
}

/// The nine vertices of a cell's children, as seen from a cap's axis. What is told of them is a bit each:
/// ```text
///  v[2]  6 7 8        vertex, or the edge that goes east (of rows) or north (of columns) from it,
///  v[1]  3 4 5        or the child that lies north-east of it
///  v[0]  0 1 2
///      u[0] .. u[2]
/// ```
struct Lattice {
    u: [f64; 3],
    v: [f64; 3],
    axis: [f64; 3],
    q: [f64; 3], // of the module's drawing, for each u
    p: [f64; 3], // for each v
}

impl Lattice {
    #[inline]
    fn of(cell: &Cell, axis: [f64; 3]) -> Self {
        let [[u_lo, u_hi], [v_lo, v_hi]] = cell.uv_bound();
        let [u_middle, v_middle] = cell.middle_uv();
        let (u, v) = ([u_lo, u_middle, u_hi], [v_lo, v_middle, v_hi]);
        let [a_u, a_v, a_w] = axis;
        Self {
            u,
            v,
            axis,
            q: u.map(|u| a_u - u * a_w),
            p: v.map(|v| a_v - v * a_w),
        }
    }

    /// Which are surely inside the cap, and which perhaps.
    #[inline]
    fn vertices(&self, reach: &Reach) -> (u32, u32) {
        let [a_u, a_v, a_w] = self.axis;
        let (mut inside, mut near) = (0, 0);
        for j in 0..3 {
            for i in 0..3 {
                let (u, v, p, q) = (self.u[i], self.v[j], self.p[j], self.q[i]);
                let cross = q * v - p * u;
                let sin2 = p * p + q * q + cross * cross;
                let length2 = 1.0 + u * u + v * v;
                let ahead = u32::from(a_u * u + a_v * v + a_w > 0.0);
                let at = 3 * j + i;
                inside |= (ahead & u32::from(sin2 <= reach.sin2[0] * length2)) << at;
                near |= (ahead & u32::from(sin2 <= reach.sin2[1] * length2)) << at;
            }
        }
        (inside, near)
    }

    /// Which edges along rows hold a foot of the axis within reach.
    #[inline]
    fn rows(&self, reach: &Reach) -> u32 {
        let [a_u, a_v, a_w] = self.axis;
        (0..3).fold(0, |bits, j| {
            let foot = Foot::of(self.v[j], a_u, a_v, a_w);
            let [first, second] = foot.segments(self.u, reach);
            bits | first << (3 * j) | second << (3 * j + 1)
        })
    }

    /// Which edges along columns do.
    #[inline]
    fn columns(&self, reach: &Reach) -> u32 {
        let [a_u, a_v, a_w] = self.axis;
        (0..3).fold(0, |bits, i| {
            let foot = Foot::of(self.u[i], a_v, a_u, a_w);
            let [first, second] = foot.segments(self.v, reach);
            bits | first << i | second << (i + 3)
        })
    }

    /// Which children hold the axis.
    #[inline]
    fn axis(&self) -> u32 {
        let within = |side: [f64; 3], n: usize| {
            u32::from(side[n] >= -MARGIN) & u32::from(side[n + 1] <= MARGIN)
        };
        let ahead = u32::from(self.axis[2] > 0.0);
        let (west, east) = (ahead & within(self.q, 0), ahead & within(self.q, 1));
        let (south, north) = (within(self.p, 0), within(self.p, 1));
        (west & south) | (east & south) << 1 | (west & north) << 3 | (east & north) << 4
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
    let on_edge = |line: f64, [along, across]: [f64; 2], ends: [f64; 2]| {
        let foot = Foot::of(line, along, across, a_w);
        foot.is_near(reach) && foot.is_beyond(ends[0]) && !foot.is_beyond(ends[1])
    };
    vs.into_iter().any(|v| on_edge(v, [a_u, a_v], us))
        || us.into_iter().any(|u| on_edge(u, [a_v, a_u], vs))
}

/// The point nearest to the axis on the great circle of a lattice line.
///
/// On the plane v it has u = a_u·(1 + v²) / (a_w + v·a_v), and p / √(1 + v²) is the sine of its distance.
#[derive(Clone, Copy)]
struct Foot {
    distance: f64, // p of the module's drawing
    length2: f64,  // 1 + v²
    above: f64,
    below: f64, // of the quotient u
}

impl Foot {
    #[inline]
    fn of(line: f64, along: f64, across: f64, a_w: f64) -> Self {
        let length2 = 1.0 + line * line;
        Self {
            distance: across - line * a_w,
            length2,
            above: along * length2,
            below: a_w + line * across,
        }
    }

    /// Whether it lies within reach between the first two places of three, and between the last two.
    #[inline]
    fn segments(&self, places: [f64; 3], reach: &Reach) -> [u32; 2] {
        let near = u32::from(self.is_near(reach));
        let beyond = |n: usize| u32::from(self.is_beyond(places[n]));
        let (a, b, c) = (beyond(0), beyond(1), beyond(2));
        [near & a & (b ^ 1), near & b & (c ^ 1)]
    }

    #[inline]
    fn is_near(&self, reach: &Reach) -> bool {
        self.distance * self.distance <= reach.sin2[1] * self.length2
    }

    /// Whether it lies beyond a place on the line, or there; behind the face it lies beyond all or none.
    #[inline]
    fn is_beyond(&self, place: f64) -> bool {
        place * self.below <= self.above
    }
}
