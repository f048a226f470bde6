//! `planet tile`: one tile as clients draw it.
//!
//! Which tile it is decides what can be made of it: a cell of the quadtree is a client tile, see `client`; one of the web's map is
//! a picture, see `mercator`.

mod client;
mod glb;
mod mercator;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use spatial_core::TileStore;

use super::{open, open_to_write};

#[derive(Debug, Args)]
pub struct TileArgs {
    /// The planet: a folder or a pack
    planet: PathBuf,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    client: client::ClientArgs,
    #[command(flatten)]
    mercator: mercator::MercatorArgs,
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
    /// The picture of a tile of the web's map: 512² pixels in Web Mercator. Columns go on around the planet, and beyond the map
    /// its last rows of pixels do, lit as level ground where they are shaded
    #[arg(long, value_name = "Z/X/Y", allow_hyphen_values = true)]
    mercator: Option<String>,
}

/// Arguments that make no sense for this planet, and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Misuse(String);

pub(super) fn run(args: &TileArgs, json: bool) -> Result<ExitCode> {
    let misused = |Misuse(why)| {
        eprintln!("error: {why}");
        Ok(ExitCode::from(2))
    };
    if let Some(name) = &args.which.mercator {
        return match mercator::tile(name) {
            Ok(tile) => mercator::run(args.store()?, tile, args, json),
            Err(misuse) => misused(misuse),
        };
    }
    let store = args.store()?;
    let levels = store.manifest().lattice().levels();
    match client::cell(&args.which, &args.client, levels) {
        Ok(cell) => match client::run(&*store, cell, args, json) {
            // Some of it only the tile itself can tell.
            Err(error) => error.downcast().map_or_else(Err, misused),
            done => done,
        },
        Err(misuse) => misused(misuse),
    }
}

impl TileArgs {
    fn store(&self) -> Result<Arc<dyn TileStore>> {
        match &self.out {
            Some(out) => open_to_write(&self.planet, out),
            None => open(&self.planet),
        }
    }
}
