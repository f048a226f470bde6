//! A pyramid of map tiles in one file (PMTiles 3).

use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;
use pmtiles::{PYRAMID_SIZE_BY_ZOOM, PmTilesWriter, TileCoord, TileId, TileType};
use rayon::prelude::*;
use serde::Serialize;
use spatial_core::{Effort, MercatorTile};

use super::atomic_file::AtomicFile;
use super::export::{Bounds, Misuse};
use super::makers::{Makers, Picture};
use super::progress;

/// Tiles that are drawn at a time: 20 MB or so.
const CHUNK_TILES: usize = 64;
/// More tiles take more memory than a command may: their directory is 24 bytes each, and what finds equal ones some 40 more. Both
/// grow by doubling, so of so many it is about a gigabyte.
const TILES_MAX: u64 = 10_000_000;

/// The tiles of some zooms that have anything of a part of a planet.
pub(super) struct Pyramid<'a> {
    makers: &'a Makers,
    bounds: Bounds,
    zooms: RangeInclusive<u8>,
    picture: Picture,
    effort: PngEffort,
}

/// How much time PNGs may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum PngEffort {
    /// Drawing takes longer than compression
    Fast,
    /// Smaller files in some ten times the time
    Small,
}

impl From<PngEffort> for Effort {
    fn from(effort: PngEffort) -> Self {
        match effort {
            PngEffort::Fast => Self::Fast,
            PngEffort::Small => Self::Small,
        }
    }
}

/// What was written.
#[derive(Serialize)]
pub(super) struct Report {
    pyramid: PathBuf,
    picture: &'static str,
    zooms: [u8; 2],
    tiles: u64,
    bytes: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [from, to] = self.zooms;
        write!(
            f,
            "{}: zooms {from} to {to}, {} tiles, {} bytes",
            self.pyramid.display(),
            self.tiles,
            self.bytes
        )
    }
}

impl<'a> Pyramid<'a> {
    /// From the coarsest zoom to the finest, or to the planet's own.
    ///
    /// # Errors
    /// When there are no such zooms, or too many tiles.
    pub(super) fn new(
        makers: &'a Makers,
        bounds: Bounds,
        (coarsest, finest): (u8, Option<u8>),
        picture: Picture,
        effort: PngEffort,
    ) -> Result<Self, Misuse> {
        if bounds.south >= MercatorTile::LAT_MAX_DEG || bounds.north <= -MercatorTile::LAT_MAX_DEG {
            return Err(format!(
                "--bounds {} {} {} {}: the web's map ends at ±{:.2} degrees of latitude",
                bounds.south,
                bounds.west,
                bounds.north,
                bounds.east,
                MercatorTile::LAT_MAX_DEG
            ));
        }
        let own = || makers.with(|maker| maker.finest_zoom()).max(coarsest);
        let finest = finest.unwrap_or_else(own);
        if coarsest > finest {
            return Err(format!(
                "--min-zoom {coarsest} is beyond --max-zoom {finest}"
            ));
        }
        let pyramid = Self {
            makers,
            bounds,
            zooms: coarsest..=finest,
            picture,
            effort,
        };
        match pyramid.count() {
            tiles if tiles > TILES_MAX => Err(format!(
                "{tiles} tiles are more than {TILES_MAX}; choose --bounds or a smaller --max-zoom"
            )),
            _ => Ok(pyramid),
        }
    }

    /// Writes all tiles, or leaves what was there.
    pub(super) fn write(&self, path: &Path) -> Result<Report> {
        let out = AtomicFile::create(path)?;
        let named = || path.display().to_string();
        self.write_to(&out).with_context(named)?;
        let bytes = out.file()?.metadata().with_context(named)?.len();
        out.publish()?;
        Ok(Report {
            pyramid: path.to_owned(),
            picture: self.picture.name(),
            zooms: [*self.zooms.start(), *self.zooms.end()],
            tiles: self.count(),
            bytes,
        })
    }

    fn write_to(&self, out: &AtomicFile) -> Result<()> {
        let mut writer = self.builder()?.create(out.file()?)?;
        let bar = progress(usize::try_from(self.count())?, "drawing");
        let mut chunk = Vec::with_capacity(CHUNK_TILES);
        let mut tiles = self.zooms.clone().flat_map(|z| self.tiles(z));
        loop {
            chunk.clear();
            chunk.extend(tiles.by_ref().take(CHUNK_TILES));
            if chunk.is_empty() {
                break;
            }
            let drawn: Result<Vec<Vec<u8>>> = chunk.par_iter().map(|t| self.png(*t)).collect();
            for (tile, png) in chunk.iter().zip(drawn?) {
                writer.add_tile(*tile, &png)?;
            }
            bar.inc(chunk.len() as u64);
        }
        writer.finalize()?;
        bar.finish_and_clear();
        Ok(())
    }

