//! The simulation: agents on a planet, the same bits everywhere.
//!
//! Goals, ranked: right, fast, simple, wide. No sockets, no files, no clocks: [`World::step`] is the only way
//! time passes, and it is a pure function of the state and the records.

mod agent;
mod checkpoint;
mod ground;
mod ground_patch;
mod kind;
mod local_axes;
mod motion;
mod obstacles;
mod record;
mod replay;
mod rewind;
mod shape;
mod world;

pub use agent::Agent;
pub use checkpoint::LoadError;
pub use ground_patch::{GroundPatch, Rest, Tiles};
pub use kind::{FINE_PER_M, Grade, Kind, KindId};
pub use local_axes::LocalAxes;
pub use motion::PUSH_SPEED_MAX_MPS;
pub use obstacles::{ObstacleError, Obstacles, Placed};
pub use record::{Entry, EntryError, Record, encode_records};
pub use replay::{GAP_TICKS_MAX, ReplayError, replay};
pub use rewind::{
    Moment, Past, PastError, PastHit, PastSight, PlayerRow, QueryError, RecordError, Recorded,
    Rewind,
};
pub use shape::{Gap, Obstacle, Segment, Shape, ShapeError, Solid, Touch, ball_meets_capsule};
pub use world::{StartError, StepError, StepReport, World, WorldStart};
