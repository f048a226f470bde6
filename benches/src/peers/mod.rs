//! Ours against others, on the same input, in one process.
//!
//! Answers are compared before anything is timed. Then ours and the peer take turns within a budget of CPU time, and
//! the least time of each counts: noise only ever adds. Where we lose, the row stays.

mod batch;
mod calibration;
mod clock;
mod contest;
mod promises;
mod rivals;
mod row;
mod sim;
mod spatial;
mod table;
mod terrain;
mod wire;

use std::io::{self, Write};
use std::time::{Duration, Instant};

use promises::Promises;
use row::Measured;

/// What to race, and how to say it.
#[derive(Clone, Default, Debug, clap::Parser)]
#[command(about = "Ours against others on the same input", long_about = None, after_help = RIVALS)]
pub struct Options {
    /// Only this group of cases; all without it.
    pub group: Option<Group>,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
    /// Only cases whose names hold this.
    #[arg(long, value_name = "PART")]
    pub only: Option<String>,
    /// Tiny input and a blink of time: shows that it works, measures nothing.
    #[arg(long)]
    pub tiny: bool,
}

const RIVALS: &str = "\
Peers: kiddo, rstar, h3o, the s2 crate, hecs, bevy_ecs, parry3d, rapier3d, postcard, bitcode, htg, PNG and zstd, RocksDB, LMDB and redb, built in; the C++ library of S2 where it was installed \
(Debian: libs2-dev) when this was built. Towns and countries are those that `make data` has fetched, SRTM is that of BLUEMARBLE_DATA. What is \
not there is said in its rows.

Exit code: 0 when all answers agree and all promises (promises.toml) are kept, 1 when not, 2 when misused.";

/// Cases that belong together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Group {
    /// Cells and the moving index.
    Spatial,
    /// The simulation.
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

    fn race(self, pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
        match self {
            Self::Spatial => spatial::race(pace, tell),
            Self::Sim => sim::race(pace, tell),
            Self::Terrain => terrain::race(pace, tell),
            Self::Wire => wire::race(pace, tell),
            // Nothing to race yet.
            Self::Server | Self::Ffi => Ok(()),
        }
    }
}

/// Takes what was measured as soon as it is known.
pub(crate) type Tell<'a> = &'a mut dyn FnMut(Measured) -> io::Result<()>;

/// How much input, how long, and what of it.
pub(crate) struct Pace {
    pub(crate) size: crate::Size,
    /// CPU time a row, of all its runners together.
    pub(crate) budget: Duration,
    only: Option<String>,
}

impl Pace {
    fn new(options: &Options) -> Self {
        let (size, milliseconds) = if options.tiny {
            (crate::Size::Tiny, 10)
        } else {
            (crate::Size::Full, 2_000)
        };
        Self {
            size,
            budget: Duration::from_millis(milliseconds),
            only: options.only.clone(),
        }
    }

    /// Whether a case is asked for.
    pub(crate) fn wants(&self, case: &str) -> bool {
        self.only.as_ref().is_none_or(|part| case.contains(part))
    }
}

/// Races what the options say and writes a row as soon as it is known, and to `progress` a line when a case is done. Returns what
/// is wrong: answers that differ and promises that are not kept, a line each; a table ends with them.
///
/// # Errors
/// When `out` or `progress` cannot be written, or promises.toml not be read.
pub fn run(
    options: &Options,
    out: &mut dyn Write,
    progress: &mut dyn Write,
) -> anyhow::Result<Vec<String>> {
    let promises = Promises::load()?;
    let pace = Pace::new(options);
    let start = Instant::now();
    let mut complaints = Vec::new();
    if !options.json {
        writeln!(out, "{}", table::heading())?;
    }
    let mut tell = |measured: Measured| {
        let seconds = start.elapsed().as_secs_f64();
        writeln!(progress, "{seconds:6.1} s  {}", measured.case)?;
        for row in measured.rows(&promises) {
            complaints.extend(row.complaint());
            if options.json {
                writeln!(out, "{}", row.to_json())?;
            } else {
                writeln!(out, "{}", table::line(&row))?;
            }
        }
        out.flush()
    };
    calibration::measure(&pace, &mut tell)?;
    match options.group {
        Some(group) => group.race(&pace, &mut tell)?,
        None => Group::ALL
            .into_iter()
            .try_for_each(|group| group.race(&pace, &mut tell))?,
    }
    complaints.dedup(); // a case is missed once, not once a peer
    if !options.json {
        writeln!(out, "\n{}", table::ending(&complaints))?;
    }
    Ok(complaints)
}
