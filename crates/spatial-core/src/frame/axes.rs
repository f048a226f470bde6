//! The rigid axes of a frame, and the way between its grid and planet-centred coordinates.

use glam::{DMat3, DVec3};

use super::{FrameId, Position, UNITS_PER_M};
use crate::batch::{BatchError, check_all};
use crate::planet::{CoordError, Ecef};

/// Where a frame is and how it is turned: all that conversion needs, whether it lies on the ground or on a carrier.
///
/// x, y and z are east, north and up of a frame on the ground; on a carrier they are its own axes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Axes {
    pub(super) id: FrameId,
    pub(super) origin: DVec3,
    pub(super) turn: DMat3, // columns: the frame's unit vectors in planet axes; orthonormal, right-handed
}

impl Axes {
    /// The frame's id.
    pub fn id(&self) -> FrameId {
        self.id
    }

    /// The frame's origin.
    pub fn origin(&self) -> Ecef {
        Ecef(self.origin)
    }

    /// The frame's axes x, y and z as unit vectors in planet axes.
    pub fn units(&self) -> [DVec3; 3] {
        [self.turn.x_axis, self.turn.y_axis, self.turn.z_axis]
    }

    /// A place on the frame's grid, as planet-centred coordinates.
    ///
    /// Rounding costs an axis half a unit in the last place of the result and next to nothing else: at most 0.5 nm on
    /// Earth, 8 nm on the largest planet. Costs nine multiplications.
    pub fn to_ecef(&self, at: Position) -> Ecef {
        debug_assert_eq!(at.frame, self.id);
        Ecef(self.place_of(at.xyz()))
    }

    /// The grid point nearest to a place, to half a unit an axis, ties to even.
    ///
    /// A grid point comes back as itself: [`Axes::to_ecef`] errs by less than a thousandth of a unit.
    ///
    /// # Errors
    /// [`CoordError::OutOfFrame`] beyond ±32 km of the origin on an axis.
    pub fn to_position(&self, place: Ecef) -> Result<Position, CoordError> {
        self.to_grid(place.0).ok_or(CoordError::OutOfFrame)
    }

    /// Positions of this frame as planet-centred coordinates.
    ///
    /// # Errors
    /// [`CoordError::Frame`] with the index of the first position that is in another frame; `out` is unchanged.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn to_ecef_batch(
        &self,
        positions: &[Position],
        out: &mut [Ecef],
    ) -> Result<(), BatchError<CoordError>> {
        assert_eq!(positions.len(), out.len());
        check_all(positions, |at| match at.frame == self.id {
            true => Ok(()),
            false => Err(CoordError::Frame(at.frame.0)),
        })?;
        for (at, place) in positions.iter().zip(out) {
            *place = self.to_ecef(*at);
        }
        Ok(())
    }

    /// The grid points nearest to places.
    ///
    /// # Errors
    /// [`CoordError::OutOfFrame`] with the index of the first place beyond the grid; `out` is unchanged.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn to_position_batch(
        &self,
        places: &[Ecef],
        out: &mut [Position],
    ) -> Result<(), BatchError<CoordError>> {
        assert_eq!(places.len(), out.len());
        check_all(places, |place| self.to_position(*place).map(|_| ()))?;
        for (place, at) in places.iter().zip(out) {
            *at = self.to_grid(place.0).expect("checked above");
        }
        Ok(())
    }

    /// A vector given in this frame's axes, in planet axes.
    pub fn rotate_out(&self, v: DVec3) -> DVec3 {
        self.turn.x_axis * v.x + self.turn.y_axis * v.y + self.turn.z_axis * v.z
    }

    /// A vector given in planet axes, in this frame's axes.
    pub fn rotate_in(&self, v: DVec3) -> DVec3 {
        DVec3::new(
            self.turn.x_axis.dot(v),
            self.turn.y_axis.dot(v),
            self.turn.z_axis.dot(v),
        )
    }

    pub(super) fn place_of(&self, units: [i32; 3]) -> DVec3 {
        self.origin + self.rotate_out(metres(units))
    }

    pub(super) fn to_grid(self, place: DVec3) -> Option<Position> {
        let [x, y, z] = (self.rotate_in(place - self.origin) * UNITS_PER_M).to_array();
        Some(Position {
            frame: self.id,
            x: to_grid(x)?,
            y: to_grid(y)?,
            z: to_grid(z)?,
        })
    }
}

/// Grid units as metres: exact.
pub(super) fn metres([x, y, z]: [i32; 3]) -> DVec3 {
    DVec3::new(f64::from(x), f64::from(y), f64::from(z)) / UNITS_PER_M
}

/// Adding this to a number below 2⁵¹ rounds it to an integer (ties to even), which is then in the low bits of the sum.
/// Half the time of `round`, which is a call on CPUs without SSE 4.1.
pub(super) const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 × 2⁵²

/// Rounds to the nearest grid unit, ties to even; `None` where an `i32` does not reach.
///
/// Not away from zero: two frames with parallel axes, half a unit apart, would then carry an entity that goes to and fro
/// one unit further every time.
fn to_grid(units: f64) -> Option<i32> {
    let sum = units + ROUND;
    is_on_grid(sum - ROUND).then_some(sum.to_bits() as i32)
}

/// Whether rounded units fit an `i32`; NaN does not.
pub(super) fn is_on_grid(rounded: f64) -> bool {
    (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&rounded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grid_rounding_is_that_of_the_standard_library() {
        let halves = (-9..=9).map(|n| f64::from(n) / 2.0);
        let edges = [
            2_147_483_647.0,
            2_147_483_647.499,
            -2_147_483_648.5,
            -2_147_483_648.0,
            0.499_999_999_999_999_94,
            -0.0,
        ];
        for units in halves.chain(edges) {
            let want = units.round_ties_even() as i32;
            assert_eq!(to_grid(units), Some(want), "{units}");
        }
        for beyond in [
            2_147_483_647.5,
            -2_147_483_648.51,
            1e15,
            -1e300,
            f64::NAN,
            f64::INFINITY,
        ] {
            assert_eq!(to_grid(beyond), None, "{beyond}");
        }
    }
}
