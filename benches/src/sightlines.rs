//! Sight in a world, over a meadow.

use sim_core::{SightLine, World};
use spatial_core::Ecef;

use crate::case::{Case, Size, hash_of};
use crate::meadow::Meadow;
use crate::seeded::Seeded;

const COUNT: usize = 10_000;
/// Eyes are so far above the ground.
const EYES_M: f64 = 1.7;
/// Ways start within this far of the middle, along each axis.
const HALF_M: f64 = 300.0;
/// The shortest way, and the longest.
const WAY_M: [f64; 2] = [20.0, 200.0];

/// From eyes to eyes of people who stand anywhere.
pub(crate) struct SightLines {
    pub(crate) meadow: Meadow,
    /// Ends of ways: metres east, north and above the datum.
    pub(crate) ways: Vec<[[f64; 3]; 2]>,
    world: World,
    pairs: Vec<(Ecef, Ecef)>,
    sights: Vec<SightLine>,
}

impl SightLines {
    pub(crate) fn new(size: Size) -> Self {
        let meadow = Meadow::new();
        let (mut world, records) = meadow.world();
        world.step(0, &records).expect("staged ground");
        let mut seeded = Seeded(72);
        let eyes = |[east, north]: [f64; 2]| {
            let up_m = meadow.ground_m([east, north]) + EYES_M;
            [east, north, up_m]
        };
        let way = |_| {
            let [east, north] = [0; 2].map(|_| seeded.signed() * HALF_M);
            let (sin, cos) = libm::sincos(core::f64::consts::PI * seeded.signed());
            let [least, most] = WAY_M;
            let length_m = 0.5 * (least + most + (most - least) * seeded.signed());
            let to = [east + sin * length_m, north + cos * length_m];
            [eyes([east, north]), eyes(to)]
        };
        let ways: Vec<_> = (0..size.of(COUNT)).map(way).collect();
        let place = |[east, north, up_m]: [f64; 3]| meadow.place([east, north], up_m);
        Self {
            pairs: ways.iter().map(|[a, b]| (place(*a), place(*b))).collect(),
            sights: vec![SightLine::Clear; ways.len()],
            ways,
            world,
            meadow,
        }
    }

    /// Looks along all ways.
    pub(crate) fn look(&mut self) -> &[SightLine] {
        self.world.sights(&self.pairs, &mut self.sights);
        &self.sights
    }
}

impl Case for SightLines {
    fn operations(&self) -> u64 {
        self.pairs.len() as u64
    }

    fn run(&mut self) {
        self.look();
    }

    fn hash(&self) -> u64 {
        hash_of(self.sights.iter().map(|sight| match sight {
            SightLine::Clear => 0,
            SightLine::Hidden(hit) => hit.distance_m.to_bits(),
            SightLine::Unknown(distance_m) => !distance_m.to_bits(),
        }))
    }
}
