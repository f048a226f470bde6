//! Where rays meet the ground.

use spatial_core::{
    DVec3, LatticeSpec, Planet, Ray, RayError, StoreError, Terrain, face_uv_to_direction, st_to_uv,
};

use super::scene::{
    ERROR_M, March, above_ground, count, earth, ecef, rough, rough_store, sparse, without,
};
use crate::allocations;
use crate::golden::Draws;

const SEED: u64 = 40_771;

/// Small and large planets, few and many tiles, shallow and deep relief.
fn planets() -> Vec<(Terrain, f64)> {
    let planet = |radius_m, levels, intervals, amplitude| {
        let planet = Planet::new(radius_m).unwrap();
        let lattice = LatticeSpec::new(levels, intervals, 20.0, 0.5).unwrap();
        (rough(planet, lattice, amplitude), 0.5 * amplitude)
    };
    vec![
        planet(20_000.0, 2, 16, 400.0),
        planet(300_000.0, 4, 8, 3_000.0),
        planet(6_371_008.8, 1, 32, 20_000.0),
        planet(1_737_400.0, 3, 64, 9_000.0),
    ]
}

/// A ray of one of the kinds there are.
fn draw_ray(draws: &mut Draws, terrain: &Terrain, relief_m: f64) -> Ray {
    let radius_m = terrain.planet().radius_m();
    let here = draws.place();
    let start = |above_m: f64| above_ground(terrain, here, above_m);
    let around_m = relief_m * draws.scale(0.01, 3.0);
    let across = draws.uniform();
    let reach_m = radius_m * draws.scale(0.01, 1.5);
    let (from, direction) = match draws.below(8) {
        // Level, a little up or down.
        0 | 1 => (
            start(around_m),
            across - here * (across.dot(here) + 0.1 * draws.signed()),
        ),
        // From far out, at something on the planet.
        2 => {
            let from = here * radius_m * draws.scale(1.5, 100.0);
            (
                ecef(from),
                draws.place() * radius_m * draws.scale(0.5, 1.0) - from,
            )
        }
        // Straight down or up, nearly or exactly.
        3 => {
            let from = start(draws.scale(1.0, 1e6));
            let off = [0.0, 1e-15, 1e-9, 1e-4][draws.below(4) as usize];
            let side = if draws.below(8) == 0 { 1.0 } else { -1.0 };
            (from, (from.to_vec().normalize() * side) + across * off)
        }
        4 => (start(around_m), across),
        // Along a line of the lattice, or of an edge of the cube, exactly.
        5 => {
            let n = terrain.store().manifest().lattice().face_intervals();
            let mut line = || st_to_uv(draws.below(u64::from(n) + 1) as f64 / f64::from(n));
            let (v, u0, u1, face) = (line(), line(), line(), draws.below(6) as u8);
            let turn = draws.below(2) == 0;
            let at = |u: f64| match turn {
                true => face_uv_to_direction(face, u, v),
                false => face_uv_to_direction(face, v, u),
            };
            let from = above_ground(terrain, at(u0).normalize(), around_m);
            let to = above_ground(terrain, at(u1).normalize(), around_m);
            (from, to.to_vec() - from.to_vec())
        }
        // Through places where tiles meet.
        6 => {
            let from = start(around_m);
            (
                from,
                above_ground(terrain, draws.place(), around_m).to_vec() - from.to_vec(),
            )
        }
        // From under the ground.
        _ => (start(-draws.scale(0.1, 1e3)), across),
    };
    let reach_m = match draws.below(4) {
        0 => f64::INFINITY,
        1 if draws.below(10) == 0 => 0.0,
        _ => (reach_m + from.to_vec().length() - radius_m).max(0.0),
    };
    let direction = match direction.length() > 1e-9 {
        true => direction * draws.scale(1e-3, 1e3),
        false => across,
    };
    Ray {
        from,
        direction,
        reach_m,
    }
}

