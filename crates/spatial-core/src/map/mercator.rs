//! Tiles of the web's map.

use glam::DVec3;

use super::{MapWindow, Places, direction_of};
use crate::projection::{Projection, ProjectionError, WebMercator};

/// A square of 512² pixels of the web's map: one of 2ᶻ × 2ᶻ, columns from 180° west, rows from the north.
///
/// Columns go on around the planet. The map ends at 85.05° of latitude: pixels of rows beyond are those of its first or last row of
/// pixels, as a globe wants for its caps. So a tile above row 0 is that row of pixels 512 times; shaded, it is lit as level ground
/// along columns, where row 0 itself is lit by its slope.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MercatorTile {
    z: u8,  // at most Z_MAX
    x: u32, // below 2ᶻ
    y: i64,
}

/// A zoom that tiles of the web's map do not have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("zoom {0} is not within 0 to {max}", max = MercatorTile::Z_MAX)]
pub struct NoSuchZoom(pub u8);

impl MercatorTile {
    /// Pixels along a side.
    pub const SIDE: u32 = 512;
    /// The greatest zoom: pixels of 5 mm on the Earth.
    pub const Z_MAX: u8 = 24;
    /// The latitude at which the square map ends, degrees: `atan(sinh π)`.
    pub const LAT_MAX_DEG: f64 = 85.051_128_779_806_6;

    /// The tile at a column and row of a zoom; any column is brought to 0 … 2ᶻ − 1.
    ///
    /// # Errors
    /// [`NoSuchZoom`] beyond [`MercatorTile::Z_MAX`].
    pub fn new(z: u8, x: i64, y: i64) -> Result<Self, NoSuchZoom> {
        match z <= Self::Z_MAX {
            true => Ok(Self {
                z,
                x: x.rem_euclid(1 << z) as u32, // below 2²⁴
                y,
            }),
            false => Err(NoSuchZoom(z)),
        }
    }

    /// The zoom.
    pub fn z(&self) -> u8 {
        self.z
    }

    /// The column, 0 to 2ᶻ − 1.
    pub fn x(&self) -> u32 {
        self.x
    }

    /// The row; those of the map are 0 to 2ᶻ − 1.
    pub fn y(&self) -> i64 {
        self.y
    }

    /// Where a place lies on the map, in widths of it from its left end and its upper one; latitudes beyond the map count as its end.
    ///
    /// # Errors
    /// [`ProjectionError`] of a longitude that is not within ±540° or of NaN.
    pub fn place_on_map(lat_deg: f64, lon_deg: f64) -> Result<(f64, f64), ProjectionError> {
        let lat_deg = lat_deg.clamp(-Self::LAT_MAX_DEG, Self::LAT_MAX_DEG);
        let (x_m, y_m) = WebMercator.forward(lat_deg, lon_deg)?;
        Ok((
            0.5 + x_m / WebMercator::TURN_M,
            0.5 - y_m / WebMercator::TURN_M,
        ))
    }

    /// The tile of the map that it is, or the nearest of its column.
    pub(super) fn on_map(&self) -> Self {
        Self {
            y: self.y.clamp(0, (1 << self.z) - 1),
            ..*self
        }
    }

    /// The pixels of the whole map at its zoom that a tile of the map is, with so many around it as far as there are rows; and how
    /// many rows lack above.
    pub(super) fn window(&self, border: u32) -> (MapWindow, u32) {
        let (side, around) = (i64::from(Self::SIDE), i64::from(border));
        let (first, end) = (self.y * side - around, (self.y + 1) * side + around);
        let (from, to) = (first.max(0), end.min(side << self.z));
        let window = MapWindow {
            column: i64::from(self.x) * side - around,
            row: from,
            width: Self::SIDE + 2 * border,
            height: (to - from) as u32, // of a tile and its border
        };
        (window, (from - first) as u32)
    }
}

/// Columns and rows are those of the whole map.
impl Places for MercatorTile {
    fn direction(&self, column: f64, row: f64) -> Option<DVec3> {
        Some(on_globe(self.meridian(column)?, self.parallel(row)?))
    }

