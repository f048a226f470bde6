//! `planet import`: the tile quadtree of a planet from files of heights.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde::Serialize;
use spatial_core::{
    CellId, Codec, DB_DIR, HeightEncoding, HeightTile, LatticeSpec, Manifest, MissingTile, Planet,
    RocksStore, Terrain,
};
use xxhash_rust::xxh3::Xxh3;

use super::base::{PART_TILES, PlanetDir};
use super::pyramid::Pyramid;
use super::sources::{SourceFile, Sources, Unsaid};
use super::surface::Surface;
use super::{print_json, progress};

const INTERVALS: u16 = 128;
/// Changes whenever the same input gives other tiles or other parts: those that an older program left are not gone on with.
const PIPELINE: u64 = 1;

#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// File of heights: .hgt, .hgt.zip, GeoTIFF, Terrarium or Mapbox PNG, or a raw grid with a side file; again for more
    /// of them. FILE@N has priority N, 0 without it: the greater one lies on top. A raw grid without a side file is the
    /// whole planet: little-endian i16 metres, rows from latitude -90 northwards, 2·(rows - 1) columns from longitude 0
    /// eastwards; .zst is decompressed
    #[arg(long, value_name = "FILE[@N]", required = true, value_parser = parse_source)]
    relief: Vec<SourceFile>,
    /// The coordinate system of GeoTIFFs that name none, as 4326 or 32633
    #[arg(long, value_name = "CODE")]
    epsg: Option<u32>,
    /// What the colours of PNGs without a side file mean, whose paths end in Z/X/Y.png
    #[arg(long, value_enum)]
    encoding: Option<Encoding>,
    /// Divide all that a file reaches to so many intervals along a face's edge, a power of two from 128 to 16777216
    #[arg(long, value_name = "N", value_parser = parse_samples, conflicts_with = "max_error")]
    samples: Option<u32>,
    /// Divide no farther than it takes for 99 of 100 places to deviate from their source by at most so many metres.
    /// Without this and --samples, until samples lie no farther apart than the source's
    #[arg(long, value_name = "METRES", value_parser = parse_metres)]
    max_error: Option<f64>,
    /// Metres of one stored step
    #[arg(long, value_name = "METRES", default_value_t = 1.0, value_parser = parse_metres)]
    quantum: f64,
    /// How many metres a stored height may be off, for smaller tiles
    #[arg(long, value_name = "METRES", default_value_t = 0.0, value_parser = parse_bound)]
    error_bound: f64,
    /// Over how many of its samples a file fades into what lies beneath it
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(0..=1000))]
    feather: u16,
    /// How tiles are stored
    #[arg(long, value_enum, default_value_t = BaseCodec::Raw)]
    codec: BaseCodec,
    /// Folder of the planet; one that is there gets a new base
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Where the heights come from, for the manifest; without it the files' names
    #[arg(long, value_name = "TEXT")]
    sources: Option<String>,
    /// What may be done with them, for the manifest
    #[arg(long, value_name = "TEXT", default_value = "not stated")]
    licence: String,
    /// Tiles of a part, for tests
    #[arg(long, hide = true, default_value_t = PART_TILES as u32, value_parser = clap::value_parser!(u32).range(1..))]
    part_tiles: u32,
}

/// How a base's tiles are stored.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum BaseCodec {
    /// Two bytes a sample, read fastest
    Raw,
    /// Less than half of that, any sample still read where it lies
    Hot,
}

impl From<BaseCodec> for Codec {
    fn from(codec: BaseCodec) -> Self {
        match codec {
            BaseCodec::Raw => Self::Raw,
            BaseCodec::Hot => Self::Hot,
        }
    }
}

/// How a height is written into red, green and blue.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Encoding {
    /// 256 · red + green + blue / 256 − 32768 metres
    Terrarium,
    /// (65536 · red + 256 · green + blue) / 10 − 10000 metres
    Mapbox,
}

impl From<Encoding> for HeightEncoding {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Terrarium => Self::Terrarium,
            Encoding::Mapbox => Self::Mapbox,
        }
    }
}

#[derive(Serialize)]
struct Report {
    planet: PathBuf,
    base: PathBuf,
    samples: u32,
    levels: u8,
    tiles: usize,
    tiles_kept: usize, // of a killed import
    bytes: u64,
    bytes_per_source_sample: f64,
    sources: Vec<SourceReport>,
    seconds: f64,
}

/// How a file became ground.
#[derive(Serialize)]
struct SourceReport {
    file: String,
    spacing_m: f64,
    level: u8,
    p99_m: Option<f64>, // none where too little of it is known to say
}

