//! A table of entities: their ids, handles and columns.

use core::any::TypeId;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::component::{Component, ComponentSet, Kind};
use super::ids::{Handle, Ids, SpawnError, StaleHandle, UnknownEntity};
use super::lane::{Lane, LaneInfo};
use crate::ids::EntityId;

/// Most columns of a table: they are told apart by comparing names, each with each.
pub(crate) const COLUMNS_MAX: usize = 256;

/// Most lanes of one component.
pub(crate) const LANES_MAX: usize = 32;

/// Entities of one kind, one row each, their components as structure of arrays.
///
/// Rows are dense and their order is the order of spawning, disturbed by despawns: the last row moves into the
/// gap. What must outlive a despawn keeps an [`EntityId`] or a [`Handle`], never a row.
#[derive(Clone, Default)]
pub struct Table {
    pub(crate) ids: Ids,
    pub(crate) columns: Vec<Column>, // at most COLUMNS_MAX, names differ; every lane has ids.len() rows
}

impl Table {
    /// A table without rows and columns.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a component, zero in the rows that exist, or takes over the column that a load brought.
    ///
    /// Doing it twice does nothing.
    ///
    /// # Errors
    /// [`RegisterError`] when a column of this name has another kind, version, lanes or type, or there are 256.
    pub fn register<C: Component>(&mut self) -> Result<(), RegisterError> {
        let rows = self.len();
        let Some(found) = self.columns.iter_mut().find(|c| c.name == C::NAME) else {
            if self.columns.len() >= COLUMNS_MAX {
                return Err(RegisterError::Full(C::NAME));
            }
            self.columns.push(Column::of::<C>(rows));
            return Ok(());
        };
        found.adopt::<C>()
    }

    /// Appends a row of zeros.
    ///
    /// # Errors
    /// [`SpawnError`] when the id is 0 or in the table already, or at 2³²−1 rows.
    pub fn spawn(&mut self, id: EntityId) -> Result<Handle, SpawnError> {
        let handle = self.ids.spawn(id)?;
        for lane in self.columns.iter_mut().flat_map(|c| &mut c.lanes) {
            lane.push_zero();
        }
        Ok(handle)
    }

    /// Removes a row; the last one takes its place.
    ///
    /// # Errors
    /// [`UnknownEntity`] when the id is not in the table.
    pub fn despawn(&mut self, id: EntityId) -> Result<(), UnknownEntity> {
        let row = self.ids.despawn(id)?;
        for lane in self.columns.iter_mut().flat_map(|c| &mut c.lanes) {
            lane.swap_remove(row);
        }
        Ok(())
    }

    /// Removes all rows. Columns stay registered; handles are stale.
    pub fn clear(&mut self) {
        while let Some(id) = self.ids().last().copied() {
            self.despawn(id).expect("the last row's id is in the table");
        }
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
    pub fn ids(&self) -> &[EntityId] {
        self.ids.ids()
    }

    /// The row of an entity. One look-up in a hash map.
    pub fn row(&self, id: EntityId) -> Option<usize> {
        self.ids.row(id)
    }

    /// The row that a handle leads to. Costs two reads.
    ///
    /// # Errors
    /// [`StaleHandle`] when its entity is gone.
    pub fn row_of(&self, handle: Handle) -> Result<usize, StaleHandle> {
        self.ids.row_of(handle)
    }

    /// The handle of an entity. One look-up in a hash map.
    pub fn handle_of(&self, id: EntityId) -> Option<Handle> {
        self.ids.handle_of(id)
    }

    /// All rows of a component, one slice a field.
    ///
    /// # Panics
    /// When the component is not registered.
    pub fn lanes<C: Component>(&self) -> C::Lanes<'_> {
        C::view(&self.columns[position_of::<C>(&self.columns)].lanes)
    }

    /// All rows of a component, one slice a field, to write.
    ///
    /// # Panics
    /// When the component is not registered.
    pub fn lanes_mut<C: Component>(&mut self) -> C::LanesMut<'_> {
        let position = position_of::<C>(&self.columns);
        C::view_mut(&mut self.columns[position].lanes)
    }

    /// The ids, and the lanes of several components to write:
    /// `let (ids, (body, motion)) = table.split_mut::<(Body, Motion)>();`
    ///
    /// # Panics
    /// When a component is not registered or named twice.
    pub fn split_mut<S: ComponentSet>(&mut self) -> (&[EntityId], S::LanesMut<'_>) {
        (self.ids.ids(), S::view_mut(&mut self.columns))
    }

    /// One row's value of a component.
    ///
    /// # Panics
    /// When there is no such row or the component is not registered.
    pub fn get<C: Component>(&self, row: usize) -> C {
        C::get(&self.lanes::<C>(), row)
    }

    /// Replaces one row's value of a component.
    ///
    /// # Panics
    /// When there is no such row or the component is not registered.
    pub fn set<C: Component>(&mut self, row: usize, value: C) {
        C::set(&mut self.lanes_mut::<C>(), row, value);
    }

    /// The columns in order of registration, unknown ones included.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The hash of all rows: the wrapping sum of [`Table::hash_row`], so it does not depend on their order.
    pub fn hash_rows(&self) -> u64 {
        (0..self.len()).fold(0, |sum, row| sum.wrapping_add(self.hash_row(row)))
    }

    /// The hash of an entity's id and of its values in every column.
    ///
    /// A column enters with its name, kind, version and lanes. Not with its place among the columns: the sum over columns has no order either.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn hash_row(&self, row: usize) -> u64 {
        let id = self.ids()[row].0.to_le_bytes();
        let columns = self.columns.iter().map(|column| column.hash_row(id, row));
        columns.fold(xxh3_64(&id), u64::wrapping_add)
    }

    /// Panics when ids, handles and columns contradict each other. Costs a pass over everything.
    pub fn assert_well_formed(&self) {
        self.ids.assert_well_formed();
        for (n, column) in self.columns.iter().enumerate() {
            let twins = self.columns[..n].iter().filter(|c| c.name == column.name);
            assert_eq!(twins.count(), 0, "column {} is here twice", column.name);
            for lane in &column.lanes {
                lane.assert_well_formed(self.len());
            }
        }
    }
}

