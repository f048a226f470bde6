//! The movement of one agent in one tick: wish, push, ground, frame. This is the specification that faster
//! kernels must equal bit for bit.
//!
//! ```text
//!        up│      p  (x, y, z): feet, on the grid of the frame
//!          │     ╱                        along up, where |p| = R + h:
//!   plane ─┼────●──────── east, north     z = √((R + h)² − x² − y²) − R
//!   datum ─┴──╌╌╌╌╌╌╌
//! ```

use spatial_core::{DVec3, Ecef, EntityId, Frame, Hit, IndexView, Planet, Position, UNITS_PER_M};

use crate::agent::{Body, CROSSED, HELD, Heading, Moved, Traits, Wish};
use crate::ground::Ground;
use crate::kind::FINE_PER_M;

/// Neighbours push an agent aside at most this fast, metres a second.
pub const PUSH_SPEED_MAX_MPS: f64 = 2.0;

/// Grid units in one fine unit (2⁻⁸ m).
const UNITS_PER_FINE: f64 = UNITS_PER_M / FINE_PER_M;

/// What all agents of a tick share.
pub(crate) struct Scene<'a> {
    pub(crate) planet: Planet,
    pub(crate) ticks_per_s: f64,
    pub(crate) ground: &'a Ground,
    pub(crate) near: IndexView<'a>,
    pub(crate) ids: &'a [EntityId],
    pub(crate) places: &'a [Ecef],
    pub(crate) radius: &'a [u16],
    pub(crate) radius_max_m: f64,
}

/// One agent before the tick.
#[derive(Clone, Copy)]
pub(crate) struct Before {
    pub(crate) row: usize,
    pub(crate) body: Body,
    pub(crate) wish: Wish,
    pub(crate) heading: Heading,
    pub(crate) traits: Traits,
}

impl Scene<'_> {
    /// Where an agent is after the tick.
    pub(crate) fn advance(&self, frame: &Frame, agent: &Before) -> Moved {
        let (push, contacts) = self.push_units(frame, agent);
        let walk = walk_units(agent.wish, agent.traits.speed_max) / self.ticks_per_s;
        let at = Position {
            x: add_units(agent.body.x, walk.x + push.x),
            y: add_units(agent.body.y, walk.y + push.y),
            ..agent.body.position()
        };
        match self.on_ground(frame, at) {
            Some(at) => self.settle(frame, at, agent, contacts),
            None => stay(agent, self.places[agent.row], contacts),
        }
    }

    /// The point of the ground above or below a position; `None` where the ground is not resident or
    /// beyond the frame's grid.
    fn on_ground(&self, frame: &Frame, at: Position) -> Option<Position> {
        let height = self.ground.height_m(frame.to_ecef(at).to_vec())?;
        let (east, north) = (f64::from(at.x) / UNITS_PER_M, f64::from(at.y) / UNITS_PER_M);
        let reach = self.planet.radius_m() + height;
        let up = (reach * reach - (east * east + north * north)).sqrt() - self.planet.radius_m();
        let units = (up * UNITS_PER_M).round();
        // NaN, where the plane misses the ground, is in no range.
        let on_grid = (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&units);
        on_grid.then_some(Position {
            z: units as i32,
            ..at
        })
    }

    /// The agent at its new place, in a new frame if it has left the old one.
    fn settle(&self, frame: &Frame, at: Position, agent: &Before, contacts: u32) -> Moved {
        let place = frame.to_ecef(at);
        let stayed = Moved {
            frame: at.frame,
            x: at.x,
            y: at.y,
            z: at.z,
            east: agent.wish.east,
            north: agent.wish.north,
            heading: agent.heading.turn,
            place: place.to_array(),
            contacts,
            flags: 0,
        };
        if !frame.is_left(place) {
            return stayed;
        }
        let next = Frame::at(self.planet, place);
        match next.to_position(place) {
            Ok(at) => cross(frame, &next, at, &stayed),
            Err(_) => stay(agent, self.places[agent.row], contacts), // beyond the next frame's grid
        }
    }

    /// Half of every overlap with a neighbour, as the tick began, grid units on the frame's plane; and how many.
    fn push_units(&self, frame: &Frame, agent: &Before) -> (DVec3, u32) {
        let (own, id) = (self.places[agent.row], self.ids[agent.row]);
        let own_radius = f64::from(agent.traits.radius) / FINE_PER_M;
        let (mut sum, mut contacts) = (DVec3::ZERO, 0);
        let touching = |hit: Hit| {
            let other = hit.row as usize;
            if other == agent.row {
                return;
            }
            let reach = own_radius + f64::from(self.radius[other]) / FINE_PER_M;
            let apart = own.to_vec() - self.places[other].to_vec();
            let distance = apart.length();
            if distance < reach {
                let way = away(apart, distance, id < self.ids[other]);
                sum += on_push_grid(way * (0.5 * (reach - distance)));
                contacts += 1;
            }
        };
        let reach = own_radius + self.radius_max_m;
        let found = self.near.for_each_within(own, reach, touching);
        found.expect("sums of radii are not negative");
        let plane = frame.rotate_in(sum).with_z(0.0) * UNITS_PER_M;
        let limit = PUSH_SPEED_MAX_MPS * UNITS_PER_M / self.ticks_per_s;
        (shorten(plane, limit), contacts)
    }
}

