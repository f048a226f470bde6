//! 250 asteroids around a planetoid: the motion that KinematicSoup compares frameworks by, on an engine of physics, and its frames
//! as packets against frames that are acknowledged.
//!
//! What is published of the scene is its law of motion; the rocks themselves are ours: hulls of twelve points each, as wide as their
//! scale, and the planetoid is a ball of two metres.

use core::f32::consts::{FRAC_PI_4, PI, SQRT_2};

use net_proto::{Bodies, BodiesError, Body};
use rapier3d::prelude::*;

use crate::case::{Size, hash_of};
use crate::seeded::Seeded;

const COUNT: usize = 250;
const SEED: u64 = 2323;
/// 50 · (250 / 1000)^⅓ metres.
const BOUNDS_M: f32 = 31.498;
const PLANETOID_M: f32 = 2.0;
/// Steps of physics a second; every second one is sent.
const STEP_S: f32 = 1.0 / 60.0;
/// Frames a second.
pub(crate) const RATE_HZ: usize = 30;
/// Accelerations outside of the bounds and within, m/s².
const HOME: f32 = 10.0;
const PACE: f32 = 5.0;
/// Seconds until they have settled into a ring, and that are sent.
const SETTLING_S: usize = 300;
const SENT_S: usize = 120;

/// Quanta a metre.
const PLACES: f32 = 100.0;
/// Less than a thousandth apart.
const COMPONENT_MAX: u16 = 1_415;

/// Packet i is against frame i − LAG: a round trip of 200 ms.
const LAG: u64 = 6;
/// Before a packet's bodies: its kind, its frame, and how far back its baseline is.
const HEADER_BYTES: usize = 10;
/// What IPv4, UDP and QUIC add to a datagram, at most; and what there is room for in one.
const OVERHEAD_BYTES: usize = 60;
const DATAGRAM_BYTES: usize = 1_162;

/// The frames that are sent.
pub(crate) struct Asteroids {
    frames: Vec<Vec<Body>>,
}

/// What sending them took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sent {
    pub(crate) packets: usize,
    /// Headers of ours included.
    pub(crate) bytes: usize,
    /// With what the network adds.
    pub(crate) wire_bytes: usize,
    pub(crate) is_exact: bool,
}

impl Sent {
    /// Kilobytes a second, of payload and on the wire.
    pub(crate) fn kilobytes(&self) -> [f64; 2] {
        [self.bytes, self.wire_bytes]
            .map(|bytes| bytes as f64 * RATE_HZ as f64 / self.packets as f64 / 1e3)
    }

    /// Of an asteroid in a frame.
    pub(crate) fn bits(&self) -> f64 {
        self.bytes as f64 * 8.0 / (self.packets * COUNT) as f64
    }
}

impl Asteroids {
    /// The same ones each time.
    pub(crate) fn new(size: Size) -> Self {
        let [settling_s, sent_s] = match size {
            Size::Tiny => [1, 2],
            Size::Full => [SETTLING_S, SENT_S],
        };
        let mut belt = Belt::new();
        (0..settling_s * 60).for_each(|_| belt.step());
        let frame = |_| {
            belt.step();
            belt.step();
            belt.bodies()
        };
        Self {
            frames: (0..sent_s * RATE_HZ).map(frame).collect(),
        }
    }

    /// Changes with anything in any frame.
    pub(crate) fn hash(&self) -> u64 {
        let numbers = |body: &Body| {
            let [x, y, z] = body.position().map(|at| at as u64);
            let [a, b, c] = body.components().map(u64::from);
            [x, y, z, a, b, c, u64::from(body.largest())]
        };
        hash_of(self.frames.iter().flatten().flat_map(numbers))
    }

    /// Sends every frame against that of [`LAG`] before, and compares what comes.
    pub(crate) fn send(&self) -> Result<Sent, BodiesError> {
        let mut sender = Bodies::with_components(0, &self.frames[0], COMPONENT_MAX)?;
        let mut receiver = sender.clone();
        let mut room = vec![0; 16 * COUNT];
        let mut sent = Sent {
            is_exact: true,
            ..Sent::default()
        };
        for (number, frame) in (1..).zip(&self.frames[1..]) {
            let baseline = number - LAG.min(number);
            let bytes = sender.encode(number, baseline, frame, &mut room)?;
            sent.is_exact &= receiver.decode(number, baseline, &room[..bytes])? == frame;
            let bytes = bytes + HEADER_BYTES;
            sent.packets += 1;
            sent.bytes += bytes;
            sent.wire_bytes += bytes + bytes.div_ceil(DATAGRAM_BYTES) * OVERHEAD_BYTES;
        }
        Ok(sent)
    }
}

/// The scene.
struct Belt {
    world: PhysicsWorld,
    rocks: Vec<Rock>,
}

struct Rock {
    body: RigidBodyHandle,
    speed_mps: f32, // that it aims at
}

