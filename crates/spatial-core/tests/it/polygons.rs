//! Polygons and lines: where they are odd, and what is refused.

use core::f64::consts::PI;

use spatial_core::{
    Cell, CellId, DVec3, Feature, FeatureIndex, Geodetic, LatLngRect, NoDirection, Planet, Polygon,
    PolygonError, Polyline, PolylineError, Region, WithinError,
};

pub(crate) fn at(lat: f64, lon: f64) -> DVec3 {
    Geodetic::from_degrees(lat, lon, 0.0).unwrap().direction()
}

pub(crate) fn ring(places: &[[f64; 2]]) -> Vec<DVec3> {
    places.iter().map(|[lat, lon]| at(*lat, *lon)).collect()
}

/// xorshift64.
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn direction(&mut self) -> DVec3 {
        loop {
            let p = DVec3::new(self.unit(), self.unit(), self.unit()) * 2.0 - 1.0;
            if (0.01..1.0).contains(&p.length_squared()) {
                return p.normalize();
            }
        }
    }

    /// A star around a direction: its rays differ in length.
    fn star(&mut self, center: DVec3, radius: f64, count: usize) -> Vec<DVec3> {
        let (east, north) = center.any_orthonormal_pair();
        let ray = |n: usize| {
            let angle = 2.0 * PI * n as f64 / count as f64;
            let length = radius * (0.3 + 0.7 * self.unit());
            (center + (east * libm::cos(angle) + north * libm::sin(angle)) * length).normalize()
        };
        (0..count).map(ray).collect()
    }
}

/// Poles, the antimeridian, edges and corners of the cube, and places between.
const CENTERS: [DVec3; 8] = [
    DVec3::Z,
    DVec3::NEG_Z,
    DVec3::NEG_X,
    DVec3::new(1.0, 1.0, 0.0),
    DVec3::new(-1.0, 0.0, 1.0),
    DVec3::new(1.0, 1.0, 1.0),
    DVec3::new(-1.0, 1.0, -1.0),
    DVec3::new(0.3, -0.5, 0.2),
];

/// Plane geometry in the tangent plane: on gnomonic maps great circles are straight.
fn contains_on_map(star: &[DVec3], center: DVec3, p: DVec3) -> bool {
    let (east, north) = center.any_orthonormal_pair();
    let map = |v: DVec3| [v.dot(east) / v.dot(center), v.dot(north) / v.dot(center)];
    if p.dot(center) <= 0.0 {
        return false;
    }
    let [x, y] = map(p);
    let edges = star.iter().zip(star.iter().cycle().skip(1));
    let crosses = |(a, b): (&DVec3, &DVec3)| {
        let ([ax, ay], [bx, by]) = (map(*a), map(*b));
        (ay > y) != (by > y) && x < ax + (y - ay) / (by - ay) * (bx - ax)
    };
    edges.filter(|edge| crosses(*edge)).count() % 2 == 1
}

#[test]
fn stars_contain_what_their_maps_contain() {
    let seed = 0x9e37_79b9_97f4_a7c1;
    let mut random = Random(seed);
    let mut inside = 0;
    for n in 0..96 {
        let center = CENTERS[n % 8].normalize();
        let radius = libm::exp10(-((n / 8 % 6) as f64)) * 0.9;
        let star = random.star(center, radius, 3 + 7 * n);
        let polygon = Polygon::new(core::slice::from_ref(&star)).unwrap();
        let mut backwards = star.clone();
        backwards.reverse();
        assert_eq!(Polygon::new(&[backwards]).unwrap().area(), polygon.area());
        let points: Vec<_> = (0..400)
            .map(|_| (center + random.direction() * radius).normalize())
            .collect();
        let mut batch = Vec::new();
        polygon.contains_points(&points, &mut batch);
        for (p, batched) in points.iter().zip(batch) {
            let want = contains_on_map(&star, center, *p);
            assert_eq!(
                polygon.contains_point(*p),
                want,
                "star {n} of seed {seed}: {p}"
            );
            assert_eq!(batched, want);
            let distance = polygon.signed_distance_rad(*p).unwrap();
            assert_eq!(distance <= 0.0, want);
            assert!(polygon.is_within(*p, distance.max(0.0) * (1.0 + 1e-9) + 1e-15));
            assert_eq!(polygon.is_within(*p, distance * (1.0 - 1e-6)), want);
            assert!(polygon.cap_bound().contains_point(*p) || !want);
            assert!(polygon.rect_bound().contains_point(*p) || !want);
            inside += usize::from(want);
        }
    }
    assert!(inside > 5_000, "{inside}");
}

