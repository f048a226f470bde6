//! Replication: a world's states to clients as deltas against epochs that all of them share.
//!
//! ```text
//! world side, one for all clients             one a client             client side
//!
//! states ─▶ Baselines ─▶ UpdateCache ─▶ Replicator ═ datagrams ═▶ Replica ─▶ tracked entities
//!           4 epochs     update bits,   who was in    (may be lost,  4 epoch sets
//!                        made once      which epoch    doubled, late)     │
//!                                           ▲                             │
//!                                           └──── acknowledged epoch ─────┘
//! ```

mod baselines;
mod budget;
mod cache;
mod columns;
mod epoch_sets;
mod member;
mod motion;
mod packer;
mod rates;
mod replica;
mod replicator;
mod row_moves;
mod selection;
mod snapshot;
mod state;
mod twin;

pub use baselines::Baselines;
pub use budget::SendBudget;
pub use cache::UpdateCache;
pub use columns::{ColumnsError, LaneAt, WireColumns};
pub(crate) use rates::Rates;
pub use replica::{DigestVerdict, Replica, ReplicaStats, SnapshotInfo, Tracked};
pub use replicator::{PackStats, Replicator, SnapshotRequest};
pub use snapshot::Datagrams;
pub use state::EntityState;
