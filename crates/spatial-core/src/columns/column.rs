//! The lanes of one component, and how a component takes over what a load brought.

use core::any::TypeId;
use core::ops::Range;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::changes::{Changes, Marks};
use super::component::Component;
use super::kind::{Durability, Kind, Replication};
use super::lane::Lane;
use super::migration::{Migration, RegisterError, migrated};
use super::schema::ColumnSchema;
use super::table::LANES_MAX;
use crate::ids::EntityId;

/// The lanes of one component, with what it declared about itself.
#[derive(Clone)]
pub struct Column {
    schema: ColumnSchema, // describes the lanes
    lanes: Vec<Lane>,
    seed: u64, // of the hash: name, kind, version and lanes
    owner: Owner,
    pub(crate) changes: Changes,
}

/// Who a column belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// Nobody yet: a load has brought it.
    Nobody,
    /// A description without a type.
    Schema,
    /// A component.
    Component(TypeId),
}

impl Column {
    /// A column of zeros.
    pub(crate) fn zeros(schema: ColumnSchema, rows: usize) -> Self {
        let lanes = schema.lanes.iter();
        let lanes = lanes.map(|lane| Lane::zeros(&lane.name, lane.lane_type, rows));
        let mut column = Self::loaded(lanes.collect(), schema);
        column.owner = Owner::Schema;
        column
    }

    /// What stands where a column was taken away for a while; nothing finds it.
    pub(crate) fn absent() -> Self {
        let schema = ColumnSchema {
            name: String::new(),
            kind: Kind::Raw,
            version: 0,
            durability: Durability::Transient,
            replication: Replication::NONE,
            lanes: Vec::new(),
        };
        Self {
            schema,
            lanes: Vec::new(),
            seed: 0,
            owner: Owner::Schema,
            changes: Changes::default(),
        }
    }

    /// A column that belongs to nobody; `schema` describes `lanes`.
    pub(crate) fn loaded(lanes: Vec<Lane>, schema: ColumnSchema) -> Self {
        Self {
            seed: seed_of(&schema),
            schema,
            lanes,
            owner: Owner::Nobody,
            changes: Changes::default(),
        }
    }

    /// Makes the column that of a description, after migrating it if a load has brought an older version.
    ///
    /// # Errors
    /// [`RegisterError`] when it is not and does not become what is described; the column is as before.
    pub(crate) fn adopt(
        &mut self,
        want: &ColumnSchema,
        migrations: &[Migration],
    ) -> Result<(), RegisterError> {
        let is_claimed = self.owner != Owner::Nobody;
        if self.schema.version != want.version {
            if is_claimed {
                return Err(RegisterError::version(want, self.schema.version));
            }
            let lanes = migrated(&self.lanes, self.schema.version, want, migrations)?;
            self.lanes = lanes;
        } else if self.schema.kind != want.kind || !want.describes(&self.lanes) {
            return Err(RegisterError::Layout(want.name.clone()));
        }
        if is_claimed {
            let is_same = self.schema == *want;
            return is_same
                .then_some(())
                .ok_or_else(|| RegisterError::Layout(want.name.clone()));
        }
        self.schema = want.clone();
        self.seed = seed_of(want);
        self.owner = Owner::Schema;
        let rows = self.lanes[0].len();
        if want.durability != Durability::Durable {
            for lane in &mut self.lanes {
                lane.resize(0);
                lane.resize(rows);
            }
        }
        self.changes.mark_range(0..rows);
        Ok(())
    }

    /// Makes the column a component's.
    ///
    /// # Errors
    /// [`RegisterError::Taken`] when it is another component's.
    pub(crate) fn own<C: Component>(&mut self) -> Result<(), RegisterError> {
        self.check_owner::<C>()?;
        self.owner = Owner::Component(TypeId::of::<C>());
        Ok(())
    }

