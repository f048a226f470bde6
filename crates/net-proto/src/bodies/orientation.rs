//! Where a body's rotation leads.
//!
//! A unit quaternion that turns steadily obeys q(t + h) = 2 c q(t) − q(t − h), where c = q(t)·q(t − h) is the cosine of half the
//! angle of h: no angles, no trigonometry. So with τ = 2c, six frames ahead of `now` are, by the frame two before,
//! (τ³ − 2τ) now − (τ² − 1) before, and by that three before, (τ² − 1) now − τ before.
//!
//! In f32, of which nothing is ever sent: + − × ÷ √ alone, in a written order, which IEEE 754 rounds alike everywhere.

use super::BODIES_MAX;
use super::body::{Body, COMPONENT_MAX};
use super::position::{whole, within};

/// A quaternion, x, y, z, w, of length √[`Unit::square`]: a component's quantum is 2.
type Quaternion = [f32; 4];

/// What components are counted in: a quantum is √2 by the most that one can be. All exact in f32.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    most: f32,
    square: f32, // most² · 2
}

impl Unit {
    /// Of components up to so many, at most [`COMPONENT_MAX`].
    #[inline]
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

/// Where a body's rotation leads.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Turn {
    towards: Quaternion,
    /// Components by magnitude, the largest first, two bits each.
    order: u32,
    /// How much larger the first is than the second, in quanta.
    pub(super) clear: u32,
    /// What a body's components are if its largest is the first in order.
    components: [i32; 4],
}

/// Where the rotations of a packet's bodies lead.
#[derive(Clone, Debug)]
pub(super) struct Rotations(Vec<Turn>);

/// So many are forecast at once: columns on the stack, of which the compiler makes vectors.
const BLOCK: usize = 32;

impl Rotations {
    pub(super) fn new() -> Self {
        Self(vec![Turn::default(); BODIES_MAX])
    }

    /// Forecasts those of a list, six frames after the first of three frames, from those two and three before it.
    pub(super) fn forecast(&mut self, frames: [&[Body]; 3], list: &[u16], unit: Unit) {
        for (turns, list) in self.0.chunks_mut(BLOCK).zip(list.chunks(BLOCK)) {
            let mut known = [[[0i16; 4]; BLOCK]; 3];
            for (known, frame) in known.iter_mut().zip(frames) {
                for (known, n) in known.iter_mut().zip(list) {
                    let [_, _, _, a, b, c, largest, _] = *frame[usize::from(*n)].lanes();
                    *known = [a, b, c, largest];
                }
            }
            forecast(&known, turns, unit);
        }
    }

    /// The forecast of a list's place.
    #[inline]
    pub(super) fn of(&self, place: usize) -> &Turn {
        &self.0[place]
    }
}

impl Turn {
    /// The component that is so many-th by magnitude.
    #[inline]
    pub(super) fn ranked(&self, rank: usize) -> i16 {
        i16::from((self.order >> (2 * rank)).to_le_bytes()[0] & 3)
    }

    /// What a body's components are if its largest is so many-th.
    #[inline]
    pub(super) fn components(&self, rank: usize, unit: Unit) -> [i32; 3] {
        if rank == 0 {
            let [a, b, c, _] = self.components;
            return [a, b, c];
        }
        let [a, b, c, _] = components(&self.towards, i32::from(self.ranked(rank)), unit);
        [a, b, c]
    }
}

/// Of three frames the three components, and which one is the largest.
#[inline(never)]
fn forecast(known: &[[[i16; 4]; BLOCK]; 3], turns: &mut [Turn], unit: Unit) {
    let mut towards = [[0.0; BLOCK]; 4];
    let mut orders = [[0; BLOCK]; 2];
    let mut parts = [[0; BLOCK]; 3];
    for n in 0..BLOCK {
        let of = |frame: usize| {
            let [a, b, c, largest] = known[frame][n];
            quaternion([a, b, c], largest, unit)
        };
        let forecast = predict(&of(0), &of(1), &of(2), unit);
        let (order, clear) = order(&forecast);
        let [a, b, c, _] = components(&forecast, (order & 3).cast_signed(), unit);
        for lane in 0..4 {
            towards[lane][n] = forecast[lane];
        }
        orders[0][n] = order.cast_signed();
        orders[1][n] = clear;
        parts[0][n] = a;
        parts[1][n] = b;
        parts[2][n] = c;
    }
    for (n, turn) in turns.iter_mut().enumerate().take(BLOCK) {
        *turn = Turn {
            towards: towards.each_ref().map(|lane| lane[n]),
            order: orders[0][n].cast_unsigned(),
            clear: orders[1][n].cast_unsigned(),
            components: [parts[0][n], parts[1][n], parts[2][n], 0],
        };
    }
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

/// The components' order by magnitude, the largest in the lowest two bits, of equals the earlier; and how much larger the first is than the
/// second, in quanta.
#[inline]
fn order(of: &Quaternion) -> (u32, i32) {
    // Magnitudes compare as their bits do; the lowest two of these give way to the place.
    let key = |n: u32| f32::from_bits((of[n as usize].abs().to_bits() & !3) | (3 - n));
    let ((a, b), (c, d)) = (sorted(key(0), key(1)), sorted(key(2), key(3)));
    let ((first, c), (b, last)) = (sorted(a, c), sorted(b, d));
    let (second, third) = sorted(b, c);
    let place = |key: f32| !key.to_bits() & 3;
    let order = place(first) | place(second) << 2 | place(third) << 4 | place(last) << 6;
    (order, whole((first - second) * 0.5))
}

#[inline]
fn sorted(a: f32, b: f32) -> (f32, f32) {
    (if a > b { a } else { b }, if a > b { b } else { a })
}

/// The components that a body would have if `largest` were its largest.
#[inline]
fn components(of: &Quaternion, largest: i32, unit: Unit) -> [i32; 4] {
    let [x, y, z, w] = *of;
    let greatest = if largest < 2 {
        if largest == 0 { x } else { y }
    } else if largest == 2 {
        z
    } else {
        w
    };
    let half = 0.5f32.copysign(greatest);
    let others = [
        if largest == 0 { y } else { x },
        if largest < 2 { z } else { y },
        if largest < 3 { w } else { z },
    ];
    let [a, b, c] =
        others.map(|other| whole(within(other * half + unit.most * 0.5, 0.0, unit.most)));
    [a, b, c, 0]
}

#[inline]
fn dot(a: &Quaternion, b: &Quaternion) -> f32 {
    (a[0] * b[0] + a[1] * b[1]) + (a[2] * b[2] + a[3] * b[3])
}
