//! Characters: upright capsules that walk, fall and swim.
//!
//! ```text
//!   ╭─╮        told by their feet, the lowest point; x and y level, z up, metres from where the tick begins
//!   │ │
//!   │ │  h     Walk   stands on ground or an obstacle, along which it goes at the speed it wishes
//!   │r│        Fall   flies, or slides down what is too steep to stand on
//!   ╰─╯        Swim   three quarters under water, or dives
//!  ──●────
//! ```
//! A tick is a function of the kind, the mover, its drive and what is around it. All parts of a way are swept: nothing is passed through at any
//! speed. What stands still stays bit for bit.

mod body;
mod fall;
mod swim;
mod walk;

use spatial_core::DVec3;

use crate::ground_patch::GroundPatch;
use crate::kind::{FINE_PER_M, Kind};
use crate::local_axes::LocalAxes;
use crate::mode::Mode;
use crate::obstacles::Placed;

use body::{Body, level, shortened};

/// Falling and sliding end at this speed, metres a second.
pub const FALL_SPEED_MAX_MPS: f64 = 100.0;

/// What a character carries from tick to tick, besides its place.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Mover {
    /// Velocity along the local axes, metres a second.
    pub velocity_mps: DVec3,
    /// How it moves.
    pub mode: Mode,
}

/// What moves a character in one tick.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Drive {
    /// Wished velocity: x and y along the ground, z up or down in water, metres a second. Cut to the kind's highest speed.
    pub wish_mps: DVec3,
    /// Whether it jumps, if it stands.
    pub jump: bool,
    /// How neighbours push it, level, metres.
    pub push_m: DVec3,
    /// Downwards, metres a second squared.
    pub gravity_mps2: f64,
    /// Length of the tick, seconds.
    pub tick_s: f64,
}

/// What is around one agent.
#[derive(Clone, Copy)]
pub struct LocalScene<'a> {
    /// Where it is.
    pub axes: &'a LocalAxes,
    /// The ground, and the sea at height 0; neither on a carrier.
    pub ground: Option<&'a GroundPatch<'a>>,
    /// Obstacles of the frame that may be near, ascending by id.
    pub obstacles: &'a [Placed],
}

/// A character after a tick.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Moved {
    /// From where it was, along the local axes, metres.
    pub travel_m: DVec3,
    /// Velocity along the local axes, metres a second.
    pub velocity_mps: DVec3,
    /// How it moves now.
    pub mode: Mode,
    /// The speed at which it came down on its feet, if it did, metres a second.
    pub landed_mps: Option<f64>,
    /// Ground that it needs is not resident: nothing has changed.
    pub is_held: bool,
}

/// One tick of a character.
pub fn advance_character(
    kind: &Kind,
    mover: &Mover,
    drive: &Drive,
    scene: &LocalScene<'_>,
) -> Moved {
    let still = Moved {
        velocity_mps: mover.velocity_mps,
        mode: mover.mode,
        ..Moved::default()
    };
    let speed_max = f64::from(kind.speed_max) / FINE_PER_M;
    let wish_mps = match mover.mode {
        Mode::Swim => drive.wish_mps,
        Mode::Walk | Mode::Fall => level(drive.wish_mps),
    };
    let drive = Drive {
        wish_mps: shortened(wish_mps, speed_max),
        ..*drive
    };
    let body = Body::new(kind, mover, &drive, scene);
    let moved = match mover.mode {
        Mode::Walk => body.walk_tick(mover, &drive),
        Mode::Fall => body.fall_tick(mover, &drive),
        Mode::Swim => body.swim_tick(mover, &drive),
    };
    let Ok(moved) = moved else {
        return Moved {
            is_held: true,
            ..still
        };
    };
    Moved {
        travel_m: moved.travel_m + DVec3::ZERO, // −0 is 0
        velocity_mps: moved.velocity_mps + DVec3::ZERO,
        ..moved
    }
}
