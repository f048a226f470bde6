//! Which way three directions turn: the predicate that every other one here is made of.
//!
//! Three stages, each for what the one before could not decide:
//! 1. the determinant in f64, if it is beyond its rounding error;
//! 2. the same from differences, whose error shrinks with the triangle; then without any rounding ([`super::exact`]);
//! 3. of coplanar directions, the sign after an infinitesimal shift of every vector, always the same shift for the same
//!    vector (Simulation of Simplicity; Edelsbrunner, Mücke 1990), with the order of shifts that S2 has.
//!
//! So distinct directions always turn one way or the other, and all answers fit together as if no three lay on a circle.

use core::cmp::Ordering;

use glam::{DVec2, DVec3};

use super::exact::{CUBIC, Exact, ExactVec};

/// Which way a triangle turns, seen from outside the sphere.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(i8)]
pub enum Orientation {
    /// Clockwise.
    Clockwise = -1,
    /// Two of the three are the same.
    Degenerate = 0,
    /// Counter-clockwise.
    CounterClockwise = 1,
}

/// Which way a → b → c turns; exact, never undecided for distinct directions of length one (to 2⁻⁵⁰).
///
/// `orientation(b, c, a)` is the same, `orientation(c, b, a)` the opposite. Costs 2 to 3 ns for random
/// directions, in doubt up to a microsecond.
#[inline]
pub fn orientation(a: DVec3, b: DVec3, c: DVec3) -> Orientation {
    // Two constants to choose from, so that there is no branch on the sign, which nobody can foresee.
    let determinant = a.cross(b).dot(c);
    if determinant.abs() > ERROR_MAX {
        return if determinant > 0.0 {
            Orientation::CounterClockwise
        } else {
            Orientation::Clockwise
        };
    }
    match in_doubt(a, b, c) {
        0 => Orientation::Degenerate,
        1 => Orientation::CounterClockwise,
        _ => Orientation::Clockwise,
    }
}

/// Whether going around `center` counter-clockwise from `a` meets `b` no later than `c`.
///
/// True when `a == b` or `b == c`, else false when `a == c`. None may be `center`.
pub fn ordered_ccw(a: DVec3, b: DVec3, c: DVec3, center: DVec3) -> bool {
    // Two of the three pairs in order suffice, which is also right when the angles exceed half a turn (S2's rule).
    let pairs = [
        turn(b, center, a) >= 0,
        turn(c, center, b) >= 0,
        turn(a, center, c) > 0,
    ];
    pairs.into_iter().filter(|p| *p).count() >= 2
}

/// [`orientation`] as a number: −1, 0 or 1.
#[inline]
pub(super) fn turn(a: DVec3, b: DVec3, c: DVec3) -> i8 {
    let determinant = a.cross(b).dot(c);
    if determinant.abs() > ERROR_MAX {
        if determinant > 0.0 { 1 } else { -1 }
    } else {
        in_doubt(a, b, c)
    }
}

/// |fl((a×b)·c) − (a×b)·c| ≤ (2.5 + 2/√3)·2⁻⁵³ for unit vectors (the bound is derived in S2's s2predicates.h).
const ERROR_MAX: f64 = 1.8274 * f64::EPSILON;

/// The sign of a determinant of unit vectors, 0 in doubt.
#[inline]
pub(super) fn triage(determinant: f64) -> i8 {
    i8::from(determinant > ERROR_MAX) - i8::from(determinant < -ERROR_MAX)
}

/// Calls with numbers, not with references: for these the vectors would be stored before every use, and loading what was
/// stored in other parts waits for the store (15 ns instead of 2.4).
#[inline(always)]
fn in_doubt(a: DVec3, b: DVec3, c: DVec3) -> i8 {
    let z_of_ab = DVec2::new(a.z, b.z);
    turn_in_doubt(a.truncate(), b.truncate(), c.truncate(), z_of_ab, c.z)
}

#[cold]
#[inline(never)]
fn turn_in_doubt(a: DVec2, b: DVec2, c: DVec2, z_of_ab: DVec2, z_of_c: f64) -> i8 {
    let (a, b, c) = (a.extend(z_of_ab.x), b.extend(z_of_ab.y), c.extend(z_of_c));
    if a == b || b == c || c == a {
        return 0;
    }
    match turn_from_differences(a, b, c) {
        0 => turn_exactly(a, b, c),
        sign => sign,
    }
}

