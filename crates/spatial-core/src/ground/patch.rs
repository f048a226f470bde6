//! Where a way first meets the ground within one cell of the lattice.
//!
//! ```text
//! f(σ) = distance from the centre − R − h(x, y)      σ from 0 to 1 along the part of the way above the cell
//! ```
//! Distance, x and y are each taken as the parabola through three places of the part; h is bilinear, so f is a polynomial of
//! degree 4. Its Bernstein coefficients bound it: no sign, no contact. Parts longer than [`PART_RAD`] at the planet's centre are
//! taken one after the other: then the parabolas are right within 0.2 mm of height for relief of 3 km between two samples.

use super::line::{FaceLine, Line};
use crate::cell::uv_to_st;
use crate::terrain::LatticeSpec;

/// A part of a way that is taken as parabolas spans at most this angle at the planet's centre.
const PART_RAD: f64 = 1e-3;

/// Halvings of a part: then what is left of it is below a rounding.
const HALVINGS: u32 = 40;

/// The ground between four samples.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patch {
    face_intervals: f64, // of the tile's level
    corner: [f64; 2],    // of the cell, in intervals from the face's
    radius_m: f64,       // of the ground at the cell's corner, from the planet's centre
    slopes: [f64; 3],    // metres an interval along s and t, and of both
}

impl Patch {
    /// The ground between four samples: those of [`corners`](crate::store::Samples::corners).
    #[inline(always)]
    pub(super) fn new(
        lattice: &LatticeSpec,
        planet_radius_m: f64,
        (face_intervals, corner): (f64, [u32; 2]),
        samples: [i16; 4],
    ) -> Self {
        let (a, b) = (f64::from(samples[0]), f64::from(samples[1]));
        let (c, d) = (f64::from(samples[2]), f64::from(samples[3]));
        let quantum_m = lattice.quantum_m();
        Self {
            face_intervals,
            corner: [f64::from(corner[0]), f64::from(corner[1])],
            radius_m: planet_radius_m + lattice.height_m(a),
            slopes: [
                quantum_m * (b - a),
                quantum_m * (c - a),
                quantum_m * ((a - b) + (d - c)),
            ],
        }
    }

    /// The first place of a part of the way that is on or under the ground.
    #[inline(always)]
    pub(super) fn first_contact_m(
        &self,
        (line, on_face): (&Line, &FaceLine),
        from_m: f64,
        to_m: f64,
    ) -> Option<f64> {
        // An angle is at most a length across over the distance from the centre.
        let radius_square = self.radius_m * self.radius_m;
        let angle = (to_m - from_m) * line.foot_square.sqrt() / radius_square;
        if angle <= PART_RAD {
            return self.contact_in_part((line, on_face), from_m, to_m);
        }
        let parts = (angle / PART_RAD).ceil().min(1e6);
        let place = |n: f64| from_m + (to_m - from_m) * (n / parts);
        (0..parts as u32).map(f64::from).find_map(|n| {
            let to_m = place(n + 1.0).min(to_m);
            self.contact_in_part((line, on_face), place(n), to_m)
        })
    }

    #[inline(always)]
    fn contact_in_part(&self, way: (&Line, &FaceLine), from_m: f64, to_m: f64) -> Option<f64> {
        let length_m = to_m - from_m;
        // Written out: closures of mapped arrays are not inlined, which is a third of the time.
        let start = self.place(way, from_m);
        let middle = self.place(way, from_m + 0.5 * length_m);
        let end = self.place(way, to_m);
        let [x0, x1, x2] = parabola([start[0], middle[0], end[0]]);
        let [y0, y1, y2] = parabola([start[1], middle[1], end[1]]);
        let [r0, r1, r2] = parabola([start[2], middle[2], end[2]]);
        let [p, q, pq] = self.slopes;
        let f = [
            r0 - (p * x0 + q * y0 + pq * (x0 * y0)),
            r1 - (p * x1 + q * y1 + pq * (x0 * y1 + x1 * y0)),
            r2 - (p * x2 + q * y2 + pq * (x0 * y2 + x1 * y1 + x2 * y0)),
            -pq * (x1 * y2 + x2 * y1),
            -pq * (x2 * y2),
        ];
        first_zero(bernstein(f)).map(|along| from_m + along * length_m)
    }

    /// x and y of a place of the way, in intervals from the cell's corner, and how far it is above the corner's ground, metres.
    #[inline(always)]
    fn place(&self, (line, on_face): (&Line, &FaceLine), along_m: f64) -> [f64; 3] {
        let [u, v] = on_face.uv(along_m);
        [
            uv_to_st(u) * self.face_intervals - self.corner[0],
            uv_to_st(v) * self.face_intervals - self.corner[1],
            line.radius_m(along_m) - self.radius_m,
        ]
    }
}

/// The coefficients of the parabola with these values at 0, ½ and 1.
#[inline(always)]
fn parabola([start, middle, end]: [f64; 3]) -> [f64; 3] {
    [
        start,
        4.0 * middle - 3.0 * start - end,
        2.0 * (start + end) - 4.0 * middle,
    ]
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
