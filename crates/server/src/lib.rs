//! The embeddable [`Server`] and the `bluemarble` program.
//!
//! Goals, ranked: right, fast, simple, wide. The server owns sockets, files, clocks and threads; it contains no
//! geometry and no rules of the simulation, and it never makes the world wait for disk, network or clients.
//!
//! ```no_run
//! use bluemarble_server::{Config, Server, Settings};
//!
//! let config = Config::new(Settings {
//!     planet: Some("assets/earth-1024.pack".into()),
//!     data_dir: Some("world-1".into()),
//!     agents: Some(100),
//!     ..Settings::default()
//! })?;
//! let server = Server::start(config)?;
//! println!("listening on {}", server.local_addr());
//! let last = server.stop()?; // sessions closed, state hash and checkpoint on the disk
//! println!("tick {}, state hash {}", last.tick, last.state_hash);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod backups;
pub mod cli;
mod clock;
mod config;
mod crew;
mod game;
mod gateway;
mod histogram;
mod host;
mod issuer;
mod keys;
mod lots;
mod operations;
mod persist;
pub mod planet;
mod rehearsal;
mod revive;
mod server;
#[cfg(feature = "simulated")]
pub mod simulated;
mod status;
mod towns;
mod world_loop;

pub use config::{
    Change, Cheaters, Config, ConfigError, Environment, LogFormat, Settings, WhenOpen,
};
pub use game::{Game, GameError, Hearers, NoGame, Outcome, Route, Turn, Visitor};
pub use gateway::{AuthFailed, Authenticator, BansError, Decision, Login};
pub use issuer::Issuer;
pub use keys::KeysError;
pub use persist::StorageError;
pub use revive::ReviveError;
pub use server::{Server, ServerBuilder, ServerError};
pub use status::{JudgedCounts, QueueCounts, ShotCounts, StageTimes, Status, TickTimes};
pub use towns::{TOWNS, Town};
