//! Lines on the sphere.

use glam::DVec3;

use super::edge_set::EdgeSet;
use super::ring::{ChainFault, split_long_edges};
use crate::region::unit;

/// A chain of the shorter arcs of great circles. It may cross itself.
#[derive(Clone, PartialEq, Debug)]
pub struct Polyline {
    vertices: Vec<DVec3>, // two or more unit vectors, no neighbours equal or more than a quarter of a turn apart
}

impl Polyline {
    /// Through directions of any length but zero. Repeated ones are dropped; an edge of more than a quarter of a turn gets
    /// a vertex in its middle.
    ///
    /// # Errors
    /// [`PolylineError`], which names the vertex.
    pub fn new(directions: &[DVec3]) -> Result<Self, PolylineError> {
        let mut vertices = Vec::with_capacity(directions.len());
        for (n, direction) in directions.iter().enumerate() {
            let vertex = unit(*direction).ok_or(PolylineError::Direction(n))?;
            match vertices.last() {
                Some(last) if *last == vertex => {}
                _ => vertices.push(vertex),
            }
        }
        if vertices.len() < 2 {
            return Err(PolylineError::TooFew);
        }
        if vertices.len() > EdgeSet::EDGES_MAX / 2 {
            return Err(PolylineError::TooLarge);
        }
        let vertices = split_long_edges(&vertices, false).map_err(|fault| match fault {
            ChainFault::Opposite(vertex) | ChainFault::Direction(vertex) => {
                PolylineError::Opposite(vertex)
            }
            ChainFault::TooFew => PolylineError::TooFew,
        })?;
        Ok(Self { vertices })
    }

    /// Unit vectors, at least two.
    pub fn vertices(&self) -> &[DVec3] {
        &self.vertices
    }

    /// Length, radians: times the planet's radius it is metres.
    pub fn length_rad(&self) -> f64 {
        let edges = self.vertices.windows(2);
        edges
            .map(|ends| libm::atan2(ends[0].cross(ends[1]).length(), ends[0].dot(ends[1])))
            .sum()
    }
}

/// Why directions make no line. Vertices are counted from 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PolylineError {
    /// The vertex has no direction.
    #[error("vertex {0} of a line is zero or not finite")]
    Direction(usize),
    /// Which way an edge goes cannot be said; the vertex is counted without repeated ones.
    #[error("vertex {0} of a line is opposite to the one before")]
    Opposite(usize),
    /// Fewer than two different vertices.
    #[error("a line needs two different vertices")]
    TooFew,
    /// More than 2²⁵ vertices.
    #[error("a line has at most 33,554,432 vertices")]
    TooLarge,
}
