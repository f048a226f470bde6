//! Where a body's rotation leads.
//!
//! A unit quaternion that turns steadily obeys q(t + h) = 2 c q(t) − q(t − h), where c = q(t)·q(t − h) is the cosine of half the
//! angle of h: no angles, no trigonometry. All in fixed point: a unit is [`UNIT`].

use super::body::Body;

/// A quaternion, x, y, z, w, of length [`UNIT`].
pub(super) type Quaternion = [i32; 4];

/// 511 √2 · 32, for a component's quantum is a 511th of √2: then 64 are one quantum.
const UNIT: i32 = 23_125;
const UNIT_SQUARE: i64 = 522_242 * 1_024;

/// A rotation goes on by so much, in 1/1,024: what turns is slowed by what it touches. On the benchmark 0.94 and 0.97 are 1.3 B and
/// 0.2 B a packet worse.
const GOES_ON: i64 = 980;

/// The body's orientation, its largest component filled in.
pub(super) fn quaternion(body: &Body) -> Quaternion {
    let parts = body.components().map(|value| 2 * i32::from(value) - 511);
    let square: i32 = parts.iter().map(|part| part * part).sum();
    let largest = root(i64::from((522_242 - square).max(0)) * 1_024);
    let mut parts = parts.into_iter();
    core::array::from_fn(|at| {
        if at == usize::from(body.largest()) {
            narrow(largest)
        } else {
            32 * parts.next().unwrap_or(0)
        }
    })
}

/// The orientation six frames after `now`, from those two and three frames before it: the mean of what the two say.
pub(super) fn predict(now: &Quaternion, two_before: &Body, three_before: &Body) -> Quaternion {
    let two = near(quaternion(two_before), now);
    let three = near(quaternion(three_before), now);
    let after_two = next(now, &two);
    let after_four = next(&after_two, now);
    let by_two = next(&after_four, &after_two);
    let by_three = next(&next(now, &three), now);
    let blend: Quaternion = core::array::from_fn(|at| {
        let mean = (by_two[at] + by_three[at]) >> 1;
        now[at] + narrow((i64::from(mean - now[at]) * GOES_ON) >> 10)
    });
    unit(&blend)
}

/// The components' order by magnitude, the largest first; of equals the earlier.
pub(super) fn order(of: &Quaternion) -> [u8; 4] {
    let mut order = [0, 1, 2, 3];
    let size = |at: u8| of[usize::from(at)].abs();
    for (a, b) in [(0, 1), (1, 2), (2, 3), (0, 1), (1, 2), (0, 1)] {
        if size(order[b]) > size(order[a]) {
            order.swap(a, b);
        }
    }
    order
}

/// How much larger the first of them is than the second.
pub(super) fn lead(of: &Quaternion, order: [u8; 4]) -> i32 {
    let [first, second] = [order[0], order[1]].map(|at| of[usize::from(at)].abs());
    first - second
}

/// The components that a body would have if `largest` were its largest.
pub(super) fn components(of: &Quaternion, largest: u8) -> [i32; 3] {
    let largest = usize::from(largest);
    let sign = if of[largest] < 0 { -1 } else { 1 };
    core::array::from_fn(|n| {
        let at = n + usize::from(n >= largest);
        ((sign * of[at] + 511 * 32 + 32) >> 6).clamp(0, 511)
    })
}

/// Of a rotation's two quaternions the one near another's.
fn near(of: Quaternion, other: &Quaternion) -> Quaternion {
    if dot(&of, other) < 0 {
        of.map(|part| -part)
    } else {
        of
    }
}

/// What follows on `before` and `now`, as long after as that was before.
fn next(now: &Quaternion, before: &Quaternion) -> Quaternion {
    let cosine = (dot(now, before) << 16) / UNIT_SQUARE;
    core::array::from_fn(|at| narrow((cosine * i64::from(now[at])) >> 15) - before[at])
}

/// The same direction, of length [`UNIT`].
fn unit(of: &Quaternion) -> Quaternion {
    let length = root(dot(of, of)).max(1);
    let scale = (i64::from(UNIT) << 16) / length;
    of.map(|part| narrow((i64::from(part) * scale) >> 16))
}

/// The integer below the square root. IEEE 754 has one answer, the right one rounded, and so have all platforms; exact up to 2⁵².
#[expect(clippy::cast_possible_truncation, reason = "at most 2³¹")]
#[expect(clippy::cast_precision_loss, reason = "rounds the same everywhere")]
fn root(square: i64) -> i64 {
    (square as f64).sqrt() as i64
}

fn dot(a: &Quaternion, b: &Quaternion) -> i64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| i64::from(*a) * i64::from(*b))
        .sum()
}

/// Orientations that are none, of which a peer may tell, lead nowhere near the bounds of 64 bits.
#[expect(clippy::cast_possible_truncation, reason = "of ±2²⁸")]
fn narrow(value: i64) -> i32 {
    value.clamp(-(1 << 28), 1 << 28) as i32
}
