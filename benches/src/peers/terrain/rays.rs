//! Sight and rays. The peer's ground is flat where ours is round, and made of triangles; so what is compared is how many ways
//! are blocked, and how far the ground is on the mean.

use std::io;

use spatial_core::{Planet, Ray, RayHit, Sight};

use super::super::contest::Contest;
use super::super::rivals::parry::{self, Way};
use super::super::row::Unit;
use super::super::{Pace, Tell};
use super::named;
use super::scene::{Scene, ecef};
use crate::seeded::Seeded;

const COUNT: usize = 2_000;

const SIGHT: &str = "sight: random pairs, 60 m up";
const DOWN: &str = "ray: straight down";
const SLANT: &str = "ray: 45 degrees down";
pub(super) const CASES: &[&str] = &[SIGHT, DOWN, SLANT];

/// Parts of blocked ways differ by no more: over 50 km the planet's curvature hides 50 m.
const SAME_PART: f64 = 0.03;
/// Nor do distances on the mean, metres.
const SAME_M: f64 = 30.0;

pub(super) fn race(pace: &Pace, scene: &Scene, tell: Tell<'_>) -> io::Result<()> {
    race_sight(pace, scene, tell)?;
    race_down(pace, scene, tell)?;
    race_slant(pace, scene, tell)
}

fn race_sight(pace: &Pace, scene: &Scene, tell: Tell<'_>) -> io::Result<()> {
    let case = named(SIGHT, scene.square.name);
    if !pace.wants(&case) {
        return Ok(());
    }
    let mut seeded = Seeded(61);
    let mut draw = || scene.above(scene.draw(&mut seeded, 2.0), 60.0);
    let both: Vec<_> = (0..pace.size.of(COUNT)).map(|_| (draw(), draw())).collect();
    let pairs: Vec<_> = both.iter().map(|((a, _), (b, _))| (*a, *b)).collect();
    let ways: Vec<_> = both
        .iter()
        .map(|((_, a), (_, b))| scene.field.way(*a, *b))
        .collect();
    let mut sights = vec![Sight::Clear; pairs.len()];
    let mut look = || {
        scene
            .terrain
            .sights(&pairs, 0.0, &mut sights)
            .expect("tiles of the square");
        sights.iter().filter(|sight| !sight.is_clear()).count()
    };
    let theirs = || {
        ways.iter()
            .filter(|way| scene.field.cast(way).is_some())
            .count()
    };
    let part = |blocked: usize| blocked as f64 / ways.len() as f64;
    let agree = (part(look()) - part(theirs())).abs() <= SAME_PART;
    let contest = Contest::new(case, Unit::Us, ways.len(), look);
    tell(contest.against(parry::NAME, Some(agree), theirs).run(pace))
}

fn race_down(pace: &Pace, scene: &Scene, tell: Tell<'_>) -> io::Result<()> {
    let mut seeded = Seeded(62);
    let ray = |_| {
        let spot = scene.draw(&mut seeded, 2.0);
        let (from, [north, east, up_m]) = scene.above(spot, 1_000.0);
        let way = scene
            .field
            .way([north, east, up_m], [north, east, up_m - 2_000.0]);
        let ray = Ray {
            from,
            direction: -from.to_vec(),
            reach_m: 2_000.0,
        };
        (ray, way)
    };
    let rays: Vec<_> = (0..pace.size.of(COUNT)).map(ray).collect();
    race_rays(pace, scene, (DOWN, 2_000.0), &rays, tell)
}

fn race_slant(pace: &Pace, scene: &Scene, tell: Tell<'_>) -> io::Result<()> {
    const ACROSS_M: f64 = 12_000.0;
    let mut seeded = Seeded(63);
    // Far enough from the border to end inside.
    let ray = |_| {
        let [north, east] = scene.draw(&mut seeded, 200.0);
        let turn = core::f64::consts::PI * seeded.signed();
        let steps = ACROSS_M / Planet::EARTH.arc_m(1f64.to_radians()) * 1_200.0;
        let (sin, cos) = libm::sincos(turn);
        let narrow = scene.geodetic([north, east]).lat_rad();
        let to = [north + steps * cos, east + steps * sin / libm::cos(narrow)];
        let (high_m, low_m) = (8_000.0, 8_000.0 - ACROSS_M);
        let place = |spot, up_m: f64| {
            ecef(scene.geodetic(spot).direction() * (Planet::EARTH.radius_m() + up_m))
        };
        let (from, end) = (place([north, east], high_m), place(to, low_m));
        let ray = Ray {
            from,
            direction: end.to_vec() - from.to_vec(),
            reach_m: from.distance_m(end),
        };
        (
            ray,
            scene
                .field
                .way([north, east, high_m], [to[0], to[1], low_m]),
        )
    };
    let rays: Vec<_> = (0..pace.size.of(COUNT)).map(ray).collect();
    race_rays(
        pace,
        scene,
        (SLANT, ACROSS_M * core::f64::consts::SQRT_2),
        &rays,
        tell,
    )
}

fn race_rays(
    pace: &Pace,
    scene: &Scene,
    (case, reach_m): (&str, f64),
    both: &[(Ray, Way)],
    tell: Tell<'_>,
) -> io::Result<()> {
    let case = named(case, scene.square.name);
    if !pace.wants(&case) {
        return Ok(());
    }
    let rays: Vec<Ray> = both.iter().map(|(ray, _)| *ray).collect();
    let mut hits: Vec<Option<RayHit>> = vec![None; rays.len()];
    let mut cast = || {
        scene
            .terrain
            .raycasts(&rays, &mut hits)
            .expect("tiles of the square");
        hits.iter().flatten().map(|hit| hit.distance_m).sum::<f64>()
    };
    let theirs = || {
        let parts = both.iter().filter_map(|(_, way)| scene.field.cast(way));
        parts.map(f64::from).sum::<f64>() * reach_m
    };
    let agree = (cast() - theirs()).abs() <= SAME_M * rays.len() as f64;
    let contest = Contest::new(case, Unit::Ns, rays.len(), cast);
    tell(contest.against(parry::NAME, Some(agree), theirs).run(pace))
}
