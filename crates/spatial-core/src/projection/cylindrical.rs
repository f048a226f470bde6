//! Projections on a cylinder around the equator.

use core::f64::consts::{FRAC_PI_2, PI};

use super::{MARGIN_M, Meridian, Projection, ProjectionError, lat_rad};
use crate::planet::Planet;

/// Equirectangular (plate carrée): x and y are proportional to longitude and latitude. Spherical.
///
/// x = R λ cos φ₁, y = R φ (Snyder 1987, section 12). Valid everywhere.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Equirectangular {
    radius_m: f64,
    squeeze: f64, // the cosine of the latitude of true scale; positive
    middle: Meridian,
}

impl Equirectangular {
    /// A map of a planet with a longitude in its middle and a latitude at which both scales are true.
    ///
    /// # Errors
    /// [`ProjectionError::Coord`]; [`ProjectionError::Parameter`] for true scale beyond ±89°.
    pub fn new(
        planet: Planet,
        lon_deg: f64,
        true_scale_lat_deg: f64,
    ) -> Result<Self, ProjectionError> {
        if true_scale_lat_deg.abs() > 89.0 {
            return Err(ProjectionError::Parameter {
                name: "latitude of true scale",
                value: true_scale_lat_deg,
            });
        }
        Ok(Self {
            radius_m: planet.radius_m(),
            squeeze: libm::cos(lat_rad(true_scale_lat_deg)?),
            middle: Meridian::new(lon_deg)?,
        })
    }
}

impl Projection for Equirectangular {
    fn forward(&self, lat_deg: f64, lon_deg: f64) -> Result<(f64, f64), ProjectionError> {
        let (lat, east) = self.middle.local_rad(lat_deg, lon_deg)?;
        Ok((self.radius_m * self.squeeze * east, self.radius_m * lat))
    }

    fn inverse(&self, x_m: f64, y_m: f64) -> Result<(f64, f64), ProjectionError> {
        let inside = |at: f64, limit: f64| (-limit - MARGIN_M..=limit + MARGIN_M).contains(&at);
        let across = self.radius_m * self.squeeze;
        if !inside(x_m, across * PI) || !inside(y_m, self.radius_m * FRAC_PI_2) {
            return Err(ProjectionError::point(x_m, y_m));
        }
        let east = (x_m / across).clamp(-PI, PI);
        Ok(self.middle.degrees(y_m / self.radius_m, east))
    }
}

/// Web Mercator (EPSG:3857): Mercator's formulas for a sphere of the radius 6,378,137 m, with latitudes of WGS84.
///
/// x = a λ, y = a arsinh tan φ. Valid within ±85.06° of latitude, where the map is about a square.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WebMercator;

impl WebMercator {
    /// The greatest latitude of the valid area, degrees.
    pub const LAT_MAX_DEG: f64 = 85.06;
    /// Once around the equator on the map, metres: the side of the square that tiles divide.
    pub const TURN_M: f64 = 2.0 * PI * Self::RADIUS_M;
    const RADIUS_M: f64 = 6_378_137.0;
    const Y_MAX_M: f64 = 20_048_966.104_014_6; // of LAT_MAX_DEG, rounded up
    const MIDDLE: Meridian = Meridian { lon_deg: 0.0 };
}

impl Projection for WebMercator {
    fn forward(&self, lat_deg: f64, lon_deg: f64) -> Result<(f64, f64), ProjectionError> {
        let (lat, east) = Self::MIDDLE.local_rad(lat_deg, lon_deg)?;
        if lat_deg.abs() > Self::LAT_MAX_DEG {
            return Err(ProjectionError::place(lat_deg, lon_deg));
        }
        let y = libm::asinh(libm::tan(lat));
        Ok((Self::RADIUS_M * east, Self::RADIUS_M * y))
    }

    fn inverse(&self, x_m: f64, y_m: f64) -> Result<(f64, f64), ProjectionError> {
        let inside = |at: f64, limit: f64| (-limit - MARGIN_M..=limit + MARGIN_M).contains(&at);
        if !inside(x_m, Self::RADIUS_M * PI) || !inside(y_m, Self::Y_MAX_M) {
            return Err(ProjectionError::point(x_m, y_m));
        }
        let lat = libm::atan(libm::sinh(y_m / Self::RADIUS_M));
        let (lat_deg, lon_deg) = Self::MIDDLE.degrees(lat, (x_m / Self::RADIUS_M).clamp(-PI, PI));
        Ok((
            lat_deg.clamp(-Self::LAT_MAX_DEG, Self::LAT_MAX_DEG),
            lon_deg,
        ))
    }
}