/// The lanes of one component, with what it declared about itself.
#[derive(Clone)]
pub struct Column {
    name: String,
    kind: Kind,
    version: u16,
    lanes: Vec<Lane>,
    seed: u64,             // of the hash: everything above but the values
    owner: Option<TypeId>, // the component; none until a loaded column is registered
}

impl Column {
    pub(crate) fn new(name: String, kind: Kind, version: u16, lanes: Vec<Lane>) -> Self {
        let mut identity = name.clone().into_bytes();
        identity.extend([0, kind as u8]);
        identity.extend(version.to_le_bytes());
        for lane in &lanes {
            identity.extend(lane.name().bytes());
            identity.extend([0, lane.lane_type() as u8]);
        }
        let seed = xxh3_64(&identity);
        Self {
            name,
            kind,
            version,
            lanes,
            seed,
            owner: None,
        }
    }

    fn of<C: Component>(rows: usize) -> Self {
        const {
            assert!(!C::NAME.is_empty() && C::NAME.len() <= 255);
            assert!(!C::LANES.is_empty() && C::LANES.len() <= LANES_MAX);
            let mut n = 0;
            while n < C::LANES.len() {
                assert!(!C::LANES[n].name.is_empty() && C::LANES[n].name.len() <= 255);
                n += 1;
            }
        }
        let lanes = C::LANES
            .iter()
            .map(|l| Lane::new(l.name, l.lane_type, rows));
        let mut column = Self::new(C::NAME.to_owned(), C::KIND, C::VERSION, lanes.collect());
        column.owner = Some(TypeId::of::<C>());
        column
    }

    /// Makes the column the component's, if it is what the component declares.
    fn adopt<C: Component>(&mut self) -> Result<(), RegisterError> {
        let owner = TypeId::of::<C>();
        if self.owner.is_some_and(|other| other != owner) {
            return Err(RegisterError::Taken(C::NAME));
        }
        if self.version != C::VERSION {
            return Err(RegisterError::Version {
                name: C::NAME,
                found: self.version,
                want: C::VERSION,
            });
        }
        let same = |(lane, info): (&Lane, &LaneInfo)| {
            lane.name() == info.name && lane.lane_type() == info.lane_type
        };
        let same_lanes =
            self.lanes.len() == C::LANES.len() && self.lanes.iter().zip(C::LANES).all(same);
        if self.kind != C::KIND || !same_lanes {
            return Err(RegisterError::Layout(C::NAME));
        }
        self.owner = Some(owner);
        Ok(())
    }

    /// Its name in saves.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its values mean.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The version of its layout.
    pub fn version(&self) -> u16 {
        self.version
    }

    /// Its lanes in the order of the component's fields.
    pub fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    pub(crate) fn lanes_mut(&mut self) -> &mut [Lane] {
        &mut self.lanes
    }

    fn hash_row(&self, id: [u8; 8], row: usize) -> u64 {
        let mut bytes = [0; 8 + 8 * LANES_MAX];
        bytes[..8].copy_from_slice(&id);
        let mut end = 8;
        for lane in &self.lanes {
            let value = lane.row_bytes(row);
            bytes[end..end + value.len()].copy_from_slice(value);
            end += value.len();
        }
        xxh3_64_with_seed(&bytes[..end], self.seed)
    }
}

/// Where a component's column stands.
///
/// # Panics
/// When the component is not registered.
pub(crate) fn position_of<C: Component>(columns: &[Column]) -> usize {
    let owner = Some(TypeId::of::<C>());
    let found = columns.iter().position(|column| column.owner == owner);
    found.unwrap_or_else(|| panic!("component {} is not registered", C::NAME))
}

/// Why a component was not registered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RegisterError {
    /// Another type has a component of this name in the table.
    #[error("column {0} belongs to another component")]
    Taken(&'static str),
    /// The table holds this column in another version.
    #[error("column {name} has version {found}, want {want}")]
    Version {
        /// The column.
        name: &'static str,
        /// Version in the table.
        found: u16,
        /// Version of the component.
        want: u16,
    },
    /// Kind, or names or types of lanes, are not those of the component.
    #[error("column {0} has another kind or other lanes than its component")]
    Layout(&'static str),
    /// The table has as many columns as it can have.
    #[error("the table has no room for column {0}: it has {COLUMNS_MAX}")]
    Full(&'static str),
}
