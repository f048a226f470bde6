//! Slots: what handles lead to.
//!
//! ```text
//! Handle { slot, generation } ──► slots[slot] { generation, row }          8 bytes, 8 to a line of the cache
//!                                 vacant ones wait in `free`, last in first out
//! ```

use super::prefetch::{AHEAD, prefetch};
use crate::batch::BatchError;

/// A table's short cut to one of its rows: stale as soon as the entity is gone, never somebody else's.
///
/// It is good in the table that gave it, in its clones and in what its later saves are loaded into. Elsewhere, and in a table
/// that was loaded from an earlier save, it may lead to anybody: what passes from one to the other is the
/// [`EntityId`](crate::EntityId).
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

/// The slots of a table.
#[derive(Clone, Default)]
pub(crate) struct Slots {
    slots: Vec<Slot>, // never shrinks
    free: Vec<u32>,   // vacant slots that may be used again
}

#[derive(Clone, Copy)]
struct Slot {
    generation: u32,
    row: u32, // VACANT when nobody is here
}

const VACANT: u32 = u32::MAX;
/// A slot whose generation has reached this is never used again, so no handle can come true twice.
const RETIRED: u32 = u32::MAX;
/// Slots and rows, at most: one fewer than their numbers, so that VACANT is none and slot + 1 has 32 bits.
pub(crate) const ROWS_MAX: usize = u32::MAX as usize;

impl Slots {
    /// Makes room for more rows.
    pub(crate) fn reserve(&mut self, more: usize) {
        self.slots.reserve(self.new_for(more));
    }

    /// How many slots there will be besides those there are, when more rows have come.
    pub(crate) fn new_for(&self, more: usize) -> usize {
        more.saturating_sub(self.free.len())
    }

    /// The slot that the next row gets; it is none when it has reached [`ROWS_MAX`].
    #[inline]
    pub(crate) fn next(&self) -> u32 {
        self.free.last().copied().unwrap_or(self.slots.len() as u32)
    }

    /// Gives [the next slot](Self::next) to a row.
    #[inline]
    pub(crate) fn take_next(&mut self, row: usize) {
        let row = row as u32;
        match self.free.pop() {
            Some(slot) => self.slots[slot as usize].row = row,
            None => self.slots.push(Slot { generation: 0, row }),
        }
    }

    /// Undoes the newest [`take_next`](Self::take_next), of which nobody has a handle; there were so many slots before the
    /// first of those that are undone.
    pub(crate) fn give_back(&mut self, slot: u32, count_before: usize) {
        if (slot as usize) < count_before {
            self.slots[slot as usize].row = VACANT;
            self.free.push(slot);
        } else {
            self.slots.pop();
        }
    }

    /// Makes the slot of an entity that is gone vacant.
    #[inline]
    pub(crate) fn release(&mut self, slot: u32) {
        let vacated = &mut self.slots[slot as usize];
        vacated.generation += 1; // RETIRED slots are never live, so this cannot overflow
        vacated.row = VACANT;
        if vacated.generation != RETIRED {
            self.free.push(slot);
        }
    }

    /// Its row has moved.
    #[inline]
    pub(crate) fn set_row(&mut self, slot: u32, row: u32) {
        self.slots[slot as usize].row = row;
    }

    /// Slots, vacant ones included.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The row of a slot that is not vacant.
    #[inline]
    pub(crate) fn row(&self, slot: u32) -> usize {
        self.slots[slot as usize].row as usize
    }