/// Grid units a second of a wish, cut to the speed limit.
fn walk_units(wish: Wish, speed_max: u16) -> DVec3 {
    let asked = DVec3::new(f64::from(wish.east), f64::from(wish.north), 0.0);
    shorten(asked, f64::from(speed_max)) * UNITS_PER_FINE
}

/// A vector cut to a length.
fn shorten(v: DVec3, limit: f64) -> DVec3 {
    let length = v.length();
    if length > limit {
        v * (limit / length)
    } else {
        v
    }
}

/// A wish brought to a length, or as near to it as both its axes allow without changing its direction.
fn lengthen(v: DVec3, length: f64) -> DVec3 {
    let longest = v.abs().max_element();
    if longest == 0.0 {
        return DVec3::ZERO;
    }
    v * (length / v.length()).min(f64::from(i16::MAX) / longest)
}

/// The unit vector of a separation. Two agents in one spot part along an axis, by the order of their ids.
fn away(apart: DVec3, distance: f64, is_first: bool) -> DVec3 {
    const COINCIDENT_M: f64 = 1e-6; // below the grid
    if distance > COINCIDENT_M {
        apart / distance
    } else if is_first {
        DVec3::new(-0.6, 0.64, 0.48) // along no axis of the planet: hardly any frame's plane loses it
    } else {
        DVec3::new(0.6, -0.64, -0.48)
    }
}

/// A push, metres, rounded to multiples of 2⁻³² m. Sums of these are exact below 2²⁰ m, and so the same in whatever order the index
/// tells the neighbours.
fn on_push_grid(push_m: DVec3) -> DVec3 {
    const PER_M: f64 = (1u64 << 32) as f64;
    (push_m * PER_M).round() / PER_M
}

/// A grid coordinate moved by a fraction of units; saturates at ±32 km.
fn add_units(x: i32, delta: f64) -> i32 {
    (f64::from(x) + delta.round()) as i32
}

/// An agent that does not move, for want of ground under its next step.
fn stay(agent: &Before, place: Ecef, contacts: u32) -> Moved {
    Moved {
        frame: agent.body.frame,
        x: agent.body.x,
        y: agent.body.y,
        z: agent.body.z,
        east: agent.wish.east,
        north: agent.wish.north,
        heading: agent.heading.turn,
        place: place.to_array(),
        contacts,
        flags: HELD,
    }
}

/// The same agent seen from the next frame: vectors and angles turn with it.
fn cross(frame: &Frame, next: &Frame, at: Position, was: &Moved) -> Moved {
    let turn = |v: DVec3| next.rotate_in(frame.rotate_out(v));
    let wish = DVec3::new(f64::from(was.east), f64::from(was.north), 0.0);
    let wish = lengthen(turn(wish).with_z(0.0), wish.length());
    let north = turn(DVec3::Y);
    let turned = libm::atan2(north.x, north.y) / core::f64::consts::TAU * 65_536.0;
    Moved {
        frame: at.frame,
        x: at.x,
        y: at.y,
        z: at.z,
        east: wish.x.round() as i16,
        north: wish.y.round() as i16,
        heading: was.heading.wrapping_add(turned.round() as i32 as u16),
        place: next.to_ecef(at).to_array(),
        contacts: was.contacts,
        flags: CROSSED,
    }
}
