//! Older versions of columns become newer ones when they are registered.

use super::lane::Lane;
use super::schema::{ColumnSchema, SchemaError};
use super::table::COLUMNS_MAX;

/// One step from an older version of a column to a newer one.
///
/// ```
/// use spatial_core::{Component, EntityId, Lane, Migration, Table};
///
/// #[derive(Clone, Copy, Component)]
/// #[component(name = "fuel", kind = scalar, version = 1)]
/// struct OldFuel { gallons: u8 }
///
/// #[derive(Clone, Copy, Component)]
/// #[component(name = "fuel", kind = scalar, version = 2)]
/// struct Fuel { litres: f32 }
///
/// const FUEL: &[Migration] = &[Migration {
///     from: 1,
///     to: 2,
///     run: |old| {
///         let gallons = old[0].values::<u8>().iter();
///         let litres: Vec<f32> = gallons.map(|g| f32::from(*g) * 3.75).collect();
///         Ok(vec![Lane::from_values("litres", &litres)])
///     },
/// }];
///
/// let mut old = Table::new();
/// old.register::<OldFuel>()?;
/// old.spawn(EntityId(1))?;
/// old.set(0, OldFuel { gallons: 10 });
/// let mut bytes = Vec::new();
/// old.save(&mut bytes);
///
/// let mut table = Table::load(&bytes)?;
/// table.register_migrating::<Fuel>(FUEL)?;
/// assert_eq!(table.get::<Fuel>(0).litres, 37.5);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// The version that it reads.
    pub from: u16,
    /// The version that it makes, a later one.
    pub to: u16,
    /// Makes the lanes of the new version, for as many rows, from those of the old one.
    ///
    /// [`Lane::values`] panics on a lane of another type, so it checks what it has not written itself.
    pub run: fn(&[Lane]) -> Result<Vec<Lane>, MigrationRefused>,
}

/// A migration's reason not to migrate these values.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct MigrationRefused(pub String);

/// The lanes of the described version. Steps are chained; of several from one version the first counts.
///
/// # Errors
/// [`RegisterError::Version`] when no step leads on, and others when one does not keep what it promises.
pub(crate) fn migrated(
    lanes: &[Lane],
    found: u16,
    want: &ColumnSchema,
    steps: &[Migration],
) -> Result<Vec<Lane>, RegisterError> {
    let rows = lanes.first().map_or(0, Lane::len);
    let (mut lanes, mut version) = (lanes.to_vec(), found);
    while version != want.version {
        let step = steps.iter().find(|step| step.from == version);
        let step = step.ok_or_else(|| RegisterError::version(want, version))?;
        let refused = |cause| RegisterError::Migration {
            name: want.name.clone(),
            from: version,
            cause,
        };
        if step.to <= version || step.to > want.version {
            return Err(refused(MigrationError::Direction(step.to)));
        }
        lanes = (step.run)(&lanes).map_err(|reason| refused(reason.into()))?;
        if let Some(lane) = lanes.iter().find(|lane| lane.len() != rows) {
            let (found, want) = (lane.len(), rows);
            return Err(refused(MigrationError::Rows { found, want }));
        }
        version = step.to;
    }
    if want.describes(&lanes) {
        Ok(lanes)
    } else {
        Err(RegisterError::Layout(want.name.clone()))
    }
}

/// Why a step did not lead to the next version.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MigrationError {
    /// It says no.
    #[error(transparent)]
    Refused(#[from] MigrationRefused),
    /// It makes a version that is not later, or later than the one that is wanted.
    #[error("it makes version {0}")]
    Direction(u16),
    /// A lane that it made has another number of rows.
    #[error("it makes {found} rows of {want}")]
    Rows {
        /// Rows made.
        found: usize,
        /// Rows of the table.
        want: usize,
    },
}

/// Why a column was not registered. The table is as before.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RegisterError {
    /// Another type has a component of this name in the table.
    #[error("column {0} belongs to another component")]
    Taken(String),
    /// The table holds this column in another version, and no migration leads on from it.
    #[error("column {name} has version {found}, want {want}")]
    Version {
        /// The column.
        name: String,
        /// Version in the table, or that the migrations lead to.
        found: u16,
        /// Version of the component.
        want: u16,
    },
    /// Kind, durability, or names, types or wire formats of lanes are not those described.
    #[error("column {0} has another kind or other lanes than its component")]
    Layout(String),
    /// The table has as many columns as it can have.
    #[error("the table has no room for column {0}: it has {COLUMNS_MAX}")]
    Full(String),
    /// The description is none.
    #[error("column {name}: {cause}")]
    Schema {
        /// The column.
        name: String,
        /// What is wrong.
        cause: SchemaError,
    },
    /// A migration failed.
    #[error("column {name}, migration from version {from}: {cause}")]
    Migration {
        /// The column.
        name: String,
        /// The version that the migration starts from.
        from: u16,
        /// Why.
        cause: MigrationError,
    },
}

impl RegisterError {
    pub(crate) fn version(want: &ColumnSchema, found: u16) -> Self {
        Self::Version {
            name: want.name.clone(),
            found,
            want: want.version,
        }
    }
}
