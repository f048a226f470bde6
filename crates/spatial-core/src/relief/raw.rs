//! Raw grids: samples row by row, told by a side file; and the whole planet's without one.
//!
//! ```text
//! name.raw, name.raw.zst     the samples; .zst is decompressed into memory
//! name.json or name.toml     { "width": …, "height": …, "sample": "i16", "bounds": { "south": …, … } }, see RawGrid
//! without a side file        H rows from latitude −90° to 90°, W = 2·(H − 1) columns from longitude 0° eastwards, i16, little-endian
//! ```

use std::sync::Arc;

use serde::Deserialize;

use super::bytes::Bytes;
use super::error::ReliefFault;
use super::georef::{Crs, Georef};
use super::raster::{Raster, Shape};
use super::source::ReliefOptions;

/// Rows that a grid without a side file may have: down to a step of half an arc-minute.
const PLANET_ROWS_MAX: u64 = 21_601;

/// What a side file says about a raw grid.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawGrid {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// What a sample is.
    pub sample: SampleType,
    /// Whether its highest byte comes first.
    #[serde(default)]
    pub endian: Endian,
    /// Where it lies.
    pub bounds: GridBounds,
    /// What lies on the bounds.
    #[serde(default)]
    pub registration: Registration,
    /// Which row comes first.
    #[serde(default)]
    pub row_order: RowOrder,
    /// The number that is void; NaN always is.
    #[serde(default)]
    pub nodata: Option<f64>,
    /// Metres of a step: the height is `offset + scale · sample`.
    #[serde(default = "one")]
    pub scale: f64,
    /// Metres of a zero.
    #[serde(default)]
    pub offset: f64,
}

fn one() -> f64 {
    1.0
}

/// A sample's type.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SampleType {
    /// 16-bit signed integer.
    I16,
    /// 16-bit unsigned integer.
    U16,
    /// 32-bit float.
    F32,
}

/// The order of a sample's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Endian {
    /// Lowest byte first.
    #[default]
    Little,
    /// Highest byte first.
    Big,
}

/// What lies on the bounds of a grid.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// The outer samples themselves.
    #[default]
    Point,
    /// The outer edges of their squares: half a step beyond.
    Area,
}

/// Which row of a grid comes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowOrder {
    /// The northernmost.
    #[default]
    NorthFirst,
    /// The southernmost.
    SouthFirst,
}

/// A box of latitude and longitude, degrees; longitudes may go on beyond 180°.
#[derive(Clone, Copy, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridBounds {
    /// Least latitude.
    pub south: f64,
    /// Least longitude.
    pub west: f64,
    /// Greatest latitude.
    pub north: f64,
    /// Greatest longitude: more than the least, by 360° at most.
    pub east: f64,
}

impl GridBounds {
    /// The lattice of so many columns and rows within.
    pub(super) fn georef(
        &self,
        [width, height]: [u32; 2],
        registration: Registration,
        row_order: RowOrder,
    ) -> Result<Georef, ReliefFault> {
        let spans = [self.east - self.west, self.north - self.south];
        for (place, span) in [("bounds: width", spans[0]), ("bounds: height", spans[1])] {
            if !(span > 0.0 && span <= 360.0) {
                return Err(ReliefFault::Value {
                    place: place.into(),
                    value: span,
                    problem: "degrees are no span: want more than 0 and at most 360",
                });
            }
        }
        let (inset, less) = match registration {
            Registration::Point => (0.0, 1.0),
            Registration::Area => (0.5, 0.0),
        };
        let per = [
            (f64::from(width) - less) / spans[0],
            (f64::from(height) - less) / spans[1],
        ];
        let west = self.west + inset / per[0];
        match row_order {
            RowOrder::NorthFirst => {
                let north = self.north - inset / per[1];
                Georef::aligned(Crs::Degrees, [west, north], [per[0], -per[1]])
            }
            RowOrder::SouthFirst => {
                let south = self.south + inset / per[1];
                Georef::aligned(Crs::Degrees, [west, south], per)
            }
        }
    }
}

impl RawGrid {
    /// Reads a side file: TOML, or JSON when it begins with a brace.
    ///
    /// # Errors
    /// [`ReliefFault::Damaged`] for what is neither, lacks a field or has an unknown one.
    pub fn from_side_file(text: &str) -> Result<Self, ReliefFault> {
        parse_side_file(text)
    }

