//! `planet query`: the height of the ground at points.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use serde::Serialize;
use spatial_core::{Geodetic, Terrain};

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
    let lattice = *store.manifest().lattice();
    let terrain = Terrain::new(store);
    for (place, given) in places.iter().zip(args.points.chunks_exact(2)) {
        let answer = Answer {
            lat_deg: given[0],
            lon_deg: given[1],
            height_m: terrain.height(*place)?,
            tile: lattice.tile_at(place.direction()).token(),
        };
        if json {
            print_json(&answer)?;
        } else {
            println!(
                "{} {} {:.3} m, tile {}",
                answer.lat_deg, answer.lon_deg, answer.height_m, answer.tile
            );
        }
    }
    Ok(ExitCode::SUCCESS)
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
