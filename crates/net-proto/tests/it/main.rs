//! Two peers in virtual time, hostile bytes, sizes, memory, the documentation's examples, real endpoints.

#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

#[cfg(feature = "simulated")]
mod acks;
#[path = "../../../client/tests/it/allocations.rs"]
mod allocations;
mod bodies;
mod columns;
mod document;
#[cfg(all(feature = "quic", target_os = "linux"))]
mod fleet;
mod hostile;
mod link;
mod matrix;
mod previous;
#[cfg(feature = "quic")]
mod quic;
mod replication;
#[cfg(feature = "simulated")]
mod simulated;
mod sizes;
mod steady;
mod walkers;
