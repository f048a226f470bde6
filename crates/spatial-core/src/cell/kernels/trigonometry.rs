//! Sine, cosine and arctangent in lanes, with the bits of `libm`'s (FreeBSD's msun: `s_sin.c`, `e_rem_pio2.c`, `s_atan.c`,
//! `e_atan2.c`; their polynomials and splits of π/2).
//!
//! The lanes take the ways of ordinary arguments, all at once; the few lanes with others are asked of `libm` one by one.

#![expect(
    clippy::excessive_precision,
    reason = "the digits that the polynomials were published with"
)]

use super::lanes::{Float, Lanes, Mask};

/// Sine and cosine of angles within ±5π/4.
#[inline(always)]
pub(super) fn sin_cos<L: Lanes>(l: L, x: L::F) -> [L::F; 2] {
    let (zero, one) = (l.splat(0.0), l.splat(1.0));
    let a = x.abs();
    // The reduction to ±π/4 by one or two quarter turns; the bounds are compared in their high halves.
    let (one_turn, two_turns) = (
        a.ge(l.splat(above(0x3fe9_21fb))),
        a.ge(l.splat(above(0x4002_d97c))),
    );
    let turns = l.splat(2.0).or(two_turns, one.or(one_turn, zero));
    let z = a - turns * l.splat(PIO2_HI);
    let rest = turns * l.splat(PIO2_LO);
    let y = z - rest;
    let y_lo = (z - y) - rest;
    let (sin, cos) = (sin_near_0(l, y, y_lo, one_turn), cos_near_0(l, y, y_lo));
    // One turn: (cos, −sin). Two: (−sin, −cos).
    let is_odd = one_turn ^ two_turns;
    let sine = cos.or(is_odd, (-sin).or(two_turns, sin)).times_sign_of(x);
    let cosine = (-sin).or(is_odd, (-cos).or(two_turns, cos));
    // Near multiples of π/2 the reduction needs more bits; NaN is answered there too.
    let cancels = (l.splat(CANCELLATION).gt(y.abs()) & one_turn).bits();
    if cancels == 0 {
        [sine, cosine]
    } else {
        patched(l, cancels, [x, zero], [sine, cosine], |[x, _]| {
            libm::sincos(x).into()
        })
    }
}

/// The least number whose high half is above this one.
const fn above(high: u64) -> f64 {
    f64::from_bits((high + 1) << 32)
}

/// The first 33 bits of π/2, and the rest.
const PIO2_HI: f64 = 1.570_796_326_734_125_614_17;
const PIO2_LO: f64 = 6.077_100_506_506_192_249_32e-11;
/// `libm` takes more care within 2⁻¹⁹ of multiples of π/2 (where the high halves are equal); so wide at least.
const CANCELLATION: f64 = 1.0 / 131_072.0;

/// Sine of y + y_lo within ±π/4; the plain one where nothing was reduced.
#[inline(always)]
fn sin_near_0<L: Lanes>(l: L, y: L::F, y_lo: L::F, is_reduced: L::M) -> L::F {
    let [s1, s2, s3, s4, s5, s6] = splats(l, SIN);
    let z = y * y;
    let w = z * z;
    let r = s2 + z * (s3 + z * s4) + z * w * (s5 + z * s6);
    let v = z * y;
    let plain = y + v * (s1 + z * r);
    let reduced = y - ((z * (l.splat(0.5) * y_lo - v * r) - y_lo) - v * s1);
    reduced.or(is_reduced, plain)
}

/// Cosine of y + y_lo within ±π/4.
#[inline(always)]
fn cos_near_0<L: Lanes>(l: L, y: L::F, y_lo: L::F) -> L::F {
    let [c1, c2, c3, c4, c5, c6] = splats(l, COS);
    let one = l.splat(1.0);
    let z = y * y;
    let w = z * z;
    let r = z * (c1 + z * (c2 + z * c3)) + w * w * (c4 + z * (c5 + z * c6));
    let half = l.splat(0.5) * z;
    let w = one - half;
    w + (((one - w) - half) + (z * r - y * y_lo))
}

const SIN: [f64; 6] = [
    -1.66666666666666324348e-01,
    8.33333333332248946124e-03,
    -1.98412698298579493134e-04,
    2.75573137070700676789e-06,
    -2.50507602534068634195e-08,
    1.58969099521155010221e-10,
];
const COS: [f64; 6] = [
    4.16666666666666019037e-02,
    -1.38888888888741095749e-03,
    2.48015872894767294178e-05,
    -2.75573143513906633035e-07,
    2.08757232129817482790e-09,
    -1.13596475577881948265e-11,
];

