//! Absolute positions: latitude, longitude and height, and planet-centred coordinates.

use spatial_core::{CoordError, Ecef, Geodetic, Planet};

use crate::argument::{Out, read};
use crate::guard::{Fault, guard};
use crate::status::BM_ERROR_ARGUMENT;

/// Mean radius of the Earth in metres, which Bluemarble takes as a sphere.
pub const BM_EARTH_RADIUS_M: f64 = 6371008.8;

/// Latitude, longitude and height above the datum.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct bm_geodetic {
    /// Degrees north, within 90.
    pub lat_deg: f64,
    /// Degrees east; given within 540, answered within 180.
    pub lon_deg: f64,
    /// Metres above the datum, -1e7 to 1e9.
    pub height_m: f64,
}

/// Planet-centred, planet-fixed coordinates: +z to the north pole, +x to latitude and longitude 0.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct bm_ecef {
    /// Metres, within 1e10.
    pub x_m: f64,
    /// Metres, within 1e10.
    pub y_m: f64,
    /// Metres, within 1e10.
    pub z_m: f64,
}

impl From<Geodetic> for bm_geodetic {
    fn from(at: Geodetic) -> Self {
        Self {
            lat_deg: at.lat_deg(),
            lon_deg: at.lon_deg(),
            height_m: at.height_m(),
        }
    }
}

impl From<Ecef> for bm_ecef {
    fn from(at: Ecef) -> Self {
        let [x_m, y_m, z_m] = at.to_array();
        Self { x_m, y_m, z_m }
    }
}

impl From<CoordError> for Fault {
    fn from(error: CoordError) -> Self {
        Self::new(BM_ERROR_ARGUMENT, error)
    }
}

/// Latitude, longitude and height to planet-centred coordinates, on a sphere of `radius_m` (1e4 to 1e8).
///
/// Any thread, constant time. Fails with BM_ERROR_NULL, and with BM_ERROR_ARGUMENT when a value is not finite or out
/// of its range.
///
/// # Safety
/// `from` and `to` are null or point to one struct each.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bm_geodetic_to_ecef(
    radius_m: f64,
    from: *const bm_geodetic,
    to: *mut bm_ecef,
) -> i32 {
    guard(c"bm_geodetic_to_ecef", || {
        // SAFETY: as promised by the caller.
        let (from, to) = unsafe { (read("from", from)?, Out::new("to", to)?) };
        let at = Geodetic::from_degrees(from.lat_deg, from.lon_deg, from.height_m)?;
        to.set(Planet::new(radius_m)?.ecef(at).into());
        Ok(())
    })
}

/// Planet-centred coordinates to latitude, longitude and height, on a sphere of `radius_m` (1e4 to 1e8).
///
/// There and back differs by at most 4 nm near the Earth's surface. The centre of the planet is answered as latitude
/// and longitude 0. Any thread, constant time. Fails with BM_ERROR_NULL, and with BM_ERROR_ARGUMENT when a value is
/// not finite or out of its range.
///
/// # Safety
/// `from` and `to` are null or point to one struct each.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bm_ecef_to_geodetic(
    radius_m: f64,
    from: *const bm_ecef,
    to: *mut bm_geodetic,
) -> i32 {
    guard(c"bm_ecef_to_geodetic", || {
        // SAFETY: as promised by the caller.
        let (from, to) = unsafe { (read("from", from)?, Out::new("to", to)?) };
        let at = Ecef::new(from.x_m, from.y_m, from.z_m)?;
        to.set(Planet::new(radius_m)?.geodetic(at).into());
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_has_the_radius_of_the_planet() {
        assert_eq!(BM_EARTH_RADIUS_M, Planet::EARTH.radius_m());
    }
}
