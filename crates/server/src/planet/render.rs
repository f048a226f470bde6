//! `planet render`: a shaded relief map.

use std::io::BufWriter;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::ValueEnum;
use rayon::prelude::*;
use serde::Serialize;
use spatial_core::{
    CellId, DVec3, HeightTile, LatticeSpec, MissingTile, StoreError, TileStore, cell_at, face_st,
};

use super::atomic_file::AtomicFile;
use super::{open, print_json, progress, tint};

/// Points a pixel's side is divided into: coasts and ridges are averaged, not picked.
const OVERSAMPLING: usize = 2;
/// Slopes are drawn this much steeper for a pixel of 20 km, and less the smaller it is: real ones would not show.
const EXAGGERATION: f64 = 16.0;
const EXAGGERATED_PIXEL_M: f64 = 20_000.0;

#[derive(Debug, clap::Args)]
pub struct RenderArgs {
    /// The planet: a folder or a pack
    planet: PathBuf,
    /// How the globe is laid flat
    #[arg(long, value_enum, default_value_t = Projection::Equirectangular)]
    projection: Projection,
    /// Width of the picture in pixels, 16 to 8192; it is half as high
    #[arg(long, value_name = "PIXELS", default_value_t = 2048, value_parser = clap::value_parser!(u32).range(16..=8192))]
    width: u32,
    /// The PNG to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Projection {
    /// Longitude across, latitude down, both to scale
    Equirectangular,
}

#[derive(Serialize)]
struct Report {
    picture: PathBuf,
    width: usize,
    height: usize,
    bytes: u64,
}

