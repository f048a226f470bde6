//! Sessions over real QUIC on loopback, with a small server made of net-proto.

#![expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod allocations;
mod blocking;
mod connection;
mod prediction;
mod seeded;
mod served;
mod server;
mod shown;
mod terrain;
mod thin;
