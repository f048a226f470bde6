//! The columns of an agent.

use spatial_core::{Component, FrameId, Position};

/// Where an agent is: its frame and the grid point of its feet, 2⁻¹⁶ m east, north and up of the frame's origin.
#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "body", kind = point, version = 1)]
pub(crate) struct Body {
    /// The frame.
    pub(crate) frame: FrameId,
    /// East, 2⁻¹⁶ m.
    pub(crate) x: i32,
    /// North, 2⁻¹⁶ m.
    pub(crate) y: i32,
    /// Up, 2⁻¹⁶ m.
    pub(crate) z: i32,
}

impl Body {
    /// The body as a position.
    pub(crate) fn position(self) -> Position {
        Position {
            frame: self.frame,
            x: self.x,
            y: self.y,
            z: self.z,
        }
    }
}

impl From<Position> for Body {
    fn from(at: Position) -> Self {
        Self {
            frame: at.frame,
            x: at.x,
            y: at.y,
            z: at.z,
        }
    }
}

/// The velocity an agent asks for, 2⁻⁸ m/s in its frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Component)]
#[component(name = "wish", kind = vector, version = 1)]
pub(crate) struct Wish {
    /// East, 2⁻⁸ m/s.
    pub(crate) east: i16,
    /// North, 2⁻⁸ m/s.
    pub(crate) north: i16,
}

/// Where an agent looks: clockwise from north of its frame, a full turn is 65,536.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Component)]
#[component(name = "heading", kind = angle, version = 1)]
pub(crate) struct Heading {
    /// 2⁻¹⁶ turns.
    pub(crate) turn: u16,
}

/// What an agent is, fixed at its spawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Component)]
#[component(name = "traits", kind = raw, version = 1)]
pub(crate) struct Traits {
    /// Highest speed, 2⁻⁸ m/s.
    pub(crate) speed_max: u16,
    /// Radius of the space it claims, 2⁻⁸ m.
    pub(crate) radius: u16,
    /// What the embedder says it is; the simulation does not look at it.
    pub(crate) role: u8,
}

/// An agent as it enters the world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Agent {
    /// Where; its height is corrected to the ground by the first step.
    pub position: Position,
    /// Where it looks, 2⁻¹⁶ turns clockwise from north.
    pub heading: u16,
    /// Highest speed, 2⁻⁸ m/s.
    pub speed_max: u16,
    /// Radius of the space it claims, 2⁻⁸ m, at most [`Agent::RADIUS_MAX`].
    pub radius: u16,
    /// What the embedder says it is; the simulation does not look at it.
    pub role: u8,
}

impl Agent {
    /// The widest agent, 2⁻⁸ m: 4 m. The widest one in a world sets the reach of everybody's search for contacts.
    pub const RADIUS_MAX: u16 = 1_024;
}

/// An agent after a tick, before it is written back to its row.
#[derive(Clone, Copy, Default)]
pub(crate) struct Moved {
    pub(crate) frame: FrameId,
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) z: i32,
    pub(crate) east: i16,
    pub(crate) north: i16,
    pub(crate) place: [f64; 3],
    pub(crate) contacts: u32,
    pub(crate) heading: u16,
    /// Bit 0: held for want of ground; bit 1: changed frame.
    pub(crate) flags: u16,
}

pub(crate) const HELD: u16 = 1;
pub(crate) const CROSSED: u16 = 2;
