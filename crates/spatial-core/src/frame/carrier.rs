//! Carriers: entities that are the frame of their passengers.

use glam::{DMat3, DQuat, DVec3};

use super::axes::Axes;
use super::change::dot4;
use super::{FrameId, NoCarrierId};
use crate::ids::EntityId;
use crate::planet::{Ecef, Geodetic, Planet};

/// Where a carrier is and how it is turned, in planet axes. The rotation has length 1.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pose {
    at: Ecef, // 100 km inside Ecef's limit on every axis, so that passengers are within it
    rotation: DQuat, // of length 1, to rounding
}

impl Pose {
    /// What the square of a quaternion's length may differ from 1.
    pub const UNIT_TOLERANCE: f64 = 1e-6;

    /// Coordinates of larger magnitude are refused, metres.
    pub const LIMIT_M: f64 = Ecef::LIMIT_M - 100_000.0;

    /// A pose: the carrier's origin, and the rotation from its axes to the planet's. The rotation is normalised.
    ///
    /// # Errors
    /// [`PoseError`] when the rotation is not a unit quaternion, or the place is too far out.
    pub fn new(at: Ecef, rotation: DQuat) -> Result<Self, PoseError> {
        let square = dot4(rotation);
        // NaN is in no range.
        if !(-Self::UNIT_TOLERANCE..=Self::UNIT_TOLERANCE).contains(&(square - 1.0)) {
            return Err(PoseError::NotUnit(rotation.to_array()));
        }
        if at.to_vec().abs().max_element() > Self::LIMIT_M {
            return Err(PoseError::TooFar(at.to_array()));
        }
        let rotation = rotation * (1.0 / square.sqrt());
        Ok(Self { at, rotation })
    }

    /// A pose as it was, bit for bit: the rotation must have length 1 already, as that of every pose has, and is not normalised once more.
    ///
    /// # Errors
    /// [`PoseError`], as for [`Pose::new`], but for the square of the rotation's length, which may differ from 1 by 2⁻⁴⁸.
    pub fn restored(at: Ecef, rotation: DQuat) -> Result<Self, PoseError> {
        const ROUNDING: f64 = 1.0 / (1u64 << 48) as f64;
        let is_unit = (dot4(rotation) - 1.0).abs() <= ROUNDING;
        match Self::new(at, rotation) {
            Ok(_) if is_unit => Ok(Self { at, rotation }),
            Ok(_) => Err(PoseError::NotUnit(rotation.to_array())),
            Err(why) => Err(why),
        }
    }

    /// Upright at a place: y ahead, clockwise from north, x to the right (starboard), z up.
    ///
    /// At a pole north is that of the place's longitude.
    ///
    /// # Errors
    /// [`PoseError::Heading`] when the heading is not finite, [`PoseError::TooFar`] as for [`Pose::new`].
    pub fn level(planet: Planet, at: Geodetic, heading_rad: f64) -> Result<Self, PoseError> {
        if !heading_rad.is_finite() {
            return Err(PoseError::Heading(heading_rad));
        }
        let (sin_lat, cos_lat) = libm::sincos(at.lat_rad());
        let (sin_lon, cos_lon) = libm::sincos(at.lon_rad());
        let (sin, cos) = libm::sincos(heading_rad);
        let up = DVec3::new(cos_lat * cos_lon, cos_lat * sin_lon, sin_lat);
        let east = DVec3::new(-sin_lon, cos_lon, 0.0);
        let north = up.cross(east);
        let (right, ahead) = (east * cos - north * sin, east * sin + north * cos);
        let rotation = DQuat::from_mat3(&DMat3::from_cols(right, ahead, up));
        Self::new(planet.ecef(at), rotation)
    }

    /// The carrier's origin.
    pub fn at(self) -> Ecef {
        self.at
    }

    /// The rotation from the carrier's axes to the planet's, of length 1.
    pub fn rotation(self) -> DQuat {
        self.rotation
    }
}

/// An entity (a ship, a platform, a station) whose passengers' positions are integers along its own axes.
///
/// Its pose is f64 and in planet axes, whatever carries it. While it moves, nothing of its passengers changes: their
/// places follow from its pose whenever somebody asks.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Carrier {
    entity: EntityId,
    pose: Pose,
    axes: Axes, // of the pose
}

impl Carrier {
    /// An entity at a pose.
    ///
    /// # Errors
    /// [`NoCarrierId`] when the entity's id does not fit into that of a frame.
    pub fn new(entity: EntityId, pose: Pose) -> Result<Self, NoCarrierId> {
        let id = FrameId::of_carrier(entity)?;
        Ok(Self {
            entity,
            pose,
            axes: axes_of(id, pose),
        })
    }

    /// Moves and turns it.
    pub fn set_pose(&mut self, pose: Pose) {
        self.pose = pose;
        self.axes = axes_of(self.axes.id(), pose);
    }

    /// The entity.
    pub fn entity(&self) -> EntityId {
        self.entity
    }

    /// The frame that it is to its passengers.
    pub fn id(&self) -> FrameId {
        self.axes.id()
    }

    /// Where it is.
    pub fn pose(&self) -> Pose {
        self.pose
    }

    /// Its frame's axes: those of its pose.
    pub fn axes(&self) -> &Axes {
        &self.axes
    }
}

fn axes_of(id: FrameId, pose: Pose) -> Axes {
    Axes {
        id,
        origin: pose.at.to_vec(),
        turn: DMat3::from_quat(pose.rotation),
    }
}

/// Why a pose was refused.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum PoseError {
    /// The rotation has NaN or infinities in it, or its length is not 1.
    #[error("rotation {0:?} is not a unit quaternion (x, y, z, w)")]
    NotUnit([f64; 4]),
    /// The place is beyond [`Pose::LIMIT_M`] on an axis.
    #[error("a carrier at {0:?} m is too far out for its passengers")]
    TooFar([f64; 3]),
    /// The heading is not finite.
    #[error("heading {0} is not a number of radians")]
    Heading(f64),
}