    fn layout(&self) -> Sample {
        Sample {
            kind: self.sample,
            endian: self.endian,
            voids: [self.nodata, None],
            scale: self.scale,
            offset: self.offset,
        }
    }
}

/// Reads a side file: TOML, or JSON when it begins with a brace.
pub(super) fn parse_side_file<T: serde::de::DeserializeOwned>(
    text: &str,
) -> Result<T, ReliefFault> {
    if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|e| ReliefFault::damaged("side file", &e))
    } else {
        toml::from_str(text).map_err(|e| ReliefFault::damaged("side file", &e.message()))
    }
}

/// Opens a grid that a side file tells about.
pub(super) fn open(
    name: &str,
    bytes: Bytes,
    grid: &RawGrid,
    inflated_max: u64,
) -> Result<(Box<dyn Raster>, Georef), ReliefFault> {
    for (place, value) in [("scale", grid.scale), ("offset", grid.offset)] {
        if !value.is_finite() || value.abs() > 1e9 {
            return Err(ReliefFault::Value {
                place: place.into(),
                value,
                problem: "is out of range",
            });
        }
    }
    let size = [grid.width, grid.height];
    Shape::bands(size)?;
    let georef = grid
        .bounds
        .georef(size, grid.registration, grid.row_order)?;
    let bytes = inflated(name, bytes, inflated_max)?;
    let raster = RawRaster::new(bytes, 0, size, grid.layout(), true)?;
    Ok((Box::new(raster), georef))
}

/// Opens a grid of the whole planet.
pub(super) fn open_planet(
    name: &str,
    bytes: Bytes,
    inflated_max: u64,
) -> Result<(Box<dyn Raster>, Georef), ReliefFault> {
    let bytes = inflated(name, bytes, inflated_max)?;
    let length = bytes.len()?;
    let count = length / 2;
    // The only H for which 2·H·(H − 1) can be this number of samples.
    let rows = (0.5 + (0.25 + count as f64 / 2.0).sqrt()).round() as u64;
    if !length.is_multiple_of(2)
        || !(2..=PLANET_ROWS_MAX).contains(&rows)
        || 2 * rows * (rows - 1) != count
    {
        return Err(ReliefFault::Length {
            bytes: length,
            want: "a grid of the whole planet is 2·(rows − 1) columns of i16, and others need a side file (.json or .toml) of their name".into(),
        });
    }
    let per = (rows - 1) as f64 / 180.0;
    let georef = Georef::aligned(Crs::Degrees, [0.0, -90.0], [per, per])?;
    let size = [2 * (rows as u32 - 1), rows as u32];
    let layout = Sample {
        endian: Endian::Little,
        ..Sample::i16_be()
    };
    let raster = RawRaster::new(bytes, 0, size, layout, true)?;
    Ok((Box::new(raster), georef))
}

/// The bytes themselves, or what a zstd frame holds: at most so many.
fn inflated(name: &str, bytes: Bytes, bytes_max: u64) -> Result<Bytes, ReliefFault> {
    use std::io::Read;
    let bytes_max = bytes_max.min(ReliefOptions::INFLATED_BYTES_MAX);
    if bytes.first(4)? != [0x28, 0xb5, 0x2f, 0xfd] {
        return match name.to_ascii_lowercase().ends_with(".zst") {
            true => Err(ReliefFault::damaged(
                "first bytes",
                &"no zstd frame, as the name says",
            )),
            false => Ok(bytes),
        };
    }
    let damaged = |e: std::io::Error| ReliefFault::damaged("zstd frame", &e);
    let decoder = zstd::Decoder::new(bytes.reader()).map_err(damaged)?;
    let mut inflated = Vec::new();
    decoder
        .take(bytes_max + 1)
        .read_to_end(&mut inflated)
        .map_err(damaged)?;
    if inflated.len() as u64 > bytes_max {
        return Err(ReliefFault::TooLarge {
            what: "bytes of a compressed grid".into(),
            count: inflated.len() as u64,
            count_max: bytes_max,
            advice: "decompress it, as with `zstd -d`: a plain grid may be of any size",
        });
    }
    // It has grown by doubling.
    inflated.shrink_to_fit();
    Ok(Bytes::Memory(Arc::new(inflated)))
}

