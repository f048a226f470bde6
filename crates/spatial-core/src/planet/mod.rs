//! The planet and absolute positions: the f64 border of the engine.

mod lanes;

use core::f64::consts::{FRAC_PI_2, PI, TAU};

use glam::DVec3;

use crate::cell::{CellId, MAX_EDGE_RAD, MAX_LEVEL};
use crate::sphere::{Direction, SphereError};

pub use lanes::{EcefLanes, EcefLanesMut, GeodeticLanes, GeodeticLanesMut};

/// Coarsest cells that may carry a frame have edges of at most this length.
const FRAME_EDGE_MAX_M: f64 = 4_000.0;

/// A sphere of some radius; up is radial everywhere.
///
/// Real latitudes are used as spherical ones, as S2 does: no flattening.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Planet {
    radius_m: f64, // finite, in RADIUS_M
}

impl Planet {
    /// Radii that a planet may have, metres: from a small moon to a gas giant.
    pub const RADIUS_M: core::ops::RangeInclusive<f64> = 10_000.0..=100_000_000.0;

    /// The Earth as a sphere of its mean radius (IUGG R1).
    pub const EARTH: Self = Self {
        radius_m: 6_371_008.8,
    };

    /// A planet of the given radius in metres.
    ///
    /// # Errors
    /// [`CoordError::Radius`] when the radius is not in [`Planet::RADIUS_M`].
    pub fn new(radius_m: f64) -> Result<Self, CoordError> {
        if Self::RADIUS_M.contains(&radius_m) {
            Ok(Self { radius_m })
        } else {
            Err(CoordError::Radius(radius_m))
        }
    }

    /// Radius of the datum, metres.
    pub fn radius_m(self) -> f64 {
        self.radius_m
    }

    /// The level of the cells that carry frames: the coarsest whose longest edge is at most 4 km (12 on Earth).
    pub fn frame_level(self) -> u8 {
        let mut level = 0;
        while self.cell_edge_max_m(level) > FRAME_EDGE_MAX_M {
            level += 1;
        }
        level
    }

    /// Length of the longest cell edge of a level, along the datum, metres.
    ///
    /// # Panics
    /// When the level is above 30.
    pub fn cell_edge_max_m(self, level: u8) -> f64 {
        assert!(level <= MAX_LEVEL);
        MAX_EDGE_RAD * self.radius_m / f64::from(1u32 << level)
    }

    /// The length on the datum of an angle at the centre, metres.
    pub fn arc_m(self, angle_rad: f64) -> f64 {
        angle_rad * self.radius_m
    }

    /// The angle at the centre of a length on the datum, radians.
    pub fn arc_rad(self, length_m: f64) -> f64 {
        length_m / self.radius_m
    }

    /// The shortest way between two places along the datum, whatever their heights, metres.
    pub fn surface_distance_m(self, a: Geodetic, b: Geodetic) -> f64 {
        self.arc_m(Direction::from(a).distance_rad(b.into()))
    }

    /// Where one comes to who leaves a place at a bearing and goes straight on along the datum; the height is kept.
    ///
    /// # Errors
    /// [`SphereError::NotFinite`] for the bearing or the distance.
    pub fn destination(
        self,
        from: Geodetic,
        bearing_rad: f64,
        distance_m: f64,
    ) -> Result<Geodetic, SphereError> {
        let to = Direction::from(from).destination(bearing_rad, self.arc_rad(distance_m))?;
        let at = to.geodetic(0.0).expect("the height is legal");
        // Kept as it is: that of a place far out, or deep inside a large planet, is beyond Geodetic::HEIGHT_M.
        Ok(Geodetic {
            height_m: from.height_m,
            ..at
        })
    }

    /// Geodetic to planet-centred coordinates. Costs two `sincos`.
    ///
    /// Nothing is deeper than the centre: a height of minus the radius or below is answered with the centre.
    pub fn ecef(self, at: Geodetic) -> Ecef {
        // A negative distance from the centre would be a place on the other side.
        Ecef(at.direction() * (self.radius_m + at.height_m).max(0.0))
    }

    /// Planet-centred to geodetic coordinates. Costs two `atan2`.
    ///
    /// The centre of the planet has no direction; it is answered as latitude and longitude 0. The height is what it is, beyond
    /// [`Geodetic::HEIGHT_M`] too.
    pub fn geodetic(self, at: Ecef) -> Geodetic {
        let p = at.0;
        Geodetic {
            lat_rad: libm::atan2(p.z, (p.x * p.x + p.y * p.y).sqrt()),
            lon_rad: libm::atan2(p.y, p.x),
            height_m: p.length() - self.radius_m,
        }
    }
}

