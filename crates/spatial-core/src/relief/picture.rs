//! Heights in the colours of PNGs: Terrarium's and Mapbox's, as tiles of the web's map or with stated bounds.
//!
//! ```text
//! Terrarium   height = 256 R + G + B / 256 − 32,768        black (−32,768) is void
//! Mapbox      height = 0.1 · (65,536 R + 256 G + B) − 10,000    black (−10,000) is void
//! …/z/x/y.png tile (x, y) of 2ᶻ × 2ᶻ from the north-west of Web Mercator; samples in the middle of pixels
//! ```
//! Transparent pixels are void too.

use std::io::BufReader;

use serde::Deserialize;

use super::bytes::{ByteReader, Bytes};
use super::error::ReliefFault;
use super::geokeys::unsupported;
use super::georef::{Crs, Georef};
use super::raster::{CHUNK_SAMPLES_MAX, Raster, Shape};
use super::raw::{GridBounds, Registration, RowOrder, parse_side_file};
use crate::projection::WebMercator;

/// What a PNG does not say of itself; from the options or a side file.
#[derive(Clone, Copy, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PictureGrid {
    /// What its colours mean.
    pub encoding: HeightEncoding,
    /// Where it lies, in latitude and longitude; without them it is a tile of Web Mercator whose path ends in z/x/y.
    #[serde(default)]
    pub bounds: Option<GridBounds>,
    /// What lies on the bounds.
    #[serde(default = "area")]
    pub registration: Registration,
}

impl PictureGrid {
    /// Reads a side file, as [`RawGrid::from_side_file`](super::RawGrid::from_side_file).
    ///
    /// # Errors
    /// [`ReliefFault::Damaged`] for what is neither TOML nor JSON, lacks a field or has an unknown one.
    pub fn from_side_file(text: &str) -> Result<Self, ReliefFault> {
        parse_side_file(text)
    }
}

fn area() -> Registration {
    Registration::Area
}

/// How a height is written into red, green and blue.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeightEncoding {
    /// Metres from −32,768 on, the fraction in the blue channel.
    Terrarium,
    /// Tenths of a metre from −10,000 on.
    Mapbox,
}

/// Whether these are the first bytes of a PNG.
pub(super) fn is_png(first: &[u8]) -> bool {
    first == b"\x89PNG"
}

/// Opens a picture.
pub(super) fn open(
    name: &str,
    bytes: Bytes,
    grid: Option<PictureGrid>,
) -> Result<(Box<dyn Raster>, Georef), ReliefFault> {
    let Some(grid) = grid else {
        let advice = "state the encoding, terrarium or mapbox";
        return Err(unsupported(
            "colours",
            "they do not say which heights they mean",
            advice,
        ));
    };
    let (width, height) = reader(&bytes)?.info().size();
    let size = [width, height];
    let shape = Shape::new(size, size)?;
    let georef = match &grid.bounds {
        Some(bounds) => bounds.georef(size, grid.registration, RowOrder::NorthFirst)?,
        None => mercator(name, size)?,
    };
    let raster = Picture {
        bytes,
        encoding: grid.encoding,
        shape,
    };
    Ok((Box::new(raster), georef))
}

struct Picture {
    bytes: Bytes,
    encoding: HeightEncoding,
    shape: Shape, // one chunk: rows can only be read in order
}

impl Raster for Picture {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn decode(&self, _: u32) -> Result<Vec<f32>, ReliefFault> {
        let mut reader = reader(&self.bytes)?;
        if reader.info().size() != (self.shape.width, self.shape.height) {
            return Err(damaged(&"it has another size now"));
        }
        let count = self.shape.width as usize * self.shape.height as usize;
        let mut pixels = vec![0; 4 * count];
        let frame = reader.next_frame(&mut pixels).map_err(|e| damaged(&e))?;
        let samples: Vec<f32> = match (frame.color_type, frame.bit_depth) {
            (png::ColorType::Rgb, png::BitDepth::Eight) => {
                let pixels = pixels[..3 * count].chunks_exact(3);
                pixels
                    .map(|p| self.encoding.metres([p[0], p[1], p[2]]))
                    .collect()
            }
            (png::ColorType::Rgba, png::BitDepth::Eight) => {
                let metres = |p: &[u8]| match p[3] {
                    0 => f32::NAN,
                    _ => self.encoding.metres([p[0], p[1], p[2]]),
                };
                pixels.chunks_exact(4).map(metres).collect()
            }
            (color, depth) => return Err(not_rgb(&format!("{color:?} with depth {depth:?}"))),
        };
        Ok(samples)
    }
}

