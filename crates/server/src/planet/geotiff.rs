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
use spatial_core::{Equirectangular, MapGrid, MapRaster, MapWindow, Planet};
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
/// From so many bytes of tiles on, were nothing compressed, the file is a BigTIFF: 7 % below what a TIFF holds, which is more than
/// deflate can add and tables take.
const BIG_BYTES: u64 = 4_000_000_000;
/// A planet whose radius is off the Earth's by no more than this part has its coordinates.
const EARTH_LIKE: f64 = 0.01;
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

    /// Whether heights from one to another are numbers of it; the least i16 says that there is no ground.
    fn holds(self, (lowest_m, highest_m): (f64, f64)) -> bool {
        let most_m = f64::from(i16::MAX);
        self == Self::F32 || (lowest_m >= -most_m && highest_m <= most_m)
    }

    /// Bits, format (2 integer, 3 float), predictor, and the number where there is no ground.
    fn tags(self) -> ([u16; 3], &'static str) {
        match self {
            Self::I16 => ([16, 2, 2], "-32768"),
            Self::F32 => ([32, 3, 3], "nan"),
        }
    }

    /// The deflated tile; beyond the raster its last samples go on.
    fn encode(self, raster: &MapRaster) -> Result<Vec<u8>> {
        let side = SIDE as usize;
        let mut bytes = Vec::with_capacity(side * side * self.bytes());
        let mut row_m = Vec::with_capacity(side);
        for row in 0..side {
            row_m.clear();
            row_m.extend_from_slice(raster.row_m(row.min(raster.height() - 1)));
            let last_m = row_m[raster.width() - 1];
            row_m.resize(side, last_m);
            match self {
                Self::I16 => put_integers(&row_m, &mut bytes),
                Self::F32 => put_floats(&row_m, &mut bytes),
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
            // Within what the numbers hold: see `Sample::holds`.
            false => (*height_m + 0.5).floor() as i16,
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
    /// With samples about a step apart, so that a whole number of them fits; or as far apart as the planet's finest. The planet's
    /// lowest and highest stored sample say what its heights fit in.
    ///
    /// # Errors
    /// For a step that makes no raster, too many samples, heights that they do not hold, or a planet that is not the Earth's size:
    /// the coordinates are of a system that says how large the planet is.
    pub(super) fn new(
        makers: &'a Makers,
        bounds: Bounds,
        step_deg: Option<f64>,
        sample: Option<Sample>,
        (lowest, highest): (i16, i16),
    ) -> Result<Self, Misuse> {
        let manifest = makers.store().manifest();
        let radius_m = manifest.planet().radius_m();
        if (radius_m / Planet::EARTH.radius_m() - 1.0).abs() > EARTH_LIKE {
            return Err(format!(
                "the planet's radius is {radius_m} m: coordinates of a GeoTIFF are the Earth's (EPSG:4326)"
            ));
        }
        let own_deg = makers.with(|maker| maker.finest_spacing_m()) / radius_m;
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
        let lattice = manifest.lattice();
        let is_whole = lattice.quantum_m().fract() == 0.0 && lattice.offset_m().fract() == 0.0;
        let range_m = (
            lattice.height_m(f64::from(lowest)),
            lattice.height_m(f64::from(highest)),
        );
        let sample = sample.unwrap_or(match is_whole && Sample::I16.holds(range_m) {
            true => Sample::I16,
            false => Sample::F32,
        });
        if !sample.holds(range_m) {
            return Err(format!(
                "--sample {}: the planet's heights, {} to {} m, are more than it holds",
                sample.name(),
                range_m.0,
                range_m.1
            ));
        }
        Ok(Self {
            makers,
            bounds,
            size,
            sample,
        })
    }

    /// Writes all samples, or leaves what was there.
    pub(super) fn write(&self, path: &Path) -> Result<Report> {
        let out = AtomicFile::create(path)?;
        let named = || path.display().to_string();
        let tiles = self.size.map(|n| u64::from(n.div_ceil(SIDE)));
        let tile_bytes = u64::from(SIDE * SIDE) * self.sample.bytes() as u64;
        let all = tiles[0] * tiles[1] * tile_bytes;
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
            1, 1, 1, 3, //
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

    /// A tile by its first column and row.
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
            width: SIDE.min((i64::from(self.size[0]) - column) as u32),
            height: SIDE.min((i64::from(self.size[1]) - row) as u32),
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use spatial_core::{HeightTile, LatticeSpec, Manifest, MemoryStore};

    use super::*;

    const ALL: Bounds = Bounds {
        south: -90.0,
        west: -180.0,
        north: 90.0,
        east: 180.0,
    };

    /// A planet of one height, its offset above the datum by a stored number of steps.
    fn makers(planet: Planet, (offset_m, quantum_m): (f64, f64), stored: i16) -> Makers {
        let spec = LatticeSpec::new(1, 16, offset_m, quantum_m).unwrap();
        let manifest = Manifest::new(planet, spec, "made for a test", "none");
        let cells = spec.cells().into_iter();
        let tiles = cells.map(|cell| HeightTile::new(cell, 16, vec![stored; 17 * 17]).unwrap());
        Makers::new(Arc::new(MemoryStore::new(manifest, tiles).unwrap()))
    }

    #[test]
    fn samples_hold_the_planets_heights() {
        for (steps, stored, sample) in [
            ((0.0, 1.0), 100, Sample::I16),
            ((5.0, 2.0), 100, Sample::I16),
            ((0.5, 1.0), 100, Sample::F32),
            ((0.0, 1.5), 100, Sample::F32),
            ((0.0, 2.0), 20_000, Sample::F32),
            ((-30_000.0, 1.0), -3_000, Sample::F32),
        ] {
            let makers = makers(Planet::EARTH, steps, stored);
            let new = |given| Raster::new(&makers, ALL, Some(1.0), given, (stored, stored));
            assert_eq!(new(None).ok().unwrap().sample, sample, "{steps:?} {stored}");
            assert!(new(Some(Sample::F32)).is_ok());
            let is_beyond = (steps.0 + steps.1 * f64::from(stored)).abs() > 32_767.0;
            assert_eq!(
                new(Some(Sample::I16)).is_err(),
                is_beyond,
                "{steps:?} {stored}"
            );
        }
    }

    #[test]
    fn planets_of_other_sizes_have_no_coordinates() {
        for (radius_m, is_earth_like) in [(6_378_137.0, true), (3_389_500.0, false)] {
            let makers = makers(Planet::new(radius_m).unwrap(), (0.0, 1.0), 0);
            let raster = Raster::new(&makers, ALL, Some(1.0), None, (0, 0));
            assert_eq!(raster.is_ok(), is_earth_like);
        }
    }

    /// Beyond the raster a tile repeats its last samples.
    #[test]
    fn tiles_are_filled_up() {
        let makers = makers(Planet::EARTH, (0.0, 1.0), 7);
        let raster = Raster::new(&makers, ALL, Some(60.0), Some(Sample::I16), (7, 7)).unwrap();
        assert_eq!(raster.size, [6, 3]);
        let mut bytes = Vec::new();
        let tile = raster.tile([0, 0]).unwrap();
        std::io::Read::read_to_end(&mut flate2::read::ZlibDecoder::new(&tile[..]), &mut bytes)
            .unwrap();
        let row: Vec<u8> = [7, 0].into_iter().chain([0; 2 * 255]).collect();
        assert_eq!(bytes, row.repeat(256));
    }
}
