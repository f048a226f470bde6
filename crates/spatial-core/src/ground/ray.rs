//! Rays: where they meet the ground.

use glam::DVec3;

use super::line::Line;
use super::maxima::Cache;
use super::walk::Walk;
use super::{StoreError, Terrain};
use crate::batch::{BatchError, one_length};
use crate::planet::Ecef;
use crate::sphere::Direction;
use crate::terrain::face_st;

/// Ways are cut off here, metres: whoever starts within [`Ecef::LIMIT_M`] has passed the planet.
const REACH_MAX_M: f64 = 1.0e11;
/// A ray whose place on the datum moves less than this until it is at the ground is vertical, metres.
const VERTICAL_M: f64 = 1.0e-6;

/// Who is so near to the planet's centre is above no place in particular, metres.
const CENTRE_M: f64 = 1.0;

/// A ray to be cast.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ray {
    /// Where it starts.
    pub from: Ecef,
    /// Where it points, of any length but zero.
    pub direction: DVec3,
    /// How far it goes, metres: not negative; infinity is as far as it takes.
    pub reach_m: f64,
}

/// Where a ray meets the ground.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RayHit {
    /// How far from its start, metres.
    pub distance_m: f64,
    /// The place.
    pub place: Ecef,
}

/// Why a ray has no answer.
#[derive(Debug, thiserror::Error)]
pub enum RayError {
    /// It points nowhere.
    #[error("{0:?} is no direction of a ray")]
    Direction([f64; 3]),
    /// Its reach is negative or NaN.
    #[error("a ray cannot reach {0} m")]
    Reach(f64),
    /// The coefficient of refraction is not in its range.
    #[error("refraction {0} is not within {lo} to {hi}", lo = Terrain::REFRACTION.start(), hi = Terrain::REFRACTION.end())]
    Refraction(f64),
    /// A tile that it passes over is missing or damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Terrain {
    /// Where a ray first meets the ground; `None` when it does not within its reach.
    ///
    /// A ray that starts on or under the ground meets it there, at 0 m; one of reach 0 nowhere else. The place is where the surface
    /// and the ray meet within 1 mm of height, and a dip of less than 1 mm into the ground may be missed. The same bits on every
    /// platform and thread. Needs the tiles that it comes near to, until it hits; where tiles are missing, those that it passes over at less than 32,768 quanta of height. A thread that
    /// casts rays keeps up to 2.8 MB.
    ///
    /// # Errors
    /// [`RayError`]: a direction of zero length or not finite, a reach that is negative or NaN, tiles.
    pub fn raycast(&self, ray: &Ray) -> Result<Option<RayHit>, RayError> {
        Cache::with(|cache| self.raycast_in(cache, ray))
    }

    /// Casts many rays, each as [`Terrain::raycast`] does, bit for bit. Allocates nothing once the tiles have been met.
    ///
    /// # Errors
    /// The first ray that has no answer; the hits before it are written.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn raycasts(
        &self,
        rays: &[Ray],
        hits: &mut [Option<RayHit>],
    ) -> Result<(), BatchError<RayError>> {
        one_length([rays.len(), hits.len()]);
        Cache::with(|cache| {
            for (index, (ray, hit)) in rays.iter().zip(hits).enumerate() {
                let found = self.raycast_in(cache, ray);
                *hit = found.map_err(|error| BatchError { index, error })?;
            }
            Ok(())
        })
    }

    fn raycast_in(&self, cache: &mut Cache, ray: &Ray) -> Result<Option<RayHit>, RayError> {
        let (from, direction) = (ray.from.to_vec(), ray.direction);
        // Not negative and not NaN.
        if !(0.0..=f64::INFINITY).contains(&ray.reach_m) {
            return Err(RayError::Reach(ray.reach_m));
        }
        let direction = Direction::new(direction)
            .map_err(|_| RayError::Direction(direction.to_array()))?
            .to_vec();
        let reach_m = ray.reach_m.min(REACH_MAX_M);
        let line = Line::new(from, direction, reach_m);
        let found = match self.vertical_contact_m(&line)? {
            Some(contact_m) => contact_m,
            None => self.contact_m(cache, &line)?,
        };
        Ok(found.map(|distance_m| RayHit {
            distance_m,
            place: Ecef(line.at(distance_m)),
        }))
    }

    /// The first place of a way that is on or under the ground. It may be lifted by refraction.
    pub(super) fn contact_m(
        &self,
        cache: &mut Cache,
        line: &Line,
    ) -> Result<Option<f64>, StoreError> {
        let (planet_m, lattice) = (self.planet().radius_m(), self.lattice());
        // So deep there is nothing to ask; and at the centre no place to ask about.
        let lowest_m = (planet_m + lattice.height_m(f64::from(i16::MIN))).max(CENTRE_M);
        if line.origin.length_squared() < lowest_m * lowest_m {
            return Ok(Some(0.0));
        }
        let top_m = self.radius_max_m();
        let Some(entry_m) = line.entry_m(top_m).filter(|_| top_m > CENTRE_M) else {
            return Ok(None); // passes above everything
        };
        let is_past = line.foot_m < 0.0 || line.foot_square > CENTRE_M * CENTRE_M;
        let exit_m = match is_past {
            true => 2.0 * line.foot_m - entry_m,
            // It has met the ground; and beyond the centre it would be over other faces at once.
            false => line.foot_m - CENTRE_M,
        };
        let (from_m, end_m) = (entry_m.max(0.0), exit_m.min(line.reach_m));
        if from_m > end_m {
            return Ok(None);
        }
        if entry_m <= 0.0 || line.bend_per_m != 0.0 {
            return Walk::new(self, line, [from_m, end_m], from_m > 0.0).first_contact_m(cache);
        }
        // From there on, so that a start far away does not cost digits.
        let near = Line::new(line.at(from_m), line.direction, end_m - from_m);
        let found = Walk::new(self, &near, [0.0, near.reach_m], true).first_contact_m(cache)?;
        Ok(found.map(|at_m| from_m + at_m))
    }

    /// As [`Terrain::contact_m`] of a ray straight up or down, which is a question of one height; `None` of others.
    fn vertical_contact_m(&self, line: &Line) -> Result<Option<Option<f64>>, StoreError> {
        let square = line.origin.length_squared();
        let above_m = square.sqrt() - self.planet().radius_m();
        // The sine of its angle with the vertical, times how far it may go.
        let beside_square = line.foot_square * above_m * above_m;
        let is_vertical = beside_square <= VERTICAL_M * VERTICAL_M * square;
        // Below the datum a hair's breadth means nothing; there, and at the centre, ways are walked.
        if !is_vertical || above_m <= 0.0 {
            return Ok(None);
        }
        let is_down = line.foot_m > 0.0;
        if !is_down && square.sqrt() > self.radius_max_m() {
            return Ok(Some(None));
        }
        let (face, s, t) = face_st(line.origin);
        let contact_m = (above_m - self.height_at(face, s, t)?).max(0.0);
        let is_met = contact_m == 0.0 || is_down && contact_m <= line.reach_m;
        Ok(Some(is_met.then_some(contact_m)))
    }

    /// No ground is further from the planet's centre, metres.
    fn radius_max_m(&self) -> f64 {
        self.planet().radius_m() + self.lattice().height_m(f64::from(self.highest))
    }
}