/// The part of a ray that can meet the ground: where it starts, how long it is.
fn marched(terrain: &Terrain, ray: &Ray, highest_m: f64) -> Option<(f64, f64)> {
    let (from, direction) = (ray.from.to_vec(), ray.direction.normalize());
    let foot_m = -from.dot(direction);
    let apart = (from + direction * foot_m).length();
    let shell_m = terrain.planet().radius_m() + highest_m;
    if apart > shell_m {
        return None;
    }
    let half_m = (shell_m * shell_m - apart * apart).sqrt();
    let (from_m, to_m) = (
        (foot_m - half_m).max(0.0),
        (foot_m + half_m).min(ray.reach_m),
    );
    (from_m <= to_m).then_some((from_m, to_m - from_m))
}

#[test]
fn rays_meet_the_ground_where_marching_does() {
    let planets = planets();
    let (mut hits, mut misses) = (0, 0);
    for n in 0..count(2_500) {
        let mut draws = Draws(SEED + n as u64);
        let (terrain, relief_m) = &planets[n % planets.len()];
        let ray = draw_ray(&mut draws, terrain, *relief_m);
        let hit = terrain.raycast(&ray).unwrap();
        *(if hit.is_some() {
            &mut hits
        } else {
            &mut misses
        }) += 1;
        check(
            (terrain, ERROR_M),
            &ray,
            relief_m + 21.0,
            700,
            &format!("seed {}", SEED + n as u64),
        );
    }
    assert!(
        hits > 3 * count(2_500) / 5 && misses > count(2_500) / 20,
        "{hits} {misses}"
    );
}

#[test]
fn rays_meet_the_ground_of_sparse_planets() {
    let planet = Planet::new(20_000.0).unwrap();
    let lattice = LatticeSpec::new(7, 8, 5.0, 0.002).unwrap();
    let planets = [1, 2, 3].map(|seed| sparse(planet, lattice, 14_000.0, seed));
    for n in 0..count(1_500) {
        let seed = SEED + 2_000_000 + n as u64;
        let mut draws = Draws(seed);
        let terrain = &planets[n % planets.len()];
        let ray = draw_ray(&mut draws, terrain, 25.0);
        // The cracks of all levels.
        let error_m = ERROR_M + 6.0 * 0.5 * 0.002;
        check((terrain, error_m), &ray, 75.0, 700, &format!("seed {seed}"));
    }
}

#[test]
fn rays_meet_the_ground_of_the_earth() {
    let earth = earth();
    for n in 0..count(250) {
        let mut draws = Draws(SEED + 1_000_000 + n as u64);
        let mut ray = draw_ray(&mut draws, &earth, 3_000.0);
        ray.reach_m = ray
            .reach_m
            .min(2e6 + (ray.from.to_vec().length() - 6.3e6).max(0.0));
        check(
            (&earth, ERROR_M),
            &ray,
            9_000.0,
            1_500,
            &format!("seed {}", SEED + 1_000_000 + n as u64),
        );
    }
}

fn check((terrain, error_m): (&Terrain, f64), ray: &Ray, highest_m: f64, steps: u32, seed: &str) {
    let hit = terrain.raycast(ray).unwrap();
    let Some((from_m, length_m)) = marched(terrain, ray, highest_m) else {
        assert_eq!(hit, None, "{seed}: {ray:?}");
        return;
    };
    let direction = ray.direction.normalize();
    let march = March {
        terrain,
        from: ray.from.to_vec() + direction * from_m,
        direction,
        length_m,
        lift_m: &|_| 0.0,
        steps,
        error_m,
    };
    let hit = hit.map(|mut hit| {
        assert!(
            hit.distance_m >= from_m - 1e-5 || hit.distance_m == 0.0,
            "{seed}: {hit:?}"
        );
        hit.distance_m = (hit.distance_m - from_m).max(0.0);
        hit
    });
    if let Some(fault) = march.fault(hit) {
        panic!("{seed}: {ray:?}: {fault}");
    }
}

