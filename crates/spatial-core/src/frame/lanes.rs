//! Batched conversion between planet-centred coordinates and positions, in any frames: lanes, or slices of values.
//!
//! All of it is checked before the first number is written.

use super::{Axes, Frame, FrameError, FrameId, Frames, Position};
use crate::batch::{BatchError, check_all, one_length};
use crate::cell::CellId;
use crate::planet::{CoordError, Ecef, EcefLanes, EcefLanesMut, Planet};

/// Positions, a lane a field, of one length.
#[derive(Clone, Copy, Debug)]
pub struct PositionLanes<'a> {
    /// Frames.
    pub frame: &'a [FrameId],
    /// East, 2⁻¹⁶ m.
    pub x: &'a [i32],
    /// North, 2⁻¹⁶ m.
    pub y: &'a [i32],
    /// Up, 2⁻¹⁶ m.
    pub z: &'a [i32],
}

/// Positions to write, a lane a field, of one length.
#[derive(Debug)]
pub struct PositionLanesMut<'a> {
    /// Frames.
    pub frame: &'a mut [FrameId],
    /// East, 2⁻¹⁶ m.
    pub x: &'a mut [i32],
    /// North, 2⁻¹⁶ m.
    pub y: &'a mut [i32],
    /// Up, 2⁻¹⁶ m.
    pub z: &'a mut [i32],
}

/// Places that are converted at a time: their leaves are computed together, and stay in the nearest cache.
const CHUNK: usize = 256;

impl Planet {
    /// The positions of places in the frames whose cells contain them, as [`Planet::position`] one by one.
    ///
    /// Consecutive places in one frame cost a fraction of what they cost in turn.
    ///
    /// # Errors
    /// [`CoordError::OutOfFrame`] with the index of the first offender; `out` is unchanged.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn position_batch(
        self,
        places: &[Ecef],
        out: &mut [Position],
    ) -> Result<(), BatchError<CoordError>> {
        one_length([places.len(), out.len()]);
        check_all(places, |place| self.check_reach(*place))?;
        let mut own = OwnFrames::new(self);
        for (places, out) in places.chunks(CHUNK).zip(out.chunks_mut(CHUNK)) {
            own.convert(places, out);
        }
        Ok(())
    }

    /// Lanes of coordinates to lanes of positions, as [`Planet::position`] one by one.
    ///
    /// # Errors
    /// [`CoordError::Ecef`] and [`CoordError::OutOfFrame`] with the index of the first offender; `out` is unchanged.
    ///
    /// # Panics
    /// When the lanes differ in length.
    pub fn position_lanes(
        self,
        places: EcefLanes<'_>,
        out: PositionLanesMut<'_>,
    ) -> Result<(), BatchError<CoordError>> {
        let count = one_length([places.checked_len(), out.checked_len()]);
        check_all(0..count, |n| self.check_reach(places.at(n)?))?;
        let mut own = OwnFrames::new(self);
        let mut chunk = [Ecef(glam::DVec3::ZERO); CHUNK];
        let mut positions = [Position::default(); CHUNK];
        for start in (0..count).step_by(CHUNK) {
            let length = CHUNK.min(count - start);
            for (n, place) in chunk[..length].iter_mut().enumerate() {
                *place = places.checked_at(start + n);
            }
            own.convert(&chunk[..length], &mut positions[..length]);
            for (n, at) in positions[..length].iter().enumerate() {
                let n = start + n;
                (out.frame[n], out.x[n], out.y[n], out.z[n]) = (at.frame, at.x, at.y, at.z);
            }
        }
        Ok(())
    }

    /// The places of positions, as [`Planet::place`] one by one. A run of positions in one frame looks it up once.
    ///
    /// # Errors
    /// [`CoordError::Frame`] with the index of the first offender; `out` is unchanged.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn place_batch(
        self,
        positions: &[Position],
        out: &mut [Ecef],
    ) -> Result<(), BatchError<CoordError>> {
        let refused = |error: BatchError<FrameError>| BatchError {
            index: error.index,
            error: CoordError::Frame(positions[error.index].frame.0),
        };
        Frames::new(self).places(positions, out).map_err(refused)
    }

    /// Lanes of positions to lanes of coordinates, as [`Planet::place`] one by one.
    ///
    /// # Errors
    /// [`CoordError::Frame`] with the index of the first offender; `out` is unchanged.
    ///
    /// # Panics
    /// When the lanes differ in length.
    pub fn place_lanes(
        self,
        positions: PositionLanes<'_>,
        out: EcefLanesMut<'_>,
    ) -> Result<(), BatchError<CoordError>> {
        let refused = |error: BatchError<FrameError>| BatchError {
            index: error.index,
            error: CoordError::Frame(positions.frame[error.index].0),
        };
        let frames = Frames::new(self);
        frames.place_lanes(positions, out).map_err(refused)
    }

    /// Refuses what [`Planet::position`] refuses, mostly without making the frame.
    fn check_reach(self, place: Ecef) -> Result<(), CoordError> {
        // Within its cell a place is at most 3 km beside its frame's origin on the datum, and 13 km at this height on the
        // smallest planet: only height takes it beyond the grid.
        const SURE_M: f64 = 32_000.0;
        let height_m = place.0.length_squared().sqrt() - self.radius_m();
        match (-SURE_M..=SURE_M).contains(&height_m) && self.radius_m() + height_m > 0.0 {
            true => Ok(()),
            false => self.position(place).map(|_| ()),
        }
    }
}

