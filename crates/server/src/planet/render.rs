//! `planet render`: a shaded relief map, in any projection.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use rayon::prelude::*;
use serde::Serialize;
use spatial_core::{Effort, MapGrid, MapRaster, MapWindow, StoreError, encode_png};

use super::atomic_file::AtomicFile;
use super::frame::{Frame, FrameArgs};
use super::makers::Makers;
use super::{open_to_write, print_json, progress};

/// Points a pixel's side is divided into: coasts, ridges and rims are averaged, not picked.
const OVERSAMPLING: usize = 2;
/// Rows that are drawn at a time.
const STRIP_ROWS: usize = 16;

#[derive(Debug, clap::Args)]
pub struct RenderArgs {
    /// The planet: a folder or a pack
    planet: PathBuf,
    #[command(flatten)]
    frame: FrameArgs,
    /// Width of the picture in pixels, 16 to 8192; the projection says how high it is
    #[arg(long, value_name = "PIXELS", default_value_t = 2048, value_parser = clap::value_parser!(u32).range(16..=8192))]
    width: u32,
    /// What is beyond the map: a colour, otherwise nothing (transparent)
    #[arg(long, value_name = "RRGGBB", value_parser = colour)]
    background: Option<[u8; 3]>,
    /// The PNG to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Serialize)]
struct Report {
    picture: PathBuf,
    width: u32,
    height: u32,
    bytes: u64,
}

pub(super) fn run(args: &RenderArgs, json: bool) -> Result<ExitCode> {
    let store = open_to_write(&args.planet, &args.out)?;
    let frame = match args.frame.frame(store.manifest().planet()) {
        Ok(frame) => frame,
        Err(why) => {
            eprintln!("error: {why}");
            return Ok(ExitCode::from(2));
        }
    };
    let size = (args.width, frame.rows(args.width));
    let picture = Drawing {
        frame: &frame,
        makers: Makers::new(store),
        size: (size.0 as usize, size.1 as usize),
        background: args.background,
    };
    let out = AtomicFile::create(&args.out)?;
    let png = encode_png(size, &picture.draw()?, Effort::Small);
    let named = || args.out.display().to_string();
    out.file()?.write_all(&png).with_context(named)?;
    out.publish()?;
    let report = Report {
        picture: args.out.clone(),
        width: size.0,
        height: size.1,
        bytes: png.len() as u64,
    };
    if json {
        print_json(&report)?;
    } else {
        println!(
            "{}: {} × {} pixels, {} bytes",
            args.out.display(),
            report.width,
            report.height,
            report.bytes
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// A colour in hexadecimal digits.
fn colour(text: &str) -> Result<[u8; 3], String> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    let is_colour = digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    match u32::from_str_radix(digits, 16) {
        Ok(rgb) if is_colour => {
            let [_, r, g, b] = rgb.to_be_bytes();
            Ok([r, g, b])
        }
        _ => Err("want six hexadecimal digits, as in 101018".to_owned()),
    }
}

struct Drawing<'a> {
    frame: &'a Frame,
    makers: Makers,
    size: (usize, usize),
    background: Option<[u8; 3]>,
}

impl Drawing<'_> {
    /// Bytes of a pixel: without opacity where there is none to be said.
    fn channels(&self) -> usize {
        match self.background {
            None if !self.frame.is_filled => 4,
            _ => 3,
        }
    }

    /// Rows of pixels from the top.
    fn draw(&self) -> Result<Vec<u8>, StoreError> {
        let (width, height) = self.size;
        let row_bytes = width * self.channels();
        let bar = progress(height, "drawing");
        let mut pixels = vec![0; height * row_bytes];
        pixels
            .par_chunks_mut(STRIP_ROWS * row_bytes)
            .enumerate()
            .try_for_each(|(strip, out)| {
                let rows = out.len() / row_bytes;
                let raster = self.raster(strip * STRIP_ROWS, rows)?;
                self.average(&raster, out);
                bar.inc(rows as u64);
                Ok(())
            })?;
        bar.finish_and_clear();
        Ok(pixels)
    }

    /// The points of some rows.
    fn raster(&self, row: usize, rows: usize) -> Result<MapRaster, StoreError> {
        let point_m = self.frame.width_m / (self.size.0 * OVERSAMPLING) as f64;
        let grid = MapGrid::new(
            &*self.frame.projection,
            self.frame.corner_m,
            (point_m, point_m),
        );
        let window = MapWindow {
            column: 0,
            row: (row * OVERSAMPLING) as i64,
            width: (self.size.0 * OVERSAMPLING) as u32,
            height: (rows * OVERSAMPLING) as u32,
        };
        self.makers.with(|maker| maker.raster(&grid, window))
    }

    /// Pixels of the means of the points that have a place.
    fn average(&self, points: &MapRaster, out: &mut [u8]) {
        let colours = points.shaded(self.background.unwrap_or_default());
        let share = (OVERSAMPLING * OVERSAMPLING) as u32;
        for (n, pixel) in out.chunks_exact_mut(self.channels()).enumerate() {
            let (row, column) = (n / self.size.0, n % self.size.0);
            let (mut sum, mut there) = ([0u32; 3], 0);
            for k in 0..OVERSAMPLING * OVERSAMPLING {
                let (x, y) = (
                    column * OVERSAMPLING + k % OVERSAMPLING,
                    row * OVERSAMPLING + k / OVERSAMPLING,
                );
                let is_there = !points.row_m(y)[x].is_nan();
                if is_there || self.channels() == 3 {
                    let at = 3 * (y * points.width() + x);
                    sum = [0, 1, 2].map(|c| sum[c] + u32::from(colours[at + c]));
                    there += 1;
                }
            }
            for (channel, sum) in pixel.iter_mut().zip(sum) {
                *channel = ((sum + there / 2) / there.max(1)) as u8;
            }
            if let Some(opacity) = pixel.get_mut(3) {
                *opacity = (255 * there / share) as u8;
            }
        }
    }
}
