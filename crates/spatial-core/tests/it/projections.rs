//! Maps, WGS84 and geodesics against golden vectors of PROJ (`tests/data/projections.py` makes them).

use std::f64::consts::PI;

use spatial_core::{
    BatchError, Ecef, Ellipsoid, EllipsoidError, Equirectangular, Geodesics, Geodetic, Hemisphere,
    LambertAzimuthal, Mollweide, Orthographic, Planet, PolarStereographic, Projection,
    ProjectionError, Utm, WebMercator, Wgs84Ecef,
};

use crate::coords::points;
use crate::world::Random;

const GOLDEN: &str = include_str!("../data/projections.csv");
const EARTH: Planet = Planet::EARTH;

/// The numbers of the lines of a name.
fn golden(wanted: impl Fn(&str) -> bool) -> Vec<(&'static str, Vec<f64>)> {
    let lines = GOLDEN.lines().map(|line| line.split_once(',').unwrap());
    let lines = lines.filter(|(name, _)| wanted(name));
    lines
        .map(|(name, rest)| (name, rest.split(',').map(|n| n.parse().unwrap()).collect()))
        .collect()
}

/// The maps of the golden vectors.
fn map(name: &str) -> Box<dyn Projection> {
    use Hemisphere::{North, South};
    let wgs84 = Ellipsoid::WGS84;
    let true_scale =
        |side, lon, lat| PolarStereographic::with_true_scale(wgs84, side, lon, lat).unwrap();
    let equal_area = |lat, lon| LambertAzimuthal::new(wgs84, lat, lon).unwrap();
    match name {
        "equirectangular" => Box::new(Equirectangular::new(EARTH, 10.0, 30.0).unwrap()),
        "web_mercator" => Box::new(WebMercator),
        "arctic" => Box::new(true_scale(North, -45.0, 70.0)),
        "antarctic" => Box::new(true_scale(South, 0.0, -71.0)),
        "arctic_71" => Box::new(true_scale(North, 0.0, 71.0)),
        "ups_north" => Box::new(PolarStereographic::ups(North)),
        "ups_south" => Box::new(PolarStereographic::ups(South)),
        "europe" => Box::new(LambertAzimuthal::europe()),
        "laea_north" => Box::new(equal_area(90.0, -20.0)),
        "laea_south" => Box::new(equal_area(-90.0, 170.0)),
        "laea_equator" => Box::new(equal_area(0.0, 179.0)),
        "mollweide" => Box::new(Mollweide::new(EARTH, -150.0).unwrap()),
        "orthographic" => Box::new(Orthographic::new(wgs84, 40.0, -100.0).unwrap()),
        "ortho_south" => Box::new(Orthographic::new(wgs84, -90.0, 30.0).unwrap()),
        "ortho_sphere" => {
            Box::new(Orthographic::new(Ellipsoid::sphere(EARTH), 0.0, 180.0).unwrap())
        }
        _ => {
            let zone = name[3..name.len() - 1].parse().unwrap();
            let side = if name.ends_with('s') { South } else { North };
            Box::new(Utm::new(zone, side).unwrap())
        }
    }
}

/// Metres between places on the ground, well enough for millimetres.
fn ground_m((lat, lon): (f64, f64), (lat_2, lon_2): (f64, f64)) -> f64 {
    let place = |lat, lon| EARTH.ecef(Geodetic::from_degrees(lat, lon, 0.0).unwrap());
    place(lat, lon).distance_m(place(lat_2, lon_2))
}

#[test]
fn maps_are_those_of_proj_to_a_millimetre() {
    let (mut count, mut worst, mut worst_back) = (0, 0.0f64, 0.0f64);
    for (name, n) in golden(|name| name != "wgs84" && name != "geodesic") {
        let ([lat, lon, x, y], map) = ([n[0], n[1], n[2], n[3]], map(name));
        let (got_x, got_y) = map
            .forward(lat, lon)
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        let off = libm::hypot(got_x - x, got_y - y);
        assert!(
            off < 1e-3,
            "{name} at {lat} {lon}: {got_x} {got_y}, not {x} {y}"
        );
        let back = map
            .inverse(x, y)
            .unwrap_or_else(|e| panic!("{name} at {lat} {lon}: {e}"));
        let off_back = ground_m(back, (lat, lon));
        assert!(
            off_back < 1e-3,
            "{name}: {back:?}, not {lat} {lon}, {off_back} m"
        );
        (count, worst, worst_back) = (count + 1, worst.max(off), worst_back.max(off_back));
    }
    assert_eq!(count, 2_950);
    assert!(worst > 0.0 && worst_back > 0.0, "{worst} {worst_back}");
}

