//! The geometry of a cell: a rectangle of its face's (u, v) plane, seen from the centre of the cube.

use core::f64::consts::{FRAC_1_PI, FRAC_PI_2, FRAC_PI_4};

use glam::DVec3;

use super::longitudes::Longitudes;
use super::{Cap, Chord, LatLngRect, Region, lat_rad, lng_rad, unit};
use crate::cell::{CellId, MAX_LEVEL, face_uv_to_direction, st_to_uv};

/// A cell with its geometry worked out, as many questions about it want it.
///
/// ```text
///   v     3 ── 2      vertices counter-clockwise seen from outside; edge k goes from vertex k to the next.
///   ↑     │    │      Edges are parts of great circles, because lines of the face lie in planes through the
///   └→ u  0 ── 1      cube's centre.
/// ```
/// It is closed: points of the edges belong to it. Making one costs a walk of the id; children cost much less.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Cell {
    id: CellId,
    face: u8,
    level: u8,
    uv: [[f64; 2]; 2], // [u, v][lo, hi], within [−1, 1]; lo < hi
    ij: [u32; 2],      // the leaf at (lo, lo)
    curve: Curve,
}

/// How the Hilbert curve runs through a cell: i and j may be exchanged, and both inverted. Each is 0 or 1.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Curve {
    exchanged: u8,
    inverted: u8,
}

impl Curve {
    /// Of a cell, all levels at once: equal bits of a position exchange, two ones invert.
    fn of(id: CellId) -> Self {
        const LOW_BITS: u64 = 0x0555_5555_5555_5555;
        let stop = id.to_u64() & id.to_u64().wrapping_neg();
        let positions = (id.to_u64() ^ stop) >> 1; // two bits a level, 0 below the cell's
        let unequal = ((positions ^ positions >> 1) & LOW_BITS).count_ones();
        let ones = (positions & positions >> 1 & LOW_BITS).count_ones();
        let exchanges = u32::from(id.face()) + u32::from(id.level()) + unequal;
        Self {
            exchanged: (exchanges & 1) as u8,
            inverted: (ones & 1) as u8,
        }
    }

    /// Which half in i and in j the child at a position is.
    fn halves(self, position: u8) -> [u8; 2] {
        let (hi, lo) = (position >> 1, position & 1);
        let i = hi ^ (self.exchanged & lo) ^ self.inverted;
        [i, i ^ lo]
    }

    fn in_child(self, position: u8) -> Self {
        let (hi, lo) = (position >> 1, position & 1);
        Self {
            exchanged: self.exchanged ^ hi ^ lo ^ 1,
            inverted: self.inverted ^ (hi & lo),
        }
    }
}

impl Cell {
    /// The cell of an id.
    pub fn new(id: CellId) -> Self {
        let (face, i, j) = id.to_face_ij();
        let size = id.size_ij();
        Self {
            id,
            face,
            level: id.level(),
            uv: [i, j].map(|k| [line_uv(k), line_uv(k + size)]),
            ij: [i, j],
            curve: Curve::of(id),
        }
    }

    /// The four children in Hilbert order; `None` of a leaf. Much cheaper than making each from its id.
    pub fn children(&self) -> Option<[Self; 4]> {
        (self.level < MAX_LEVEL).then(|| [0, 1, 2, 3].map(|position| self.child(position)))
    }

