//! The tick of those who are moved with care, one by one: characters and flyers.

use spatial_core::{DVec3, Position, UNITS_PER_M};

use crate::advance::Advance;
use crate::agent::Tier;
use crate::character::{Drive, LocalScene, Moved, Mover, advance_character};
use crate::contacts::Push;
use crate::event::{Event, Landed, Pending};
use crate::frames::FrameSlot;
use crate::ground_patch::GroundPatch;
use crate::kind::{FINE_PER_M, Grade, Kind, KindId};
use crate::local_axes::LocalAxes;
use crate::mode::Mode;
use crate::record::Input;
use crate::roll::slot_of_key;
use crate::walk::PUSH_SPEED_MAX_MPS;
use crate::world::WorldStart;

/// What all of them share.
#[derive(Clone, Copy)]
pub(crate) struct Care {
    tick_s: f64,
    gravity_mps2: f64,
}

impl Care {
    pub(crate) fn new(start: &WorldStart) -> Self {
        Self {
            tick_s: 1.0 / f64::from(start.tick_rate_hz),
            gravity_mps2: f64::from(start.gravity) / FINE_PER_M,
        }
    }
}

/// Somebody within a tick.
#[derive(Clone, Copy)]
struct Walker {
    at: Position,
    velocity: [i32; 3],
    mode: Mode,
}

