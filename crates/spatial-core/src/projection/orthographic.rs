//! The globe seen from far away.

use glam::DVec3;

use super::{MARGIN_M, Meridian, Projection, ProjectionError, lat_rad};
use crate::ellipsoid::Ellipsoid;

/// Orthographic: parallel rays onto the plane tangent in the middle, on an ellipsoid or a sphere (EPSG's method 9840, as
/// PROJ since 7.2; written as the geometry it is).
///
/// Valid up to 89.9° from the middle, measured between the normals; at 90° the rays graze, and a point no longer tells a place.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Orthographic {
    ellipsoid: Ellipsoid,
    middle: Meridian,
    origin: DVec3, // in semi-major axes, longitude 0 through the middle: so y is east
    north: DVec3,
    up: DVec3,
}

/// How far the valid area reaches, as the cosine of 89.9°.
const REACH_COS: f64 = 0.001_745_328_365_898_308_8;

impl Orthographic {
    /// A view of the globe from above a place.
    ///
    /// # Errors
    /// [`ProjectionError::Coord`] for what is no latitude or longitude.
    pub fn new(ellipsoid: Ellipsoid, lat_deg: f64, lon_deg: f64) -> Result<Self, ProjectionError> {
        let (sin, cos) = libm::sincos(lat_rad(lat_deg)?);
        let up = DVec3::new(cos, 0.0, sin);
        Ok(Self {
            ellipsoid,
            middle: Meridian::new(lon_deg)?,
            origin: surface(ellipsoid, up),
            north: DVec3::new(-sin, 0.0, cos),
            up,
        })
    }

    /// The foremost point of the ellipsoid on the ray of a point, in semi-major axes.
    fn hit(&self, x: f64, y: f64) -> Option<DVec3> {
        let start = self.origin + DVec3::Y * x + self.north * y;
        let stretch = DVec3::new(1.0, 1.0, 1.0 / (1.0 - self.ellipsoid.flattening()));
        // In axes in which the ellipsoid is a sphere of radius 1.
        let (p, v) = (start * stretch, self.up * stretch);
        let (square, half) = (v.length_squared(), p.dot(v));
        let under = half * half - square * (p.length_squared() - 1.0);
        (under >= 0.0).then(|| start + self.up * ((under.sqrt() - half) / square))
    }
}

impl Projection for Orthographic {
    fn forward(&self, lat_deg: f64, lon_deg: f64) -> Result<(f64, f64), ProjectionError> {
        let (lat, east) = self.middle.local_rad(lat_deg, lon_deg)?;
        let (sin, cos) = libm::sincos(lat);
        let (sin_east, cos_east) = libm::sincos(east);
        let normal = DVec3::new(cos * cos_east, cos * sin_east, sin);
        if normal.dot(self.up) < REACH_COS - 1e-12 {
            return Err(ProjectionError::place(lat_deg, lon_deg));
        }
        let apart = (surface(self.ellipsoid, normal) - self.origin) * self.ellipsoid.semi_major_m();
        Ok((apart.y, apart.dot(self.north)))
    }

    fn inverse(&self, x_m: f64, y_m: f64) -> Result<(f64, f64), ProjectionError> {
        let refused = ProjectionError::point(x_m, y_m);
        let a = self.ellipsoid.semi_major_m();
        let p = self.hit(x_m / a, y_m / a).ok_or(refused)?;
        let across = (p.x * p.x + p.y * p.y).sqrt();
        let lat = libm::atan2(p.z, (1.0 - self.ellipsoid.e2()) * across);
        let east = libm::atan2(p.y, p.x);
        let (sin, cos) = libm::sincos(lat);
        // A millimetre on the map is much of an angle at the rim.
        let towards = self.up.x * cos * libm::cos(east) + self.up.z * sin;
        if towards < REACH_COS - MARGIN_M / (a * REACH_COS) {
            return Err(refused);
        }
        Ok(self.middle.degrees(lat, east))
    }
}

/// The point of an ellipsoid with a normal, in semi-major axes.
fn surface(ellipsoid: Ellipsoid, normal: DVec3) -> DVec3 {
    let e2 = ellipsoid.e2();
    let length = 1.0 / (1.0 - e2 * normal.z * normal.z).sqrt();
    DVec3::new(normal.x, normal.y, normal.z * (1.0 - e2)) * length
}
