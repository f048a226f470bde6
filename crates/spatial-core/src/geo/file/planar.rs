//! Edges that are straight on a map of latitude and longitude, followed by arcs of great circles.

use glam::DVec3;

use crate::geo::edge_distance::chord_to_edge;
use crate::planet::{CoordError, Geodetic, Planet};
use crate::region::Chord;

/// The most points that are made.
const POINTS_MAX: usize = 1 << 24;

/// The directions through which arcs follow a chain of (latitude, longitude) in degrees whose edges are straight on the
/// map, nowhere farther from it than `error_m` on the planet, ends included.
///
/// From 170° to −170° an edge goes the long way, through 0°, as the numbers say; write 190° to cross the antimeridian.
///
/// # Errors
/// [`DensifyError`]; numbers that are none, and too fine a distance.
pub fn densify(
    chain: &[[f64; 2]],
    planet: Planet,
    error_m: f64,
) -> Result<Vec<DVec3>, DensifyError> {
    if error_m.is_nan() || error_m <= 0.0 {
        return Err(DensifyError::Error(error_m));
    }
    let bound = Chord::from_rad(error_m / planet.radius_m());
    let mut directions = Vec::with_capacity(chain.len());
    for (index, ends) in chain.windows(2).enumerate() {
        let from = direction(index, ends[0])?;
        direction(index + 1, ends[1])?;
        directions.push(from);
        follow(ends[0], ends[1], bound, 0, &mut directions);
        if directions.len() > POINTS_MAX {
            return Err(DensifyError::TooManyPoints);
        }
    }
    if let Some(last) = chain.last() {
        directions.push(direction(chain.len() - 1, *last)?);
    }
    Ok(directions)
}

/// Adds what is needed between two places, without them.
fn follow(a: [f64; 2], b: [f64; 2], bound: Chord, depth: u32, directions: &mut Vec<DVec3>) {
    /// 2²⁰ parts of an edge; parts of 20 m are straight on any planet there is.
    const DEPTH_MAX: u32 = 20;
    let at = |t: f64| [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])];
    let [start, end] = [a, b].map(direction_of);
    // Arcs that turn by less than a quarter leave the map's line most at its middle, or on both sides of it.
    let is_long = (b[1] - a[1]).abs() > 45.0 || (b[0] - a[0]).abs() > 45.0;
    let leaves = |t: f64| chord_to_edge(direction_of(at(t)), start, end) > bound;
    if depth < DEPTH_MAX && (is_long || leaves(0.25) || leaves(0.5) || leaves(0.75)) {
        let middle = at(0.5);
        follow(a, middle, bound, depth + 1, directions);
        directions.push(direction_of(middle));
        if directions.len() <= POINTS_MAX {
            follow(middle, b, bound, depth + 1, directions);
        }
    }
}

fn direction(index: usize, [lat_deg, lon_deg]: [f64; 2]) -> Result<DVec3, DensifyError> {
    Geodetic::from_degrees(lat_deg, lon_deg, 0.0)
        .map_err(|fault| DensifyError::Place { index, fault })?;
    Ok(direction_of([lat_deg, lon_deg]))
}

/// Of legal degrees. Every pole is one point, and ±180° one meridian.
pub(super) fn direction_of([lat_deg, lon_deg]: [f64; 2]) -> DVec3 {
    if lat_deg.abs() == 90.0 {
        return DVec3::Z * lat_deg.signum();
    }
    let lon_deg = match lon_deg {
        d if d > 180.0 => d - 360.0,
        d if d <= -180.0 => d + 360.0,
        d => d,
    };
    let (sin_lat, cos_lat) = libm::sincos(lat_deg.to_radians());
    let (sin_lon, cos_lon) = libm::sincos(lon_deg.to_radians());
    DVec3::new(cos_lat * cos_lon, cos_lat * sin_lon, sin_lat)
}

/// Why a chain was not followed.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum DensifyError {
    /// The distance is not positive.
    #[error("distance {0} m is not positive")]
    Error(f64),
    /// A place is none.
    #[error("place {index}: {fault}")]
    Place {
        /// Which, from 0.
        index: usize,
        /// What is wrong.
        fault: CoordError,
    },
    /// More than 2²⁴ points.
    #[error("following the edges that closely needs more than 16,777,216 points")]
    TooManyPoints,
}
