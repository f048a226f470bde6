//! Latitudes that projections go through: the conformal and the authalic one.

use super::Ellipsoid;

impl Ellipsoid {
    /// The tangent of the conformal latitude, of that of a latitude (Karney 2011, "Transverse Mercator with an accuracy
    /// of a few nanometers", eq. 7 to 9).
    pub(crate) fn conformal_tan(self, tan: f64) -> f64 {
        let e = self.e2().sqrt();
        let hypot = secant(tan);
        let sigma = libm::sinh(e * libm::atanh(e * tan / hypot));
        tan * secant(sigma) - sigma * hypot
    }

    /// The tangent of the latitude, of that of the conformal latitude, by Newton's method (Karney 2011, eq. 19 to 21).
    pub(crate) fn tan_of_conformal(self, conformal: f64) -> f64 {
        let rest = 1.0 - self.e2();
        let mut tan = conformal / rest;
        // Three rounds reach the last bits at these flattenings; five are none too many and a bound.
        for _ in 0..5 {
            let found = self.conformal_tan(tan);
            let slope = (1.0 + rest * tan * tan) / (rest * secant(found) * secant(tan));
            let step = (conformal - found) * slope;
            tan += step;
            if step.abs() <= 1e-16 * tan.abs() {
                break;
            }
        }
        tan
    }

    /// Snyder's q, by which areas are measured from the equator: of the sine of a latitude (Snyder 1987, eq. 3-12).
    pub(crate) fn authalic_q(self, sin: f64) -> f64 {
        let e2 = self.e2();
        let curved = match e2 > 0.0 {
            true => libm::atanh(e2.sqrt() * sin) / e2.sqrt(),
            false => sin,
        };
        (1.0 - e2) * (sin / (1.0 - e2 * sin * sin) + curved)
    }

    /// What q lacks at a latitude of that at the north pole, without the cancellation there.
    pub(crate) fn authalic_q_left(self, sin: f64, cos: f64) -> f64 {
        let e2 = self.e2();
        if sin < 0.0 {
            return self.authalic_q(1.0) - self.authalic_q(sin);
        }
        let left = cos * cos / (1.0 + sin); // 1 − sin
        let curved = match e2 > 0.0 {
            true => libm::atanh(e2.sqrt() * left / (1.0 - e2 * sin)) / e2.sqrt(),
            false => left,
        };
        left * (1.0 + e2 * sin) / (1.0 - e2 * sin * sin) + (1.0 - e2) * curved
    }

    /// The latitude of an authalic one, radians: a series to the sixth order in n (Karney 2024, "On auxiliary latitudes").
    pub(crate) fn of_authalic_rad(self, authalic_rad: f64) -> f64 {
        let n = self.n();
        let coefficients = AUTHALIC.map(|row| n * polynomial(&row, n));
        let (sin, cos) = libm::sincos(2.0 * authalic_rad);
        // Clenshaw's sum of c₁ sin 2ξ + c₂ sin 4ξ + …
        let (mut next, mut after) = (0.0, 0.0);
        for c in coefficients.into_iter().rev() {
            (next, after) = (c + 2.0 * cos * next - after, next);
        }
        authalic_rad + sin * next
    }
}

/// √(1 + t²).
fn secant(tan: f64) -> f64 {
    (1.0 + tan * tan).sqrt()
}

/// a₀ + a₁ x + a₂ x² + …
pub(crate) fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, a| sum * x + a)
}

/// Of sin 2kξ, the coefficients of n, n², …
const AUTHALIC: [[f64; 6]; 6] = [
    [
        4.0 / 3.0,
        4.0 / 45.0,
        -16.0 / 35.0,
        -2_582.0 / 14_175.0,
        60_136.0 / 467_775.0,
        28_112_932.0 / 212_837_625.0,
    ],
    [
        0.0,
        46.0 / 45.0,
        152.0 / 945.0,
        -11_966.0 / 14_175.0,
        -21_016.0 / 51_975.0,
        251_310_128.0 / 638_512_875.0,
    ],
    [
        0.0,
        0.0,
        3_044.0 / 2_835.0,
        3_802.0 / 14_175.0,
        -94_388.0 / 66_825.0,
        -8_797_648.0 / 10_945_935.0,
    ],
    [
        0.0,
        0.0,
        0.0,
        6_059.0 / 4_725.0,
        41_072.0 / 93_555.0,
        -1_472_637_812.0 / 638_512_875.0,
    ],
    [
        0.0,
        0.0,
        0.0,
        0.0,
        768_272.0 / 467_775.0,
        455_935_736.0 / 638_512_875.0,
    ],
    [0.0, 0.0, 0.0, 0.0, 0.0, 4_210_684_958.0 / 1_915_538_625.0],
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The series and Newton's method against the closed forms that they invert, at the greatest flattening too.
    #[test]
    fn inverses_invert() {
        for (ellipsoid, want) in [
            (Ellipsoid::WGS84, 5e-16),
            (Ellipsoid::new(7e7, 0.01).unwrap(), 2e-15),
            (Ellipsoid::new(1e6, 0.0).unwrap(), 5e-16),
        ] {
            for k in -900..=900 {
                let lat = f64::from(k) / 900.0 * core::f64::consts::FRAC_PI_2;
                let tan = ellipsoid.tan_of_conformal(ellipsoid.conformal_tan(libm::tan(lat)));
                assert!((libm::atan(tan) - lat).abs() < want, "conformal {lat}");

                let (sin, cos) = libm::sincos(lat.abs());
                let pole = ellipsoid.authalic_q(1.0);
                let left = ellipsoid.authalic_q_left(sin, cos) / pole;
                let gone = ellipsoid.authalic_q(sin) / pole;
                assert!((left + gone - 1.0).abs() < 5e-16, "q at {lat}");
                let authalic = libm::atan2(1.0 - left, (left * (2.0 - left)).sqrt());
                let off = (ellipsoid.of_authalic_rad(authalic.copysign(lat)) - lat).abs();
                assert!(off < want, "authalic {lat}: {off}");
            }
        }
    }
}
