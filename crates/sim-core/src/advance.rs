//! One tick of all who are awake, block by block: contacts, then each agent's own step.
//!
//! A unit of work is a run of blocks, about a thousand agents, whose data stay in the second cache from the counting sort to
//! the last write. Workers read the roll, which nobody writes meanwhile, and write the rows of their own agents.

use core::ops::Range;
use std::cell::RefCell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rayon::prelude::*;
use spatial_core::{DVec3, EntityId, Frame, Planet, Position, UNITS_PER_M};

use crate::agent::{Tier, Wish, WishLanes};
use crate::avoid::beside;
use crate::careful::Care;
use crate::contacts::{CellSort, Contacts, Eights, OneByOne, OwnAgents, Push, push_apart};
use crate::event::Pending;
use crate::frames::{FrameSlots, Slot};
use crate::ground::Ground;
use crate::kind::Grade;
use crate::kinds::Kinds;
use crate::level::SimLevel;
use crate::mode::Mode;
use crate::obstacles::{Obstacles, Placed};
use crate::parts::Parts;
use crate::roll::{Guest, Roll, corner_of_key, slot_of_key};
use crate::sleepers::Sleepers;
use crate::walk::{Pace, height_z, places, walk};

/// What the workers of a tick share.
pub(crate) struct Advance<'a> {
    pub(crate) tick: u64,
    pub(crate) planet: Planet,
    pub(crate) pace: Pace,
    pub(crate) care: Care,
    pub(crate) roll: &'a Roll,
    pub(crate) sleepers: &'a Sleepers,
    pub(crate) slots: &'a [Slot],
    pub(crate) frames: &'a FrameSlots,
    pub(crate) kinds: &'a Kinds,
    pub(crate) ground: &'a Ground,
    pub(crate) obstacles: &'a Obstacles,
    pub(crate) ids: &'a [EntityId],
    pub(crate) wish: WishLanes<'a>,
    pub(crate) out: Written<'a>,
    pub(crate) done: Done<'a>,
}

/// The columns that workers write, each its own agents' rows.
pub(crate) struct Written<'a> {
    pub(crate) x: Parts<'a, i32>,
    pub(crate) y: Parts<'a, i32>,
    pub(crate) z: Parts<'a, i32>,
    pub(crate) mode: Parts<'a, u8>,
    pub(crate) velocity: [Parts<'a, i32>; 3],
    pub(crate) tier: &'a [u8],
    pub(crate) kind: &'a [u16],
    pub(crate) buttons: &'a [u16],
}

/// What happened, summed over all workers.
#[derive(Default)]
pub(crate) struct Done<'a> {
    pub(crate) held: AtomicU32,
    pub(crate) contacts: AtomicU64,
    /// Rows that have left their frame, in any order.
    pub(crate) left: Option<&'a Mutex<Vec<u32>>>,
    /// Events that agents have sent, in any order.
    pub(crate) sent: Option<&'a Mutex<Vec<Pending>>>,
}

/// Room of one worker.
#[derive(Default)]
struct Room {
    cells: CellSort,
    others: Vec<Guest>,
    near: Vec<Near>,
    careful: Vec<(u32, u32)>, // entries of those who are no crowd, and the ticks they move
    pushes: Vec<Push>,
    x: Vec<i32>, // where each goes
    y: Vec<i32>,
    z: Vec<i32>,
    is_moving: Vec<bool>,
    is_due: Vec<bool>,
    places: [Vec<f64>; 3],
    heights: Vec<f64>,
}

thread_local! {
    static ROOM: RefCell<Room> = RefCell::default();
}

