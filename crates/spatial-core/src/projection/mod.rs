//! Map projections, for import, export and pictures: from latitudes and longitudes to a plane and back.
//!
//! Formulas are closed or converge to the last bits, and are written where they are used; each type says where it is
//! valid, and refuses what is outside. Within that, forward agrees with PROJ to less than a millimetre (golden vectors), and there
//! and back costs 10 nm, or 10 µm near the rims of equal-area maps and views of the globe.

mod azimuthal;
mod cylindrical;
mod mollweide;
mod orthographic;
mod polar;
mod transverse;

pub use azimuthal::LambertAzimuthal;
pub use cylindrical::{Equirectangular, WebMercator};
pub use mollweide::Mollweide;
pub use orthographic::Orthographic;
pub use polar::{Hemisphere, PolarStereographic};
pub use transverse::Utm;

use crate::batch::BatchError;
use crate::planet::{CoordError, Geodetic};

/// A map: latitudes and longitudes in degrees to metres on a plane, x to the right and y up, and back.
pub trait Projection {
    /// The point of the map of a place. Longitudes beyond ±180° are wrapped.
    ///
    /// # Errors
    /// [`ProjectionError::Coord`] for what is no latitude or longitude, [`ProjectionError::Place`] outside the valid area.
    fn forward(&self, lat_deg: f64, lon_deg: f64) -> Result<(f64, f64), ProjectionError>;

    /// The latitude and longitude of a point of the map.
    ///
    /// A point up to a millimetre outside the valid area is answered as one on its edge.
    ///
    /// # Errors
    /// [`ProjectionError::Point`] outside the valid area; NaN and infinities are.
    fn inverse(&self, x_m: f64, y_m: f64) -> Result<(f64, f64), ProjectionError>;

    /// Appends the points of places (latitude, longitude), as [`Projection::forward`] one by one.
    ///
    /// # Errors
    /// Those of [`Projection::forward`], with the index of the first offender; `out` is as before.
    fn forward_batch(
        &self,
        places_deg: &[(f64, f64)],
        out: &mut Vec<(f64, f64)>,
    ) -> Result<(), BatchError<ProjectionError>> {
        append(places_deg, out, |lat, lon| self.forward(lat, lon))
    }

    /// Appends the latitudes and longitudes of points, as [`Projection::inverse`] one by one.
    ///
    /// # Errors
    /// Those of [`Projection::inverse`], with the index of the first offender; `out` is as before.
    fn inverse_batch(
        &self,
        points_m: &[(f64, f64)],
        out: &mut Vec<(f64, f64)>,
    ) -> Result<(), BatchError<ProjectionError>> {
        append(points_m, out, |x, y| self.inverse(x, y))
    }
}

/// Appends what all items become, or nothing.
fn append(
    items: &[(f64, f64)],
    out: &mut Vec<(f64, f64)>,
    convert: impl Fn(f64, f64) -> Result<(f64, f64), ProjectionError>,
) -> Result<(), BatchError<ProjectionError>> {
    let before = out.len();
    out.reserve(items.len());
    for (index, (a, b)) in items.iter().enumerate() {
        match convert(*a, *b) {
            Ok(item) => out.push(item),
            Err(error) => {
                out.truncate(before);
                return Err(BatchError { index, error });
            }
        }
    }
    Ok(())
}

/// Why a map has no answer.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum ProjectionError {
    /// No latitude or longitude.
    #[error(transparent)]
    Coord(#[from] CoordError),
    /// The place is outside the valid area.
    #[error("latitude {lat_deg}°, longitude {lon_deg}° is outside the map's valid area")]
    Place {
        /// Degrees north.
        lat_deg: f64,
        /// Degrees east.
        lon_deg: f64,
    },
    /// The point is outside the valid area, or not finite.
    #[error("x {x_m} m, y {y_m} m is outside the map's valid area")]
    Point {
        /// Metres.
        x_m: f64,
        /// Metres.
        y_m: f64,
    },
    /// A map was made with a number that makes none.
    #[error("{name} {value} makes no map")]
    Parameter {
        /// Which number.
        name: &'static str,
        /// The number.
        value: f64,
    },
}

impl ProjectionError {
    fn place(lat_deg: f64, lon_deg: f64) -> Self {
        Self::Place { lat_deg, lon_deg }
    }

    fn point(x_m: f64, y_m: f64) -> Self {
        Self::Point { x_m, y_m }
    }
}

/// Points of a map are answered up to this far outside the valid area, metres: rounding must not refuse its edge.
const MARGIN_M: f64 = 1e-3;

/// The longitude in the middle of a map.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Meridian {
    lon_deg: f64, // within ±180
}

impl Meridian {
    fn new(lon_deg: f64) -> Result<Self, ProjectionError> {
        Ok(Self {
            lon_deg: lon(lon_deg)?,
        })
    }

    /// Latitude and longitude from here in radians, checked; the longitude within ±π.
    fn local_rad(self, lat_deg: f64, lon_deg: f64) -> Result<(f64, f64), ProjectionError> {
        let at = Geodetic::from_degrees(lat_deg, lon_deg, 0.0)?;
        // In degrees, where wrapping does not round.
        let east = wrapped(lon(lon_deg)? - self.lon_deg);
        Ok((at.lat_rad(), east.to_radians()))
    }

    /// Latitude and longitude in degrees of radians from here.
    fn degrees(self, lat_rad: f64, east_rad: f64) -> (f64, f64) {
        let lon = wrapped(east_rad.to_degrees() + self.lon_deg);
        (lat_rad.to_degrees().clamp(-90.0, 90.0), lon)
    }
}

/// A longitude within ±180°, checked.
fn lon(lon_deg: f64) -> Result<f64, ProjectionError> {
    match (-540.0..=540.0).contains(&lon_deg) {
        true => Ok(wrapped(lon_deg)),
        false => Err(CoordError::Longitude(lon_deg).into()),
    }
}

/// A latitude, checked, in radians.
fn lat_rad(lat_deg: f64) -> Result<f64, ProjectionError> {
    Ok(Geodetic::from_degrees(lat_deg, 0.0, 0.0)?.lat_rad())
}

/// Degrees within ±540 as degrees within ±180.
fn wrapped(lon_deg: f64) -> f64 {
    match lon_deg {
        d if d > 180.0 => d - 360.0,
        d if d < -180.0 => d + 360.0,
        d => d,
    }
}

/// What is added to all coordinates of a map, so that they are positive where it is used.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
struct Offset {
    x_m: f64,
    y_m: f64,
}

impl Offset {
    fn new(x_m: f64, y_m: f64) -> Result<Self, ProjectionError> {
        for (name, value) in [("false easting", x_m), ("false northing", y_m)] {
            if !(-1e9..=1e9).contains(&value) {
                return Err(ProjectionError::Parameter { name, value });
            }
        }
        Ok(Self { x_m, y_m })
    }
}
