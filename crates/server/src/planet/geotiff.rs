//! Heights by latitude and longitude (GeoTIFF 1.1, EPSG:4326).
//!
//! ```text
//! tiles of 256² samples, row by row, deflated; i16 by differences along rows, f32 by those of its bytes
//! a sample speaks for an area ("pixel is area"): the first one lies half a step within the north-western corner
//! ```

use std::fmt;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use rayon::prelude::*;
use serde::Serialize;
use spatial_core::{Equirectangular, MapGrid, MapRaster, MapWindow};
use tiff::encoder::{TiffEncoder, TiffKind};
use tiff::tags::Tag;

use super::atomic_file::AtomicFile;
use super::export::{Bounds, Misuse};
use super::makers::Makers;
use super::progress;

/// Samples along a tile.
const SIDE: u32 = 256;
/// Tiles that are drawn at a time: 16 MB.
const CHUNK_TILES: usize = 64;
/// More tiles than so many are in no file: 16 bytes of memory each, and more than 10¹¹ samples.
const TILES_MAX: u64 = 1 << 23;
/// From so many bytes on, were nothing compressed, the file is a BigTIFF.
const BIG_BYTES: u64 = 4_000_000_000;
/// Where there is no ground.
const NO_DATA: i16 = i16::MIN;

/// How a height is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Sample {
    /// Whole metres
    I16,
    /// Metres and their fractions
    F32,
}

impl Sample {
    fn name(self) -> &'static str {
        match self {
            Self::I16 => "i16",
            Self::F32 => "f32",
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::I16 => 2,
            Self::F32 => 4,
        }
    }

    /// Bits, format (2 integer, 3 float), predictor, and the number where there is no ground.
    fn tags(self) -> ([u16; 3], &'static str) {
        match self {
            Self::I16 => ([16, 2, 2], "-32768"),
            Self::F32 => ([32, 3, 3], "nan"),
        }
    }

    /// The deflated tile.
    fn encode(self, raster: &MapRaster) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(raster.width() * raster.height() * self.bytes());
        for row in 0..raster.height() {
            match self {
                Self::I16 => put_integers(raster.row_m(row), &mut bytes),
                Self::F32 => put_floats(raster.row_m(row), &mut bytes),
            }
        }
        let mut encoder =
            ZlibEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::default());
        encoder.write_all(&bytes)?;
        Ok(encoder.finish()?)
    }
}

/// A row in whole metres, each less the one before it (predictor 2).
fn put_integers(row_m: &[f32], out: &mut Vec<u8>) {
    let mut before = 0i16;
    for height_m in row_m {
        let here = match height_m.is_nan() {
            true => NO_DATA,
            // Casts saturate; the least number says that there is no ground.
            false => ((*height_m + 0.5).floor() as i16).max(NO_DATA + 1),
        };
        out.extend_from_slice(&here.wrapping_sub(before).to_le_bytes());
        before = here;
    }
}

/// A row's bytes, the most significant ones of all numbers first, each less the one before it (predictor 3, TIFF technical
/// note 3).
fn put_floats(row_m: &[f32], out: &mut Vec<u8>) {
    let mut before = 0u8;
    for plane in 0..4 {
        for height_m in row_m {
            let here = height_m.to_be_bytes()[plane];
            out.push(here.wrapping_sub(before));
            before = here;
        }
    }
}

/// The samples of a part of a planet.
pub(super) struct Raster<'a> {
    makers: &'a Makers,
    bounds: Bounds,
    size: [u32; 2], // columns and rows
    sample: Sample,
}

/// What was written.
#[derive(Serialize)]
pub(super) struct Report {
    raster: PathBuf,
    sample: &'static str,
    width: u32,
    height: u32,
    step_deg: [f64; 2],
    bytes: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} × {} samples ({}), {} bytes",
            self.raster.display(),
            self.width,
            self.height,
            self.sample,
            self.bytes
        )
    }
}

impl<'a> Raster<'a> {
    /// With samples about a step apart, so that a whole number of them fits; or as far apart as the planet's finest.
    ///
    /// # Errors
    /// For a step that makes no raster, or too many samples.
    pub(super) fn new(
        makers: &'a Makers,
        bounds: Bounds,
        step_deg: Option<f64>,
        sample: Option<Sample>,
    ) -> Result<Self, Misuse> {
        let manifest = makers.store().manifest();
        let own_deg = makers.with(|maker| maker.finest_spacing_m()) / manifest.planet().radius_m();
        let step_deg = step_deg.unwrap_or(own_deg.to_degrees());
        if !(1e-7..=90.0).contains(&step_deg) {
            return Err(format!("--step {step_deg}: want 0.0000001 to 90 degrees"));
        }
        // At most 3.6 × 10⁹.
        let count = |span_deg: f64| ((span_deg / step_deg).round() as u32).max(1);
        let size = [
            count(bounds.width_deg()),
            count(bounds.north - bounds.south),
        ];
        let tiles = size.map(|n| u64::from(n.div_ceil(SIDE)));
        if tiles[0] * tiles[1] > TILES_MAX {
            return Err(format!(
                "{} × {} samples are more than a file takes; choose --bounds or a larger --step",
                size[0], size[1]
            ));
        }
        let is_whole = manifest.lattice().quantum_m() >= 1.0;
        let own_sample = if is_whole { Sample::I16 } else { Sample::F32 };
        Ok(Self {
            makers,
            bounds,
            size,
            sample: sample.unwrap_or(own_sample),
        })
    }