    /// The child at a Hilbert position, 0 to 3, of a cell that is no leaf.
    #[inline]
    pub(crate) fn child(&self, position: u8) -> Self {
        debug_assert!(self.level < MAX_LEVEL && position < 4);
        let [u, v] = self.middle_uv();
        let [east, north] = self.curve.halves(position);
        let half = |[lo, hi]: [f64; 2], middle: f64, upper: u8| {
            if upper == 0 {
                [lo, middle]
            } else {
                [middle, hi]
            }
        };
        let size = 1 << (MAX_LEVEL - self.level - 1);
        // A quarter of the stop bit is the child's; twice that from child to child.
        let stop = self.id.to_u64() & self.id.to_u64().wrapping_neg();
        let id = self.id.to_u64() - stop + (stop >> 2) * (2 * u64::from(position) + 1);
        Self {
            id: CellId::new(id).expect("a child of a cell is a cell"),
            face: self.face,
            level: self.level + 1,
            uv: [half(self.uv[0], u, east), half(self.uv[1], v, north)],
            ij: [
                self.ij[0] + u32::from(east) * size,
                self.ij[1] + u32::from(north) * size,
            ],
            curve: self.curve.in_child(position),
        }
    }

    /// u and v of the lines between the children.
    #[inline]
    pub(super) fn middle_uv(&self) -> [f64; 2] {
        let half = (1 << (MAX_LEVEL - self.level)) >> 1;
        [line_uv(self.ij[0] + half), line_uv(self.ij[1] + half)]
    }

    /// Which half in u and in v the child at a Hilbert position is: 0 or 1.
    #[inline]
    pub(super) fn halves(&self, position: u8) -> [u8; 2] {
        self.curve.halves(position)
    }

    /// The cell with a margin in (u, v) far above the rounding of a direction's leaf and far below a leaf: whoever's leaf
    /// is in the cell is inside.
    #[must_use]
    pub(crate) fn padded(&self) -> Self {
        const MARGIN: f64 = 1e-14;
        let uv = self.uv.map(|[lo, hi]| [lo - MARGIN, hi + MARGIN]);
        Self { uv, ..*self }
    }

    /// Its id.
    pub fn id(&self) -> CellId {
        self.id
    }

    /// Face of the cube, 0 to 5.
    pub fn face(&self) -> u8 {
        self.face
    }

    /// Level, 0 to 30.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// The rectangle in the face's plane: `[[u_lo, u_hi], [v_lo, v_hi]]`, within [−1, 1].
    pub fn uv_bound(&self) -> [[f64; 2]; 2] {
        self.uv
    }

    /// Vertex k (0 to 3, taken modulo 4), counter-clockwise from (u_lo, v_lo); not normalised.
    #[inline]
    pub fn vertex_raw(&self, k: usize) -> DVec3 {
        let [u, v] = self.uv;
        let [u, v] = match k & 3 {
            0 => [u[0], v[0]],
            1 => [u[1], v[0]],
            2 => [u[1], v[1]],
            _ => [u[0], v[1]],
        };
        face_uv_to_direction(self.face, u, v)
    }

    /// Vertex k (0 to 3, taken modulo 4), of length one.
    pub fn vertex(&self, k: usize) -> DVec3 {
        self.vertex_raw(k).normalize()
    }

    /// The four vertices, of length one.
    pub fn vertices(&self) -> [DVec3; 4] {
        [0, 1, 2, 3].map(|k| self.vertex(k))
    }

    /// The normal of the plane through the edge from vertex k (taken modulo 4) to the next, pointing into the cell;
    /// not normalised.
    #[inline]
    pub fn edge_normal_raw(&self, k: usize) -> DVec3 {
        let [u, v] = self.uv;
        let uvw = match k & 3 {
            0 => [0.0, 1.0, -v[0]],
            1 => [-1.0, 0.0, u[1]],
            2 => [0.0, -1.0, v[1]],
            _ => [1.0, 0.0, -u[0]],
        };
        from_uvw(self.face, uvw)
    }

    /// [`Cell::edge_normal_raw`] with length one.
    pub fn edge_normal(&self, k: usize) -> DVec3 {
        self.edge_normal_raw(k).normalize()
    }

    /// The direction of the centre in (s, t), the point where the four children meet; of length one.
    pub fn center(&self) -> DVec3 {
        self.id.center()
    }

    /// The mean area of the cells of this cell's level, steradians: within a factor of 1.7 of its own.
    pub fn average_area(&self) -> f64 {
        average_area(self.level)
    }

