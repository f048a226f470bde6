//! Which entity is in which row, and the short cuts to it.
//!
//! ```text
//! Handle ──slot, generation──► slots[slot] ──row──► ids[row]
//! EntityId ──map──► slot            ▲                  │
//!                                   └── slot_of_row ───┘     vacant slots wait in `free`, last in first out
//! ```

use core::ops::Range;

use super::bits::Bits;
use super::id_map::IdMap;
use super::moves::Move;
use super::prefetch::{AHEAD, prefetch};
use super::rows::{DespawnBatchError, SpawnBatchError, SpawnError, UnknownEntity};
use crate::ids::EntityId;

/// A table's short cut to one of its rows: stale as soon as the entity is gone, never somebody else's.
///
/// It is good in the table that gave it, in its clones and in what its later saves are loaded into. Elsewhere, and in a table
/// that was loaded from an earlier save, it may lead to anybody: what passes from one to the other is the [`EntityId`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Handle {
    /// Place in the table's slots.
    pub slot: u32,
    /// How often the slot had been vacated when the handle was made.
    pub generation: u32,
}

/// The handle's entity has been despawned, or there never was such a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("stale handle")]
pub struct StaleHandle;

/// Rows, ids and handles of a table.
#[derive(Clone, Default)]
pub(crate) struct Ids {
    ids: Vec<EntityId>,    // by row
    slot_of_row: Vec<u32>, // by row; slots[slot_of_row[r]].row == r
    slots: Vec<Slot>,      // never shrinks
    free: Vec<u32>,        // vacant slots that may be used again
    map: IdMap,            // id → slot
    vacated: Vec<u32>,     // slots of a batch that is being despawned; empty otherwise
    spare: Vec<EntityId>,  // room for reordering
}

#[derive(Clone, Copy)]
struct Slot {
    id: EntityId, // 0 when nobody is here
    generation: u32,
    row: u32, // VACANT when nobody is here
}

const VACANT: u32 = u32::MAX;
/// A slot whose generation has reached this is never used again, so no handle can come true twice.
const RETIRED: u32 = u32::MAX;
/// Slots and rows, at most: one fewer than their numbers, so that VACANT is none and slot + 1 has 32 bits.
const ROWS_MAX: usize = u32::MAX as usize;

impl Ids {
    /// Makes room for more rows.
    pub(crate) fn reserve(&mut self, more: usize) {
        self.ids.reserve(more);
        self.slot_of_row.reserve(more);
        self.slots.reserve(more.saturating_sub(self.free.len()));
        self.map.reserve(more);
    }

    /// Appends a row.
    pub(crate) fn spawn(&mut self, id: EntityId) -> Result<Handle, SpawnError> {
        self.map.reserve(1);
        let slot = self.append(id, self.ids.len())?;
        Ok(self.handle(slot))
    }

    /// Appends a row for each id, or none.
    pub(crate) fn spawn_batch(
        &mut self,
        new: &[EntityId],
    ) -> Result<Range<usize>, SpawnBatchError> {
        let (first, slots) = (self.ids.len(), self.slots.len());
        if first + new.len() > ROWS_MAX {
            let (index, cause) = (ROWS_MAX - first, SpawnError::Full);
            return Err(SpawnBatchError { index, cause });
        }
        self.reserve(new.len());
        for (index, id) in new.iter().enumerate() {
            self.look_ahead_of_spawn(new, index);
            if let Err(cause) = self.append(*id, first) {
                self.take_back(first, slots);
                return Err(SpawnBatchError { index, cause });
            }
        }
        Ok(first..self.ids.len())
    }

    /// Fetches the map's entry of an id to come, and the vacant slot that it will get.
    #[inline]
    fn look_ahead_of_spawn(&self, batch: &[EntityId], index: usize) {
        if let Some(later) = batch.get(index + AHEAD) {
            self.map.prefetch(*later);
        }
        if let Some(place) = self.free.len().checked_sub(AHEAD) {
            prefetch(&self.slots[self.free[place] as usize]);
        }
    }

    /// Appends a row and says its slot. Rows from `batch` on are of the same batch. The map has room.
    #[inline]
    fn append(&mut self, id: EntityId, batch: usize) -> Result<u32, SpawnError> {
        if id == EntityId(0) {
            return Err(SpawnError::Zero);
        }
        let (row, slot) = (self.ids.len(), self.next_slot());
        if row >= ROWS_MAX || slot as usize >= ROWS_MAX {
            return Err(SpawnError::Full);
        }
        let slots = &self.slots;
        let inserted = self.map.insert(id, slot, |s| slots[s as usize].id == id);
        if let Err(taken) = inserted {
            return Err(if self.slots[taken as usize].row as usize >= batch {
                SpawnError::Twice(id)
            } else {
                SpawnError::Present(id)
            });
        }
        if self.free.pop().is_none() {
            self.slots.push(Slot::vacant(0));
        }
        let taken = &mut self.slots[slot as usize];
        taken.id = id;
        taken.row = row as u32;
        self.ids.push(id);
        self.slot_of_row.push(slot);
        Ok(slot)
    }

