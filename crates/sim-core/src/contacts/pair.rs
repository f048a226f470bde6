//! What one agent does to another.
//!
//! ```text
//!   d = own − other, exact in f32 within 256 m         upright capsules: two balls and what is between
//!   u = d·up          how much higher own stands           ( )      gap: what is between the upper ball of the lower
//!   h² = d² − u²      apart along the ground               | | ( )       and the lower ball of the upper
//!   overlap = r + r′ − √(h² + gap²)                        ( ) | |
//! ```

use super::cells::LANES;

/// Nobody is pushed further by one neighbour in a tick, grid units: 0.25 m. The sum of 100,000 fits in 32 bits.
const PUSH_MAX: f32 = 16_384.0;

/// Nearer than a unit along the ground there is no direction, units².
const COINCIDENT: f32 = 1.0;

/// Adding it to a number below 2²² rounds that to an integer (ties to even), which is then in the low bits of the sum.
const ROUND: f32 = 12_582_912.0; // 1.5 × 2²³

/// An agent as its neighbours feel it, grid units.
#[derive(Clone, Copy, Default)]
pub(super) struct Body {
    pub(super) xyz: [i32; 3],
    pub(super) radius: f32, // NaN of whom nobody touches
    pub(super) top: f32,    // the centre of its upper ball above its feet
}

/// Eight of them, a lane each.
#[derive(Clone, Copy, Default)]
pub(super) struct Bodies {
    xyz: [[i32; LANES]; 3],
    radius: [f32; LANES],
    top: [f32; LANES],
}

impl Bodies {
    #[inline(always)]
    pub(super) fn set(&mut self, lane: usize, body: &Body) {
        let [x, y, z] = &mut self.xyz;
        [x[lane], y[lane], z[lane]] = body.xyz;
        self.radius[lane] = body.radius;
        self.top[lane] = body.top;
    }

    #[inline(always)]
    pub(super) fn get(&self, lane: usize) -> Body {
        Body {
            xyz: [self.xyz[0][lane], self.xyz[1][lane], self.xyz[2][lane]],
            radius: self.radius[lane],
            top: self.top[lane],
        }
    }
}

/// What neighbours do to an agent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Push {
    /// East, grid units.
    pub(crate) x: i32,
    /// North, grid units.
    pub(crate) y: i32,
}

impl Push {
    #[inline(always)]
    pub(super) fn add(&mut self, other: Self) {
        self.x = self.x.wrapping_add(other.x);
        self.y = self.y.wrapping_add(other.y);
    }
}

/// What one neighbour does.
#[derive(Clone, Copy)]
struct Touch {
    push: Push, // none of those who stand in the same spot: there is no direction yet
    is_touching: bool,
    is_same_spot: bool,
}

/// What neighbours do to eight agents, a lane each.
#[derive(Default)]
pub(super) struct Touches {
    x: [i32; LANES],
    y: [i32; LANES],
    touching: [u32; LANES],  // 1 of those who touch
    same_spot: [u32; LANES], // 1 of those who stand in the same spot
}

impl Touches {
    /// What the other of each lane does to the one of it.
    #[inline(always)]
    pub(super) fn new(own: &Bodies, other: &Bodies, up: f32) -> Self {
        let mut all = Self::default();
        for lane in 0..LANES {
            let touch = touch(&own.get(lane), &other.get(lane), up);
            (all.x[lane], all.y[lane]) = (touch.push.x, touch.push.y);
            all.touching[lane] = u32::from(touch.is_touching);
            all.same_spot[lane] = u32::from(touch.is_same_spot);
        }
        all
    }

    #[inline(always)]
    pub(super) fn push(&self, lane: usize) -> Push {
        Push {
            x: self.x[lane],
            y: self.y[lane],
        }
    }

    #[inline(always)]
    pub(super) fn touching(&self, lane: usize) -> u32 {
        self.touching[lane]
    }

    #[inline(always)]
    pub(super) fn is_same_spot(&self, lane: usize) -> bool {
        self.same_spot[lane] != 0
    }
}

/// The difference along the plane, the square of the distance, and the distance at which the two touch. `up` is how far up turns in a
/// grid unit.
#[inline(always)]
fn separation(own: &Body, other: &Body, up: f32) -> ([f32; 3], f32, f32) {
    let d = |axis: usize| own.xyz[axis].wrapping_sub(other.xyz[axis]) as f32;
    let (x, y, z) = (d(0), d(1), d(2));
    let [up_x, up_y] = [own.xyz[0] as f32 * up, own.xyz[1] as f32 * up]; // along z it is 1
    let up = z + (x * up_x + y * up_y);
    let along = ((x * x + y * y) + z * z) - up * up;
    let along = if along > 0.0 { along } else { 0.0 };
    let above = (up + own.radius) - other.top;
    let below = other.radius - (up + own.top);
    let gap = if above > below { above } else { below };
    let gap = if gap > 0.0 { gap } else { 0.0 };
    ([x, y, along], along + gap * gap, own.radius + other.radius)
}

#[inline(always)]
fn touch(own: &Body, other: &Body, up: f32) -> Touch {
    let ([x, y, along], square, reach) = separation(own, other, up);
    let is_touching = square < reach * reach;
    let is_apart = along >= COINCIDENT;
    let distance = square.sqrt();
    let half = 0.5 * (reach - distance);
    let half = if half < PUSH_MAX { half } else { PUSH_MAX };
    let weight = half / distance;
    let is_pushing = is_touching & is_apart;
    let round = |v: f32| {
        let v = if is_pushing { v } else { 0.0 };
        ((v + ROUND).to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32)
    };
    let push = Push {
        x: round(x * weight),
        y: round(y * weight),
    };
    Touch {
        push,
        is_touching,
        is_same_spot: is_touching & !is_apart,
    }
}

/// Half of the overlap of two, at most the greatest push.
pub(super) fn overlap_half(own: &Body, other: &Body, up: f32) -> f32 {
    let (_, square, reach) = separation(own, other, up);
    (0.5 * (reach - square.sqrt())).clamp(0.0, PUSH_MAX)
}
