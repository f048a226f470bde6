//! How one of a crowd moves in a tick: its wish and the push of its neighbours along the plane of its frame, then the ground.
//!
//! ```text
//!        up│      p  (x, y, z): feet, on the grid of the frame
//!          │     ╱                        along up, where |p| = R + h:
//!   plane ─┼────●──────── east, north     z = √((R + h)² − x² − y²) − R
//!   datum ─┴──╌╌╌╌╌╌╌
//! ```

use spatial_core::{Axes, Planet, UNITS_PER_M};

use crate::contacts::Push;

/// Neighbours push an agent aside at most this fast, metres a second.
pub const PUSH_SPEED_MAX_MPS: f64 = 2.0;

/// Nobody of a crowd moves further in a step, grid units: 61 m.
const STEP_MAX: f32 = 4e6;

/// Adding it to a number below 2²² rounds that to an integer, ties to even.
const ROUND: f32 = 12_582_912.0; // 1.5 × 2²³

/// What speeds are in a tick.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    walk: f32,     // grid units in a tick of 2⁻⁸ m/s
    push_max: f32, // grid units in a tick
}

impl Pace {
    pub(crate) fn new(tick_rate_hz: u16) -> Self {
        let hz = f32::from(tick_rate_hz);
        Self {
            walk: 256.0 / hz,
            push_max: (PUSH_SPEED_MAX_MPS * UNITS_PER_M) as f32 / hz,
        }
    }
}

/// What agents want, a lane each.
#[derive(Clone, Copy)]
pub(crate) struct Going<'a> {
    pub(crate) wish: [&'a [f32]; 2], // 2⁻⁸ m/s
    pub(crate) limit: &'a [f32],     // of the wish's length
    pub(crate) push: &'a [Push],
    pub(crate) ticks: &'a [f32], // that they move
}

/// Moves agents along the plane from where they are, grid units.
#[inline(always)]
pub(crate) fn walk(pace: Pace, going: &Going<'_>, [x, y]: [&mut [i32]; 2]) {
    let count = x.len();
    let [east, north] = going.wish.map(|lane| &lane[..count]);
    let (limit, ticks) = (&going.limit[..count], &going.ticks[..count]);
    let (push, y) = (&going.push[..count], &mut y[..count]);
    for n in 0..count {
        let wish = shorten([east[n], north[n]], limit[n]);
        let push = [push[n].x as f32, push[n].y as f32];
        let push = shorten(push, pace.push_max * ticks[n]);
        let walk = pace.walk * ticks[n];
        let step = |axis: usize| {
            let units = (wish[axis] * walk + push[axis]).clamp(-STEP_MAX, STEP_MAX);
            ((units + ROUND).to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32)
        };
        // Decks reach to the grid's end, and nobody comes out at the other one.
        x[n] = x[n].saturating_add(step(0));
        y[n] = y[n].saturating_add(step(1));
    }
}

/// A vector cut to a length.
#[inline(always)]
fn shorten([x, y]: [f32; 2], limit: f32) -> [f32; 2] {
    let square = x * x + y * y;
    let scale = limit / square.sqrt();
    let scale = if square > limit * limit { scale } else { 1.0 };
    [x * scale, y * scale]
}

/// Where positions of one frame are, planet-centred metres: the bits of [`Axes::to_ecef`].
#[inline(always)]
pub(crate) fn places(axes: &Axes, [x, y, z]: [&[i32]; 3], [px, py, pz]: [&mut [f64]; 3]) {
    let origin = axes.origin().to_array();
    let [a, b, c] = axes.units().map(|unit| unit.to_array());
    let count = x.len();
    let (y, z) = (&y[..count], &z[..count]);
    for (axis, out) in [px, py, pz].into_iter().enumerate() {
        let out = &mut out[..count];
        for n in 0..count {
            let metres = |units: i32| f64::from(units) / UNITS_PER_M;
            let turned = a[axis] * metres(x[n]) + b[axis] * metres(y[n]) + c[axis] * metres(z[n]);
            out[n] = origin[axis] + turned;
        }
    }
}

/// Makes of heights above the datum the grid units of a frame on the ground at which they lie above or below (x, y); NaN beyond the
/// frame's grid, and of NaN.
#[inline(always)]
pub(crate) fn heights_z(planet: Planet, heights_m: &mut [f64], [x, y]: [&[i32]; 2]) {
    let (count, radius_m) = (heights_m.len(), planet.radius_m());
    let (x, y) = (&x[..count], &y[..count]);
    for n in 0..count {
        let (east, north) = (f64::from(x[n]) / UNITS_PER_M, f64::from(y[n]) / UNITS_PER_M);
        let reach = radius_m + heights_m[n];
        let up = (reach * reach - (east * east + north * north)).sqrt() - radius_m;
        let units = up * UNITS_PER_M;
        let is_there = units.abs() < 2_147_483_647.0;
        heights_m[n] = if is_there {
            (units + ROUND_F64) - ROUND_F64
        } else {
            f64::NAN
        };
    }
}

/// Rounds what is below 2⁵¹ to an integer, ties to even: 1.5 × 2⁵².
const ROUND_F64: f64 = 6_755_399_441_055_744.0;
