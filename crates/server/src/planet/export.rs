//! `planet export`: a planet's heights, or a pyramid of map tiles, for other programs.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;
use spatial_core::MercatorTile;

use super::info::extremes;
use super::makers::{Makers, Picture};
use super::{geotiff, open_to_write, pmtiles, print_json};

/// Zooms of a pyramid, as the command line takes them.
const ZOOM_MAX: i64 = MercatorTile::Z_MAX as i64;

#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// The planet: a folder or a pack
    planet: PathBuf,
    /// What to write; without it what the file's name says: .pmtiles or .tif
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The part of the planet to write, degrees; west may be greater than east, over the antimeridian. Without it all
    #[arg(long, num_args = 4, value_names = ["SOUTH", "WEST", "NORTH", "EAST"], allow_negative_numbers = true)]
    bounds: Option<Vec<f64>>,
    /// PMTiles: what tiles show
    #[arg(long, value_enum)]
    picture: Option<Picture>,
    /// PMTiles: the coarsest zoom, 0 if not given
    #[arg(long, value_name = "Z", value_parser = clap::value_parser!(u8).range(0..=ZOOM_MAX))]
    min_zoom: Option<u8>,
    /// PMTiles: the finest zoom; if not given the one whose pixels are as fine as the planet's samples
    #[arg(long, value_name = "Z", value_parser = clap::value_parser!(u8).range(0..=ZOOM_MAX))]
    max_zoom: Option<u8>,
    /// PMTiles: how much time compression may take; fast if not given
    #[arg(long, value_enum)]
    effort: Option<pmtiles::PngEffort>,
    /// GeoTIFF: degrees from sample to sample; if not given as fine as the planet's samples
    #[arg(long, value_name = "DEGREES")]
    step: Option<f64>,
    /// GeoTIFF: how a height is stored; if not given whole metres where the planet's are, else f32
    #[arg(long, value_enum)]
    sample: Option<geotiff::Sample>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// A file for other programs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// A pyramid of PNGs in Web Mercator (PMTiles 3)
    Pmtiles,
    /// Heights by latitude and longitude (GeoTIFF, EPSG:4326)
    Geotiff,
}

/// A part of a planet.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub(super) struct Bounds {
    pub(super) south: f64,
    pub(super) west: f64,
    pub(super) north: f64,
    pub(super) east: f64, // less than west over the antimeridian
}

impl Bounds {
    const ALL: Self = Self {
        south: -90.0,
        west: -180.0,
        north: 90.0,
        east: 180.0,
    };

    fn new(given: &[f64]) -> Result<Self, String> {
        let [south, west, north, east] = *given else {
            return Err("--bounds: want south, west, north and east".to_owned());
        };
        let is_lat = |lat: f64| (-90.0..=90.0).contains(&lat);
        let is_lon = |lon: f64| (-180.0..=180.0).contains(&lon);
        if !is_lat(south) || !is_lat(north) || !is_lon(west) || !is_lon(east) {
            return Err(format!(
                "--bounds {south} {west} {north} {east}: want latitudes within ±90 and longitudes within ±180 degrees"
            ));
        }
        // Both ends of the map are one meridian; only from its left to its right it is all around.
        let is_around = west == -180.0 && east == 180.0;
        if south >= north || (!is_around && (east - west) % 360.0 == 0.0) {
            return Err(format!(
                "--bounds {south} {west} {north} {east}: nothing lies between them; want south, west, north, east"
            ));
        }
        Ok(Self {
            south,
            west: if west == 180.0 { -180.0 } else { west },
            north,
            east: if east == -180.0 { 180.0 } else { east },
        })
    }

    /// Degrees from west to east.
    pub(super) fn width_deg(&self) -> f64 {
        match self.east > self.west {
            true => self.east - self.west,
            false => self.east - self.west + 360.0,
        }
    }
}

/// Arguments that make no sense, and why.
pub(super) type Misuse = String;

pub(super) fn run(args: &ExportArgs, json: bool) -> Result<ExitCode> {
    let (format, bounds) = match (args.format(), args.bounds()) {
        (Ok(format), Ok(bounds)) => (format, bounds),
        (Err(why), _) | (_, Err(why)) => return Ok(misused(&why)),
    };
    let makers = Makers::new(open_to_write(&args.planet, &args.out)?);
    match format {
        Format::Pmtiles => {
            let zooms = (args.min_zoom.unwrap_or(0), args.max_zoom);
            let picture = args.picture.unwrap_or(Picture::Terrarium);
            let effort = args.effort.unwrap_or(pmtiles::PngEffort::Fast);
            match pmtiles::Pyramid::new(&makers, bounds, zooms, picture, effort) {
                Ok(pyramid) => report(&pyramid.write(&args.out)?, json),
                Err(why) => Ok(misused(&why)),
            }
        }
        Format::Geotiff => {
            let extremes = extremes(makers.store())?;
            match geotiff::Raster::new(&makers, bounds, args.step, args.sample, extremes) {
                Ok(raster) => report(&raster.write(&args.out)?, json),
                Err(why) => Ok(misused(&why)),
            }
        }
    }
}

impl ExportArgs {
    /// The format, and nothing that belongs to the other one.
    fn format(&self) -> Result<Format, Misuse> {
        let of_name = || {
            let extension = self.out.extension()?.to_str()?.to_ascii_lowercase();
            match extension.as_str() {
                "pmtiles" => Some(Format::Pmtiles),
                "tif" | "tiff" => Some(Format::Geotiff),
                _ => None,
            }
        };
        let format = self.format.or_else(of_name).ok_or_else(|| {
            format!(
                "{}: its name does not say what to write; state --format",
                self.out.display()
            )
        })?;
        let of_pyramids = [
            ("picture", self.picture.is_some()),
            ("min-zoom", self.min_zoom.is_some()),
            ("max-zoom", self.max_zoom.is_some()),
            ("effort", self.effort.is_some()),
        ];
        let of_rasters = [
            ("step", self.step.is_some()),
            ("sample", self.sample.is_some()),
        ];
        let strange = match format {
            Format::Pmtiles => of_rasters.iter().find(|(_, is_given)| *is_given),
            Format::Geotiff => of_pyramids.iter().find(|(_, is_given)| *is_given),
        };
        match strange {
            Some((option, _)) => Err(format!("--{option} says nothing of this format")),
            None => Ok(format),
        }
    }

    fn bounds(&self) -> Result<Bounds, Misuse> {
        self.bounds.as_deref().map_or(Ok(Bounds::ALL), Bounds::new)
    }
}

fn misused(why: &str) -> ExitCode {
    eprintln!("error: {why}");
    ExitCode::from(2)
}

fn report(report: &(impl Serialize + std::fmt::Display), json: bool) -> Result<ExitCode> {
    if json {
        print_json(report)?;
    } else {
        println!("{report}");
    }
    Ok(ExitCode::SUCCESS)
}
