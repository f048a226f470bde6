//! The tick of those who are moved with care, one by one: characters and flyers.

use spatial_core::{DVec3, EntityId, Position, UNITS_PER_M};

use crate::advance::Advance;
use crate::agent::Tier;
use crate::character::Drive;
use crate::contacts::Push;
use crate::event::{Event, EventData, Landed, Pending};
use crate::flight::parts;
use crate::frames::FrameSlot;
use crate::kind::{FINE_PER_M, Grade, Kind, KindId};
use crate::mode::Mode;
use crate::near::Neighbour;
use crate::outbox::STEP_ORDER;
use crate::record::Input;
use crate::roll::{corner_of_key, is_beyond, slot_of_key};
use crate::walk::PUSH_SPEED_MAX_MPS;
use crate::walker::{Site, Walker};

impl Advance<'_> {
    /// Moves one agent by so many ticks, one after the other: nobody travels further than its obstacles are told. Whether it may be in
    /// another block than the one of its key then. `met` is room to work in.
    pub(crate) fn move_carefully(
        &self,
        (key, entry): (u64, usize),
        ticks: u32,
        push: Push,
        met: &mut Vec<Neighbour>,
    ) -> bool {
        let (roll, row) = (&self.roll.entries, self.roll.entries.rows[entry] as usize);
        let slot = slot_of_key(key);
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
            let moved = match kind.grade {
                Grade::Flyer => self.fly_tick(row, (kind, frame), &walker, met),
                Grade::Crowd | Grade::Character => {
                    self.walk_tick(row, kind, frame, &walker, push_m)
                }
            };
            let Some(next) = moved else {
                self.note_held();
                break;
            };
            walker = next;
        }
        self.write(row, entry, &walker);
        let [x, y, z] = walker.at.xyz();
        let is_leaving = walker.at != before.at && !frame.is_at_home(x, y, z);
        if is_leaving {
            self.leave(slot, row, [x, y, z]);
        }
        is_leaving || is_beyond(corner_of_key(key), x, y)
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

    fn write(&self, row: usize, entry: usize, walker: &Walker) {
        // SAFETY: as in `walker`.
        unsafe {
            *self.out.mode.at(row) = walker.mode as u8;
            [
                *self.out.x.at(row),
                *self.out.y.at(row),
                *self.out.z.at(row),
            ] = walker.at.xyz();
            for (lane, units) in self.out.ahead.iter().zip(walker.at.xyz()) {
                *lane.at(entry) = units;
            }
            for (lane, part) in self.out.velocity.iter().zip(walker.velocity) {
                *lane.at(row) = part;
            }
        }
    }

    /// One tick of a character; `None` when ground is missing, or the way leads off the frame's grid.
    fn walk_tick(
        &self,
        row: usize,
        kind: &Kind,
        frame: &FrameSlot,
        walker: &Walker,
        push_m: DVec3,
    ) -> Option<Walker> {
        let drive = self.drive(row, push_m);
        let (moved, next) = walker.walk(kind, &drive, &self.site(frame))?;
        if let Some(speed_mps) = moved.landed_mps {
            let speed = (speed_mps * FINE_PER_M) as u32;
            self.send(row, self.ids[row], Landed { speed });
        }
        Some(next)
    }

    /// One tick of a flyer, in as many parts as its speed needs. Who has hit something rests there until it gets a velocity.
    fn fly_tick(
        &self,
        row: usize,
        (kind, frame): (&Kind, &FrameSlot),
        walker: &Walker,
        met: &mut Vec<Neighbour>,
    ) -> Option<Walker> {
        if walker.mode == Mode::Walk && walker.velocity == [0; 3] {
            return Some(*walker);
        }
        let in_frame = DVec3::from_array(walker.velocity.map(f64::from)) / UNITS_PER_M;
        let count = parts(in_frame.length(), self.care.tick_s);
        let mut drive = self.drive(row, DVec3::ZERO);
        drive.tick_s /= f64::from(count);
        let mut walker = Walker {
            mode: Mode::Fall,
            ..*walker
        };
        for _ in 0..count {
            let (site, tick_s) = (self.site(frame), self.care.tick_s);
            let part = walker.within_scene(kind, tick_s, &site, |mover, scene| {
                let part = self.fly(row, (kind, frame, walker.at), (mover, &drive, scene), met)?;
                let next = walker.after(scene.axes, part.travel_m, part.velocity_mps)?;
                Some((part.struck, next))
            });
            let (struck, next) = part?;
            walker = next;
            if let Some(struck) = struck {
                self.send(row, self.ids[row], struck.hit);
                if let Some(agent) = struck.agent {
                    self.send(row, agent, struck.hit);
                }
                walker.mode = Mode::Walk;
                break;
            }
        }
        Some(walker)
    }

    fn site<'a>(&'a self, frame: &'a FrameSlot) -> Site<'a> {
        Site {
            radius_m: self.planet.radius_m(),
            axes: frame.is_on_ground.then_some(&frame.axes),
            lattice: self.ground.lattice(),
            tiles: self.ground,
            obstacles: self.obstacles,
        }
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

    fn send<T: EventData>(&self, row: usize, target: EntityId, data: T) {
        let Some(sent) = self.done.sent else { return };
        let mut sent = sent.lock().expect("nobody panics with it");
        // Those of one source stay in their order, whatever comes between, and come after those of its systems.
        let order = STEP_ORDER | sent.len() as u32 & !STEP_ORDER;
        sent.push(Pending {
            due: self.tick.saturating_add(1),
            sent: self.tick,
            order,
            event: Event::new(target, self.ids[row], data),
        });
    }
}

const _: () = assert!(Tier::RAREST.0 <= 3, "a step of eight ticks is eight sweeps");
