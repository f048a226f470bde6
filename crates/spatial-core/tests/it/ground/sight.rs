//! Sight between places.

use spatial_core::{DVec3, LatticeSpec, Planet, RayError, Sight, Terrain};

use super::scene::{ERROR_M, March, above_ground, count, earth, ecef, rough, sparse};
use crate::allocations;
use crate::golden::Draws;

const SEED: u64 = 71_003;

fn pair(
    draws: &mut Draws,
    terrain: &Terrain,
    above_m: f64,
    apart_rad: f64,
) -> (spatial_core::Ecef, spatial_core::Ecef) {
    let here = draws.place();
    let there = (here + draws.uniform() * apart_rad).normalize();
    (
        above_ground(terrain, here, above_m),
        above_ground(terrain, there, above_m * draws.scale(0.1, 10.0)),
    )
}

fn check(
    (terrain, error_m): (&Terrain, f64),
    pair: (spatial_core::Ecef, spatial_core::Ecef),
    refraction: f64,
    seed: u64,
) -> bool {
    let sight = terrain.sight(pair.0, pair.1, refraction).unwrap();
    let (from, way) = (pair.0.to_vec(), pair.1.to_vec() - pair.0.to_vec());
    let (length_m, direction) = (way.length(), way.normalize());
    let cosine = from.normalize().dot(direction);
    let sine_square = 1.0 - cosine * cosine;
    let radius_m = terrain.planet().radius_m();
    let lift_m = |at: f64| refraction * sine_square * at * (length_m - at) / (2.0 * radius_m);
    let march = March {
        terrain,
        from,
        direction,
        length_m,
        lift_m: &lift_m,
        steps: 900,
        error_m,
    };
    let hit = match sight {
        Sight::Clear => None,
        Sight::Blocked(hit) => Some(hit),
    };
    if let Some(fault) = march.fault(hit) {
        panic!("seed {seed}: {pair:?} {refraction}: {fault}");
    }
    sight.is_clear()
}

#[test]
fn sight_is_what_marching_sees() {
    let planet = Planet::new(300_000.0).unwrap();
    let lattice = LatticeSpec::new(4, 8, 0.0, 1.0).unwrap();
    let terrain = rough(planet, lattice, 2_000.0);
    let mut clear = 0;
    for n in 0..count(1_500) {
        let mut draws = Draws(SEED + n as u64);
        let above_m = draws.scale(10.0, 4_000.0);
        let pair = {
            let apart = draws.scale(1e-3, 0.3);
            pair(&mut draws, &terrain, above_m, apart)
        };
        let refraction = [0.0, 0.13, 0.5][n % 3];
        clear += usize::from(check(
            (&terrain, ERROR_M),
            pair,
            refraction,
            SEED + n as u64,
        ));
    }
    let all = count(1_500);
    assert!(clear > all / 10 && clear < all - all / 10, "{clear}");
}

#[test]
fn sight_on_sparse_planets_is_what_marching_sees() {
    let planet = Planet::new(20_000.0).unwrap();
    let lattice = LatticeSpec::new(7, 8, 5.0, 0.002).unwrap();
    let planets = [1, 2, 3].map(|seed| sparse(planet, lattice, 14_000.0, seed));
    let mut clear = 0;
    for n in 0..count(1_000) {
        let seed = SEED + 2_000_000 + n as u64;
        let mut draws = Draws(seed);
        let terrain = &planets[n % planets.len()];
        let above_m = draws.scale(0.1, 60.0);
        let pair = {
            let apart = draws.scale(1e-3, 0.3);
            pair(&mut draws, terrain, above_m, apart)
        };
        let refraction = [0.0, 0.13, 0.5][n % 3];
        // The cracks of all levels.
        let error_m = ERROR_M + 6.0 * 0.5 * 0.002;
        clear += usize::from(check((terrain, error_m), pair, refraction, seed));
    }
    let all = count(1_000);
    assert!(clear > all / 10 && clear < all - all / 10, "{clear}");
}

