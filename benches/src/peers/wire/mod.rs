//! Messages, replication and transport.

mod asteroids;
mod cubes;
mod encode;
mod fan_out;
mod players;
mod walkers;

use std::io;

use super::{Pace, Tell};

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    cubes::race(pace, tell)?;
    asteroids::race(pace, tell)?;
    walkers::race(pace, tell)?;
    encode::race(pace, tell)?;
    players::race(pace, tell)?;
    fan_out::race(pace, tell)
}
