//! Normals, water, profiles and viewsheds.

use std::sync::Arc;

use spatial_core::{
    Biome, DVec3, Direction, Geodetic, LatticeSpec, Planet, ProfileError, RayError, Seen,
    SphereError, StoreError, Terrain, ViewshedError, ViewshedOptions, face_st, uv_to_st,
};

use super::scene::{above_ground, earth, ecef, rough, rough_store, without};
use crate::allocations;
use crate::golden::Draws;

const SEED: u64 = 31_337;

/// How far a direction is from the lines of the lattice, in intervals.
fn off_lines(terrain: &Terrain, direction: DVec3) -> f64 {
    let n = f64::from(terrain.store().manifest().lattice().face_intervals());
    let (_, s, t) = face_st(direction);
    let off = |s: f64| (s * n - (s * n).round()).abs();
    off(s).min(off(t))
}

#[test]
fn normals_are_those_of_finite_differences() {
    let lattice = LatticeSpec::new(3, 16, 5.0, 0.5).unwrap();
    let rough = rough(Planet::new(100_000.0).unwrap(), lattice, 3_000.0);
    for (terrain, count) in [(rough, 2_000), (earth(), 500)] {
        let radius_m = terrain.planet().radius_m();
        let mut compared = 0;
        for n in 0..count {
            let mut draws = Draws(SEED + n);
            let here = draws.place().normalize();
            let place = ecef(here * radius_m);
            let ground = terrain.ground(place).unwrap();
            assert_eq!(
                ground.height_m.to_bits(),
                terrain.height(place).unwrap().to_bits()
            );
            assert_eq!(ground.water_depth_m, (-ground.height_m).max(0.0));
            assert_eq!(ground.biome, Biome::at(here.z, ground.height_m));
            assert!((ground.normal.length() - 1.0).abs() < 1e-12 && ground.normal.dot(here) > 0.0);
            // Away from creases, so that both ends of a difference lie in one cell.
            if off_lines(&terrain, here) < 1e-3 {
                continue;
            }
            compared += 1;
            let (a, b) = here.any_orthonormal_pair();
            let surface = |d: DVec3| above_ground(&terrain, d.normalize(), 0.0).to_vec();
            let step = 1e-4 / f64::from(terrain.store().manifest().lattice().face_intervals());
            for along in [a, b] {
                let tangent = surface(here + along * step) - surface(here - along * step);
                let sine = ground.normal.dot(tangent.normalize());
                assert!(sine.abs() < 1e-4, "seed {}: {sine}", SEED + n);
            }
        }
        assert!(compared > count / 2);
    }
}

#[test]
fn many_grounds_are_each_as_one_and_allocate_nothing() {
    let lattice = LatticeSpec::new(3, 16, 5.0, 0.5).unwrap();
    let store = rough_store(Planet::EARTH, lattice, 3_000.0);
    let gone = lattice.tile_at(DVec3::new(0.1, 0.2, 1.0));
    let terrain = Terrain::new(Arc::new(without(&store, gone)));
    let mut draws = Draws(SEED);
    let mut places: Vec<_> = (0..700).map(|_| ecef(draws.place() * 5e6)).collect();
    places.retain(|place| lattice.tile_at(place.to_vec()) != gone);
    let mut grounds = vec![terrain.ground(places[0]).unwrap(); places.len()];
    let (allocated, _) = allocations::count(|| terrain.grounds(&places, &mut grounds).unwrap());
    assert_eq!(allocated, 0);
    for (place, ground) in places.iter().zip(&grounds) {
        assert_eq!(*ground, terrain.ground(*place).unwrap());
    }
    places[77] = ecef(DVec3::new(0.1, 0.2, 1.0));
    let error = terrain.grounds(&places, &mut grounds).unwrap_err();
    assert_eq!(error.index, 77);
    assert!(matches!(error.error, StoreError::Missing { cell } if cell == gone));
}

/// The centre of the planet counts as latitude and longitude 0.
#[test]
fn the_centre_has_ground_above_it() {
    let earth = earth();
    let zero = Geodetic::from_degrees(0.0, 0.0, 0.0).unwrap();
    let centre = earth.ground(ecef(DVec3::ZERO)).unwrap();
    assert_eq!(centre, earth.ground(zero).unwrap());
    assert_eq!(uv_to_st(0.0), 0.5);
}

