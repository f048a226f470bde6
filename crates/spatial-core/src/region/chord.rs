//! Angles as squared chords: the measure in which points of the sphere are compared without trigonometry.

use core::f64::consts::PI;

use glam::DVec3;

/// The squared length of the chord that an angle of 0 to π spans on the unit sphere: 4·sin²(angle / 2), within [0, 4].
///
/// ```text
/// cos(angle) = 1 − c/2        sin²(angle) = c·(1 − c/4)        sin²(angle/2) = c/4
/// ```
/// Small angles keep all their bits; within about 1e-8 of π they are rounded to what a difference of two vectors can
/// tell.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub(crate) struct Chord(pub(crate) f64);

impl Chord {
    pub(crate) const ZERO: Self = Self(0.0);
    pub(crate) const STRAIGHT: Self = Self(4.0);

    /// Between two unit vectors.
    #[inline]
    pub(crate) fn between(a: DVec3, b: DVec3) -> Self {
        Self((a - b).length_squared().min(4.0))
    }

    /// Of an angle of at least 0; more than π is π.
    pub(crate) fn from_rad(angle_rad: f64) -> Self {
        if angle_rad >= PI {
            return Self::STRAIGHT;
        }
        let length = 2.0 * libm::sin(0.5 * angle_rad);
        Self(length * length)
    }

    pub(crate) fn to_rad(self) -> f64 {
        2.0 * libm::asin(0.5 * self.0.sqrt())
    }

    /// π minus the angle.
    pub(crate) fn supplement(self) -> Self {
        Self(4.0 - self.0)
    }

    /// Enlarged by more than [`Chord::between`], and a sum of two, err for vectors whose length is one up to rounding.
    pub(crate) fn rounded_up(self) -> Self {
        Self((self.0 * (1.0 + 16.0 * f64::EPSILON) + 16.0 * f64::EPSILON * f64::EPSILON).min(4.0))
    }
}

/// The sum of the angles, at most π. From sin((a + b)/2) by the addition theorem, without trigonometry.
impl core::ops::Add for Chord {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let (a, b) = (self.0, other.0);
        if a + b >= 4.0 {
            return Self::STRAIGHT;
        }
        let (x, y) = (a * (1.0 - 0.25 * b), b * (1.0 - 0.25 * a));
        Self((x + y + 2.0 * (x * y).sqrt()).min(4.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_angles() {
        for a in [0.0, 1e-9, 1e-3, 0.4, 1.0, 2.0, 3.1] {
            for b in [0.0, 2e-9, 1e-2, 0.7, 1.5, 3.0] {
                let sum = (Chord::from_rad(a) + Chord::from_rad(b)).to_rad();
                let want = (a + b).min(PI);
                // An angle near π is known to the root of the rounding.
                assert!(
                    (sum - want).abs() < 1e-14 * want + 1e-15
                        || want > 3.0 && (sum - want).abs() < 3e-8,
                    "{a} + {b} = {sum}"
                );
            }
        }
    }

    #[test]
    fn angles_come_back() {
        for angle in [0.0, 1e-12, 1e-6, 0.1, 1.0, 3.0, PI] {
            let back = Chord::from_rad(angle).to_rad();
            assert!((back - angle).abs() <= 1e-14 * angle, "{angle} {back}");
            let rest = Chord::from_rad(angle).supplement().to_rad();
            assert!((rest - (PI - angle)).abs() <= 3e-8, "{angle} {rest}");
        }
        assert_eq!(Chord::from_rad(7.0), Chord::STRAIGHT);
    }
}
