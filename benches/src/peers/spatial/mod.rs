//! Cells, the moving index, columns, regions and features against everybody's.

mod cells;
mod radius;
mod scene;
mod tick;

use std::io;

use super::{Pace, Tell};

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    cells::race(pace, tell)?;
    tick::race(pace, tell)?;
    radius::race(pace, tell)
}
