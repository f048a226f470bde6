//! The whole server in a simulated network: its gateway, its world, its store and its journal, and real clients, in one thread and in virtual time. What a seed
//! decides is all that happens: weather, blackouts, power cuts, what players do. Whatever that is, what must hold does.
//!
//! A seed that fails says so; `BLUEMARBLE_SIMNET_FROM=n BLUEMARBLE_SIMNET_SEEDS=1` replays it, packet by packet.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod life;
mod lines;
mod lots;
mod place;
mod plan;
mod player;
mod rules;
mod seeds;
mod told;
