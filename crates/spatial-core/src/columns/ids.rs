//! Which entity is in which row, and the short cuts to it.
//!
//! ```text
//! Handle ──slot, generation──► slots[slot] ──row──► ids[row]
//! EntityId ──by_id──► slot          ▲                  │
//!                                   └── slot_of_row ───┘     vacant slots wait in `free`, last in first out
//! ```

use core::hash::{BuildHasherDefault, Hasher};
use std::collections::HashMap;

use crate::ids::EntityId;

/// A table's short cut to one of its rows: stale as soon as the entity is gone, never somebody else's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Handle {
    /// Place in the table's slots.
    pub slot: u32,
    /// How often the slot had been vacated when the handle was made.
    pub generation: u32,
}

/// The handle's entity has been despawned, or the handle is another table's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("stale handle")]
pub struct StaleHandle;

/// The entity is not in the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no entity {0} here")]
pub struct UnknownEntity(pub EntityId);

/// Why an entity was not spawned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SpawnError {
    /// Id 0 names nobody.
    #[error("entity id 0 names nobody")]
    Zero,
    /// The id is in the table already.
    #[error("entity {0} is here already")]
    Present(EntityId),
    /// Rows are numbered by 32 bits.
    #[error("the table is full")]
    Full,
}

/// Rows, ids and handles of a table.
#[derive(Clone, Default)]
pub(crate) struct Ids {
    ids: Vec<EntityId>,                                          // by row
    slot_of_row: Vec<u32>, // by row; slots[slot_of_row[r]].row == r
    slots: Vec<Slot>,      // never shrinks
    free: Vec<u32>,        // vacant slots that may be used again
    by_id: HashMap<EntityId, u32, BuildHasherDefault<IdHasher>>, // id → slot; looked up, never iterated
}

#[derive(Clone, Copy)]
struct Slot {
    generation: u32,
    row: u32, // VACANT when nobody is here
}

const VACANT: u32 = u32::MAX;
/// A slot whose generation has reached this is never used again, so no handle can come true twice.
const RETIRED: u32 = u32::MAX;

impl Ids {
    /// Appends a row.
    pub(crate) fn spawn(&mut self, id: EntityId) -> Result<Handle, SpawnError> {
        if id == EntityId(0) {
            return Err(SpawnError::Zero);
        }
        if self.by_id.contains_key(&id) {
            return Err(SpawnError::Present(id));
        }
        let row = u32::try_from(self.ids.len()).map_err(|_| SpawnError::Full)?;
        if row == VACANT {
            return Err(SpawnError::Full);
        }
        let slot = self.vacant_slot().ok_or(SpawnError::Full)?;
        self.slots[slot as usize].row = row;
        self.ids.push(id);
        self.slot_of_row.push(slot);
        self.by_id.insert(id, slot);
        Ok(self.handle(slot))
    }

    /// Removes an entity and says from which row; the last row takes its place.
    pub(crate) fn despawn(&mut self, id: EntityId) -> Result<usize, UnknownEntity> {
        let slot = self.by_id.remove(&id).ok_or(UnknownEntity(id))?;
        let vacated = &mut self.slots[slot as usize];
        let row = vacated.row as usize;
        vacated.row = VACANT;
        vacated.generation += 1; // RETIRED slots are never live, so this cannot overflow
        if vacated.generation != RETIRED {
            self.free.push(slot);
        }
        self.ids.swap_remove(row);
        self.slot_of_row.swap_remove(row);
        if let Some(moved) = self.slot_of_row.get(row) {
            self.slots[*moved as usize].row = row as u32;
        }
        Ok(row)
    }

    /// The id of every row.
    pub(crate) fn ids(&self) -> &[EntityId] {
        &self.ids
    }

    /// The row of an entity.
    pub(crate) fn row(&self, id: EntityId) -> Option<usize> {
        let slot = *self.by_id.get(&id)?;
        Some(self.slots[slot as usize].row as usize)
    }

    /// The row that a handle leads to.
    pub(crate) fn row_of(&self, handle: Handle) -> Result<usize, StaleHandle> {
        match self.slots.get(handle.slot as usize) {
            Some(slot) if slot.generation == handle.generation && slot.row != VACANT => {
                Ok(slot.row as usize)
            }
            _ => Err(StaleHandle),
        }
    }