/// Places all over each map's valid area come back to 10 nm, or 10 µm where the map has a rim.
#[test]
fn maps_go_there_and_back() {
    let (seed, mut random) = (331, Random::new(331));
    let names = [
        "equirectangular",
        "web_mercator",
        "arctic",
        "antarctic",
        "arctic_71",
        "ups_north",
        "ups_south",
        "europe",
        "laea_north",
        "laea_south",
        "laea_equator",
        "mollweide",
        "orthographic",
        "ortho_south",
        "ortho_sphere",
        "utm1n",
        "utm31s",
        "utm60n",
    ];
    for name in names {
        let (map, mut inside, mut worst) = (map(name), 0, 0.0f64);
        let is_at_rim = ["europe", "laea", "moll", "ortho"]
            .iter()
            .any(|n| name.starts_with(n));
        let limit = if is_at_rim { 1e-5 } else { 1e-8 };
        for _ in 0..points(20_000) / 10 {
            let at = EARTH.geodetic({
                let p = random.any_direction() * EARTH.radius_m();
                Ecef::new(p.x, p.y, p.z).unwrap()
            });
            let place = (at.lat_deg(), at.lon_deg());
            let Ok((x, y)) = map.forward(place.0, place.1) else {
                continue;
            };
            let back = map.inverse(x, y);
            let back = back.unwrap_or_else(|e| panic!("{name} seed {seed} at {place:?}: {e}"));
            let off = ground_m(back, place);
            assert!(off < limit, "{name} seed {seed} at {place:?}: {off} m");
            (inside, worst) = (inside + 1, worst.max(off));
        }
        assert!(inside > points(20_000) / 200, "{name}: {inside} places");
        assert!(worst > 0.0, "{name}");
    }
}

#[test]
fn zones_follow_norway_and_svalbard() {
    for (lat, lon, zone, side) in [
        (0.0, -180.0, 1, Hemisphere::North),
        (-0.1, 179.9, 60, Hemisphere::South),
        (10.0, 180.0, 1, Hemisphere::North),
        (10.0, 540.0, 1, Hemisphere::North),
        (51.5, -0.1, 30, Hemisphere::North),
        (51.5, 0.0, 31, Hemisphere::North),
        (60.4, 5.3, 32, Hemisphere::North), // Bergen
        (60.0, 2.999, 31, Hemisphere::North),
        (55.999, 5.3, 31, Hemisphere::North),
        (64.0, 5.3, 31, Hemisphere::North),
        (78.2, 15.6, 33, Hemisphere::North), // Longyearbyen
        (78.2, 8.9, 31, Hemisphere::North),
        (78.2, 9.0, 33, Hemisphere::North),
        (78.2, 20.999, 33, Hemisphere::North),
        (78.2, 21.0, 35, Hemisphere::North),
        (84.0, 33.0, 37, Hemisphere::North),
        (78.2, 42.0, 38, Hemisphere::North),
        (71.999, 8.0, 32, Hemisphere::North),
        (78.2, -0.001, 30, Hemisphere::North),
        (-33.9, 151.2, 56, Hemisphere::South),
    ] {
        let utm = Utm::of(lat, lon).unwrap();
        assert_eq!((utm.zone(), utm.hemisphere()), (zone, side), "{lat} {lon}");
        assert_eq!(Utm::new(zone, side), Ok(utm));
    }
    assert!(matches!(
        Utm::of(84.1, 0.0),
        Err(ProjectionError::Place { .. })
    ));
    assert!(matches!(
        Utm::of(-80.1, 0.0),
        Err(ProjectionError::Place { .. })
    ));
    assert!(matches!(
        Utm::of(f64::NAN, 0.0),
        Err(ProjectionError::Coord(_))
    ));
}