/// Cells of a star are inside, outside or crossed as their points say.
#[test]
fn cells_lie_as_their_points_do() {
    let mut random = Random(77);
    let mut seen = [0; 3];
    for (n, center) in CENTERS.into_iter().enumerate() {
        let radius = 0.5 / (1 << (2 * n)) as f64;
        let polygon = Polygon::new(&[random.star(center.normalize(), radius, 40)]).unwrap();
        for _ in 0..300 {
            let p = (center.normalize() + random.direction() * radius).normalize();
            let level = (random.unit() * 30.0) as u8;
            let cell = Cell::new(CellId::from_direction(p).parent(level));
            let (contains, meets) = (polygon.contains_cell(&cell), polygon.may_intersect(&cell));
            seen[usize::from(contains) + usize::from(meets)] += 1;
            let corners = cell.vertices().into_iter().chain([cell.center(), p]);
            for q in corners {
                assert!(polygon.contains_point(q) || !contains, "{:?}", cell.id());
                assert!(!polygon.contains_point(q) || meets, "{:?}", cell.id());
            }
            let vertices = polygon.rings().flatten();
            let holds = vertices.filter(|v| cell.contains_point(**v)).count() > 0;
            assert!(!contains || !holds);
            assert!(meets || !holds);
        }
    }
    assert!(seen.iter().all(|count| *count > 50), "{seen:?}");
}

/// Of polygons that share their borders, exactly one contains each point, vertices and edges' middles included.
#[test]
fn a_tiling_contains_every_point_once() {
    // The faces of an octahedron, one of them cut in three.
    let mut faces = Vec::new();
    for n in 0..8u32 {
        let sign = |bit: u32| if n >> bit & 1 == 0 { 1.0 } else { -1.0 };
        faces.push([DVec3::X * sign(0), DVec3::Y * sign(1), DVec3::Z * sign(2)]);
    }
    let middle = DVec3::new(0.5, 0.6, 0.7).normalize();
    let [a, b, c] = faces.swap_remove(0);
    faces.extend([[a, b, middle], [b, c, middle], [c, a, middle]]);
    let polygons: Vec<_> = faces
        .iter()
        .map(|face| Polygon::new(&[face.to_vec()]).unwrap())
        .collect();
    let total: f64 = polygons.iter().map(Polygon::area).sum();
    assert!((total - 4.0 * PI).abs() < 1e-13, "{total}");
    let feature = |polygon: &Polygon| Feature {
        geometry: polygon.clone().into(),
        ..Feature::default()
    };
    let index = FeatureIndex::new(polygons.iter().map(feature).collect()).unwrap();
    let mut random = Random(5);
    let mut points: Vec<_> = (0..2_000).map(|_| random.direction()).collect();
    for face in &faces {
        points.extend(face);
        points.extend([
            face[0] + face[1],
            face[1] + face[2],
            face[0] * 3.0 + face[2],
        ]);
    }
    let mut found = Vec::new();
    for p in points {
        let owners: Vec<_> = (0..10).filter(|n| polygons[*n].contains_point(p)).collect();
        assert_eq!(owners.len(), 1, "{p}");
        index.containing(p, &mut found).unwrap();
        assert_eq!(found, [owners[0] as u32]);
    }
}

