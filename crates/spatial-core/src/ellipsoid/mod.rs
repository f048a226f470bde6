//! Ellipsoids of revolution: only for import and export. Our planets are spheres.

mod geodesic;
mod latitude;
mod wgs84;

pub(crate) use latitude::polynomial;

pub use geodesic::{Geodesic, GeodesicError, Geodesics};
pub use wgs84::Wgs84Ecef;

/// A flattened sphere that maps are drawn of, or, with flattening 0, a sphere.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ellipsoid {
    semi_major_m: f64, // finite, in Planet::RADIUS_M
    flattening: f64,   // in FLATTENING
}

impl Ellipsoid {
    /// Flattenings that the series in use are good for: to 10⁻¹⁵ at the greater end.
    pub const FLATTENING: core::ops::RangeInclusive<f64> = 0.0..=0.01;

    /// The World Geodetic System's of 1984.
    pub const WGS84: Self = Self {
        semi_major_m: 6_378_137.0,
        flattening: 1.0 / 298.257_223_563,
    };

    /// The Geodetic Reference System's of 1980: of European maps.
    pub const GRS80: Self = Self {
        semi_major_m: 6_378_137.0,
        flattening: 1.0 / 298.257_222_101,
    };

    /// An ellipsoid of a radius at its equator and a flattening (a − b) / a.
    ///
    /// # Errors
    /// [`EllipsoidError`] when the radius is not in [`Planet::RADIUS_M`](crate::Planet::RADIUS_M) or the flattening not in
    /// [`Ellipsoid::FLATTENING`].
    pub fn new(semi_major_m: f64, flattening: f64) -> Result<Self, EllipsoidError> {
        if !crate::Planet::RADIUS_M.contains(&semi_major_m) {
            return Err(EllipsoidError::Radius(semi_major_m));
        }
        if !Self::FLATTENING.contains(&flattening) {
            return Err(EllipsoidError::Flattening(flattening));
        }
        Ok(Self {
            semi_major_m,
            flattening,
        })
    }

    /// The sphere of a planet.
    pub fn sphere(planet: crate::Planet) -> Self {
        Self {
            semi_major_m: planet.radius_m(),
            flattening: 0.0,
        }
    }

    /// The radius at the equator, metres.
    pub fn semi_major_m(self) -> f64 {
        self.semi_major_m
    }

    /// The flattening (a − b) / a.
    pub fn flattening(self) -> f64 {
        self.flattening
    }

    /// The squared eccentricity e² = f (2 − f).
    pub(crate) fn e2(self) -> f64 {
        self.flattening * (2.0 - self.flattening)
    }

    /// The third flattening n = f / (2 − f), in which the series are.
    pub(crate) fn n(self) -> f64 {
        self.flattening / (2.0 - self.flattening)
    }
}

/// Why an ellipsoid was refused.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum EllipsoidError {
    /// The radius is not a number in the legal range.
    #[error("radius {0} m at the equator is not that of a planet")]
    Radius(f64),
    /// The flattening is not a number in the legal range.
    #[error("flattening {0} is not within {lo} to {hi}", lo = Ellipsoid::FLATTENING.start(), hi = Ellipsoid::FLATTENING.end())]
    Flattening(f64),
}
