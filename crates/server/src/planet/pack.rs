//! `planet pack`: a planet in one file.

use std::io::BufWriter;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::ValueEnum;
use rayon::prelude::*;
use serde::Serialize;
use spatial_core::{CellId, Codec, HeightTile, PackWriter, TileStore};

use super::atomic_file::AtomicFile;
use super::{open_to_write, print_json, progress};

const CHUNK_TILES: usize = 64;

#[derive(Debug, clap::Args)]
pub struct PackArgs {
    /// The planet: a folder or a pack
    planet: PathBuf,
    /// The pack to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// How tiles are stored
    #[arg(long, value_enum, default_value_t = PackCodec::Archive)]
    codec: PackCodec,
}

/// How a pack's tiles are stored.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum PackCodec {
    /// Smallest; decoded when it is read
    Archive,
    /// A little larger, decoded four times as fast
    Wire,
    /// Any sample read where it lies, in less than half the bytes of raw
    Hot,
    /// Any sample read where it lies, fastest; two bytes a sample
    Raw,
}

impl From<PackCodec> for Codec {
    fn from(codec: PackCodec) -> Self {
        match codec {
            PackCodec::Archive => Self::Archive,
            PackCodec::Wire => Self::Wire,
            PackCodec::Hot => Self::Hot,
            PackCodec::Raw => Self::Raw,
        }
    }
}

#[derive(Serialize)]
struct Report {
    pack: PathBuf,
    tiles: usize,
    bytes: u64,
}

pub(super) fn run(args: &PackArgs, json: bool) -> Result<ExitCode> {
    let store = open_to_write(&args.planet, &args.out)?;
    let out = AtomicFile::create(&args.out)?;
    let codec = args.codec.into();
    let bytes = write_pack(&*store, codec, &out).with_context(|| args.out.display().to_string())?;
    out.publish()?;
    let report = Report {
        pack: args.out.clone(),
        tiles: store.cells().len(),
        bytes,
    };
    if json {
        print_json(&report)?;
    } else {
        println!(
            "{}: {} tiles, {} bytes",
            report.pack.display(),
            report.tiles,
            report.bytes
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes all tiles; the bytes written.
fn write_pack(store: &dyn TileStore, codec: Codec, out: &AtomicFile) -> Result<u64> {
    let mut writer = PackWriter::new(BufWriter::new(out.file()?), store.manifest())?;
    let bar = progress(store.cells().len(), "packing");
    for chunk in store.cells().chunks(CHUNK_TILES) {
        let encode = |cell: &CellId| -> Result<Vec<u8>> {
            let (tile, parent) = match codec {
                Codec::Archive => with_parent(store, *cell)?,
                _ => (with_error(store, *cell)?, None),
            };
            Ok(tile.encode(codec, parent.as_deref())?)
        };
        let tiles: Result<Vec<Vec<u8>>> = chunk.par_iter().map(encode).collect();
        for (cell, tile) in chunk.iter().zip(tiles?) {
            writer.push(*cell, &tile)?;
            bar.inc(1);
        }
    }
    drop(writer.finish()?);
    bar.finish_and_clear();
    Ok(out.file()?.metadata()?.len())
}

/// A tile, with its geometric error, and its parent.
pub(super) fn with_parent(
    store: &dyn TileStore,
    cell: CellId,
) -> Result<(Arc<HeightTile>, Option<Arc<HeightTile>>)> {
    let tile = with_error(store, cell)?;
    let parent = match cell.level().checked_sub(1) {
        Some(above) => Some(store.load(cell.parent(above))?),
        None => None,
    };
    Ok((tile, parent))
}

/// A tile, with its geometric error, which tiles of format 1 do not say.
fn with_error(store: &dyn TileStore, cell: CellId) -> Result<Arc<HeightTile>> {
    let tile = store.load(cell)?;
    match (tile.geometric_error(), cell.level().checked_sub(1)) {
        (None, Some(above)) => {
            let error = tile.geometric_error_under(&*store.load(cell.parent(above))?)?;
            Ok(Arc::new(
                HeightTile::clone(&tile).with_geometric_error(error),
            ))
        }
        _ => Ok(tile),
    }
}
