//! Convex hulls of points on the grid: built without rounding.

use spatial_core::{DVec3, UNITS_PER_M};

use super::metres;

/// A convex hull around its origin, metres: what collision needs of it.
#[derive(Clone, Debug)]
pub(super) struct Hull {
    vertices: Vec<DVec3>,
    planes: Vec<Plane>,  // each of them once, in the order of the triangles
    edges: Vec<[u8; 2]>, // between two planes; none within one
}

/// A face: where `normal · p = offset`; inside is less.
#[derive(Clone, Debug)]
pub(super) struct Plane {
    pub(super) normal: DVec3,
    pub(super) offset: f64,
    pub(super) triangles: Vec<[u8; 3]>, // counter-clockwise from outside
}

impl Hull {
    /// The hull of extreme points; `None` when they lie on one plane, or are too many for a byte to count.
    pub(super) fn new(points: &[[i32; 3]]) -> Option<Self> {
        if points.len() > usize::from(u8::MAX) {
            return None;
        }
        let triangles = triangulate(points)?;
        let vertices: Vec<_> = points.iter().map(|p| metres(p.map(f64::from))).collect();
        let mut hull = Self {
            vertices,
            planes: Vec::new(),
            edges: Vec::new(),
        };
        let mut plane_of = Vec::with_capacity(triangles.len());
        for (n, t) in triangles.iter().enumerate() {
            let same = |other: &[usize; 3]| t.iter().all(|v| side(points, *other, *v) == 0);
            let corners = t.map(|v| v as u8);
            match triangles[..n].iter().position(same) {
                Some(first) => {
                    let plane: usize = plane_of[first];
                    hull.planes[plane].triangles.push(corners);
                    plane_of.push(plane);
                }
                None => {
                    plane_of.push(hull.planes.len());
                    hull.planes.push(plane_through(points, *t, corners));
                }
            }
        }
        hull.edges = edges_between(&triangles, &plane_of);
        Some(hull)
    }

    pub(super) fn vertices(&self) -> &[DVec3] {
        &self.vertices
    }

    pub(super) fn planes(&self) -> &[Plane] {
        &self.planes
    }

    pub(super) fn edges(&self) -> impl Iterator<Item = [DVec3; 2]> + '_ {
        let corner = |v: u8| self.vertices[usize::from(v)];
        self.edges.iter().map(move |edge| edge.map(corner))
    }
}

/// The points that are corners of the hull of all, in the order they have; `None` when all lie on one plane.
pub(super) fn extreme_points(points: &[[i32; 3]]) -> Option<Vec<[i32; 3]>> {
    let triangles = triangulate(points)?;
    // A corner has three planes that are not one; a point on an edge has two, on a face one.
    let mut is_corner = vec![false; points.len()];
    for v in triangles.iter().flatten() {
        if !is_corner[*v] {
            is_corner[*v] = planes_at(points, &triangles, *v) >= 3;
        }
    }
    let kept = points.iter().zip(is_corner).filter(|(_, is)| *is);
    Some(kept.map(|(p, _)| *p).collect())
}

/// How many planes meet in a vertex, as far as three.
fn planes_at(points: &[[i32; 3]], triangles: &[[usize; 3]], v: usize) -> usize {
    let mut planes: Vec<[usize; 3]> = Vec::with_capacity(3);
    for t in triangles.iter().filter(|t| t.contains(&v)) {
        let is_new = |known: &[usize; 3]| t.iter().any(|p| side(points, *known, *p) != 0);
        if planes.iter().all(is_new) {
            planes.push(*t);
        }
        if planes.len() == 3 {
            break;
        }
    }
    planes.len()
}

fn plane_through(points: &[[i32; 3]], t: [usize; 3], corners: [u8; 3]) -> Plane {
    let [a, b, c] = t.map(|v| points[v]);
    let across = cross(minus(b, a), minus(c, a)).map(|c| c as f64); // below 2⁵⁴: scaled, hardly rounded
    let across = DVec3::from_array(across) / UNITS_PER_M;
    let normal = across / across.length();
    Plane {
        normal,
        offset: normal.dot(metres(a.map(f64::from))),
        triangles: vec![corners],
    }
}

