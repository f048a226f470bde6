//! A table of entities: their ids, handles and columns.

use core::ops::Range;

use xxhash_rust::xxh3::xxh3_64;

use super::access::Access;
use super::bits::Bits;
use super::changes::{Consumer, ConsumersFull, UnknownConsumer};
use super::column::{Column, position_of};
use super::component::Component;
use super::ids::Ids;
use super::lane::{Lane, Line};
use super::migration::{Migration, RegisterError};
use super::moves::Move;
use super::schema::ColumnSchema;
use super::slots::{Handle, StaleHandle};
use super::tags::Tag;
use crate::batch::BatchError;
use crate::ids::EntityId;

/// Most columns of a table: they are told apart by comparing names, each with each.
pub(crate) const COLUMNS_MAX: usize = 256;

/// Most lanes of one component.
pub(crate) const LANES_MAX: usize = 32;

/// Entities of one kind, one row each, their components as structure of arrays.
///
/// Rows are dense and their order is the order of spawning, disturbed by despawns (rows from the end move into
/// the gaps) and by [`Table::reorder`]; it never depends on threads or on hashes. What must outlive a despawn keeps an
/// [`EntityId`] or a [`Handle`], never a row.
#[derive(Clone, Default)]
pub struct Table {
    pub(crate) ids: Ids,
    pub(crate) columns: Vec<Column>, // at most COLUMNS_MAX, names differ; every lane has ids.len() rows
    pub(crate) tags: Vec<Tag>,       // at most TAGS_MAX, names differ; each over ids.len() rows
    pub(crate) room: Room,
    consumers: u32, // how many there ever were
}

/// Room to work in, kept so that a steady state allocates nothing.
#[derive(Clone, Default)]
pub(crate) struct Room {
    pub(crate) rows: Bits, // empty between calls
    pub(crate) moves: Vec<Move>,
    pub(crate) words: Vec<u64>,
    pub(crate) lines: Vec<Line>,
}

/// A table's number of one of its columns. Stays the same for the table's life.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ColumnId(pub(crate) u32);

