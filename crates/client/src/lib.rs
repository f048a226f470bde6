//! What a game client is: a session with a server, a view of what moves around the player, and the player itself, predicted.
//!
//! Goals, ranked: right, fast, simple. [`ClientCore`] is pure: bytes and times come in as arguments. The shells own
//! sockets, threads and clocks: [`Connection`] for programs with a tokio runtime, thousands of connections to one
//! endpoint if need be; [`BlockingSession`] for game engines, which poll. Predictions read the ground from a store that the game
//! ships, or that the server sends ([`ServedGround`]), and step the player with the simulation's own kernel. No geometry of its own, no disk but for
//! the folder that a game gives a [`TileCache`].
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use client::BlockingSession;
//!
//! let (address, ticket) = ("127.0.0.1:4433".parse()?, "bm2.….….…".parse()?);
//! let mut session = BlockingSession::connect(address, &ticket, Duration::from_secs(5))?;
//! session.set_velocity(1.0, 0.0, 0.0)?; // one metre a second to the east, looking north
//! let (mut events, mut seen) = (Vec::new(), Vec::new());
//! loop {
//!     session.poll(&mut events)?;
//!     session.entities(&mut seen);
//!     println!("{} entities", seen.len());
//!     std::thread::sleep(Duration::from_millis(16));
//! }
//! # #[allow(unreachable_code, reason = "the loop ends by an error")]
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod arrivals;
mod blocking;
mod clock;
mod connection;
mod core;
mod error;
mod ground;
mod input;
mod opening;
mod pace;
mod prediction;
mod resume;
mod roster;
mod sight;
mod step;
mod tiles;
mod track;
mod tracks;
mod view;
mod words;

pub use crate::core::{ClientCore, DigestCounts, Event, Traffic};
pub use blocking::BlockingSession;
pub use clock::RenderClock;
pub use connection::Connection;
pub use error::{ConnectError, SessionError};
pub use input::{InputError, input};
pub use opening::{Opening, welcomed};
pub use pace::WorldTime;
pub use prediction::{Agreement, NoPrediction, Prediction, PredictionCounts};
pub use resume::ResumeTicket;
pub use roster::Coming;
pub use tiles::{CacheCounts, Reach, ServedCounts, ServedGround, TileCache, tiles_around};
pub use view::{Seen, View};
pub use words::SayError;
