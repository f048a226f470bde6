//! Ours against others, on the same input, in one process.
//!
//! Answers are compared before anything is timed. Then ours and the peer take turns within a budget of CPU time, and
//! the least time of each counts: noise only ever adds. Where we lose, the row stays.

mod calibration;
mod clock;
mod promises;
mod row;
mod sim;
mod spatial;
mod table;

use std::io::{self, Write};
use std::time::Duration;

pub use promises::Promise;
pub use row::{Measured, Row};

use promises::Promises;

/// What to race, and how to say it.
#[derive(Clone, Debug, clap::Parser)]
#[command(about = "Ours against others on the same input", long_about = None)]
pub struct Options {
    /// Only this group of cases; all without it.
    pub group: Option<Group>,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
    /// Tiny input and a blink of time: shows that it works, measures nothing.
    #[arg(long)]
    pub tiny: bool,
}

/// Cases that belong together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Group {
    /// Cells and the moving index.
    Spatial,
    /// The step.
    Sim,
    /// Heights and tiles.
    Terrain,
    /// Messages and replication.
    Wire,
    /// Sessions and storage.
    Server,
    /// The C library.
    Ffi,
}

impl Group {
    const ALL: [Self; 6] = [
        Self::Spatial,
        Self::Sim,
        Self::Terrain,
        Self::Wire,
        Self::Server,
        Self::Ffi,
    ];

    fn race(self, pace: &Pace, tell: &mut dyn FnMut(Measured) -> io::Result<()>) -> io::Result<()> {
        match self {
            Self::Spatial => spatial::race(pace, tell),
            Self::Sim => sim::race(pace, tell),
            // Nothing to race yet.
            Self::Terrain | Self::Wire | Self::Server | Self::Ffi => Ok(()),
        }
    }
}

/// How much input, and how long.
pub(crate) struct Pace {
    pub(crate) size: crate::Size,
    /// CPU time a row, of all its runners together.
    pub(crate) budget: Duration,
}

impl Pace {
    fn new(is_tiny: bool) -> Self {
        let (size, milliseconds) = if is_tiny {
            (crate::Size::Tiny, 10)
        } else {
            (crate::Size::Full, 3_000)
        };
        Self {
            size,
            budget: Duration::from_millis(milliseconds),
        }
    }
}

/// Races what the options say and writes a row as soon as it is known. Returns whether all answers agreed and all
/// promises were kept.
///
/// # Errors
/// When `out` cannot be written, or promises.toml not be read.
pub fn run(options: &Options, out: &mut dyn Write) -> anyhow::Result<bool> {
    let promises = Promises::load()?;
    let pace = Pace::new(options.tiny);
    let mut all_kept = true;
    if !options.json {
        writeln!(out, "{}", table::heading())?;
    }
    let mut tell = |measured: Measured| {
        let row = Row::new(measured, &promises);
        all_kept &= row.is_kept();
        if options.json {
            writeln!(out, "{}", row.to_json())
        } else {
            writeln!(out, "{}", table::line(&row))
        }
    };
    calibration::measure(&pace, &mut tell)?;
    match options.group {
        Some(group) => group.race(&pace, &mut tell)?,
        None => Group::ALL
            .into_iter()
            .try_for_each(|group| group.race(&pace, &mut tell))?,
    }
    Ok(all_kept)
}