#[test]
fn many_rays_are_each_as_one_and_allocate_nothing() {
    let (terrain, relief_m) = &planets()[1];
    let mut draws = Draws(SEED);
    let rays: Vec<_> = (0..500)
        .map(|_| draw_ray(&mut draws, terrain, *relief_m))
        .collect();
    let mut hits = vec![None; rays.len()];
    terrain.raycasts(&rays, &mut hits).unwrap();
    let (allocated, _) = allocations::count(|| terrain.raycasts(&rays, &mut hits).unwrap());
    assert_eq!(allocated, 0);
    let bits = |hit: &Option<spatial_core::RayHit>| hit.map(|hit| hit.distance_m.to_bits());
    for (ray, hit) in rays.iter().zip(&hits) {
        assert_eq!(bits(hit), bits(&terrain.raycast(ray).unwrap()));
    }
    // Another thread has met none of the tiles.
    let other = std::thread::scope(|scope| {
        let cast = || {
            rays.iter()
                .map(|ray| terrain.raycast(ray).unwrap())
                .collect::<Vec<_>>()
        };
        scope.spawn(cast).join().unwrap()
    });
    assert!(hits.iter().map(bits).eq(other.iter().map(bits)));
}

#[test]
fn nonsense_is_refused_and_named() {
    let (terrain, _) = &planets()[0];
    let from = above_ground(terrain, DVec3::X, 10.0);
    let ray = |direction: DVec3, reach_m: f64| Ray {
        from,
        direction,
        reach_m,
    };
    for direction in [DVec3::ZERO, DVec3::NAN, DVec3::new(0.0, f64::INFINITY, 1.0)] {
        let error = terrain.raycast(&ray(direction, 1.0)).unwrap_err();
        assert!(matches!(error, RayError::Direction(_)), "{error}");
    }
    for reach_m in [-1.0, f64::NAN, f64::NEG_INFINITY] {
        let error = terrain.raycast(&ray(DVec3::Y, reach_m)).unwrap_err();
        assert!(matches!(error, RayError::Reach(_)), "{error}");
    }
    let rays = [
        ray(DVec3::Y, 1.0),
        ray(DVec3::Y, 2.0),
        ray(DVec3::Y, f64::NAN),
    ];
    let error = terrain.raycasts(&rays, &mut [None; 3]).unwrap_err();
    assert_eq!(error.index, 2);
    // The centre of the planet is deep under the ground.
    let centre = Ray {
        from: ecef(DVec3::ZERO),
        direction: DVec3::Z,
        reach_m: 5.0,
    };
    assert_eq!(terrain.raycast(&centre).unwrap().unwrap().distance_m, 0.0);
}

#[test]
fn a_missing_tile_on_the_way_is_named() {
    let planet = Planet::new(300_000.0).unwrap();
    let lattice = LatticeSpec::new(3, 8, 0.0, 1.0).unwrap();
    let store = rough_store(planet, lattice, 100.0);
    let gone = lattice.tile_of(2, 0.6, 0.6);
    let terrain = Terrain::new(std::sync::Arc::new(without(&store, gone)));
    let down = |s: f64| Ray {
        from: ecef(face_uv_to_direction(2, st_to_uv(s), st_to_uv(0.6)).normalize() * 400_000.0),
        direction: -face_uv_to_direction(2, st_to_uv(s), st_to_uv(0.6)),
        reach_m: f64::INFINITY,
    };
    assert!(terrain.raycast(&down(0.3)).unwrap().is_some());
    // Over the edge of the missing tile, 2 km up.
    let [from, to] = [0.47, 0.53].map(|s| ecef(down(s).from.to_vec() * (302.0 / 400.0)));
    let level = Ray {
        from,
        direction: to.to_vec() - from.to_vec(),
        reach_m: from.distance_m(to),
    };
    for ray in [down(0.6), level] {
        let error = terrain.raycast(&ray).unwrap_err();
        let is_named =
            matches!(error, RayError::Store(StoreError::Missing { cell }) if cell == gone);
        assert!(is_named, "{error}");
    }
}
