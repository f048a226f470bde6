//! Which slot of the ring a player has.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use spatial_core::EntityId;

use super::ring::TICKS;

/// Players and their slots. A player keeps its slot until no tick of the ring knows it.
pub(super) struct Roster {
    ids: Vec<EntityId>, // of each slot that was ever taken; NOBODY: free
    seen: Vec<u64>,     // the last tick with the player in it
    order: Vec<u16>,    // slots in the order of the rows last told
    slots: HashMap<EntityId, u16, IdHash>, // never iterated
    free: Vec<u16>,
    slots_max: usize,
}

pub(super) const NOBODY: EntityId = EntityId(0);

impl Roster {
    pub(super) fn new(slots_max: usize) -> Self {
        Self {
            ids: Vec::with_capacity(slots_max),
            seen: Vec::with_capacity(slots_max),
            order: Vec::with_capacity(slots_max),
            slots: HashMap::with_capacity_and_hasher(slots_max, IdHash::default()),
            free: Vec::with_capacity(slots_max),
            slots_max,
        }
    }

    /// The slot for the nth row of a tick; `None` when it has one in this tick already, is nobody, or all are taken.
    ///
    /// Rows mostly come in the order of the tick before, so the map is asked rarely.
    #[inline]
    pub(super) fn take(&mut self, n: usize, entity: EntityId, tick: u64) -> Option<u16> {
        let slot = match self.order.get(n) {
            Some(&slot) if self.ids[usize::from(slot)] == entity => slot,
            _ => self.look_up(n, entity, tick)?,
        };
        let seen = &mut self.seen[usize::from(slot)];
        if *seen == tick {
            return None;
        }
        *seen = tick;
        Some(slot)
    }

    /// Slots that were ever taken.
    pub(super) fn slots(&self) -> usize {
        self.ids.len()
    }

    /// The slots of those who are not in a tick. Who is in none of the ring any more loses it.
    pub(super) fn for_each_missing(&mut self, tick: u64, mut tell: impl FnMut(usize)) {
        for slot in 0..self.ids.len() {
            if self.seen[slot] == tick {
                continue;
            }
            tell(slot);
            if self.ids[slot] != NOBODY && tick - self.seen[slot] >= TICKS as u64 {
                self.slots.remove(&self.ids[slot]);
                self.ids[slot] = NOBODY;
                self.free.push(slot as u16);
            }
        }
    }

    /// The slot of a player whom some tick of the ring knows.
    pub(super) fn slot(&self, entity: EntityId) -> Option<u16> {
        self.slots.get(&entity).copied()
    }

    /// Whose slot it is.
    #[inline]
    pub(super) fn entity(&self, slot: u16) -> EntityId {
        self.ids[usize::from(slot)]
    }

    /// Bytes that it holds, without what its map needs beside its entries.
    pub(super) fn bytes(&self) -> usize {
        self.ids.capacity() * size_of::<EntityId>()
            + self.seen.capacity() * size_of::<u64>()
            + (self.order.capacity() + self.free.capacity()) * size_of::<u16>()
            + self.slots.capacity() * size_of::<(EntityId, u16)>()
    }

    #[cold]
    fn look_up(&mut self, n: usize, entity: EntityId, tick: u64) -> Option<u16> {
        let slot = match self.slot(entity) {
            Some(slot) => slot,
            None => self.admit(entity, tick)?,
        };
        if n < self.slots_max {
            if n >= self.order.len() {
                self.order.resize(n + 1, slot);
            }
            self.order[n] = slot;
        }
        Some(slot)
    }

    fn admit(&mut self, entity: EntityId, tick: u64) -> Option<u16> {
        if entity == NOBODY {
            return None;
        }
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.ids.len() < self.slots_max => {
                self.ids.push(NOBODY);
                self.seen.push(0);
                (self.ids.len() - 1) as u16
            }
            None => return None,
        };
        self.ids[usize::from(slot)] = entity;
        self.seen[usize::from(slot)] = !tick; // any other tick
        self.slots.insert(entity, slot);
        Some(slot)
    }
}

/// Hashes ids that no client chose: two multiplications.
#[derive(Default)]
pub(super) struct IdHasher(u64);

pub(super) type IdHash = BuildHasherDefault<IdHasher>;

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, id: u64) {
        let mixed = (self.0 ^ id).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = (mixed ^ (mixed >> 32)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}
