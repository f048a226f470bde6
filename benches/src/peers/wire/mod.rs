//! Messages, replication and transport.

mod cubes;
mod fan_out;

use std::io;

use super::{Pace, Tell};

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    cubes::race(pace, tell)?;
    fan_out::race(pace, tell)
}