    /// Columns are meridians and rows parallels.
    fn directions(&self, columns: &[f64], rows: &[f64], out: &mut Vec<Option<DVec3>>) {
        let meridians: Vec<_> = columns.iter().map(|c| self.meridian(*c)).collect();
        out.clear();
        for row in rows {
            let parallel = self.parallel(*row);
            out.extend(
                meridians
                    .iter()
                    .map(|meridian| Some(on_globe((*meridian)?, parallel?))),
            );
        }
    }
}

impl MercatorTile {
    /// Where a column meets the equator.
    fn meridian(&self, column: f64) -> Option<DVec3> {
        // Whole turns are taken off before the map is asked: it ends at half a turn.
        let east = (column + 0.5) / self.pixels_around();
        let x_m = (east - east.floor() - 0.5) * WebMercator::TURN_M;
        direction_of(WebMercator.inverse(x_m, 0.0).ok()?)
    }

    /// Where a row meets the meridian of 0°.
    fn parallel(&self, row: f64) -> Option<DVec3> {
        let y_m = (0.5 - (row + 0.5) / self.pixels_around()) * WebMercator::TURN_M;
        direction_of(WebMercator.inverse(0.0, y_m).ok()?)
    }

    fn pixels_around(&self) -> f64 {
        f64::from(Self::SIDE) * f64::from(1u32 << self.z)
    }
}

/// Where a meridian and a parallel meet.
fn on_globe(meridian: DVec3, parallel: DVec3) -> DVec3 {
    DVec3::new(meridian.x * parallel.x, meridian.y * parallel.x, parallel.z)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_on_the_map_are_where_its_ends_and_tiles_say() {
        let near = |a: (f64, f64), b: (f64, f64)| {
            assert!(
                (a.0 - b.0).abs() < 1e-12 && (a.1 - b.1).abs() < 1e-12,
                "{a:?} {b:?}"
            );
        };
        let at = |lat, lon| MercatorTile::place_on_map(lat, lon).unwrap();
        near(at(0.0, 0.0), (0.5, 0.5));
        near(at(MercatorTile::LAT_MAX_DEG, -180.0), (0.0, 0.0));
        near(at(-90.0, 90.0), (0.75, 1.0));
        // A quarter of the map up is the Gudermannian of a quarter turn.
        near(at(66.513_260_443_111_86, 45.0), (0.625, 0.25));
        assert!(MercatorTile::place_on_map(f64::NAN, 0.0).is_err());
        assert!(MercatorTile::place_on_map(0.0, f64::NAN).is_err());
    }

    #[test]
    fn columns_go_around_and_rows_end() {
        let tile = |z, x, y| MercatorTile::new(z, x, y).unwrap();
        assert_eq!(tile(3, -1, 2), tile(3, 7, 2));
        assert_eq!(tile(3, 17, 2).x(), 1);
        assert_eq!(MercatorTile::new(25, 0, 0), Err(NoSuchZoom(25)));
        let rows = |z, y| {
            let (window, before) = tile(z, 0, y).on_map().window(1);
            (window.row, window.height, before)
        };
        assert_eq!(rows(0, 0), (0, 512, 1));
        assert_eq!(rows(2, 0), (0, 513, 1));
        assert_eq!(rows(2, 1), (511, 514, 0));
        assert_eq!(rows(2, 3), (1_535, 513, 0));
        for y in [-1, i64::MIN] {
            assert_eq!(tile(2, 1, y).on_map(), tile(2, 1, 0));
        }
        for y in [4, i64::MAX] {
            assert_eq!(tile(2, 1, y).on_map(), tile(2, 1, 3));
        }
    }

    #[test]
    fn pixels_of_the_map_are_where_it_has_them() {
        let tile = MercatorTile::new(4, 3, 5).unwrap();
        let middle = tile.direction(4_095.5, 4_095.5).unwrap();
        assert!((middle - DVec3::X).length() < 1e-15);
        let east = tile.direction(8_191.5 + 2_048.0, 4_095.5).unwrap();
        assert!((east - DVec3::NEG_Y).length() < 1e-15, "{east}");
        let north = tile.direction(0.0, -0.5).unwrap();
        let lat = libm::atan(libm::sinh(core::f64::consts::PI));
        assert!((north.z - libm::sin(lat)).abs() < 1e-15);
    }
}