#[test]
fn holes_islands_and_touching_rings() {
    let square = |size: f64| ring(&[[-size, -size], [-size, size], [size, size], [size, -size]]);
    let atoll = Polygon::new(&[square(3.0), square(2.0), square(1.0)]).unwrap();
    let inside = [0.0, 1.5, 2.5, 3.5].map(|lon| atoll.contains_point(at(0.1, lon)));
    assert_eq!(inside, [true, false, true, false]);
    let of = |size: f64| Polygon::new(&[square(size)]).unwrap().area();
    assert!((atoll.area() - (of(3.0) - of(2.0) + of(1.0))).abs() < 1e-14);
    assert!(atoll.centroid().unwrap().distance(DVec3::X) < 1e-9);
    // A hole that touches the outer ring at a vertex, and one that shares an edge with its neighbour.
    let hole = ring(&[[-3.0, -3.0], [0.0, 1.0], [1.0, 0.0]]);
    let touching = Polygon::new(&[square(3.0), hole]).unwrap();
    assert!(!touching.contains_point(at(0.2, 0.2)) && touching.contains_point(at(2.0, 2.0)));
    let (west, east) = (
        ring(&[[0.0, -1.0], [0.0, 0.0], [1.0, 0.0]]),
        ring(&[[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]),
    );
    let both = Polygon::new(&[west, east]).unwrap();
    assert_eq!(
        [-0.1, 0.1, 1.1].map(|lon| both.contains_point(at(0.5, lon))),
        [true, true, false]
    );
}

#[test]
fn polygons_around_poles_and_beyond_a_hemisphere() {
    let parallel = |lat: f64| {
        (0..36)
            .map(|n| at(lat, f64::from(n) * 10.0 - 180.0))
            .collect::<Vec<_>>()
    };
    let arctic = Polygon::new(&[parallel(60.0)]).unwrap();
    assert!(arctic.contains_point(DVec3::Z) && !arctic.contains_point(-DVec3::Z));
    assert_eq!(arctic.rect_bound().lat_rad()[1], PI / 2.0);
    // Eastwards the left is north; directed, so is what is inside.
    let north_of = |lat: f64| Polygon::directed(&[parallel(lat)]).unwrap();
    for lat in [60.0, 1.0, -30.0, -60.0] {
        let polygon = north_of(lat);
        assert!(polygon.contains_point(DVec3::Z) && polygon.contains_point(at(lat + 5.0, 3.0)));
        assert!(!polygon.contains_point(at(lat - 5.0, 3.0)));
        let want = 2.0 * PI * (1.0 - libm::sin(lat.to_radians()));
        assert!(
            (polygon.area() / want - 1.0).abs() < 0.01,
            "{lat}: {} {want}",
            polygon.area()
        );
    }
    let mut westwards = parallel(-60.0);
    westwards.reverse();
    assert!(
        Polygon::directed(&[westwards])
            .unwrap()
            .contains_point(-DVec3::Z)
    );
    // Between two parallels: the hole runs clockwise.
    let mut southern = parallel(40.0);
    southern.reverse();
    let band = Polygon::directed(&[parallel(-40.0), southern]).unwrap();
    assert!(band.contains_point(at(0.0, 77.0)) && !band.contains_point(DVec3::Z));
    assert!(band.rect_bound().lng_rad() == LatLngRect::FULL.lng_rad());
    assert!(!band.contains_point(-DVec3::Z) && band.centroid().is_none());
    let full = Polygon::full();
    assert!(
        full.contains_point(DVec3::X) && full.cap_bound().is_full() && full.rect_bound().is_full()
    );
    assert!((full.area() - 4.0 * PI).abs() < 1e-15 && full.signed_distance_rad(DVec3::X).is_none());
    assert!(full.contains_cell(&Cell::new(CellId::from_face_ij(2, 0, 0, 0))));
}

#[test]
fn small_polygons_have_exact_areas_and_centroids() {
    // A square of 10 m at 50° N: planar to a hundredth of a millimetre.
    let radius = Planet::EARTH.radius_m();
    let place = |east: f64, north: f64| {
        let lat = 50.0 + (north / radius).to_degrees();
        at(
            lat,
            8.0 + (east / radius / libm::cos(lat.to_radians())).to_degrees(),
        )
    };
    let square = [
        place(0.0, 0.0),
        place(10.0, 0.0),
        place(10.0, 10.0),
        place(0.0, 10.0),
    ];
    let polygon = Polygon::new(&[square.to_vec()]).unwrap();
    let area = polygon.area() * radius * radius;
    assert!((area - 100.0).abs() < 1e-3, "{area}");
    let off = polygon.centroid().unwrap().distance(place(5.0, 5.0)) * radius;
    assert!(off < 1e-3, "{off}");
    let distance = polygon.signed_distance_rad(place(5.0, 3.0)).unwrap() * radius;
    assert!((distance + 3.0).abs() < 1e-3, "{distance}");
}

#[test]
fn rings_that_are_none_are_refused() {
    let bow_tie = ring(&[[0.0, 0.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]);
    let square = ring(&[[10.0, 10.0], [10.0, 12.0], [12.0, 12.0], [12.0, 10.0]]);
    let shifted = ring(&[[11.0, 11.0], [11.0, 13.0], [13.0, 13.0], [13.0, 11.0]]);
    let refused = |rings: &[Vec<DVec3>]| Polygon::new(rings).unwrap_err();
    assert!(matches!(
        refused(&[square.clone(), bow_tie.clone()]),
        PolygonError::SelfCrossing { ring: 1, .. }
    ));
    assert!(matches!(
        refused(&[square.clone(), shifted]),
        PolygonError::RingsCross { rings: [0, 1], .. }
    ));
    // Two loops through one vertex, one after the other and crossing there.
    let crossing_at_vertex = ring(&[
        [0.0, 0.0],
        [1.0, 1.0],
        [1.0, -1.0],
        [0.0, 0.0],
        [-1.0, 1.0],
        [-1.0, -1.0],
    ]);
    assert!(Polygon::new(&[crossing_at_vertex]).is_err());
    let touching_at_vertex = ring(&[
        [0.0, 0.0],
        [1.0, 1.0],
        [1.0, -1.0],
        [0.0, 0.0],
        [-1.0, -1.0],
        [-1.0, 1.0],
    ]);
    assert!(Polygon::new(&[touching_at_vertex]).is_ok());
    assert_eq!(refused(&[]), PolygonError::NoRings);
    let spike = ring(&[[0.0, 0.0], [1.0, 1.0], [2.0, 0.0], [1.0, 1.0], [0.0, 0.0]]);
    assert_eq!(
        refused(&[square.clone(), spike]),
        PolygonError::NoArea { ring: 1 }
    );
    assert_eq!(
        refused(&[vec![DVec3::X; 9]]),
        PolygonError::NoArea { ring: 0 }
    );
    let opposite = vec![DVec3::X, DVec3::Y, -DVec3::Y, DVec3::Z];
    assert_eq!(
        refused(&[opposite]),
        PolygonError::Opposite { ring: 0, vertex: 2 }
    );
    for bad in [DVec3::ZERO, DVec3::NAN, DVec3::INFINITY] {
        let mut broken = square.clone();
        broken[2] = bad;
        assert_eq!(
            refused(&[broken.clone()]),
            PolygonError::Direction { ring: 0, vertex: 2 }
        );
        assert_eq!(Polyline::new(&broken), Err(PolylineError::Direction(2)));
    }
    assert!(
        Polygon::even_odd(&[bow_tie])
            .unwrap()
            .contains_point(at(0.9, 0.5))
    );
}

#[test]
fn lines_that_are_none_are_refused() {
    assert_eq!(
        Polyline::new(&[DVec3::X, DVec3::X]),
        Err(PolylineError::TooFew)
    );
    assert_eq!(
        Polyline::new(&[DVec3::X, -DVec3::X]),
        Err(PolylineError::Opposite(1))
    );
    let quarter = Polyline::new(&[DVec3::X, at(0.0, 120.0)]).unwrap();
    assert!(
        (quarter.length_rad() - 120f64.to_radians()).abs() < 1e-15 && quarter.vertices().len() == 3
    );
}

#[test]
fn queries_refuse_what_has_no_direction() {
    let octant = Polygon::new(&[vec![DVec3::X, DVec3::Y, DVec3::Z]]).unwrap();
    let feature = Feature {
        geometry: octant.into(),
        ..Feature::default()
    };
    let index = FeatureIndex::new(vec![feature]).unwrap();
    for bad in [DVec3::ZERO, DVec3::NAN, DVec3::X * f64::INFINITY] {
        let at = |index| Err(NoDirection { index });
        let (mut each, mut all, mut near) = (vec![Some(9)], vec![9], Vec::new());
        assert_eq!(index.first_containing(bad), Err(NoDirection { index: 0 }));
        assert_eq!(
            index.first_containing_each(&[DVec3::X, bad, bad], &mut each),
            at(1)
        );
        assert_eq!(index.containing(bad, &mut all), at(0));
        assert_eq!(index.nearest(bad, 1, &mut near), at(0));
        assert_eq!(
            index.within(bad, 1.0, &mut near),
            Err(WithinError::Direction)
        );
        assert_eq!((each, all), (vec![Some(9)], vec![9]));
        assert!(!index.features()[0].geometry.polygons()[0].contains_point(bad));
    }
    let mut near = Vec::new();
    for bad in [-1e-300, f64::NAN] {
        assert!(matches!(
            index.within(DVec3::X, bad, &mut near),
            Err(WithinError::Distance(_))
        ));
    }
    index.within(-DVec3::ONE, 4.0, &mut near).unwrap();
    assert_eq!(near.len(), 1);
    // Any length has a direction.
    assert_eq!(index.first_containing(DVec3::ONE * 1e-300), Ok(Some(0)));
    assert_eq!(index.first_containing(DVec3::ONE * 1e300), Ok(Some(0)));
}
