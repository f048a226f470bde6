//! `libbluemarble`: coordinates, terrain packs and the game client behind a C interface.
//!
//! The header `include/bluemarble.h` is generated from these files (a test compares them) and is its documentation.
//! Goals, ranked: never bring down the program that loads it; fast; small. It refuses to hold a server or a database,
//! to call back into the game, and to keep memory or a thread once its handles are closed.
//!
//! Every export runs inside `guard::guard`: panics become `BM_ERROR_PANIC`, errors a negative status and a message
//! that the thread can read. Handles are slot + generation (`handle`), so a stale one is an error and never someone
//! else's object. Structs that callers fill begin with their size (`argument::Versioned`) and only ever grow.

mod argument;
mod client;
mod coordinates;
mod error;
mod guard;
mod handle;
mod status;
mod terrain;
mod version;

#[cfg(test)]
mod injection;

pub use client::{
    BM_ENTITY_SELF, bm_client, bm_client_close, bm_client_connect, bm_client_entities,
    bm_client_options, bm_client_options_init, bm_client_poll, bm_client_set_velocity,
    bm_client_status, bm_client_status_init, bm_entity,
};
pub use coordinates::{
    BM_EARTH_RADIUS_M, bm_ecef, bm_ecef_to_geodetic, bm_geodetic, bm_geodetic_to_ecef,
};
pub use error::{
    bm_last_error_call, bm_last_error_code, bm_last_error_copy, bm_last_error_message,
};
pub use status::*;
pub use terrain::{
    bm_terrain, bm_terrain_close, bm_terrain_height, bm_terrain_open, bm_terrain_radius,
};
pub use version::{BM_VERSION_MAJOR, BM_VERSION_MINOR, BM_VERSION_PATCH, bm_version};