#[test]
fn outside_the_valid_area_is_an_error_and_batches_name_it() {
    for (name, lat, lon, x, y) in [
        ("web_mercator", 85.07, 0.0, 20_037_508.5, 0.0),
        ("utm31n", 84.01, 3.0, 500_000.0, 9_350_000.0),
        ("utm31n", 0.0, 33.1, 4_200_000.0, 0.0),
        ("utm31n", -80.01, 3.0, f64::NAN, 0.0),
        ("arctic", -0.001, 10.0, 1.3e7, 1.3e7),
        ("ups_south", 0.001, 10.0, 0.0, f64::INFINITY),
        ("europe", -52.5, -170.0, 1.8e7, 0.0),
        ("orthographic", -40.0, 80.0, 6_378_000.0, 1e6),
        ("orthographic", -50.0, -100.1, f64::NAN, 0.0),
    ] {
        let map = map(name);
        let place = map.forward(lat, lon);
        assert_eq!(
            place,
            Err(ProjectionError::Place {
                lat_deg: lat,
                lon_deg: lon
            }),
            "{name}"
        );
        assert!(
            matches!(map.inverse(x, y), Err(ProjectionError::Point { .. })),
            "{name} {x} {y}"
        );
    }
    for (name, x, y) in [
        ("mollweide", 1.803e7, 10.0),
        ("mollweide", 0.0, 9.02e6),
        ("equirectangular", 0.0, 1.1e7),
    ] {
        assert!(
            matches!(map(name).inverse(x, y), Err(ProjectionError::Point { .. })),
            "{name}"
        );
    }
}

#[test]
fn nonsense_is_refused_by_every_map() {
    for name in [
        "equirectangular",
        "web_mercator",
        "utm3s",
        "arctic",
        "europe",
        "mollweide",
        "orthographic",
    ] {
        let map = map(name);
        for (lat, lon) in [(90.1, 0.0), (0.0, 541.0), (f64::NAN, 0.0), (0.0, f64::NAN)] {
            assert!(
                matches!(map.forward(lat, lon), Err(ProjectionError::Coord(_))),
                "{name}"
            );
        }
        for (x, y) in [
            (f64::NAN, 0.0),
            (0.0, f64::NAN),
            (f64::INFINITY, 0.0),
            (0.0, -1e300),
        ] {
            assert!(
                matches!(map.inverse(x, y), Err(ProjectionError::Point { .. })),
                "{name}"
            );
        }
    }
}

#[test]
fn batches_name_the_first_offender_and_keep_what_was_there() {
    let mut out = vec![(1.0, 2.0)];
    let error = ProjectionError::Place {
        lat_deg: 86.0,
        lon_deg: 4.0,
    };
    let refused = WebMercator.forward_batch(&[(3.0, 4.0), (86.0, 4.0), (f64::NAN, 0.0)], &mut out);
    assert_eq!(
        (refused, out.len()),
        (Err(BatchError { index: 1, error }), 1)
    );
    let error = ProjectionError::Point { x_m: 0.0, y_m: 3e7 };
    let refused = WebMercator.inverse_batch(&[(3.0, 4.0), (3.0, 4.0), (0.0, 3e7)], &mut out);
    assert_eq!(
        (refused, out.len()),
        (Err(BatchError { index: 2, error }), 1)
    );
    WebMercator
        .forward_batch(&[(3.0, 4.0), (5.0, 6.0)], &mut out)
        .unwrap();
    let two = [
        WebMercator.forward(3.0, 4.0).unwrap(),
        WebMercator.forward(5.0, 6.0).unwrap(),
    ];
    assert_eq!(out, [(1.0, 2.0), two[0], two[1]]);
}