    /// The area within 3 % (0.1 % from level 5 on), steradians: a flat quadrilateral, curved as a cap would be.
    pub fn approx_area(&self) -> f64 {
        if self.level < 2 {
            return self.average_area();
        }
        let [a, b, c, d] = self.vertices();
        let flat = 0.5 * (c - a).cross(d - b).length();
        flat * 2.0 / (1.0 + (1.0 - (FRAC_1_PI * flat).min(1.0)).sqrt())
    }

    /// The area, steradians, from two spherical triangles: six digits for leaves, more for larger cells.
    pub fn exact_area(&self) -> f64 {
        let [a, b, c, d] = self.vertices();
        triangle_area(a, b, c) + triangle_area(a, c, d)
    }

    /// The angle from a direction (of any length but zero) to the nearest point of the cell, radians; 0 inside.
    /// NaN when the direction is zero or not finite.
    pub fn distance_rad(&self, direction: DVec3) -> f64 {
        match unit(direction) {
            Some(p) => self.chord_to(p).to_rad(),
            None => f64::NAN,
        }
    }

    /// The squared chord from a unit vector to the nearest point of the cell.
    pub(crate) fn chord_to(&self, p: DVec3) -> Chord {
        if self.contains_point(p) {
            return Chord::ZERO;
        }
        (0..4)
            .map(|k| self.chord_to_edge(k, p))
            .fold(
                Chord::STRAIGHT,
                |least, c| if c < least { c } else { least },
            )
    }

    fn chord_to_edge(&self, k: usize, p: DVec3) -> Chord {
        let (a, b, n) = (
            self.vertex_raw(k),
            self.vertex_raw(k + 1),
            self.edge_normal_raw(k),
        );
        // The foot of the perpendicular lies between a and b if the vector along the edge at the foot points
        // away from a and towards b.
        let along = n.cross(p);
        if along.dot(a) < 0.0 && along.dot(b) > 0.0 {
            let sin2 = {
                let dot = p.dot(n);
                dot * dot / n.length_squared()
            };
            let rise = 1.0 - (1.0 - sin2).max(0.0).sqrt();
            return Chord((sin2 + rise * rise).min(4.0));
        }
        let (to_a, to_b) = (
            Chord::between(p, a.normalize()),
            Chord::between(p, b.normalize()),
        );
        if to_a < to_b { to_a } else { to_b }
    }

    /// Latitude and longitude of the vertex at ([lo, hi] of u, [lo, hi] of v).
    fn corner(&self, u: usize, v: usize) -> DVec3 {
        face_uv_to_direction(self.face, self.uv[0][u], self.uv[1][v])
    }

    /// Cells below the faces have their extremes of latitude and longitude at vertices; which ones follows from the
    /// quadrant of the face that the cell's middle is in.
    fn rect_bound_of_part(&self) -> LatLngRect {
        let [u, v] = self.uv.map(|[lo, hi]| lo + hi);
        // Where the face's axis does not climb, latitude falls with its distance from the middle.
        let far = |axis: usize, w: f64| {
            let climbs = from_uvw(
                self.face,
                if axis == 0 {
                    [1.0, 0.0, 0.0]
                } else {
                    [0.0, 1.0, 0.0]
                },
            )
            .z != 0.0;
            usize::from(if climbs { w > 0.0 } else { w < 0.0 })
        };
        let (i, j) = (far(0, u), far(1, v));
        let (a, b) = (
            lat_rad(self.corner(i, j)),
            lat_rad(self.corner(1 - i, 1 - j)),
        );
        let (west, east) = (
            lng_rad(self.corner(i, 1 - j)),
            lng_rad(self.corner(1 - i, j)),
        );
        // The rounding of the vertices and of the arc tangents.
        let margin = 2.0 * f64::EPSILON;
        let lat = [
            (a.min(b) - margin).max(-FRAC_PI_2),
            (a.max(b) + margin).min(FRAC_PI_2),
        ];
        LatLngRect::from_parts(lat, Longitudes::between(west, east).expanded(margin))
            .closed_at_poles()
    }