impl Table {
    /// A table without rows and columns.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn of_ids(ids: Ids) -> Self {
        Self {
            ids,
            ..Self::default()
        }
    }

    /// Adds a component, zero in the rows that exist, or takes over the column that a load brought.
    ///
    /// Doing it twice does nothing.
    ///
    /// # Errors
    /// [`RegisterError`] when a column of this name has another kind, version, lanes or type, or there are 256.
    pub fn register<C: Component>(&mut self) -> Result<ColumnId, RegisterError> {
        self.register_migrating::<C>(&[])
    }

    /// As [`Table::register`]; a loaded column of an older version goes through the migrations first.
    ///
    /// # Errors
    /// As [`Table::register`], and when no chain of migrations leads to the component's version or one fails.
    pub fn register_migrating<C: Component>(
        &mut self,
        migrations: &[Migration],
    ) -> Result<ColumnId, RegisterError> {
        if let Some(ColumnId(found)) = self.column_named(C::NAME) {
            self.columns[found as usize].check_owner::<C>()?;
        }
        let id = self.register_column_migrating(&C::schema(), migrations)?;
        self.columns[id.0 as usize].own::<C>()?;
        Ok(id)
    }

    /// Adds a column that no Rust type describes, or finds or takes over the one of this name. A component's column is
    /// found too, if it is just as described.
    ///
    /// # Errors
    /// [`RegisterError`] when the description is none, a column of this name is not as described, or there are 256.
    pub fn register_column(&mut self, schema: &ColumnSchema) -> Result<ColumnId, RegisterError> {
        self.register_column_migrating(schema, &[])
    }

    /// As [`Table::register_column`], with migrations as in [`Table::register_migrating`].
    ///
    /// # Errors
    /// Those of both.
    pub fn register_column_migrating(
        &mut self,
        schema: &ColumnSchema,
        migrations: &[Migration],
    ) -> Result<ColumnId, RegisterError> {
        schema.check().map_err(|cause| RegisterError::Schema {
            name: schema.name.clone(),
            cause,
        })?;
        if let Some(id) = self.column_named(&schema.name) {
            self.columns[id.0 as usize].adopt(schema, migrations)?;
            return Ok(id);
        }
        if self.columns.len() >= COLUMNS_MAX {
            return Err(RegisterError::Full(schema.name.clone()));
        }
        self.columns.push(Column::zeros(schema.clone(), self.len()));
        Ok(ColumnId(self.columns.len() as u32 - 1))
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.ids().len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.ids().is_empty()
    }

    /// The id of every row.
    #[inline]
    pub fn ids(&self) -> &[EntityId] {
        self.ids.ids()
    }

    /// The row of an entity. One look-up in a hash table.
    #[inline]
    pub fn row(&self, id: EntityId) -> Option<usize> {
        self.ids.row(id)
    }

    /// The rows of many entities: memory is fetched ahead of the look-ups, which pays among very many.
    ///
    /// # Panics
    /// When there is not a row's place for each of them.
    pub fn rows(&self, ids: &[EntityId], rows: &mut [Option<usize>]) {
        assert_eq!(ids.len(), rows.len());
        self.ids.rows(ids, rows);
    }

    /// The row that a handle leads to. Costs one read.
    ///
    /// # Errors
    /// [`StaleHandle`] when its entity is gone.
    #[inline]
    pub fn row_of(&self, handle: Handle) -> Result<usize, StaleHandle> {
        self.ids.slots.row_of(handle)
    }

    /// Appends the row that each handle leads to, in their order: as [`Table::row_of`] one by one, with the slots of the next
    /// ones on their way from memory.
    ///
    /// # Errors
    /// [`StaleHandle`] with the index of the first handle whose entity is gone; nothing is appended then.
    pub fn rows_of(
        &self,
        handles: &[Handle],
        rows: &mut Vec<u32>,
    ) -> Result<(), BatchError<StaleHandle>> {
        self.ids.slots.rows_of(handles, rows)
    }

    /// The handle of an entity. One look-up in a hash table.
    #[inline]
    pub fn handle_of(&self, id: EntityId) -> Option<Handle> {
        self.ids.handle_of(id)
    }

    /// The handle of the entity in a row.
    ///
    /// # Panics
    /// When there is no such row.
    #[inline]
    pub fn handle_at(&self, row: usize) -> Handle {
        self.ids.handle_at(row)
    }

    /// All rows of a component, one slice a field.
    ///
    /// # Panics
    /// When the component is not registered.
    pub fn lanes<C: Component>(&self) -> C::Lanes<'_> {
        C::view(self.columns[position_of::<C>(&self.columns)].lanes())
    }

    /// All rows of a component, one slice a field, to write. All rows count as changed.
    ///
    /// # Panics
    /// When the component is not registered.
    pub fn lanes_mut<C: Component>(&mut self) -> C::LanesMut<'_> {
        C::view_mut(self.column_of_mut::<C>().lanes_mut_marked())
    }

    /// Some rows of a component, one slice a field, to write. They count as changed.
    ///
    /// # Panics
    /// When the component is not registered or there are no such rows.
    pub fn lanes_mut_in<C: Component>(&mut self, rows: Range<usize>) -> C::LanesMut<'_> {
        let column = self.column_of_mut::<C>();
        column.changes.mark_range(rows.clone());
        let lanes = C::view_mut(column.lanes_mut());
        C::split_at_mut(C::split_at_mut(lanes, rows.end).0, rows.start).1
    }

    /// Writes some rows of a component, which alone count as changed: `write` gets each row and all lanes.
    ///
    /// # Panics
    /// When the component is not registered or there is no such row.
    pub fn write_rows<C: Component>(
        &mut self,
        rows: impl IntoIterator<Item = usize>,
        mut write: impl FnMut(usize, &mut C::LanesMut<'_>),
    ) {
        let (lanes, mut marks) = self.column_of_mut::<C>().lanes_and_marks();
        let mut lanes = C::view_mut(lanes);
        for row in rows {
            marks.row(row);
            write(row, &mut lanes);
        }
    }

    /// The ids, and several components to read and write; all rows of those written by `&mut` count as changed:
    /// `let (ids, (body, motion)) = table.split_mut::<(&mut Body, &Motion)>();`
    ///
    /// # Panics
    /// When a component is not registered or named twice.
    pub fn split_mut<A: Access>(&mut self) -> (&[EntityId], A::View<'_>) {
        (self.ids.ids(), A::view(&mut self.columns))
    }

    /// Lends all rows of a component to read beside the rest of the table, in which the component is not there meanwhile.
    ///
    /// # Panics
    /// When the component is not registered, or `work` names it.
    pub fn beside<C: Component, R>(
        &mut self,
        work: impl FnOnce(&mut Self, C::Lanes<'_>) -> R,
    ) -> R {
        let position = position_of::<C>(&self.columns);
        let lent = core::mem::replace(&mut self.columns[position], Column::absent());
        let result = work(self, C::view(lent.lanes()));
        self.columns[position] = lent;
        result
    }

    /// One row's value of a component.
    ///
    /// # Panics
    /// When there is no such row or the component is not registered.
    pub fn get<C: Component>(&self, row: usize) -> C {
        C::get(&self.lanes::<C>(), row)
    }

    /// Replaces one row's value of a component, which counts as changed.
    ///
    /// # Panics
    /// When there is no such row or the component is not registered.
    pub fn set<C: Component>(&mut self, row: usize, value: C) {
        let column = self.column_of_mut::<C>();
        C::set(&mut C::view_mut(column.lanes_mut()), row, value);
        column.changes.mark(row);
    }

    fn column_of_mut<C: Component>(&mut self) -> &mut Column {
        let position = position_of::<C>(&self.columns);
        &mut self.columns[position]
    }

    /// The columns in order of registration, unknown ones included.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column of this name.
    pub fn column_named(&self, name: &str) -> Option<ColumnId> {
        let place = self.columns.iter().position(|c| c.name() == name)?;
        Some(ColumnId(place as u32))
    }

    /// A column by its number.
    ///
    /// # Panics
    /// When the table has no such column.
    pub fn column(&self, id: ColumnId) -> &Column {
        &self.columns[id.0 as usize]
    }

    /// A column's lanes, to write. All rows count as changed.
    ///
    /// # Panics
    /// As [`Table::column`].
    pub fn column_lanes_mut(&mut self, id: ColumnId) -> &mut [Lane] {
        self.columns[id.0 as usize].lanes_mut_marked()
    }

    /// A column's lanes, to write, and where to say which rows were written.
    ///
    /// # Panics
    /// As [`Table::column`].
    pub fn column_lanes_and_marks(
        &mut self,
        id: ColumnId,
    ) -> (&mut [Lane], super::changes::Marks<'_>) {
        self.columns[id.0 as usize].lanes_and_marks()
    }

    /// Adds somebody who wants to know which rows of a column have changed since it last looked. It has seen none yet, so
    /// at first all have. A row that is spawned has changed; one that only moves has not, and of one that is gone nothing is
    /// said.
    ///
    /// Costs a bit and a 64th a row and consumer, and as much once a column.
    ///
    /// # Errors
    /// [`ConsumersFull`] when the column has 16.
    ///
    /// # Panics
    /// As [`Table::column`].
    pub fn add_consumer(&mut self, column: ColumnId) -> Result<Consumer, ConsumersFull> {
        let serial = self.consumers;
        let later = serial.checked_add(1).ok_or(ConsumersFull)?;
        let rows = self.len();
        self.columns[column.0 as usize].changes.add(serial, rows)?;
        self.consumers = later;
        Ok(Consumer {
            column: column.0,
            serial,
        })
    }

    /// Forgets a consumer.
    ///
    /// # Errors
    /// [`UnknownConsumer`] when it is forgotten already or the table never had it.
    pub fn remove_consumer(&mut self, consumer: Consumer) -> Result<(), UnknownConsumer> {
        let column = self.columns.get_mut(consumer.column as usize);
        column
            .ok_or(UnknownConsumer)?
            .changes
            .remove(consumer.serial)
    }

    /// The rows that have changed since the consumer last looked, ascending. Costs what they are, and a 4,096th of
    /// all rows.
    ///
    /// # Errors
    /// As [`Table::remove_consumer`].
    #[inline]
    pub fn drain_changes(
        &mut self,
        consumer: Consumer,
        each: impl FnMut(usize),
    ) -> Result<(), UnknownConsumer> {
        let column = self.columns.get_mut(consumer.column as usize);
        let changes = &mut column.ok_or(UnknownConsumer)?.changes;
        changes.drain(consumer.serial, each)
    }

    /// The hash of all rows: the wrapping sum of [`Table::hash_row`], so it does not depend on their order.
    pub fn hash_rows(&self) -> u64 {
        self.hash_rows_of(0..self.len())
    }

    /// What some rows add to that. A run of some hundred costs less than its rows one by one.
    ///
    /// # Panics
    /// When there are no such rows.
    pub fn hash_rows_of(&self, rows: Range<usize>) -> u64 {
        let ids = &self.ids()[rows.clone()];
        let of_ids = ids.iter().map(|id| xxh3_64(&id.0.to_le_bytes()));
        let columns = self.columns.iter();
        let of_columns = columns.map(|column| column.hash_rows(ids, rows.clone()));
        let mut sum = of_ids.chain(of_columns).fold(0, u64::wrapping_add);
        for tag in &self.tags {
            for (id, row) in ids.iter().zip(rows.clone()) {
                sum = sum.wrapping_add(tag.hash_row(id.0.to_le_bytes(), row));
            }
        }
        sum
    }

    /// The hash of an entity's id, its tags and its values in every durable column.
    ///
    /// A column enters with its name, kind, version and lanes. Not with its place among the columns: the sum over columns has no order either.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn hash_row(&self, row: usize) -> u64 {
        let id = self.ids()[row].0.to_le_bytes();
        let columns = self.columns.iter().map(|column| column.hash_row(id, row));
        let tags = self.tags.iter().map(|tag| tag.hash_row(id, row));
        columns.chain(tags).fold(xxh3_64(&id), u64::wrapping_add)
    }

    /// Panics when ids, handles, columns and tags contradict each other. Costs a pass over everything.
    pub fn assert_well_formed(&self) {
        self.ids.assert_well_formed();
        for (n, column) in self.columns.iter().enumerate() {
            let mut before = self.columns[..n].iter();
            assert!(before.all(|c| c.name() != column.name()));
            column.assert_well_formed(self.len());
        }
        for (n, tag) in self.tags.iter().enumerate() {
            assert!(self.tags[..n].iter().all(|t| t.name != tag.name));
            tag.rows.assert_well_formed(self.len());
        }
        assert!(self.room.rows.is_empty());
    }
}