/// The determinant from the two shorter sides, whose error is proportional to them; 0 in doubt.
fn turn_from_differences(a: DVec3, b: DVec3, c: DVec3) -> i8 {
    // Half the spacing S2 proves for this formula is 3.2321·ε; the floor keeps underflow out.
    const ERROR_PER_AREA: f64 = 3.2321 * f64::EPSILON;
    const ERROR_MIN: f64 = 1e-200;
    let (ab, bc, ca) = (b - a, c - b, a - c);
    let (ab2, bc2, ca2) = (
        ab.length_squared(),
        bc.length_squared(),
        ca.length_squared(),
    );
    let (determinant, squares) = if ab2 >= bc2 && ab2 >= ca2 {
        (bc.cross(ca).dot(c), bc2 * ca2)
    } else if bc2 >= ca2 {
        (ca.cross(ab).dot(a), ca2 * ab2)
    } else {
        (ab.cross(bc).dot(b), ab2 * bc2)
    };
    let error_max = ERROR_PER_AREA * squares.sqrt();
    if error_max < ERROR_MIN || determinant.abs() <= error_max {
        0
    } else if determinant > 0.0 {
        1
    } else {
        -1
    }
}

/// The sign without rounding, of shifted vectors where it is zero; the three are distinct.
fn turn_exactly(a: DVec3, b: DVec3, c: DVec3) -> i8 {
    let mut points = [a, b, c];
    let mut parity = 1;
    for (m, n) in [(0, 1), (1, 2), (0, 1)] {
        if lexicographic(points[m], points[n]) == Ordering::Greater {
            points.swap(m, n);
            parity = -parity;
        }
    }
    let [a, b, c] = points.map(ExactVec::<CUBIC>::new);
    let b_cross_c = b.cross(&c);
    let sign = match a.dot(&b_cross_c).signum() {
        0 => turn_of_shifted(&a, &b, &c, &b_cross_c),
        sign => sign,
    };
    parity * sign
}

/// The sign of the first coefficient that is not zero, in the determinant of a + δa, b + δb, c + δc as a polynomial of
/// the shifts, where a < b < c and δa.z ≫ δa.y ≫ δa.x ≫ δb.z ≫ δb.y ≫ δb.x ≫ δc.z ≫ δc.y ≫ δc.x.
fn turn_of_shifted(
    a: &ExactVec<CUBIC>,
    b: &ExactVec<CUBIC>,
    c: &ExactVec<CUBIC>,
    b_cross_c: &ExactVec<CUBIC>,
) -> i8 {
    let of = |number: &Exact<CUBIC>| number.signum();
    let coefficients: [&dyn Fn() -> i8; 12] = [
        &|| of(&b_cross_c.0[2]),       // δa.z
        &|| of(&b_cross_c.0[1]),       // δa.y
        &|| of(&b_cross_c.0[0]),       // δa.x
        &|| c.minor(a, 0, 1).signum(), // δb.z
        &|| of(&c.0[0]),               // δb.z δa.y
        &|| -of(&c.0[1]),              // δb.z δa.x
        &|| c.minor(a, 2, 0).signum(), // δb.y
        &|| of(&c.0[2]),               // δb.y δa.x; after it that of δb.x is zero too
        &|| a.minor(b, 0, 1).signum(), // δc.z
        &|| -of(&b.0[0]),              // δc.z δa.y
        &|| of(&b.0[1]),               // δc.z δa.x
        &|| of(&a.0[0]),               // δc.z δb.y
    ];
    let first = coefficients.iter().map(|sign| sign()).find(|s| *s != 0);
    first.unwrap_or(1) // δc.z δb.y δa.x, whose coefficient is 1
}

/// By x, then y, then z; −0 is 0.
pub(super) fn lexicographic(a: DVec3, b: DVec3) -> Ordering {
    let by = |m: f64, n: f64| m.partial_cmp(&n).unwrap_or(Ordering::Equal);
    by(a.x, b.x).then(by(a.y, b.y)).then(by(a.z, b.z))
}