    fn rect_bound_of_face(&self) -> LatLngRect {
        // Faces 2 and 5 reach down to their corners at latitude asin(1/√3), rounded outwards.
        let corner_lat = libm::asin((1.0f64 / 3.0).sqrt()) - 0.5 * f64::EPSILON;
        let (lat, lng) = match self.face {
            2 => ([corner_lat, FRAC_PI_2], Longitudes::FULL),
            5 => ([-FRAC_PI_2, -corner_lat], Longitudes::FULL),
            side => {
                let (west, east) = [
                    (-1.0, 1.0),
                    (1.0, 3.0),
                    (0.0, 0.0),
                    (3.0, -3.0),
                    (-3.0, -1.0),
                ][usize::from(side)];
                (
                    [-FRAC_PI_4, FRAC_PI_4],
                    Longitudes::new(west * FRAC_PI_4, east * FRAC_PI_4),
                )
            }
        };
        let margin = f64::EPSILON;
        LatLngRect::from_parts(
            [
                (lat[0] - margin).max(-FRAC_PI_2),
                (lat[1] + margin).min(FRAC_PI_2),
            ],
            lng,
        )
    }
}

impl Region for Cell {
    fn cap_bound(&self) -> Cap {
        // The middle in (u, v) is cheaper than the centre and gives a cap that is nearly as small.
        let [u, v] = self.uv.map(|[lo, hi]| 0.5 * (lo + hi));
        let axis = face_uv_to_direction(self.face, u, v).normalize();
        let reach = self
            .vertices()
            .into_iter()
            .map(|vertex| Chord::between(axis, vertex).0)
            .fold(0.0, f64::max);
        Cap::from_parts(axis, Chord(reach))
    }

    fn rect_bound(&self) -> LatLngRect {
        if self.level == 0 {
            self.rect_bound_of_face()
        } else {
            self.rect_bound_of_part()
        }
    }

    /// Within one unit of rounding in (u, v), so that the leaf of a direction contains it.
    fn contains_point(&self, direction: DVec3) -> bool {
        let [u, v, w] = to_uvw(self.face, direction);
        let inside =
            |bound: [f64; 2], x: f64| bound[0] - f64::EPSILON <= x && x <= bound[1] + f64::EPSILON;
        w > 0.0 && inside(self.uv[0], u / w) && inside(self.uv[1], v / w)
    }

    fn contains_cell(&self, cell: &Cell) -> bool {
        self.id.contains(cell.id)
    }

    /// Whether one contains the other: neighbours, which have an edge or a vertex in common but no area, do not count, so that
    /// a cell's covering is the cell, as the C++ library's is. A direction on the border is in both, its leaf in one of them:
    /// who asks an index for what is in a cell by leaves, asks it for the cell's rows, not for a region.
    fn may_intersect(&self, cell: &Cell) -> bool {
        self.id.contains(cell.id) || cell.id.contains(self.id)
    }
}

/// The mean area of the cells of a level, steradians.
fn average_area(level: u8) -> f64 {
    4.0 * core::f64::consts::PI / 6.0 / (1u64 << (2 * level)) as f64
}

/// u or v of the lattice line before leaf k.
#[inline]
fn line_uv(k: u32) -> f64 {
    const LEAF: f64 = 1.0 / (1u32 << MAX_LEVEL) as f64;
    st_to_uv(LEAF * f64::from(k))
}

/// Components along a face's u, v and normal axes.
#[inline]
pub(crate) fn to_uvw(face: u8, p: DVec3) -> [f64; 3] {
    match face {
        0 => [p.y, p.z, p.x],
        1 => [-p.x, p.z, p.y],
        2 => [-p.x, -p.y, p.z],
        3 => [-p.z, -p.y, -p.x],
        4 => [-p.z, p.x, -p.y],
        _ => [p.y, p.x, -p.z],
    }
}

