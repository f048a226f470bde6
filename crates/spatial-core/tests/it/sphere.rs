//! Geometry on the sphere against formulas of another kind: half-angle haversines and Napier's rules.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use spatial_core::{DVec3, Direction, Ecef, Geodetic, GreatArc, GreatCircle, Planet, SphereError};

use crate::coords::points;
use crate::world::Random;

/// A point: a fifth awkward ones.
fn any(random: &mut Random) -> Direction {
    Direction::new(random.any_direction()).unwrap()
}

/// Another one: somewhere, very near, nearly opposite.
fn other(random: &mut Random, a: Direction) -> Direction {
    let near = random.direction() * random.log_uniform(1e-9, 1e-2);
    match random.below(4) {
        0 => Direction::new(a.to_vec() + near).unwrap(),
        1 => Direction::new(near - a.to_vec()).unwrap(),
        _ => any(random),
    }
}

/// Haversines of latitudes and longitudes; of the opposite point where those are inaccurate.
fn haversine(a: Direction, b: Direction) -> f64 {
    let half = |a: Direction, b: Direction| {
        let (p, q) = (a.geodetic(0.0).unwrap(), b.geodetic(0.0).unwrap());
        let sin_lat = libm::sin((p.lat_rad() - q.lat_rad()) / 2.0);
        let sin_lon = libm::sin((p.lon_rad() - q.lon_rad()) / 2.0);
        let cos = libm::cos(p.lat_rad()) * libm::cos(q.lat_rad());
        2.0 * libm::asin(
            (sin_lat * sin_lat + cos * sin_lon * sin_lon)
                .sqrt()
                .min(1.0),
        )
    };
    match a.to_vec().dot(b.to_vec()) < 0.0 {
        true => PI - half(a, b.antipode()),
        false => half(a, b),
    }
}

fn angle_apart(a: f64, b: f64) -> f64 {
    let apart = (a - b).abs() % TAU;
    apart.min(TAU - apart)
}

#[test]
fn distances_are_those_of_haversines() {
    let (seed, mut random) = (321, Random::new(321));
    for n in 0..points(20_000) {
        let a = any(&mut random);
        let b = other(&mut random, a);
        let (got, want) = (a.distance_rad(b), haversine(a, b));
        assert!(
            (got - want).abs() <= 3e-15,
            "seed {seed} step {n}: {got} {want}"
        );
        assert_eq!(got, b.distance_rad(a));
        assert!((a.distance_rad(b.antipode()) + got - PI).abs() < 1e-15);
    }
    let a = Direction::new(DVec3::new(1.0, 2.0, 3.0)).unwrap();
    assert_eq!((a.distance_rad(a), a.distance_rad(a.antipode())), (0.0, PI));
}

#[test]
fn destinations_lie_at_their_bearing_and_distance() {
    let (seed, mut random) = (322, Random::new(322));
    for n in 0..points(20_000) {
        let from = any(&mut random);
        let (bearing, distance) = (random.between(0.0, TAU), random.log_uniform(1e-6, 3.1));
        let to = from.destination(bearing, distance).unwrap();
        let note = format!("seed {seed} step {n}: {from:?} {bearing} {distance}");
        assert!((from.distance_rad(to) - distance).abs() < 2e-15, "{note}");
        let blur = 1e-15 / libm::sin(distance);
        assert!(
            angle_apart(from.bearing_rad(to), bearing) < blur + 2e-15,
            "{note}"
        );
        let there = from.final_bearing_rad(to);
        assert!(
            angle_apart(to.bearing_rad(from) + PI, there) < 1e-15,
            "{note}"
        );
        // The law of sines, with the pole as third corner: sin(bearing) cos(latitude) is constant along a great circle.
        let across = |p: Direction| p.to_vec().with_z(0.0).length();
        let kept = libm::sin(bearing) * across(from) - libm::sin(there) * across(to);
        assert!(kept.abs() < 2.0 * blur + 3e-15, "{note}: {kept}");
        // The latitude, by the cosine rule.
        let (s, c) = libm::sincos(distance);
        let z = from.to_vec().z * c + across(from) * s * libm::cos(bearing);
        assert!((to.to_vec().z - z).abs() < 1e-15, "{note}");
    }
}

