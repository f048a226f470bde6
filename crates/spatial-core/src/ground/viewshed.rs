//! Viewsheds: what can be seen from a place.

use glam::DVec3;
use rayon::prelude::*;

use super::maxima::Cache;
use super::ray::RayError;
use super::{Place, Terrain};
use crate::planet::Ecef;
use crate::sphere::{Direction, SphereError};

/// What a viewshed is to be of.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ViewshedOptions {
    /// How far around the eye, along the datum, metres.
    pub radius_m: f64,
    /// Cells along a side of the grid.
    pub side: u32,
    /// How far above the ground the eye is, metres: at least [`Terrain::EYE_MIN_M`].
    pub eye_m: f64,
    /// How far above the ground what is looked for is, metres: at least [`Terrain::EYE_MIN_M`].
    pub target_m: f64,
    /// As in [`Terrain::sight`].
    pub refraction: f64,
}

/// What is known of a cell of a viewshed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    /// Further away than the radius.
    Outside,
    /// The ground is in the way.
    Hidden,
    /// In sight.
    Visible,
}

/// What can be seen from a place: a grid around it, of equal distances and bearings as they are seen from there (azimuthal
/// equidistant), north up.
#[derive(Clone, PartialEq, Debug)]
pub struct Viewshed {
    side: u32,
    step_m: f64,
    seen: Vec<Seen>, // side² of them, row by row from the north
}

/// Why there is no viewshed.
#[derive(Debug, thiserror::Error)]
pub enum ViewshedError {
    /// The radius is none, or reaches around the planet.
    #[error("a viewshed cannot have a radius of {0} m")]
    Radius(f64),
    /// The grid has no cells, or too many.
    #[error("a viewshed of {0} cells along a side is not within 1 to {max}", max = Viewshed::SIDE_MAX)]
    Side(u32),
    /// An eye or what it looks for is not above the ground.
    #[error("{0} m is not high enough above the ground to see or be seen")]
    Height(f64),
    /// The eye is at the planet's centre.
    #[error(transparent)]
    Eye(#[from] SphereError),
    /// A way has no answer: refraction out of range, or a tile that is missing or damaged.
    #[error(transparent)]
    Ray(#[from] RayError),
}

impl Viewshed {
    /// Cells along a side at most.
    pub const SIDE_MAX: u32 = 8_192;

    /// Cells along a side.
    pub fn side(&self) -> u32 {
        self.side
    }

    /// Length of a cell's side, metres.
    pub fn step_m(&self) -> f64 {
        self.step_m
    }

    /// All cells, row by row from the north, each from the west.
    pub fn seen(&self) -> &[Seen] {
        &self.seen
    }

    /// The part of the cells within the radius that can be seen, 0 to 1.
    pub fn visible_part(&self) -> f64 {
        let count = |seen: Seen| self.seen.iter().filter(|s| **s == seen).count() as f64;
        let visible = count(Seen::Visible);
        visible / (visible + count(Seen::Hidden)).max(1.0)
    }
}

impl Terrain {
    /// Who is nearer to the ground than this neither sees nor is seen for certain, metres.
    pub const EYE_MIN_M: f64 = 0.01;

    /// What can be seen from a place, whose own height does not matter, within a radius: a way of sight to the middle of every cell of a
    /// grid. About 1 µs a cell and core; all threads of rayon's pool work on it, and the answer does not depend on them. A byte a cell.
    ///
    /// # Errors
    /// [`ViewshedError`].
    pub fn viewshed(
        &self,
        from: impl Place,
        options: &ViewshedOptions,
    ) -> Result<Viewshed, ViewshedError> {
        let ViewshedOptions { radius_m, side, .. } = *options;
        // Half of the way around the planet is everywhere.
        if !(radius_m > 0.0 && self.planet().arc_rad(radius_m) <= core::f64::consts::PI) {
            return Err(ViewshedError::Radius(radius_m));
        }
        if !(1..=Viewshed::SIDE_MAX).contains(&side) {
            return Err(ViewshedError::Side(side));
        }
        for height_m in [options.eye_m, options.target_m] {
            if !(Self::EYE_MIN_M..Ecef::LIMIT_M / 10.0).contains(&height_m) {
                return Err(ViewshedError::Height(height_m));
            }
        }
        let up = Direction::new(from.direction())?.to_vec();
        let eye = self
            .over_ground(up, options.eye_m)
            .map_err(ViewshedError::Ray)?;
        let step_m = 2.0 * radius_m / f64::from(side);
        let mut seen = vec![Seen::Outside; side as usize * side as usize];
        let rows = seen.par_chunks_mut(side as usize).enumerate();
        // One row after the other, so that of several errors the first one is told.
        let errors: Vec<_> = rows
            .map(|(row, cells)| {
                let middle = 0.5 * f64::from(side) - 0.5;
                let north_m = (middle - row as f64) * step_m;
                Cache::with(|cache| {
                    cells.iter_mut().enumerate().try_for_each(|(column, seen)| {
                        let east_m = (column as f64 - middle) * step_m;
                        *seen = self.seen_at(cache, (up, eye), [east_m, north_m], options)?;
                        Ok(())
                    })
                })
            })
            .filter_map(Result::<(), RayError>::err)
            .collect();
        match errors.into_iter().next() {
            Some(error) => Err(ViewshedError::Ray(error)),
            None => Ok(Viewshed { side, step_m, seen }),
        }
    }

    /// What is known of a place so far east and north of the eye's.
    fn seen_at(
        &self,
        cache: &mut Cache,
        (up, eye): (DVec3, Ecef),
        [east_m, north_m]: [f64; 2],
        options: &ViewshedOptions,
    ) -> Result<Seen, RayError> {
        let distance_m = (east_m * east_m + north_m * north_m).sqrt();
        if distance_m > options.radius_m {
            return Ok(Seen::Outside);
        }
        let target = self.over_ground(self.beside(up, [east_m, north_m]), options.target_m)?;
        let sight = self.sight_in(cache, (eye, target), options.refraction)?;
        Ok(match sight.is_clear() {
            true => Seen::Visible,
            false => Seen::Hidden,
        })
    }

    /// The direction of a place so far east and north of another, along the great circle that goes there.
    fn beside(&self, up: DVec3, [east_m, north_m]: [f64; 2]) -> DVec3 {
        let distance_m = (east_m * east_m + north_m * north_m).sqrt();
        if distance_m == 0.0 {
            return up;
        }
        let across = (up.x * up.x + up.y * up.y).sqrt();
        let east = match across > 0.0 {
            true => DVec3::new(-up.y / across, up.x / across, 0.0),
            false => DVec3::Y, // as at longitude 0
        };
        let ahead = (east * east_m + up.cross(east) * north_m) / distance_m;
        let (sin, cos) = libm::sincos(self.planet().arc_rad(distance_m));
        up * cos + ahead * sin
    }

    /// So far above the ground in a direction of length 1.
    fn over_ground(&self, up: DVec3, above_m: f64) -> Result<Ecef, RayError> {
        let height_m = self.height(Ecef(up))?;
        Ok(Ecef(up * (self.planet().radius_m() + height_m + above_m)))
    }
}