#[test]
fn numbers_that_make_no_map_are_refused() {
    let parameter = |error| matches!(error, ProjectionError::Parameter { .. });
    assert!(parameter(Utm::new(0, Hemisphere::North).unwrap_err()));
    assert!(parameter(Utm::new(61, Hemisphere::North).unwrap_err()));
    assert!(parameter(
        Equirectangular::new(EARTH, 0.0, 90.0).unwrap_err()
    ));
    let polar =
        |lat| PolarStereographic::with_true_scale(Ellipsoid::WGS84, Hemisphere::North, 0.0, lat);
    assert!(parameter(polar(-1.0).unwrap_err()));
    assert!(polar(f64::NAN).is_err());
    let scaled = |k| PolarStereographic::with_scale(Ellipsoid::WGS84, Hemisphere::North, 0.0, k);
    assert!(parameter(scaled(f64::NAN).unwrap_err()) && parameter(scaled(0.0).unwrap_err()));
    assert!(parameter(
        polar(70.0).unwrap().with_offset(f64::NAN, 0.0).unwrap_err()
    ));
    assert!(LambertAzimuthal::new(Ellipsoid::WGS84, 91.0, 0.0).is_err());
    assert!(Orthographic::new(Ellipsoid::WGS84, 0.0, f64::INFINITY).is_err());
    assert!(Mollweide::new(EARTH, f64::NAN).is_err());
    assert_eq!(Ellipsoid::new(0.0, 0.0), Err(EllipsoidError::Radius(0.0)));
    assert_eq!(
        Ellipsoid::new(6e6, 0.02),
        Err(EllipsoidError::Flattening(0.02))
    );
    assert!(Ellipsoid::new(6e6, f64::NAN).is_err());
    // True scale at the pole is scale 1 there.
    assert_eq!(polar(90.0), scaled(1.0));
}

#[test]
fn wgs84_is_that_of_proj_and_back_within_4_nm() {
    let lines = golden(|name| name == "wgs84");
    assert_eq!(lines.len(), 300);
    for (_, n) in lines {
        let at = Geodetic::from_degrees(n[0], n[1], n[2]).unwrap();
        let got = Wgs84Ecef::from_geodetic(at).to_array();
        for axis in 0..3 {
            assert!((got[axis] - n[3 + axis]).abs() < 1.1e-7, "{at:?}: {got:?}");
        }
        let back = Wgs84Ecef::new(n[3], n[4], n[5]).unwrap().to_geodetic();
        assert!(
            ground_m((back.lat_deg(), back.lon_deg()), (n[0], n[1])) < 1e-6,
            "{at:?}: {back:?}"
        );
        assert!((back.height_m() - n[2]).abs() < 2e-7, "{at:?}: {back:?}");
    }
    let (seed, mut random, mut worst) = (332, Random::new(332), 0.0f64);
    for n in 0..points(100_000) {
        let direction = EARTH.geodetic({
            let p = random.any_direction();
            Ecef::new(p.x, p.y, p.z).unwrap()
        });
        let height =
            [-12_000.0, 100_000.0, random.between(-12_000.0, 100_000.0)][random.below(3) as usize];
        let at = Geodetic::from_radians(direction.lat_rad(), direction.lon_rad(), height).unwrap();
        let place = Wgs84Ecef::from_geodetic(at).to_array();
        let again = Wgs84Ecef::new(place[0], place[1], place[2])
            .unwrap()
            .to_geodetic();
        let again = Wgs84Ecef::from_geodetic(again).to_array();
        for axis in 0..3 {
            let off = (again[axis] - place[axis]).abs();
            assert!(off <= 4e-9, "seed {seed} point {n}: {off} m at {at:?}");
            worst = worst.max(off);
        }
    }
    assert!(worst > 0.5e-9, "{worst}");
}

