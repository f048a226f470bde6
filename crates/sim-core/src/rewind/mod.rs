//! Players as they were: what a shot is judged by whose shooter saw the world some ticks ago.
//!
//! ```text
//!            slot 0   slot 1   slot 2  …                 a slot is a player's as long as the ring knows it
//!  tick 64 ┌────────┬────────┬────────┐
//!       65 │ x y z  │        │        │   18 bytes: x, y, z i32 · frame u16 · heading u16 · kind u16
//!        … │ frame  │ absent │        │   the frame is a number in a table that all ticks share
//!      127 │ heading│        │        │
//!          └────────┴────────┴────────┘   and for each tick that was asked about, players by cells of space
//! ```
//!
//! A [`Moment`] lies on a tick or between two; between them players are on the grid points nearest to the straight way. Cells are
//! made when a tick is first asked about and kept until it is overwritten, so many threads may ask at once. Nothing in
//! here is state of a world: what a server makes of an answer enters the world as a record, and a replay needs no ring.

mod capsule;
mod cells;
mod corridor;
mod frame_table;
mod line;
mod moment;
mod past;
mod ring;
mod roster;
mod row;
mod visit;

pub use moment::{Moment, PastError};
pub use past::{Past, PastSight, QueryError};
pub use ring::{RecordError, Recorded, Rewind};
pub use row::PlayerRow;
pub use visit::PastHit;
