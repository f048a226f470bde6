//! Rays and sight over hills.

use std::sync::Arc;

use spatial_core::{DVec3, Ecef, Planet, Ray, RayHit, Sight, Terrain};

use crate::case::{Case, Size, hash_of};
use crate::height::memory;
use crate::places::on_datum;
use crate::seeded::Seeded;

const COUNT: usize = 1_000;

/// How far above the ground ways of sight begin and end.
const ABOVE_M: f64 = 60.0;

fn above(terrain: &Terrain, direction: DVec3, above_m: f64) -> Ecef {
    let height_m = terrain
        .height(on_datum(direction))
        .expect("every tile is there");
    let p = direction.normalize() * (Planet::EARTH.radius_m() + height_m + above_m);
    Ecef::new(p.x, p.y, p.z).expect("near the ground")
}

/// Sight between places 50 km apart, all over the planet.
pub(crate) struct Sights {
    terrain: Terrain,
    pairs: Vec<(Ecef, Ecef)>,
    sights: Vec<Sight>,
}

impl Sights {
    pub(crate) fn new(size: Size) -> Self {
        let terrain = Terrain::new(Arc::new(memory()));
        let mut seeded = Seeded(41);
        let apart = Planet::EARTH.arc_rad(50_000.0);
        let pair = |_| {
            let from = seeded.direction();
            let across = from.cross(seeded.direction()).normalize();
            let [from, to] = [from, from + across * apart];
            (above(&terrain, from, ABOVE_M), above(&terrain, to, ABOVE_M))
        };
        let pairs: Vec<_> = (0..size.of(COUNT)).map(pair).collect();
        Self {
            sights: vec![Sight::Clear; pairs.len()],
            terrain,
            pairs,
        }
    }
}

impl Case for Sights {
    fn operations(&self) -> u64 {
        self.pairs.len() as u64
    }

    fn run(&mut self) {
        self.terrain
            .sights(&self.pairs, 0.13, &mut self.sights)
            .expect("every tile is there");
    }

    fn hash(&self) -> u64 {
        hash_of(self.sights.iter().map(|sight| match sight {
            Sight::Clear => 0,
            Sight::Blocked(hit) => hit.distance_m.to_bits(),
        }))
    }
}

/// Rays from 10 km up, all over the planet.
pub(crate) struct Rays {
    terrain: Terrain,
    rays: Vec<Ray>,
    hits: Vec<Option<RayHit>>,
}

impl Rays {
    /// So far across, a metre down.
    pub(crate) fn new(size: Size, across: f64) -> Self {
        let terrain = Terrain::new(Arc::new(memory()));
        let mut seeded = Seeded(42);
        let ray = |_| {
            let up = seeded.direction();
            let beside = up.cross(seeded.direction()).normalize();
            Ray {
                from: above(&terrain, up, 10_000.0),
                direction: beside * across - up,
                reach_m: f64::INFINITY,
            }
        };
        let rays: Vec<_> = (0..size.of(COUNT)).map(ray).collect();
        Self {
            hits: vec![None; rays.len()],
            terrain,
            rays,
        }
    }
}

impl Case for Rays {
    fn operations(&self) -> u64 {
        self.rays.len() as u64
    }

    fn run(&mut self) {
        self.terrain
            .raycasts(&self.rays, &mut self.hits)
            .expect("every tile is there");
    }

    fn hash(&self) -> u64 {
        let distance = |hit: &Option<RayHit>| hit.map_or(0, |hit| hit.distance_m.to_bits());
        hash_of(self.hits.iter().map(distance))
    }
}