/// Edges of triangles on two planes, each once.
fn edges_between(triangles: &[[usize; 3]], plane_of: &[usize]) -> Vec<[u8; 2]> {
    let mut edges = Vec::new();
    for (t, plane) in triangles.iter().zip(plane_of) {
        for [a, b] in rim(*t) {
            let twin = triangles
                .iter()
                .position(|other| rim(*other).contains(&[b, a]));
            let is_crease = twin.is_some_and(|twin| plane_of[twin] != *plane);
            if a < b && is_crease {
                edges.push([a as u8, b as u8]);
            }
        }
    }
    edges
}

/// The triangles of the hull, counter-clockwise from outside. Points join one by one: the triangles that a point sees make room for
/// those between it and their rim. Who lies on a plane does not see it, so no triangle is ever without an inside.
fn triangulate(points: &[[i32; 3]]) -> Option<Vec<[usize; 3]>> {
    let mut triangles = first_four(points)?;
    for p in 0..points.len() {
        let (seen, mut kept): (Vec<_>, Vec<_>) =
            triangles.iter().partition(|t| side(points, **t, p) > 0);
        if seen.is_empty() {
            continue;
        }
        let edges: Vec<_> = seen.iter().flat_map(|t| rim(*t)).collect();
        let is_rim = |[a, b]: &&[usize; 2]| !edges.contains(&[*b, *a]);
        kept.extend(edges.iter().filter(is_rim).map(|[a, b]| [*a, *b, p]));
        triangles = kept;
    }
    Some(triangles)
}

fn rim([a, b, c]: [usize; 3]) -> [[usize; 2]; 3] {
    [[a, b], [b, c], [c, a]]
}

/// The four triangles of a tetrahedron of the points: the two farthest from each other, as far as one look tells, the one
/// farthest from their line, and the one farthest from that plane.
fn first_four(points: &[[i32; 3]]) -> Option<Vec<[usize; 3]>> {
    let farthest = |measure: &dyn Fn([i32; 3]) -> i128| {
        let mut best: Option<(i128, usize)> = None;
        for (n, p) in points.iter().enumerate() {
            let here = measure(*p);
            if here > best.map_or(0, |(most, _)| most) {
                best = Some((here, n));
            }
        }
        best.map(|(_, n)| n)
    };
    let square = |v: [i128; 3]| v.iter().map(|c| c * c).sum::<i128>();
    let a = 0;
    let from = *points.first()?;
    let b = farthest(&|p| square(minus(p, from).map(i128::from)))?;
    let line = minus(points[b], from);
    let c = farthest(&|p| square(cross(line, minus(p, from)).map(i128::from)))?;
    let d = farthest(&|p| volume(from, points[b], points[c], p).abs())?;
    let [b, c] = match volume(from, points[b], points[c], points[d]) > 0 {
        true => [c, b],
        false => [b, c],
    };
    Some(vec![[a, b, c], [a, c, d], [a, d, b], [b, d, c]])
}

/// Above a triangle's plane, seen counter-clockwise, is more than 0. Exact.
fn side(points: &[[i32; 3]], [a, b, c]: [usize; 3], p: usize) -> i128 {
    volume(points[a], points[b], points[c], points[p])
}

/// Six times the volume of a tetrahedron. Coordinates up to 2²⁵ make products below 2⁸³.
fn volume(a: [i32; 3], b: [i32; 3], c: [i32; 3], p: [i32; 3]) -> i128 {
    let normal = cross(minus(b, a), minus(c, a));
    let to = minus(p, a);
    (0..3)
        .map(|k| i128::from(normal[k]) * i128::from(to[k]))
        .sum()
}

fn minus(a: [i32; 3], b: [i32; 3]) -> [i64; 3] {
    [0, 1, 2].map(|k| i64::from(a[k]) - i64::from(b[k]))
}

fn cross(a: [i64; 3], b: [i64; 3]) -> [i64; 3] {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}
