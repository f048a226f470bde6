//! All pairs of agents that touch: what a game asks between two steps.

use core::ops::Range;
use std::cell::RefCell;

use rayon::prelude::*;
use spatial_core::EntityId;

use crate::contacts::{CellSort, Contacts, Found};
use crate::kernels::{Eights, Kernels, OneByOne};
use crate::level::SimLevel;
use crate::roll::{Guest, at_least, corner_of_key, slot_of_key};
use crate::rows::Rows;
use crate::world::World;

/// Room of one worker.
#[derive(Default)]
struct Room {
    cells: CellSort,
    guests: Vec<Guest>,
    found: Found,
}

thread_local! {
    static ROOM: RefCell<Room> = RefCell::default();
}

impl World {
    /// Lists all pairs of agents whose capsules overlap as they are now, the lesser id first; `pairs` is cleared before. Of two who are
    /// asleep nothing is said, and nobody touches a flyer.
    ///
    /// They come in the order of the places of agents, which is not part of the state: sort them where order matters. Runs on the
    /// current rayon pool, some 33 ns an agent of a crowd that has just walked. What is derived is brought up to date, which a step would
    /// have done.
    pub fn touching(&mut self, pairs: &mut Vec<[EntityId; 2]>) {
        pairs.clear();
        self.mend();
        self.roll.doubt(); // what the last step noted of ways is used up
        let mut kept = core::mem::take(&mut self.touching);
        let lists = at_least(&mut kept, self.roll.units.len());
        let of = Touching {
            world: self,
            rows: Rows::new(&self.table, &self.slots),
            ids: self.table.ids(),
        };
        let work = (&self.roll.units, &mut *lists).into_par_iter();
        work.for_each(|(unit, list)| {
            list.clear();
            ROOM.with_borrow_mut(|room| of.unit_at(unit, room, list));
        });
        pairs.reserve(lists.iter().map(Vec::len).sum());
        lists.iter().for_each(|list| pairs.extend_from_slice(list));
        self.touching = kept;
    }
}

/// What workers read.
struct Touching<'a> {
    world: &'a World,
    rows: Rows<'a>,
    ids: &'a [EntityId],
}

impl Touching<'_> {
    fn unit_at(&self, unit: &Range<u32>, room: &mut Room, out: &mut Vec<[EntityId; 2]>) {
        match self.world.level() {
            // SAFETY: neither needs instructions that not every CPU of the target has.
            SimLevel::Scalar => unsafe { self.unit::<OneByOne>(unit, room, out) },
            // SAFETY: as above.
            SimLevel::Sse2 => unsafe { self.unit::<Eights>(unit, room, out) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a level is only chosen where the CPU has it.
            SimLevel::Avx2 => unsafe { self.unit_avx2(unit, room, out) },
            #[cfg(not(target_arch = "x86_64"))]
            SimLevel::Avx2 => unreachable!("a level is only chosen where the CPU has it"),
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    fn unit_avx2(&self, unit: &Range<u32>, room: &mut Room, out: &mut Vec<[EntityId; 2]>) {
        // SAFETY: this function has AVX2.
        unsafe { self.unit::<crate::kernels::Avx2>(unit, room, out) }
    }

    /// The pairs of a run of blocks.
    ///
    /// # Safety
    /// As [`Kernels`].
    #[inline(always)]
    unsafe fn unit<K: Kernels>(
        &self,
        unit: &Range<u32>,
        room: &mut Room,
        out: &mut Vec<[EntityId; 2]>,
    ) {
        let world = self.world;
        let (roll, reach) = (&world.roll, world.kinds.reach());
        let mut guests = roll.guests.from(roll.blocks[unit.start as usize].key);
        for block in unit.start as usize..unit.end as usize {
            let (key, own) = (roll.blocks[block].key, roll.entries_of(block));
            room.guests.clear();
            guests.take(key, &mut room.guests);
            let awake = room.guests.len();
            self.add_asleep(key, &mut room.guests);
            if own.len() + room.guests.len() < 2 {
                continue;
            }
            let agents = roll.entries.block(own, &room.guests);
            // SAFETY: as the caller promises.
            unsafe { K::sort(&mut room.cells, corner_of_key(key), reach, &agents) };
            let contacts = Contacts {
                agents,
                kinds: &world.kinds,
                up: world
                    .frames
                    .get(slot_of_key(key))
                    .turn_of_up(world.start.planet),
                ids: self.ids,
            };
            let asleep = agents.guests.len() - awake;
            // SAFETY: as the caller promises.
            unsafe { contacts.list::<K>(&room.cells, asleep, &mut room.found, out) };
        }
    }

    /// Adds those who are asleep in a block.
    fn add_asleep(&self, key: u64, guests: &mut Vec<Guest>) {
        if self.world.sleepers.is_empty() {
            return;
        }
        let guest = |row: u32| {
            let n = row as usize;
            let guest = Guest {
                key,
                xyz: self.rows.xyz(n),
                row,
                kind: self.rows.kind(n),
            };
            (guest, self.world.slots[n])
        };
        self.world
            .sleepers
            .guests(key, &self.world.frames, guest, guests);
    }
}