    fn png(&self, tile: TileCoord) -> Result<Vec<u8>> {
        let tile = MercatorTile::new(tile.z(), i64::from(tile.x()), i64::from(tile.y()))?;
        let drawn = |maker: &mut _| self.picture.png(maker, tile, self.effort.into());
        Ok(self.makers.with(drawn)?)
    }

    fn builder(&self) -> Result<PmTilesWriter> {
        let store = self.makers.store();
        let bounds = self.mercator_bounds();
        let middle = [bounds.south + bounds.north, bounds.west + bounds.east].map(|sum| sum / 2.0);
        let mut metadata = serde_json::json!({
            "name": format!("{}, {}", store.manifest().sources(), self.picture.name()),
            "attribution": format!("{} ({})", store.manifest().sources(), store.manifest().licence()),
            "type": "baselayer",
            "format": "png",
            "tileSize": MercatorTile::SIDE,
        });
        if self.picture == Picture::Terrarium {
            metadata["encoding"] = "terrarium".into();
        }
        Ok(PmTilesWriter::new(TileType::Png)
            .min_zoom(*self.zooms.start())
            .max_zoom(*self.zooms.end())
            .bounds(bounds.west, bounds.south, bounds.east, bounds.north)
            .center(middle[1], middle[0])
            .center_zoom(*self.zooms.start())
            .metadata(serde_json::to_string(&metadata)?))
    }

    /// The part of the map, in the words of the format: what goes over the antimeridian reaches around the planet.
    fn mercator_bounds(&self) -> Bounds {
        let lat_max = MercatorTile::LAT_MAX_DEG;
        let is_split = self.bounds.east < self.bounds.west;
        Bounds {
            south: self.bounds.south.clamp(-lat_max, lat_max),
            north: self.bounds.north.clamp(-lat_max, lat_max),
            west: if is_split { -180.0 } else { self.bounds.west },
            east: if is_split { 180.0 } else { self.bounds.east },
        }
    }

    /// How many tiles there are.
    fn count(&self) -> u64 {
        let of = |z: u8| {
            let (columns, rows) = self.reach(z);
            let rows = u64::from(rows.end() - rows.start()) + 1;
            let columns = columns.iter().flatten();
            columns
                .map(|c| rows * (u64::from(c.end() - c.start()) + 1))
                .sum::<u64>()
        };
        self.zooms.clone().map(of).sum()
    }

    /// Columns, of one or two ranges, and rows of a zoom's tiles.
    fn reach(&self, z: u8) -> ([Option<RangeInclusive<u32>>; 2], RangeInclusive<u32>) {
        let (side, last) = (f64::from(1u32 << z), (1u32 << z) - 1);
        let column = |lon: f64| ((lon + 180.0) / 360.0 * side) as u32; // saturates
        // What ends on a border has nothing of the tile beyond.
        let last_column = |lon: f64| {
            (((lon + 180.0) / 360.0 * side).ceil() as u32)
                .saturating_sub(1)
                .min(last)
        };
        let along = |lat: f64| {
            let place = MercatorTile::place_on_map(lat, 0.0);
            place.expect("bounds are latitudes").1 * side
        };
        let north = (along(self.bounds.north) as u32).min(last);
        let south = (along(self.bounds.south).ceil() as u32)
            .saturating_sub(1)
            .min(last);
        let (west, east) = (
            column(self.bounds.west).min(last),
            last_column(self.bounds.east),
        );
        let columns = match self.bounds.east > self.bounds.west {
            true => [Some(west..=east.max(west)), None],
            false if east >= west => [Some(0..=last), None],
            false => [Some(0..=east), Some(west..=last)],
        };
        (columns, north..=south.max(north))
    }

    /// A zoom's tiles in the order of their ids: along the Hilbert curve, down from the whole map where there is anything.
    fn tiles(&self, z: u8) -> impl Iterator<Item = TileCoord> {
        let mut open = vec![(0u8, 0u64)]; // zoom, and place on the curve
        let reaches: Vec<_> = (0..=z).map(|z| self.reach(z)).collect();
        std::iter::from_fn(move || {
            while let Some((zoom, place)) = open.pop() {
                let id = PYRAMID_SIZE_BY_ZOOM[usize::from(zoom)] + place;
                let tile = TileCoord::from(TileId::new(id).ok()?);
                let (columns, rows) = &reaches[usize::from(zoom)];
                let is_column = columns.iter().flatten().any(|c| c.contains(&tile.x()));
                if !is_column || !rows.contains(&tile.y()) {
                    continue;
                }
                if zoom == z {
                    return Some(tile);
                }
                // A square's quarters follow each other on the curve; the first is to come off the stack first.
                open.extend((0..4).rev().map(|k| (zoom + 1, 4 * place + k)));
            }
            None
        })
    }
}
