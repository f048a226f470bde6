//! All frames of a planet: those on the ground and the carriers.

use super::{Axes, Carrier, Frame, FrameChange, FrameId, NoCarrierId, Pose, Position};
use crate::batch::{BatchError, check_all};
use crate::ids::EntityId;
use crate::planet::{CoordError, Ecef, Planet};

/// The planet and its carriers: answers where a position is, whatever frame it is in.
///
/// Carriers are kept sorted, 176 bytes each; finding one is a binary search, adding or removing one moves those behind it.
#[derive(Clone, PartialEq, Debug)]
pub struct Frames {
    planet: Planet,
    carriers: Vec<Carrier>, // ascending by entity
}

impl Frames {
    /// The frames of a planet without carriers.
    pub fn new(planet: Planet) -> Self {
        Self {
            planet,
            carriers: Vec::new(),
        }
    }

    /// Makes an entity a carrier, or moves the carrier that it is.
    ///
    /// # Errors
    /// [`NoCarrierId`] when its id does not fit into that of a frame.
    pub fn set_carrier(&mut self, entity: EntityId, pose: Pose) -> Result<(), NoCarrierId> {
        match self.search(entity) {
            Ok(at) => self.carriers[at].set_pose(pose),
            Err(at) => self.carriers.insert(at, Carrier::new(entity, pose)?),
        }
        Ok(())
    }

    /// The entity is no carrier any more; its last state if it was one.
    ///
    /// Positions of passengers left aboard name no frame from now on: take them off first, with [`Frames::leave`].
    pub fn remove_carrier(&mut self, entity: EntityId) -> Option<Carrier> {
        let at = self.search(entity).ok()?;
        Some(self.carriers.remove(at))
    }

    /// The planet.
    pub fn planet(&self) -> Planet {
        self.planet
    }

    /// The carriers, ascending by entity.
    pub fn carriers(&self) -> &[Carrier] {
        &self.carriers
    }

    /// A carrier.
    pub fn carrier(&self, entity: EntityId) -> Option<&Carrier> {
        self.search(entity).ok().map(|at| &self.carriers[at])
    }

    /// The axes of a frame. Costs about 50 ns on the ground, a binary search for a carrier.
    ///
    /// # Errors
    /// [`FrameError::NoCarrier`] for a carrier that is not here, [`FrameError::Coord`] for an id that names no frame of
    /// this planet.
    pub fn axes(&self, id: FrameId) -> Result<Axes, FrameError> {
        match id.carrier() {
            Some(entity) => match self.carrier(entity) {
                Some(carrier) => Ok(*carrier.axes()),
                None => Err(FrameError::NoCarrier(entity)),
            },
            None => Ok(*Frame::new(self.planet, id)?.axes()),
        }
    }

    /// The place of a position.
    ///
    /// # Errors
    /// Those of [`Frames::axes`].
    pub fn place(&self, at: Position) -> Result<Ecef, FrameError> {
        Ok(self.axes(at.frame)?.to_ecef(at))
    }

    /// The places of positions in any frames. A run of positions in one frame looks it up once.
    ///
    /// # Errors
    /// Those of [`Frames::axes`], with the index of the first offender; `out` is unchanged.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn places(
        &self,
        positions: &[Position],
        out: &mut [Ecef],
    ) -> Result<(), BatchError<FrameError>> {
        assert_eq!(positions.len(), out.len());
        self.check_all(positions.iter().map(|at| at.frame))?;
        let runs = positions.chunk_by(|a, b| a.frame == b.frame);
        let mut out = out.iter_mut();
        for run in runs {
            let axes = self.axes(run[0].frame).expect("checked above");
            for (at, place) in run.iter().zip(&mut out) {
                *place = axes.to_ecef(*at);
            }
        }
        Ok(())
    }

    /// The step of an entity from one frame to another, for all of its columns.
    ///
    /// # Errors
    /// Those of [`Frames::axes`]; [`FrameError::Nested`] when the entity is a carrier and would be another's passenger:
    /// a carrier's pose is in planet axes, and who moves the outer one moves the inner one too.
    pub fn change(
        &self,
        who: EntityId,
        from: FrameId,
        to: FrameId,
    ) -> Result<FrameChange, FrameError> {
        if to.carrier().is_some() && self.carrier(who).is_some() {
            return Err(FrameError::Nested(who));
        }
        Ok(FrameChange::new(&self.axes(from)?, &self.axes(to)?))
    }

    /// The step of an entity onto a carrier.
    ///
    /// # Errors
    /// Those of [`Frames::change`]; [`FrameError::NoCarrier`] when there is no such carrier.
    pub fn board(
        &self,
        who: EntityId,
        at: Position,
        carrier: EntityId,
    ) -> Result<FrameChange, FrameError> {
        let to = match self.carrier(carrier) {
            Some(carrier) => carrier.id(),
            None => return Err(FrameError::NoCarrier(carrier)),
        };
        self.change(who, at.frame, to)
    }

    /// The step of an entity off its carrier, to the frame on the ground whose cell it is in. From a frame on the ground it
    /// is the step to that of the place's own cell, whatever the hysteresis.
    ///
    /// # Errors
    /// Those of [`Frames::axes`] for the position's frame.
    pub fn leave(&self, at: Position) -> Result<FrameChange, FrameError> {
        let from = self.axes(at.frame)?;
        let ground = Frame::at(self.planet, from.to_ecef(at));
        Ok(FrameChange::new(&from, ground.axes()))
    }

    /// Refuses what [`Frames::axes`] refuses; a run of one frame is looked up once.
    pub(super) fn check_all(
        &self,
        frames: impl IntoIterator<Item = FrameId>,
    ) -> Result<(), BatchError<FrameError>> {
        let mut last = None;
        check_all(frames, |frame| {
            if last != Some(frame) {
                self.check(frame)?;
                last = Some(frame);
            }
            Ok(())
        })
    }

    /// Refuses what [`Frames::axes`] refuses, without making a frame's axes.
    fn check(&self, id: FrameId) -> Result<(), FrameError> {
        match (id.carrier(), id.cell()) {
            (Some(entity), _) if self.search(entity).is_err() => Err(FrameError::NoCarrier(entity)),
            (Some(_), _) => Ok(()),
            (_, Some(cell)) if cell.level() == self.planet.frame_level() => Ok(()),
            _ => Err(CoordError::Frame(id.0).into()),
        }
    }

    fn search(&self, entity: EntityId) -> Result<usize, usize> {
        self.carriers.binary_search_by_key(&entity, Carrier::entity)
    }
}

/// Why a position has no place, or an entity cannot go there.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum FrameError {
    /// No frame of this planet, or beyond its grid.
    #[error(transparent)]
    Coord(#[from] CoordError),
    /// The entity is no carrier.
    #[error("{0} is no carrier")]
    NoCarrier(EntityId),
    /// A carrier is nobody's passenger.
    #[error("{0} is a carrier, and cannot be the passenger of one")]
    Nested(EntityId),
}
