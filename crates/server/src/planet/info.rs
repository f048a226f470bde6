//! `planet info`: what a planet is.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use serde::Serialize;
use spatial_core::{MissingTile, TileStore};

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
    format: u32,
    missing: MissingTile,
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
        let (lowest, highest) = extremes(store)?;
        Ok(Self {
            file: store.file().to_owned(),
            radius_m: manifest.planet().radius_m(),
            samples: lattice.face_intervals(),
            intervals: lattice.intervals(),
            offset_m: lattice.offset_m(),
            quantum_m: lattice.quantum_m(),
            format: manifest.format(),
            missing: manifest.missing(),
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
        let missing = match self.missing {
            MissingTile::Coarser => "the ground is known no finer there",
            _ => "an error",
        };
        println!("format      {}, a missing tile: {missing}", self.format);
        println!("range       {} m to {} m", self.lowest_m, self.highest_m);
        println!("sources     {}", self.sources);
        println!("licence     {}", self.licence);
    }
}

/// The smallest and the largest sample: what the table says, or where it says nothing, what all tiles do.
pub(super) fn extremes(store: &dyn TileStore) -> Result<(i16, i16)> {
    let wider = |a: (i16, i16), b: (i16, i16)| (a.0.min(b.0), a.1.max(b.1));
    let nothing = (i16::MAX, i16::MIN);
    if store.manifest().format() >= 2 {
        let faces = (0..6).map(|face| store.nodes().node(face));
        return Ok(faces.map(|n| (n.min(), n.max())).fold(nothing, wider));
    }
    store.cells().iter().try_fold(nothing, |so_far, cell| {
        let tile = store.load(*cell)?;
        Ok(wider(so_far, (tile.min(), tile.max())))
    })
}
