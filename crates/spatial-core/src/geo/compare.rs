//! Which of two distances is less, exactly.

use core::cmp::Ordering;

use glam::DVec3;

use super::exact::{Exact, ExactVec, SEXTIC};
use super::orientation::lexicographic;

type Number = Exact<SEXTIC>;
type Vector = ExactVec<SEXTIC>;

/// What a squared chord from f64 coordinates may be off: in proportion (20 half-ulps of it suffice: 4 from rounding, 16
/// from lengths that are one only to 2⁻⁵⁰), and at least (those lengths squared).
const RELATIVE_ERROR: f64 = 32.0 * (f64::EPSILON / 2.0);
const ERROR_MIN: f64 = 1.0 / (1u128 << 96) as f64;

/// Compares the distances x–a and x–b on the sphere. Exact; equal only when `a == b`: of two directions equally far the
/// lexicographically smaller counts as farther (S2's rule). Lengths are one to 2⁻⁵⁰.
pub fn compare_distances(x: DVec3, a: DVec3, b: DVec3) -> Ordering {
    let (to_a, to_b) = (x.distance_squared(a), x.distance_squared(b));
    let error = RELATIVE_ERROR * (to_a + to_b) + ERROR_MIN;
    if (to_a - to_b).abs() > error {
        return to_a.total_cmp(&to_b);
    }
    compare_exactly(x, a, b).then_with(|| lexicographic(b, a))
}

/// Compares the distance x–y with a chord, whose square is given (0 to 4: a point, the whole sphere). Exact.
pub fn compare_distance(x: DVec3, y: DVec3, chord_squared: f64) -> Ordering {
    let distance = x.distance_squared(y);
    let error = RELATIVE_ERROR * (distance + chord_squared) + ERROR_MIN;
    if (distance - chord_squared).abs() > error {
        return distance.total_cmp(&chord_squared);
    }
    // The cosine of the chord's angle is 1 − chord²/2.
    let cos_chord = Number::new(1.0).sub(&Number::new(chord_squared).mul(&Number::new(0.5)));
    let (x, y) = (Vector::new(x), Vector::new(y));
    let cos = x.dot(&y); // times both lengths
    let squares = x.dot(&x).mul(&y.dot(&y));
    let left = cos_chord.mul(&cos_chord).mul(&squares);
    smaller_cosine_is_farther(&cos, &cos_chord, &left.sub(&cos.mul(&cos)))
}

fn compare_exactly(x: DVec3, a: DVec3, b: DVec3) -> Ordering {
    let (x, a, b) = (Vector::new(x), Vector::new(a), Vector::new(b));
    let (cos_a, cos_b) = (x.dot(&a), x.dot(&b)); // times lengths
    let left = cos_b.mul(&cos_b).mul(&a.dot(&a));
    let right = cos_a.mul(&cos_a).mul(&b.dot(&b));
    smaller_cosine_is_farther(&cos_a, &cos_b, &left.sub(&right))
}

/// Orders two angles by the signs of their cosines and, where these agree, of second² − first².
fn smaller_cosine_is_farther(first: &Number, second: &Number, squares: &Number) -> Ordering {
    let (sign, other) = (first.signum(), second.signum());
    if sign == other {
        (sign * squares.signum()).cmp(&0)
    } else {
        other.cmp(&sign)
    }
}
