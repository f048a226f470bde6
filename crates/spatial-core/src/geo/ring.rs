//! Rings: closed chains of directions, cleaned and looked at from both sides.

use core::f64::consts::PI;

use glam::DVec3;

use super::crossing::{Way, wedge_contains_vertex};
use crate::region::unit;

/// Ends of an edge are taken as opposite when their sum is no longer than this: its direction would be noise.
const OPPOSITE: f64 = 1e-9;

/// Unit vectors without repetitions and spikes, at least three, no two neighbours more than a quarter of a turn apart.
#[derive(Clone, Debug)]
pub(super) struct CleanRing {
    pub(super) vertices: Vec<DVec3>,
    /// A direction that is surely not inside if the smaller part is: there is a hemisphere that holds the ring.
    outside: Option<DVec3>,
}

/// What is wrong with a chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ChainFault {
    /// The vertex is zero or not finite.
    Direction(usize),
    /// The vertex is opposite to the one before.
    Opposite(usize),
    /// Nothing is left.
    TooFew,
}

impl CleanRing {
    /// From directions of any length but zero; the first may be repeated as the last.
    pub(super) fn new(directions: &[DVec3]) -> Result<Self, ChainFault> {
        let mut vertices = Vec::with_capacity(directions.len());
        for (n, direction) in directions.iter().enumerate() {
            let vertex = unit(*direction).ok_or(ChainFault::Direction(n))?;
            push_without_spike(&mut vertices, vertex);
        }
        trim_ends(&mut vertices);
        if vertices.len() < 3 {
            return Err(ChainFault::TooFew);
        }
        let vertices = split_long_edges(&vertices, true)?;
        let outside = outside_of_hemisphere(&vertices);
        Ok(Self { vertices, outside })
    }

    pub(super) fn edges(&self) -> impl Iterator<Item = [DVec3; 2]> + Clone {
        closed_edges(&self.vertices)
    }

    /// Whether the smaller part contains the point. Of a ring that halves the sphere, the part to the left.
    pub(super) fn smaller_contains(&self, p: DVec3) -> bool {
        match self.outside {
            Some(outside) => self.separates(outside, p),
            None => self.left_contains(p) ^ self.is_left_larger(),
        }
    }

    /// Surely, not by rounding: of a ring on a great circle both parts are as large.
    fn is_left_larger(&self) -> bool {
        let error = 12.0 * f64::EPSILON * self.vertices.len() as f64;
        self.left_area() > 2.0 * PI + error
    }

    /// Whether the part to the left of the edges contains the point.
    pub(super) fn left_contains(&self, p: DVec3) -> bool {
        let [a, b, c] = [0, 1, 2].map(|n| self.vertices[n]);
        self.separates(b, p) ^ wedge_contains_vertex(a, b, c)
    }

    fn separates(&self, p: DVec3, q: DVec3) -> bool {
        let way = Way::new(p, q);
        let crossed = self.edges().filter(|[a, b]| way.crosses(*a, *b));
        crossed.count() % 2 == 1
    }

    /// Steradians to the left, 0 to 4π.
    pub(super) fn left_area(&self) -> f64 {
        left_area(&self.vertices)
    }
}

/// From each vertex to the next, and back to the first.
pub(super) fn closed_edges(vertices: &[DVec3]) -> impl Iterator<Item = [DVec3; 2]> + Clone {
    let next = vertices.iter().cycle().skip(1);
    vertices.iter().zip(next).map(|(a, b)| [*a, *b])
}

/// Steradians to the left of a closed chain, 0 to 4π; right to 10⁻¹⁵ of itself an edge for chains that are small.
///
/// The sum of the triangles with one point, each from tan(E/2) = det / (1 + o·a + a·b + b·o) (van Oosterom, Strackee 1983).
pub(super) fn left_area(vertices: &[DVec3]) -> f64 {
    let o = far_from_opposites(vertices);
    let twice_tangents = closed_edges(vertices).map(|[a, b]| {
        let determinant = o.dot((a - o).cross(b - o)); // few bits cancel where o is near
        2.0 * libm::atan2(determinant, 1.0 + o.dot(a) + a.dot(b) + b.dot(o))
    });
    let sum: f64 = twice_tangents.sum();
    let turns = (sum / (4.0 * PI)).floor();
    sum - turns * (4.0 * PI)
}

/// The mean of the vertices, or an axis, whichever has the vertices' opposites farthest from it.
fn far_from_opposites(vertices: &[DVec3]) -> DVec3 {
    let axes = [
        DVec3::X,
        DVec3::Y,
        DVec3::Z,
        -DVec3::X,
        -DVec3::Y,
        -DVec3::Z,
    ];
    let nearest = |o: &DVec3| vertices.iter().map(|v| v.dot(*o)).fold(1.0, f64::min);
    let mean = mean(vertices).unwrap_or(DVec3::X);
    if nearest(&mean) > -0.5 {
        return mean;
    }
    let best = axes
        .into_iter()
        .max_by(|a, b| nearest(a).total_cmp(&nearest(b)));
    best.unwrap_or(mean)
}

fn mean(vertices: &[DVec3]) -> Option<DVec3> {
    let sum: DVec3 = vertices.iter().sum();
    if sum.length() > 1e-6 * vertices.len() as f64 {
        unit(sum)
    } else {
        None
    }
}

/// The opposite of the middle of a hemisphere that holds all vertices, if one is found.
fn outside_of_hemisphere(vertices: &[DVec3]) -> Option<DVec3> {
    let (low, high) = vertices
        .iter()
        .fold((DVec3::ONE, -DVec3::ONE), |(low, high), v| {
            (low.min(*v), high.max(*v))
        });
    let middles = [mean(vertices), unit(low + high)];
    let holds = |o: &DVec3| vertices.iter().all(|v| v.dot(*o) > 1e-9);
    middles.into_iter().flatten().find(holds).map(|o| -o)
}

/// A repetition changes nothing, and there and back is not gone at all.
fn push_without_spike(vertices: &mut Vec<DVec3>, vertex: DVec3) {
    match vertices.as_slice() {
        [.., last] if *last == vertex => {}
        [.., before, _] if *before == vertex => {
            vertices.pop();
        }
        _ => vertices.push(vertex),
    }
}

/// The same where the end of the ring meets its beginning.
fn trim_ends(vertices: &mut Vec<DVec3>) {
    let mut first = 0;
    loop {
        match &vertices[first..] {
            [a, .., z] if a == z => {
                vertices.pop();
            }
            [a, _, .., y, _] if a == y => {
                vertices.pop();
            }
            [_, b, .., _, z] if b == z => first += 1,
            _ => break,
        }
    }
    vertices.drain(..first);
}

/// A vertex in the middle of every edge of more than a quarter of a turn.
pub(super) fn split_long_edges(
    vertices: &[DVec3],
    is_closed: bool,
) -> Result<Vec<DVec3>, ChainFault> {
    let mut split = Vec::with_capacity(vertices.len());
    for (n, [a, b]) in closed_edges(vertices).enumerate() {
        split.push(a);
        if !is_closed && n + 1 == vertices.len() {
            break;
        }
        if a.dot(b) < 0.0 {
            let sum = a + b;
            if sum.length() <= OPPOSITE {
                return Err(ChainFault::Opposite((n + 1) % vertices.len()));
            }
            split.push(sum.normalize());
        }
    }
    Ok(split)
}
