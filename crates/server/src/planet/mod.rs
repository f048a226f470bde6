//! `bluemarble planet …`: making, checking and looking at planets.
//!
//! A planet is a folder that `planet import` made (a RocksDB base, what a server reads) or a pack made from one (a
//! single file, what a client ships). Every command takes either.

mod atomic_file;
mod backup;
mod base;
mod export;
mod frame;
mod geotiff;
mod import;
mod info;
mod makers;
mod migrate;
mod pack;
mod pmtiles;
mod pyramid;
mod query;
mod render;
mod sources;
mod surface;
mod tile;
mod verify;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use spatial_core::{CURRENT_FILE, PackStore, RocksStore, TileStore};

/// Arguments of `bluemarble planet`.
#[derive(Debug, Args)]
pub struct PlanetArgs {
    /// Print JSON instead of text
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: PlanetCommand,
}

/// What to do with a planet.
#[derive(Debug, Subcommand)]
pub enum PlanetCommand {
    /// Make a planet from a grid of heights
    Import(import::ImportArgs),
    /// Write a planet into one file that a client can ship
    Pack(pack::PackArgs),
    /// Copy a planet's base to another folder while it is in use, verified
    Backup(backup::BackupArgs),
    /// Make a backup's base the planet's, verified
    Restore(backup::RestoreArgs),
    /// Bring a planet of an older format to the newest
    Migrate(migrate::MigrateArgs),
    /// Say what a planet is
    Info(info::InfoArgs),
    /// Check every tile of a planet, and that neighbours agree
    Verify(verify::VerifyArgs),
    /// Print the height of the ground at points
    Query(query::QueryArgs),
    /// Draw a planet into a PNG, in any projection
    Render(render::RenderArgs),
    /// Write a tile as clients draw it: bytes, or a mesh; or say what its node is
    Tile(tile::TileArgs),
    /// Write a planet's heights, or a pyramid of map tiles, into one file for other programs
    Export(export::ExportArgs),
}

/// Runs a planet command; its result goes to standard output.
///
/// The exit code is 0 when all is well, 1 when a check failed, 2 when the arguments make no sense.
///
/// # Errors
/// Whatever kept the command from doing its work, naming the file.
pub fn run(args: PlanetArgs) -> Result<ExitCode> {
    match args.command {
        PlanetCommand::Import(a) => import::run(&a, args.json),
        PlanetCommand::Pack(a) => pack::run(&a, args.json),
        PlanetCommand::Backup(a) => backup::run(&a, args.json),
        PlanetCommand::Restore(a) => backup::restore(&a, args.json),
        PlanetCommand::Migrate(a) => migrate::run(&a, args.json),
        PlanetCommand::Info(a) => info::run(&a, args.json),
        PlanetCommand::Verify(a) => verify::run(&a, args.json),
        PlanetCommand::Query(a) => query::run(&a, args.json),
        PlanetCommand::Render(a) => render::run(&a, args.json),
        PlanetCommand::Tile(a) => tile::run(&a, args.json),
        PlanetCommand::Export(a) => export::run(&a, args.json),
    }
}

/// Opens a planet: a folder with a base, or a pack.
///
/// # Errors
/// When there is none, or it is damaged; the error names the file.
pub fn open(planet: &Path) -> Result<Arc<dyn TileStore>> {
    if !planet.exists() {
        bail!(
            "{}: no such planet: make one with `bluemarble planet import`",
            planet.display()
        );
    }
    if !planet.is_dir() {
        return Ok(Arc::new(PackStore::open(planet)?));
    }
    if !planet.join(CURRENT_FILE).exists() {
        bail!(
            "{}: not a planet (it has no {CURRENT_FILE}): make one with `bluemarble planet import`",
            planet.display()
        );
    }
    Ok(Arc::new(RocksStore::open(planet)?))
}

/// Opens a planet from which a file is made.
///
/// # Errors
/// As [`open`]; and when the file would be the planet itself, or in its folder.
fn open_to_write(planet: &Path, out: &Path) -> Result<Arc<dyn TileStore>> {
    let is_own = match planet.is_dir() {
        true => atomic_file::is_within(out, planet),
        false => atomic_file::is_same(out, planet),
    };
    if is_own {
        bail!(
            "--out {}: belongs to the planet {}, which is read",
            out.display(),
            planet.display()
        );
    }
    open(planet)
}

/// A bar on standard error; nothing when that is not a terminal.
fn progress(length: usize, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} [{bar:40}] {pos}/{len} {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    ProgressBar::new(length as u64)
        .with_style(style)
        .with_prefix(what)
}

/// Prints a JSON value on one line.
fn print_json(value: &impl serde::Serialize) -> Result<()> {
    println!(
        "{}",
        serde_json::to_string(value).context("cannot write JSON")?
    );
    Ok(())
}
