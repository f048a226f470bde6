//! The ground drawn onto maps: rasters of heights for any region of any projection, and pictures of them.
//!
//! ```text
//! MapGrid, MercatorTile   where pixels lie       ─┐
//! PlaceMesh               their directions        ├─▶ MapMaker ─▶ MapRaster ─▶ Terrarium or shaded colours ─▶ PNG
//! TileWindow              samples of their level ─┘
//! ```
//! A pixel is the height at its middle, bilinear in the coarsest level whose samples lie no farther apart than pixels do.

mod grid;
mod maker;
mod mercator;
mod mesh;
mod palette;
mod picture;
mod raster;
mod shade;
mod tiles;

pub use grid::{MapGrid, MapWindow};
pub use maker::MapMaker;
pub use mercator::{MercatorTile, NoSuchZoom};
pub use picture::{Effort, encode_png};
pub use raster::MapRaster;

use glam::DVec3;

use crate::planet::Geodetic;

/// Where the pixels of a map lie.
trait Places {
    /// The direction, of length one, of what is at a column and row; whole numbers are the middles of pixels.
    fn direction(&self, column: f64, row: f64) -> Option<DVec3>;

    /// Those of all columns in all rows, row by row, instead of what is in `out`.
    fn directions(&self, columns: &[f64], rows: &[f64], out: &mut Vec<Option<DVec3>>) {
        out.clear();
        for row in rows {
            out.extend(columns.iter().map(|column| self.direction(*column, *row)));
        }
    }
}

/// The direction of an answer of [`Projection::inverse`](crate::Projection::inverse).
fn direction_of((lat_deg, lon_deg): (f64, f64)) -> Option<DVec3> {
    let place = Geodetic::from_degrees(lat_deg, lon_deg, 0.0).ok()?;
    Some(place.direction())
}
