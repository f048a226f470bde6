//! Whether a latitude-longitude box and a cell have a point in common.
//!
//! They do if one holds a vertex or the middle of the other, or if their boundaries cross. An edge of a cell is an arc of
//! a great circle; edges of a box are arcs of meridians and of parallels.

use glam::DVec3;

use super::{Cell, LatLngRect, Region, lat_rad, lng_rad};

/// Radians that computed crossings are off, and more; what is nearer is in doubt.
const MARGIN: f64 = 1e-15;

pub(super) fn intersects(rect: &LatLngRect, cell: &Cell) -> bool {
    if rect.is_empty() || !rect.intersects(&cell.rect_bound()) {
        return false;
    }
    let holds =
        rect.contains_point(cell.center()) || (0..4).any(|k| rect.contains_point(cell.vertex(k)));
    let is_held =
        cell.contains_point(rect.center()) || (0..4).any(|k| cell.contains_point(rect.vertex(k)));
    holds || is_held || (0..4).any(|k| Arc::of_edge(cell, k).crosses_boundary(rect))
}

/// An edge of a cell.
struct Arc {
    a: DVec3,
    b: DVec3,
    normal: DVec3, // from a to b it goes counter-clockwise around this; of length one
}

impl Arc {
    fn of_edge(cell: &Cell, k: usize) -> Self {
        Self {
            a: cell.vertex(k),
            b: cell.vertex(k + 1),
            normal: cell.edge_normal(k),
        }
    }

    fn crosses_boundary(&self, rect: &LatLngRect) -> bool {
        let meridians = !rect.longitudes().is_full()
            && rect
                .lng_rad()
                .into_iter()
                .any(|lng| self.crosses_meridian(rect, lng));
        meridians
            || rect
                .lat_rad()
                .into_iter()
                .any(|lat| self.crosses_parallel(rect, lat))
    }

    /// Between the box' latitudes.
    fn crosses_meridian(&self, rect: &LatLngRect, lng: f64) -> bool {
        let (sin, cos) = libm::sincos(lng);
        let (east, ahead) = (DVec3::new(-sin, cos, 0.0), DVec3::new(cos, sin, 0.0));
        let (from, to) = (self.a.dot(east), self.b.dot(east));
        if from.abs() <= MARGIN && to.abs() <= MARGIN {
            return true; // along the meridian
        }
        if from.min(to) > MARGIN || from.max(to) < -MARGIN {
            return false;
        }
        // The ends weighted by each other's distance from the meridian's plane.
        let crossing = (self.a * to.abs() + self.b * from.abs()).normalize();
        let ([south, north], lat) = (rect.lat_rad(), lat_rad(crossing));
        // The steeper they meet, the better the place of the crossing is known.
        let slack = MARGIN / (from.abs() + to.abs()).max(MARGIN) * self.a.distance(self.b) + MARGIN;
        crossing.dot(ahead) >= -slack && south - slack <= lat && lat <= north + slack
    }

    /// Between the box' longitudes.
    fn crosses_parallel(&self, rect: &LatLngRect, lat: f64) -> bool {
        let n = self.normal;
        // The great circle climbs up to the latitude of this sine, at the top, and comes down after a quarter turn.
        let climb = (n.x * n.x + n.y * n.y).sqrt();
        if climb <= MARGIN {
            return true; // along the equator, which the box is near
        }
        let cos = libm::sin(lat) / climb;
        if cos.abs() > 1.0 + 4.0 * MARGIN / climb {
            return false;
        }
        let top = DVec3::new(-n.x * n.z, -n.y * n.z, climb * climb) / climb;
        let quarter = n.cross(top);
        let cos = cos.clamp(-1.0, 1.0);
        let sin = ((1.0 - cos) * (1.0 + cos)).sqrt();
        // Where it only just reaches the parallel the crossings are known to the root of the rounding.
        let slack = (4.0 * MARGIN / climb / sin.max(1e-8)).min(1e-6);
        [sin, -sin].into_iter().any(|sin| {
            let p = top * cos + quarter * sin;
            let on_arc = self.a.cross(p).dot(n) >= -slack
                && p.cross(self.b).dot(n) >= -slack
                && p.dot(self.a + self.b) > 0.0;
            let flat = (p.x * p.x + p.y * p.y).sqrt(); // longitudes crowd near the poles
            on_arc
                && (flat <= slack
                    || rect
                        .longitudes()
                        .expanded(slack / flat)
                        .contains(lng_rad(p)))
        })
    }
}