    /// The slot that the next row gets.
    #[inline]
    fn next_slot(&self) -> u32 {
        self.free.last().copied().unwrap_or(self.slots.len() as u32)
    }

    /// Undoes the newest rows, of which nobody has a handle.
    fn take_back(&mut self, first: usize, slots: usize) {
        while self.ids.len() > first {
            let (id, slot) = (self.ids.pop(), self.slot_of_row.pop());
            let (Some(id), Some(slot)) = (id, slot) else {
                return;
            };
            self.map.remove(id, |s| s == slot);
            let generation = self.slots[slot as usize].generation;
            self.slots[slot as usize] = Slot::vacant(generation);
            if (slot as usize) < slots {
                self.free.push(slot);
            }
        }
        self.slots.truncate(slots);
    }

    /// Removes an entity and says from which row; the last row takes its place.
    pub(crate) fn despawn(&mut self, id: EntityId) -> Result<usize, UnknownEntity> {
        let (slot, row) = self.vacate(id).ok_or(UnknownEntity(id))?;
        self.release(slot);
        self.ids.swap_remove(row);
        self.slot_of_row.swap_remove(row);
        if let Some(moved) = self.slot_of_row.get(row) {
            self.slots[*moved as usize].row = row as u32;
        }
        Ok(row)
    }

    /// Removes entities, or none: what remains behind the new number of rows moves into the gaps, both ascending.
    /// Fills in `moves`; `gone` is room to work in.
    pub(crate) fn despawn_batch(
        &mut self,
        old: &[EntityId],
        gone: &mut Bits,
        moves: &mut Vec<Move>,
    ) -> Result<(), DespawnBatchError> {
        gone.resize(self.ids.len());
        for (index, id) in old.iter().enumerate() {
            self.look_ahead(old, index);
            let Some((slot, row)) = self.vacate(*id) else {
                self.put_back(gone);
                return Err(not_there(old, index));
            };
            self.vacated.push(slot);
            gone.insert(row);
        }
        for n in 0..self.vacated.len() {
            self.release(self.vacated[n]);
        }
        self.vacated.clear();
        self.close_gaps(gone, self.ids.len() - old.len(), moves);
        Ok(())
    }

    /// Fetches the map's entry of an id to come, and the slot of one that comes sooner.
    #[inline]
    fn look_ahead(&self, batch: &[EntityId], index: usize) {
        if let Some(later) = batch.get(index + AHEAD) {
            self.map.prefetch(*later);
        }
        let sooner = batch.get(index + AHEAD / 2);
        let slot = sooner.and_then(|id| self.slots.get(self.map.probable(*id)? as usize));
        if let Some(slot) = slot {
            prefetch(slot);
        }
    }

    /// Forgets an id; its slot keeps id and row until it is [released](Self::release).
    #[inline]
    fn vacate(&mut self, id: EntityId) -> Option<(u32, usize)> {
        let slots = &self.slots;
        let slot = self.map.remove(id, |s| slots[s as usize].id == id)?;
        Some((slot, self.slots[slot as usize].row as usize))
    }

    #[inline]
    fn release(&mut self, slot: u32) {
        let vacated = &mut self.slots[slot as usize];
        *vacated = Slot::vacant(vacated.generation + 1); // RETIRED slots are never live, so this cannot overflow
        if vacated.generation != RETIRED {
            self.free.push(slot);
        }
    }

    /// Undoes the vacating of a batch.
    fn put_back(&mut self, gone: &mut Bits) {
        while let Some(slot) = self.vacated.pop() {
            let id = self.slots[slot as usize].id;
            let inserted = self.map.insert(id, slot, |s| s == slot);
            debug_assert!(inserted.is_ok());
        }
        gone.clear();
    }

    /// Moves the rows that remain from `rows` on into the gaps before.
    fn close_gaps(&mut self, gone: &mut Bits, rows: usize, moves: &mut Vec<Move>) {
        moves.clear();
        let last = self.ids.len();
        let mut from = rows;
        for to in gone.iter().take_while(|to| *to < rows) {
            while gone.contains(from) {
                from += 1;
            }
            debug_assert!(
                from < last,
                "as many remain behind as there are gaps before"
            );
            moves.push(Move {
                from: from as u32,
                to: to as u32,
            });
            from += 1;
        }
        for (n, Move { from, to }) in moves.iter().enumerate() {
            if let Some(later) = moves.get(n + AHEAD) {
                let slot = self.slot_of_row[later.from as usize];
                prefetch(&self.slots[slot as usize]);
                prefetch(&self.slot_of_row[later.to as usize]);
                prefetch(&self.ids[later.to as usize]);
            }
            let slot = self.slot_of_row[*from as usize];
            self.ids[*to as usize] = self.ids[*from as usize];
            self.slot_of_row[*to as usize] = slot;
            self.slots[slot as usize].row = *to;
        }
        self.ids.truncate(rows);
        self.slot_of_row.truncate(rows);
        gone.clear();
    }

