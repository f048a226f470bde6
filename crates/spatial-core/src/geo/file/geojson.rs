//! GeoJSON (RFC 7946), read by the crate `geojson`.

use geojson::{GeoJson, GeometryValue, Position, feature::Id};

use super::error::{FeatureFault, FeatureFileError, Path, form};
use super::shape::{FileOptions, add_line, add_point, add_polygon, check_ring, name_of, place};
use crate::geo::{Feature, Geometry};

/// Collections may lie in collections so deep.
const DEPTH_MAX: usize = 16;

/// The features of a GeoJSON text, in order: of a collection, one feature, or a geometry alone.
///
/// ```
/// use spatial_core::{FeatureIndex, FileOptions, Geodetic, read_geojson};
///
/// let text = r#"{"type": "Feature", "properties": {"name": "Fiji"}, "geometry": {"type": "Polygon",
///     "coordinates": [[[176, -21], [-178, -21], [-178, -12], [176, -12], [176, -21]]]}}"#;
/// let features = read_geojson(text, &FileOptions::default())?;
/// assert_eq!(features[0].name.as_deref(), Some("Fiji"));
/// let index = FeatureIndex::new(features)?;
/// let suva = Geodetic::from_degrees(-18.14, 178.44, 0.0)?.direction();
/// assert_eq!(index.first_containing(suva)?, Some(0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// All kinds of geometry are read; a MultiPolygon is one polygon of all its rings, and heights are dropped. A feature's
/// name is the first of its properties `name`, `NAME` and `title`, in this order, that is a text; other properties are as
/// they please. A null geometry is an empty one.
///
/// # Errors
/// [`FeatureFileError`], which says where in the file.
pub fn read_geojson(text: &str, options: &FileOptions) -> Result<Vec<Feature>, FeatureFileError> {
    let root = Path::Root;
    if text.len() > options.bytes_max {
        let (bytes, bytes_max) = (text.len(), options.bytes_max);
        return Err(root.fault(FeatureFault::TooLong { bytes, bytes_max }));
    }
    match text
        .parse::<GeoJson>()
        .map_err(|fault| root.fault(form(&fault)))?
    {
        GeoJson::FeatureCollection(collection) => {
            let features = Path::Field(&root, "features");
            let of = |(n, feature)| feature_of(&Path::Index(&features, n), feature, options);
            collection
                .features
                .into_iter()
                .enumerate()
                .map(of)
                .collect()
        }
        GeoJson::Feature(feature) => Ok(vec![feature_of(&root, feature, options)?]),
        GeoJson::Geometry(value) => {
            let mut feature = Feature::default();
            add(&mut feature.geometry, &root, &value.value, options, 0)?;
            Ok(vec![feature])
        }
    }
}

fn feature_of(
    path: &Path<'_>,
    source: geojson::Feature,
    options: &FileOptions,
) -> Result<Feature, FeatureFileError> {
    let id = source.id.map(|id| match id {
        Id::String(text) => text,
        Id::Number(number) => number.to_string(),
    });
    let name = source.properties.as_ref().and_then(name_of);
    let mut geometry = Geometry::default();
    if let Some(value) = source.geometry {
        add(
            &mut geometry,
            &Path::Field(path, "geometry"),
            &value.value,
            options,
            0,
        )?;
    }
    Ok(Feature { id, name, geometry })
}

fn add(
    geometry: &mut Geometry,
    path: &Path<'_>,
    value: &GeometryValue,
    options: &FileOptions,
    depth: usize,
) -> Result<(), FeatureFileError> {
    let inner = Path::Field(path, "coordinates");
    match value {
        GeometryValue::Point { coordinates } => {
            add_point(geometry, place(&inner, coordinates.as_slice())?);
        }
        GeometryValue::MultiPoint { coordinates } => {
            places(&inner, coordinates)?
                .into_iter()
                .for_each(|place| add_point(geometry, place));
        }
        GeometryValue::LineString { coordinates } => {
            add_line(geometry, &inner, &places(&inner, coordinates)?, options)?;
        }
        GeometryValue::MultiLineString { coordinates } => {
            for (n, line) in coordinates.iter().enumerate() {
                let path = Path::Index(&inner, n);
                add_line(geometry, &path, &places(&path, line)?, options)?;
            }
        }
        GeometryValue::Polygon { coordinates } => {
            let rings = rings(&inner, coordinates, options)?;
            add_polygon(geometry, &inner, &rings, options)?;
        }
        GeometryValue::MultiPolygon { coordinates } => {
            let mut all = Vec::new();
            for (n, polygon) in coordinates.iter().enumerate() {
                all.extend(rings(&Path::Index(&inner, n), polygon, options)?);
            }
            // None at all is allowed, and is nothing.
            if !all.is_empty() {
                add_polygon(geometry, &inner, &all, options)?;
            }
        }
        GeometryValue::GeometryCollection { geometries } => {
            if depth == DEPTH_MAX {
                return Err(path.fault(FeatureFault::TooDeep(DEPTH_MAX)));
            }
            let inner = Path::Field(path, "geometries");
            for (n, part) in geometries.iter().enumerate() {
                add(
                    geometry,
                    &Path::Index(&inner, n),
                    &part.value,
                    options,
                    depth + 1,
                )?;
            }
        }
    }
    Ok(())
}

fn places(path: &Path<'_>, positions: &[Position]) -> Result<Vec<[f64; 2]>, FeatureFileError> {
    let of = |(n, position): (usize, &Position)| place(&Path::Index(path, n), position.as_slice());
    positions.iter().enumerate().map(of).collect()
}

fn rings(
    path: &Path<'_>,
    rings: &[Vec<Position>],
    options: &FileOptions,
) -> Result<Vec<Vec<[f64; 2]>>, FeatureFileError> {
    let of = |(n, ring): (usize, &Vec<Position>)| {
        let path = Path::Index(path, n);
        let places = places(&path, ring)?;
        check_ring(&path, &places, options)?;
        Ok(places)
    };
    rings.iter().enumerate().map(of).collect()
}