    /// Writes all samples, or leaves what was there.
    pub(super) fn write(&self, path: &Path) -> Result<Report> {
        let out = AtomicFile::create(path)?;
        let named = || path.display().to_string();
        let all = u64::from(self.size[0]) * u64::from(self.size[1]) * self.sample.bytes() as u64;
        // Without a buffer, which could fail unseen when it is dropped: tiles are written whole.
        match all >= BIG_BYTES {
            true => self.write_to(TiffEncoder::new_big(out.file()?)?),
            false => self.write_to(TiffEncoder::new(out.file()?)?),
        }
        .with_context(named)?;
        let bytes = out.file()?.metadata().with_context(named)?.len();
        out.publish()?;
        Ok(Report {
            raster: path.to_owned(),
            sample: self.sample.name(),
            width: self.size[0],
            height: self.size[1],
            step_deg: self.step_deg(),
            bytes,
        })
    }

    fn write_to<W: Write + Seek, K: TiffKind>(&self, mut tiff: TiffEncoder<W, K>) -> Result<()> {
        let mut directory = tiff.image_directory()?;
        let tiles = self.tiles();
        let bar = progress(tiles.len(), "drawing");
        let (mut offsets, mut counts) = (Vec::new(), Vec::new());
        for chunk in tiles.chunks(CHUNK_TILES) {
            let drawn: Result<Vec<Vec<u8>>> = chunk.par_iter().map(|w| self.tile(*w)).collect();
            for bytes in drawn? {
                offsets.push(K::convert_offset(directory.write_data(&bytes[..])?)?);
                counts.push(u32::try_from(bytes.len())?);
            }
            bar.inc(chunk.len() as u64);
        }
        let ([bits, format, predictor], no_data) = self.sample.tags();
        directory.write_tag(Tag::ImageWidth, self.size[0])?;
        directory.write_tag(Tag::ImageLength, self.size[1])?;
        directory.write_tag(Tag::BitsPerSample, bits)?;
        directory.write_tag(Tag::Compression, 8u16)?; // deflate
        directory.write_tag(Tag::PhotometricInterpretation, 1u16)?; // more is brighter
        directory.write_tag(Tag::SamplesPerPixel, 1u16)?;
        directory.write_tag(Tag::Predictor, predictor)?;
        directory.write_tag(Tag::TileWidth, SIDE)?;
        directory.write_tag(Tag::TileLength, SIDE)?;
        directory.write_tag(Tag::TileOffsets, K::convert_slice(&offsets))?;
        directory.write_tag(Tag::TileByteCounts, &counts[..])?;
        directory.write_tag(Tag::SampleFormat, format)?;
        let manifest = self.makers.store().manifest();
        directory.write_tag(Tag::ImageDescription, ascii(manifest.sources()).as_str())?;
        directory.write_tag(Tag::Copyright, ascii(manifest.licence()).as_str())?;
        directory.write_tag(Tag::GdalNodata, no_data)?;
        self.write_place(&mut directory)?;
        directory.finish()?;
        bar.finish_and_clear();
        Ok(())
    }

    /// Where the samples lie.
    fn write_place<W: Write + Seek, K: TiffKind>(
        &self,
        directory: &mut tiff::encoder::DirectoryEncoder<'_, W, K>,
    ) -> Result<()> {
        let [across, down] = self.step_deg();
        let corner = [0.0, 0.0, 0.0, self.bounds.west, self.bounds.north, 0.0];
        // A header, then keys: latitude and longitude; pixel is area; WGS84.
        let keys: [u16; 16] = [
            1, 1, 0, 3, //
            1024, 0, 1, 2, //
            1025, 0, 1, 1, //
            2048, 0, 1, 4326,
        ];
        directory.write_tag(Tag::ModelPixelScaleTag, &[across, down, 0.0][..])?;
        directory.write_tag(Tag::ModelTiepointTag, &corner[..])?;
        directory.write_tag(Tag::GeoKeyDirectoryTag, &keys[..])?;
        Ok(())
    }

    fn step_deg(&self) -> [f64; 2] {
        [
            self.bounds.width_deg() / f64::from(self.size[0]),
            (self.bounds.north - self.bounds.south) / f64::from(self.size[1]),
        ]
    }

    /// The tiles, row by row.
    fn tiles(&self) -> Vec<[i64; 2]> {
        let [across, down] = self.size.map(|n| i64::from(n.div_ceil(SIDE)));
        let side = i64::from(SIDE);
        let all =
            (0..down).flat_map(|row| (0..across).map(move |column| [column * side, row * side]));
        all.collect()
    }

    /// A tile by its first column and row. Beyond the raster it holds what the map has there, or no ground.
    fn tile(&self, [column, row]: [i64; 2]) -> Result<Vec<u8>> {
        let planet = self.makers.store().manifest().planet();
        let half_deg = self.bounds.width_deg() / 2.0;
        let middle_deg = match self.bounds.west + half_deg {
            lon if lon > 180.0 => lon - 360.0,
            lon => lon,
        };
        let map = Equirectangular::new(planet, middle_deg, 0.0)?;
        let length_m = |deg: f64| planet.radius_m() * deg.to_radians();
        let corner_m = (-length_m(half_deg), length_m(self.bounds.north));
        let [across, down] = self.step_deg();
        let grid = MapGrid::new(&map, corner_m, (length_m(across), length_m(down)));
        let window = MapWindow {
            column,
            row,
            width: SIDE,
            height: SIDE,
        };
        let raster = self.makers.with(|maker| maker.raster(&grid, window))?;
        self.sample.encode(&raster)
    }
}

/// Text as TIFF has it, without what is no ASCII.
fn ascii(text: &str) -> String {
    let known = |c: char| if c.is_ascii() && c != '\0' { c } else { '?' };
    text.chars().map(known).collect()
}
