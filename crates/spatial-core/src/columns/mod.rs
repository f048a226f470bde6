//! Columns: the values of entities as structure of arrays.
//!
//! ```text
//! row              0      1      2     …          Table: rows are dense, a despawn moves the last row down
//! ids            e17     e4    e90               one per row
//! body.x  i32    ████   ████   ████              a lane: one field of one component, contiguous,
//! body.y  i32    ████   ████   ████              aligned to 64 bytes
//! motion.u f32   ████   ████   ████
//! asleep           0      1      0               a tag: a bit a row
//! body changed     1      0      0               what a consumer of a column has not seen yet: a bit a row
//! ```
//! `#[derive(Component)]` is the one description of a component: name, kind, version, durability, lanes, and how they
//! travel. [`ColumnSchema`] is the same as a value, for columns that no Rust type describes.

mod access;
mod bits;
mod blocks;
mod changes;
mod column;
mod component;
mod frame_change;
mod id_map;
mod ids;
mod kind;
mod lane;
mod migration;
mod moves;
pub(crate) mod prefetch;
mod rows;
mod save;
mod schema;
mod slots;
mod snapshot;
mod table;
mod tags;
mod wire;

pub use access::{Access, Marked, Part};
pub use blocks::{BLOCK_ROWS, Block};
pub use changes::{Consumer, ConsumersFull, Marks, UnknownConsumer};
pub use column::Column;
pub use component::Component;
pub use frame_change::FrameChangeError;
pub use kind::{Audience, Durability, Kind, Replication};
pub use lane::{Lane, LaneInfo, LaneType, LaneValue};
pub use migration::{Migration, MigrationError, MigrationRefused, RegisterError};
pub use moves::OrderError;
pub use prefetch::prefetch;
pub use rows::{DespawnBatchError, SpawnBatchError, SpawnError, UnknownEntity};
pub use save::LoadError;
pub use schema::{ColumnSchema, LaneSchema, SchemaError, TableSchema};
pub use slots::{Handle, StaleHandle};
pub use snapshot::TableSnapshot;
pub use table::{ColumnId, Table};
pub use tags::{TagError, TagId};
pub use wire::{Steps, Wire, WireError, WireParts};
