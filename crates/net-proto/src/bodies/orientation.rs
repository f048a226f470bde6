//! Where a body's rotation leads.
//!
//! A unit quaternion that turns steadily obeys q(t + h) = 2 c q(t) − q(t − h), where c = q(t)·q(t − h) is the cosine of half the
//! angle of h: no angles, no trigonometry. So with τ = 2c, six frames ahead of `now` are, by the frame two before,
//! (τ³ − 2τ) now − (τ² − 1) before, and by that three before, (τ² − 1) now − τ before.
//!
//! In f32, of which nothing is ever sent: + − × ÷ √ alone, in a written order, which IEEE 754 rounds alike everywhere.

use super::BODIES_MAX;
use super::body::{Body, COMPONENT_MAX, TURN};

/// A quaternion, x, y, z, w, of length √[`Unit::square`]: a component's quantum is 2.
pub(super) type Quaternion = [f32; 4];

/// What components are counted in: a quantum is √2 by the most that one can be. All exact in f32.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    most: f32,
    square: f32, // most² · 2
}

impl Unit {
    /// Of components up to so many, at most [`COMPONENT_MAX`].
    pub(super) fn new(most: u16) -> Self {
        debug_assert!(most <= COMPONENT_MAX);
        let most = f32::from(most);
        Self {
            most,
            square: most * most * 2.0,
        }
    }
}

/// A rotation goes on by so much, what turns is slowed by what it touches. On the benchmark 0.92 and 0.95 are 1.3 B and
/// 0.2 B a packet worse.
const GOES_ON: f32 = 0.957;

/// Where the rotations of a packet's bodies lead.
#[derive(Clone, Debug)]
pub(super) struct Rotations(Vec<Quaternion>);

/// So many are forecast at once: columns on the stack, of which the compiler makes vectors.
const BLOCK: usize = 32;

impl Rotations {
    pub(super) fn new() -> Self {
        Self(vec![[0.0; 4]; BODIES_MAX])
    }

    /// Forecasts those of a list, six frames after the first of three frames, from those two and three before it.
    pub(super) fn forecast(&mut self, frames: [&[Body]; 3], list: &[u16], unit: Unit) {
        for (forecasts, list) in self.0.chunks_mut(BLOCK).zip(list.chunks(BLOCK)) {
            let mut known = [[[0i16; BLOCK]; 4]; 3];
            for (known, frame) in known.iter_mut().zip(frames) {
                for (at, n) in list.iter().enumerate() {
                    let lanes = frame[usize::from(*n)].lanes();
                    for lane in 0..4 {
                        known[lane][at] = lanes[TURN.start + lane];
                    }
                }
            }
            let columns = forecast(&known, unit);
            for (at, forecast) in forecasts.iter_mut().enumerate() {
                *forecast = columns.each_ref().map(|column| column[at]);
            }
        }
    }

    /// The forecast of a list's place.
    #[inline]
    pub(super) fn of(&self, place: usize) -> Quaternion {
        self.0[place]
    }
}

/// Of three frames the three components, and which one is the largest.
#[inline(never)]
fn forecast(known: &[[[i16; BLOCK]; 4]; 3], unit: Unit) -> [[f32; BLOCK]; 4] {
    let mut forecasts = [[0.0; BLOCK]; 4];
    for n in 0..BLOCK {
        let of = |frame: usize| {
            let [a, b, c, largest] = &known[frame];
            quaternion([a[n], b[n], c[n]], largest[n], unit)
        };
        let [x, y, z, w] = predict(&of(0), &of(1), &of(2), unit);
        forecasts[0][n] = x;
        forecasts[1][n] = y;
        forecasts[2][n] = z;
        forecasts[3][n] = w;
    }
    forecasts
}

/// An orientation, its largest component filled in.
#[inline]
fn quaternion(components: [i16; 3], largest: i16, unit: Unit) -> Quaternion {
    let part = |n: usize| 2.0 * f32::from(components[n]) - unit.most;
    let [a, b, c] = [part(0), part(1), part(2)];
    let rest = unit.square - (a * a + b * b + c * c);
    let d = if rest > 0.0 { rest } else { 0.0 }.sqrt();
    [
        if largest == 0 { d } else { a },
        if largest == 0 {
            a
        } else if largest == 1 {
            d
        } else {
            b
        },
        if largest <= 1 {
            b
        } else if largest == 2 {
            d
        } else {
            c
        },
        if largest == 3 { d } else { c },
    ]
}

/// The orientation six frames after `now`, from those two and three frames before it: the mean of what the two say.
#[inline]
fn predict(now: &Quaternion, two: &Quaternion, three: &Quaternion, unit: Unit) -> Quaternion {
    let by_two = dot(now, two) * (2.0 / unit.square);
    let by_three = dot(now, three) * (2.0 / unit.square);
    // A rotation has two quaternions: of each before, the one near now's.
    let (t, u) = (by_two.abs(), by_three.abs());
    let (a, b) = (t * (t * t - 2.0) + (u * u - 1.0), t * t - 1.0);
    let half = GOES_ON * 0.5;
    let on_now = (1.0 - GOES_ON) + half * a;
    let on_two = half * b * if by_two < 0.0 { -1.0 } else { 1.0 };
    let on_three = half * by_three;
    let part = |n: usize| on_now * now[n] - on_two * two[n] - on_three * three[n];
    let blend = [part(0), part(1), part(2), part(3)];
    let square = dot(&blend, &blend);
    let scale = (unit.square / if square > 1.0 { square } else { 1.0 }).sqrt();
    [
        blend[0] * scale,
        blend[1] * scale,
        blend[2] * scale,
        blend[3] * scale,
    ]
}

/// The components' order by magnitude, the largest first, of equals the earlier; and how much larger the first is than the second,
/// in quanta.
#[inline]
pub(super) fn order(of: &Quaternion) -> ([u8; 4], u32) {
    // Magnitudes compare as their bits do; the lowest two of these give way to the place.
    let key = |n: u8| (of[usize::from(n)].abs().to_bits() & !3) | u32::from(3 - n);
    let [a, b, c, d] = [key(0), key(1), key(2), key(3)];
    let ((a, b), (c, d)) = ((a.max(b), a.min(b)), (c.max(d), c.min(d)));
    let ((first, c), (b, last)) = ((a.max(c), a.min(c)), (b.max(d), b.min(d)));
    let (second, third) = (b.max(c), b.min(c));
    let place = |key: u32| 3 - (key & 3).to_le_bytes()[0];
    let lead = (f32::from_bits(first & !3) - f32::from_bits(second & !3)) * 0.5;
    ([first, second, third, last].map(place), whole(lead))
}

/// The components that a body would have if `largest` were its largest.
#[inline]
pub(super) fn components(of: &Quaternion, largest: u8, unit: Unit) -> [i32; 3] {
    let largest = usize::from(largest & 3);
    let half = 0.5f32.copysign(of[largest]);
    core::array::from_fn(|n| {
        let at = n + usize::from(n >= largest);
        whole((of[at] * half + (unit.most + 1.0) * 0.5).clamp(0.0, unit.most)).cast_signed()
    })
}

#[inline]
fn dot(a: &Quaternion, b: &Quaternion) -> f32 {
    (a[0] * b[0] + a[1] * b[1]) + (a[2] * b[2] + a[3] * b[3])
}

/// The integer below.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "that is meant"
)]
fn whole(value: f32) -> u32 {
    value as u32
}