pub(super) fn run(args: &ImportArgs, json: bool) -> Result<ExitCode> {
    let start = Instant::now();
    let error_bound = match args.error_bound_quanta() {
        Ok(error_bound) => error_bound,
        Err(misuse) => {
            eprintln!("error: {misuse}");
            return Ok(ExitCode::from(2));
        }
    };
    let unsaid = Unsaid {
        epsg: args.epsg,
        encoding: args.encoding.map(HeightEncoding::from),
    };
    let sources = Sources::open(&args.relief, unsaid, f64::from(args.feather))?;
    let planet = PlanetDir::lock(&args.out)?;
    let plan = Plan::new(args, &sources)?;
    let pyramid = Pyramid {
        source: &sources,
        spec: plan.spec,
        cells: &plan.cells,
        codec: args.codec.into(),
        part_tiles: args.part_tiles as usize,
        error_bound,
    };
    let fingerprint = fingerprint(&plan, sources.checksum(), &pyramid)?;
    let building = planet.building(fingerprint)?;
    let bar = progress(plan.cells.len(), "importing");
    let (parts, mut tiles_kept) = (pyramid.parts(), 0);
    for (n, part) in parts.iter().enumerate() {
        if building.finished(n).is_some() {
            bar.inc(part.len() as u64);
            tiles_kept += part.len();
            continue;
        }
        building.write_part(n, |put| {
            pyramid.write(part.clone(), &mut |cell, tile| {
                bar.inc(1);
                put(cell, tile)
            })
        })?;
    }
    let base = building.publish(&plan.manifest, parts.len())?;
    bar.finish_and_clear();
    let bytes = bytes_of(&base)?;
    let report = Report {
        planet: args.out.clone(),
        samples: plan.spec.face_intervals(),
        levels: plan.spec.levels(),
        tiles: plan.cells.len(),
        tiles_kept,
        bytes,
        bytes_per_source_sample: bytes as f64 / sources.sample_count() as f64,
        sources: compare(&base, &sources, &plan.levels)?,
        base,
        seconds: start.elapsed().as_secs_f64(),
    };
    for source in &report.sources {
        if let (Some(asked_m), Some(p99_m)) = (args.max_error, source.p99_m)
            && p99_m > asked_m
        {
            eprintln!(
                "warning: {}: 99 of 100 places are within {p99_m:.2} m, not {asked_m} m",
                source.file
            );
        }
    }
    report.print(json)
}

impl ImportArgs {
    /// The error bound in whole quanta, or how it was misused.
    fn error_bound_quanta(&self) -> Result<u16, String> {
        // Three tenths are three times a tenth, whatever their quotient rounds to.
        let quanta = (self.error_bound / self.quantum * (1.0 + 1e-12)).floor();
        match quanta <= f64::from(HeightTile::ERROR_BOUND_MAX) {
            true => Ok(quanta as u16),
            false => Err(format!(
                "--error-bound: {} m are more than {} steps of {} m; choose larger steps",
                self.error_bound,
                HeightTile::ERROR_BOUND_MAX,
                self.quantum
            )),
        }
    }

    /// Where the heights come from.
    fn origin(&self) -> String {
        const NAMED_MAX: usize = 100; // of an archive's thousands of files, so that the manifest stays short
        let name = |file: &SourceFile| match file.path.file_name() {
            Some(name) => name.to_string_lossy().into_owned(),
            None => file.path.display().to_string(),
        };
        let names = || {
            let some: Vec<String> = self.relief.iter().take(NAMED_MAX).map(name).collect();
            match self.relief.len().saturating_sub(NAMED_MAX) {
                0 => some.join(", "),
                more => format!("{} and {more} more files", some.join(", ")),
            }
        };
        self.sources.clone().unwrap_or_else(names)
    }
}

/// What will be built.
struct Plan {
    spec: LatticeSpec,
    levels: Vec<u8>, // of each file
    cells: Vec<CellId>,
    manifest: Manifest,
}

