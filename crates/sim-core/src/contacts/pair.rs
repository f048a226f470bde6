//! What one agent does to another: the specification, and the same in lanes of eight.
//!
//! ```text
//!   d = own − other, exact in f32 within 256 m         upright capsules: two balls and what is between
//!   u = d·up          how much higher own stands           ( )      gap: what is between the upper ball of the lower
//!   h² = d² − u²      apart along the ground               | | ( )       and the lower ball of the upper
//!   overlap = r + r′ − √(h² + gap²)                        ( ) | |
//! ```

use super::cells::CellSort;

/// Lanes of a vector.
pub(super) const LANES: usize = 8;

/// Nobody is pushed further by one neighbour in a tick, grid units: 0.25 m. The sum of 100,000 fits in 32 bits.
pub(super) const PUSH_MAX: f32 = 16_384.0;

/// Nearer than a unit along the ground there is no direction, units².
pub(super) const COINCIDENT: f32 = 1.0;

/// Adding it to a number below 2²² rounds that to an integer (ties to even), which is then in the low bits of the sum.
const ROUND: f32 = 12_582_912.0; // 1.5 × 2²³

/// The agent who is pushed.
#[derive(Clone, Copy)]
pub(crate) struct Own {
    /// Its place in the sorted arrays.
    pub(crate) at: usize,
    pub(super) xyz: [i32; 3],
    pub(super) radius: f32,
    pub(super) top: f32,
    pub(super) up: [f32; 2], // the planet's up where it is; along z it is 1
}

/// Its neighbour.
#[derive(Clone, Copy)]
pub(crate) struct Other {
    pub(super) xyz: [i32; 3],
    pub(super) radius: f32,
    pub(super) top: f32,
}

/// What neighbours do to an agent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Push {
    /// East, grid units.
    pub(crate) x: i32,
    /// North, grid units.
    pub(crate) y: i32,
    /// Neighbours that overlap.
    pub(crate) contacts: u32,
    /// Those of them who stand in the same spot: they push along no direction yet.
    pub(crate) coincident: u32,
}

impl Push {
    #[inline(always)]
    pub(super) fn add(&mut self, other: Self) {
        self.x = self.x.wrapping_add(other.x);
        self.y = self.y.wrapping_add(other.y);
        self.contacts += other.contacts;
        self.coincident += other.coincident;
    }
}

impl Own {
    /// Half of the overlap with another, at most the greatest push.
    #[inline(always)]
    pub(super) fn overlap_half(&self, other: &Other) -> f32 {
        let (_, square, reach) = separation(self, other);
        (0.5 * (reach - square.sqrt())).clamp(0.0, PUSH_MAX)
    }
}

/// The difference along the plane, the square of the distance, and the distance at which the two touch.
#[inline(always)]
fn separation(own: &Own, other: &Other) -> ([f32; 3], f32, f32) {
    let d = |axis: usize| own.xyz[axis].wrapping_sub(other.xyz[axis]) as f32;
    let (x, y, z) = (d(0), d(1), d(2));
    let up = z + (x * own.up[0] + y * own.up[1]);
    let along = ((x * x + y * y) + z * z) - up * up;
    let along = if along > 0.0 { along } else { 0.0 };
    let above = (up + own.radius) - other.top;
    let below = other.radius - (up + own.top);
    let gap = if above > below { above } else { below };
    let gap = if gap > 0.0 { gap } else { 0.0 };
    ([x, y, along], along + gap * gap, own.radius + other.radius)
}

/// What one neighbour does.
#[inline(always)]
pub(super) fn push(own: &Own, other: &Other) -> Push {
    let ([x, y, along], square, reach) = separation(own, other);
    let is_touching = square < reach * reach;
    let is_apart = along >= COINCIDENT;
    let distance = square.sqrt();
    let half = 0.5 * (reach - distance);
    let half = if half < PUSH_MAX { half } else { PUSH_MAX };
    let weight = half / distance;
    let is_pushing = is_touching && is_apart;
    let round = |v: f32| {
        let v = if is_pushing { v } else { 0.0 };
        ((v + ROUND).to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32)
    };
    Push {
        x: round(x * weight),
        y: round(y * weight),
        contacts: u32::from(is_touching),
        coincident: u32::from(is_touching && !is_apart),
    }
}

/// Sums of eight lanes.
#[derive(Default)]
pub(super) struct LaneSums {
    x: [i32; LANES],
    y: [i32; LANES],
    contacts: [u32; LANES],
    coincident: [u32; LANES],
}

impl LaneSums {
    /// Adds the neighbours from `at` on, at most eight and none from `end` on.
    #[inline(always)]
    pub(super) fn add(&mut self, own: &Own, others: &CellSort, at: usize, end: usize) {
        let lanes = at..at + LANES;
        let (x, y, z) = (
            &others.x[lanes.clone()],
            &others.y[lanes.clone()],
            &others.z[lanes.clone()],
        );
        let (radius, top) = (&others.radius[lanes.clone()], &others.top[lanes]);
        for lane in 0..LANES {
            let other = Other {
                xyz: [x[lane], y[lane], z[lane]],
                radius: radius[lane],
                top: top[lane],
            };
            let push = push(own, &other);
            let is_there = (at + lane < end) & (at + lane != own.at);
            let mask = u32::from(is_there).wrapping_neg();
            self.x[lane] = self.x[lane].wrapping_add(push.x & mask as i32);
            self.y[lane] = self.y[lane].wrapping_add(push.y & mask as i32);
            self.contacts[lane] += push.contacts & mask;
            self.coincident[lane] += push.coincident & mask;
        }
    }

    #[inline(always)]
    pub(super) fn total(&self) -> Push {
        let mut sum = Push::default();
        for lane in 0..LANES {
            sum.add(Push {
                x: self.x[lane],
                y: self.y[lane],
                contacts: self.contacts[lane],
                coincident: self.coincident[lane],
            });
        }
        sum
    }
}
