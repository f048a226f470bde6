//! Lambert's azimuthal equal-area maps.

use core::f64::consts::FRAC_PI_2;

use super::{MARGIN_M, Meridian, Offset, Projection, ProjectionError, lat_rad};
use crate::ellipsoid::Ellipsoid;

/// Lambert azimuthal equal-area, on an ellipsoid, around any place (Snyder 1987, eq. 24-17 to 24-29, with the
/// cancellations at poles taken out).
///
/// Valid up to 179° from the middle, on the authalic sphere; the place opposite has no point.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LambertAzimuthal {
    ellipsoid: Ellipsoid,
    sin: f64, // of the middle's authalic latitude
    cos: f64,
    radius_m: f64, // of the authalic sphere
    squeeze: f64,  // Snyder's D: keeps the scales in the middle equal
    middle: Meridian,
    offset: Offset,
}

/// How far the valid area reaches, as the cosine of 179°.
const REACH_COS: f64 = -0.999_847_695_156_391_2;

impl LambertAzimuthal {
    /// A map around a place.
    ///
    /// # Errors
    /// [`ProjectionError::Coord`] for what is no latitude or longitude.
    pub fn new(ellipsoid: Ellipsoid, lat_deg: f64, lon_deg: f64) -> Result<Self, ProjectionError> {
        let lat = lat_rad(lat_deg)?;
        let (sin, cos) = authalic(ellipsoid, lat);
        let a = ellipsoid.semi_major_m();
        let radius_m = a * (ellipsoid.authalic_q(1.0) / 2.0).sqrt();
        let (sin_lat, cos_lat) = libm::sincos(lat);
        let parallel_m = a * cos_lat / (1.0 - ellipsoid.e2() * sin_lat * sin_lat).sqrt();
        Ok(Self {
            ellipsoid,
            sin,
            cos,
            radius_m,
            squeeze: match lat.abs() == FRAC_PI_2 {
                true => 1.0,
                false => parallel_m / (radius_m * cos),
            },
            middle: Meridian::new(lon_deg)?,
            offset: Offset::default(),
        })
    }

    /// The European grid for statistics (EPSG:3035).
    pub fn europe() -> Self {
        let around = Self::new(Ellipsoid::GRS80, 52.0, 10.0).expect("a place");
        let offset = Offset {
            x_m: 4_321_000.0,
            y_m: 3_210_000.0,
        };
        Self { offset, ..around }
    }

    /// The same map with the middle at other coordinates.
    ///
    /// # Errors
    /// [`ProjectionError::Parameter`] for coordinates beyond ±10⁹ m.
    pub fn with_offset(self, x_m: f64, y_m: f64) -> Result<Self, ProjectionError> {
        let offset = Offset::new(x_m, y_m)?;
        Ok(Self { offset, ..self })
    }
}

impl Projection for LambertAzimuthal {
    fn forward(&self, lat_deg: f64, lon_deg: f64) -> Result<(f64, f64), ProjectionError> {
        let (lat, east) = self.middle.local_rad(lat_deg, lon_deg)?;
        let (sin, cos) = authalic(self.ellipsoid, lat);
        let (sin_east, cos_east) = libm::sincos(east);
        // 1 + the cosine of the angle to the middle, by the chord to the place opposite: without cancellation there.
        let (out, up) = (self.cos + cos * cos_east, self.sin + sin);
        let towards = (out * out + cos * cos * sin_east * sin_east + up * up) / 2.0;
        if towards < 1.0 + REACH_COS - 1e-12 {
            return Err(ProjectionError::place(lat_deg, lon_deg));
        }
        let stretch_m = self.radius_m * (2.0 / towards).sqrt();
        let north = self.cos * sin - self.sin * cos * cos_east;
        Ok((
            self.offset.x_m + stretch_m * self.squeeze * cos * sin_east,
            self.offset.y_m + stretch_m / self.squeeze * north,
        ))
    }

    fn inverse(&self, x_m: f64, y_m: f64) -> Result<(f64, f64), ProjectionError> {
        let x = (x_m - self.offset.x_m) / self.squeeze;
        let y = (y_m - self.offset.y_m) * self.squeeze;
        let radius = (x * x + y * y).sqrt() / (2.0 * self.radius_m); // the sine of half the angle
        let reach = ((1.0 - REACH_COS) / 2.0).sqrt();
        if radius.is_nan() || radius > reach + MARGIN_M / self.radius_m {
            return Err(ProjectionError::point(x_m, y_m));
        }
        // Per metre of x and y, how far east and north the direction points; and how far up.
        let cos_half = (1.0 - radius * radius).sqrt();
        let per_m = cos_half / self.radius_m;
        let (east, north, up) = (x * per_m, y * per_m, 1.0 - 2.0 * radius * radius);
        let out = up * self.cos - north * self.sin;
        let sin = up * self.sin + north * self.cos;
        let authalic = libm::atan2(sin, (out * out + east * east).sqrt());
        let lat = self.ellipsoid.of_authalic_rad(authalic);
        Ok(self.middle.degrees(lat, libm::atan2(east, out)))
    }
}

/// The sine and cosine of the authalic latitude of a latitude.
fn authalic(ellipsoid: Ellipsoid, lat_rad: f64) -> (f64, f64) {
    let (sin, cos) = libm::sincos(lat_rad.abs());
    let left = ellipsoid.authalic_q_left(sin, cos) / ellipsoid.authalic_q(1.0);
    let sin = (1.0 - left).copysign(lat_rad);
    match lat_rad.abs() == FRAC_PI_2 {
        true => (sin, 0.0),
        false => (sin, (left * (2.0 - left)).sqrt()),
    }
}
