//! bluemarble-server.
#![forbid(unsafe_code)]
mod config;
mod persist;
mod towns;

pub use config::{Config, ConfigError, Settings};
pub use persist::StorageError;