/// The frames whose cells contain places, made once for a run.
struct OwnFrames {
    planet: Planet,
    level: u8,
    last: Option<Frame>,
}

impl OwnFrames {
    fn new(planet: Planet) -> Self {
        Self {
            planet,
            level: planet.frame_level(),
            last: None,
        }
    }

    /// Positions of at most [`CHUNK`] places that were checked.
    fn convert(&mut self, places: &[Ecef], out: &mut [Position]) {
        let mut leaves = [CellId::begin(0); CHUNK];
        let leaves = &mut leaves[..places.len()];
        CellId::from_places(places, leaves);
        for ((place, leaf), at) in places.iter().zip(leaves).zip(out) {
            let axes = self.axes(leaf.parent(self.level));
            *at = axes.to_grid(place.0).expect("checked before");
        }
    }

    fn axes(&mut self, cell: CellId) -> &Axes {
        let made = self.last.take().filter(|frame| frame.cell() == cell);
        let frame = made.unwrap_or_else(|| Frame::of_cell(self.planet, cell));
        self.last.insert(frame).axes()
    }
}

impl Frames {
    /// Lanes of positions in any frames to lanes of coordinates, as [`Frames::place`] one by one. A run of positions in one
    /// frame looks it up once.
    ///
    /// # Errors
    /// Those of [`Frames::axes`], with the index of the first offender; `out` is unchanged.
    ///
    /// # Panics
    /// When the lanes differ in length.
    pub fn place_lanes(
        &self,
        positions: PositionLanes<'_>,
        out: EcefLanesMut<'_>,
    ) -> Result<(), BatchError<FrameError>> {
        one_length([positions.checked_len(), out.checked_len()]);
        self.check_all(positions.frame.iter().copied())?;
        let mut start = 0;
        for run in positions.frame.chunk_by(|a, b| a == b) {
            let rows = start..start + run.len();
            start = rows.end;
            let axes = self.axes(run[0]).expect("checked above");
            let out = EcefLanesMut {
                x_m: &mut out.x_m[rows.clone()],
                y_m: &mut out.y_m[rows.clone()],
                z_m: &mut out.z_m[rows.clone()],
            };
            let units = [positions.x, positions.y, positions.z];
            axes.to_ecef_lanes(units.map(|axis| &axis[rows.clone()]), out);
        }
        Ok(())
    }
}

impl Axes {
    /// Lanes of this frame's integers (x, y, z in 2⁻¹⁶ m) to lanes of coordinates, as [`Axes::to_ecef`] one by one.
    ///
    /// # Panics
    /// When the lanes differ in length.
    pub fn to_ecef_lanes(&self, [x, y, z]: [&[i32]; 3], out: EcefLanesMut<'_>) {
        let count = one_length([x.len(), y.len(), z.len(), out.checked_len()]);
        for n in 0..count {
            let place = self.place_of([x[n], y[n], z[n]]);
            (out.x_m[n], out.y_m[n], out.z_m[n]) = (place.x, place.y, place.z);
        }
    }

    /// Lanes of coordinates to lanes of this frame's integers (x, y, z in 2⁻¹⁶ m), as [`Axes::to_position`] one by one.
    ///
    /// # Errors
    /// [`CoordError::Ecef`] and [`CoordError::OutOfFrame`] with the index of the first offender; `out` is unchanged.
    ///
    /// # Panics
    /// When the lanes differ in length.
    pub fn to_position_lanes(
        &self,
        places: EcefLanes<'_>,
        [x, y, z]: [&mut [i32]; 3],
    ) -> Result<(), BatchError<CoordError>> {
        let count = one_length([places.checked_len(), x.len(), y.len(), z.len()]);
        check_all(0..count, |n| self.to_position(places.at(n)?).map(|_| ()))?;
        for n in 0..count {
            let at = self.to_grid(places.checked_at(n).0).expect("checked above");
            (x[n], y[n], z[n]) = (at.x, at.y, at.z);
        }
        Ok(())
    }
}

impl PositionLanes<'_> {
    fn checked_len(&self) -> usize {
        one_length([self.frame.len(), self.x.len(), self.y.len(), self.z.len()])
    }
}

impl PositionLanesMut<'_> {
    fn checked_len(&self) -> usize {
        one_length([self.frame.len(), self.x.len(), self.y.len(), self.z.len()])
    }
}
