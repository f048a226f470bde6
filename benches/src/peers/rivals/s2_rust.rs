//! The Rust crate of S2's cells.

use ::s2::cap::Cap;
use ::s2::cellid::CellID;
use ::s2::cellunion::CellUnion;
use ::s2::latlng::LatLng;
use ::s2::point::Point;
use ::s2::predicates::{Direction, robust_sign};
use ::s2::r3::vector::Vector;
use ::s2::region::RegionCoverer;
use ::s2::s1::Rad;

pub(crate) const NAME: &str = "s2 crate 0.2.0";

/// A direction as it wants it.
pub(crate) fn point(p: [f64; 3]) -> Point {
    Point(Vector::new(p[0], p[1], p[2]))
}

pub(crate) fn id_of_point(point: &Point) -> u64 {
    CellID::from(point).0
}

pub(crate) fn id_of_degrees([lat, lng]: [f64; 2]) -> u64 {
    CellID::from(LatLng::from_degrees(lat, lng)).0
}

pub(crate) fn point_of_id(id: u64) -> [f64; 3] {
    let Point(p) = Point::from(CellID(id));
    [p.x, p.y, p.z]
}

/// Which way three points turn; 0 when it cannot tell.
pub(crate) fn orientation([a, b, c]: &[Point; 3]) -> i8 {
    match robust_sign(a, b, c) {
        Direction::Clockwise => -1,
        Direction::Indeterminate => 0,
        Direction::CounterClockwise => 1,
    }
}

/// The cells around a cell, of its own level; it allocates them.
pub(crate) fn all_neighbors(id: u64) -> Vec<CellID> {
    let cell = CellID(id);
    cell.all_neighbors(cell.level())
}

/// A cap as it wants it.
pub(crate) fn cap(axis: [f64; 3], radius_rad: f64) -> Cap {
    Cap::from_center_angle(&point(axis), &Rad(radius_rad).into())
}

/// The covering of a cap.
pub(crate) fn cover_cap(cap: &Cap, cells_max: u8, is_fast: bool) -> CellUnion {
    let coverer = RegionCoverer {
        min_level: 0,
        max_level: 30,
        level_mod: 1,
        max_cells: usize::from(cells_max),
    };
    if is_fast {
        coverer.fast_covering(cap)
    } else {
        coverer.covering(cap)
    }
}
