//! Balls and horizon points of nodes, against points of their ground.

use spatial_core::{CellId, DVec3, Ecef, Horizon, NodeBounds, Planet, face_uv_to_direction};

use super::scene::cell;
use crate::sparse::Random;

/// From −1 to 1.
fn signed(random: &mut Random) -> f64 {
    random.below(1 << 53) as f64 / (1u64 << 52) as f64 - 1.0
}

/// Two heights of a planet, flat ones among them.
fn heights_m(random: &mut Random, planet: Planet) -> [f64; 2] {
    let scale_m = [0.0, 1e-3, 0.02, 0.3][random.below(4) as usize] * planet.radius_m();
    let (a, b) = (signed(random) * scale_m, signed(random) * scale_m);
    [a.min(b), a.max(b)]
}

/// Directions of a cell, by S2's own vertices: corners and edges first, then from inside.
fn directions(random: &mut Random, id: CellId) -> Vec<DVec3> {
    let cell = spatial_core::Cell::new(id);
    let [[u0, u1], [v0, v1]] = cell.uv_bound();
    let face = id.face();
    let mut at = |k: u32| {
        let mut within = |a: f64, b: f64| a + (b - a) * (signed(random) + 1.0) / 2.0;
        let (u, v) = match k {
            0..4 => ([u0, u1][k as usize % 2], [v0, v1][k as usize / 2]),
            4..16 if k.is_multiple_of(2) => ([u0, u1][k as usize / 2 % 2], within(v0, v1)),
            4..16 => (within(u0, u1), [v0, v1][k as usize / 2 % 2]),
            _ => (within(u0, u1), within(v0, v1)),
        };
        face_uv_to_direction(face, u, v).normalize()
    };
    (0..32).map(&mut at).collect()
}

fn planet(random: &mut Random) -> Planet {
    Planet::new([10_000.0, 6_371_008.8, 1e8][random.below(3) as usize]).unwrap()
}

/// No point of the ground is outside, and no ball around its corners is smaller.
#[test]
fn balls_hold_the_ground_and_are_the_smallest() {
    let mut random = Random(21);
    println!("seed 21");
    let mut slack: f64 = 0.0;
    for k in 0..4_000u32 {
        let level = (k % 21) as u8 + if k % 7 == 0 { 9 } else { 0 };
        let (id, planet) = (cell(&mut random, k, level.min(29)), planet(&mut random));
        let [low, high] = heights_m(&mut random, planet);
        let bounds = NodeBounds::of(planet, id, low, high);
        let center = bounds.center().to_vec();
        let points: Vec<DVec3> = directions(&mut random, id)
            .iter()
            .flat_map(|d| [low, high, (low + high) / 2.0].map(|h| *d * (planet.radius_m() + h)))
            .collect();
        let farthest = |from: DVec3| {
            points
                .iter()
                .map(|p| (*p - from).length())
                .fold(0.0, f64::max)
        };
        let far = farthest(center);
        assert!(
            far <= bounds.radius_m(),
            "{id} {planet:?} {low} {high}: {far} {bounds:?}"
        );
        let rounding_m = 1e-14 * (planet.radius_m() + high.abs());
        slack = slack.max((bounds.radius_m() - far - rounding_m) / bounds.radius_m());
        // The distance to the farthest point is convex in the centre: what no small step makes less, nothing does.
        if bounds.radius_m() > 1e6 * rounding_m {
            for axis in 0..26 {
                let step = DVec3::new(
                    f64::from(axis % 3) - 1.0,
                    f64::from(axis / 3 % 3) - 1.0,
                    f64::from(axis / 9) - 1.0,
                );
                let moved =
                    farthest(center + step.normalize_or_zero() * (1e-3 * bounds.radius_m()));
                assert!(
                    moved >= far - rounding_m,
                    "{id} {low} {high}: {moved} {far}"
                );
            }
        }
    }
    assert!(slack < 1e-9, "{slack}");
}

/// Whether a ball about the planet's centre stands between two points.
fn is_between(radius_m: f64, a: DVec3, b: DVec3) -> bool {
    let way = b - a;
    let along = (-a.dot(way) / way.length_squared()).clamp(0.0, 1.0);
    (a + way * along).length() < radius_m
}

