//! The tick of a flyer: its way in parts, each ending at the first thing it meets, be it ground, an obstacle or an agent.

use spatial_core::{DVec3, EntityId, Position, UNITS_PER_M};

use crate::advance::Advance;
use crate::agent::State;
use crate::character::{Drive, LocalScene, Mover};
use crate::event::Hit;
use crate::flyer::advance_flyer;
use crate::frames::FrameSlot;
use crate::kind::Kind;
use crate::local_axes::LocalAxes;
use crate::near::{Near, Neighbour, Scene};
use crate::rooms::Rooms;
use crate::shape::{Segment, ball_meets_capsule};

/// A part of a way is no longer: obstacles are told 8 m around.
const PART_M: f64 = 6.0;

/// Parts of a tick's way; who is faster flies through what is further.
const PARTS_MAX: f64 = 64.0;

/// The farthest that any capsule reaches from its feet, metres: 256 m high.
const BODY_MAX_M: f64 = 4.0;

/// What ended a flight.
#[derive(Clone, Copy)]
pub(crate) struct Struck {
    pub(crate) hit: Hit,
    /// The agent that was hit.
    pub(crate) agent: Option<EntityId>,
}

/// A flyer after a part of its way.
pub(crate) struct Part {
    /// Along the local axes, metres.
    pub(crate) travel_m: DVec3,
    pub(crate) velocity_mps: DVec3,
    pub(crate) struck: Option<Struck>,
}

/// Into how many parts a tick's way is cut.
pub(crate) fn parts(speed_mps: f64, tick_s: f64) -> u32 {
    // NaN becomes 1.
    (speed_mps * tick_s / PART_M).clamp(0.0, PARTS_MAX) as u32 + 1
}

impl Advance<'_> {
    /// One part of a flyer's way; `None` where ground is missing.
    pub(crate) fn fly(
        &self,
        row: usize,
        (kind, frame, at): (&Kind, &FrameSlot, Position),
        (mover, drive, scene): (&Mover, &Drive, &LocalScene<'_>),
        met: &mut Vec<Neighbour>,
    ) -> Option<Part> {
        let flown = advance_flyer(kind, mover, drive, scene);
        if flown.is_held {
            return None;
        }
        let speed = |mps: DVec3| (mps.length() * 256.0) as u32;
        let struck = flown.hit.map(|hit| Struck {
            hit: Hit {
                obstacle: hit.obstacle.map_or(0, |id| id.0),
                speed: speed(flown.velocity_mps),
                what: if hit.obstacle.is_some() {
                    Hit::OBSTACLE
                } else {
                    Hit::GROUND
                },
            },
            agent: None,
        });
        let met = self.first_met(row, (kind, frame, at), (scene.axes, flown.travel_m), met);
        Some(match met {
            Some((time, agent)) => Part {
                travel_m: flown.travel_m * time,
                velocity_mps: DVec3::ZERO,
                struck: Some(Struck {
                    hit: Hit {
                        obstacle: 0,
                        speed: speed(flown.velocity_mps),
                        what: Hit::AGENT,
                    },
                    agent: Some(agent),
                }),
            },
            None => Part {
                travel_m: flown.travel_m,
                velocity_mps: if struck.is_some() {
                    DVec3::ZERO
                } else {
                    flown.velocity_mps
                },
                struck,
            },
        })
    }

    /// The first agent on a way, as all were before the tick, and the part of the way before it.
    fn first_met(
        &self,
        row: usize,
        (kind, frame, at): (&Kind, &FrameSlot, Position),
        (axes, travel): (&LocalAxes, DVec3),
        met: &mut Vec<Neighbour>,
    ) -> Option<(f64, EntityId)> {
        let others = |row: usize| self.state_of(row);
        let scene = Scene {
            tick: self.tick,
            tick_rate_hz: 0,
            planet: self.planet,
            roll: self.roll,
            frames: self.frames,
            ground: self.ground,
            slots: self.slots,
            ids: self.ids,
            lists: &Rooms::default(),
        };
        let reach_m = travel.length() + kind.radius_m() + BODY_MAX_M;
        let near = Near::<State>::new(&scene, &others, reach_m);
        near.around(row, at, reach_m, met);
        debug_assert_eq!(frame.axes.id(), at.frame);
        let radius_m = kind.radius_m();
        let ball = DVec3::Z * radius_m;
        let mut first: Option<(f64, EntityId)> = None;
        for neighbour in &*met {
            let body = self.kinds.body(self.out.kind[neighbour.row]);
            if body.touch_radius.is_nan() {
                continue; // another flyer
            }
            let axis = axis_of(neighbour, axes, [body.radius, body.top]);
            let radii_m = radius_m + f64::from(body.radius) / UNITS_PER_M;
            if let Some(touch) = ball_meets_capsule(ball, travel, axis, radii_m)
                && first.is_none_or(|(time, _)| touch.time < time)
            {
                first = Some((touch.time, neighbour.id));
            }
        }
        first
    }

    fn state_of(&self, row: usize) -> State {
        State {
            kind: self.out.kind[row],
            ..State::default()
        }
    }
}

/// The axis of a neighbour's capsule along the flyer's axes.
fn axis_of(neighbour: &Neighbour, axes: &LocalAxes, [low, high]: [f32; 2]) -> Segment {
    let feet = axes.from_frame(neighbour.way_m);
    let above = |units: f32| feet + DVec3::Z * (f64::from(units) / UNITS_PER_M);
    Segment {
        start: above(low),
        end: above(high),
    }
}
