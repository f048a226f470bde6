//! `planet info`: what a planet is.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use serde::Serialize;
use spatial_core::{CellId, TileStore};

use super::{open, print_json};

#[derive(Debug, clap::Args)]
pub struct InfoArgs {
    /// The planet: a folder or a pack
    planet: PathBuf,
}

#[derive(Serialize)]
struct Info {
    file: PathBuf,
    radius_m: f64,
    samples: u32,
    intervals: u16,
    offset_m: f64,
    quantum_m: f64,
    tiles: u64,
    tiles_per_level: Vec<usize>,
    lowest_m: f64,
    highest_m: f64,
    sources: String,
    licence: String,
}

pub(super) fn run(args: &InfoArgs, json: bool) -> Result<ExitCode> {
    let store = open(&args.planet)?;
    let info = Info::of(&*store)?;
    if json {
        print_json(&info)?;
    } else {
        info.print();
    }
    Ok(ExitCode::SUCCESS)
}

impl Info {
    fn of(store: &dyn TileStore) -> Result<Self> {
        let manifest = store.manifest();
        let lattice = manifest.lattice();
        let at_level = |level: u8| store.cells().iter().filter(|c| c.level() == level).count();
        let (mut lowest, mut highest) = (i16::MAX, i16::MIN);
        // The leaves hold every sample; extremes of faces would miss what subsampling leaves out.
        for cell in leaves(store) {
            let tile = store.load(cell)?;
            (lowest, highest) = (lowest.min(tile.min()), highest.max(tile.max()));
        }
        Ok(Self {
            file: store.file().to_owned(),
            radius_m: manifest.planet().radius_m(),
            samples: lattice.face_intervals(),
            intervals: lattice.intervals(),
            offset_m: lattice.offset_m(),
            quantum_m: lattice.quantum_m(),
            tiles: manifest.tiles(),
            tiles_per_level: (0..lattice.levels()).map(at_level).collect(),
            lowest_m: lattice.height_m(f64::from(lowest)),
            highest_m: lattice.height_m(f64::from(highest)),
            sources: manifest.sources().to_owned(),
            licence: manifest.licence().to_owned(),
        })
    }

    fn print(&self) {
        println!("{}", self.file.display());
        println!("radius      {} m", self.radius_m);
        println!(
            "samples     {} along a face, tiles of {}",
            self.samples, self.intervals
        );
        println!(
            "height      {} m + {} m × stored",
            self.offset_m, self.quantum_m
        );
        println!(
            "tiles       {} on levels 0 to {}: {:?}",
            self.tiles,
            self.tiles_per_level.len() - 1,
            self.tiles_per_level
        );
        println!("range       {} m to {} m", self.lowest_m, self.highest_m);
        println!("sources     {}", self.sources);
        println!("licence     {}", self.licence);
    }
}

fn leaves(store: &dyn TileStore) -> impl Iterator<Item = CellId> {
    let level = store.manifest().lattice().leaf_level();
    store
        .cells()
        .iter()
        .copied()
        .filter(move |c| c.level() == level)
}
