//! The smallest cap around a cell.

use glam::DVec3;

use crate::cell::CellId;
use crate::region::Cell;

/// The smallest cap that holds a cell: its axis, a unit vector, and the square of the chord to its rim on the unit sphere.
///
/// A cap of less than a hemisphere is convex and so is a cell, whose edges are great circles: a cap that holds the four corners
/// holds the cell. The smallest one around points passes through two or three of them (Elzinga and Hearn 1972, in the plane;
/// caps below a hemisphere are cut by planes, so it holds here as well).
pub(super) fn smallest_cap(cell: CellId) -> (DVec3, f64) {
    let corners = Cell::new(cell).vertices();
    let mut best = (DVec3::ZERO, f64::INFINITY);
    let mut offer = |axis: DVec3| {
        let axis = axis / axis.length_squared().sqrt();
        let chord_square = corners
            .iter()
            .fold(0.0, |far: f64, p| far.max((*p - axis).length_squared()));
        if chord_square < best.1 {
            best = (axis, chord_square);
        }
    };
    for [a, b] in [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]] {
        offer(corners[a] + corners[b]);
    }
    for [a, b, c] in [[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]] {
        // Counter-clockwise, so outwards.
        offer((corners[b] - corners[a]).cross(corners[c] - corners[a]));
    }
    best
}
