//! Which entity is in which row, and the short cuts to it.
//!
//! ```text
//! Handle ──slot, generation──► slots[slot] ──row──► ids[row]
//! EntityId ──map──► slot            ▲                  │
//!                                   └── slot_of_row ───┘
//! ```
//! The map does not hold the ids: `id_of_slot` does, apart from the slots, so that a look-up by handle reads no ids.

use core::ops::Range;

use super::bits::Bits;
use super::id_map::IdMap;
use super::moves::Move;
use super::prefetch::{AHEAD, prefetch};
use super::rows::{DespawnBatchError, SpawnBatchError, SpawnError, UnknownEntity};
use super::slots::{Handle, ROWS_MAX, Slots};
use crate::ids::EntityId;

/// Rows, ids and handles of a table.
#[derive(Clone, Default)]
pub(crate) struct Ids {
    ids: Vec<EntityId>,    // by row
    slot_of_row: Vec<u32>, // by row; the row of its slot is the row
    pub(crate) slots: Slots,
    id_of_slot: Vec<EntityId>, // of a vacant slot, whoever was there last
    map: IdMap,                // id → slot
    vacated: Vec<u32>,         // slots of a batch that is being despawned; empty otherwise
    spare: Vec<EntityId>,      // room for reordering
}

impl Ids {
    /// Makes room for more rows.
    pub(crate) fn reserve(&mut self, more: usize) {
        self.ids.reserve(more);
        self.slot_of_row.reserve(more);
        self.slots.reserve(more);
        let slots = self.slots.len() + self.slots.new_for(more);
        self.id_of_slot.reserve(slots - self.id_of_slot.len());
        self.map.reserve(more);
    }

    /// Appends a row.
    pub(crate) fn spawn(&mut self, id: EntityId) -> Result<Handle, SpawnError> {
        self.map.reserve(1);
        let slot = self.append(id, self.ids.len())?;
        Ok(self.slots.handle(slot))
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
        if let Some(slot) = self.slots.next_but(AHEAD) {
            self.fetch_slot(slot);
        }
    }

    /// Appends a row and says its slot. Rows from `batch` on are of the same batch. The map has room.
    #[inline]
    fn append(&mut self, id: EntityId, batch: usize) -> Result<u32, SpawnError> {
        if id == EntityId(0) {
            return Err(SpawnError::Zero);
        }
        let (row, slot) = (self.ids.len(), self.slots.next());
        if row >= ROWS_MAX || slot as usize >= ROWS_MAX {
            return Err(SpawnError::Full);
        }
        let ids = &self.id_of_slot;
        let inserted = self.map.insert(id, slot, |s| ids[s as usize] == id);
        if let Err(taken) = inserted {
            return Err(if self.slots.row(taken) >= batch {
                SpawnError::Twice(id)
            } else {
                SpawnError::Present(id)
            });
        }
        self.slots.take_next(row);
        match self.id_of_slot.get_mut(slot as usize) {
            Some(was) => *was = id,
            None => self.id_of_slot.push(id),
        }
        self.ids.push(id);
        self.slot_of_row.push(slot);
        Ok(slot)
    }

    /// Undoes the newest rows, of which nobody has a handle.
    fn take_back(&mut self, first: usize, slots: usize) {
        while self.ids.len() > first {
            let (id, slot) = (self.ids.pop(), self.slot_of_row.pop());
            let (Some(id), Some(slot)) = (id, slot) else {
                return;
            };
            self.map.remove(id, |s| s == slot);
            self.slots.give_back(slot, slots);
        }
        self.id_of_slot.truncate(slots);
    }