impl HeightEncoding {
    fn metres(self, [r, g, b]: [u8; 3]) -> f32 {
        let all = f64::from(u32::from_be_bytes([0, r, g, b]));
        match self {
            _ if all == 0.0 => f32::NAN,
            Self::Terrarium => (all / 256.0 - 32_768.0) as f32,
            Self::Mapbox => (all / 10.0 - 10_000.0) as f32,
        }
    }
}

fn reader(bytes: &Bytes) -> Result<png::Reader<BufReader<ByteReader>>, ReliefFault> {
    let limits = png::Limits {
        bytes: 4 * CHUNK_SAMPLES_MAX as usize,
    };
    let mut decoder = png::Decoder::new_with_limits(BufReader::new(bytes.reader()), limits);
    decoder.set_transformations(png::Transformations::EXPAND);
    let reader = decoder.read_info().map_err(|e| damaged(&e))?;
    let (color, depth) = reader.output_color_type();
    if !matches!(color, png::ColorType::Rgb | png::ColorType::Rgba) || depth != png::BitDepth::Eight
    {
        return Err(not_rgb(&format!("{color:?} with depth {depth:?}")));
    }
    Ok(reader)
}

fn not_rgb(what: &str) -> ReliefFault {
    unsupported("PNG header", what, "want red, green and blue of 8 bits")
}

fn damaged(message: &dyn std::fmt::Display) -> ReliefFault {
    ReliefFault::damaged("PNG", message)
}

/// The lattice of a tile whose path ends in z/x/y.
fn mercator(name: &str, size: [u32; 2]) -> Result<Georef, ReliefFault> {
    const WANT: &str = "z/x/y at the end of the path, or bounds";
    let [z, x, y] = zxy(name).ok_or(ReliefFault::Name(WANT))?;
    let half_m = 0.5 * WebMercator::TURN_M;
    // Samples around the world, west to east and north to south.
    let around = size.map(|n| f64::from(n) * f64::from(1u32 << z));
    let per = around.map(|n| n / WebMercator::TURN_M);
    let first = [
        (f64::from(x) * f64::from(size[0]) + 0.5) / per[0] - half_m,
        half_m - (f64::from(y) * f64::from(size[1]) + 0.5) / per[1],
    ];
    Georef::aligned(Crs::Mercator, first, [per[0], -per[1]])
}

fn zxy(name: &str) -> Option<[u32; 3]> {
    const Z_MAX: u32 = 24;
    let mut parts = name.rsplit(['/', '\\']);
    let mut number = || {
        let digits = parts.next()?.split('.').next()?;
        let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| digits.parse::<u32>().ok())?
    };
    let (y, x, z) = (number()?, number()?, number()?);
    (z <= Z_MAX && x >> z == 0 && y >> z == 0).then_some([z, x, y])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_tiles() {
        for (name, want) in [
            ("12/2048/1365.png", Some([12, 2_048, 1_365])),
            ("https/0/0/0.png", Some([0, 0, 0])),
            ("3/8/1.png", None),
            ("3/1/8@2x.png", None),
            ("25/0/0.png", None),
            ("1/0.png", None),
            ("", None),
        ] {
            assert_eq!(zxy(name), want, "{name}");
        }
    }

    #[test]
    fn colours_are_heights() {
        let terrarium = |rgb| HeightEncoding::Terrarium.metres(rgb);
        assert_eq!(terrarium([128, 0, 0]), 0.0);
        assert_eq!(terrarium([162, 144, 128]), 8_848.5);
        assert_eq!(terrarium([0, 0, 1]), -32_768.0 + 1.0 / 256.0);
        let mapbox = |rgb| HeightEncoding::Mapbox.metres(rgb);
        assert_eq!(mapbox([1, 134, 160]), 0.0);
        assert_eq!(mapbox([2, 224, 65]), 8_848.1);
        assert!(terrarium([0; 3]).is_nan() && mapbox([0; 3]).is_nan());
    }
}
