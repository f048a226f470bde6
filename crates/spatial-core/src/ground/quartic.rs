//! Where a polynomial of degree 4 is first not positive.

/// Halvings of a part: then what is left of it is below a rounding.
const HALVINGS: u32 = 40;

/// The first place in [0, 1] where a polynomial of degree 4 is not positive, its coefficients ascending; where it is not positive at 0, that.
///
/// What it says is within 1e-6 of zero there, or as near as numbers are. A polynomial that comes to zero and goes back may be
/// missed by a rounding. Most are seen to have no such place at a glance: their Bernstein coefficients bound them. The same bits everywhere.
#[inline(always)]
pub fn first_not_positive(coefficients: [f64; 5]) -> Option<f64> {
    first_zero(bernstein(coefficients))
}

/// The Bernstein coefficients on [0, 1] of a polynomial: its values lie between the least and the largest of them.
#[inline(always)]
fn bernstein([c0, c1, c2, c3, c4]: [f64; 5]) -> [f64; 5] {
    [
        c0,
        c0 + c1 / 4.0,
        c0 + c1 / 2.0 + c2 / 6.0,
        c0 + 0.75 * c1 + 0.5 * c2 + 0.25 * c3,
        c0 + c1 + c2 + c3 + c4,
    ]
}

/// The first place in [0, 1] where a polynomial is not positive.
#[inline(always)]
fn first_zero(b: [f64; 5]) -> Option<f64> {
    if b.iter().all(|b| *b > 0.0) {
        return None;
    }
    if b[0] <= 0.0 {
        return Some(0.0);
    }
    first_zero_in(b, 0.0, 1.0, HALVINGS)
}

/// The same of a polynomial that is positive at its start, on a part of [0, 1].
fn first_zero_in(b: [f64; 5], from: f64, length: f64, halvings: u32) -> Option<f64> {
    if b.iter().all(|b| *b > 0.0) {
        return None;
    }
    if b[0] <= 0.0 {
        return Some(from);
    }
    // One change of sign: one zero (Descartes' rule).
    let first = b.iter().position(|b| *b <= 0.0)?;
    if b[4] <= 0.0 && b[first..].iter().all(|b| *b <= 0.0) {
        return Some(from + length * only_zero(b));
    }
    if halvings == 0 {
        return Some(from);
    }
    let (left, right) = halves(b);
    let half = 0.5 * length;
    first_zero_in(left, from, half, halvings - 1)
        .or_else(|| first_zero_in(right, from + half, half, halvings - 1))
}

/// The zero of a polynomial that is positive at 0, not at 1, and has one between. Newton's steps, within brackets.
#[inline(always)]
fn only_zero(b: [f64; 5]) -> f64 {
    let [b0, b1, b2, b3, b4] = b;
    let c = [
        b0,
        4.0 * (b1 - b0),
        6.0 * (b0 - 2.0 * b1 + b2),
        4.0 * (b3 - 3.0 * b2 + 3.0 * b1 - b0),
        b4 - 4.0 * b3 + 6.0 * b2 - 4.0 * b1 + b0,
    ];
    let value = |x: f64| c[0] + x * (c[1] + x * (c[2] + x * (c[3] + x * c[4])));
    let slope = |x: f64| c[1] + x * (2.0 * c[2] + x * (3.0 * c[3] + x * 4.0 * c[4]));
    let (mut low, mut high) = (0.0, 1.0); // positive, not positive
    let mut x = b0 / (b0 - b4); // of the straight line between the ends
    for _ in 0..60 {
        let f = value(x);
        match f > 0.0 {
            true => low = x,
            false => high = x,
        }
        // A thousandth of what the answer may be wrong by, or two steps that are one number.
        if f.abs() <= 1e-6 || high - low <= f64::EPSILON {
            break;
        }
        let step = x - f / slope(x);
        x = match low < step && step < high {
            true => step,
            false => 0.5 * (low + high),
        };
    }
    x
}

/// The Bernstein coefficients on both halves (de Casteljau).
fn halves(b: [f64; 5]) -> ([f64; 5], [f64; 5]) {
    let (mut row, mut left, mut right) = (b, [0.0; 5], [0.0; 5]);
    for n in 0..5 {
        (left[n], right[4 - n]) = (row[0], row[4 - n]);
        for k in 0..4 - n {
            row[k] = 0.5 * (row[k] + row[k + 1]);
        }
    }
    (left, right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_zeros_of_polynomials_are_those_of_their_factors() {
        let mut seed = 5u64;
        let mut draw = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 11) as f64 / (1u64 << 53) as f64
        };
        for n in 0..20_000 {
            // (x − a)(x − b)(x² + c) times a scale, with a and b anywhere around [0, 1].
            let (a, b) = (3.0 * draw() - 1.0, 3.0 * draw() - 1.0);
            let (c, scale) = (0.01 + draw(), 10.0 * draw() + 0.1);
            let scale = scale * (a * b).signum();
            let f = [a * b * c, -(a + b) * c, a * b + c, -(a + b), 1.0].map(|v| v * scale);
            let inside = [a, b].into_iter().filter(|z| (0.0..=1.0).contains(z));
            let want = inside.reduce(f64::min);
            let got = first_zero(bernstein(f));
            match (got, want) {
                (None, None) => {}
                (Some(got), Some(want)) => {
                    let value = f[0] + got * (f[1] + got * (f[2] + got * (f[3] + got * f[4])));
                    assert!(
                        value.abs() < 2e-6 && (got - want).abs() < 5e-2,
                        "{n}: {got} {want}"
                    );
                }
                _ => panic!("{n}: {got:?} {want:?}"),
            }
        }
    }

    #[test]
    fn what_starts_below_is_met_at_once_and_a_touch_counts() {
        assert_eq!(first_zero(bernstein([0.0, 1.0, 0.0, 0.0, 0.0])), Some(0.0));
        assert_eq!(first_zero(bernstein([-1.0, 9.0, 0.0, 0.0, 0.0])), Some(0.0));
        assert_eq!(first_zero([f64::MIN_POSITIVE; 5]), None);
        let touch = first_zero(bernstein([0.25, -1.0, 1.0, 0.0, 0.0])).unwrap();
        assert!((touch - 0.5).abs() < 1e-6, "{touch}");
    }
}