#[test]
fn points_between_divide_the_way() {
    let (seed, mut random) = (323, Random::new(323));
    for n in 0..points(10_000) {
        let a = any(&mut random);
        let b = other(&mut random, a);
        let (whole, note) = (a.distance_rad(b), format!("seed {seed} step {n}"));
        let blur = 1e-15 + 1e-15 / (PI - whole).max(1e-12);
        let Ok(middle) = a.midpoint(b) else {
            assert!(whole > PI - 1e-14, "{note}"); // two of the special points may be opposite
            continue;
        };
        assert!(
            (middle.distance_rad(a) - whole / 2.0).abs() < blur,
            "{note}"
        );
        assert!(
            (middle.distance_rad(b) - whole / 2.0).abs() < blur,
            "{note}"
        );
        for fraction in [0.0, 0.25, 0.5, 1.0] {
            let p = a.interpolate(b, fraction).unwrap();
            assert!(
                (p.distance_rad(a) - fraction * whole).abs() < 2e-15,
                "{note}"
            );
            assert!(
                (p.distance_rad(b) - (1.0 - fraction) * whole).abs() < blur,
                "{note}"
            );
        }
        let beyond = a.interpolate(b, -0.5).unwrap();
        let want = (1.5 * whole).min(TAU - 1.5 * whole);
        assert!((beyond.distance_rad(b) - want).abs() < 2.0 * blur, "{note}");
    }
}

/// By Napier: sin(cross) = sin(distance) sin(angle), tan(along) = tan(distance) cos(angle).
#[test]
fn tracks_are_those_of_right_triangles() {
    let (seed, mut random) = (324, Random::new(324));
    for n in 0..points(10_000) {
        let (a, bearing) = (any(&mut random), random.between(0.0, TAU));
        let circle = GreatCircle::with_bearing(a, bearing).unwrap();
        let (angle, distance) = (random.between(-PI, PI), random.log_uniform(1e-6, 3.0));
        let p = a.destination(bearing + angle, distance).unwrap();
        let note = format!("seed {seed} step {n}: {angle} {distance}");
        let (sin, cos) = libm::sincos(angle);
        let cross = circle.cross_track_rad(p);
        assert!(
            (libm::sin(cross) - libm::sin(distance) * sin).abs() < 3e-15,
            "{note}"
        );
        let (s, c) = libm::sincos(distance);
        let along = circle.along_track_rad(p);
        let blur = 1e-14 / libm::cos(cross);
        assert!(angle_apart(along, libm::atan2(s * cos, c)) < blur, "{note}");
        let foot = circle.nearest(p);
        assert!((foot.distance_rad(p) - cross.abs()).abs() < 1e-14, "{note}");
        assert!(
            circle.cross_track_rad(foot).abs() < 1e-15 + 1e-15 / libm::cos(cross),
            "{note}"
        );
        assert!(
            angle_apart(circle.along_track_rad(foot), along) < blur,
            "{note}"
        );
    }
}

#[test]
fn an_arc_is_as_near_as_the_nearest_of_its_points() {
    let (seed, mut random) = (325, Random::new(325));
    for n in 0..points(2_000).min(50_000) {
        let (a, p) = (any(&mut random), any(&mut random));
        let b = other(&mut random, a);
        let Ok(arc) = GreatArc::new(a, b) else {
            assert!(a.distance_rad(b) > PI - 1e-14);
            continue;
        };
        let (got, nearest) = (arc.distance_rad(p), arc.nearest(p));
        let note = format!("seed {seed} step {n}: {a:?} {b:?} {p:?}");
        assert!((nearest.distance_rad(p) - got).abs() < 1e-14, "{note}");
        // By looking at points all along it, ever more narrowly around the best.
        let (mut lo, mut hi) = (0.0, 1.0);
        let mut best = f64::MAX;
        for _ in 0..30 {
            let at = |k: f64| lo + (hi - lo) * k / 8.0;
            let far = |k: u32| a.interpolate(b, at(f64::from(k))).unwrap().distance_rad(p);
            let k = (0..=8).min_by(|i, j| far(*i).total_cmp(&far(*j))).unwrap();
            best = best.min(far(k));
            (lo, hi) = (
                at(f64::from(k) - 1.0).max(0.0),
                at(f64::from(k) + 1.0).min(1.0),
            );
        }
        let blur = 1e-14 + 1e-15 / (PI - a.distance_rad(b)).max(1e-12);
        assert!((best - got).abs() < blur, "{note}: {got}, found {best}");
    }
}