#[test]
fn profiles_are_heights_along_great_circles() {
    let earth = earth();
    let at = |lat, lon| Direction::from_degrees(lat, lon).unwrap();
    let through = [
        at(46.0, 6.0),
        at(80.0, 179.0),
        at(80.0, 179.0),
        at(-89.0, -90.0),
    ];
    let mut profile = Vec::new();
    earth.profile(&through, 20_000.0, &mut profile).unwrap();
    let planet = earth.planet();
    let legs = through
        .windows(2)
        .map(|pair| planet.arc_m(pair[0].distance_rad(pair[1])));
    let whole_m: f64 = legs.sum();
    assert!((profile.last().unwrap().along_m - whole_m).abs() < 1e-6);
    for pair in profile.windows(2) {
        let step_m = pair[1].along_m - pair[0].along_m;
        let ends = [pair[0], pair[1]].map(|point| Direction::try_from(point.place).unwrap());
        assert!((planet.arc_m(ends[0].distance_rad(ends[1])) - step_m).abs() < 1e-3);
        assert!((0.0..20_000.001).contains(&step_m));
    }
    for point in &profile {
        let height_m = earth.height(point.place).unwrap();
        assert!((height_m - point.height_m).abs() < 1e-6);
        let up_m = point.place.to_vec().length() - planet.radius_m();
        assert!((up_m - point.height_m).abs() < 1e-6);
    }
    for given in through {
        let is_given = |p: &spatial_core::ProfilePoint| {
            Direction::try_from(p.place).unwrap().distance_rad(given) < 1e-12
        };
        assert!(profile.iter().any(is_given));
    }
    let (allocated, _) =
        allocations::count(|| earth.profile(&through, 20_000.0, &mut profile).unwrap());
    assert_eq!(allocated, 0);
}

#[test]
fn profiles_refuse_nonsense() {
    let earth = earth();
    let at = |lat, lon| Direction::from_degrees(lat, lon).unwrap();
    let mut profile = Vec::new();
    let mut refused = |through: &[Direction], step_m| {
        let error = earth.profile(through, step_m, &mut profile).unwrap_err();
        assert!(profile.is_empty());
        error
    };
    let (a, b) = (at(1.0, 2.0), at(3.0, 4.0));
    for step_m in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(refused(&[a, b], step_m), ProfileError::Step(_)));
    }
    assert!(matches!(refused(&[a, b], 1e-3), ProfileError::TooLong(_)));
    let opposite = refused(&[a, b, b.antipode()], 1e5);
    assert!(matches!(
        opposite,
        ProfileError::Path {
            index: 1,
            error: SphereError::Antipodal
        }
    ));
    earth.profile(&[], 5.0, &mut profile).unwrap();
    assert!(profile.is_empty());
    earth.profile(&[a], 5.0, &mut profile).unwrap();
    assert_eq!(profile.len(), 1);
    let lattice = LatticeSpec::new(2, 8, 0.0, 1.0).unwrap();
    let store = rough_store(Planet::EARTH, lattice, 100.0);
    let gone = lattice.tile_at(at(20.0, 30.0).to_vec());
    let terrain = Terrain::new(Arc::new(without(&store, gone)));
    let error = terrain
        .profile(&[at(20.0, -60.0), at(20.0, 30.0)], 1e4, &mut profile)
        .unwrap_err();
    assert!(matches!(
        error,
        ProfileError::Store { index: 1.., error: StoreError::Missing { cell } } if cell == gone
    ));
    assert!(profile.is_empty());
}

fn options(radius_m: f64) -> ViewshedOptions {
    ViewshedOptions {
        radius_m,
        side: 41,
        eye_m: 30.0,
        target_m: 2.0,
        refraction: 0.13,
    }
}

