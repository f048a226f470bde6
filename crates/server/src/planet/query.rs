//! `planet query`: what the ground is like at points.

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use serde::Serialize;
use spatial_core::{DVec3, Geodetic, Terrain, face_st};

use super::{open, print_json};

#[derive(Debug, clap::Args)]
pub struct QueryArgs {
    /// The planet: a folder or a pack
    planet: PathBuf,
    /// Latitude and longitude of each point, degrees
    #[arg(value_name = "LAT LON", required = true, num_args = 2.., allow_negative_numbers = true)]
    points: Vec<f64>,
}

#[derive(Serialize)]
struct Answer {
    lat_deg: f64,
    lon_deg: f64,
    height_m: f64,
    slope_deg: f64,
    /// The way down the slope, degrees clockwise from north; none on level ground.
    aspect_deg: Option<f64>,
    /// Upwards from the ground, planet-centred, of length 1.
    normal: [f64; 3],
    biome: &'static str,
    water_depth_m: f64,
    tile: String,
}

pub(super) fn run(args: &QueryArgs, json: bool) -> Result<ExitCode> {
    let places = match places(&args.points) {
        Ok(places) => places,
        Err(misuse) => {
            eprintln!("error: {misuse}");
            return Ok(ExitCode::from(2));
        }
    };
    let store = open(&args.planet)?;
    let terrain = Terrain::new(Arc::clone(&store));
    for (place, given) in places.iter().zip(args.points.chunks_exact(2)) {
        let (face, s, t) = face_st(place.direction());
        let finest = store.nodes().finest(face, s, t)?;
        let ground = terrain.ground(*place)?;
        let slope = Slope::of(*place, ground.normal);
        let answer = Answer {
            lat_deg: given[0],
            lon_deg: given[1],
            height_m: ground.height_m,
            slope_deg: slope.steepness_deg,
            aspect_deg: slope.aspect_deg,
            normal: ground.normal.to_array(),
            biome: ground.biome.name(),
            water_depth_m: ground.water_depth_m,
            tile: store.cells()[finest.slot as usize].token(),
        };
        if json {
            print_json(&answer)?;
        } else {
            println!("{answer}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lat, lon, height_m) = (self.lat_deg, self.lon_deg, self.height_m);
        write!(
            f,
            "{lat} {lon} {height_m:.3} m, slope {:.1}°",
            self.slope_deg
        )?;
        if let Some(aspect_deg) = self.aspect_deg {
            write!(f, " towards {aspect_deg:.0}°")?;
        }
        write!(f, ", {}", self.biome)?;
        if self.water_depth_m > 0.0 {
            write!(f, " {:.3} m deep", self.water_depth_m)?;
        }
        write!(f, ", tile {}", self.tile)
    }
}

/// How steep the ground is, and which way it falls.
struct Slope {
    steepness_deg: f64,
    aspect_deg: Option<f64>,
}

impl Slope {
    fn of(place: Geodetic, normal: DVec3) -> Self {
        let up = place.direction();
        let (sin_lon, cos_lon) = place.lon_rad().sin_cos();
        let east = DVec3::new(-sin_lon, cos_lon, 0.0);
        let (to_east, to_north) = (normal.dot(east), normal.dot(up.cross(east)));
        let across = to_east.hypot(to_north);
        let aspect_deg = to_east.atan2(to_north).to_degrees().rem_euclid(360.0);
        Self {
            steepness_deg: across.atan2(normal.dot(up)).to_degrees(),
            // Less is rounding.
            aspect_deg: (across > 1e-9).then_some(aspect_deg),
        }
    }
}

fn places(points: &[f64]) -> Result<Vec<Geodetic>, String> {
    if !points.len().is_multiple_of(2) {
        return Err("the last latitude has no longitude".to_owned());
    }
    points
        .chunks_exact(2)
        .map(|p| Geodetic::from_degrees(p[0], p[1], 0.0).map_err(|e| e.to_string()))
        .collect()
}
