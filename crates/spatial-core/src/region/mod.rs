//! Parts of the unit sphere: cells with their geometry, caps, latitude-longitude boxes, and what covers them.
//!
//! All regions are closed: a point of the boundary belongs to them. Points are directions from the planet's centre;
//! lengths along the sphere are radians, or metres when a planet is given.

mod any_of;
mod bound;
mod cap;
mod cap_cell;
mod cell;
mod cell_union;
mod chord;
mod coverer;
mod longitudes;
mod queue;
mod rect;
mod rect_cell;

use glam::DVec3;

pub use any_of::AnyOf;
pub use bound::CellBound;
pub use cap::{Cap, CapError};
pub use cell::Cell;
pub(crate) use cell::to_uvw;
pub use cell_union::{CellUnion, InvalidCellAt, InvalidExpansion, InvalidLevel, NotAscending};
pub(crate) use chord::Chord;
pub use coverer::{Coverer, CoveringError, CoveringOptions};
pub(crate) use longitudes::Longitudes;
pub use rect::{LatLngRect, RectError};

/// A closed part of the unit sphere.
///
/// The two questions about cells may be answered by bounds: a covering made with them contains the region all the
/// same, only less tightly.
pub trait Region {
    /// A cap that contains the region.
    fn cap_bound(&self) -> Cap;

    /// A latitude-longitude box that contains the region.
    fn rect_bound(&self) -> LatLngRect;

    /// Whether a direction of any length but zero points into the region; exact for the region's own definition.
    fn contains_point(&self, direction: DVec3) -> bool;

    /// Whether the whole cell lies inside; `false` when in doubt.
    fn contains_cell(&self, cell: &Cell) -> bool;

    /// Whether a part of the cell lies inside; `true` when in doubt.
    fn may_intersect(&self, cell: &Cell) -> bool;

    /// Both answers about a cell at once, where that is cheaper than one after the other.
    fn relation(&self, cell: &Cell) -> Relation {
        if !self.may_intersect(cell) {
            Relation::Outside
        } else if self.contains_cell(cell) {
            Relation::Inside
        } else {
            Relation::Crosses
        }
    }

    /// [`Region::relation`] of the four children of a cell that is no leaf, in Hilbert order.
    fn child_relations(&self, cell: &Cell) -> [Relation; 4] {
        [0, 1, 2, 3].map(|position| self.relation(&cell.child(position)))
    }

    /// A few cells that contain the region: where the search for a covering begins.
    fn cell_bound(&self) -> CellBound {
        self.cap_bound().cell_bound()
    }
}

/// How a cell lies to a region.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Relation {
    /// No point of the cell is inside.
    Outside,
    /// The boundary goes through the cell, or it is too near to tell.
    Crosses,
    /// All of the cell is inside.
    Inside,
}

impl<R: Region + ?Sized> Region for &R {
    fn cap_bound(&self) -> Cap {
        (**self).cap_bound()
    }

    fn rect_bound(&self) -> LatLngRect {
        (**self).rect_bound()
    }

    fn contains_point(&self, direction: DVec3) -> bool {
        (**self).contains_point(direction)
    }

    fn contains_cell(&self, cell: &Cell) -> bool {
        (**self).contains_cell(cell)
    }

    fn may_intersect(&self, cell: &Cell) -> bool {
        (**self).may_intersect(cell)
    }

    fn relation(&self, cell: &Cell) -> Relation {
        (**self).relation(cell)
    }

    fn child_relations(&self, cell: &Cell) -> [Relation; 4] {
        (**self).child_relations(cell)
    }

    fn cell_bound(&self) -> CellBound {
        (**self).cell_bound()
    }
}

/// What `length` of a unit vector may be off, squared: five units in the last place, as products of unit vectors have.
const UNIT_SLACK: f64 = 1e-15;

/// The direction with length one; `None` for the zero vector and for non-finite ones.
///
/// A vector that has length one up to rounding is left as it is, so that its bits survive.
#[inline]
pub(crate) fn unit(direction: DVec3) -> Option<DVec3> {
    let square = direction.length_squared();
    if (square - 1.0).abs() <= UNIT_SLACK {
        return Some(direction);
    }
    if (1e-200..=1e200).contains(&square) {
        return Some(direction * (1.0 / square.sqrt()));
    }
    unit_of_extremes(direction)
}

/// Where the square of the length would overflow or lose bits.
#[cold]
fn unit_of_extremes(direction: DVec3) -> Option<DVec3> {
    let largest = direction.abs().max_element();
    let scaled = direction / largest;
    // Halves keep the quotient of the largest finite number away from infinity; NaN fails the comparison.
    if largest > 0.0 && direction.is_finite() && scaled.is_finite() {
        Some(scaled * (1.0 / scaled.length()))
    } else {
        None
    }
}

/// Latitude of a direction, radians; the sign of a zero is positive.
pub(crate) fn lat_rad(p: DVec3) -> f64 {
    libm::atan2(p.z + 0.0, (p.x * p.x + p.y * p.y).sqrt())
}

/// Longitude of a direction, radians within (−π, π]; 0 at the poles.
pub(crate) fn lng_rad(p: DVec3) -> f64 {
    libm::atan2(p.y + 0.0, p.x + 0.0)
}

/// The unit vector of a latitude and a longitude.
pub(crate) fn direction_of(lat_rad: f64, lng_rad: f64) -> DVec3 {
    let (sin_lat, cos_lat) = libm::sincos(lat_rad);
    let (sin_lng, cos_lng) = libm::sincos(lng_rad);
    DVec3::new(cos_lat * cos_lng, cos_lat * sin_lng, sin_lat)
}
