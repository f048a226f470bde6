//! Opening a file of heights, whatever its format.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use glam::DVec3;

use super::bytes::Bytes;
use super::cache::ChunkCache;
use super::error::{ReliefError, ReliefFault};
use super::georef::Georef;
use super::layer::{Layer, Part};
use super::picture::{self, PictureGrid};
use super::plane::{Places, Plane, bounds_of};
use super::raster::{Numbered, Raster, Reader};
use super::raw::{self, RawGrid};
use super::{CACHE_BYTES, Relief, ReliefSample, geotiff, hgt};
use crate::region::LatLngRect;

/// What a file does not say of itself.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ReliefOptions {
    /// The form of a raw grid, instead of that in its side file.
    pub grid: Option<RawGrid>,
    /// What a PNG means and where it lies, instead of what its side file says.
    pub picture: Option<PictureGrid>,
    /// The EPSG code of the coordinate system of a GeoTIFF that names none.
    pub epsg: Option<u32>,
    /// Bytes that a grid compressed as a whole may have, which is held in memory; without it, and at most,
    /// [`ReliefOptions::INFLATED_BYTES_MAX`].
    pub inflated_bytes_max: Option<u64>,
}

impl ReliefOptions {
    /// More bytes of a compressed grid are not held.
    pub const INFLATED_BYTES_MAX: u64 = 512 << 20;
}

/// One file of heights.
///
/// Its samples are decoded when they are asked for. Between four samples the height is bilinear; half a step beyond the
/// outer ones it is that of the nearest. Where one of the four is void there is no height: a [`Mosaic`](super::Mosaic) fills.
pub struct ReliefSource {
    part: Part,
    bounds: LatLngRect,
    alone: OnceLock<(Layer, ChunkCache<u64>)>,
}

/// Opens a file of heights; its content, and where that does not tell its name, says what it is. Raw grids and pictures are
/// explained by a [`side_file`], unless the options do.
///
/// # Errors
/// [`ReliefError`] for a file that cannot be read, is damaged, or is of a kind that is not read.
pub fn open_relief(path: &Path, options: &ReliefOptions) -> Result<ReliefSource, ReliefError> {
    let name = path.display().to_string();
    let side = || read_side_file(path);
    let bytes = Bytes::File(path.to_owned());
    open(&name, bytes, options, side).map_err(|fault| fault.of(&name))
}

impl ReliefSource {
    /// The same from memory; `name` stands for the path, and there is no side file.
    ///
    /// # Errors
    /// Those of [`open_relief`].
    pub fn from_bytes(
        name: &str,
        bytes: Vec<u8>,
        options: &ReliefOptions,
    ) -> Result<Self, ReliefError> {
        let bytes = Bytes::Memory(Arc::new(bytes));
        open(name, bytes, options, || Ok(None)).map_err(|fault| fault.of(name))
    }

    /// Columns and rows.
    pub fn size(&self) -> [u32; 2] {
        let shape = &self.part.raster.shape;
        [shape.width, shape.height]
    }

    /// Bytes of memory that it holds for as long as it lives: those of a grid that was compressed as a whole.
    pub fn held_bytes(&self) -> u64 {
        self.part.raster.raster.held_bytes()
    }

    pub(super) fn part(&self) -> &Part {
        &self.part
    }

    fn alone(&self) -> &(Layer, ChunkCache<u64>) {
        self.alone.get_or_init(|| {
            let plane = Plane::new(self.part.georef.crs, Some(&self.bounds));
            let layer = Layer::new(vec![self.part.clone()], plane);
            (layer, ChunkCache::new(CACHE_BYTES))
        })
    }
}

impl Relief for ReliefSource {
    fn name(&self) -> &str {
        &self.part.raster.name
    }

    fn bounds(&self) -> LatLngRect {
        self.bounds
    }

    fn spacing_m(&self) -> f64 {
        spacing_m(&self.part.georef, &self.bounds)
    }

    fn samples(
        &self,
        at: &[DVec3],
        out: &mut Vec<Option<ReliefSample>>,
    ) -> Result<(), ReliefError> {
        let (layer, cache) = self.alone();
        let mut reader = Reader::new(cache);
        let (mut places, mut last) = (Places::default(), 0);
        for some in at.chunks(super::BATCH) {
            places.of(some);
            for n in 0..some.len() {
                let place = layer.plane.place(&places, n);
                let height_m = match layer.find(place, &mut last) {
                    Some(spot) => match layer.height_m(spot, &mut reader)? {
                        Some(height_m) => Some(height_m),
                        None => layer
                            .careful_height_m(spot, &mut reader, &mut |_| Ok(None))?
                            .map(|(height_m, _)| height_m),
                    },
                    None => None,
                };
                out.push(height_m.map(|height_m| ReliefSample {
                    height_m,
                    is_filled: false,
                }));
            }
        }
        Ok(())
    }
}

