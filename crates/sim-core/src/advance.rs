//! One tick of all who are awake, block by block: contacts, then each agent's own step.
//!
//! A unit of work is a run of blocks, about a thousand agents, whose data stay in the second cache from the counting sort to
//! the last write. Workers read the roll, which nobody writes meanwhile, and write the rows of their own agents.

use core::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rayon::prelude::*;
use spatial_core::{EntityId, Frame, Planet, Position, UNITS_PER_M};

use crate::agent::WishLanes;
use crate::contacts::{CellSort, Contacts, Found, Push};
use crate::event::Pending;
use crate::frames::{FrameSlots, Slot};
use crate::ground::Ground;
use crate::kernels::{Eights, Kernels, OneByOne};
use crate::kinds::Kinds;
use crate::level::SimLevel;
use crate::near::Neighbour;
use crate::obstacles::{Obstacles, Placed};
use crate::parts::Parts;
use crate::roll::{Guest, Roll, UNIT, corner_of_key, slot_of_key};
use crate::rooms::{self, Rooms, grow, make_room};
use crate::sleepers::Sleepers;
use crate::walk::Pace;
use crate::walker::Care;

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

/// The columns that workers write, each its own agents' rows, and the lanes of the roll in which they do so by entry.
pub(crate) struct Written<'a> {
    pub(crate) ahead: [Parts<'a, i32>; 3],
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
    /// Entries of the roll that may be in another block now, in any order.
    pub(crate) moved: Option<&'a Mutex<Vec<u32>>>,
    /// Rows that have left their frame, in any order.
    pub(crate) left: Option<&'a Mutex<Vec<u32>>>,
    /// Events that agents have sent, in any order.
    pub(crate) sent: Option<&'a Mutex<Vec<Pending>>>,
}

/// Room of one worker; lanes of a unit's agents.
#[derive(Default)]
pub(crate) struct Room {
    cells: CellSort,
    others: Vec<Guest>,
    pub(crate) near: Vec<Near>,
    pub(crate) careful: Vec<(u32, u32, u32)>, // who is no crowd: block, number in the unit, ticks it moves
    pub(crate) count_careful: usize,
    pub(crate) moved: Vec<u32>,     // entries
    pub(crate) met: Vec<Neighbour>, // by a flyer
    found: Found,
    pub(crate) pushes: Vec<Push>,
    pub(crate) x: Vec<i32>, // where each goes
    pub(crate) y: Vec<i32>,
    pub(crate) z: Vec<i32>,
    pub(crate) flags: Vec<u8>,
    pub(crate) wish: [Vec<f32>; 2],
    pub(crate) limit: Vec<f32>,
    pub(crate) ticks: Vec<f32>,
    pub(crate) places: [Vec<f64>; 3],
    pub(crate) heights: Vec<f64>, // above the datum, metres; then of the frame, grid units
}

