//! The wire: what clients and servers say to each other, as bytes.
//!
//! Goals, ranked: right under loss, duplication and reordering; few bytes and little work a client; short. No
//! sockets, no clocks, no randomness: bytes, time and seeds come in as arguments. Feature `quic` adds the endpoints.
//! No floating-point number is ever on the wire but the two that a lattice is made of. docs/wire.md draws every byte.
//!
//! ```
//! use net_proto::{Baselines, Datagrams, EntityState, Replica, Replicator, SnapshotRequest, UpdateCache};
//! use spatial_core::{EntityId, FrameId, Position};
//!
//! // The world's side: all states of a tick, shared by all clients, and what one of them sees.
//! let at = Position { frame: FrameId(1 << 36), x: 65_536, y: 0, z: 0 };
//! let (mut world, mut cache) = (Baselines::new(), UpdateCache::new());
//! world.advance(8, &[EntityState::new(EntityId(7), at, 0)]);
//! let (mut client, mut datagrams) = (Replicator::new(), Datagrams::new());
//! let request = SnapshotRequest { visible: &[0], durable_tick: 8, ..SnapshotRequest::default() };
//! client.pack(&world, &mut cache, &request, &mut datagrams);
//!
//! // The client's side.
//! let mut replica = Replica::new();
//! for datagram in datagrams.iter() {
//!     replica.handle_snapshot(datagram)?;
//! }
//! assert_eq!(replica.tracked()[0].state.position(), at);
//! // An input datagram would carry the acknowledgement.
//! assert!(client.acknowledge(replica.newest_complete().expect("all parts have come")));
//! # Ok::<(), net_proto::WireError>(())
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::cast_possible_truncation))]

mod bits;
mod bodies;
mod bulk;
mod bytes;
mod chat;
mod control;
mod entropy;
mod error;
mod holder;
mod ids;
mod input;
mod input_buffer;
mod limits;
mod own;
mod owned;
#[cfg(feature = "quic")]
pub mod quic;
mod replication;
mod text;
mod ticket;
mod token;

pub use bits::{BitReader, BitSpan, BitWriter};
pub use bodies::{BODIES_MAX, Bodies, BodiesError, Body, IllegalBody, QuickBodies};
pub use bulk::{
    BulkAnswer, BulkRequest, GroundInfo, Packed, TileAnswer, TileAsk, pack, sound_tile,
};
pub use chat::{Said, Say};
pub use control::{
    Answer, AnswerCode, Avatar, ClientMessage, Command, Digest, FrameReader, GameEvent, Hello,
    Maintenance, Queued, Redirect, Refuse, RefuseCode, Resume, ResumeSecret, Return, ServerMessage,
    TimeDilation, Welcome,
};
pub use entropy::{
    AdaptiveBit, AdaptiveSymbol, Coder, IntegerModel, OutOfRoom, RangeDecoder, RangeEncoder,
};
pub use error::WireError;
pub use holder::{Audience, Exported, Holder, HolderKey, Proof};
pub use ids::{Epoch, PlayerId, WorldId};
pub use input::{Input, InputDatagram, InputHead};
pub use input_buffer::{InputBuffer, QueuedInput};
pub use limits::{
    ALPN, CLIENT_FRAME_BYTES_MAX, COLUMN_BITS_MAX, COLUMNS_MAX, COMMAND_BYTES_MAX,
    DATAGRAM_BYTES_MAX, DIGEST_ENTITIES_MAX, ENTITIES_MAX, EPOCH_TICKS, EPOCHS_ALIVE,
    EVENT_BYTES_MAX, INPUTS_MAX, INPUTS_REPEATED, LANES_SENT_MAX, PROTOCOL_VERSION,
    PROTOCOL_VERSION_OLDEST, SERVER_FRAME_BYTES_MAX, TEXT_BYTES_MAX, TILE_ASKS_MAX, TILE_BYTES_MAX,
    TILE_PACKING_MAX,
};
pub use own::{Motion, OwnState};
pub use owned::{OwnValues, OwnValuesWriter};
pub use replication::{
    Baselines, ColumnsError, Datagrams, DigestVerdict, EntityState, LaneAt, PackStats, Replica,
    ReplicaStats, Replicator, SendBudget, SnapshotInfo, SnapshotRequest, Tracked, UpdateCache,
    WireColumns,
};
pub use text::{ShortText, clean};
pub use ticket::{Ticket, TicketError};
pub use token::{
    Claims, KeyError, NameError, PlayerName, Token, TokenError, TokenKey, TokenVerifier,
};
