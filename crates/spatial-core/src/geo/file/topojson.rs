//! TopoJSON: rings as references to shared arcs, so that neighbours have the same border bit for bit.
//!
//! Its format is at <https://github.com/topojson/topojson-specification>; Natural Earth is published in it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::error::{FeatureFault, FeatureFileError, Path, form};
use super::shape::{FileOptions, add_line, add_point, add_polygon, check_ring, name_of, place};
use crate::geo::{Feature, Geometry};

/// Collections may lie in collections so deep.
const DEPTH_MAX: usize = 16;
/// Places that arcs may be repeated to, so that a short file does not become a large geometry.
const PLACES_MAX: usize = 1 << 24;

/// The features of one object of a TopoJSON text, in order. Names are as in [`read_geojson`](super::read_geojson).
///
/// # Errors
/// [`FeatureFileError`], which says where in the file.
pub fn read_topojson(
    text: &str,
    object: &str,
    options: &FileOptions,
) -> Result<Vec<Feature>, FeatureFileError> {
    let root = Path::Root;
    if text.len() > options.bytes_max {
        let (bytes, bytes_max) = (text.len(), options.bytes_max);
        return Err(root.fault(FeatureFault::TooLong { bytes, bytes_max }));
    }
    let topology: Topology =
        serde_json::from_str(text).map_err(|fault| root.fault(form(&fault)))?;
    let path = Path::Field(&root, "objects");
    let Some(object) = topology.objects.get(object) else {
        return Err(path.fault(FeatureFault::NoSuchObject));
    };
    let mut reader = Reader {
        arcs: arcs_of(&topology, &Path::Field(&root, "arcs"))?,
        topology: &topology,
        options,
        places: 0,
    };
    match &object.shape {
        Shape::GeometryCollection { geometries } => {
            let path = Path::Field(&path, "geometries");
            let of = |(n, part)| reader.feature(&Path::Index(&path, n), part);
            geometries.iter().enumerate().map(of).collect()
        }
        _ => Ok(vec![reader.feature(&path, object)?]),
    }
}

#[derive(Deserialize)]
struct Topology {
    objects: BTreeMap<String, Object>,
    arcs: Vec<Vec<Vec<f64>>>,
    transform: Option<Transform>,
}

#[derive(Deserialize)]
struct Transform {
    scale: [f64; 2],
    translate: [f64; 2],
}

#[derive(Deserialize)]
struct Object {
    #[serde(flatten)]
    shape: Shape,
    id: Option<serde_json::Value>,
    properties: Option<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Shape {
    Point { coordinates: Vec<f64> },
    MultiPoint { coordinates: Vec<Vec<f64>> },
    LineString { arcs: Vec<i64> },
    MultiLineString { arcs: Vec<Vec<i64>> },
    Polygon { arcs: Vec<Vec<i64>> },
    MultiPolygon { arcs: Vec<Vec<Vec<i64>>> },
    GeometryCollection { geometries: Vec<Object> },
}

/// Arcs as places; of a quantised topology positions are differences.
fn arcs_of(topology: &Topology, path: &Path<'_>) -> Result<Vec<Vec<[f64; 2]>>, FeatureFileError> {
    let arc_of = |(n, arc): (usize, &Vec<Vec<f64>>)| {
        let path = Path::Index(path, n);
        let mut sum = [0.0; 2];
        let places = arc.iter().enumerate().map(|(n, position)| {
            let path = Path::Index(&path, n);
            let &[x, y, ..] = position.as_slice() else {
                return Err(path.fault(FeatureFault::Position(position.len())));
            };
            sum = match topology.transform {
                Some(_) => [sum[0] + x, sum[1] + y],
                None => [x, y],
            };
            place(&path, &topology.degrees(sum))
        });
        places.collect()
    };
    topology.arcs.iter().enumerate().map(arc_of).collect()
}

impl Topology {
    fn degrees(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        match &self.transform {
            Some(Transform { scale, translate }) => {
                let lat = y * scale[1] + translate[1];
                // A pole that quantisation has moved beyond itself by a rounding.
                let lat = if lat.abs() > 90.0 && lat.abs() < 90.0 + 1e-9 {
                    lat.signum() * 90.0
                } else {
                    lat
                };
                [x * scale[0] + translate[0], lat]
            }
            None => [x, y],
        }
    }
}

struct Reader<'a> {
    topology: &'a Topology,
    arcs: Vec<Vec<[f64; 2]>>,
    options: &'a FileOptions,
    /// Made so far.
    places: usize,
}