/// How a sample is written and what it means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) kind: SampleType,
    pub(super) endian: Endian,
    pub(super) voids: [Option<f64>; 2],
    pub(super) scale: f64,
    pub(super) offset: f64,
}

impl Sample {
    pub(super) fn i16_be() -> Self {
        Self {
            kind: SampleType::I16,
            endian: Endian::Big,
            voids: [None; 2],
            scale: 1.0,
            offset: 0.0,
        }
    }

    fn bytes(&self) -> u64 {
        match self.kind {
            SampleType::I16 | SampleType::U16 => 2,
            SampleType::F32 => 4,
        }
    }

    /// Metres of a stored number; NaN when it is void or not finite.
    pub(super) fn metres(&self, stored: f64) -> f32 {
        if self.voids.contains(&Some(stored)) || !stored.is_finite() {
            return f32::NAN;
        }
        let height_m = (self.offset + self.scale * stored) as f32;
        // Beyond these it is a marker of voids that nobody announced, and no planet has such heights.
        if height_m.abs() <= HEIGHT_MAX_M {
            height_m
        } else {
            f32::NAN
        }
    }
}

/// Greater heights are void: files mark them with numbers like −3.4 × 10³⁸.
const HEIGHT_MAX_M: f32 = 1e7;

/// Decodes samples that lie one behind the other.
pub(super) fn samples(bytes: &[u8], layout: &Sample) -> Vec<f32> {
    let decode = |stored: f64| layout.metres(stored);
    let pairs = bytes.chunks_exact(2).map(|b| [b[0], b[1]]);
    let fours = bytes.chunks_exact(4).map(|b| [b[0], b[1], b[2], b[3]]);
    match (layout.kind, layout.endian) {
        (SampleType::I16, Endian::Little) => pairs
            .map(|b| decode(i16::from_le_bytes(b).into()))
            .collect(),
        (SampleType::I16, Endian::Big) => pairs
            .map(|b| decode(i16::from_be_bytes(b).into()))
            .collect(),
        (SampleType::U16, Endian::Little) => pairs
            .map(|b| decode(u16::from_le_bytes(b).into()))
            .collect(),
        (SampleType::U16, Endian::Big) => pairs
            .map(|b| decode(u16::from_be_bytes(b).into()))
            .collect(),
        (SampleType::F32, Endian::Little) => fours
            .map(|b| decode(f32::from_le_bytes(b).into()))
            .collect(),
        (SampleType::F32, Endian::Big) => fours
            .map(|b| decode(f32::from_be_bytes(b).into()))
            .collect(),
    }
}

/// Samples that lie one behind the other, row by row.
pub(super) struct RawRaster {
    bytes: Bytes,
    offset: u64,
    shape: Shape, // bands of whole rows
    layout: Sample,
}

impl RawRaster {
    /// Samples from an offset on; with nothing behind them when they are `all`.
    pub(super) fn new(
        bytes: Bytes,
        offset: u64,
        size: [u32; 2],
        layout: Sample,
        all: bool,
    ) -> Result<Self, ReliefFault> {
        let shape = Shape::bands(size)?;
        let needed = u64::from(size[0]) * u64::from(size[1]) * layout.bytes();
        let length = bytes.len()?;
        let is_enough = length.checked_sub(offset).is_some_and(|rest| match all {
            true => rest == needed,
            false => rest >= needed,
        });
        if !is_enough {
            return Err(ReliefFault::Length {
                bytes: length,
                want: format!(
                    "{} × {} samples from byte {offset} on need {needed}",
                    size[0], size[1]
                )
                .into(),
            });
        }
        Ok(Self {
            bytes,
            offset,
            shape,
            layout,
        })
    }
}

impl Raster for RawRaster {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn decode(&self, chunk: u32) -> Result<Vec<f32>, ReliefFault> {
        let ([_, row], [width, height]) = self.shape.chunk_size(chunk);
        let row_bytes = u64::from(width) * self.layout.bytes();
        let mut bytes = vec![0; (row_bytes * u64::from(height)) as usize];
        let from = self.offset + u64::from(row) * row_bytes;
        self.bytes.read_at(from, &mut bytes)?;
        Ok(samples(&bytes, &self.layout))
    }

    fn held_bytes(&self) -> u64 {
        match &self.bytes {
            Bytes::Memory(bytes) => bytes.len() as u64,
            Bytes::File(_) => 0,
        }
    }
}
