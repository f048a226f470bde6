//! Sight between places, over the curved planet.

use glam::DVec3;

use super::Terrain;
use super::line::Line;
use super::maxima::Cache;
use super::ray::{RayError, RayHit};
use super::walk::prefetch_start;
use crate::batch::{BatchError, one_length};
use crate::planet::Ecef;

/// So many pairs ahead their memory is asked for.
const AHEAD: usize = 1;

/// Whether one place can be seen from another.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Sight {
    /// The ground is below all of the way.
    Clear,
    /// The way meets the ground there first.
    Blocked(RayHit),
}

impl Sight {
    /// Whether nothing is in the way.
    pub fn is_clear(self) -> bool {
        self == Self::Clear
    }
}

impl Terrain {
    /// Coefficients of refraction that sight is computed with; air is usually taken as 0.13, and as 0.25 for radio.
    pub const REFRACTION: core::ops::RangeInclusive<f64> = 0.0..=0.9;

    /// Whether one place can be seen from another over the ground, and if not, where the way from the first one meets it.
    ///
    /// Refraction is the part of the planet's curvature by which the way bends with it: 0 is a straight line, 0.13 what surveyors
    /// take for light. It lifts a place on the way by `refraction · a · b / 2R`, a and b metres from the ends, less for a steep way:
    /// times the square of the sine of its angle with the vertical. A place on or under the ground sees nothing and is not seen. To itself
    /// a place above the ground is in clear sight. Accuracy, cost and tiles are those of [`Terrain::raycast`].
    ///
    /// # Errors
    /// [`RayError`]: a coefficient outside [`Terrain::REFRACTION`], tiles.
    pub fn sight(&self, from: Ecef, to: Ecef, refraction: f64) -> Result<Sight, RayError> {
        Cache::with(|cache| self.sight_in(cache, (from, to), refraction))
    }

    /// Sight between many pairs of places, each as [`Terrain::sight`] has it, bit for bit. Allocates nothing once the tiles have been
    /// met.
    ///
    /// # Errors
    /// The first pair that has no answer; what is before it is written.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn sights(
        &self,
        pairs: &[(Ecef, Ecef)],
        refraction: f64,
        sights: &mut [Sight],
    ) -> Result<(), BatchError<RayError>> {
        one_length([pairs.len(), sights.len()]);
        Cache::with(|cache| {
            for (index, (pair, sight)) in pairs.iter().zip(sights).enumerate() {
                if let Some((next, _)) = pairs.get(index + AHEAD) {
                    prefetch_start(self, cache, next.to_vec());
                }
                let found = self.sight_in(cache, *pair, refraction);
                *sight = found.map_err(|error| BatchError { index, error })?;
            }
            Ok(())
        })
    }

    pub(super) fn sight_in(
        &self,
        cache: &mut Cache,
        (from, to): (Ecef, Ecef),
        refraction: f64,
    ) -> Result<Sight, RayError> {
        if !Self::REFRACTION.contains(&refraction) {
            return Err(RayError::Refraction(refraction));
        }
        let (origin, way) = (from.to_vec(), to.to_vec() - from.to_vec());
        let length_m = way.length_squared().sqrt();
        let direction = match length_m > 0.0 {
            true => way / length_m,
            // Any will do for no way at all.
            false => DVec3::X,
        };
        let mut line = Line::new(origin, direction, length_m);
        if refraction > 0.0 && length_m > 0.0 {
            // The foot's distance from the centre over the start's is the sine of the angle with the vertical.
            let sine_square = line.foot_square / origin.length_squared();
            let planet_m = self.planet().radius_m();
            line.bend_per_m = refraction * sine_square.min(1.0) / (2.0 * planet_m);
        }
        let found = self.contact_m(cache, &line)?;
        Ok(found.map_or(Sight::Clear, |distance_m| {
            Sight::Blocked(RayHit {
                distance_m,
                place: Ecef(line.at(distance_m)),
            })
        }))
    }
}