impl Reader<'_> {
    fn feature(&mut self, path: &Path<'_>, object: &Object) -> Result<Feature, FeatureFileError> {
        let mut geometry = Geometry::default();
        self.add(&mut geometry, path, &object.shape, 0)?;
        let id = object.id.as_ref().map(|id| match id {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        let name = object.properties.as_ref().and_then(name_of);
        Ok(Feature { id, name, geometry })
    }

    fn add(
        &mut self,
        geometry: &mut Geometry,
        path: &Path<'_>,
        shape: &Shape,
        depth: usize,
    ) -> Result<(), FeatureFileError> {
        let inner = Path::Field(path, "arcs");
        match shape {
            Shape::Point { coordinates } => add_point(geometry, self.position(path, coordinates)?),
            Shape::MultiPoint { coordinates } => {
                for (n, position) in coordinates.iter().enumerate() {
                    add_point(geometry, self.position(&Path::Index(path, n), position)?);
                }
            }
            Shape::LineString { arcs } => {
                add_line(geometry, &inner, &self.chain(&inner, arcs)?, self.options)?;
            }
            Shape::MultiLineString { arcs } => {
                for (n, line) in arcs.iter().enumerate() {
                    let path = Path::Index(&inner, n);
                    add_line(geometry, &path, &self.chain(&path, line)?, self.options)?;
                }
            }
            Shape::Polygon { arcs } => {
                let rings = self.rings(&inner, arcs)?;
                add_polygon(geometry, &inner, &rings, self.options)?;
            }
            Shape::MultiPolygon { arcs } => {
                let mut all = Vec::new();
                for (n, polygon) in arcs.iter().enumerate() {
                    all.extend(self.rings(&Path::Index(&inner, n), polygon)?);
                }
                if !all.is_empty() {
                    add_polygon(geometry, &inner, &all, self.options)?;
                }
            }
            Shape::GeometryCollection { geometries } => {
                if depth == DEPTH_MAX {
                    return Err(path.fault(FeatureFault::TooDeep(DEPTH_MAX)));
                }
                let inner = Path::Field(path, "geometries");
                for (n, part) in geometries.iter().enumerate() {
                    self.add(geometry, &Path::Index(&inner, n), &part.shape, depth + 1)?;
                }
            }
        }
        Ok(())
    }

    fn position(&self, path: &Path<'_>, position: &[f64]) -> Result<[f64; 2], FeatureFileError> {
        let &[x, y, ..] = position else {
            return Err(path.fault(FeatureFault::Position(position.len())));
        };
        place(path, &self.topology.degrees([x, y]))
    }

    fn rings(
        &mut self,
        path: &Path<'_>,
        rings: &[Vec<i64>],
    ) -> Result<Vec<Vec<[f64; 2]>>, FeatureFileError> {
        let mut all = Vec::with_capacity(rings.len());
        for (n, arcs) in rings.iter().enumerate() {
            let path = Path::Index(path, n);
            let ring = self.chain(&path, arcs)?;
            check_ring(&path, &ring, self.options)?;
            all.push(ring);
        }
        Ok(all)
    }

    /// Arcs one after the other, each beginning where the one before ends, or else with an edge to where it begins; `!n` is
    /// arc n backwards.
    fn chain(&mut self, path: &Path<'_>, arcs: &[i64]) -> Result<Vec<[f64; 2]>, FeatureFileError> {
        let mut chain = Vec::new();
        for (n, &number) in arcs.iter().enumerate() {
            let forward = if number < 0 { !number } else { number };
            let arc = usize::try_from(forward)
                .ok()
                .and_then(|at| self.arcs.get(at));
            let Some(arc) = arc else {
                return Err(Path::Index(path, n).fault(FeatureFault::NoSuchArc(number)));
            };
            self.places += arc.len();
            if self.places > PLACES_MAX {
                return Err(path.fault(FeatureFault::TooManyPoints(PLACES_MAX)));
            }
            let is_backward = number < 0;
            let start = if is_backward { arc.last() } else { arc.first() };
            if start == chain.last() {
                chain.pop();
            }
            if is_backward {
                chain.extend(arc.iter().rev());
            } else {
                chain.extend(arc);
            }
        }
        Ok(chain)
    }
}
