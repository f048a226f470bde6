//! `planet import`: the tile quadtree of a planet from a grid of heights.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use rayon::prelude::*;
use serde::Serialize;
use spatial_core::{
    CellId, DVec3, HeightTile, LatticeSpec, Manifest, Planet, Relief, ReliefOptions, column_row,
    open_relief,
};

use super::base::PlanetDir;
use super::{print_json, progress};

const INTERVALS: u16 = 128;
/// Tiles that are in memory at a time: 8 MB.
const CHUNK_TILES: usize = 256;

#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// Heights of the whole planet: a raw grid with a side file of its name (.json or .toml), or without one
    /// little-endian i16 metres, rows from latitude -90 northwards, 2·(rows - 1) columns from longitude 0 eastwards; .zst is
    /// decompressed
    #[arg(long, value_name = "FILE")]
    relief: PathBuf,
    /// Intervals along a face's edge at the finest level, a power of two from 128 to 16384
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = parse_samples)]
    samples: u32,
    /// Folder of the planet; one that is there gets a new base
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Where the heights come from, for the manifest
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "NOAA ETOPO5, 5 arc-minute relief of the Earth"
    )]
    sources: String,
    /// What may be done with them, for the manifest
    #[arg(long, value_name = "TEXT", default_value = "public domain")]
    licence: String,
}

#[derive(Serialize)]
struct Report {
    planet: PathBuf,
    base: PathBuf,
    samples: u32,
    levels: u8,
    tiles: usize,
    seconds: f64,
}

pub(super) fn run(args: &ImportArgs, json: bool) -> Result<ExitCode> {
    let start = Instant::now();
    let spec = lattice(args.samples)?;
    let relief = open_relief(&args.relief, &ReliefOptions::default())?;
    let planet = PlanetDir::lock(&args.out)?;
    let manifest = Manifest::new(Planet::EARTH, spec, &args.sources, &args.licence);
    let cells = spec.cells();
    let bar = progress(cells.len(), "importing");
    let base = planet.publish(&manifest, |put| {
        for chunk in cells.chunks(CHUNK_TILES) {
            let tiles: Result<Vec<HeightTile>> = chunk
                .par_iter()
                .map(|cell| build_tile(&relief, &spec, *cell))
                .collect();
            for tile in tiles? {
                put(tile.cell(), &tile.encode_raw())?;
                bar.inc(1);
            }
        }
        Ok(())
    })?;
    bar.finish_and_clear();
    let report = Report {
        planet: args.out.clone(),
        base,
        samples: args.samples,
        levels: spec.levels(),
        tiles: cells.len(),
        seconds: start.elapsed().as_secs_f64(),
    };
    if json {
        print_json(&report)?;
    } else {
        let [columns, rows] = relief.size();
        println!(
            "{}: {} tiles on {} levels, {} samples along a face, from a grid of {columns} × {rows}, in {:.1} s",
            report.planet.display(),
            report.tiles,
            report.levels,
            report.samples,
            report.seconds
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// The source's value at every sample of a cell, each at its own place.
///
/// A sample is a function of its direction alone, so tiles, levels and faces that share one agree on it.
fn build_tile(relief: &dyn Relief, spec: &LatticeSpec, cell: CellId) -> Result<HeightTile> {
    let n = u32::from(spec.intervals());
    let step = 1u32 << (spec.leaf_level() - cell.level());
    let (face, (column, row)) = (cell.face(), column_row(cell));
    let direction = |k: u32| {
        let i = (column * n + k % (n + 1)) * step;
        let j = (row * n + k / (n + 1)) * step;
        spec.direction(face, i, j)
    };
    let directions: Vec<DVec3> = (0..(n + 1) * (n + 1)).map(direction).collect();
    let mut heights = Vec::with_capacity(directions.len());
    relief.samples(&directions, &mut heights)?;
    let mut samples = Vec::with_capacity(heights.len());
    for (height, direction) in heights.iter().zip(&directions) {
        let Some(height) = height else {
            bail!(
                "{}: has no height in the direction {direction}",
                relief.name()
            );
        };
        samples.push(height.height_m.round() as i16);
    }
    HeightTile::new(cell, spec.intervals(), samples).context("a tile does not fit the lattice")
}

/// The lattice with this many intervals along a face's edge: whole metres from the datum.
pub(super) fn lattice(samples: u32) -> Result<LatticeSpec> {
    let levels = (samples / u32::from(INTERVALS)).ilog2() + 1;
    Ok(LatticeSpec::new(levels as u8, INTERVALS, 0.0, 1.0)?)
}

fn parse_samples(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(n) if n.is_power_of_two() && (128..=16_384).contains(&n) => Ok(n),
        _ => Err("not a power of two from 128 to 16384".to_owned()),
    }
}
