//! The moving index: who is where, rebuilt every tick.

mod cap;
mod directory;
mod interest;
mod moving;

pub use interest::{Watch, WatchEvents};
pub use moving::{Hit, InvalidCellEdge, InvalidRadius, MovingIndex};
