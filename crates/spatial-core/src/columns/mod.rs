//! Columns: the values of entities as structure of arrays.
//!
//! ```text
//! row              0      1      2     …          Table: rows are dense, a despawn moves the last row down
//! ids            e17     e4    e90               one per row
//! body.x  i32    ████   ████   ████              a lane: one field of one component, contiguous,
//! body.y  i32    ████   ████   ████              aligned to 64 bytes
//! motion.u f32   ████   ████   ████
//! ```
//! `#[derive(Component)]` is the one description of a component: its name, kind, version and lanes.

mod component;
mod ids;
mod lane;
mod save;
mod table;

pub use component::{Component, ComponentSet, Kind};
pub use ids::{Handle, SpawnError, StaleHandle, UnknownEntity};
pub use lane::{Lane, LaneInfo, LaneType, LaneValue};
pub use save::LoadError;
pub use table::{Column, RegisterError, Table};