/// Latitude, longitude and height above the datum. All fields are finite; the latitude is within ±π/2.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Geodetic {
    lat_rad: f64,
    lon_rad: f64,
    height_m: f64,
}

impl Geodetic {
    /// Heights that a position may have, metres, on whatever planet; see [`Planet::ecef`] for those below its centre.
    pub const HEIGHT_M: core::ops::RangeInclusive<f64> = -1.0e7..=1.0e9;

    /// From degrees and metres; a longitude beyond ±180° is wrapped.
    ///
    /// # Errors
    /// [`CoordError::Latitude`] beyond ±90°, [`CoordError::Longitude`] beyond ±540°,
    /// [`CoordError::Height`] outside [`Geodetic::HEIGHT_M`]; NaN and infinities are refused by the same checks.
    pub fn from_degrees(lat_deg: f64, lon_deg: f64, height_m: f64) -> Result<Self, CoordError> {
        if !(-90.0..=90.0).contains(&lat_deg) {
            return Err(CoordError::Latitude(lat_deg));
        }
        if !(-540.0..=540.0).contains(&lon_deg) {
            return Err(CoordError::Longitude(lon_deg));
        }
        if !Self::HEIGHT_M.contains(&height_m) {
            return Err(CoordError::Height(height_m));
        }
        let wrapped = match lon_deg {
            d if d > 180.0 => d - 360.0,
            d if d < -180.0 => d + 360.0,
            d => d,
        };
        Ok(Self {
            lat_rad: lat_deg.to_radians(),
            lon_rad: wrapped.to_radians(),
            height_m,
        })
    }

    /// From radians and metres; a longitude beyond ±π is wrapped, with a rounding error.
    ///
    /// What [`Geodetic::lat_rad`] and its like answered comes back bit for bit.
    ///
    /// # Errors
    /// Those of [`Geodetic::from_degrees`]: a latitude beyond ±π/2, a longitude beyond ±3π (named in degrees).
    pub fn from_radians(lat_rad: f64, lon_rad: f64, height_m: f64) -> Result<Self, CoordError> {
        if !(-FRAC_PI_2..=FRAC_PI_2).contains(&lat_rad) {
            return Err(CoordError::Latitude(lat_rad.to_degrees()));
        }
        if !(-3.0 * PI..=3.0 * PI).contains(&lon_rad) {
            return Err(CoordError::Longitude(lon_rad.to_degrees()));
        }
        if !Self::HEIGHT_M.contains(&height_m) {
            return Err(CoordError::Height(height_m));
        }
        let lon_rad = match lon_rad {
            l if l > PI => l - TAU,
            l if l < -PI => l + TAU,
            l => l,
        };
        Ok(Self {
            lat_rad,
            lon_rad,
            height_m,
        })
    }

    /// From angles that are those of `atan2` and a finite height, whatever its size.
    pub(crate) fn unchecked(lat_rad: f64, lon_rad: f64, height_m: f64) -> Self {
        debug_assert!(lat_rad.abs() <= FRAC_PI_2 && lon_rad.abs() <= PI && height_m.is_finite());
        Self {
            lat_rad,
            lon_rad,
            height_m,
        }
    }

    /// Latitude, degrees north.
    pub fn lat_deg(self) -> f64 {
        self.lat_rad.to_degrees()
    }

    /// Longitude, degrees east, within ±180.
    pub fn lon_deg(self) -> f64 {
        self.lon_rad.to_degrees()
    }

    /// Latitude, radians north.
    pub fn lat_rad(self) -> f64 {
        self.lat_rad
    }

    /// Longitude, radians east, within ±π.
    pub fn lon_rad(self) -> f64 {
        self.lon_rad
    }

    /// Height above the datum, metres.
    pub fn height_m(self) -> f64 {
        self.height_m
    }

    /// The unit vector from the planet's centre. Costs two `sincos`.
    pub fn direction(self) -> DVec3 {
        let (sin_lat, cos_lat) = libm::sincos(self.lat_rad);
        let (sin_lon, cos_lon) = libm::sincos(self.lon_rad);
        DVec3::new(cos_lat * cos_lon, cos_lat * sin_lon, sin_lat)
    }

    /// The leaf cell below or above this place: that of its direction.
    pub fn leaf(self) -> CellId {
        CellId::from_direction(self.direction())
    }
}

/// Planet-centred, planet-fixed coordinates in metres: +z to the north pole, +x to latitude and longitude 0.
/// All three are finite.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ecef(pub(crate) DVec3);

