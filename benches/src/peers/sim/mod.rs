//! The simulation: crowds, characters, who touches whom, sight, snapshots, the past.
//!
//! What an entity-component system does of this, places that velocities are added to, is raced among the columns (`spatial`).

mod characters;
mod past;
mod sight;
mod snapshots;
mod ticks;
mod touching;

use std::io;

use super::{Pace, Tell};

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    ticks::race(pace, tell)?;
    characters::race(pace, tell)?;
    touching::race(pace, tell)?;
    sight::race(pace, tell)?;
    snapshots::race(pace, tell)?;
    past::race(pace, tell)
}
