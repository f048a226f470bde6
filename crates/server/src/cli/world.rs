//! `bluemarble world`: backups of a served world, and the way back.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::Misuse;
use super::out::say;
use crate::game::NoGame;
use crate::persist::{
    BackedUp, Found, Restored, StartFrom, back_up, recover, restore, verify_backup,
};
use crate::revive::revive;
use crate::server::{ServerError, open_planet};

#[derive(Args)]
pub(super) struct WorldArgs {
    /// Print JSON instead of text
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: WorldCommand,
}

#[derive(Subcommand)]
enum WorldCommand {
    /// Copy what is new of a world to a backup, while it is served or not
    Backup(BackupArgs),
    /// Make a new data directory of a backup, as a whole or as the world was after a tick
    Restore(RestoreArgs),
    /// Check every file of a backup or of a data directory; with a planet, bring the world back to life
    Verify(VerifyArgs),
}

#[derive(Args)]
struct BackupArgs {
    /// The data directory; its server may be running
    #[arg(value_name = "DIR")]
    data: PathBuf,
    /// Directory of the backup; one that is there gets what is new
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The world's number
    #[arg(long, env = "BLUEMARBLE_WORLD", default_value_t = 1, value_name = "N")]
    world: u16,
}

#[derive(Args)]
struct RestoreArgs {
    /// The backup's directory
    backup: PathBuf,
    /// The data directory to make
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Only what happened up to and with this tick
    #[arg(long, value_name = "TICK")]
    to_tick: Option<u64>,
    /// Bring the world back to life, and say how long it took and the state's hash
    #[arg(long, requires = "planet")]
    drill: bool,
    /// The planet that the world was run with, for the drill
    #[arg(long, value_name = "PATH")]
    planet: Option<PathBuf>,
}

#[derive(Args)]
struct VerifyArgs {
    /// A backup, or the data directory of a server that is not running
    dir: PathBuf,
    /// The planet that the world was run with: the world is brought back to life
    #[arg(long, value_name = "PATH")]
    planet: Option<PathBuf>,
    /// The world's number, of a data directory
    #[arg(long, env = "BLUEMARBLE_WORLD", default_value_t = 1, value_name = "N")]
    world: u16,
}

pub(super) fn run(args: &WorldArgs) -> Result<ExitCode> {
    let told = match &args.command {
        WorldCommand::Backup(a) => run_backup(a)?,
        WorldCommand::Restore(a) => run_restore(a)?,
        WorldCommand::Verify(a) => run_verify(a)?,
    };
    match args.json {
        true => say(&told.json),
        false => say(&told.text),
    }
    Ok(ExitCode::SUCCESS)
}

/// What a command says.
struct Told {
    json: Value,
    text: String,
}

fn run_backup(args: &BackupArgs) -> Result<Told> {
    let bar = Bar::new("copying");
    let begun = Instant::now();
    let done = back_up(&args.data, &args.out, args.world, &|at, of| bar.at(at, of));
    let done = done.map_err(ServerError::from)?;
    let seconds = begun.elapsed().as_secs_f64();
    let BackedUp {
        is_full,
        files_new,
        bytes_new,
        files,
        bytes,
        from_tick,
        end_tick,
    } = done;
    let kind = if is_full { "full" } else { "incremental" };
    let text = format!(
        "{}: {kind} backup in {seconds:.2} s, {files_new} files and {bytes_new} bytes new, {files} files and {bytes} bytes, ticks {from_tick} to {end_tick}",
        args.out.display()
    );
    let mut json = serde_json::to_value(&done)?;
    json["seconds"] = json!(seconds);
    Ok(Told { json, text })
}

fn run_restore(args: &RestoreArgs) -> Result<Told> {
    let bar = Bar::new("restoring");
    let begun = Instant::now();
    let progress = |at, of| bar.at(at, of);
    let restored = restore(&args.backup, &args.out, args.to_tick, &progress);
    let restored = restored.map_err(ServerError::from)?;
    let mut told = of(&args.out, &restored, "restored in", begun);
    if let (true, Some(planet)) = (args.drill, &args.planet) {
        told.drill(&args.out, planet, restored.world, args.to_tick)?;
    }
    Ok(told)
}

