//! Rows come, go and change places: through ids, lanes, change bits and tags alike.

use core::ops::Range;

use super::moves::{Move, OrderError};
use super::slots::Handle;
use super::table::Table;
use crate::ids::EntityId;

impl Table {
    /// Makes room for more rows, so that spawning them allocates nothing.
    pub fn reserve(&mut self, more: usize) {
        self.ids.reserve(more);
        for column in &mut self.columns {
            for lane in column.lanes_mut() {
                lane.reserve(more);
            }
            column.changes.reserve(more);
        }
        self.tags.iter_mut().for_each(|tag| tag.rows.reserve(more));
    }

    /// Appends a row of zeros.
    ///
    /// # Errors
    /// [`SpawnError`] when the id is 0 or in the table already, or at 2³²−1 rows.
    pub fn spawn(&mut self, id: EntityId) -> Result<Handle, SpawnError> {
        let handle = self.ids.spawn(id)?;
        self.grow(self.len() - 1);
        Ok(handle)
    }

    /// Appends a row of zeros for each id, in their order, and says which rows they are.
    ///
    /// # Errors
    /// [`SpawnBatchError`] names the first id that [`Table::spawn`] would refuse or that the batch has twice; then
    /// nobody is spawned.
    pub fn spawn_batch(&mut self, ids: &[EntityId]) -> Result<Range<usize>, SpawnBatchError> {
        let rows = self.ids.spawn_batch(ids)?;
        self.grow(rows.start);
        Ok(rows)
    }

    /// Removes a row; the last one takes its place.
    ///
    /// # Errors
    /// [`UnknownEntity`] when the id is not in the table.
    pub fn despawn(&mut self, id: EntityId) -> Result<(), UnknownEntity> {
        let (row, last) = (self.ids.despawn(id)?, self.len());
        self.room.moves.clear();
        if row != last {
            self.room.moves.push(Move {
                from: last as u32,
                to: row as u32,
            });
        }
        self.follow_moves();
        Ok(())
    }

    /// Removes rows. Those that remain behind the new number of rows move into the gaps, first to first, so the rows are
    /// the same whatever the order of the batch; the slots that handles name become free in the batch's order.
    ///
    /// # Errors
    /// [`DespawnBatchError`] names the first id that is not in the table or that the batch has twice; then nobody is
    /// despawned.
    pub fn despawn_batch(&mut self, ids: &[EntityId]) -> Result<(), DespawnBatchError> {
        let room = &mut self.room;
        self.ids
            .despawn_batch(ids, &mut room.rows, &mut room.moves)?;
        self.follow_moves();
        Ok(())
    }

    /// Removes all rows. Columns, tags and consumers stay registered; handles are stale.
    pub fn clear(&mut self) {
        self.ids.clear();
        self.room.moves.clear();
        self.follow_moves();
    }

    /// Row n becomes what row `order[n]` was: how entities of one cell come to lie together. Lanes, ids, handles, tags and
    /// what consumers have not seen go along; moving is no change. Costs a random read and a write a row and lane.
    ///
    /// # Errors
    /// [`OrderError`] when the order does not name every row once; then nothing moves.
    pub fn reorder(&mut self, order: &[u32]) -> Result<(), OrderError> {
        self.check_order(order)?;
        let room = &mut self.room;
        self.ids.reorder(order);
        for column in &mut self.columns {
            for lane in column.lanes_mut() {
                lane.reorder(order, &mut room.lines);
            }
            column.changes.reorder(order, &mut room.words);
        }
        for tag in &mut self.tags {
            tag.rows.reorder(order, &mut room.words);
        }
        Ok(())
    }

    fn check_order(&mut self, order: &[u32]) -> Result<(), OrderError> {
        let (found, want) = (order.len(), self.len());
        if found != want {
            return Err(OrderError::Length { found, want });
        }
        let named = &mut self.room.rows;
        named.resize(want);
        let check = |(index, row): (usize, &u32)| {
            let at = *row as usize;
            if at >= want {
                return Err(OrderError::Beyond { index, row: *row });
            }
            if named.contains(at) {
                return Err(OrderError::Twice { index, row: *row });
            }
            named.insert(at);
            Ok(())
        };
        let checked = order.iter().enumerate().try_for_each(check);
        named.clear();
        checked
    }

    /// Brings columns and tags to the number of ids; new rows are zero, changed, and without tags.
    fn grow(&mut self, first: usize) {
        let rows = first..self.ids.ids().len();
        for column in &mut self.columns {
            column
                .lanes_mut()
                .iter_mut()
                .for_each(|l| l.resize(rows.end));
            column.changes.grow(rows.clone());
        }
        self.tags.iter_mut().for_each(|t| t.rows.resize(rows.end));
    }

    /// Makes columns and tags follow the rows that have moved, and brings them to the number of ids.
    fn follow_moves(&mut self) {
        let (moves, rows) = (&self.room.moves, self.ids.ids().len());
        for column in &mut self.columns {
            for lane in column.lanes_mut() {
                lane.compact(moves, rows);
            }
            column.changes.compact(moves, rows);
        }
        for tag in &mut self.tags {
            tag.rows.compact(moves, rows);
        }
    }
}

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
    /// The id is in the batch already.
    #[error("entity {0} is in the batch twice")]
    Twice(EntityId),
    /// Rows are numbered by 32 bits.
    #[error("the table is full")]
    Full,
}

/// Why a batch was not spawned: its first entity that cannot be. The table is as before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("entry {index} of the batch: {cause}")]
pub struct SpawnBatchError {
    /// Place in the batch.
    pub index: usize,
    /// What is wrong with it.
    pub cause: SpawnError,
}

/// Why a batch was not despawned: its first entity that cannot be. The table is as before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DespawnBatchError {
    /// The entity is not in the table.
    #[error("entry {index} of the batch: no entity {id} here")]
    Unknown {
        /// Place in the batch.
        index: usize,
        /// The entity.
        id: EntityId,
    },
    /// The entity is in the batch already.
    #[error("entry {index} of the batch: entity {id} is in the batch twice")]
    Twice {
        /// Place in the batch.
        index: usize,
        /// The entity.
        id: EntityId,
    },
}