#[test]
fn viewsheds_are_sight_to_every_cell() {
    let earth = earth();
    let (mut visible, mut hidden) = (0, 0);
    for n in 0..12 {
        let here = Direction::new(Draws(SEED + n).place()).unwrap();
        let options = options([40_000.0, 300_000.0][n as usize % 2]);
        let viewshed = earth
            .viewshed(here.geodetic(0.0).unwrap(), &options)
            .unwrap();
        assert_eq!((viewshed.side(), viewshed.seen().len()), (41, 41 * 41));
        let here = Direction::from(here.geodetic(0.0).unwrap());
        let eye = above_ground(&earth, here.to_vec(), options.eye_m);
        for (k, seen) in viewshed.seen().iter().enumerate() {
            let (x, y) = ((k % 41) as f64 - 20.0, 20.0 - (k / 41) as f64);
            let distance_m = (x * x + y * y).sqrt() * viewshed.step_m();
            if distance_m > options.radius_m {
                assert_eq!(*seen, Seen::Outside);
                continue;
            }
            // At a pole the grid counts bearings from longitude 0, as the point does not remember one.
            let bearing = libm::atan2(x, y);
            let there = here
                .destination(bearing, earth.planet().arc_rad(distance_m))
                .unwrap();
            let target = above_ground(&earth, there.to_vec(), options.target_m);
            let is_clear = earth.sight(eye, target, 0.13).unwrap().is_clear();
            visible += usize::from(*seen == Seen::Visible);
            hidden += usize::from(*seen == Seen::Hidden);
            let is_same = (*seen == Seen::Visible) == is_clear;
            // Rounding may turn a cell whose way is a hair's breadth from the ground.
            let nearly = |above_m: f64| {
                let target = above_ground(&earth, there.to_vec(), options.target_m + above_m);
                earth.sight(eye, target, 0.13).unwrap().is_clear()
            };
            assert!(
                is_same || nearly(1e-3) != nearly(-1e-3),
                "seed {}: {k}",
                SEED + n
            );
        }
    }
    assert!(visible > 300 && hidden > 300, "{visible} {hidden}");
}

#[test]
fn a_level_planet_is_seen_to_its_horizon() {
    let lattice = LatticeSpec::new(2, 128, 0.0, 1.0).unwrap();
    let terrain = rough(Planet::EARTH, lattice, 0.0);
    let mut options = options(100_000.0);
    (options.eye_m, options.target_m, options.refraction) = (100.0, 0.5, 0.0);
    let place = Geodetic::from_degrees(90.0, 0.0, 0.0).unwrap();
    let viewshed = terrain.viewshed(place, &options).unwrap();
    let radius_m = terrain.planet().radius_m();
    let horizon_m =
        (2.0 * radius_m * options.eye_m).sqrt() + (2.0 * radius_m * options.target_m).sqrt();
    for (k, seen) in viewshed.seen().iter().enumerate() {
        let (x, y) = ((k % 41) as f64 - 20.0, 20.0 - (k / 41) as f64);
        let distance_m = (x * x + y * y).sqrt() * viewshed.step_m();
        if distance_m < 100_000.0 && (distance_m - horizon_m).abs() > 100.0 {
            assert_eq!(
                *seen == Seen::Visible,
                distance_m < horizon_m,
                "{distance_m}"
            );
        }
    }
}

#[test]
fn viewsheds_refuse_nonsense() {
    let earth = earth();
    let place = Geodetic::from_degrees(46.0, 7.0, 0.0).unwrap();
    let refused = |change: fn(&mut ViewshedOptions)| {
        let mut options = options(1_000.0);
        change(&mut options);
        earth.viewshed(place, &options).unwrap_err()
    };
    for change in [
        (|o| o.radius_m = 0.0) as fn(&mut ViewshedOptions),
        |o| o.radius_m = f64::NAN,
        |o| o.radius_m = 3e7,
    ] {
        assert!(matches!(refused(change), ViewshedError::Radius(_)));
    }
    assert!(matches!(refused(|o| o.side = 0), ViewshedError::Side(0)));
    assert!(matches!(
        refused(|o| o.side = 8_193),
        ViewshedError::Side(_)
    ));
    assert!(matches!(
        refused(|o| o.eye_m = 0.0),
        ViewshedError::Height(_)
    ));
    assert!(matches!(
        refused(|o| o.target_m = f64::NAN),
        ViewshedError::Height(_)
    ));
    let refraction = refused(|o| o.refraction = -1.0);
    assert!(matches!(
        refraction,
        ViewshedError::Ray(RayError::Refraction(_))
    ));
}
