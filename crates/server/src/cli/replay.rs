//! `bluemarble replay`.

mod bisect;
mod search;
mod show;
mod side;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::Subcommand;
use serde_json::json;

use super::out::say;
use crate::game::NoGame;
use crate::persist::{DirLock, Found, StartFrom, recover};
use crate::revive::revive;
use crate::server::{ServerError, open_planet};

#[derive(clap::Args)]
pub(super) struct ReplayArgs {
    #[command(subcommand)]
    command: ReplayCommand,
}

#[derive(Subcommand)]
enum ReplayCommand {
    /// Run the oldest kept checkpoint and the journal after it, comparing every recorded state hash
    Run(RunArgs),
    /// Find the first tick after which two replays differ, and the agent and column in which they do
    Bisect(bisect::BisectArgs),
    /// Print what the journal after the oldest kept checkpoint holds, one JSON object a record
    Show(show::ShowArgs),
}

#[derive(clap::Args)]
struct RunArgs {
    /// The data directory of a server that is not running
    #[arg(value_name = "DIR")]
    data: PathBuf,
    /// The planet that the world was run with
    #[arg(
        long,
        env = "BLUEMARBLE_PLANET",
        default_value = "earth.pack",
        value_name = "PATH"
    )]
    planet: PathBuf,
    /// The world's number
    #[arg(long, env = "BLUEMARBLE_WORLD", default_value_t = 1, value_name = "N")]
    world: u16,
    /// Start from the newest checkpoint of this tick or an earlier one, not from the oldest
    #[arg(long, value_name = "TICK")]
    from: Option<u64>,
    /// Stop after this tick
    #[arg(long, value_name = "TICK")]
    until: Option<u64>,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: ReplayArgs) -> Result<ExitCode> {
    let args = match args.command {
        ReplayCommand::Run(args) => args,
        ReplayCommand::Bisect(args) => return bisect::run(&args),
        ReplayCommand::Show(args) => return show::run(&args),
    };
    let planet = open_planet(&args.planet)?;
    if !args.data.is_dir() {
        return Err(anyhow!("{}: no such directory", args.data.display()));
    }
    let from = args.from.map_or(StartFrom::Oldest, StartFrom::Before);
    let _lock = DirLock::take_existing(&args.data).map_err(ServerError::from)?;
    let found = recover(&args.data, args.world, from).map_err(ServerError::from)?;
    let Found::World(recovery) = found else {
        return Err(anyhow!("{}: holds no world", args.data.display()));
    };
    let mut revived =
        revive(&recovery, &*planet, &NoGame, args.until).map_err(ServerError::from)?;
    if let Some(until) = args.until {
        // Ticks without records have no frames.
        let journal_end = recovery.end.tick + 1;
        while revived.world.tick() <= until.min(journal_end) {
            revived.world.step(revived.world.tick(), &[])?;
        }
    }
    let world = &revived.world;
    let (tick, hash) = (world.tick().checked_sub(1), world.hash());
    if args.json {
        say(json!({
            "tick": tick,
            "hash": format!("{hash:016x}"),
            "from_tick": recovery.checkpoint.tick,
            "entries": revived.entries,
            "hashes_verified": revived.verified,
            "journal_end": recovery.end.tick,
            "torn": recovery.torn.is_some(),
        }));
    } else {
        let last = tick.map_or("no tick".into(), |t| format!("tick {t}"));
        say(format_args!(
            "{last}: state hash {hash:016x}; {} entries replayed from tick {}, {} recorded hashes verified",
            revived.entries, recovery.checkpoint.tick, revived.verified
        ));
    }
    Ok(ExitCode::SUCCESS)
}
