//! Tests of the public face of spatial-core.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod allocations;
mod cells;
mod columns;
mod coords;
mod frames;
mod index;
mod predicates;
#[cfg(feature = "rocksdb")]
mod rocks;
mod terrain;
mod world;
