//! A polygon and everything near it.

use std::sync::Arc;

use glam::DVec3;

use crate::geo::Polygon;
use crate::region::{Cap, Cell, LatLngRect, Region};

/// All directions within an angle of a polygon.
pub(super) struct Widened {
    polygon: Arc<Polygon>,
    margin_rad: f64, // from 0 up
}

/// Bounds of angles are this much wider, as a part and in radians: far more than rounding.
const SLACK: f64 = 1e-12;

impl Widened {
    /// `margin_rad` is a number from 0 up.
    pub(super) fn new(polygon: Arc<Polygon>, margin_rad: f64) -> Self {
        debug_assert!(margin_rad >= 0.0);
        Self {
            polygon,
            margin_rad,
        }
    }
}

impl Region for Widened {
    fn cap_bound(&self) -> Cap {
        let cap = self.polygon.cap_bound().expanded(self.margin_rad);
        cap.expect("the margin is a number from 0 up")
    }

    fn rect_bound(&self) -> LatLngRect {
        let rect = self.polygon.rect_bound();
        rect.expanded_by_distance(self.margin_rad)
            .expect("the margin is a number from 0 up")
    }

    fn contains_point(&self, direction: DVec3) -> bool {
        self.polygon.is_within(direction, self.margin_rad)
    }

    /// When the cell is inside, or its middle so near that all of it is.
    fn contains_cell(&self, cell: &Cell) -> bool {
        let cap = cell.cap_bound();
        let left_rad = self.margin_rad - cap.radius_rad() * (1.0 + SLACK) - SLACK;
        self.polygon.contains_cell(cell)
            || left_rad >= 0.0 && self.polygon.is_within(cap.axis(), left_rad)
    }

    fn may_intersect(&self, cell: &Cell) -> bool {
        let cap = cell.cap_bound();
        let reach_rad = self.margin_rad + cap.radius_rad() * (1.0 + SLACK) + SLACK;
        self.polygon.is_within(cap.axis(), reach_rad)
    }
}