impl Belt {
    fn new() -> Self {
        let mut world = PhysicsWorld::new();
        world.gravity = Vector::ZERO;
        world.integration_parameters.dt = STEP_S;
        world.insert(
            RigidBodyBuilder::fixed(),
            ColliderBuilder::ball(PLANETOID_M),
        );
        let mut seeded = Seeded(SEED);
        let mut taken = vec![(Vector::ZERO, PLANETOID_M)];
        let rocks = (0..COUNT).map(|_| {
            let scale = between(&mut seeded, 0.25, 1.0);
            let at = free_place(&mut seeded, scale, &taken);
            taken.push((at, scale));
            let speed_mps = between(&mut seeded, 1.0, 4.0);
            let body = RigidBodyBuilder::dynamic()
                .translation(at)
                .rotation(direction(&mut seeded) * between(&mut seeded, 0.0, PI))
                .angvel(direction(&mut seeded) * between(&mut seeded, 0.0, FRAC_PI_4))
                .linvel(direction(&mut seeded) * speed_mps)
                .can_sleep(false);
            let shape = rock(&mut seeded, scale).mass(scale * scale * scale);
            let body = world.insert(body, shape).0;
            Rock { body, speed_mps }
        });
        let rocks = rocks.collect();
        Self { world, rocks }
    }

    fn step(&mut self) {
        for rock in &self.rocks {
            let body = &mut self.world.bodies[rock.body];
            let next = next_velocity(body.translation(), body.linvel(), rock.speed_mps);
            body.set_linvel(next, true);
        }
        self.world.step();
    }

    fn bodies(&self) -> Vec<Body> {
        let body = |rock: &Rock| quantised(&self.world.bodies[rock.body]);
        self.rocks.iter().map(body).collect()
    }
}

/// Outside of the bounds it falls home; within, its speed comes to what it aims at.
fn next_velocity(at: Vector, velocity: Vector, speed_mps: f32) -> Vector {
    let distance = at.length();
    if distance > BOUNDS_M {
        return velocity - at * (HOME * STEP_S / distance);
    }
    let speed = velocity.length();
    if speed < 1e-6 {
        return velocity; // it has no direction
    }
    let change = (speed_mps - speed).clamp(-PACE * STEP_S, PACE * STEP_S);
    velocity * ((speed + change) / speed)
}

/// Somewhere within the bounds, or outwards from there, where a ball of twice the scale touches nobody.
fn free_place(seeded: &mut Seeded, scale: f32, taken: &[(Vector, f32)]) -> Vector {
    const STEP_M: f32 = 0.5;
    let way = direction(seeded);
    let volume = between(seeded, 0.0, 1.0);
    let mut distance = BOUNDS_M * libm::cbrtf(volume);
    loop {
        let at = way * distance;
        let is_free =
            |(other, radius): &(Vector, f32)| (at - *other).length() > 2.0 * scale + radius;
        if taken.iter().all(is_free) {
            return at;
        }
        distance += STEP_M;
    }
}

/// A hull of the twelve corners of an icosahedron, each somewhat nearer the middle.
fn rock(seeded: &mut Seeded, scale: f32) -> ColliderBuilder {
    const GOLDEN: f32 = 1.618_034;
    let length = (1.0 + GOLDEN * GOLDEN).sqrt();
    let mut corners = Vec::new();
    for (a, b) in [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)] {
        let (a, b) = (a / length, b * GOLDEN / length);
        for corner in [[0.0, a, b], [a, b, 0.0], [b, 0.0, a]] {
            let near = between(seeded, 0.7, 1.0) * scale;
            corners.push(Vector::from(corner) * near);
        }
    }
    ColliderBuilder::convex_hull(&corners).expect("they span a solid")
}

fn direction(seeded: &mut Seeded) -> Vector {
    let [x, y, z] = seeded.direction().to_array().map(|v| v as f32);
    Vector::new(x, y, z)
}

fn between(seeded: &mut Seeded, low: f32, high: f32) -> f32 {
    low + (high - low) * (0.5 + 0.5 * seeded.signed()) as f32
}

fn quantised(body: &RigidBody) -> Body {
    let place = body.translation().to_array();
    let place = place.map(|at| (at * PLACES).round() as i16);
    let turn = body.rotation().to_array();
    let mut largest = 0;
    for n in 1..4 {
        if turn[n].abs() > turn[largest].abs() {
            largest = n;
        }
    }
    let most = f32::from(COMPONENT_MAX);
    let part = |n: usize| {
        let at = n + usize::from(n >= largest);
        let part = turn[at] * turn[largest].signum() / SQRT_2 + 0.5;
        (part * most).round().clamp(0.0, most) as u16
    };
    let parts = core::array::from_fn(part);
    Body::new(place, largest as u8, parts, false).expect("nobody gets 160 m away")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asteroids_move_by_the_law() {
        let out = Vector::new(40.0, 0.0, 0.0);
        let next = next_velocity(out, Vector::new(0.0, 3.0, 0.0), 2.0);
        assert!((next - Vector::new(-1.0 / 6.0, 3.0, 0.0)).length() < 1e-6);
        let next = next_velocity(out * 0.5, Vector::new(0.0, 3.0, 0.0), 2.0);
        assert!((next - Vector::new(0.0, 3.0 - 1.0 / 12.0, 0.0)).length() < 1e-6);
        let next = next_velocity(out * 0.5, Vector::new(0.0, 2.01, 0.0), 2.0);
        assert!((next - Vector::new(0.0, 2.0, 0.0)).length() < 1e-6);
    }

    #[test]
    fn the_same_frames_come_each_time_and_come_back_exact() {
        let [one, two] = [0; 2].map(|_| Asteroids::new(Size::Tiny));
        assert_eq!(one.hash(), two.hash());
        assert_ne!(one.frames[0], one.frames[59]);
        let sent = one.send().unwrap();
        assert!(sent.is_exact && sent.packets == 59);
        assert!(sent.wire_bytes >= sent.bytes + 59 * OVERHEAD_BYTES);
    }
}