impl Plan {
    fn new(args: &ImportArgs, sources: &Sources) -> Result<Self> {
        let deepest = LatticeSpec::new(*LatticeSpec::LEVELS.end(), INTERVALS, 0.0, args.quantum)?;
        let levels = match args.samples {
            Some(n) => vec![(n / u32::from(INTERVALS)).ilog2() as u8; sources.reaches().len()],
            None => sources.levels(&deepest, args.max_error)?,
        };
        let leaf_level = levels.iter().copied().max().unwrap_or(0);
        let spec = LatticeSpec::new(leaf_level + 1, INTERVALS, 0.0, args.quantum)?;
        let cells = sources.cells(&levels)?;
        let missing = match cells.len() as u64 == spec.tile_count() {
            true => MissingTile::Error,
            false => MissingTile::Coarser,
        };
        let manifest = Manifest::new(Planet::EARTH, spec, &args.origin(), &args.licence)
            .with_tiles(cells.len() as u64)
            .with_missing(missing);
        Ok(Self {
            spec,
            levels,
            cells,
            manifest,
        })
    }
}

/// What names the parts of a base: all that its tiles follow from.
fn fingerprint(plan: &Plan, sources: u64, pyramid: &Pyramid<'_, Sources>) -> Result<u64> {
    let mut hash = Xxh3::new();
    hash.update(&PIPELINE.to_le_bytes());
    hash.update(&sources.to_le_bytes());
    hash.update(&[pyramid.codec as u8]);
    hash.update(&pyramid.part_tiles.to_le_bytes());
    hash.update(&pyramid.error_bound.to_le_bytes());
    hash.update(&plan.levels);
    for cell in &plan.cells {
        hash.update(&cell.to_u64().to_le_bytes());
    }
    hash.update(&plan.manifest.encode()?);
    Ok(hash.digest())
}

/// Bytes of a base's database.
fn bytes_of(base: &Path) -> Result<u64> {
    let db = base.join(DB_DIR);
    let named = || db.display().to_string();
    let mut bytes = 0;
    for entry in std::fs::read_dir(&db).with_context(named)? {
        bytes += entry.and_then(|e| e.metadata()).with_context(named)?.len();
    }
    Ok(bytes)
}

/// How far the new ground is from its sources, in the box of each.
fn compare(base: &Path, sources: &Sources, levels: &[u8]) -> Result<Vec<SourceReport>> {
    let terrain = Terrain::new(Arc::new(RocksStore::open_base(base)?));
    let reaches = sources.reaches().iter().zip(levels);
    reaches
        .map(|(reach, level)| {
            let surface = Surface::new(sources, terrain.store().manifest().lattice(), *level);
            let p99_m = surface.p99_of_ground(&terrain, &reach.bounds)?;
            Ok(SourceReport {
                file: reach.name.clone(),
                spacing_m: reach.spacing_m,
                level: *level,
                p99_m: Some(p99_m).filter(|p99_m| p99_m.is_finite()),
            })
        })
        .collect()
}

impl Report {
    fn print(&self, json: bool) -> Result<ExitCode> {
        if json {
            print_json(self)?;
            return Ok(ExitCode::SUCCESS);
        }
        println!(
            "{}: {} tiles on {} levels, {} samples along a face, {} bytes ({:.3} a source sample), in {:.1} s",
            self.planet.display(),
            self.tiles,
            self.levels,
            self.samples,
            self.bytes,
            self.bytes_per_source_sample,
            self.seconds
        );
        if self.tiles_kept > 0 {
            println!(
                "{} tiles were there from an import that had been ended",
                self.tiles_kept
            );
        }
        for source in &self.sources {
            let off = match source.p99_m {
                Some(p99_m) => format!("99 of 100 places within {p99_m:.2} m"),
                None => "too small a part of it is known to compare".to_owned(),
            };
            println!(
                "{}: a sample every {:.1} m, divided to level {}; {off}",
                source.file, source.spacing_m, source.level
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// `FILE` or `FILE@N`; a name that ends in `@` and a number needs one more.
fn parse_source(text: &str) -> Result<SourceFile> {
    let (path, priority) = match text.rsplit_once('@') {
        Some((path, number)) if number.parse::<i32>().is_ok() => (path, number.parse()?),
        _ => (text, 0),
    };
    if path.is_empty() {
        bail!("no file is named");
    }
    Ok(SourceFile {
        path: path.into(),
        priority,
    })
}

fn parse_samples(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(n) if n.is_power_of_two() && (128..=1 << 24).contains(&n) => Ok(n),
        _ => Err("not a power of two from 128 to 16777216".to_owned()),
    }
}

fn parse_bound(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(metres) if (0.0..=1e6).contains(&metres) => Ok(metres),
        _ => Err("must be a number of metres from 0 to 1000000".into()),
    }
}

fn parse_metres(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(metres) if (0.001..=10_000.0).contains(&metres) => Ok(metres),
        _ => Err("not a number from 0.001 to 10000".to_owned()),
    }
}
