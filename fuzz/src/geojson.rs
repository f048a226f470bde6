//! Files of features.

use spatial_core::{
    DVec3, Edges, Feature, FeatureIndex, FileOptions, Region, Winding, read_geojson, read_topojson,
};

/// First byte: 0 GeoJSON of geodesics, 1 the same with crossings, 2 what is inside by direction, 3 straight on the map,
/// 4 TopoJSON of the object `o`.
pub fn run(data: &[u8]) -> bool {
    let Some((kind, text)) = data.split_first() else {
        return false;
    };
    let Ok(text) = core::str::from_utf8(text) else {
        return false;
    };
    let options = |edges, winding| FileOptions {
        edges,
        winding,
        bytes_max: 1 << 20,
    };
    let features = match kind {
        0 => read_geojson(text, &options(Edges::Geodesic, Winding::Smaller)),
        1 => read_geojson(text, &options(Edges::Geodesic, Winding::EvenOdd)),
        2 => read_geojson(text, &options(Edges::Geodesic, Winding::Left)),
        3 => {
            let planar = Edges::Planar { error_m: 50_000.0 };
            read_geojson(text, &options(planar, Winding::Smaller))
        }
        4 => read_topojson(text, "o", &options(Edges::Geodesic, Winding::EvenOdd)),
        _ => return false,
    };
    match features {
        Ok(features) => {
            look_up(features);
            true
        }
        Err(error) => {
            assert!(error.to_string().len() < 2_000);
            false
        }
    }
}

/// The index agrees with the polygons that it is made of, at their vertices and between.
fn look_up(features: Vec<Feature>) {
    let index = FeatureIndex::new(features).expect("a megabyte has few edges");
    let mut places = vec![DVec3::X, -DVec3::X, DVec3::Z, -DVec3::Z, DVec3::ONE];
    for feature in index.features() {
        for polygon in feature.geometry.polygons() {
            assert!((0.0..=13.0).contains(&polygon.area()));
            let vertices = polygon.rings().flatten();
            places.extend(
                vertices
                    .take(8)
                    .flat_map(|v| [*v, (*v + DVec3::Y * 1e-9).normalize()]),
            );
        }
        places.extend(feature.geometry.points().iter().take(8));
    }
    let (mut found, mut each, mut near) = (Vec::new(), Vec::new(), Vec::new());
    index
        .first_containing_each(&places, &mut each)
        .expect("directions");
    for (place, first) in places.iter().zip(each) {
        let contains = |feature: &Feature| {
            let mut polygons = feature.geometry.polygons().iter();
            polygons.any(|polygon| polygon.contains_point(*place))
        };
        let all = index
            .features()
            .iter()
            .enumerate()
            .filter(|(_, feature)| contains(feature));
        let want: Vec<u32> = all.map(|(n, _)| n as u32).collect();
        index.containing(*place, &mut found).expect("a direction");
        assert_eq!(found, want, "at {place}");
        assert_eq!(first, want.first().copied());
        index.nearest(*place, 3, &mut near).expect("a direction");
        let nearest = near.first().map(|near| near.distance_rad);
        assert!(want.is_empty() || nearest == Some(0.0));
    }
}

/// What real files look like.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let polygon = r#"{"type":"Polygon","coordinates":[[[176,-21],[-178,-21],[-178,-12],[176,-12],[176,-21]],[[179,-18],[179,-16],[-179,-16],[179,-18]]]}"#;
    // Straight on the map, so eastwards over the antimeridian means beyond 180.
    let planar = polygon.replace("-178", "182").replace("-179", "181");
    let pole = r#"{"type":"Polygon","coordinates":[[[0,60],[120,60],[-120,60],[0,60]]]}"#;
    let bow_tie = r#"{"type":"Polygon","coordinates":[[[0,0],[1,1],[1,0],[0,1],[0,0]]]}"#;
    let all = format!(
        r#"{{"type":"FeatureCollection","features":[{{"type":"Feature","id":1,"properties":{{"name":"a"}},"geometry":{polygon}}},{{"type":"Feature","properties":null,"geometry":{{"type":"GeometryCollection","geometries":[{{"type":"Point","coordinates":[8,47,400]}},{{"type":"MultiPoint","coordinates":[[0,0]]}},{{"type":"LineString","coordinates":[[170,0],[-170,5]]}},{{"type":"MultiLineString","coordinates":[[[0,0],[1,1]]]}},{{"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[0,1],[0,0]]]]}}]}}}}]}}"#
    );
    let topology = r#"{"type":"Topology","transform":{"scale":[0.5,0.5],"translate":[-1,-1]},"arcs":[[[0,0],[4,0],[0,4]],[[4,4],[-4,-4]]],"objects":{"o":{"type":"GeometryCollection","geometries":[{"type":"Polygon","arcs":[[0,1]],"id":"x","properties":{"name":"b"}},{"type":"LineString","arcs":[-1]}]}}}"#;
    vec![
        ("collection", crate::seed(0, all.as_bytes())),
        ("pole", crate::seed(0, pole.as_bytes())),
        ("crossing", crate::seed(1, bow_tie.as_bytes())),
        ("directed", crate::seed(2, pole.as_bytes())),
        ("planar", crate::seed(3, planar.as_bytes())),
        ("topology", crate::seed(4, topology.as_bytes())),
    ]
}