    /// Removes an entity and says from which row; the last row takes its place.
    pub(crate) fn despawn(&mut self, id: EntityId) -> Result<usize, UnknownEntity> {
        let (slot, row) = self.vacate(id).ok_or(UnknownEntity(id))?;
        self.slots.release(slot);
        self.ids.swap_remove(row);
        self.slot_of_row.swap_remove(row);
        if let Some(moved) = self.slot_of_row.get(row) {
            self.slots.set_row(*moved, row as u32);
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
            self.slots.release(self.vacated[n]);
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
        if let Some(slot) = sooner.and_then(|id| self.map.probable(*id)) {
            self.fetch_slot(slot);
        }
    }

    #[inline]
    fn fetch_slot(&self, slot: u32) {
        self.slots.prefetch(slot);
        if let Some(id) = self.id_of_slot.get(slot as usize) {
            prefetch(id);
        }
    }

    /// Forgets an id; its slot keeps the row until it is released.
    #[inline]
    fn vacate(&mut self, id: EntityId) -> Option<(u32, usize)> {
        let ids = &self.id_of_slot;
        let slot = self.map.remove(id, |s| ids[s as usize] == id)?;
        Some((slot, self.slots.row(slot)))
    }

    /// Undoes the vacating of a batch.
    fn put_back(&mut self, gone: &mut Bits) {
        while let Some(slot) = self.vacated.pop() {
            let id = self.id_of_slot[slot as usize];
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
                self.slots.prefetch(self.slot_of_row[later.from as usize]);
                prefetch(&self.slot_of_row[later.to as usize]);
                prefetch(&self.ids[later.to as usize]);
            }
            let slot = self.slot_of_row[*from as usize];
            self.ids[*to as usize] = self.ids[*from as usize];
            self.slot_of_row[*to as usize] = slot;
            self.slots.set_row(slot, *to);
        }
        self.ids.truncate(rows);
        self.slot_of_row.truncate(rows);
        gone.clear();
    }

    /// Removes everybody, from the last row to the first.
    pub(crate) fn clear(&mut self) {
        while let Some(slot) = self.slot_of_row.pop() {
            self.slots.release(slot);
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
            self.slots.set_row(*slot, row as u32);
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
        Some(self.slots.row(self.slot(id)?))
    }

    /// The rows of many entities.
    pub(crate) fn rows(&self, ids: &[EntityId], rows: &mut [Option<usize>]) {
        for (index, (id, row)) in ids.iter().zip(rows).enumerate() {
            self.look_ahead(ids, index);
            *row = self.row(*id);
        }
    }

    /// The handle of an entity.
    #[inline]
    pub(crate) fn handle_of(&self, id: EntityId) -> Option<Handle> {
        Some(self.slots.handle(self.slot(id)?))
    }

    /// The handle of a row.
    #[inline]
    pub(crate) fn handle_at(&self, row: usize) -> Handle {
        self.slots.handle(self.slot_of_row[row])
    }

    #[inline]
    fn slot(&self, id: EntityId) -> Option<u32> {
        self.map.get(id, |s| self.id_of_slot[s as usize] == id)
    }

    /// The slot of every row.
    pub(crate) fn slot_of_row(&self) -> &[u32] {
        &self.slot_of_row
    }

    /// Rebuilds from saved parts; `None` when they contradict each other.
    pub(crate) fn from_saved_parts(
        ids: Vec<EntityId>,
        slot_of_row: Vec<u32>,
        generations: &[u32],
        free: Vec<u32>,
    ) -> Option<Self> {
        let slots = Slots::from_saved_parts(generations, free, &slot_of_row)?;
        let mut id_of_slot = vec![EntityId(0); generations.len()];
        let mut map = IdMap::default();
        map.reserve(ids.len());
        for (id, slot) in ids.iter().zip(&slot_of_row) {
            if *id == EntityId(0) {
                return None;
            }
            id_of_slot[*slot as usize] = *id;
            map.insert(*id, *slot, |s| s != *slot && id_of_slot[s as usize] == *id)
                .ok()?;
        }
        Some(Self {
            ids,
            slot_of_row,
            slots,
            id_of_slot,
            map,
            ..Self::default()
        })
    }

    /// Panics when rows, slots, free list and ids contradict each other.
    pub(crate) fn assert_well_formed(&self) {
        assert_eq!(self.ids.len(), self.slot_of_row.len());
        assert_eq!(self.ids.len(), self.map.len());
        assert!(self.vacated.is_empty());
        for (id, slot) in self.ids.iter().zip(&self.slot_of_row) {
            assert_eq!(self.slot(*id), Some(*slot), "{id}");
            assert_eq!(self.id_of_slot[*slot as usize], *id);
        }
        assert_eq!(self.id_of_slot.len(), self.slots.len());
        self.slots.assert_well_formed(&self.slot_of_row);
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
