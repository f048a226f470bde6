//! The simulation: agents on a planet, the same bits everywhere.
//!
//! Goals, ranked: right, fast, simple, wide. No sockets, no files, no clocks: [`World::step`] is the only way
//! time passes, and it is a pure function of the state and the records.

mod advance;
mod agent;
mod avoid;
mod beds;
mod careful;
mod character;
mod checkpoint;
mod contacts;
mod crossing;
mod difference;
mod event;
mod flight;
mod flyer;
mod frames;
mod ground;
mod ground_patch;
mod kernels;
mod kind;
mod kinds;
mod leases;
mod ledger;
mod level;
mod local_axes;
mod mode;
mod near;
mod obey;
mod obstacles;
mod outbox;
mod parts;
mod prove;
mod record;
mod replay;
mod rewind;
mod roll;
mod rooms;
mod rows;
mod rules;
mod shape;
mod shortened;
mod sight;
mod sleepers;
mod snapshot;
mod solo;
mod statics;
mod stride;
mod system;
mod tile_table;
mod touching;
mod validate;
mod walk;
mod walker;
mod world;

pub use agent::{Agent, Body, Heading, State, Tier, Velocity, Wish};
pub use character::{Drive, FALL_SPEED_MAX_MPS, LocalScene, Moved, Mover, advance_character};
pub use checkpoint::LoadError;
pub use difference::Difference;
pub use event::{Despawn, Event, EventData, EventKind, Hit, Landed, Spawned};
pub use flyer::{Flown, FlyerHit, advance_flyer, bounced};
pub use ground_patch::{GroundPatch, NotResident, Rest, Tiles};
pub use kind::{FINE_PER_M, Grade, Kind, KindId};
pub use ledger::{Account, Holder, Item, Ledger, LedgerDraft, Leg, Transfer, TransferError};
pub use level::SimLevel;
pub use local_axes::LocalAxes;
pub use mode::Mode;
pub use near::{Near, Neighbour};
pub use obstacles::{ObstacleError, Obstacles, Placed};
pub use outbox::Outbox;
pub use prove::{ProofError, Trial, prove};
pub use record::{CarrierPose, Entry, EntryError, Input, Record, encode_records};
pub use replay::{GAP_TICKS_MAX, ReplayError, replay};
pub use rewind::{
    Moment, Past, PastError, PastHit, PastSight, PlayerRow, QueryError, RecordError, Recorded,
    Rewind,
};
pub use shape::{Gap, Obstacle, Segment, Shape, ShapeError, Solid, Touch, ball_meets_capsule};
pub use shortened::{JournalReader, JournalWriter};
pub use sight::SightLine;
pub use snapshot::{OtherWorld, Snapshot};
pub use solo::{ExactState, Solo};
pub use system::{Stage, System, SystemError};
pub use validate::{
    Claim, Escalation, Finding, Judged, Limits, Prediction, Received, Surroundings, Validator,
    ValidatorError,
};
pub use walk::PUSH_SPEED_MAX_MPS;
pub use world::{StartError, StepError, StepReport, World, WorldStart};
