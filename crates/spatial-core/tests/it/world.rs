//! Random worlds, a fifth of them where the sphere is awkward.

use spatial_core::{DVec3, Ecef, EntityId, Planet};

/// A small generator (splitmix64), so that a printed seed is all that a failure needs.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// In [lo, hi).
    pub(crate) fn between(&mut self, lo: f64, hi: f64) -> f64 {
        lo + (hi - lo) * (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn log_uniform(&mut self, lo: f64, hi: f64) -> f64 {
        lo * libm::exp(self.between(0.0, libm::log(hi / lo)))
    }

    pub(crate) fn direction(&mut self) -> DVec3 {
        loop {
            let p = DVec3::new(
                self.between(-1.0, 1.0),
                self.between(-1.0, 1.0),
                self.between(-1.0, 1.0),
            );
            if (0.01..=1.0).contains(&p.length()) {
                return p.normalize();
            }
        }
    }

    /// At, or within a ten-thousandth of, a pole, the antimeridian, a cube edge or a corner.
    pub(crate) fn awkward_direction(&mut self) -> DVec3 {
        let sign = |r: u64| if r & 1 == 0 { 1.0 } else { -1.0 };
        let (a, b, c) = (sign(self.next()), sign(self.next()), sign(self.next()));
        let w = self.between(-1.0, 1.0);
        let exact = match self.below(4) {
            0 => DVec3::new(0.0, 0.0, a),
            1 => DVec3::new(-1.0, 0.0, w * 3.0),
            2 => match self.below(3) {
                0 => DVec3::new(a, b, w),
                1 => DVec3::new(a, w, b),
                _ => DVec3::new(w, a, b),
            },
            _ => DVec3::new(a, b, c),
        };
        let step = [0.0, 1e-9, 1e-6, 1e-4][self.below(4) as usize];
        (exact + self.direction() * step).normalize()
    }

    /// A fifth of them awkward.
    pub(crate) fn any_direction(&mut self) -> DVec3 {
        if self.below(5) == 0 {
            self.awkward_direction()
        } else {
            self.direction()
        }
    }
}

/// Entities of one world, as the index is given them.
pub(crate) struct World {
    pub(crate) planet: Planet,
    pub(crate) ids: Vec<EntityId>,
    pub(crate) places: Vec<Ecef>,
}

impl World {
    /// 1,000 to 20,000 entities on the Earth or on a small moon: spread out, in clumps, in the air, some at one place.
    pub(crate) fn random(random: &mut Random) -> Self {
        let count = random.log_uniform(1_000.0, 20_000.0) as u64;
        Self::of_count(count, random)
    }

    /// So many of them.
    pub(crate) fn of_count(count: u64, random: &mut Random) -> Self {
        let radius_m = [Planet::EARTH.radius_m(), 10_000.0][(random.below(4) == 0) as usize];
        let mut world = Self {
            planet: Planet::new(radius_m).unwrap(),
            ids: Vec::new(),
            places: Vec::new(),
        };
        let flat = random.below(3) == 0; // everybody on the datum
        for n in 0..count {
            let place = world.random_place(random, flat);
            world.places.push(place);
            // Unique, in no order.
            world
                .ids
                .push(EntityId((n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        }
        world
    }

    fn random_place(&self, random: &mut Random, flat: bool) -> Ecef {
        match random.below(5) {
            0 => self.at(random.awkward_direction(), self.random_height(random, flat)),
            1 if !self.places.is_empty() => {
                let friend = self.any_place(random);
                if random.below(10) == 0 {
                    friend
                } else {
                    self.near(friend, 0.1, 1e5, random)
                }
            }
            _ => self.at(random.direction(), self.random_height(random, flat)),
        }
    }

    fn random_height(&self, random: &mut Random, flat: bool) -> f64 {
        match random.below(4) {
            _ if flat => 0.0,
            0 => random.between(-9_000.0, 9_000.0),
            1 => random.log_uniform(1.0, 2e6),
            _ => random.between(-5.0, 5.0),
        }
    }

    pub(crate) fn any_place(&self, random: &mut Random) -> Ecef {
        self.places[random.below(self.places.len() as u64) as usize]
    }

    pub(crate) fn at(&self, direction: DVec3, height_m: f64) -> Ecef {
        ecef(direction * (self.planet.radius_m() + height_m))
    }

    /// A place at a log-uniform distance.
    pub(crate) fn near(&self, place: Ecef, lo_m: f64, hi_m: f64, random: &mut Random) -> Ecef {
        ecef(place.to_vec() + random.direction() * random.log_uniform(lo_m, hi_m))
    }
}

pub(crate) fn ecef(p: DVec3) -> Ecef {
    Ecef::new(p.x, p.y, p.z).unwrap()
}
