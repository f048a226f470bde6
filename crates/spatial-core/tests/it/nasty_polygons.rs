//! Polygons and points that nobody draws on purpose.

use core::f64::consts::PI;

use spatial_core::{DVec3, Feature, FeatureIndex, Polygon, Region};

use crate::golden::Tape;

/// See `tests/data/s2_nasty_polygons.py`.
const ANSWERS: &[u8] = include_bytes!("../data/s2_nasty_polygons.bin");

/// What points nowhere, or is longer or shorter than squares are.
const STRANGE: [[f64; 3]; 8] = [
    [0.0, 0.0, 0.0],
    [f64::NAN, 1.0, 0.0],
    [0.0, f64::INFINITY, 0.0],
    [f64::NEG_INFINITY, f64::NAN, 1.0],
    [1e300, -1e300, 1e299],
    [-1e-300, 1e-300, 1e-301],
    [5e-324, 0.0, 0.0],
    [0.0, 0.0, -f64::MAX],
];

#[test]
fn what_points_nowhere_is_in_no_polygon_nor_in_many_at_once() {
    let octant = Polygon::new(&[vec![DVec3::X, DVec3::Y, DVec3::Z]]).unwrap();
    let others = Polygon::directed(&[vec![DVec3::X, DVec3::Z, DVec3::Y]]).unwrap();
    let points: Vec<_> = (0..300)
        .map(|n| DVec3::from_array(STRANGE[n % STRANGE.len()]))
        .collect();
    for polygon in [octant, others, Polygon::full()] {
        let mut inside = vec![true];
        polygon.contains_points(&points, &mut inside);
        let want = points.iter().map(|p| polygon.contains_point(*p));
        assert_eq!(inside, [true].into_iter().chain(want).collect::<Vec<_>>());
        assert!(!inside[1] && !inside[2] && !inside[3] && !inside[4]);

        let feature = Feature {
            geometry: polygon.into(),
            ..Feature::default()
        };
        let index = FeatureIndex::new(vec![feature]).unwrap();
        let mut found = vec![Some(7)];
        let fault = index
            .first_containing_each(&points[4..], &mut found)
            .unwrap_err();
        assert_eq!((fault.index, found.as_slice()), (4, [Some(7)].as_slice()));
        index
            .first_containing_each(&points[4..8], &mut found)
            .unwrap();
        let want: Vec<_> = points[4..8]
            .iter()
            .map(|p| index.first_containing(*p).unwrap())
            .collect();
        assert_eq!(found, want);
    }
}

/// What lies in both of two rings is in an even number of them.
#[test]
fn a_ring_twice_is_nothing_and_its_edges_are_none() {
    let ring = vec![
        DVec3::new(9.0, 1.0, 1.0),
        DVec3::new(9.0, 2.0, 1.0),
        DVec3::new(9.0, 1.0, 2.0),
    ];
    let polygon = Polygon::new(&[ring.clone(), ring.clone()]).unwrap();
    let points: Vec<_> = ring
        .iter()
        .copied()
        .chain([ring.iter().sum(), -ring[0]])
        .collect();
    let mut inside = Vec::new();
    polygon.contains_points(&points, &mut inside);
    assert_eq!(inside, [false; 5]);
    assert!(points.iter().all(|p| !polygon.contains_point(*p)));
    assert_eq!(polygon.edge_count(), 6);
}

/// Slivers, hemispheres, squares of a few floats, corners next to each other, holes that touch: points on corners, on edges
/// and beside them.
#[test]
fn points_of_nasty_polygons_are_where_the_library_finds_them() {
    let mut tape = Tape::new(ANSWERS);
    let (polygons, mut points, mut inside) = (tape.count(), 0, 0);
    assert!(polygons >= 200, "{polygons}");
    for n in 0..polygons {
        let is_directed = tape.flag();
        let ring = |tape: &mut Tape| (0..tape.count()).map(|_| tape.point()).collect::<Vec<_>>();
        let rings: Vec<_> = (0..tape.count()).map(|_| ring(&mut tape)).collect();
        let polygon = if is_directed {
            Polygon::directed(&rings).unwrap()
        } else {
            Polygon::new(&rings).unwrap()
        };
        for _ in 0..tape.count() {
            let (p, want) = (tape.point(), tape.flag());
            assert_eq!(polygon.contains_point(p), want, "polygon {n}, {p:?}");
            let mut found = Vec::new();
            polygon.contains_points(&[p; 17], &mut found);
            assert_eq!(found, [want; 17], "polygon {n}, {p:?}, many at once");
            assert!(
                !want || polygon.cap_bound().contains_point(p),
                "polygon {n}, {p:?}"
            );
            points += 1;
            inside += usize::from(want);
        }
        let (area, want) = (polygon.area(), tape.float());
        let apart = (area - want).abs();
        // Nothing and everything are next to each other.
        let is_near = |apart: f64| apart <= 1e-9 * want.min(1.0) + 1e-13;
        assert!(
            is_near(apart) || is_near(4.0 * PI - apart),
            "polygon {n}: {area} {want}"
        );
    }
    tape.end();
    println!("{points} points, {inside} of them inside");
    assert!(points > 5_000 && inside > 1_000, "{points} {inside}");
}
