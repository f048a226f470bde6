//! `bluemarble replay bisect`: the first tick after which two replays differ, and in what.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, anyhow};
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use sim_core::{Difference, SimLevel};

use super::search::{Outcome, search};
use super::side::{Manner, Side, SideError};
use crate::cli::Misuse;
use crate::cli::out::say;
use crate::persist::DirLock;
use crate::server::{ServerError, open_planet};

#[derive(clap::Args)]
pub(super) struct BisectArgs {
    /// The data directory of a server that is not running
    #[arg(value_name = "LEFT")]
    left: PathBuf,
    /// The one to compare it with; without, LEFT's journal is run in two manners
    #[arg(value_name = "RIGHT")]
    right: Option<PathBuf>,
    /// The planet that the worlds were run with
    #[arg(
        long,
        env = "BLUEMARBLE_PLANET",
        default_value = "earth.pack",
        value_name = "PATH"
    )]
    planet: PathBuf,
    /// The worlds' number
    #[arg(long, env = "BLUEMARBLE_WORLD", default_value_t = 1, value_name = "N")]
    world: u16,
    /// Threads, of the left replay and of the right one; 0 is as many as there are processors
    #[arg(
        long,
        value_name = "N[,N]",
        value_delimiter = ',',
        default_value = "1,0"
    )]
    threads: Vec<usize>,
    /// Vector instructions, of the left replay and of the right one
    #[arg(
        long,
        value_name = "LEVEL[,LEVEL]",
        value_delimiter = ',',
        default_value = "scalar,best"
    )]
    level: Vec<Level>,
    /// Stop after this tick
    #[arg(long, value_name = "TICK")]
    until: Option<u64>,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Level {
    /// One agent after the other
    Scalar,
    Sse2,
    Avx2,
    /// The greatest one of this CPU
    Best,
}

impl From<Level> for SimLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Scalar => Self::Scalar,
            Level::Sse2 => Self::Sse2,
            Level::Avx2 => Self::Avx2,
            Level::Best => Self::detected(),
        }
    }
}

pub(super) fn run(args: &BisectArgs) -> Result<ExitCode> {
    let manners = manners(args)?;
    let dirs = [&args.left, args.right.as_ref().unwrap_or(&args.left)];
    for dir in dirs {
        if !dir.is_dir() {
            return Err(anyhow!("{}: no such directory", dir.display()));
        }
    }
    let planet = open_planet(&args.planet)?;
    // One directory is locked once, by whatever names.
    let is_one = dirs[0].canonicalize()? == dirs[1].canonicalize()?;
    let take = |dir: &PathBuf| DirLock::take_existing(dir).map_err(ServerError::from);
    let _left = take(dirs[0])?;
    let _right = (!is_one).then(|| take(dirs[1])).transpose()?;
    let open = |n: usize| -> Result<Side<'_>> {
        let side = Side::open(dirs[n], args.world, &*planet, manners[n]).map_err(error)?;
        side.ok_or_else(|| anyhow!("{}: holds no world", dirs[n].display()))
    };
    let (mut left, mut right) = (open(0)?, open(1)?);
    let bar = bar();
    let outcome = search(
        &mut left,
        &mut right,
        args.until.unwrap_or(u64::MAX),
        |tick| bar.set_position(tick),
    );
    bar.finish_and_clear();
    let outcome = outcome.map_err(error)?;
    let diverged = [left.diverged, right.diverged];
    match args.json {
        true => say(as_json(&outcome, diverged)),
        false => print(&outcome, diverged, dirs),
    }
    Ok(ExitCode::from(u8::from(outcome.found.is_some())))
}

/// How each side is run.
fn manners(args: &BisectArgs) -> Result<[Manner; 2]> {
    let two = |count: usize, what: &str| match count {
        1 | 2 => Ok([0, count - 1]),
        _ => Err(Misuse(format!("--{what}: one value, or one for each side"))),
    };
    let threads = two(args.threads.len(), "threads")?.map(|n| args.threads[n]);
    let levels = two(args.level.len(), "level")?.map(|n| args.level[n].into());
    Ok([0, 1].map(|n| Manner {
        threads: threads[n],
        level: levels[n],
    }))
}

fn error(error: SideError) -> anyhow::Error {
    match error {
        SideError::Revive(error) => ServerError::from(error).into(),
        SideError::Level(_) => Misuse(format!("--level: {error}")).into(),
        SideError::Thread(_) => error.into(),
    }
}

/// Shows the tick while it takes long; nothing where nobody looks.
fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("tick {pos}, {per_sec}, {elapsed}");
    let bar = ProgressBar::no_length();
    bar.set_style(style.expect("a template that is written here"));
    bar.enable_steady_tick(Duration::from_secs(2));
    bar
}

fn print(outcome: &Outcome, diverged: [Option<u64>; 2], dirs: [&PathBuf; 2]) {
    for (dir, tick) in dirs.into_iter().zip(diverged) {
        if let Some(tick) = tick {
            let dir: &Path = dir;
            say(format_args!(
                "{}: after tick {tick} the journal's own hash is another than that of its replay",
                dir.display()
            ));
        }
    }
    let (ticks, next) = (outcome.ticks, outcome.next);
    match &outcome.found {
        None => say(format_args!(
            "no difference in {ticks} ticks, before tick {next}"
        )),
        Some((None, difference)) => {
            say(format_args!(
                "they differ from the start, at tick {next}: {difference}"
            ));
        }
        Some((Some(tick), difference)) => {
            say(format_args!(
                "tick {tick} is the first one after which they differ: {difference}"
            ));
        }
    }
    if let Some(tick) = outcome.records_differ {
        say(format_args!("their records differ first in tick {tick}"));
    }
}

fn as_json(outcome: &Outcome, diverged: [Option<u64>; 2]) -> Value {
    let mut object = json!({
        "equal": outcome.found.is_none(),
        "ticks": outcome.ticks,
        "next_tick": outcome.next,
        "records_differ": outcome.records_differ,
        "left_diverged": diverged[0],
        "right_diverged": diverged[1],
    });
    if let Some((tick, difference)) = &outcome.found {
        object["tick"] = (*tick).into();
        object["difference"] = difference.to_string().into();
        describe(difference, &mut object);
    }
    object
}

/// The parts of a difference that programs ask for.
fn describe(difference: &Difference, object: &mut Value) {
    match difference {
        Difference::Value {
            entity,
            column,
            lane,
            left,
            right,
        } => {
            object["entity"] = entity.0.into();
            object["column"] = column.as_str().into();
            object["lane"] = lane.as_str().into();
            object["left"] = left.as_str().into();
            object["right"] = right.as_str().into();
        }
        Difference::Missing { entity, .. } => object["entity"] = entity.0.into(),
        Difference::Column { name } => object["column"] = name.as_str().into(),
        Difference::Start | Difference::Tick { .. } | Difference::Part { .. } => {}
    }
}
