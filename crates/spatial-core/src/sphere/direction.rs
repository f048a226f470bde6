//! Points of the unit sphere.

use core::f64::consts::{PI, TAU};

use glam::DVec3;

use super::{SAME_RAD, SphereError, finite};
use crate::planet::{CoordError, Ecef, Geodetic};

/// A point of the unit sphere: a vector of length 1, to rounding.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Direction(DVec3); // finite, of length 1 ± 3 × 10⁻¹⁶

impl Direction {
    /// Where a vector points.
    ///
    /// # Errors
    /// [`SphereError::NoDirection`] for the zero vector, NaN and infinities.
    pub fn new(v: DVec3) -> Result<Self, SphereError> {
        let longest = v.abs().max_element();
        if !v.is_finite() || longest == 0.0 {
            return Err(SphereError::NoDirection(v.to_array()));
        }
        // Neither squares of tiny numbers nor of huge ones are numbers.
        let v = v / longest;
        Ok(Self(v / v.length()))
    }

    /// The point of a latitude and a longitude; at a pole it remembers the longitude.
    ///
    /// # Errors
    /// Those of [`Geodetic::from_degrees`].
    pub fn from_degrees(lat_deg: f64, lon_deg: f64) -> Result<Self, CoordError> {
        Ok(Geodetic::from_degrees(lat_deg, lon_deg, 0.0)?.into())
    }

    /// The vector.
    pub fn to_vec(self) -> DVec3 {
        self.0
    }

    /// Latitude and longitude of the point, at a height in metres.
    ///
    /// # Errors
    /// [`CoordError::Height`] for a height outside [`Geodetic::HEIGHT_M`].
    pub fn geodetic(self, height_m: f64) -> Result<Geodetic, CoordError> {
        let p = self.0;
        let lat_rad = libm::atan2(p.z, (p.x * p.x + p.y * p.y).sqrt());
        Geodetic::from_radians(lat_rad, libm::atan2(p.y, p.x), height_m)
    }

    /// The point opposite.
    pub fn antipode(self) -> Self {
        Self(-self.0)
    }

    /// The angle between two points, 0 to π; accurate to a few 10⁻¹⁶ rad at every distance (Kahan 2006, with chords).
    pub fn distance_rad(self, other: Self) -> f64 {
        let (chord, opposite) = (self.0 - other.0, self.0 + other.0);
        2.0 * libm::atan2(chord.length(), opposite.length())
    }

    /// The bearing at this point of the shortest way to another, 0 to 2π.
    ///
    /// To itself it is 0. To the opposite point every bearing is right; one of them is answered. At a pole it counts from
    /// north as seen at the longitude that the point remembers (0, when its x and y are 0).
    pub fn bearing_rad(self, to: Self) -> f64 {
        let (east, north) = self.east_north();
        let ahead = to.0 - self.0; // the part along this point is perpendicular to both
        positive(libm::atan2(ahead.dot(east), ahead.dot(north)))
    }

    /// The bearing at another point of the shortest way that comes from this one, 0 to 2π.
    ///
    /// It is the way back's bearing there, plus or minus π; so π for a point to itself.
    pub fn final_bearing_rad(self, to: Self) -> f64 {
        positive(to.bearing_rad(self) - PI)
    }

    /// Where one comes to who leaves at a bearing and goes straight on. A distance may be negative or more than all the
    /// way around. At a pole the bearing counts as in [`Direction::bearing_rad`].
    ///
    /// # Errors
    /// [`SphereError::NotFinite`].
    pub fn destination(self, bearing_rad: f64, distance_rad: f64) -> Result<Self, SphereError> {
        let (sin, cos) = libm::sincos(finite(distance_rad)?);
        let ahead = self.ahead(bearing_rad)?;
        Self::new(self.0 * cos + ahead * sin)
    }

    /// The point halfway to another.
    ///
    /// # Errors
    /// [`SphereError::Antipodal`].
    pub fn midpoint(self, other: Self) -> Result<Self, SphereError> {
        let sum = self.0 + other.0;
        if sum.length() <= SAME_RAD {
            return Err(SphereError::Antipodal);
        }
        Self::new(sum)
    }

    /// The point at a fraction of the shortest way to another: 0 is here, 1 there, others before, between or beyond.
    ///
    /// # Errors
    /// [`SphereError::Antipodal`]; [`SphereError::NotFinite`] for the fraction.
    pub fn interpolate(self, other: Self, fraction: f64) -> Result<Self, SphereError> {
        let angle = finite(finite(fraction)? * self.distance_rad(other))?;
        let normal = match self.normal_with(other) {
            Ok(normal) => normal,
            Err(SphereError::Coincident) => return Ok(self),
            Err(error) => return Err(error),
        };
        let (sin, cos) = libm::sincos(angle);
        Self::new(self.0 * cos + normal.cross(self.0) * sin)
    }

    /// The unit vector along a bearing, tangent here.
    pub(super) fn ahead(self, bearing_rad: f64) -> Result<DVec3, SphereError> {
        let (sin, cos) = libm::sincos(finite(bearing_rad)?);
        let (east, north) = self.east_north();
        Ok(east * sin + north * cos)
    }

    /// The unit normal of the great circle from here to another point: those on its left have a positive product.
    pub(super) fn normal_with(self, other: Self) -> Result<DVec3, SphereError> {
        let (chord, sum) = (other.0 - self.0, other.0 + self.0);
        if chord.length() <= SAME_RAD {
            return Err(SphereError::Coincident);
        }
        if sum.length() <= SAME_RAD {
            return Err(SphereError::Antipodal);
        }
        // Twice the cross product, without its cancellation for points that are nearly one or nearly opposite.
        Ok(sum.cross(chord).normalize())
    }

    fn east_north(self) -> (DVec3, DVec3) {
        let p = self.0;
        let across = (p.x * p.x + p.y * p.y).sqrt();
        let east = match across > 0.0 {
            true => DVec3::new(-p.y / across, p.x / across, 0.0),
            false => DVec3::Y, // as at longitude 0
        };
        (east, p.cross(east))
    }
}

/// The point below or above a place. A pole remembers its longitude: the cosine of π/2 rounded is not 0.
impl From<Geodetic> for Direction {
    fn from(at: Geodetic) -> Self {
        Self(at.direction())
    }
}

impl TryFrom<Ecef> for Direction {
    type Error = SphereError;

    /// # Errors
    /// [`SphereError::NoDirection`] for the planet's centre.
    fn try_from(place: Ecef) -> Result<Self, SphereError> {
        Self::new(place.to_vec())
    }
}

/// An angle within ±2π as one in [0, 2π).
fn positive(angle_rad: f64) -> f64 {
    let turned = match angle_rad < 0.0 {
        true => angle_rad + TAU,
        false => angle_rad,
    };
    // The sum of 2π and next to nothing is 2π.
    if turned < TAU { turned } else { 0.0 }
}
