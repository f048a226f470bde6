//! Files of features as others write them: names under several keys, arcs that do not fit, nesting without end.

use spatial_core::{FeatureFault, FileOptions, Winding, read_geojson, read_topojson};

fn topology(arcs: &str, object: &str) -> String {
    format!(r#"{{"type":"Topology","arcs":{arcs},"objects":{{"o":{object}}}}}"#)
}

#[test]
fn names_are_found_under_whichever_key_has_a_text() {
    let cases = [
        (r#"{"NAME":"A","name":"b","title":"c"}"#, Some("b")),
        (r#"{"title":"c","NAME":"A"}"#, Some("A")),
        (r#"{"name":null,"NAME":7,"title":"c"}"#, Some("c")),
        (r#"{"name":"b","name":"again"}"#, Some("again")),
        (r#"{"name":["b"],"Name":"x"}"#, None),
        (r#"{}"#, None),
        ("null", None),
    ];
    let options = FileOptions::default();
    for (properties, want) in cases {
        let geometry = r#"{"type":"Point","coordinates":[1,2]}"#;
        let text =
            format!(r#"{{"type":"Feature","properties":{properties},"geometry":{geometry}}}"#);
        let features = read_geojson(&text, &options).unwrap();
        assert_eq!(features[0].name.as_deref(), want, "{properties}");
        let object = format!(r#"{{"type":"Point","coordinates":[1,2],"properties":{properties}}}"#);
        let features = read_topojson(&topology("[]", &object), "o", &options).unwrap();
        assert_eq!(features[0].name.as_deref(), want, "{properties}");
    }
}

/// An arc without positions takes none from its neighbours, and a gap between arcs is an edge.
#[test]
fn arcs_that_do_not_meet_are_joined() {
    let arcs = "[[[0,0],[0,9]],[],[[9,9],[9,0]],[[0,0]],[[0,0],[9,0]]]";
    // Round a square and back to (0, 0); the first chain goes on to the last corner once more.
    for (chain, vertices) in [
        ("[0,2,4]", 6),
        ("[0,1,2,-5]", 5),
        ("[3,0,1,2,-2,-5]", 5),
        ("[0,2,-5,3]", 5),
    ] {
        let line = format!(r#"{{"type":"LineString","arcs":{chain}}}"#);
        let features = read_topojson(&topology(arcs, &line), "o", &FileOptions::default()).unwrap();
        let lines = features[0].geometry.lines();
        assert_eq!(lines[0].vertices().len(), vertices, "{chain}");
    }
    let ring = r#"{"type":"Polygon","arcs":[[0,1,2,-5]]}"#;
    let features = read_topojson(&topology(arcs, ring), "o", &FileOptions::default()).unwrap();
    assert_eq!(features[0].geometry.edge_count(), 4);
}

#[test]
fn arcs_that_do_not_exist_are_refused() {
    for arc in [1, -2, i64::MAX, i64::MIN, 1 << 40] {
        let line = format!(r#"{{"type":"MultiLineString","arcs":[[0],[{arc}]]}}"#);
        let text = topology("[[[0,0],[1,1]]]", &line);
        let fault = read_topojson(&text, "o", &FileOptions::default()).unwrap_err();
        assert_eq!(fault.fault, FeatureFault::NoSuchArc(arc));
    }
    // Empty lists of arcs, for each way of winding.
    for winding in [Winding::Smaller, Winding::EvenOdd, Winding::Left] {
        let options = FileOptions {
            winding,
            ..FileOptions::default()
        };
        for object in [
            r#"{"type":"Polygon","arcs":[[]]}"#,
            r#"{"type":"LineString","arcs":[]}"#,
            r#"{"type":"MultiPolygon","arcs":[[[]]]}"#,
        ] {
            assert!(read_topojson(&topology("[[]]", object), "o", &options).is_err());
        }
        let empty = r#"{"type":"MultiPolygon","arcs":[]}"#;
        assert!(read_topojson(&topology("[[]]", empty), "o", &options).is_ok());
    }
}

#[test]
fn nesting_ends_in_an_error() {
    for depth in [17, 60, 200, 100_000] {
        let open = r#"{"type":"GeometryCollection","geometries":["#.repeat(depth);
        let text = open + &"]}".repeat(depth);
        assert!(
            read_geojson(&text, &FileOptions::default()).is_err(),
            "{depth}"
        );
        let text = topology("[]", &text);
        // The outermost collection of an object is its list of features.
        if depth > 17 {
            assert!(
                read_topojson(&text, "o", &FileOptions::default()).is_err(),
                "{depth}"
            );
        }
        let arrays = "[".repeat(depth);
        let text = format!(r#"{{"type":"Polygon","coordinates":{arrays}"#);
        assert!(
            read_geojson(&text, &FileOptions::default()).is_err(),
            "{depth}"
        );
    }
}
