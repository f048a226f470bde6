//! Cells, the moving index, columns, regions and features against everybody's.

mod cells;
mod columns;
mod countries;
mod coverings;
mod features;
mod nearest;
mod orientation;
mod ours;
mod pairs;
mod radius;
mod regions;
mod scene;
mod spreads;
mod standing;
mod table;
mod tick;

use std::io;

use super::{Pace, Tell};

pub(crate) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    cells::race(pace, tell)?;
    columns::race(pace, tell)?;
    tick::race(pace, tell)?;
    radius::race(pace, tell)?;
    spreads::race(pace, tell)?;
    nearest::race(pace, tell)?;
    regions::race(pace, tell)?;
    pairs::race(pace, tell)?;
    standing::race(pace, tell)?;
    coverings::race(pace, tell)?;
    countries::race(pace, tell)?;
    features::race(pace, tell)?;
    orientation::race(pace, tell)
}
