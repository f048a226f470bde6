//! Shortest ways on the ellipsoid of WGS84.

use geographiclib_rs::{DirectGeodesic, Geodesic as Solver, InverseGeodesic};

use super::Ellipsoid;
use crate::planet::{CoordError, Geodetic};

/// Solver of geodesics on WGS84: Karney 2013, through the crate `geographiclib-rs`.
///
/// Distances are accurate to 15 nm, also between nearly opposite points, where simpler methods do not converge. For
/// import, export and checks: the crate uses the platform's trigonometry, so the last bits of its answers may differ
/// between platforms, and nothing of them may get into the state of a world.
///
/// Make one and keep it: making it costs some microseconds, an inverse about one.
#[derive(Debug)]
pub struct Geodesics(Solver);

/// The shortest way between two places.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Geodesic {
    /// Its length, metres.
    pub distance_m: f64,
    /// The bearing at its start, degrees clockwise from north, −180 to 180.
    pub bearing_deg: f64,
    /// The bearing at its end, degrees clockwise from north, −180 to 180.
    pub final_bearing_deg: f64,
}

impl Geodesics {
    /// Distances of larger magnitude are refused, metres: ten times around.
    pub const DISTANCE_MAX_M: f64 = 4.0e8;

    /// The solver.
    pub fn wgs84() -> Self {
        let wgs84 = Ellipsoid::WGS84;
        Self(Solver::new(wgs84.semi_major_m(), wgs84.flattening()))
    }

    /// The shortest way from one place to another, on the ellipsoid, whatever their heights.
    ///
    /// Opposite places have many; one of them is answered. From a place to itself the bearings are 0 in the southern
    /// hemisphere and 180 from the equator on, as in the library.
    pub fn inverse(&self, from: Geodetic, to: Geodetic) -> Geodesic {
        let (distance_m, bearing_deg, final_bearing_deg, _) =
            self.0
                .inverse(from.lat_deg(), from.lon_deg(), to.lat_deg(), to.lon_deg());
        Geodesic {
            distance_m,
            bearing_deg,
            final_bearing_deg,
        }
    }

    /// Where one comes to who leaves a place at a bearing and goes straight on, and the bearing there in degrees; the height is kept.
    ///
    /// # Errors
    /// [`GeodesicError`] when a number is not finite or too large.
    pub fn direct(
        &self,
        from: Geodetic,
        bearing_deg: f64,
        distance_m: f64,
    ) -> Result<(Geodetic, f64), GeodesicError> {
        if !(-540.0..=540.0).contains(&bearing_deg) {
            return Err(GeodesicError::Bearing(bearing_deg));
        }
        if !(-Self::DISTANCE_MAX_M..=Self::DISTANCE_MAX_M).contains(&distance_m) {
            return Err(GeodesicError::Distance(distance_m));
        }
        let (lat_deg, lon_deg, final_bearing_deg) =
            self.0
                .direct(from.lat_deg(), from.lon_deg(), bearing_deg, distance_m);
        // The library's sums may round a pole's latitude up.
        let to = Geodetic::from_degrees(lat_deg.clamp(-90.0, 90.0), lon_deg, from.height_m())?;
        Ok((to, final_bearing_deg))
    }
}

/// Why a geodesic was not followed.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum GeodesicError {
    /// The bearing is not a number within ±540°.
    #[error("bearing {0}° is not within ±540")]
    Bearing(f64),
    /// The distance is not a number within ±[`Geodesics::DISTANCE_MAX_M`].
    #[error("distance {0} m is not within ten times around the Earth")]
    Distance(f64),
    /// The library's answer is no place.
    #[error(transparent)]
    Coord(#[from] CoordError),
}