impl Advance<'_> {
    /// Moves everybody.
    pub(crate) fn run(&self, level: SimLevel) {
        self.roll.units.par_iter().for_each(|unit| {
            ROOM.with_borrow_mut(|room| {
                let blocks = unit.start as usize..unit.end as usize;
                self.unit_at(level, blocks, room);
            });
        });
    }

    fn unit_at(&self, level: SimLevel, blocks: Range<usize>, room: &mut Room) {
        match level {
            // SAFETY: neither needs instructions that not every CPU of the target has.
            SimLevel::Scalar => unsafe { self.unit::<OneByOne>(blocks, room) },
            // SAFETY: as above.
            SimLevel::Sse2 => unsafe { self.unit::<Eights>(blocks, room) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a level is only chosen where the CPU has it.
            SimLevel::Avx2 => unsafe { self.unit_avx2(blocks, room) },
            #[cfg(not(target_arch = "x86_64"))]
            SimLevel::Avx2 => unreachable!("a level is only chosen where the CPU has it"),
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    fn unit_avx2(&self, blocks: Range<usize>, room: &mut Room) {
        // SAFETY: this function has AVX2.
        unsafe { self.unit::<crate::contacts::Avx2>(blocks, room) }
    }

    /// Moves the agents of a run of blocks.
    ///
    /// # Safety
    /// As [`Contacts::sum`].
    #[inline(always)]
    unsafe fn unit<C: Contacts>(&self, blocks: Range<usize>, room: &mut Room) {
        let first = self.roll.blocks[blocks.start].first as usize;
        let entries = first..self.roll.entries_of(blocks.end - 1).end;
        room.begin(entries.len());
        // SAFETY: as the caller promises.
        unsafe { self.touch::<C>(blocks.clone(), first, room) };
        let contacts = room.pushes.iter().map(|push| u64::from(push.contacts));
        self.done
            .contacts
            .fetch_add(contacts.sum(), Ordering::Relaxed);
        self.aim(entries.clone(), room);
        self.avoid(blocks.clone(), first, room);
        self.find_ground::<C>(blocks.clone(), first, room);
        self.settle(blocks, first, room);
        for n in 0..room.careful.len() {
            let (entry, ticks) = room.careful[n];
            self.move_carefully(entry as usize, ticks, room.pushes[entry as usize - first]);
        }
    }

    /// Adds those who are asleep in a block.
    #[cold]
    fn wake_none(&self, key: u64, others: &mut Vec<Guest>) {
        let guest = |row: u32| {
            let n = row as usize;
            // SAFETY: who is asleep is in no entry, so nobody writes its row.
            let xyz = unsafe { [*self.out.x.at(n), *self.out.y.at(n), *self.out.z.at(n)] };
            let kind = self.out.kind[n];
            (
                Guest {
                    key,
                    xyz,
                    row,
                    kind,
                },
                self.slots[n],
            )
        };
        self.sleepers.guests(key, self.frames, guest, others);
    }

    /// Where each agent wants to and is pushed to; who does not move is not looked at any more.
    #[inline(always)]
    fn aim(&self, entries: Range<usize>, room: &mut Room) {
        let (roll, first) = (&self.roll.entries, entries.start);
        for entry in entries {
            let (n, row) = (entry - first, roll.rows[entry] as usize);
            let ticks = Tier(self.out.tier[row]).ticks_due(self.tick, || self.ids[row]);
            let wish = Wish {
                east: self.wish.east[row],
                north: self.wish.north[row],
                up: 0,
            };
            let body = self.kinds.body(roll.kinds[entry]);
            if body.grade != Grade::Crowd {
                room.careful.push((entry as u32, ticks));
            }
            let ticks = if body.grade == Grade::Crowd { ticks } else { 0 };
            let [x, y] = walk(self.pace, ticks, wish, body.speed_max, room.pushes[n]);
            // SAFETY: a row is in one entry, and an entry in one unit.
            let mode = unsafe { *self.out.mode.at(row) };
            room.x[n] = roll.x[entry].wrapping_add(x);
            room.y[n] = roll.y[entry].wrapping_add(y);
            room.z[n] = roll.z[entry];
            let is_moving = x != 0 || y != 0 || mode != Mode::Walk as u8;
            (room.is_moving[n], room.is_due[n]) = (is_moving && ticks > 0, ticks > 0);
        }
    }

    /// The static obstacles of a block.
    #[inline(always)]
    fn obstacles_of(&self, key: u64) -> &[Placed] {
        if self.obstacles.is_empty() {
            return &[];
        }
        let [x, y] = corner_of_key(key);
        let frame = self.frames.get(slot_of_key(key)).axes.id();
        self.obstacles.near(frame, x, y)
    }

    /// Keeps those who may touch obstacles out of them, one obstacle after the other in order of id.
    fn avoid(&self, blocks: Range<usize>, first: usize, room: &mut Room) {
        let mut near = room.near.iter().peekable();
        for block in blocks {
            if near.peek().is_none_or(|near| near.block as usize != block) {
                continue;
            }
            let obstacles = self.obstacles_of(self.roll.blocks[block].key);
            while let Some(Near {
                entry, obstacle, ..
            }) = near.next_if(|near| near.block as usize == block)
            {
                let n = *entry as usize;
                let body = self.kinds.body(self.roll.entries.kinds[first + n]);
                let xyz = [room.x[n], room.y[n], room.z[n]];
                let solid = &obstacles[*obstacle as usize].solid;
                if room.is_due[n]
                    && let Some(out) = beside(solid, xyz, body)
                {
                    room.is_moving[n] |= out != [xyz[0], xyz[1]];
                    [room.x[n], room.y[n]] = out;
                }
            }
        }
    }

    /// How high the ground is where each agent goes.
    #[inline(always)]
    fn find_ground<C: Contacts>(&self, blocks: Range<usize>, first: usize, room: &mut Room) {
        for block in blocks {
            let entries = self.roll.entries_of(block);
            let range = entries.start - first..entries.end - first;
            let axes = &self
                .frames
                .get(slot_of_key(self.roll.blocks[block].key))
                .axes;
            let at = [
                &room.x[range.clone()],
                &room.y[range.clone()],
                &room.z[range.clone()],
            ];
            let [px, py, pz] = &mut room.places;
            let out = [
                &mut px[range.clone()],
                &mut py[range.clone()],
                &mut pz[range],
            ];
            places(axes, at, out);
        }
        let [px, py, pz] = &room.places;
        if C::IS_SPECIFICATION {
            for (n, height) in room.heights.iter_mut().enumerate() {
                let place = DVec3::new(px[n], py[n], pz[n]);
                *height = self.ground.height_m(place).unwrap_or(f64::NAN);
            }
        } else {
            self.ground.heights_m([px, py, pz], &mut room.heights);
        }
    }

    /// Writes where everybody is now.
    #[inline(always)]
    fn settle(&self, blocks: Range<usize>, first: usize, room: &mut Room) {
        let mut held = 0;
        for block in blocks {
            let (key, entries) = (self.roll.blocks[block].key, self.roll.entries_of(block));
            let slot = slot_of_key(key);
            let frame = self.frames.get(slot);
            // What is asked of a block pays for a few of it. Nobody of a crowd goes further than a border is wide.
            let is_calm = entries.len() >= 4 && frame.is_block_calm(corner_of_key(key));
            for entry in entries {
                let n = entry - first;
                if !room.is_moving[n] {
                    continue;
                }
                let (x, y) = (room.x[n], room.y[n]);
                let z = match &frame.ground {
                    Some(_) => height_z(self.planet, room.heights[n], x, y),
                    None => Some(room.z[n]), // a deck
                };
                let Some(z) = z else {
                    held += 1;
                    continue;
                };
                let row = self.roll.entries.rows[entry] as usize;
                // SAFETY: a row is in one entry, and an entry in one unit.
                unsafe {
                    *self.out.mode.at(row) = Mode::Walk as u8;
                    *self.out.x.at(row) = x;
                    *self.out.y.at(row) = y;
                    *self.out.z.at(row) = z;
                }
                if !is_calm && !frame.is_at_home(x, y, z) {
                    self.leave(slot, row, [x, y, z]);
                }
            }
        }
        self.done.held.fetch_add(held, Ordering::Relaxed);
    }

    /// Finds all contacts of a run of blocks.
    ///
    /// # Safety
    /// As [`Contacts::sum`].
    #[inline(always)]
    unsafe fn touch<C: Contacts>(&self, blocks: Range<usize>, first: usize, room: &mut Room) {
        let (roll, reach) = (self.roll, self.kinds.reach());
        room.near.clear();
        let first_key = roll.blocks[blocks.start].key;
        let mut guests = &roll.guests[roll.guests.partition_point(|g| g.key < first_key)..];
        for block in blocks {
            let (key, own) = (roll.blocks[block].key, roll.entries_of(block));
            let skipped = guests.iter().take_while(|guest| guest.key < key).count();
            let count = guests[skipped..]
                .iter()
                .take_while(|g| g.key == key)
                .count();
            room.others.clear();
            room.others
                .extend_from_slice(&guests[skipped..skipped + count]);
            if !self.sleepers.is_empty() {
                self.wake_none(key, &mut room.others);
            }
            let here = &room.others;
            guests = &guests[skipped + count..];
            let obstacles = self.obstacles_of(key);
            if own.len() + here.len() < 2 && obstacles.is_empty() {
                continue;
            }
            let cells = &mut room.cells;
            cells.begin(corner_of_key(key), reach, own.len() + here.len());
            let entries = &roll.entries;
            let agents = OwnAgents {
                x: &entries.x[own.clone()],
                y: &entries.y[own.clone()],
                z: &entries.z[own.clone()],
                kinds: &entries.kinds[own.clone()],
            };
            cells.sort(&agents, here, self.kinds);
            let near = (block, own.start - first, own.len());
            find_near(cells, obstacles, near, reach, &mut room.near);
            let up = match self.frames.get(slot_of_key(key)).ground {
                Some(_) => (1.0 / (self.planet.radius_m() * UNITS_PER_M)) as f32,
                None => 0.0,
            };
            let id_of = |entry: u32| {
                let entry = entry as usize;
                let row = match entry < own.len() {
                    true => entries.rows[own.start + entry],
                    false => here[entry - own.len()].row,
                };
                self.ids[row as usize]
            };
            let pushes = &mut room.pushes[own.start - first..own.end - first];
            // SAFETY: as the caller promises.
            unsafe { push_apart::<C>(cells, up, &id_of, pushes) };
        }
    }

    /// Counts an agent that is held for want of ground.
    pub(crate) fn note_held(&self) {
        self.done.held.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes an agent that has left its frame.
    #[cold]
    pub(crate) fn leave(&self, slot: Slot, row: usize, [x, y, z]: [i32; 3]) {
        let frame = self.frames.get(slot);
        let at = Position {
            frame: frame.axes.id(),
            x,
            y,
            z,
        };
        let is_left = |f: &Frame| f.is_left(f.to_ecef(at));
        if frame.ground.as_ref().is_some_and(is_left)
            && let Some(left) = self.done.left
        {
            let mut left = left.lock().expect("nobody panics with it");
            left.push(row as u32);
        }
    }
}

/// Notes who may touch a block's obstacles: those whose cells touch their bounds, grown by the widest agent and a step of
/// [`AVOID_STEP`].
#[inline(always)]
fn find_near(
    cells: &CellSort,
    obstacles: &[Placed],
    (block, first, count): (usize, usize, usize),
    reach: i32,
    out: &mut Vec<Near>,
) {
    for (n, placed) in obstacles.iter().enumerate() {
        let (middle, half) = (placed.solid.centre(), placed.solid.reach());
        let grown = reach / 2 + AVOID_STEP;
        let side = |middle: f64, half: f64| {
            let units = |m: f64| (m * UNITS_PER_M) as i32; // saturates far outside of any frame
            (
                units(middle - half).saturating_sub(grown),
                units(middle + half).saturating_add(grown),
            )
        };
        let ((x0, x1), (y0, y1)) = (side(middle.x, half.x), side(middle.y, half.y));
        cells.each_between([x0, y0], [x1, y1], |entry| {
            if (entry as usize) < count {
                out.push(Near {
                    block: block as u32,
                    entry: (first + entry as usize) as u32,
                    obstacle: n as u32,
                });
            }
        });
    }
}

/// Somebody who may touch an obstacle.
#[derive(Clone, Copy)]
struct Near {
    block: u32,
    entry: u32,    // in the unit
    obstacle: u32, // in the block
}

/// Who of a crowd goes further in a tick may pass through a thin obstacle: 1 m.
const AVOID_STEP: i32 = 65_536;

impl Room {
    fn begin(&mut self, count: usize) {
        self.careful.clear();
        self.pushes.clear();
        self.pushes.resize(count, Push::default());
        for lane in [&mut self.x, &mut self.y, &mut self.z] {
            lane.resize(count, 0);
        }
        self.is_moving.resize(count, false);
        self.is_due.resize(count, false);
        for lane in &mut self.places {
            lane.resize(count, 0.0);
        }
        self.heights.resize(count, 0.0);
    }
}
