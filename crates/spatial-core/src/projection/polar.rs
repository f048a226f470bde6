//! Polar stereographic maps.

use core::f64::consts::FRAC_PI_2;

use super::{MARGIN_M, Meridian, Offset, Projection, ProjectionError, lat_rad};
use crate::ellipsoid::Ellipsoid;

/// A half of the globe; both have the equator.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Hemisphere {
    /// Latitudes from 0.
    North,
    /// Latitudes to 0.
    South,
}

/// Polar stereographic, on an ellipsoid (Snyder 1987, eq. 21-33 to 21-40, in the conformal latitude).
///
/// The pole is in the middle, the middle longitude runs down from the north pole and up from the south pole. Valid on the
/// pole's hemisphere, equator included.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PolarStereographic {
    ellipsoid: Ellipsoid,
    hemisphere: Hemisphere,
    middle: Meridian,
    scale_m: f64, // from the tangent of half the conformal angle to the pole to metres; positive
    offset: Offset,
}

impl PolarStereographic {
    /// With a scale factor at the pole (EPSG's variant A).
    ///
    /// # Errors
    /// [`ProjectionError::Coord`]; [`ProjectionError::Parameter`] for a scale outside 0.5 to 2.
    pub fn with_scale(
        ellipsoid: Ellipsoid,
        hemisphere: Hemisphere,
        lon_deg: f64,
        scale: f64,
    ) -> Result<Self, ProjectionError> {
        if !(0.5..=2.0).contains(&scale) {
            let name = "scale factor";
            return Err(ProjectionError::Parameter { name, value: scale });
        }
        Ok(Self {
            ellipsoid,
            hemisphere,
            middle: Meridian::new(lon_deg)?,
            scale_m: scale * pole_scale_m(ellipsoid),
            offset: Offset::default(),
        })
    }

    /// With true scale at a latitude of the hemisphere (EPSG's variant B: 3413, 3031, 3995).
    ///
    /// # Errors
    /// [`ProjectionError::Coord`]; [`ProjectionError::Parameter`] for a latitude of the other hemisphere.
    pub fn with_true_scale(
        ellipsoid: Ellipsoid,
        hemisphere: Hemisphere,
        lon_deg: f64,
        lat_deg: f64,
    ) -> Result<Self, ProjectionError> {
        let lat = own_side(hemisphere, lat_rad(lat_deg)?);
        if lat < 0.0 {
            let (name, value) = ("latitude of true scale", lat_deg);
            return Err(ProjectionError::Parameter { name, value });
        }
        let at_pole = Self::with_scale(ellipsoid, hemisphere, lon_deg, 1.0)?;
        if lat == FRAC_PI_2 {
            return Ok(at_pole);
        }
        let (sin, cos) = libm::sincos(lat);
        let parallel_m = ellipsoid.semi_major_m() * cos / (1.0 - ellipsoid.e2() * sin * sin).sqrt();
        Ok(Self {
            scale_m: parallel_m / half_angle_tan(ellipsoid, lat),
            ..at_pole
        })
    }

    /// The Universal Polar Stereographic grid on WGS84 (EPSG:32661, 32761): scale 0.994, the pole at 2,000 km.
    pub fn ups(hemisphere: Hemisphere) -> Self {
        Self {
            ellipsoid: Ellipsoid::WGS84,
            hemisphere,
            middle: Meridian { lon_deg: 0.0 },
            scale_m: 0.994 * pole_scale_m(Ellipsoid::WGS84),
            offset: Offset {
                x_m: 2_000_000.0,
                y_m: 2_000_000.0,
            },
        }
    }

    /// The same map with the pole at other coordinates.
    ///
    /// # Errors
    /// [`ProjectionError::Parameter`] for coordinates beyond ±10⁹ m.
    pub fn with_offset(self, x_m: f64, y_m: f64) -> Result<Self, ProjectionError> {
        let offset = Offset::new(x_m, y_m)?;
        Ok(Self { offset, ..self })
    }

    /// +1 for the north, where y grows away from the middle longitude.
    fn sign(&self) -> f64 {
        own_side(self.hemisphere, 1.0)
    }
}

impl Projection for PolarStereographic {
    fn forward(&self, lat_deg: f64, lon_deg: f64) -> Result<(f64, f64), ProjectionError> {
        let (lat, east) = self.middle.local_rad(lat_deg, lon_deg)?;
        let lat = own_side(self.hemisphere, lat);
        if lat < 0.0 {
            return Err(ProjectionError::place(lat_deg, lon_deg));
        }
        let radius_m = match lat == FRAC_PI_2 {
            true => 0.0,
            false => self.scale_m * half_angle_tan(self.ellipsoid, lat),
        };
        let (sin, cos) = libm::sincos(east);
        Ok((
            self.offset.x_m + radius_m * sin,
            self.offset.y_m - self.sign() * radius_m * cos,
        ))
    }

    fn inverse(&self, x_m: f64, y_m: f64) -> Result<(f64, f64), ProjectionError> {
        let x = x_m - self.offset.x_m;
        let y = -self.sign() * (y_m - self.offset.y_m);
        let radius_m = (x * x + y * y).sqrt();
        if radius_m.is_nan() || radius_m > self.scale_m + MARGIN_M {
            return Err(ProjectionError::point(x_m, y_m));
        }
        let half = (radius_m / self.scale_m).min(1.0);
        // Nearer than 10⁻¹³ m the tangent of the latitude is out of hand, and it is the pole.
        let lat = match half > 1e-20 {
            true => {
                let conformal = (1.0 / half - half) / 2.0;
                libm::atan(self.ellipsoid.tan_of_conformal(conformal))
            }
            false => FRAC_PI_2,
        };
        let lat = own_side(self.hemisphere, lat);
        Ok(self.middle.degrees(lat, libm::atan2(x, y)))
    }
}

/// A latitude as seen on the northern hemisphere.
fn own_side(hemisphere: Hemisphere, lat_rad: f64) -> f64 {
    match hemisphere {
        Hemisphere::North => lat_rad,
        Hemisphere::South => -lat_rad,
    }
}

/// 2a / √((1 + e)¹⁺ᵉ (1 − e)¹⁻ᵉ): metres on the map of a unit of the tangent, for true scale at the pole.
fn pole_scale_m(ellipsoid: Ellipsoid) -> f64 {
    let e2 = ellipsoid.e2();
    let e = e2.sqrt();
    2.0 * ellipsoid.semi_major_m() / ((1.0 - e2).sqrt() * libm::exp(e * libm::atanh(e)))
}

/// The tangent of half the conformal angle to the pole, of a latitude from 0 to below π/2.
fn half_angle_tan(ellipsoid: Ellipsoid, lat_rad: f64) -> f64 {
    let conformal = ellipsoid.conformal_tan(libm::tan(lat_rad));
    1.0 / ((1.0 + conformal * conformal).sqrt() + conformal)
}
