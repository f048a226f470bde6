//! Messages and replication.

mod cubes;

use std::io;

use super::{Pace, Tell};

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    cubes::race(pace, tell)
}
