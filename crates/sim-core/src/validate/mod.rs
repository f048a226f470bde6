//! Validation: what is left to judge of a player whom the server simulates itself.
//!
//! The server runs every input through the kernel that the client predicted with, so nobody walks through walls by saying so. What a
//! client can still do is ask for too much, too soon, too often, or for what nobody can; and where a game lets clients
//! say where they are, say something else.
//!
//! ```text
//!  datagram ─► receive ──┬─ pace         more ticks than have passed, floods
//!                        ├─ drift        a fast clock
//!                        ├─ window       old, missing and contradicting numbers
//!                        └─ inputs       wishes, buttons, turns that nobody has            finding ─► score ─► escalation
//!  hash ─────► predicted ── prediction   another state though nothing unknown was near
//!  claim ────► claimed ──── claims       teleports, walls, ground, speed, flight
//! ```
//!
//! A [`Validator`] is 654 bytes of integers a player. Time is counted in ticks, never in seconds; the same datagrams in the same ticks give
//! the same findings everywhere. Each [`Finding`] has a score, scores fade, and what remains is an [`Escalation`].

mod claims;
mod drift;
mod encoding;
mod finding;
mod inputs;
mod limits;
mod pace;
mod prediction;
mod suspicion;
mod validator;
mod window;

pub use claims::{Claim, Surroundings};
pub use encoding::ValidatorError;
pub use finding::{Escalation, Finding};
pub use inputs::Received;
pub use limits::Limits;
pub use prediction::Prediction;
pub use validator::{Judged, Validator};