impl Ecef {
    /// Coordinates of larger magnitude are refused, metres.
    pub const LIMIT_M: f64 = 1.0e10;

    /// From coordinates in metres.
    ///
    /// # Errors
    /// [`CoordError::Ecef`] when one is not finite or beyond ±[`Ecef::LIMIT_M`].
    pub fn new(x_m: f64, y_m: f64, z_m: f64) -> Result<Self, CoordError> {
        let legal = |v: f64| (-Self::LIMIT_M..=Self::LIMIT_M).contains(&v);
        if legal(x_m) && legal(y_m) && legal(z_m) {
            Ok(Self(DVec3::new(x_m, y_m, z_m)))
        } else {
            Err(CoordError::Ecef([x_m, y_m, z_m]))
        }
    }

    /// The coordinates as a vector, metres.
    pub fn to_vec(self) -> DVec3 {
        self.0
    }

    /// The coordinates as an array, metres.
    pub fn to_array(self) -> [f64; 3] {
        self.0.to_array()
    }

    /// Straight-line distance, metres.
    #[inline]
    pub fn distance_m(self, other: Self) -> f64 {
        // Not glam's root: that is libm's, on x86 an instruction of SSE, which costs 200 ns between those of AVX-512.
        (self.0 - other.0).length_squared().sqrt()
    }

    /// The leaf cell below or above this place.
    pub fn leaf(self) -> CellId {
        CellId::from_direction(self.0)
    }
}

/// Why a coordinate was refused.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum CoordError {
    /// The latitude is not a number within ±90°.
    #[error("latitude {0}° is not within ±90")]
    Latitude(f64),
    /// The longitude is not a number within ±540°.
    #[error("longitude {0}° is not within ±540")]
    Longitude(f64),
    /// The height is not a number in the legal range.
    #[error("height {0} m is not within {lo} to {hi} m", lo = Geodetic::HEIGHT_M.start(), hi = Geodetic::HEIGHT_M.end())]
    Height(f64),
    /// A planet-centred coordinate is not finite or too large.
    #[error("planet-centred position {0:?} m is not finite or too far out")]
    Ecef([f64; 3]),
    /// The radius of a planet is out of range.
    #[error("planet radius {0} m is not within {lo} to {hi} m", lo = Planet::RADIUS_M.start(), hi = Planet::RADIUS_M.end())]
    Radius(f64),
    /// The position lies further from a frame's origin than its integers reach.
    #[error("position is more than 32 km from the origin of its frame")]
    OutOfFrame,
    /// The id does not name a frame of this planet.
    #[error("{0:#018x} is not the id of a frame of this planet")]
    Frame(u64),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earth_frames_are_level_12() {
        assert_eq!(Planet::EARTH.frame_level(), 12);
        assert_eq!(Planet::new(10_000.0).unwrap().frame_level(), 3);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(Geodetic::from_degrees(90.0001, 0.0, 0.0).is_err());
        assert!(Geodetic::from_degrees(f64::NAN, 0.0, 0.0).is_err());
        assert!(Geodetic::from_degrees(0.0, f64::INFINITY, 0.0).is_err());
        assert!(Geodetic::from_degrees(0.0, 0.0, f64::NAN).is_err());
        assert!(Geodetic::from_radians(1.570_796_326_794_896_8, 0.0, 0.0).is_err());
        assert!(Geodetic::from_radians(0.0, 9.425, 0.0).is_err());
        assert!(Geodetic::from_radians(0.0, 0.0, f64::NEG_INFINITY).is_err());
        assert!(Ecef::new(f64::NAN, 0.0, 0.0).is_err());
        assert!(Planet::new(0.0).is_err());
    }

    /// Heights below the centre are answered with the centre, never with a place on the other side.
    #[test]
    fn nothing_lies_below_the_centre() {
        for radius_m in [10_000.0, 3_389_500.0, 9_999_999.0] {
            let planet = Planet::new(radius_m).unwrap();
            for (lat, lon) in [(0.0, 0.0), (90.0, 0.0), (-37.0, 145.0)] {
                let at = |height| planet.ecef(Geodetic::from_degrees(lat, lon, height).unwrap());
                for height in [-1e7, -radius_m, -radius_m - 1e-3 * radius_m] {
                    let height = height.max(-1e7);
                    assert_eq!(at(height).to_vec().length(), 0.0, "{radius_m} {height}");
                }
                let just_above = at(1.0 - radius_m);
                assert!((just_above.to_vec().length() - 1.0).abs() < 1e-8);
                assert!(just_above.to_vec().dot(at(0.0).to_vec()) > 0.0);
            }
        }
    }
}