#[test]
fn crossings_lie_on_both_arcs() {
    let (seed, mut random) = (326, Random::new(326));
    let mut crossed = 0;
    for n in 0..points(10_000) {
        let meet = any(&mut random);
        let [one, two] = [0; 2].map(|_| random.between(0.0, TAU));
        let arm = |random: &mut Random, bearing: f64, beyond: bool| {
            let far = random.log_uniform(1e-4, 1.5);
            meet.destination(bearing, if beyond { -far } else { far })
                .unwrap()
        };
        let a = GreatArc::new(arm(&mut random, one, false), arm(&mut random, one, true)).unwrap();
        let b = GreatArc::new(arm(&mut random, two, false), arm(&mut random, two, true)).unwrap();
        let sin = libm::sin(one - two).abs();
        if sin < 1e-3 || a.length_rad() > 3.0 || b.length_rad() > 3.0 {
            continue;
        }
        let note = format!("seed {seed} step {n}: {a:?} {b:?}");
        let got = a.intersection(&b).expect(&note);
        assert!(got.distance_rad(meet) < 1e-11 / sin, "{note}");
        assert!(
            a.distance_rad(got) < 1e-14 && b.distance_rad(got) < 1e-14 / sin,
            "{note}"
        );
        crossed += 1;
        // Without its far half it does not reach.
        let short = GreatArc::new(a.start(), a.start().interpolate(meet, 0.9).unwrap()).unwrap();
        assert_eq!(short.intersection(&b), None, "{note}");
        let [there, opposite] = a
            .circle()
            .unwrap()
            .intersections(&b.circle().unwrap())
            .unwrap();
        assert!(
            there.distance_rad(meet).min(opposite.distance_rad(meet)) < 1e-11 / sin,
            "{note}"
        );
    }
    assert!(crossed > points(10_000) / 3);
    let at = |lat, lon| Direction::from_degrees(lat, lon).unwrap();
    let (corner, a, b) = (at(10.0, 10.0), at(20.0, 10.0), at(10.0, 20.0));
    let [one, two] = [(corner, a), (b, corner)].map(|(p, q)| GreatArc::new(p, q).unwrap());
    assert_eq!(one.intersection(&two), Some(corner));
}

#[test]
fn poles_antipodes_and_nonsense_have_documented_answers() {
    let at = |lat, lon| Direction::from_degrees(lat, lon).unwrap();
    // A pole of a latitude and longitude looks north along its own meridian, one of a vector along meridian 0.
    let pole = at(90.0, 30.0);
    assert!(angle_apart(pole.bearing_rad(at(0.0, 30.0)), PI) < 1e-15);
    assert!(angle_apart(pole.bearing_rad(at(0.0, 120.0)), FRAC_PI_2) < 1e-15);
    let bare = Direction::new(DVec3::Z).unwrap();
    assert!(angle_apart(bare.bearing_rad(at(0.0, 90.0)), FRAC_PI_2) < 1e-15);
    let there = bare
        .destination(FRAC_PI_2, 1.0)
        .unwrap()
        .geodetic(0.0)
        .unwrap();
    assert!((there.lon_rad() - FRAC_PI_2).abs() < 1e-15);
    let south = Direction::new(-DVec3::Z).unwrap();
    assert!(angle_apart(south.bearing_rad(at(0.0, 90.0)), FRAC_PI_2) < 1e-15);

    let a = at(12.0, 34.0);
    assert_eq!((a.bearing_rad(a), a.final_bearing_rad(a)), (0.0, PI));
    assert!((0.0..TAU).contains(&a.bearing_rad(a.antipode())));
    assert_eq!(a.interpolate(a, 0.7), Ok(a));
    assert_eq!(a.midpoint(a.antipode()), Err(SphereError::Antipodal));
    assert_eq!(
        a.interpolate(a.antipode(), 0.5),
        Err(SphereError::Antipodal)
    );
    assert_eq!(GreatArc::new(a, a.antipode()), Err(SphereError::Antipodal));
    assert_eq!(GreatCircle::through(a, a), Err(SphereError::Coincident));
    assert_eq!(
        a.interpolate(at(1.0, 1.0), f64::INFINITY),
        Err(SphereError::NotFinite(f64::INFINITY))
    );
    assert!(matches!(
        a.destination(f64::NAN, 1.0),
        Err(SphereError::NotFinite(_))
    ));
    assert!(matches!(
        GreatCircle::with_bearing(a, f64::NAN),
        Err(SphereError::NotFinite(_))
    ));
    for bad in [
        DVec3::ZERO,
        DVec3::new(f64::NAN, 1.0, 1.0),
        DVec3::new(1.0, f64::NAN, 0.0),
        DVec3::splat(f64::INFINITY),
    ] {
        assert!(
            matches!(Direction::new(bad), Err(SphereError::NoDirection(_))),
            "{bad}"
        );
    }
    for size in [5e-324, 1e-300, 1e300, f64::MAX] {
        let unit = Direction::new(DVec3::splat(size)).unwrap().to_vec();
        assert!(
            (unit - DVec3::splat(1.0 / 3f64.sqrt())).length() < 2e-16,
            "{size}"
        );
    }
    let centre = Ecef::new(0.0, 0.0, 0.0).unwrap();
    assert!(Direction::try_from(centre).is_err());
}

