//! Benches and races on tiny input.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod cases;
mod peers;