#[test]
fn sight_on_the_earth_is_what_marching_sees() {
    let earth = earth();
    for n in 0..count(150) {
        let mut draws = Draws(SEED + 1_000_000 + n as u64);
        let apart = draws.scale(1e-3, 0.1);
        let pair = pair(&mut draws, &earth, 300.0, apart);
        check(
            (&earth, ERROR_M),
            pair,
            [0.0, 0.13][n % 2],
            SEED + 1_000_000 + n as u64,
        );
    }
}

/// Over a smooth sea the horizon is where it is by formula, with and without refraction.
#[test]
fn the_horizon_is_where_it_should_be() {
    let lattice = LatticeSpec::new(3, 128, 0.0, 1.0).unwrap();
    let terrain = rough(Planet::EARTH, lattice, 0.0);
    let radius_m = terrain.planet().radius_m();
    for (refraction, seed) in [(0.0, 1), (0.13, 2), (0.25, 3)] {
        let mut draws = Draws(seed);
        for _ in 0..50 {
            let eye_m = draws.scale(2.0, 5_000.0);
            let here = draws.place();
            let across = here.cross(draws.uniform()).normalize();
            // The way between two eyes of one height is lowest in the middle: R(1 − cos) less what refraction lifts.
            let touch_rad = (2.0 * eye_m / radius_m / (1.0 - refraction)).sqrt();
            for (part, is_clear) in [(0.99, true), (1.01, false)] {
                let angle = touch_rad * part;
                let place = |sign: f64| {
                    let (sin, cos) = libm::sincos(sign * angle);
                    ecef((here * cos + across * sin) * (radius_m + eye_m))
                };
                let sight = terrain.sight(place(-1.0), place(1.0), refraction).unwrap();
                assert_eq!(sight.is_clear(), is_clear, "{eye_m} {refraction} {part}");
            }
        }
    }
}

#[test]
fn sight_to_oneself_and_from_under_the_ground() {
    let lattice = LatticeSpec::new(2, 16, 0.0, 1.0).unwrap();
    let terrain = rough(Planet::new(50_000.0).unwrap(), lattice, 500.0);
    let mut draws = Draws(SEED);
    for _ in 0..200 {
        let here = draws.place();
        let (above, below) = (
            above_ground(&terrain, here, 2.0),
            above_ground(&terrain, here, -2.0),
        );
        assert_eq!(terrain.sight(above, above, 0.13).unwrap(), Sight::Clear);
        assert!(!terrain.sight(above, below, 0.0).unwrap().is_clear());
        match terrain.sight(below, above, 0.13).unwrap() {
            Sight::Blocked(hit) => assert_eq!(hit.distance_m, 0.0),
            Sight::Clear => panic!("seen from under the ground"),
        }
    }
    let above = above_ground(&terrain, DVec3::X, 2.0);
    for refraction in [-0.1, 0.91, f64::NAN] {
        let error = terrain.sight(above, above, refraction).unwrap_err();
        assert!(matches!(error, RayError::Refraction(_)));
    }
}

#[test]
fn many_pairs_are_each_as_one_and_allocate_nothing() {
    let lattice = LatticeSpec::new(3, 16, 0.0, 1.0).unwrap();
    let terrain = rough(Planet::new(300_000.0).unwrap(), lattice, 2_000.0);
    let mut draws = Draws(SEED);
    let pairs: Vec<_> = (0..300)
        .map(|_| pair(&mut draws, &terrain, 500.0, 0.1))
        .collect();
    let mut sights = vec![Sight::Clear; pairs.len()];
    terrain.sights(&pairs, 0.13, &mut sights).unwrap();
    let (allocated, _) = allocations::count(|| terrain.sights(&pairs, 0.13, &mut sights).unwrap());
    assert_eq!(allocated, 0);
    for ((from, to), sight) in pairs.iter().zip(&sights) {
        assert_eq!(*sight, terrain.sight(*from, *to, 0.13).unwrap());
    }
    assert_eq!(
        terrain.sights(&pairs, 2.0, &mut sights).unwrap_err().index,
        0
    );
}