/// The shorter of the steps from a sample to its neighbours in the middle of a box, metres on the Earth.
pub(super) fn spacing_m(georef: &Georef, bounds: &LatLngRect) -> f64 {
    let [east, north] = georef.spacing();
    let [south_rad, north_rad] = bounds.lat_rad();
    let cos = libm::cos(0.5 * (south_rad + north_rad)).max(1e-3);
    let shorter = match georef.crs {
        super::georef::Crs::Degrees => (east * cos).min(north),
        super::georef::Crs::Utm(_) => east.min(north),
        super::georef::Crs::Mercator => east.min(north) * cos,
    };
    georef.crs.unit_m() * shorter
}

fn open(
    name: &str,
    bytes: Bytes,
    options: &ReliefOptions,
    side: impl FnOnce() -> Result<Option<String>, ReliefFault>,
) -> Result<ReliefSource, ReliefFault> {
    let (raster, georef) = read(name, bytes, options, side)?;
    let shape = raster.shape();
    let size = [shape.width, shape.height];
    georef.check_size(size)?;
    let off_the_map = ReliefFault::Unsupported {
        place: "georeference".into(),
        what: "a corner lies outside the map's valid area".into(),
        advice: "cut it, or convert it with `gdalwarp -t_srs EPSG:4326`",
    };
    let bounds = bounds_of(&georef, size).ok_or(off_the_map)?;
    let raster = Arc::new(Numbered {
        number: 0,
        name: name.into(),
        raster: raster.into(),
        shape,
    });
    Ok(ReliefSource {
        part: Part { raster, georef },
        bounds,
        alone: OnceLock::new(),
    })
}

fn read(
    name: &str,
    bytes: Bytes,
    options: &ReliefOptions,
    side: impl FnOnce() -> Result<Option<String>, ReliefFault>,
) -> Result<(Box<dyn Raster>, Georef), ReliefFault> {
    let lower = name.to_ascii_lowercase();
    let first = bytes.first(4)?;
    match &first[..] {
        b"PK\x03\x04" => return hgt::open_zip(name, bytes),
        first if geotiff::is_tiff(first) => return geotiff::open(bytes, options.epsg),
        first if picture::is_png(first) => {
            let side = || {
                side()?
                    .map(|text| PictureGrid::from_side_file(&text))
                    .transpose()
            };
            let grid = options.picture.map_or_else(side, |grid| Ok(Some(grid)))?;
            return picture::open(name, bytes, grid);
        }
        _ if lower.ends_with(".hgt") => return hgt::open(name, bytes),
        _ => {}
    }
    let inflated_max = options.inflated_bytes_max;
    let inflated_max = inflated_max.unwrap_or(ReliefOptions::INFLATED_BYTES_MAX);
    let grid = match (&options.grid, side()?) {
        (Some(grid), _) => Some(grid.clone()),
        (None, Some(text)) => Some(RawGrid::from_side_file(&text)?),
        (None, None) => None,
    };
    match grid {
        Some(grid) => raw::open(name, bytes, &grid, inflated_max),
        None if [".raw", ".zst", ".bin", ".i16"]
            .iter()
            .any(|end| lower.ends_with(end)) =>
        {
            raw::open_planet(name, bytes, inflated_max)
        }
        None => Err(ReliefFault::UnknownFormat),
    }
}

/// The file beside a file of heights that says what the latter means, if it is there: the same name, without `.zst`,
/// ending in `json` or `toml`. Which formats ask for one is told at [`open_relief`].
pub fn side_file(path: &Path) -> Option<PathBuf> {
    let plain = match path.extension() {
        Some(end) if end == "zst" => path.with_extension(""),
        _ => path.to_owned(),
    };
    ["json", "toml"]
        .map(|end| plain.with_extension(end))
        .into_iter()
        .find(|side| side != path && side.is_file())
}

fn read_side_file(path: &Path) -> Result<Option<String>, ReliefFault> {
    const BYTES_MAX: u64 = 1 << 16;
    let Some(side) = side_file(path) else {
        return Ok(None);
    };
    let text = Bytes::File(side).first(BYTES_MAX + 1)?;
    if text.len() as u64 > BYTES_MAX {
        return Err(ReliefFault::damaged("side file", &"longer than 64 KiB"));
    }
    let text = String::from_utf8(text).map_err(|e| ReliefFault::damaged("side file", &e))?;
    Ok(Some(text))
}
