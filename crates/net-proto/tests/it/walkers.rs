//! A world that moves: agents that walk about, come, go and change frames.

use net_proto::EntityState;
use spatial_core::{EntityId, FrameId, Position};

/// A seeded generator (xorshift64*).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn signed(&mut self, bound: i32) -> i32 {
        self.below(2 * u64::from(bound.unsigned_abs()) + 1) as i32 - bound
    }
}

#[derive(Clone)]
struct Walker {
    id: u64,
    frame: u64,
    at: [i32; 3],       // 2⁻¹⁶ m
    velocity: [i32; 2], // 2⁻¹⁶ m a tick
    heading: u16,
}

/// Walkers at 1.4 m/s on gentle slopes, 30 ticks a second.
pub(crate) struct Walkers {
    pub(crate) random: Random,
    walkers: Vec<Walker>, // ascending by id
    last_id: u64,
    is_frozen: bool,
}

pub(crate) const FRAME: u64 = 0x4000_0010_0000_0000; // a cell of level 12 has 36 zeros below its lowest 1
const SPEED: f64 = 1.4 * 65_536.0 / 30.0;

impl Walkers {
    pub(crate) fn new(seed: u64, count: u64, spacing_of_ids: u64) -> Self {
        let mut world = Self {
            random: Random::new(seed),
            walkers: Vec::new(),
            last_id: 0,
            is_frozen: false,
        };
        for _ in 0..count {
            world.spawn(spacing_of_ids);
        }
        world
    }

    fn spawn(&mut self, spacing_of_ids: u64) {
        self.last_id += 1 + self.random.below(2 * spacing_of_ids - 1);
        let walker = Walker {
            id: self.last_id,
            frame: FRAME,
            at: [0; 3].map(|_| self.random.signed(60 << 16)),
            velocity: [0; 2],
            heading: 0,
        };
        self.walkers.push(walker);
    }

    /// One tick: everybody walks; some turn, some stand still.
    pub(crate) fn walk(&mut self) {
        if self.is_frozen {
            return;
        }
        for walker in &mut self.walkers {
            if self.random.chance(2) {
                let heading = self.random.next() as u16;
                let angle = f64::from(heading) / 65_536.0 * core::f64::consts::TAU;
                let speed = if self.random.chance(15) { 0.0 } else { SPEED };
                walker.velocity = [
                    (libm::sin(angle) * speed) as i32,
                    (libm::cos(angle) * speed) as i32,
                ];
                walker.heading = heading;
            }
            walker.at[0] += walker.velocity[0];
            walker.at[1] += walker.velocity[1];
            // A slope of up to 20 %.
            walker.at[2] += (walker.velocity[0] + walker.velocity[1]) / 7;
        }
    }

    /// Rare events: someone comes, someone goes, someone crosses into another frame.
    pub(crate) fn stir(&mut self) {
        if self.is_frozen {
            return;
        }
        if self.random.chance(10) {
            self.spawn(3);
        }
        if self.random.chance(10) && self.walkers.len() > 20 {
            let gone = self.random.below(self.walkers.len() as u64) as usize;
            self.walkers.remove(gone);
        }
        if self.random.chance(20) {
            let n = self.random.below(self.walkers.len() as u64) as usize;
            self.walkers[n].frame ^= 1 << 40;
        }
    }

    pub(crate) fn freeze(&mut self) {
        self.is_frozen = true;
    }

    pub(crate) fn states(&self) -> Vec<EntityState> {
        let state = |w: &Walker| {
            let [x, y, z] = w.at;
            let frame = FrameId(w.frame);
            EntityState::new(EntityId(w.id), Position { frame, x, y, z }, w.heading)
        };
        self.walkers.iter().map(state).collect()
    }
}
