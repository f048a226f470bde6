//! The columns of an agent.

use spatial_core::{Component, EntityId, FrameId, Position};

use crate::kind::KindId;

/// Where an agent is: its frame and the grid point of its feet, 2⁻¹⁶ m east, north and up of the frame's origin.
#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "body", kind = point, version = 1)]
pub struct Body {
    /// The frame.
    pub frame: FrameId,
    /// East, 2⁻¹⁶ m.
    pub x: i32,
    /// North, 2⁻¹⁶ m.
    pub y: i32,
    /// Up, 2⁻¹⁶ m.
    pub z: i32,
}

impl Body {
    /// The body as a position.
    pub fn position(self) -> Position {
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

/// How fast an agent goes, 2⁻¹⁶ m/s along the axes of its frame. That of a crowd is always 0: it goes as it wishes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Component)]
#[component(name = "velocity", kind = vector, version = 1)]
pub struct Velocity {
    /// East, 2⁻¹⁶ m/s.
    pub x: i32,
    /// North, 2⁻¹⁶ m/s.
    pub y: i32,
    /// Up, 2⁻¹⁶ m/s.
    pub z: i32,
}

/// The velocity an agent asks for, 2⁻⁸ m/s in its frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Component)]
#[component(name = "wish", kind = vector, version = 2)]
pub struct Wish {
    /// East, 2⁻⁸ m/s.
    pub east: i16,
    /// North, 2⁻⁸ m/s.
    pub north: i16,
    /// Up, 2⁻⁸ m/s; for those who swim or fly.
    pub up: i16,
}

/// Where an agent looks: clockwise from north of its frame, a full turn is 65,536.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Component)]
#[component(name = "heading", kind = angle, version = 1)]
pub struct Heading {
    /// 2⁻¹⁶ turns.
    pub turn: u16,
}

/// What an agent is and does. All who see it know, so that they can show it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Component)]
#[component(name = "state", kind = raw, version = 1, replicate = all, rate = 10)]
pub struct State {
    /// The name of its kind.
    pub kind: u16,
    /// What it holds down, of [`crate::Input::buttons`].
    pub buttons: u16,
    /// How it moves just now: a [`crate::Mode`].
    pub mode: u8,
    /// How often it moves: a [`Tier`].
    pub tier: u8,
}

/// How often an agent moves, which only records decide.
///
/// Tier k moves in every 2ᵏ-th tick, as far as in all of them; who asleep is does not move, is not pushed, and costs a tick
/// nothing, but others bump into it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Tier(pub(crate) u8);

impl Tier {
    /// Moves in every tick.
    pub const EVERY_TICK: Self = Self(0);
    /// Does not move.
    pub const ASLEEP: Self = Self(255);
    /// The rarest: every eighth tick.
    pub const RAREST: Self = Self(3);

    /// Every 2ᵏ-th tick; `None` beyond [`Tier::RAREST`].
    pub const fn every_power_of_two(k: u8) -> Option<Self> {
        match k <= Self::RAREST.0 {
            true => Some(Self(k)),
            false => None,
        }
    }

    pub(crate) fn from_u8(tier: u8) -> Option<Self> {
        match Self(tier) {
            Self::ASLEEP => Some(Self::ASLEEP),
            _ => Self::every_power_of_two(tier),
        }
    }

    /// How many ticks an agent moves in this one: none when it is not its turn.
    #[inline(always)]
    pub(crate) fn ticks_due(self, tick: u64, id: impl FnOnce() -> EntityId) -> u32 {
        if self == Self::EVERY_TICK {
            return 1;
        }
        let period = 1u32 << (self.0 & 3);
        let is_due = tick.wrapping_add(id().0) & u64::from(period - 1) == 0;
        if is_due { period } else { 0 }
    }
}

/// An agent as it enters the world.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Agent {
    /// Where; the height of a crowd's agent is corrected to the ground by the first step.
    pub position: Position,
    /// Where it looks, 2⁻¹⁶ turns clockwise from north.
    pub heading: u16,
    /// What it is.
    pub kind: KindId,
    /// How fast it goes, 2⁻¹⁶ m/s along the axes of its frame; of a crowd's agent nothing.
    pub velocity: [i32; 3],
}