/// The angles of the points (x, y), within ±π.
#[inline(always)]
pub(super) fn atan2<L: Lanes>(l: L, y: L::F, x: L::F) -> L::F {
    let (zero, one) = (l.splat(0.0), l.splat(1.0));
    let t = (y / x).abs();
    let angle = atan_positive(l, t);
    let turned = l.splat(core::f64::consts::PI) - (angle - l.splat(PI_LO));
    let angle = turned.or(zero.gt(x), angle).times_sign_of(y);
    // On an axis or next to it, and NaN.
    let ordinary = (t.gt(l.splat(1.0 / LARGE)) & l.splat(LARGE).gt(t)).bits();
    let others = ordinary ^ (one.ge(zero).bits());
    if others == 0 {
        angle
    } else {
        patched(l, others, [y, x], [angle, zero], |[y, x]| {
            [libm::atan2(y, x), 0.0]
        })[0]
    }
}

/// Ratios between this and its inverse take the ordinary way.
const LARGE: f64 = 67_108_864.0; // 2²⁶
/// π − [`core::f64::consts::PI`].
const PI_LO: f64 = 1.224_646_799_147_353_177_2e-16;

/// Arctangent of a positive number: reduced by that of 0, ½, 1, 1½ or ∞, then a polynomial.
#[inline(always)]
fn atan_positive<L: Lanes>(l: L, t: L::F) -> L::F {
    let (one, half_3) = (l.splat(1.0), l.splat(1.5));
    let steps = [
        t.ge(l.splat(0.4375)),
        t.ge(l.splat(0.6875)),
        t.ge(l.splat(1.1875)),
        t.ge(l.splat(2.4375)),
    ];
    let two = l.splat(2.0);
    let top = [t, two * t - one, t - one, t - half_3, -one];
    let bottom = [one, two + t, t + one, one + half_3 * t, t];
    let q = chosen::<L>(steps, top) / chosen::<L>(steps, bottom);
    let z = q * q;
    let w = z * z;
    let a = splats(l, ATAN);
    let even = z * (a[0] + w * (a[2] + w * (a[4] + w * (a[6] + w * (a[8] + w * a[10])))));
    let odd = w * (a[1] + w * (a[3] + w * (a[5] + w * (a[7] + w * a[9]))));
    let hi = chosen::<L>(steps, splats(l, ATAN_HI));
    let lo = chosen::<L>(steps, splats(l, ATAN_LO));
    hi - (q * (even + odd) - lo - q)
}

/// The last of the values whose step is reached.
#[inline(always)]
fn chosen<L: Lanes>(steps: [L::M; 4], values: [L::F; 5]) -> L::F {
    let mut value = values[0];
    for n in 0..4 {
        value = values[n + 1].or(steps[n], value);
    }
    value
}

/// Each number in all lanes.
#[inline(always)]
fn splats<L: Lanes, const N: usize>(l: L, numbers: [f64; N]) -> [L::F; N] {
    let mut vectors = [l.splat(0.0); N];
    for n in 0..N {
        vectors[n] = l.splat(numbers[n]);
    }
    vectors
}

const ATAN_HI: [f64; 5] = [
    0.0,
    4.63647609000806093515e-01,
    core::f64::consts::FRAC_PI_4,
    9.82793723247329054082e-01,
    core::f64::consts::FRAC_PI_2,
];
const ATAN_LO: [f64; 5] = [
    0.0,
    2.26987774529616870924e-17,
    3.06161699786838301793e-17,
    1.39033110312309984516e-17,
    6.12323399573676603587e-17,
];
const ATAN: [f64; 11] = [
    3.33333333333329318027e-01,
    -1.99999999998764832476e-01,
    1.42857142725034663711e-01,
    -1.11111104054623557880e-01,
    9.09088713343650656196e-02,
    -7.69187620504482999495e-02,
    6.66107313738753120669e-02,
    -5.83357013379057348645e-02,
    4.97687799461593236017e-02,
    -3.65315727442169155270e-02,
    1.62858201153657823623e-02,
];

/// Two answers of which some lanes are replaced by those of a scalar function of two arguments.
#[inline(always)]
fn patched<L: Lanes>(
    l: L,
    lanes: u32,
    arguments: [L::F; 2],
    answers: [L::F; 2],
    scalar: fn([f64; 2]) -> [f64; 2],
) -> [L::F; 2] {
    let mut spilled = [[[0.0; 8]; 2]; 2];
    for n in 0..2 {
        l.store(arguments[n], &mut spilled[0][n]);
        l.store(answers[n], &mut spilled[1][n]);
    }
    let [arguments, answers] = &mut spilled;
    patch(lanes, arguments, answers, scalar);
    [l.load(&answers[0]), l.load(&answers[1])]
}

#[cold]
fn patch(
    lanes: u32,
    arguments: &[[f64; 8]; 2],
    answers: &mut [[f64; 8]; 2],
    scalar: fn([f64; 2]) -> [f64; 2],
) {
    for n in (0..8).filter(|n| lanes >> n & 1 != 0) {
        let answer = scalar([arguments[0][n], arguments[1][n]]);
        (answers[0][n], answers[1][n]) = (answer[0], answer[1]);
    }
}
