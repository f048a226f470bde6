//! The embeddable [`Server`] and the `bluemarble` program.
//!
//! Goals, ranked: right, fast, simple, wide. The server owns sockets, files, clocks and threads; it contains no
//! geometry and no rules of the simulation, and it never makes the world wait for disk, network or clients.

#![forbid(unsafe_code)]

pub mod cli;
mod clock;
mod config;
mod gateway;
mod histogram;
mod host;
mod keys;
mod lots;
mod persist;
pub mod planet;
mod revive;
mod server;
mod status;
mod towns;
mod world_loop;

pub use config::{Config, ConfigError, Settings};
pub use keys::KeysError;
pub use persist::StorageError;
pub use revive::ReviveError;
pub use server::{Server, ServerError};
pub use status::{StageTimes, Status, TickTimes};
pub use towns::{TOWNS, Town};