    /// The handle of a slot's entity.
    #[inline]
    pub(crate) fn handle(&self, slot: u32) -> Handle {
        let generation = self.slots[slot as usize].generation;
        Handle { slot, generation }
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

    /// Appends the row that each handle leads to, or nothing.
    pub(crate) fn rows_of(
        &self,
        handles: &[Handle],
        rows: &mut Vec<u32>,
    ) -> Result<(), BatchError<StaleHandle>> {
        let before = rows.len();
        rows.resize(before + handles.len(), 0);
        for (index, (handle, row)) in handles.iter().zip(&mut rows[before..]).enumerate() {
            if let Some(later) = handles.get(index + AHEAD) {
                self.prefetch(later.slot);
            }
            match self.row_of(*handle) {
                Ok(found) => *row = found as u32,
                Err(StaleHandle) => {
                    rows.truncate(before);
                    return Err(BatchError {
                        index,
                        error: StaleHandle,
                    });
                }
            }
        }
        Ok(())
    }

    /// Asks the processor to fetch a slot.
    #[inline]
    pub(crate) fn prefetch(&self, slot: u32) {
        if let Some(slot) = self.slots.get(slot as usize) {
            prefetch(slot);
        }
    }

    /// The vacant slot that will be the next after so many others have been taken.
    #[inline]
    pub(crate) fn next_but(&self, others: usize) -> Option<u32> {
        Some(self.free[self.free.len().checked_sub(others + 1)?])
    }

    /// What a save keeps: generations by slot, free slots from bottom to top.
    pub(crate) fn saved_parts(&self) -> (impl ExactSizeIterator<Item = u32>, &[u32]) {
        (self.slots.iter().map(|slot| slot.generation), &self.free)
    }

    /// Rebuilds from what a save kept and the slot of each row; `None` when they contradict each other.
    pub(crate) fn from_saved_parts(
        generations: &[u32],
        free: Vec<u32>,
        slot_of_row: &[u32],
    ) -> Option<Self> {
        if generations.len() > ROWS_MAX {
            return None;
        }
        let vacant = |generation: &u32| Slot {
            generation: *generation,
            row: VACANT,
        };
        let mut slots: Vec<Slot> = generations.iter().map(vacant).collect();
        for (row, slot) in slot_of_row.iter().enumerate() {
            let taken = slots
                .get_mut(*slot as usize)
                .filter(|slot| slot.is_free())?;
            taken.row = row as u32; // each takes a slot, of which there are at most ROWS_MAX
        }
        let all = Self { slots, free };
        all.free_is_exact().then_some(all)
    }

    /// Whether `free` names every vacant slot that is not retired, once.
    fn free_is_exact(&self) -> bool {
        let mut named = vec![false; self.slots.len()];
        for slot in &self.free {
            let place = *slot as usize;
            match (self.slots.get(place), named.get_mut(place)) {
                (Some(slot), Some(named)) if !*named && slot.is_free() => *named = true,
                _ => return false,
            }
        }
        let mut all = self.slots.iter().zip(named);
        all.all(|(slot, named)| slot.is_free() == named)
    }

    /// Panics unless these are the slots of the rows, and the free list names all others.
    pub(crate) fn assert_well_formed(&self, slot_of_row: &[u32]) {
        for (row, slot) in slot_of_row.iter().enumerate() {
            assert_eq!(self.row(*slot), row);
        }
        let live = self.slots.iter().filter(|slot| slot.row != VACANT);
        assert_eq!(live.count(), slot_of_row.len());
        assert!(self.free_is_exact());
    }
}

impl Slot {
    fn is_free(self) -> bool {
        self.row == VACANT && self.generation != RETIRED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stale_at(index: usize) -> BatchError<StaleHandle> {
        BatchError {
            index,
            error: StaleHandle,
        }
    }

    #[test]
    fn a_slot_retires_at_its_last_generation() {
        let mut slots = Slots::default();
        slots.take_next(0);
        slots.slots[0].generation = RETIRED - 1;
        let last = slots.handle(0);
        assert_eq!(slots.row_of(last), Ok(0));
        slots.release(0);
        slots.assert_well_formed(&[]);
        assert_eq!(slots.row_of(last), Err(StaleHandle));
        let wrapped = slots.handle(0);
        assert_eq!(slots.row_of(wrapped), Err(StaleHandle));
        assert_eq!(slots.next(), 1);
        slots.take_next(0);
        slots.assert_well_formed(&[1]);
    }

    #[test]
    fn a_batch_names_the_first_stale_handle_and_appends_nothing() {
        let mut slots = Slots::default();
        (0..100).for_each(|row| slots.take_next(row));
        let mut handles: Vec<Handle> = (0..100).rev().map(|slot| slots.handle(slot)).collect();
        let mut rows = vec![7];
        slots.rows_of(&handles, &mut rows).unwrap();
        assert!(rows[1..].iter().copied().eq((0..100).rev()));
        rows.truncate(1);
        handles[60].generation += 1; // of an entity to come
        slots.release(21); // handles[78]
        let stale = slots.rows_of(&handles, &mut rows);
        assert_eq!((stale, &rows[..]), (Err(stale_at(60)), &[7][..]));
        handles.remove(60);
        let stale = slots.rows_of(&handles, &mut rows);
        assert_eq!((stale, &rows[..]), (Err(stale_at(77)), &[7][..]));
        handles[3].slot = u32::MAX;
        let stale = slots.rows_of(&handles, &mut rows);
        assert_eq!(stale, Err(stale_at(3)));
    }
}
