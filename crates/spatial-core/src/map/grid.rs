//! Pixels on the plane of a map projection.

use glam::DVec3;

use super::{Places, direction_of};
use crate::projection::Projection;

/// A lattice of pixels on the plane of a map, without an end: column 0 begins at the left, row 0 at the top.
#[derive(Clone, Copy)]
pub struct MapGrid<'p> {
    projection: &'p (dyn Projection + Sync),
    left_m: f64,
    top_m: f64,
    pixel_m: [f64; 2], // width and height
}

/// Pixels of a [`MapGrid`]: so many from a column and row on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MapWindow {
    /// The first column.
    pub column: i64,
    /// The first row.
    pub row: i64,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl<'p> MapGrid<'p> {
    /// Pixels of a width and height in metres of the map, from its point (`left_m`, `top_m`) to the right and down.
    pub fn new(
        projection: &'p (dyn Projection + Sync),
        (left_m, top_m): (f64, f64),
        (width_m, height_m): (f64, f64),
    ) -> Self {
        Self {
            projection,
            left_m,
            top_m,
            pixel_m: [width_m, height_m],
        }
    }
}

impl Places for MapGrid<'_> {
    fn direction(&self, column: f64, row: f64) -> Option<DVec3> {
        let x_m = self.left_m + (column + 0.5) * self.pixel_m[0];
        let y_m = self.top_m - (row + 0.5) * self.pixel_m[1];
        direction_of(self.projection.inverse(x_m, y_m).ok()?)
    }
}