fn run_verify(args: &VerifyArgs) -> Result<Told> {
    if !args.dir.is_dir() {
        return Err(anyhow!("{}: no such directory", args.dir.display()));
    }
    let begun = Instant::now();
    if !args.dir.join("manifest.json").exists() {
        return verify_data(args, begun);
    }
    let bar = Bar::new("verifying");
    let found = verify_backup(&args.dir, &|at, of| bar.at(at, of)).map_err(ServerError::from)?;
    let mut told = of(&args.dir, &found, "verified in", begun);
    if let Some(planet) = &args.planet {
        let parent = args.dir.canonicalize()?;
        let parent = parent.parent().context("a backup has a parent directory")?;
        let scratch = tempfile::Builder::new()
            .prefix(".drill")
            .tempdir_in(parent)?;
        let to = scratch.path().join("data");
        restore(&args.dir, &to, None, &|_, _| true).map_err(ServerError::from)?;
        told.drill(&to, planet, found.world, None)?;
    }
    Ok(told)
}

/// A data directory: everything from the oldest checkpoint on.
fn verify_data(args: &VerifyArgs, begun: Instant) -> Result<Told> {
    let found = recover(&args.dir, args.world, StartFrom::Oldest).map_err(ServerError::from)?;
    let Found::World(recovery) = found else {
        return Err(Misuse(format!("{}: holds no world", args.dir.display())).into());
    };
    let (from_tick, end_tick) = (recovery.checkpoint.tick, recovery.end.tick);
    let seconds = begun.elapsed().as_secs_f64();
    let mut told = Told {
        json: json!({
            "world": args.world, "from_tick": from_tick, "end_tick": end_tick,
            "torn": recovery.torn.is_some(), "seconds": seconds,
        }),
        text: format!(
            "{}: verified in {seconds:.2} s, ticks {from_tick} to {end_tick}",
            args.dir.display()
        ),
    };
    if let Some(planet) = &args.planet {
        told.drill(&args.dir, planet, args.world, None)?;
    }
    Ok(told)
}

fn of(dir: &Path, restored: &Restored, how: &str, begun: Instant) -> Told {
    let seconds = begun.elapsed().as_secs_f64();
    let Restored {
        world,
        files,
        bytes,
        from_tick,
        end_tick,
    } = *restored;
    Told {
        json: json!({
            "world": world, "files": files, "bytes": bytes, "from_tick": from_tick,
            "end_tick": end_tick, "seconds": seconds,
        }),
        text: format!(
            "{}: {how} {seconds:.2} s, {files} files, {bytes} bytes, ticks {from_tick} to {end_tick}",
            dir.display()
        ),
    }
}

impl Told {
    /// Brings the world of a directory back to life as a server would, and adds what came of it.
    fn drill(&mut self, dir: &Path, planet: &Path, world: u16, until: Option<u64>) -> Result<()> {
        let planet = open_planet(planet)?;
        let begun = Instant::now();
        let found = recover(dir, world, StartFrom::Newest).map_err(ServerError::from)?;
        let Found::World(recovery) = found else {
            return Err(anyhow!("{}: holds no world", dir.display()));
        };
        let mut revived = revive(&recovery, &*planet, &NoGame, None).map_err(ServerError::from)?;
        // Ticks without records have no frames.
        while until.is_some_and(|until| revived.world.tick() <= until) {
            revived.world.step(revived.world.tick(), &[])?;
        }
        let seconds = begun.elapsed().as_secs_f64();
        let (tick, hash) = (revived.world.tick(), revived.world.hash());
        self.json["drill"] = json!({
            "tick": tick, "hash": format!("{hash:016x}"), "seconds": seconds,
            "entries": revived.entries, "hashes_verified": revived.verified, "entities": revived.world.len(),
        });
        self.text.push_str(&format!(
            "\nalive in {seconds:.2} s: before tick {tick}, state hash {hash:016x}, {} entities, {} recorded hashes verified",
            revived.world.len(), revived.verified
        ));
        Ok(())
    }
}

/// A progress bar on standard error; nothing when that is not a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new(what: &'static str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{prefix} [{bar:40}] {pos}/{len} {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        Self(ProgressBar::new(0).with_style(style).with_prefix(what))
    }

    fn at(&self, at: usize, of: usize) -> bool {
        self.0.set_length(of as u64);
        self.0.set_position(at as u64);
        true
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