    /// # Errors
    /// [`RegisterError::Taken`] when it is another component's.
    pub(crate) fn check_owner<C: Component>(&self) -> Result<(), RegisterError> {
        match self.owner {
            Owner::Component(other) if other != TypeId::of::<C>() => {
                Err(RegisterError::Taken(C::NAME.to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// Its name in saves.
    pub fn name(&self) -> &str {
        &self.schema.name
    }

    /// What its values mean.
    pub fn kind(&self) -> Kind {
        self.schema.kind
    }

    /// The version of its layout.
    pub fn version(&self) -> u16 {
        self.schema.version
    }

    /// How long its values are kept. A loaded column that nobody has registered is durable.
    pub fn durability(&self) -> Durability {
        self.schema.durability
    }

    /// Its description. Of a loaded column that nobody has registered, values travel whole.
    pub fn schema(&self) -> &ColumnSchema {
        &self.schema
    }

    /// Its lanes in the order of the component's fields.
    #[inline]
    pub fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// Its lanes, of which nobody learns what is written.
    #[inline]
    pub(crate) fn lanes_mut(&mut self) -> &mut [Lane] {
        &mut self.lanes
    }

    /// Its lanes; all rows count as changed.
    pub(crate) fn lanes_mut_marked(&mut self) -> &mut [Lane] {
        self.changes.mark_range(0..self.lanes[0].len());
        &mut self.lanes
    }

    /// Its lanes, and where to say what is written.
    pub(crate) fn lanes_and_marks(&mut self) -> (&mut [Lane], Marks<'_>) {
        (&mut self.lanes, self.changes.marks())
    }

    pub(crate) fn hash_row(&self, id: [u8; 8], row: usize) -> u64 {
        if self.schema.durability != Durability::Durable {
            return 0;
        }
        let mut bytes = [0; ROW_BYTES_MAX];
        bytes[..8].copy_from_slice(&id);
        let mut end = 8;
        for lane in &self.lanes {
            let value = lane.row_bytes(row);
            bytes[end..end + value.len()].copy_from_slice(value);
            end += value.len();
        }
        xxh3_64_with_seed(&bytes[..end], self.seed)
    }

    /// What a run of rows adds to the hash of a table: the sum of [`Column::hash_row`], whose bytes are gathered lane by lane.
    pub(crate) fn hash_rows(&self, ids: &[EntityId], rows: Range<usize>) -> u64 {
        if self.schema.durability != Durability::Durable {
            return 0;
        }
        let mut room = [[0; ROW_BYTES_MAX]; GATHERED];
        let mut sum = 0u64;
        for (ids, first) in ids.chunks(GATHERED).zip(rows.step_by(GATHERED)) {
            let room = &mut room[..ids.len()];
            for (bytes, id) in room.iter_mut().zip(ids) {
                bytes[..8].copy_from_slice(&id.0.to_le_bytes());
            }
            let mut end = 8;
            for lane in &self.lanes {
                end += gather(lane, first, end, room);
            }
            let hashes = room
                .iter()
                .map(|bytes| xxh3_64_with_seed(&bytes[..end], self.seed));
            sum = hashes.fold(sum, u64::wrapping_add);
        }
        sum
    }

    /// Panics unless every lane has this many rows and is described.
    pub(crate) fn assert_well_formed(&self, rows: usize) {
        assert!(self.schema.describes(&self.lanes), "{}", self.name());
        for lane in &self.lanes {
            lane.assert_well_formed(rows);
        }
        self.changes.assert_well_formed(rows);
    }
}

/// An id, and values of at most eight bytes.
const ROW_BYTES_MAX: usize = 8 + 8 * LANES_MAX;
/// Rows whose bytes are gathered at once.
const GATHERED: usize = 32;

/// Puts a lane's values from a row on where they belong in the bytes of rows; gives how many bytes each has.
fn gather(lane: &Lane, first: usize, at: usize, rows: &mut [[u8; ROW_BYTES_MAX]]) -> usize {
    let size = lane.lane_type().bytes();
    let values = &lane.bytes()[first * size..(first + rows.len()) * size];
    match size {
        1 => put::<1>(values, at, rows),
        2 => put::<2>(values, at, rows),
        4 => put::<4>(values, at, rows),
        _ => put::<8>(values, at, rows),
    }
    size
}

/// The same for values of one size, which the compiler knows.
fn put<const SIZE: usize>(values: &[u8], at: usize, rows: &mut [[u8; ROW_BYTES_MAX]]) {
    let (values, rest) = values.as_chunks::<SIZE>();
    assert!(rest.is_empty() && at + SIZE <= ROW_BYTES_MAX);
    for (bytes, value) in rows.iter_mut().zip(values) {
        bytes[at..at + SIZE].copy_from_slice(value);
    }
}

/// Everything a column says of itself but how its values travel and how long they are kept.
fn seed_of(schema: &ColumnSchema) -> u64 {
    let mut identity = schema.name.clone().into_bytes();
    identity.extend([0, schema.kind as u8]);
    identity.extend(schema.version.to_le_bytes());
    for lane in &schema.lanes {
        identity.extend(lane.name.bytes());
        identity.extend([0, lane.lane_type as u8]);
    }
    xxh3_64(&identity)
}

/// Where a component's column stands.
///
/// # Panics
/// When the component is not registered.
pub(crate) fn position_of<C: Component>(columns: &[Column]) -> usize {
    let owner = Owner::Component(TypeId::of::<C>());
    let found = columns.iter().position(|column| column.owner == owner);
    found.unwrap_or_else(|| panic!("component {} is not registered", C::NAME))
}