    /// The handle of an entity.
    pub(crate) fn handle_of(&self, id: EntityId) -> Option<Handle> {
        Some(self.handle(*self.by_id.get(&id)?))
    }

    fn handle(&self, slot: u32) -> Handle {
        let generation = self.slots[slot as usize].generation;
        Handle { slot, generation }
    }

    fn vacant_slot(&mut self) -> Option<u32> {
        if let Some(slot) = self.free.pop() {
            return Some(slot);
        }
        let slot = u32::try_from(self.slots.len()).ok()?;
        self.slots.push(Slot {
            generation: 0,
            row: VACANT,
        });
        Some(slot)
    }

    /// The parts that a save keeps: slots by row, generations by slot, free slots from bottom to top.
    pub(crate) fn saved_parts(&self) -> (&[u32], impl ExactSizeIterator<Item = u32>, &[u32]) {
        let generations = self.slots.iter().map(|slot| slot.generation);
        (&self.slot_of_row, generations, &self.free)
    }

    /// Rebuilds from saved parts; `None` when they contradict each other.
    pub(crate) fn from_saved_parts(
        ids: Vec<EntityId>,
        slot_of_row: Vec<u32>,
        generations: &[u32],
        free: Vec<u32>,
    ) -> Option<Self> {
        let vacant = |generation: &u32| Slot {
            generation: *generation,
            row: VACANT,
        };
        let mut slots: Vec<Slot> = generations.iter().map(vacant).collect();
        let mut by_id = HashMap::with_capacity_and_hasher(ids.len(), BuildHasherDefault::default());
        for (row, (id, slot)) in ids.iter().zip(&slot_of_row).enumerate() {
            let taken = slots.get_mut(*slot as usize)?;
            let legal = taken.row == VACANT && taken.generation != RETIRED && *id != EntityId(0);
            if !legal || by_id.insert(*id, *slot).is_some() {
                return None;
            }
            taken.row = u32::try_from(row).ok()?;
        }
        let all = Self {
            ids,
            slot_of_row,
            slots,
            free,
            by_id,
        };
        all.free_is_exact().then_some(all)
    }

    /// Whether `free` names every vacant slot that is not retired, once.
    fn free_is_exact(&self) -> bool {
        let mut named = vec![false; self.slots.len()];
        for slot in &self.free {
            match (
                self.slots.get(*slot as usize),
                named.get_mut(*slot as usize),
            ) {
                (Some(slot), Some(named)) if !*named && slot.is_free() => *named = true,
                _ => return false,
            }
        }
        self.slots
            .iter()
            .zip(named)
            .all(|(s, named)| s.is_free() == named)
    }

    /// Panics when rows, slots, free list and ids contradict each other.
    pub(crate) fn assert_well_formed(&self) {
        assert_eq!(self.ids.len(), self.slot_of_row.len());
        assert_eq!(self.ids.len(), self.by_id.len());
        for (row, (id, slot)) in self.ids.iter().zip(&self.slot_of_row).enumerate() {
            assert_eq!(self.by_id.get(id), Some(slot), "{id}");
            assert_eq!(self.slots[*slot as usize].row as usize, row, "{id}");
        }
        let live = self.slots.iter().filter(|slot| slot.row != VACANT).count();
        assert_eq!(live, self.ids.len());
        assert!(self.free_is_exact());
    }
}

impl Slot {
    fn is_free(self) -> bool {
        self.row == VACANT && self.generation != RETIRED
    }
}

/// Hashes one u64 by a folded multiplication. Ids come from the world's own leases, so nobody can choose
/// them to collide, and nothing depends on the order of the map.
#[derive(Clone, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        let product = u128::from(self.0 ^ value ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_retires_at_its_last_generation() {
        let mut ids = Ids::default();
        ids.spawn(EntityId(1)).unwrap();
        ids.slots[0].generation = RETIRED - 1;
        let last = ids.handle_of(EntityId(1)).unwrap();
        ids.despawn(EntityId(1)).unwrap();
        ids.assert_well_formed();
        assert_eq!(ids.row_of(last), Err(StaleHandle));
        assert_eq!(ids.spawn(EntityId(2)).unwrap().slot, 1);
        ids.assert_well_formed();
    }
}
