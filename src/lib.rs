//! Bluemarble: the spatial engine for worlds the size of a planet.
//!
//! This package only re-exports the parts; [README](https://github.com/bluemarble/bluemarble) says what they are for.
//!
//! - [`space`]: planets, cells, frames, columns, the moving index, terrain and its stores; maps (feature `maps`) and
//!   readers of relief (feature `import`)
//! - [`sim`]: worlds of agents, stepped by records, the same bits everywhere
//! - [`wire`]: tokens, messages, replication
//! - [`client`]: what a game client is
//! - `server` (feature `server`): the reference server, to embed

pub use client;
pub use net_proto as wire;
#[cfg(feature = "server")]
pub use server;
pub use sim_core as sim;
pub use spatial_core as space;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
