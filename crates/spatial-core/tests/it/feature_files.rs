//! Features from GeoJSON and TopoJSON: all kinds of them, and what is refused, with its place.

use core::f64::consts::PI;

use spatial_core::{
    DVec3, Edges, FeatureFault, FeatureIndex, FileOptions, Planet, PolygonError, PolylineError,
    Region, Winding, densify, read_geojson, read_topojson,
};

use crate::polygons::at;

const COLLECTION: &str = r#"{"type": "FeatureCollection", "features": [
    {"type": "Feature", "id": 7, "properties": {"name": "well"}, "geometry": {"type": "Point", "coordinates": [8, 47, 400]}},
    {"type": "Feature", "id": "r", "properties": {"title": "road"}, "geometry":
        {"type": "LineString", "coordinates": [[170, 0], [-170, 0]]}},
    {"type": "Feature", "properties": null, "geometry": {"type": "GeometryCollection", "geometries": [
        {"type": "MultiPoint", "coordinates": [[0, 0], [1, 1]]},
        {"type": "MultiLineString", "coordinates": [[[0, 0], [1, 1]], [[2, 2], [3, 3]]]},
        {"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 0], [0, 1], [0, 0]]], [[[5, 5], [6, 5], [5, 6], [5, 5]]]]}]}},
    {"type": "Feature", "properties": {}, "geometry": null}]}"#;

#[test]
fn geojson_of_every_kind_is_read() {
    let features = read_geojson(COLLECTION, &FileOptions::default()).unwrap();
    let names: Vec<_> = features
        .iter()
        .map(|f| (f.id.as_deref(), f.name.as_deref()))
        .collect();
    assert_eq!(
        names,
        [
            (Some("7"), Some("well")),
            (Some("r"), Some("road")),
            (None, None),
            (None, None)
        ]
    );
    let edges: Vec<_> = features.iter().map(|f| f.geometry.edge_count()).collect();
    assert_eq!(edges, [1, 1, 2 + 2 + 6, 0]);
    let length = features[1].geometry.lines()[0].length_rad().to_degrees();
    assert!((length - 20.0).abs() < 1e-12, "{length}");
    let index = FeatureIndex::new(features).unwrap();
    let mut near = Vec::new();
    index.nearest(at(1.0, 180.0), 1, &mut near).unwrap();
    assert_eq!(near[0].feature, 1);
    assert!((near[0].distance_rad.to_degrees() - 1.0).abs() < 1e-12);
    index.nearest(at(5.2, 5.2), 9, &mut near).unwrap();
    assert_eq!(
        (near.len(), near[0].feature, near[0].distance_rad),
        (3, 2, 0.0)
    );
}

#[test]
fn geometries_of_geojson_are_refused_with_their_place() {
    let check = |kind: &str, coordinates: &str, path: &str, fault: FeatureFault| {
        assert_eq!(
            refused_geometry(kind, coordinates),
            (path.to_owned(), fault),
            "{coordinates}"
        );
    };
    check(
        "Point",
        "[1, 91]",
        "coordinates",
        FeatureFault::Latitude(91.0),
    );
    check(
        "MultiPoint",
        "[[0, 0], [541, 0]]",
        "coordinates[1]",
        FeatureFault::Longitude(541.0),
    );
    check(
        "LineString",
        "[[0, 0], [0, 0]]",
        "coordinates",
        FeatureFault::Polyline(PolylineError::TooFew),
    );
    let short = FeatureFault::RingTooShort(3);
    check(
        "Polygon",
        "[[[0, 0], [1, 1], [0, 0]]]",
        "coordinates[0]",
        short,
    );
    let open = "[[[[0, 0], [1, 0], [0, 1], [1, 1]]]]";
    check(
        "MultiPolygon",
        open,
        "coordinates[0][0]",
        FeatureFault::RingNotClosed,
    );
    let flat = "[[[0, 0], [1, 1], [0, 0], [1, 1], [0, 0]]]";
    check(
        "Polygon",
        flat,
        "coordinates",
        FeatureFault::Polygon(PolygonError::NoArea { ring: 0 }),
    );
    check(
        "Polygon",
        "[]",
        "coordinates",
        FeatureFault::Polygon(PolygonError::NoRings),
    );
}

/// Where and why a file of one geometry is refused.
fn refused_geometry(kind: &str, coordinates: &str) -> (String, FeatureFault) {
    let text = format!(r#"{{"type": "{kind}", "coordinates": {coordinates}}}"#);
    let error = read_geojson(&text, &FileOptions::default()).unwrap_err();
    assert!(error.to_string().len() < 400);
    (error.path.into_string(), error.fault)
}

#[test]
fn geojson_of_another_form_is_refused() {
    let options = FileOptions::default();
    for (kind, bad) in [
        ("Point", "\"x\""),
        ("Point", "[1e999, 0]"),
        ("Point", "[]"),
        ("Point", "[null, 1]"),
        ("Circle", "[0, 0]"),
        ("Polygon", "[0, 0]"),
    ] {
        assert!(
            matches!(refused_geometry(kind, bad).1, FeatureFault::Form(_)),
            "{kind} {bad}"
        );
    }
    for bad in [
        "",
        "{",
        "[]",
        "null",
        r#"{"type": "Feature"}"#,
        &"[".repeat(100_000),
    ] {
        assert!(
            read_geojson(bad, &options).is_err() || bad.contains("Feature"),
            "{bad:.20}"
        );
    }
    let nested = |depth: usize| {
        let open = r#"{"type": "GeometryCollection", "geometries": ["#.repeat(depth);
        read_geojson(&format!("{open}{}", "]}".repeat(depth)), &options)
    };
    assert!(nested(16).is_ok());
    assert!(matches!(
        nested(18).unwrap_err().fault,
        FeatureFault::TooDeep(16)
    ));
    assert!(nested(10_000).is_err());
    let short = FileOptions {
        bytes_max: 10,
        ..options
    };
    assert!(matches!(
        read_geojson(COLLECTION, &short).unwrap_err().fault,
        FeatureFault::TooLong { .. }
    ));
}

#[test]
fn topojson_that_is_none_is_refused_with_its_place() {
    let read = |arcs: &str, object: &str| {
        let text =
            format!(r#"{{"type": "Topology", "arcs": {arcs}, "objects": {{"o": {object}}}}}"#);
        read_topojson(&text, "o", &FileOptions::default())
    };
    let triangle = "[[[0, 0], [4, 0], [0, 4]], [[0, 4], [0, 0]]]";
    let good = read(
        triangle,
        r#"{"type": "Polygon", "arcs": [[0, 1]], "id": 3}"#,
    )
    .unwrap();
    assert_eq!(
        (good[0].geometry.edge_count(), good[0].id.as_deref()),
        (3, Some("3"))
    );
    let fault = |object: &str| read(triangle, object).unwrap_err().fault;
    assert_eq!(
        fault(r#"{"type": "Polygon", "arcs": [[0, 2]]}"#),
        FeatureFault::NoSuchArc(2)
    );
    assert_eq!(
        fault(r#"{"type": "Polygon", "arcs": [[0, -9]]}"#),
        FeatureFault::NoSuchArc(-9)
    );
    assert_eq!(
        fault(r#"{"type": "Polygon", "arcs": [[0]]}"#),
        FeatureFault::RingTooShort(3)
    );
    assert!(matches!(
        fault(r#"{"type": "Polygon"}"#),
        FeatureFault::Form(_)
    ));
    let backwards = read(triangle, r#"{"type": "LineString", "arcs": [-1, -2]}"#).unwrap();
    assert_eq!(backwards[0].geometry.lines()[0].vertices()[0], at(4.0, 0.0));
    let error = read(
        "[[[0, 0], [0, 91]]]",
        r#"{"type": "LineString", "arcs": [0]}"#,
    )
    .unwrap_err();
    assert_eq!(
        (&*error.path, error.fault),
        ("arcs[0][1]", FeatureFault::Latitude(91.0))
    );
    let missing = read_topojson(
        r#"{"arcs": [], "objects": {}}"#,
        "o",
        &FileOptions::default(),
    );
    assert_eq!(missing.unwrap_err().fault, FeatureFault::NoSuchObject);
}

/// A box of latitudes and longitudes as the standard means it: along parallels.
#[test]
fn planar_edges_follow_the_map() {
    let text = r#"{"type": "Polygon", "coordinates": [[[-60, 50], [60, 50], [60, 70], [-60, 70], [-60, 50]]]}"#;
    let contains = |edges: Edges, lat: f64| {
        let options = FileOptions {
            edges,
            ..FileOptions::default()
        };
        let features = read_geojson(text, &options).unwrap();
        features[0].geometry.polygons()[0].contains_point(at(lat, 0.0))
    };
    let planar = Edges::Planar { error_m: 100.0 };
    assert_eq!(
        [49.9, 50.1, 69.9, 70.1].map(|lat| contains(planar, lat)),
        [false, true, true, false]
    );
    // The great circle through both southern corners reaches 67° in the middle.
    assert_eq!(
        [51.0, 69.0, 75.0].map(|lat| contains(Edges::Geodesic, lat)),
        [false, true, true]
    );
    let chain = densify(&[[50.0, -60.0], [50.0, 60.0]], Planet::EARTH, 100.0).unwrap();
    for ends in chain.windows(2) {
        let lat = libm::asin((ends[0] + ends[1]).normalize().z).to_degrees();
        let off_m = (lat - 50.0).to_radians().abs() * Planet::EARTH.radius_m();
        assert!(off_m <= 100.0 + 1e-6, "{off_m}");
    }
    assert!((100..1_000).contains(&chain.len()), "{}", chain.len());
    let world = r#"{"type": "Polygon", "coordinates": [[[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]]}"#;
    let options = FileOptions {
        edges: planar,
        ..FileOptions::default()
    };
    let features = read_geojson(world, &options).unwrap();
    assert!((features[0].geometry.polygons()[0].area() - 4.0 * PI).abs() < 1e-12);
    assert!(read_geojson(world, &FileOptions::default()).is_err());
    // Antarctica, cut along the antimeridian and led along the pole.
    let cut = r#"{"type": "Polygon", "coordinates":
        [[[-180, -90], [-180, -80], [-90, -70], [0, -75], [90, -70], [180, -80], [180, -90], [-180, -90]]]}"#;
    for options in [
        options,
        FileOptions::default(),
        FileOptions {
            winding: Winding::Smaller,
            ..options
        },
    ] {
        let features = read_geojson(cut, &options).unwrap();
        let polygon = &features[0].geometry.polygons()[0];
        assert!(polygon.contains_point(-DVec3::Z) && polygon.contains_point(at(-89.0, 180.0)));
        assert!(!polygon.contains_point(DVec3::Z) && !polygon.contains_point(at(-60.0, 180.0)));
    }
    for bad in [0.0, -1.0, f64::NAN] {
        assert!(densify(&[[0.0, 0.0]], Planet::EARTH, bad).is_err());
    }
    assert!(densify(&[[0.0, 0.0], [0.0, f64::NAN]], Planet::EARTH, 1.0).is_err());
}
