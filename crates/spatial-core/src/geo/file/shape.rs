//! From positions to points, lines and polygons.

use glam::DVec3;

use super::error::{FeatureFault, FeatureFileError, Path};
use super::planar::{DensifyError, densify, direction_of};
use crate::geo::{Geometry, Polygon, Polyline};
use crate::planet::Planet;

/// How a file is read.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FileOptions {
    /// What edges are.
    pub edges: Edges,
    /// Which side of a ring is inside, and whether rings may cross.
    pub winding: Winding,
    /// The longest text that is read; memory while reading is up to about ten times as much.
    pub bytes_max: usize,
}

impl Default for FileOptions {
    /// Geodesics, the smaller side, 256 MiB.
    fn default() -> Self {
        Self {
            edges: Edges::Geodesic,
            winding: Winding::Smaller,
            bytes_max: 256 << 20,
        }
    }
}

/// What the edges of a file are.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Edges {
    /// The shorter arcs of great circles. From 170° to −170° is 20° over the antimeridian.
    Geodesic,
    /// Straight in latitude and longitude, as the standard has it, within this many metres on the Earth
    /// ([`densify`]). From 170° to −170° is 340° the other way.
    Planar {
        /// How far from it an arc may be.
        error_m: f64,
    },
}

/// Which side of a ring is inside.
///
/// The standard asks for outer rings counter-clockwise and holes clockwise, yet forbids to refuse others; much of what is
/// published winds the other way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Winding {
    /// The smaller one, whichever way the ring runs ([`Polygon::new`]).
    Smaller,
    /// The same, of rings that may cross ([`Polygon::even_odd`]), as a few published ones do.
    EvenOdd,
    /// The left, so that polygons may be larger than half the sphere ([`Polygon::directed`]).
    Left,
}

/// What properties call their feature: the first of the usual keys whose value is a text, for files have several of them.
pub(super) fn name_of(properties: &serde_json::Map<String, serde_json::Value>) -> Option<String> {
    let mut names = ["name", "NAME", "title"]
        .iter()
        .filter_map(|key| properties.get(*key)?.as_str());
    names.next().map(str::to_owned)
}

/// Latitude and longitude of a position, degrees.
pub(super) fn place(path: &Path<'_>, position: &[f64]) -> Result<[f64; 2], FeatureFileError> {
    let &[lon, lat, ..] = position else {
        return Err(path.fault(FeatureFault::Position(position.len())));
    };
    if !(-90.0..=90.0).contains(&lat) {
        return Err(path.fault(FeatureFault::Latitude(lat)));
    }
    if !(-540.0..=540.0).contains(&lon) {
        return Err(path.fault(FeatureFault::Longitude(lon)));
    }
    Ok([lat, lon])
}

/// Adds a point.
pub(super) fn add_point(geometry: &mut Geometry, place: [f64; 2]) {
    geometry
        .push_point(direction_of(place))
        .expect("degrees make a unit vector");
}

/// Adds a line.
pub(super) fn add_line(
    geometry: &mut Geometry,
    path: &Path<'_>,
    places: &[[f64; 2]],
    options: &FileOptions,
) -> Result<(), FeatureFileError> {
    let directions = chain(path, places, options)?;
    let line = Polyline::new(&directions).map_err(|fault| path.fault(fault))?;
    geometry.push_line(line);
    Ok(())
}

/// Whether positions are a closed ring. A quantised one may have shrunk to two positions, which encloses nothing: it is
/// passed on where such rings are dropped.
pub(super) fn check_ring(
    path: &Path<'_>,
    ring: &[[f64; 2]],
    options: &FileOptions,
) -> Result<(), FeatureFileError> {
    let is_short = ring.len() < 4 && options.winding != Winding::EvenOdd;
    if is_short || ring.is_empty() {
        return Err(path.fault(FeatureFault::RingTooShort(ring.len())));
    }
    if ring.first() != ring.last() {
        return Err(path.fault(FeatureFault::RingNotClosed));
    }
    Ok(())
}

/// Adds the polygon of all rings of a geometry.
pub(super) fn add_polygon(
    geometry: &mut Geometry,
    path: &Path<'_>,
    rings: &[Vec<[f64; 2]>],
    options: &FileOptions,
) -> Result<(), FeatureFileError> {
    let planar = matches!(options.edges, Edges::Planar { .. });
    if planar
        && let [ring] = rings
        && is_whole_map(ring)
    {
        geometry.push_polygon(Polygon::full());
        return Ok(());
    }
    let rings = rings
        .iter()
        .map(|ring| chain(path, ring, options))
        .collect::<Result<Vec<_>, _>>()?;
    let polygon = match options.winding {
        Winding::Smaller => Polygon::new(&rings),
        Winding::EvenOdd => Polygon::even_odd(&rings),
        Winding::Left => Polygon::directed(&rings),
    };
    geometry.push_polygon(polygon.map_err(|fault| path.fault(fault))?);
    Ok(())
}

fn chain(
    path: &Path<'_>,
    places: &[[f64; 2]],
    options: &FileOptions,
) -> Result<Vec<DVec3>, FeatureFileError> {
    match options.edges {
        Edges::Geodesic => Ok(places.iter().map(|place| direction_of(*place)).collect()),
        Edges::Planar { error_m } => densify(places, Planet::EARTH, error_m).map_err(|fault| {
            path.fault(match fault {
                DensifyError::TooManyPoints => FeatureFault::TooManyPoints(1 << 24),
                other => super::error::form(&other),
            })
        }),
    }
}

/// Whether the ring is the frame of the map, which is nothing on the sphere: its east and west are one meridian, its north
/// and south are points.
fn is_whole_map(ring: &[[f64; 2]]) -> bool {
    let on_frame = |[lat, lon]: &[f64; 2]| lat.abs() == 90.0 || lon.abs() == 180.0;
    let corner = |lat: f64, lon: f64| ring.contains(&[lat, lon]);
    ring.iter().all(on_frame)
        && corner(-90.0, -180.0)
        && corner(-90.0, 180.0)
        && corner(90.0, 180.0)
        && corner(90.0, -180.0)
}