impl Advance<'_> {
    /// Moves one agent by so many ticks, one after the other: nobody travels further than its obstacles are told.
    pub(crate) fn move_carefully(&self, entry: usize, ticks: u32, push: Push) {
        let (roll, row) = (&self.roll.entries, self.roll.entries.rows[entry] as usize);
        let slot = slot_of_key(roll.keys[entry]);
        let frame = self.frames.get(slot);
        let kind = self.kinds.get(KindId(roll.kinds[entry]));
        let kind = kind.expect("nobody is spawned without a kind that was told");
        let before = self.walker(entry, row, frame);
        let mut walker = before;
        for tick in 0..ticks {
            let push_m = if tick == 0 {
                self.push_m(push, ticks)
            } else {
                DVec3::ZERO
            };
            let moved = self.advance_one(row, kind, frame, &walker, push_m);
            let Some((next, landed_mps)) = moved else {
                self.note_held();
                break;
            };
            walker = next;
            if let Some(speed_mps) = landed_mps {
                self.send_landed(row, speed_mps);
            }
        }
        self.write(row, &walker);
        let [x, y, z] = walker.at.xyz();
        if walker.at != before.at && !frame.is_at_home(x, y, z) {
            self.leave(slot, row, [x, y, z]);
        }
    }

    fn walker(&self, entry: usize, row: usize, frame: &FrameSlot) -> Walker {
        let roll = &self.roll.entries;
        // SAFETY: a row is in one entry, and an entry in one unit.
        let (mode, velocity) = unsafe {
            let velocity = self.out.velocity.each_ref().map(|lane| *lane.at(row));
            (*self.out.mode.at(row), velocity)
        };
        Walker {
            at: Position {
                frame: frame.axes.id(),
                x: roll.x[entry],
                y: roll.y[entry],
                z: roll.z[entry],
            },
            velocity,
            mode: Mode::new(mode).unwrap_or_default(),
        }
    }

    fn write(&self, row: usize, walker: &Walker) {
        // SAFETY: as in `walker`.
        unsafe {
            *self.out.mode.at(row) = walker.mode as u8;
            [
                *self.out.x.at(row),
                *self.out.y.at(row),
                *self.out.z.at(row),
            ] = walker.at.xyz();
            for (lane, part) in self.out.velocity.iter().zip(walker.velocity) {
                *lane.at(row) = part;
            }
        }
    }

    /// One tick; `None` when ground is missing, or the way leads off the frame's grid.
    fn advance_one(
        &self,
        row: usize,
        kind: &Kind,
        frame: &FrameSlot,
        walker: &Walker,
        push_m: DVec3,
    ) -> Option<(Walker, Option<f64>)> {
        let axes = match &frame.ground {
            Some(ground) => LocalAxes::upright(self.planet.radius_m(), ground.axes(), walker.at),
            None => LocalAxes::aboard(walker.at),
        };
        let in_frame = DVec3::from_array(walker.velocity.map(f64::from)) / UNITS_PER_M;
        let mover = Mover {
            velocity_mps: axes.from_frame(in_frame),
            mode: walker.mode,
        };
        let drive = self.drive(row, push_m);
        let speed_mps = mover.velocity_mps.length() + f64::from(kind.speed_max) / FINE_PER_M;
        let reach_m = 2.0 + kind.height_m() + speed_mps * self.care.tick_s;
        let patch = frame
            .ground
            .map(|_| GroundPatch::new(self.ground.lattice(), &axes, reach_m, self.ground));
        let scene = LocalScene {
            axes: &axes,
            ground: patch.as_ref(),
            obstacles: match self.obstacles.is_empty() {
                true => &[],
                false => self
                    .obstacles
                    .near(walker.at.frame, walker.at.x, walker.at.y),
            },
        };
        let moved = match kind.grade {
            Grade::Flyer => return Some((*walker, None)),
            _ => advance_character(kind, &mover, &drive, &scene),
        };
        let next = after(walker, &axes, &moved)?;
        (!moved.is_held).then_some((next, moved.landed_mps))
    }

    fn drive(&self, row: usize, push_m: DVec3) -> Drive {
        let wish = [self.wish.east[row], self.wish.north[row], self.wish.up[row]];
        Drive {
            wish_mps: DVec3::from_array(wish.map(f64::from)) / FINE_PER_M,
            jump: self.out.buttons[row] & Input::JUMP != 0,
            push_m,
            gravity_mps2: self.care.gravity_mps2,
            tick_s: self.care.tick_s,
        }
    }

    /// The push of neighbours, metres along the frame's plane; cut as a crowd's is.
    fn push_m(&self, push: Push, ticks: u32) -> DVec3 {
        let push_m = DVec3::new(f64::from(push.x), f64::from(push.y), 0.0) / UNITS_PER_M;
        let limit_m = PUSH_SPEED_MAX_MPS * self.care.tick_s * f64::from(ticks);
        let length = push_m.length();
        match length > limit_m {
            true => push_m * (limit_m / length),
            false => push_m,
        }
    }

    fn send_landed(&self, row: usize, speed_mps: f64) {
        let id = self.ids[row];
        let speed = (speed_mps * FINE_PER_M) as u32;
        if let Some(sent) = self.done.sent {
            let mut sent = sent.lock().expect("nobody panics with it");
            sent.push(Pending {
                due: self.tick.saturating_add(1),
                sent: self.tick,
                order: 0,
                event: Event::new(id, id, Landed { speed }),
            });
        }
    }
}

/// Where somebody is after a tick; `None` beyond the frame's grid.
fn after(walker: &Walker, axes: &LocalAxes, moved: &Moved) -> Option<Walker> {
    let travel = (axes.to_frame(moved.travel_m) * UNITS_PER_M).to_array();
    let velocity = (axes.to_frame(moved.velocity_mps) * UNITS_PER_M).to_array();
    let step = |from: i32, units: f64| {
        let to = f64::from(from) + units.round_ties_even();
        (to.abs() < f64::from(i32::MAX)).then_some(to as i32)
    };
    Some(Walker {
        at: Position {
            frame: walker.at.frame,
            x: step(walker.at.x, travel[0])?,
            y: step(walker.at.y, travel[1])?,
            z: step(walker.at.z, travel[2])?,
        },
        velocity: velocity.map(|part| part.round_ties_even() as i32),
        mode: moved.mode,
    })
}

const _: () = assert!(Tier::RAREST.0 <= 3, "a step of eight ticks is eight sweeps");