#[test]
fn a_point_is_an_arc_and_circles_may_be_one() {
    let a = Direction::from_degrees(12.0, 34.0).unwrap();
    let b = Direction::from_degrees(-5.0, 100.0).unwrap();
    let point = GreatArc::new(a, a).unwrap();
    assert_eq!(
        (point.distance_rad(b), point.nearest(b)),
        (a.distance_rad(b), a)
    );
    assert_eq!(point.circle(), Err(SphereError::Coincident));
    let (one, back) = (
        GreatCircle::through(a, b).unwrap(),
        GreatCircle::through(b, a).unwrap(),
    );
    assert_eq!(one.intersections(&back), Err(SphereError::SameCircle));
    let top = Direction::new(one.normal()).unwrap();
    assert_eq!((one.along_track_rad(top), one.nearest(top)), (0.0, a));
    assert!((one.cross_track_rad(top) + FRAC_PI_2).abs() < 1e-15);
    assert!((one.cross_track_rad(top.antipode()) - FRAC_PI_2).abs() < 1e-15);
}

#[test]
fn a_planet_measures_in_metres() {
    let earth = Planet::EARTH;
    let at = |lat, lon, h| Geodetic::from_degrees(lat, lon, h).unwrap();
    let quarter = earth.surface_distance_m(at(0.0, 0.0, 5.0), at(90.0, 0.0, -7.0));
    assert!((quarter - earth.radius_m() * FRAC_PI_2).abs() < 1e-8);
    let there = earth
        .destination(at(0.0, 179.5, 8.0), FRAC_PI_2, earth.arc_m(PI / 180.0))
        .unwrap();
    assert!((there.lon_deg() + 179.5).abs() < 1e-12 && there.lat_deg().abs() < 1e-12);
    assert_eq!(there.height_m(), 8.0);
    assert!(earth.destination(there, 0.0, f64::NAN).is_err());
}

/// Places beyond the heights that a caller may ask for are places all the same: they come from planet-centred ones.
#[test]
fn far_out_and_deep_inside_one_goes_on_as_anywhere() {
    for (radius_m, from_centre_m) in [(6_371_008.8, 5e9), (6_371_008.8, 1e10), (1e8, 1.0)] {
        let planet = Planet::new(radius_m).unwrap();
        let far = planet.geodetic(spatial_core::Ecef::new(from_centre_m, 0.0, 0.0).unwrap());
        let to = planet
            .destination(far, 0.0, planet.arc_m(PI / 6.0))
            .unwrap();
        assert!((to.lat_deg() - 30.0).abs() < 1e-12 && to.lon_deg() == 0.0);
        assert_eq!(to.height_m(), far.height_m());
    }
}
