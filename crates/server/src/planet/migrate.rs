//! `planet migrate`: a planet of an older format in the newest, without its source.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use rayon::prelude::*;
use serde::Serialize;
use spatial_core::{CellId, RocksStore, TileStore, base_dir};
use xxhash_rust::xxh3::Xxh3;

use super::base::{PART_TILES, PlanetDir, Put};
use super::pack::with_parent;
use super::{print_json, progress};

/// Tiles that are in memory at a time: 17 MB.
const BATCH_TILES: usize = 256;

#[derive(Debug, clap::Args)]
pub struct MigrateArgs {
    /// The planet's folder; it gets a new base, and whoever has the old one open keeps that
    planet: PathBuf,
    /// Tiles of a part, for tests
    #[arg(long, hide = true, default_value_t = PART_TILES as u32, value_parser = clap::value_parser!(u32).range(1..))]
    part_tiles: u32,
}

#[derive(Serialize)]
struct Report {
    planet: PathBuf,
    from_format: u32,
    to_format: u32,
    tiles: usize,
    tiles_kept: usize, // of a killed migration
}

pub(super) fn run(args: &MigrateArgs, json: bool) -> Result<ExitCode> {
    if !args.planet.is_dir() {
        bail!(
            "{}: not a planet's folder; a pack is migrated by `bluemarble planet pack`",
            args.planet.display()
        );
    }
    let planet = PlanetDir::lock(&args.planet)?;
    let base = base_dir(&args.planet)?;
    let store = RocksStore::open_base(&base)?;
    let manifest = store.manifest().clone().upgraded();
    let mut tiles_kept = 0;
    if store.manifest().format() != manifest.format() {
        let mut hash = Xxh3::new();
        hash.update(base.as_os_str().as_encoded_bytes());
        hash.update(&args.part_tiles.to_le_bytes());
        hash.update(&manifest.encode()?);
        let building = planet.building(hash.digest())?;
        let bar = progress(store.cells().len(), "migrating");
        let parts: Vec<&[CellId]> = store.cells().chunks(args.part_tiles as usize).collect();
        for (n, part) in parts.iter().enumerate() {
            match building.finished(n) {
                Some(_) => tiles_kept += part.len(),
                None => drop(building.write_part(n, |put| write(&store, part, put))?),
            }
            bar.inc(part.len() as u64);
        }
        building.publish(&manifest, parts.len())?;
        bar.finish_and_clear();
    }
    let report = Report {
        planet: args.planet.clone(),
        from_format: store.manifest().format(),
        to_format: manifest.format(),
        tiles: store.cells().len(),
        tiles_kept,
    };
    report.print(json)
}

fn write(store: &RocksStore, cells: &[CellId], put: &mut Put<'_>) -> Result<()> {
    for batch in cells.chunks(BATCH_TILES) {
        let encoded: Result<Vec<Vec<u8>>> = batch
            .par_iter()
            .map(|cell| Ok(with_parent(store, *cell)?.0.encode_raw()))
            .collect();
        for (cell, tile) in batch.iter().zip(encoded?) {
            put(*cell, &tile)?;
        }
    }
    Ok(())
}

impl Report {
    fn print(&self, json: bool) -> Result<ExitCode> {
        let planet = self.planet.display();
        if json {
            print_json(self)?;
        } else if self.from_format == self.to_format {
            println!("{planet}: is of format {} already", self.to_format);
        } else {
            println!(
                "{planet}: {} tiles, from format {} to {}",
                self.tiles, self.from_format, self.to_format
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}