/// The inverse of [`to_uvw`].
#[inline]
pub(crate) fn from_uvw(face: u8, [u, v, w]: [f64; 3]) -> DVec3 {
    match face {
        0 => DVec3::new(w, u, v),
        1 => DVec3::new(-u, w, v),
        2 => DVec3::new(-u, -v, w),
        3 => DVec3::new(-w, -v, -u),
        4 => DVec3::new(v, -w, -u),
        _ => DVec3::new(v, u, -w),
    }
}

/// Area of a spherical triangle, steradians.
///
/// L'Huilier's theorem, with half the perimeter s: tan²(E/4) = tan(s/2)·tan((s−a)/2)·tan((s−b)/2)·tan((s−c)/2).
/// It loses digits where the triangle is a needle, s − a far below s; there Girard's sum of angles is better.
fn triangle_area(a: DVec3, b: DVec3, c: DVec3) -> f64 {
    let (sa, sb, sc) = (stable_angle(b, c), stable_angle(c, a), stable_angle(a, b));
    let s = 0.5 * (sa + sb + sc);
    if s >= 3e-4 {
        let slack = s - sa.max(sb).max(sc);
        if slack < 1e-2 * s * (s * s) * (s * s) {
            let area = girard_area(a, b, c);
            if slack < s * (0.1 * area) {
                return area;
            }
        }
    }
    let half_tan = |x: f64| libm::tan(0.5 * x);
    let square = half_tan(s) * half_tan(s - sa) * half_tan(s - sb) * half_tan(s - sc);
    4.0 * libm::atan(square.max(0.0).sqrt())
}

fn girard_area(a: DVec3, b: DVec3, c: DVec3) -> f64 {
    let (ab, bc, ac) = (a.cross(b), b.cross(c), a.cross(c));
    (angle(ab, ac) - angle(ab, bc) + angle(bc, ac)).max(0.0)
}

/// Angle between two vectors of equal length: precise near 0 and near π alike (Kahan).
fn stable_angle(a: DVec3, b: DVec3) -> f64 {
    2.0 * atan_of_ratio((a - b).length(), (a + b).length())
}

/// atan(y / x) of y ≥ 0 and x > 0, nearly always rounded correctly where it is below ¼.
///
/// Differences of nearly equal angles hang on the last bit: `libm::atan2`, which rounds the quotient first, puts areas up
/// to 10 units in the last place beside those of the C++ library, this one 3.
fn atan_of_ratio(y: f64, x: f64) -> f64 {
    let t = y / x;
    if t.is_nan() || t >= 0.25 {
        return libm::atan2(y, x);
    }
    let square = t * t;
    // t³/3 − t⁵/5 + …: the last of twelve terms is below 2⁻⁵⁴ of t.
    let series = (1..=12)
        .rev()
        .fold(0.0, |sum, n| square * (1.0 / f64::from(2 * n + 1) - sum));
    let rest = libm::fma(-t, x, y) / x; // of the division
    t + (rest / (1.0 + square) - t * series)
}

/// Angle between two vectors of any length.
fn angle(a: DVec3, b: DVec3) -> f64 {
    libm::atan2(a.cross(b).length(), a.dot(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_are_those_of_the_ids() {
        let mut seed = 0x0dd0_1234_5678_9abfu64;
        for n in 0..2_000u32 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (i, j) = ((seed >> 34) as u32, (seed >> 4) as u32 & 0x3fff_ffff);
            let cell = Cell::new(CellId::from_face_ij((n % 6) as u8, i, j, (n % 31) as u8));
            match (cell.children(), cell.id().children()) {
                (Some(children), Some(ids)) => assert_eq!(children, ids.map(Cell::new)),
                (children, ids) => assert!(children.is_none() && ids.is_none()),
            }
        }
    }
}