pub(super) fn run(args: &RenderArgs, json: bool) -> Result<ExitCode> {
    let store = open(&args.planet)?;
    let (width, height) = (args.width as usize, args.width as usize / 2);
    let Projection::Equirectangular = args.projection;
    let pixels = Picture::new(&*store, width)?.draw();
    let out = AtomicFile::create(&args.out)?;
    write_png(&out, (width, height), &pixels).with_context(|| args.out.display().to_string())?;
    let bytes = out.file()?.metadata()?.len();
    out.publish()?;
    let report = Report {
        picture: args.out.clone(),
        width,
        height,
        bytes,
    };
    if json {
        print_json(&report)?;
    } else {
        println!(
            "{}: {width} × {height} pixels, {bytes} bytes",
            args.out.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// What a picture is drawn from.
struct Picture {
    ground: Ground,
    width: usize,             // pixels
    columns: Vec<(f64, f64)>, // sine and cosine of the longitude of each point of a row
    point_m: f64,             // distance of points on the equator
}

impl Picture {
    fn new(store: &dyn TileStore, width: usize) -> Result<Self> {
        let points = width * OVERSAMPLING;
        let turn = core::f64::consts::TAU;
        let longitude = |n: usize| (n as f64 + 0.5) / points as f64 * turn - turn / 2.0;
        Ok(Self {
            ground: Ground::load(store, points)?,
            width,
            columns: (0..points).map(|n| longitude(n).sin_cos()).collect(),
            point_m: turn * store.manifest().planet().radius_m() / points as f64,
        })
    }

    /// Rows of RGB from the north down.
    fn draw(&self) -> Vec<u8> {
        let rows = self.width / 2;
        let bar = progress(rows, "drawing");
        let mut pixels = vec![0; rows * self.width * 3];
        pixels
            .par_chunks_mut(self.width * 3)
            .enumerate()
            .for_each(|(row, out)| {
                self.draw_row(row, out);
                bar.inc(1);
            });
        bar.finish_and_clear();
        pixels
    }

    fn draw_row(&self, row: usize, out: &mut [u8]) {
        let mut sums = vec![[0.0; 3]; self.width];
        let first = (row * OVERSAMPLING) as isize;
        let mut above = self.heights(first - 1);
        let mut here = self.heights(first);
        for line in first..first + OVERSAMPLING as isize {
            let below = self.heights(line + 1);
            self.add_line(line, [&above, &here, &below], &mut sums);
            (above, here) = (here, below);
        }
        let share = (OVERSAMPLING * OVERSAMPLING) as f64;
        for (pixel, sum) in out.chunks_exact_mut(3).zip(sums) {
            for (channel, value) in pixel.iter_mut().zip(sum) {
                *channel = (value / share).round() as u8;
            }
        }
    }

    /// Adds the colours of a line of points to the pixels they lie in.
    fn add_line(&self, line: isize, [above, here, below]: [&[f64]; 3], sums: &mut [[f64; 3]]) {
        let lat = self.latitude(line);
        let points = here.len();
        let pixel_m = self.point_m * OVERSAMPLING as f64;
        let steeper = EXAGGERATION * (pixel_m / EXAGGERATED_PIXEL_M).sqrt();
        // Near a pole points crowd together; beyond 80° their spacing is held, or the shading would only be noise.
        let run_east = 2.0 * self.point_m * lat.cos().max(0.17);
        for (n, height_m) in here.iter().enumerate() {
            let east = here[(n + 1) % points] - here[(n + points - 1) % points];
            let slopes = (
                steeper * east / run_east,
                steeper * (above[n] - below[n]) / (2.0 * self.point_m),
            );
            let colour = tint::colour(*height_m, lat.to_degrees(), slopes);
            let sum = &mut sums[n / OVERSAMPLING];
            *sum = [0, 1, 2].map(|c| sum[c] + colour[c]);
        }
    }

    /// Heights along a line of points; lines beyond a pole repeat the last.
    fn heights(&self, line: isize) -> Vec<f64> {
        let (sin_lat, cos_lat) = self.latitude(line).sin_cos();
        let at = |(sin, cos): &(f64, f64)| DVec3::new(cos_lat * cos, cos_lat * sin, sin_lat);
        self.columns
            .iter()
            .map(|lon| self.ground.height_m(at(lon)))
            .collect()
    }

    fn latitude(&self, line: isize) -> f64 {
        let lines = self.columns.len() / 2;
        let line = line.clamp(0, lines as isize - 1);
        core::f64::consts::PI * (0.5 - (line as f64 + 0.5) / lines as f64)
    }
}

/// All tiles of one level, decoded.
struct Ground {
    spec: LatticeSpec,           // whose finest level is the one drawn
    tiles: Vec<Arc<HeightTile>>, // index = (face · 2ᵏ + row) · 2ᵏ + column
}

impl Ground {
    /// The coarsest level that has a sample for every point, or the finest.
    fn load(store: &dyn TileStore, points: usize) -> Result<Self> {
        let full = *store.manifest().lattice();
        let n = usize::from(full.intervals());
        let level = (0..full.leaf_level()).find(|k| 4 * (n << k) >= points);
        let level = level.unwrap_or(full.leaf_level());
        let side = 1u32 << level;
        let cells = (0..6 * side * side).map(|k| {
            let (face, rest) = ((k / (side * side)) as u8, k % (side * side));
            cell_at(face, level, rest % side, rest / side)
        });
        let tiles: Result<Vec<_>, _> = cells.map(|cell| load(store, cell)).collect();
        Ok(Self {
            spec: LatticeSpec::new(
                level + 1,
                full.intervals(),
                full.offset_m(),
                full.quantum_m(),
            )?,
            tiles: tiles?,
        })
    }

    fn height_m(&self, direction: DVec3) -> f64 {
        let (face, s, t) = face_st(direction);
        let side = 1usize << self.spec.leaf_level();
        let at = |x: f64| ((x * side as f64) as usize).min(side - 1);
        let tile = &self.tiles[(usize::from(face) * side + at(t)) * side + at(s)];
        tile.height_m(&self.spec, face, s, t)
    }
}

/// The tile of a cell, or of the nearest ancestor that has one.
fn load(store: &dyn TileStore, cell: CellId) -> Result<Arc<HeightTile>, StoreError> {
    let up = (0..=cell.level()).rev().map(|level| cell.parent(level));
    let mut there = up.filter(|cell| store.nodes().slot(*cell).is_ok());
    match store.manifest().missing() {
        MissingTile::Coarser => store.load(there.next().unwrap_or(cell)),
        _ => store.load(cell),
    }
}

fn write_png(out: &AtomicFile, (width, height): (usize, usize), pixels: &[u8]) -> Result<()> {
    let mut encoder = png::Encoder::new(BufWriter::new(out.file()?), width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    Ok(writer.finish()?)
}
