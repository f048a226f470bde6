//! Two peers in virtual time, hostile bytes, sizes, the documentation's examples, real endpoints.

mod document;
mod hostile;
mod link;
#[cfg(feature = "quic")]
mod quic;
mod replication;
mod sizes;
mod walkers;
