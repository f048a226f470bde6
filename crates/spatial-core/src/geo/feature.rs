//! Features: things on the map, with a name.

use glam::DVec3;

use super::polygon::Polygon;
use super::polyline::Polyline;
use crate::region::unit;

/// A thing on the map: what it is called and where it is.
#[derive(Clone, Default, Debug)]
pub struct Feature {
    /// The identifier that its file gives it.
    pub id: Option<String>,
    /// What people call it.
    pub name: Option<String>,
    /// Where it is.
    pub geometry: Geometry,
}

/// Points, lines and polygons that are one thing.
#[derive(Clone, Default, Debug)]
pub struct Geometry {
    points: Vec<DVec3>, // unit vectors
    lines: Vec<Polyline>,
    polygons: Vec<Polygon>,
}

impl Geometry {
    /// Adds a point: a direction of any length but zero.
    ///
    /// # Errors
    /// [`NoDirection`] when it is zero or not finite; nothing is added.
    pub fn push_point(&mut self, direction: DVec3) -> Result<(), NoDirection> {
        let point = unit(direction).ok_or(NoDirection { index: 0 })?;
        self.points.push(point);
        Ok(())
    }

    /// Adds a line.
    pub fn push_line(&mut self, line: Polyline) {
        self.lines.push(line);
    }

    /// Adds a polygon; what lies in any of them is inside.
    pub fn push_polygon(&mut self, polygon: Polygon) {
        self.polygons.push(polygon);
    }

    /// Unit vectors.
    pub fn points(&self) -> &[DVec3] {
        &self.points
    }

    /// The lines.
    pub fn lines(&self) -> &[Polyline] {
        &self.lines
    }

    /// The polygons.
    pub fn polygons(&self) -> &[Polygon] {
        &self.polygons
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty() && self.lines.is_empty() && self.polygons.is_empty()
    }

    /// Points, and edges of lines and polygons.
    pub fn edge_count(&self) -> usize {
        let lines = self.lines.iter().map(|line| line.vertices().len() - 1);
        let polygons = self.polygons.iter().map(Polygon::edge_count);
        self.points.len() + lines.sum::<usize>() + polygons.sum::<usize>()
    }
}

impl From<Polygon> for Geometry {
    fn from(polygon: Polygon) -> Self {
        let polygons = vec![polygon];
        Self {
            polygons,
            ..Self::default()
        }
    }
}

impl From<Polyline> for Geometry {
    fn from(line: Polyline) -> Self {
        let lines = vec![line];
        Self {
            lines,
            ..Self::default()
        }
    }
}

/// A vector that is zero or not finite points nowhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("direction {index} is zero or not finite")]
pub struct NoDirection {
    /// Which one of a batch, from 0.
    pub index: usize,
}

/// Whether a vector has a direction; the usual lengths at a glance.
#[inline]
pub(super) fn is_direction(p: DVec3) -> bool {
    is_usual(p) || unit(p).is_some()
}

/// The first vector that is zero or not finite.
pub(super) fn first_without(directions: &[DVec3]) -> Option<usize> {
    // Without branches first: it is nearly free, and the search for the offender is not.
    if directions.iter().fold(true, |all, p| all & is_usual(*p)) {
        return None;
    }
    directions.iter().position(|p| !is_direction(*p))
}

#[inline(always)]
fn is_usual(p: DVec3) -> bool {
    (1e-200..=1e200).contains(&p.length_squared())
}
