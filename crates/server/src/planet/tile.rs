//! `planet tile`: one tile as clients draw it.
//!
//! Which tile it is decides what can be made of it: a cell of the quadtree is a client tile, see `client`.

mod client;
mod glb;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use super::atomic_file::AtomicFile;
use super::open;

#[derive(Debug, Args)]
pub struct TileArgs {
    /// The planet: a folder or a pack
    planet: PathBuf,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    client: client::ClientArgs,
    /// The file to write; without it the tile is only described
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Which tile: exactly one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The client tile of a cell, by its token
    #[arg(long, value_name = "TOKEN")]
    cell: Option<String>,
    /// The client tile at a place, degrees; of --level
    #[arg(long, num_args = 2, value_names = ["LAT", "LON"], allow_negative_numbers = true)]
    at: Option<Vec<f64>>,
}

/// Arguments that make no sense for this planet, and why.
#[derive(Debug)]
struct Misuse(String);

pub(super) fn run(args: &TileArgs, json: bool) -> Result<ExitCode> {
    let store = open(&args.planet)?;
    let levels = store.manifest().lattice().levels();
    match client::cell(&args.which, &args.client, levels) {
        Ok(cell) => client::run(&*store, cell, args, json),
        Err(Misuse(why)) => {
            eprintln!("error: {why}");
            Ok(ExitCode::from(2))
        }
    }
}

/// Writes a file whole, or leaves what was there.
fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let out = AtomicFile::create(path)?;
    let named = || path.display().to_string();
    out.file()?.write_all(bytes).with_context(named)?;
    out.publish()
}