/// Who does not see the horizon point sees nothing of the node; and who comes a little farther out behind the node's farthest corner
/// sees both.
#[test]
fn horizon_points_hide_no_more_than_the_planet_does() {
    let mut random = Random(22);
    println!("seed 22");
    let (mut hidden, mut tight, mut never) = (0, 0, 0);
    for k in 0..6_000u32 {
        let id = cell(&mut random, k, (k % 19) as u8);
        let planet = planet(&mut random);
        let [low, high] = heights_m(&mut random, planet);
        let lowest_m = low - 1e-3 * planet.radius_m() * random.below(2) as f64;
        let (bounds, horizon) = (
            NodeBounds::of(planet, id, low, high),
            Horizon::new(planet, lowest_m),
        );
        let Some(point) = horizon.point(&bounds) else {
            never += 1;
            assert!(id.level() < 2, "{id} {low} {high}");
            continue;
        };
        let ground = directions(&mut random, id);
        let to_camera = |d: DVec3, above: f64| {
            let p = d * above.min(9e9);
            Ecef::new(p.x, p.y, p.z).unwrap()
        };
        for _ in 0..8 {
            let far = libm::exp10(signed(&mut random) * 4.0 - 1.0);
            let beside = DVec3::new(
                signed(&mut random),
                signed(&mut random),
                signed(&mut random),
            );
            let towards =
                point.to_vec().normalize() + beside * [0.01, 0.3, 3.0][random.below(3) as usize];
            let camera = to_camera(towards.normalize(), horizon.radius_m() * (1.0 + far));
            if horizon.hides(point, camera) {
                hidden += 1;
                for d in &ground {
                    let p = *d * (planet.radius_m() + high);
                    assert!(
                        is_between(horizon.radius_m() * (1.0 + 1e-9), camera.to_vec(), p),
                        "{id} {low} {high} {camera:?}"
                    );
                }
            }
        }
        // On the circle through axis and farthest corner: where one is just lost, so is the other.
        let axis = point.to_vec().normalize();
        let corner = ground
            .iter()
            .min_by(|a, b| a.dot(axis).total_cmp(&b.dot(axis)))
            .unwrap();
        let away = (*corner * axis.dot(*corner) - axis).normalize();
        let top = *corner * (planet.radius_m() + high);
        // The corner's horizon, away from the axis: cos γ = ρ / |top|.
        let angle = libm::acos((horizon.radius_m() / top.length()).min(1.0));
        for (beyond, is_seen) in [(-1e-4, true), (1e-4, false)] {
            let turned = *corner * libm::cos(angle + beyond) + away * libm::sin(angle + beyond);
            let camera = to_camera(turned, horizon.radius_m() * (1.0 + 1e-9));
            if (planet.radius_m() + high) > horizon.radius_m() * (1.0 + 1e-6) {
                assert_eq!(horizon.hides(point, camera), !is_seen, "{id} {low} {high}");
                tight += 1;
            }
        }
    }
    assert!(
        hidden > 5_000 && tight > 5_000 && never > 20,
        "{hidden} {tight} {never}"
    );
}

#[test]
fn nothing_is_hidden_from_within_and_no_height_is_a_trap() {
    let earth = Planet::EARTH;
    let id = CellId::from_token("89c25").unwrap();
    let bounds = NodeBounds::of(earth, id, -100.0, 400.0);
    let horizon = Horizon::new(earth, -11_000.0);
    let point = horizon.point(&bounds).unwrap();
    let below = Ecef::new(0.0, 0.0, -6_300_000.0).unwrap();
    let above = Ecef::new(0.0, 0.0, -6_371_000.0).unwrap();
    assert!(!horizon.hides(point, below) && horizon.hides(point, above));
    // The whole planet is one node, or its ground ends below the centre.
    for (low, high) in [(-1e9, -9e8), (-1e7, 4e6), (400.0, -100.0)] {
        let bounds = NodeBounds::of(earth, CellId::from_face_ij(2, 0, 0, 0), low, high);
        assert!(bounds.radius_m().is_finite() && bounds.radius_m() >= 0.0);
    }
    assert_eq!(NodeBounds::of(earth, id, 400.0, -100.0), bounds);
    let face = NodeBounds::of(earth, CellId::from_face_ij(2, 0, 0, 0), 0.0, 9_000.0);
    assert!(
        Horizon::new(earth, 0.0).point(&face).is_some(),
        "54.7 degrees and 3 more"
    );
    let high = NodeBounds::of(earth, CellId::from_face_ij(2, 0, 0, 0), 0.0, 9e6);
    assert_eq!(Horizon::new(earth, 0.0).point(&high), None);
}
