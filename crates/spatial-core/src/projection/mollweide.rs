//! Mollweide's map of the world.

use core::f64::consts::{FRAC_2_SQRT_PI, FRAC_PI_2, PI, SQRT_2};

use super::{MARGIN_M, Meridian, Projection, ProjectionError};
use crate::planet::Planet;

/// Mollweide (homolographic): the whole globe, areas true, in an ellipse twice as wide as high. Spherical.
///
/// x = 2√2/π R λ cos θ, y = √2 R sin θ, with 2θ + sin 2θ = π sin φ (Snyder 1987, section 31). Solved for the angle τ = π − 2θ
/// from the pole, where the usual form loses half of all digits: τ − sin τ = π (1 − sin φ). Valid everywhere.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Mollweide {
    radius_m: f64,
    middle: Meridian,
}

impl Mollweide {
    /// A map of a planet with a longitude in its middle.
    ///
    /// # Errors
    /// [`ProjectionError::Coord`] for what is no longitude.
    pub fn new(planet: Planet, lon_deg: f64) -> Result<Self, ProjectionError> {
        Ok(Self {
            radius_m: planet.radius_m(),
            middle: Meridian::new(lon_deg)?,
        })
    }
}

/// 2√2/π.
const WIDTH: f64 = SQRT_2 * FRAC_2_SQRT_PI * FRAC_2_SQRT_PI / 2.0;

impl Projection for Mollweide {
    fn forward(&self, lat_deg: f64, lon_deg: f64) -> Result<(f64, f64), ProjectionError> {
        let (lat, east) = self.middle.local_rad(lat_deg, lon_deg)?;
        let (sin, cos) = libm::sincos(lat.abs());
        let pole_angle = solve(PI * (cos * cos / (1.0 + sin)));
        let (cos_theta, sin_theta) = libm::sincos(pole_angle / 2.0);
        Ok((
            self.radius_m * WIDTH * east * cos_theta,
            self.radius_m * SQRT_2 * sin_theta.copysign(lat),
        ))
    }

    fn inverse(&self, x_m: f64, y_m: f64) -> Result<(f64, f64), ProjectionError> {
        let refused = ProjectionError::point(x_m, y_m);
        let high_m = self.radius_m * SQRT_2;
        if y_m.is_nan() || y_m.abs() > high_m + MARGIN_M {
            return Err(refused);
        }
        let sin_theta = (y_m.abs() / high_m).min(1.0);
        let cos_theta = ((1.0 - sin_theta) * (1.0 + sin_theta)).sqrt();
        // The edge, within a millimetre also where it runs along x.
        let outwards = (sin_theta - MARGIN_M / high_m).max(0.0);
        let wide_m = self.radius_m * WIDTH * PI * (1.0 - outwards * outwards).sqrt() + MARGIN_M;
        if !(-wide_m..=wide_m).contains(&x_m) {
            return Err(refused);
        }
        let pole_angle = 2.0 * libm::atan2(cos_theta, sin_theta);
        let left = less_sin(pole_angle) / PI; // 1 − sin φ
        let lat = libm::atan2(1.0 - left, (left * (2.0 - left)).max(0.0).sqrt());
        let east = match cos_theta > 0.0 {
            true => (x_m / (self.radius_m * WIDTH * cos_theta)).clamp(-PI, PI),
            false => 0.0,
        };
        Ok(self.middle.degrees(lat.min(FRAC_PI_2).copysign(y_m), east))
    }
}

/// The τ from 0 to π with τ − sin τ = k, by Newton's method from above, where it descends to the root without fail.
fn solve(k: f64) -> f64 {
    if k <= 0.0 {
        return 0.0;
    }
    // 6k is τ³ less something; at most π fits.
    let mut tau = (1.16 * libm::cbrt(6.0 * k)).min(PI);
    for _ in 0..12 {
        let half = libm::sin(tau / 2.0);
        let step = (less_sin(tau) - k) / (2.0 * half * half); // 1 − cos τ
        tau -= step;
        if step.abs() <= 1e-16 * tau {
            break;
        }
    }
    tau
}

/// τ − sin τ, for small τ by its series.
fn less_sin(tau: f64) -> f64 {
    if tau > 0.5 {
        return tau - libm::sin(tau);
    }
    let square = tau * tau;
    let mut sum = 1.0;
    for k in [156.0, 110.0, 72.0, 42.0, 20.0] {
        sum = 1.0 - square / k * sum;
    }
    tau * square / 6.0 * sum
}
