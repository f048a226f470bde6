//! A component's description without a Rust type: for columns registered at run time, and for generators of code.

use serde::Serialize;

use super::component::Component;
use super::kind::{Durability, Kind, Replication};
use super::lane::{Lane, LaneInfo, LaneType};
use super::table::{LANES_MAX, Table};
use super::wire::Wire;

/// What a column is: everything that `#[derive(Component)]` says.
///
/// ```
/// use spatial_core::{ColumnSchema, Durability, Kind, LaneSchema, LaneType, Replication, Table, Wire};
///
/// let mut table = Table::new();
/// let fuel = table.register_column(&ColumnSchema {
///     name: "fuel".to_owned(),
///     kind: Kind::Scalar,
///     version: 1,
///     durability: Durability::Durable,
///     replication: Replication::NONE,
///     lanes: vec![LaneSchema {
///         name: "litres".to_owned(),
///         lane_type: LaneType::F32,
///         wire: Wire::Whole,
///     }],
/// })?;
/// table.spawn(spatial_core::EntityId(7))?;
/// table.column_lanes_mut(fuel)[0].values_mut::<f32>()[0] = 12.5;
/// assert_eq!(table.column(fuel).lanes()[0].values::<f32>(), [12.5]);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ColumnSchema {
    /// Its name in saves, 1 to 255 bytes.
    pub name: String,
    /// What its values mean.
    pub kind: Kind,
    /// The version of its layout in saves.
    pub version: u16,
    /// How long its values are kept.
    pub durability: Durability,
    /// Whom its values are sent to.
    pub replication: Replication,
    /// Its lanes, 1 to 32.
    pub lanes: Vec<LaneSchema>,
}

/// What a lane of a column is.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct LaneSchema {
    /// Its name, 1 to 255 bytes, unique in the column.
    pub name: String,
    /// The machine type of its values.
    #[serde(rename = "type")]
    pub lane_type: LaneType,
    /// How its values travel.
    pub wire: Wire,
}

/// What a table is.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TableSchema {
    /// Its columns in order of registration.
    pub columns: Vec<ColumnSchema>,
    /// The names of its tags in order of registration.
    pub tags: Vec<String>,
}

/// Why a description is none of a column.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SchemaError {
    /// A name has not 1 to 255 bytes.
    #[error("the name {0:?} has not 1 to 255 bytes")]
    Name(String),
    /// There are none or too many lanes.
    #[error("a column has 1 to {LANES_MAX} lanes, not {0}")]
    Lanes(usize),
    /// Two lanes have the same name.
    #[error("lane {0:?} is there twice")]
    Twice(String),
    /// The kind does not accept such lanes.
    #[error("columns of kind {0:?} have other lanes")]
    Kind(Kind),
    /// The steps of a lane's wire format are not within its type.
    #[error("the wire format of lane {0:?} is for another type")]
    Wire(String),
}

impl ColumnSchema {
    /// The description of a component.
    pub fn of<C: Component>() -> Self {
        let lane = |info: &LaneInfo| LaneSchema {
            name: info.name.to_owned(),
            lane_type: info.lane_type,
            wire: info.wire,
        };
        Self {
            name: C::NAME.to_owned(),
            kind: C::KIND,
            version: C::VERSION,
            durability: C::DURABILITY,
            replication: C::REPLICATION,
            lanes: C::LANES.iter().map(lane).collect(),
        }
    }

    /// # Errors
    /// [`SchemaError`] when no component could have this description.
    pub(crate) fn check(&self) -> Result<(), SchemaError> {
        if !(1..=LANES_MAX).contains(&self.lanes.len()) {
            return Err(SchemaError::Lanes(self.lanes.len()));
        }
        let lanes = self.lanes.iter().map(|lane| &lane.name);
        if let Some(name) = lanes
            .chain([&self.name])
            .find(|name| !(1..=255).contains(&name.len()))
        {
            return Err(SchemaError::Name(name.clone()));
        }
        for (n, lane) in self.lanes.iter().enumerate() {
            if self.lanes[..n].iter().any(|other| other.name == lane.name) {
                return Err(SchemaError::Twice(lane.name.clone()));
            }
            if !lane.wire.fits(lane.lane_type) {
                return Err(SchemaError::Wire(lane.name.clone()));
            }
        }
        let infos: Vec<LaneInfo> = self.lanes.iter().map(LaneSchema::unnamed).collect();
        if self.kind.accepts(&infos) {
            Ok(())
        } else {
            Err(SchemaError::Kind(self.kind))
        }
    }

    /// Whether lanes have the names and types described here.
    pub(crate) fn describes(&self, lanes: &[Lane]) -> bool {
        let same = |(lane, schema): (&Lane, &LaneSchema)| {
            lane.name() == schema.name && lane.lane_type() == schema.lane_type
        };
        lanes.len() == self.lanes.len() && lanes.iter().zip(&self.lanes).all(same)
    }
}

impl LaneSchema {
    pub(crate) fn unnamed(&self) -> LaneInfo {
        LaneInfo {
            name: "",
            lane_type: self.lane_type,
            wire: self.wire,
        }
    }
}

impl Table {
    /// The description of its columns and tags.
    pub fn schema(&self) -> TableSchema {
        TableSchema {
            columns: self.columns.iter().map(|c| c.schema().clone()).collect(),
            tags: self.tag_names().map(str::to_owned).collect(),
        }
    }
}
