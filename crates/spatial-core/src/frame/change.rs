//! From one frame to another: what becomes of an entity's columns.

use core::f64::consts::TAU;

use glam::{DMat3, DQuat, DVec3};

use super::{Axes, Position};
use crate::batch::{BatchError, check_all, convert_all};
use crate::planet::CoordError;

/// The step from one frame to another, made once for everything that goes the same way.
///
/// There is a function for each [`Kind`](crate::Kind) that a frame change touches; scalars and raw bits stay as they are.
///
/// **What is exact.** A frame's grid is its own, so a point becomes the nearest one of the other grid: half a unit an axis,
/// once a crossing. To and fro it must not drift, and nearest points alone do drift by a unit a round where two grids lie half a
/// unit apart and an error of 10⁻⁴ units decides. So only one of the two ways, from the lower frame id to the higher one, goes
/// to the nearest point. The way back goes to the nearest point if that *comes here* by the first way, else to a neighbour of it
/// that does, else, when none does, to the nearest after all. Whatever rounding did on the first way, the second undoes it: from
/// the second visit on an entity at rest has two points, one a grid, that it keeps for ever. (Between two poses of one carrier, which
/// has one id, both ways go to the nearest point.) [`FrameChange::heading`] is exact both ways.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FrameChange {
    from: Axes,
    to: Axes,
    turn: DMat3,    // from the old frame's axes to the new one's
    clockwise: u16, // what a heading gains, in 2⁻¹⁶ turns
}

impl FrameChange {
    /// The step between two frames. Costs an `atan2`.
    pub fn new(from: &Axes, to: &Axes) -> Self {
        let column = |axis: DVec3| to.rotate_in(axis);
        let [x, y, z] = from.units();
        let turn = DMat3::from_cols(column(x), column(y), column(z));
        Self {
            from: *from,
            to: *to,
            turn,
            clockwise: clockwise(&turn),
        }
    }

    /// The frame that is left.
    pub fn from(&self) -> &Axes {
        &self.from
    }

    /// The frame that is entered.
    pub fn to(&self) -> &Axes {
        &self.to
    }

    /// A point: the nearest one on the new frame's grid, or the one beside it that comes back to this one (see the type).
    ///
    /// Half a unit from where it was along each axis of the frame with the higher id, or of the new one.
    /// Costs one conversion each way; rarely up to 27 of one, where the nearest point does not come back.
    ///
    /// # Errors
    /// [`CoordError::Frame`] when the position is not in the frame that is left, [`CoordError::OutOfFrame`] beyond the
    /// reach of the new one's grid.
    pub fn position(&self, at: Position) -> Result<Position, CoordError> {
        if at.frame != self.from.id() {
            return Err(CoordError::Frame(at.frame.0));
        }
        if self.from.id() == self.to.id() && self.from == self.to {
            return Ok(at);
        }
        let nearest = self.to.to_position(self.from.to_ecef(at))?;
        if self.from.id() <= self.to.id() || self.comes_to(nearest, at) {
            return Ok(nearest);
        }
        Ok(self.origin_of(at, nearest))
    }

    /// The point beside the nearest one that comes to `at`. None does where the turned grids leave a point out.
    ///
    /// A point that comes to `at` is at most √3/2 units from it, the nearest one half a unit an axis: they are neighbours.
    #[cold]
    fn origin_of(&self, at: Position, nearest: Position) -> Position {
        let beside = |[x, y, z]: [i32; 3]| {
            Some(Position {
                frame: nearest.frame,
                x: nearest.x.checked_add(x)?,
                y: nearest.y.checked_add(y)?,
                z: nearest.z.checked_add(z)?,
            })
        };
        let mut neighbours = NEIGHBOURS.into_iter().filter_map(beside);
        neighbours
            .find(|point| self.comes_to(*point, at))
            .unwrap_or(nearest)
    }

    /// Whether a point of the new grid goes to a point of the old one by the way to the nearest.
    fn comes_to(&self, point: Position, at: Position) -> bool {
        self.from.to_position(self.to.to_ecef(point)) == Ok(at)
    }

    /// Points, as [`FrameChange::position`] one by one.
    ///
    /// # Errors
    /// Those of [`FrameChange::position`], with the index of the first offender; `out` is unchanged.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn position_batch(
        &self,
        positions: &[Position],
        out: &mut [Position],
    ) -> Result<(), BatchError<CoordError>> {
        check_all(positions, |at| self.position(*at).map(|_| ()))?;
        convert_all(positions, out, |at| {
            self.position(at).expect("checked above")
        });
        Ok(())
    }

    /// A vector: turned, its length kept to rounding.
    ///
    /// A velocity stays relative to what it was relative to. Who steps onto a moving carrier subtracts the carrier's
    /// velocity as well; only the game knows it.
    pub fn vector(&self, v: DVec3) -> DVec3 {
        self.turn.x_axis * v.x + self.turn.y_axis * v.y + self.turn.z_axis * v.z
    }

    /// An orientation: the rotation from a body's axes to the frame's; normalised.
    ///
    /// A quaternion of no length, or with NaN in it, is answered with the step's own rotation.
    pub fn rotation(&self, body: DQuat) -> DQuat {
        let step = DQuat::from_mat3(&self.turn);
        let both = step * body;
        let length = dot4(both).sqrt();
        if length > 0.0 && length.is_finite() {
            both * (1.0 / length)
        } else {
            step
        }
    }

    /// A heading, 2⁻¹⁶ turns clockwise from the frame's y axis, seen from above.
    ///
    /// It turns by the difference of the two frames about up (the twist, where they are tilted against each other, as a
    /// rolling deck is), rounded once: everybody's by the same, and back by the same. Where one frame is exactly upside
    /// down in the other no twist is defined, and headings stay.
    pub fn heading(&self, heading: u16) -> u16 {
        heading.wrapping_add(self.clockwise)
    }
}

/// The 26 steps to a neighbour on a grid: over faces, edges, corners.
const NEIGHBOURS: [[i32; 3]; 26] = neighbours();

const fn neighbours() -> [[i32; 3]; 26] {
    let mut all = [[0; 3]; 26];
    let (mut count, mut far) = (0, 1);
    while far <= 3 {
        let mut k = 0;
        while k < 27 {
            let step = [k % 3 - 1, k / 3 % 3 - 1, k / 9 - 1];
            if step[0] * step[0] + step[1] * step[1] + step[2] * step[2] == far {
                all[count] = step;
                count += 1;
            }
            k += 1;
        }
        far += 1;
    }
    all
}

/// The squared length of a quaternion.
pub(super) fn dot4(q: DQuat) -> f64 {
    q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w
}

/// The twist of a rotation about z, clockwise, in 2⁻¹⁶ turns. Of the transposed matrix it is exactly the negative.
fn clockwise(turn: &DMat3) -> u16 {
    let sin = turn.x_axis.y - turn.y_axis.x;
    let cos = turn.x_axis.x + turn.y_axis.y;
    let turns = libm::atan2(-sin, cos) / TAU * 65_536.0;
    // Ties to even, the same for both signs.
    turns.round_ties_even() as i32 as u16
}