/// From the centre, through the evolute, far out: back to the same point, and no height that another latitude would undercut.
#[test]
fn wgs84_is_good_everywhere() {
    let (seed, mut random) = (333, Random::new(333));
    let check = |p: [f64; 3], note: &str| {
        let at = Wgs84Ecef::new(p[0], p[1], p[2]).unwrap().to_geodetic();
        let back = Wgs84Ecef::from_geodetic(at).to_array();
        let size = 6.4e6 + p.iter().map(|v| v.abs()).sum::<f64>();
        for axis in 0..3 {
            assert!(
                (back[axis] - p[axis]).abs() < 2e-15 * size,
                "{note}: {p:?} {at:?} {back:?}"
            );
        }
        at
    };
    for n in 0..points(20_000) {
        let p = random.any_direction() * random.log_uniform(1e-3, 1e9);
        let at = check(p.to_array(), &format!("seed {seed} point {n}"));
        assert!(at.lat_rad() * p.z >= 0.0);
        if n % 16 == 0 {
            let apart = |lat: f64| {
                let foot = Geodetic::from_radians(lat, at.lon_rad(), 0.0).unwrap();
                let foot = Wgs84Ecef::from_geodetic(foot).to_array();
                let d = [0, 1, 2].map(|k: usize| foot[k] - p.to_array()[k]);
                d.iter().map(|v| v * v).sum::<f64>().sqrt()
            };
            let nearest = at.height_m().abs();
            for k in -60..=60 {
                let other = apart(f64::from(k) / 60.0 * PI / 2.0);
                assert!(other > nearest - 1e-6, "seed {seed} point {n}: {p} {at:?}");
            }
        }
    }
    let centre = check([0.0; 3], "centre");
    assert_eq!((centre.lat_rad(), centre.lon_rad()), (PI / 2.0, 0.0));
    for x in [1.0, 1_000.0, 42_697.0, 42_698.0, 43_000.0, 6e6] {
        check([x, 0.0, 0.0], "disc");
        check([0.0, -x, 1e-9], "above the disc");
        check([0.0, 0.0, x], "axis");
        check([0.0, 0.0, -x], "axis");
    }
    for limit in [1e10, -1e10] {
        assert!(
            Wgs84Ecef::new(limit, limit, limit)
                .unwrap()
                .to_geodetic()
                .height_m()
                > 1.7e10 - 7e6
        );
    }
}

#[test]
fn the_way_to_the_sphere_keeps_latitudes_and_heights() {
    let at = Geodetic::from_degrees(45.0, 7.0, 1_000.0).unwrap();
    let place = Wgs84Ecef::from_geodetic(at).to_planet(EARTH);
    assert!(place.distance_m(EARTH.ecef(at)) < 1e-8);
    let back = Wgs84Ecef::from_planet(EARTH, place).to_array();
    for (a, b) in back.iter().zip(Wgs84Ecef::from_geodetic(at).to_array()) {
        assert!((a - b).abs() < 1e-8);
    }
}

#[test]
fn geodesics_are_those_of_geographiclib() {
    let (solver, lines) = (Geodesics::wgs84(), golden(|name| name == "geodesic"));
    assert_eq!(lines.len(), 181);
    for (_, n) in lines {
        let at = |lat, lon| Geodetic::from_degrees(lat, lon, 50.0).unwrap();
        let (from, to) = (at(n[0], n[1]), at(n[2], n[3]));
        let got = solver.inverse(from, to);
        assert!((got.distance_m - n[4]).abs() < 2e-7, "{n:?} {got:?}");
        let (there, bearing) = solver.direct(from, n[5], n[4]).unwrap();
        assert!(
            ground_m((there.lat_deg(), there.lon_deg()), (n[2], n[3])) < 2e-6,
            "{n:?} {there:?}"
        );
        assert_eq!(there.height_m(), 50.0);
        let apart = (bearing - n[6]).abs() % 360.0;
        let blur = 1e-7 / libm::cos(to.lat_rad()).max(1e-30); // bearings turn with the meridians
        assert!(apart.min(360.0 - apart) < blur, "{n:?} {bearing}");
        // The way that the answer names leads there as well.
        let (there, _) = solver
            .direct(from, got.bearing_deg, got.distance_m)
            .unwrap();
        assert!(
            ground_m((there.lat_deg(), there.lon_deg()), (n[2], n[3])) < 2e-6,
            "{n:?} {got:?}"
        );
    }
    for (lat, bearing) in [(-50.0, 0.0), (0.0, 180.0), (50.0, 180.0)] {
        let at = Geodetic::from_degrees(lat, 20.0, 0.0).unwrap();
        let nowhere = solver.inverse(at, at);
        let bearings = (nowhere.bearing_deg, nowhere.final_bearing_deg);
        assert_eq!((nowhere.distance_m, bearings), (0.0, (bearing, bearing)));
    }
    let home = Geodetic::from_degrees(0.0, 0.0, 0.0).unwrap();
    assert!(solver.direct(home, f64::NAN, 1.0).is_err());
    assert!(solver.direct(home, 0.0, 5e8).is_err());
    let quarter = solver.inverse(home, Geodetic::from_degrees(90.0, 0.0, 0.0).unwrap());
    assert!((quarter.distance_m - 10_001_965.729_3).abs() < 1e-4);
}