impl Advance<'_> {
    /// Moves everybody.
    pub(crate) fn run(&self, level: SimLevel, rooms: &Rooms<Room>) {
        self.roll.units.par_iter().for_each(|unit| {
            rooms.with(|room| {
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
        unsafe { self.unit::<crate::kernels::Avx2>(blocks, room) }
    }

    /// Moves the agents of a run of blocks.
    ///
    /// # Safety
    /// As [`Kernels`].
    #[inline(always)]
    unsafe fn unit<K: Kernels>(&self, blocks: Range<usize>, room: &mut Room) {
        let first = self.roll.blocks[blocks.start].first as usize;
        let entries = first..self.roll.entries_of(blocks.end - 1).end;
        room.begin(entries.len());
        // SAFETY: as the caller promises.
        let contacts = unsafe { self.touch::<K>(blocks.clone(), first, room) };
        self.done.contacts.fetch_add(contacts, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe {
            K::aim(self, blocks.clone(), entries.clone(), room);
            // Who is moved with care writes its own entry.
            if room.careful.len() < entries.len() {
                self.avoid(blocks.clone(), first, room);
                K::find_ground(self, blocks.clone(), first, room);
                K::settle(self, blocks, first, room);
            }
        }
        for n in 0..room.careful.len() {
            let (block, at, ticks) = room.careful[n];
            let who = (self.roll.blocks[block as usize].key, first + at as usize);
            if self.move_carefully(who, ticks, room.pushes[at as usize], &mut room.met) {
                room.moved.push(who.1 as u32);
            }
        }
        if let Some(moved) = self.done.moved.filter(|_| !room.moved.is_empty()) {
            let mut moved = moved.lock().expect("nobody panics with it");
            moved.append(&mut room.moved);
        }
    }

    /// Adds those who are asleep in a block.
    #[cold]
    fn add_asleep(&self, key: u64, others: &mut Vec<Guest>) {
        let guest = |row: u32| {
            let n = row as usize;
            // SAFETY: who is asleep is in no entry, so nobody writes its row.
            let xyz = unsafe { [self.out.x.get(n), self.out.y.get(n), self.out.z.get(n)] };
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

    /// The static obstacles of a block.
    #[inline(always)]
    pub(crate) fn obstacles_of(&self, key: u64) -> &[Placed] {
        if self.obstacles.is_empty() {
            return &[];
        }
        let [x, y] = corner_of_key(key);
        let frame = self.frames.get(slot_of_key(key)).axes.id();
        self.obstacles.near(frame, x, y)
    }

    /// Finds all contacts of a run of blocks; gives how many are felt.
    ///
    /// # Safety
    /// As [`Kernels`].
    #[inline(always)]
    unsafe fn touch<K: Kernels>(&self, blocks: Range<usize>, first: usize, room: &mut Room) -> u64 {
        let mut contacts = 0;
        let (roll, reach) = (self.roll, self.kinds.reach());
        room.near.clear();
        let first_key = roll.blocks[blocks.start].key;
        let mut guests = roll.guests.from(first_key);
        for block in blocks {
            let (key, own) = (roll.blocks[block].key, roll.entries_of(block));
            room.others.clear();
            guests.take(key, &mut room.others);
            if !self.sleepers.is_empty() {
                self.add_asleep(key, &mut room.others);
            }
            let here = &room.others;
            let obstacles = self.obstacles_of(key);
            if own.len() + here.len() < 2 && obstacles.is_empty() {
                continue;
            }
            let agents = roll.entries.block(own.clone(), here);
            let cells = &mut room.cells;
            // SAFETY: as the caller promises.
            unsafe { K::sort(cells, corner_of_key(key), reach, &agents) };
            let near = (block, own.start - first, own.len());
            find_near(cells, obstacles, near, reach, &mut room.near);
            let of_block = Contacts {
                agents,
                kinds: self.kinds,
                up: self.frames.get(slot_of_key(key)).turn_of_up(self.planet),
                ids: self.ids,
            };
            let pushes = &mut room.pushes[own.start - first..own.end - first];
            // SAFETY: as the caller promises.
            let felt = unsafe { of_block.push_apart::<K>(cells, &mut room.found, pushes) };
            contacts += u64::from(felt);
        }
        contacts
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
        let ground = self.frames.border(slot).ground.as_ref();
        if ground.is_some_and(is_left)
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
pub(crate) struct Near {
    pub(crate) block: u32,
    pub(crate) entry: u32,    // in the unit
    pub(crate) obstacle: u32, // in the block
}

/// Who of a crowd goes further in a tick may pass through a thin obstacle: 1 m.
const AVOID_STEP: i32 = 65_536;

/// A unit is larger than that only where a block has more than 1,024 agents.
const USUAL: usize = 3 * UNIT;

impl Room {
    fn begin(&mut self, count: usize) {
        if self.x.capacity() < count {
            self.widen(count.max(USUAL));
        }
        self.careful.clear();
        self.moved.clear();
        self.pushes.clear();
        self.pushes.resize(count, Push::default());
        for lane in [&mut self.x, &mut self.y, &mut self.z] {
            lane.resize(count, 0);
        }
        self.flags.resize(count, 0);
        let [east, north] = &mut self.wish;
        for lane in [east, north, &mut self.limit, &mut self.ticks] {
            lane.resize(count, 0.0);
        }
        for lane in &mut self.places {
            lane.resize(count, 0.0);
        }
        self.heights.resize(count, 0.0);
    }

    /// Makes room for a unit of so many.
    fn widen(&mut self, count: usize) {
        make_room(&mut self.careful, count);
        make_room(&mut self.moved, count);
        make_room(&mut self.pushes, count);
        for lane in [&mut self.x, &mut self.y, &mut self.z] {
            make_room(lane, count);
        }
        make_room(&mut self.flags, count);
        let [east, north] = &mut self.wish;
        for lane in [east, north, &mut self.limit, &mut self.ticks] {
            make_room(lane, count);
        }
        for lane in &mut self.places {
            make_room(lane, count);
        }
        make_room(&mut self.heights, count);
    }
}

impl rooms::Room for Room {
    fn grow_to(&mut self, other: &Self) {
        self.cells.grow_to(&other.cells);
        self.found.grow_to(&other.found);
        grow(&mut self.others, &other.others);
        grow(&mut self.near, &other.near);
        grow(&mut self.careful, &other.careful);
        grow(&mut self.moved, &other.moved);
        grow(&mut self.met, &other.met);
        grow(&mut self.pushes, &other.pushes);
        grow(&mut self.x, &other.x);
        grow(&mut self.y, &other.y);
        grow(&mut self.z, &other.z);
        grow(&mut self.flags, &other.flags);
        for (lane, other) in self.wish.iter_mut().zip(&other.wish) {
            grow(lane, other);
        }
        grow(&mut self.limit, &other.limit);
        grow(&mut self.ticks, &other.ticks);
        for (lane, other) in self.places.iter_mut().zip(&other.places) {
            grow(lane, other);
        }
        grow(&mut self.heights, &other.heights);
    }
}
