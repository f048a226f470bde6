//! Geographic features on the sphere: exact predicates, and what is built on them.

mod compare;
mod crossing;
mod exact;
mod orientation;

pub use compare::{compare_distance, compare_distances};
pub use crossing::{Crossing, crossing, edge_or_vertex_crossing, vertex_crossing};
pub use orientation::{Orientation, ordered_ccw, orientation};