    /// Removes everybody, from the last row to the first.
    pub(crate) fn clear(&mut self) {
        while let Some(slot) = self.slot_of_row.pop() {
            self.release(slot);
        }
        self.ids.clear();
        self.map.clear();
    }

    /// Row n becomes what row `order[n]` was; `order` is a permutation of the rows.
    pub(crate) fn reorder(&mut self, order: &[u32]) {
        gather(&mut self.ids, order, &mut self.spare);
        gather(&mut self.slot_of_row, order, &mut self.vacated);
        self.vacated.clear();
        for (row, slot) in self.slot_of_row.iter().enumerate() {
            self.slots[*slot as usize].row = row as u32;
        }
    }

    /// The id of every row.
    #[inline]
    pub(crate) fn ids(&self) -> &[EntityId] {
        &self.ids
    }

    /// The row of an entity.
    #[inline]
    pub(crate) fn row(&self, id: EntityId) -> Option<usize> {
        Some(self.slots[self.slot(id)? as usize].row as usize)
    }

    /// The row that a handle leads to.
    #[inline]
    pub(crate) fn row_of(&self, handle: Handle) -> Result<usize, StaleHandle> {
        match self.slots.get(handle.slot as usize) {
            Some(slot) if slot.generation == handle.generation && slot.row != VACANT => {
                Ok(slot.row as usize)
            }
            _ => Err(StaleHandle),
        }
    }

    /// The handle of an entity.
    #[inline]
    pub(crate) fn handle_of(&self, id: EntityId) -> Option<Handle> {
        Some(self.handle(self.slot(id)?))
    }

    /// The handle of a row.
    #[inline]
    pub(crate) fn handle_at(&self, row: usize) -> Handle {
        self.handle(self.slot_of_row[row])
    }

    #[inline]
    fn slot(&self, id: EntityId) -> Option<u32> {
        self.map.get(id, |slot| self.slots[slot as usize].id == id)
    }

    #[inline]
    fn handle(&self, slot: u32) -> Handle {
        let generation = self.slots[slot as usize].generation;
        Handle { slot, generation }
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
        if generations.len() > ROWS_MAX {
            return None;
        }
        let mut slots: Vec<Slot> = generations.iter().map(|g| Slot::vacant(*g)).collect();
        let mut map = IdMap::default();
        map.reserve(ids.len());
        for (row, (id, slot)) in ids.iter().zip(&slot_of_row).enumerate() {
            let taken = slots.get_mut(*slot as usize)?;
            if taken.row != VACANT || taken.generation == RETIRED || *id == EntityId(0) {
                return None;
            }
            (taken.id, taken.row) = (*id, u32::try_from(row).ok()?);
            map.insert(*id, *slot, |s| s != *slot && slots[s as usize].id == *id)
                .ok()?;
        }
        let all = Self {
            ids,
            slot_of_row,
            slots,
            free,
            map,
            vacated: Vec::new(),
            spare: Vec::new(),
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
        assert_eq!(self.ids.len(), self.map.len());
        assert!(self.vacated.is_empty());
        for (row, (id, slot)) in self.ids.iter().zip(&self.slot_of_row).enumerate() {
            assert_eq!(self.slot(*id), Some(*slot), "{id}");
            let slot = self.slots[*slot as usize];
            assert_eq!((slot.row as usize, slot.id), (row, *id));
        }
        let vacant = self.slots.iter().filter(|slot| slot.row == VACANT);
        assert!(vacant.clone().all(|slot| slot.id == EntityId(0)));
        assert_eq!(self.slots.len() - vacant.count(), self.ids.len());
        assert!(self.free_is_exact());
    }
}

/// Why the map does not know an entity of a batch any more: it never did, or the batch has named it before.
fn not_there(batch: &[EntityId], index: usize) -> DespawnBatchError {
    let id = batch[index];
    if batch[..index].contains(&id) {
        DespawnBatchError::Twice { index, id }
    } else {
        DespawnBatchError::Unknown { index, id }
    }
}

fn gather<T: Copy>(values: &mut Vec<T>, order: &[u32], spare: &mut Vec<T>) {
    spare.clear();
    spare.extend(order.iter().map(|row| values[*row as usize]));
    core::mem::swap(values, spare);
}

impl Slot {
    fn vacant(generation: u32) -> Self {
        Self {
            id: EntityId(0),
            generation,
            row: VACANT,
        }
    }

    fn is_free(self) -> bool {
        self.row == VACANT && self.generation != RETIRED
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
