//! Kinds: what agents of a world are and can do, told once and named by every agent.
//!
//! ```text
//! kind    grade u8 · role u8 · radius u16 · height u16 · speed u16 · acceleration u16 · slope u16 · step u16 · jump u16 ·
//!         drag u16 · weight u16
//! ```

use crate::record::{EntryError, Reader};

/// Small fixed-point units of speed and length in a metre (per second).
pub const FINE_PER_M: f64 = 256.0;

/// How much care an agent's movement gets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Grade {
    /// One of very many: walks as it wishes, follows the ground, is pushed out of obstacles and apart from others.
    Crowd = 0,
    /// A swept upright capsule with a velocity: slides, climbs, steps, jumps, falls, swims.
    Character = 1,
    /// A swept ball with a velocity: what is thrown, shot or flies.
    Flyer = 2,
}

/// What agents of one kind are and can do. A world's kinds are part of its state.
///
/// Lengths are 2⁻⁸ m, speeds 2⁻⁸ m/s.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Kind {
    /// How it moves.
    pub grade: Grade,
    /// What the embedder says it is; the simulation does not look at it.
    pub role: u8,
    /// Radius of its capsule or ball, at most [`Kind::RADIUS_MAX`].
    pub radius: u16,
    /// Height of its capsule, at least twice its radius: then it is a ball.
    pub height: u16,
    /// Highest speed that it can wish for.
    pub speed_max: u16,
    /// How fast its velocity comes to what it wishes, 2⁻⁸ m/s²; a crowd is always at once there.
    pub acceleration: u16,
    /// The steepest ground that it can stand on and climb: rise over run, 2⁻⁸.
    pub slope_max: u16,
    /// The highest step that it takes without a jump.
    pub step_max: u16,
    /// The speed at which it leaves the ground.
    pub jump_speed: u16,
    /// How the air slows a flyer: per second, 2⁻⁸.
    pub drag: u16,
    /// How much of the planet's gravity a flyer feels, 2⁻⁸ of it.
    pub weight: u16,
}

/// The name of a kind within its world.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct KindId(pub u16);

impl Kind {
    /// The widest agent, 2⁻⁸ m: 4 m. The widest one in a world sets the reach of everybody's search for contacts.
    pub const RADIUS_MAX: u16 = 1_024;

    /// One of a crowd of people: 0.4 m wide on either side, 1.8 m high, walks at most so fast.
    pub const fn crowd(speed_max: u16) -> Self {
        Self {
            grade: Grade::Crowd,
            role: 0,
            radius: 102,
            height: 461,
            speed_max,
            acceleration: 0,
            slope_max: 0,
            step_max: 0,
            jump_speed: 0,
            drag: 0,
            weight: 0,
        }
    }

    /// A person with the care of a character: as one of a crowd, up slopes of 50° and steps of 0.4 m, jumps 1 m high.
    pub const fn character(speed_max: u16) -> Self {
        Self {
            grade: Grade::Character,
            acceleration: 10_240,
            slope_max: 305,
            step_max: 102,
            jump_speed: 1_134,
            weight: 256,
            ..Self::crowd(speed_max)
        }
    }

    /// A ball that is thrown or shot, with the gravity of the planet and some drag.
    pub const fn flyer(radius: u16) -> Self {
        Self {
            grade: Grade::Flyer,
            radius,
            height: 2 * radius,
            drag: 8,
            weight: 256,
            ..Self::crowd(0)
        }
    }

    /// Whether a world takes it.
    pub fn is_legal(&self) -> bool {
        self.radius <= Self::RADIUS_MAX && u32::from(self.height) >= 2 * u32::from(self.radius)
    }

    /// The radius, metres.
    pub fn radius_m(&self) -> f64 {
        f64::from(self.radius) / FINE_PER_M
    }

    /// The height, metres.
    pub fn height_m(&self) -> f64 {
        f64::from(self.height) / FINE_PER_M
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend([self.grade as u8, self.role]);
        let numbers = [
            self.radius,
            self.height,
            self.speed_max,
            self.acceleration,
            self.slope_max,
            self.step_max,
            self.jump_speed,
            self.drag,
            self.weight,
        ];
        out.extend(numbers.iter().flat_map(|n| n.to_le_bytes()));
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Result<Self, EntryError> {
        let grade = match r.u8()? {
            0 => Grade::Crowd,
            1 => Grade::Character,
            2 => Grade::Flyer,
            grade => return Err(EntryError::Kind(grade)),
        };
        Ok(Self {
            grade,
            role: r.u8()?,
            radius: r.u16()?,
            height: r.u16()?,
            speed_max: r.u16()?,
            acceleration: r.u16()?,
            slope_max: r.u16()?,
            step_max: r.u16()?,
            jump_speed: r.u16()?,
            drag: r.u16()?,
            weight: r.u16()?,
        })
    }
}
