//! The bulk stream: ground for clients that have none, asked for tile by tile.
//!
//! ```text
//! client ── what is the ground? · these tiles, of which I have those ──►
//!        ◄── the lattice · for each tile: its bytes, unchanged, absent, or later ── server
//! ```
//! Frames as on the control stream, but in a stream of its own, behind everything else. A tile that comes is an encoding of terrain's
//! own (docs/terrain.md), packed where that makes it smaller; its name, the checksum of its samples, is how both sides speak of it.

mod answer;
mod packing;
mod request;

pub use answer::{BulkAnswer, GroundInfo, TileAnswer, sound_tile};
pub use packing::{Packed, pack};
pub use request::{BulkRequest, TileAsk};
