//! The Rust crate of S2's cells.

use ::s2::cellid::CellID;
use ::s2::latlng::LatLng;
use ::s2::point::Point;
use ::s2::r3::vector::Vector;

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

/// The cells around a cell, of its own level; it allocates them.
pub(crate) fn all_neighbors(id: u64) -> Vec<CellID> {
    let cell = CellID(id);
    cell.all_neighbors(cell.level())
}
