//! Tiles of the web's map: heights in colours, or the ground's.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use serde::Serialize;
use spatial_core::{Effort, MercatorTile, TileStore};

use super::super::atomic_file;
use super::{Misuse, TileArgs};
use crate::planet::makers::{Makers, Picture};
use crate::planet::print_json;

#[derive(Debug, clap::Args)]
pub(super) struct MercatorArgs {
    /// What a tile of the web's map shows; terrarium if not given
    #[arg(long, value_enum, conflicts_with_all = ["cell", "at"])]
    format: Option<Picture>,
}

/// A tile of the web's map, and what is in it.
#[derive(Serialize)]
struct Facts {
    z: u8,
    x: u32,
    y: i64,
    /// Of the pixels.
    min_m: f32,
    max_m: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<usize>,
}

/// The tile of a name: zoom, column and row.
pub(super) fn tile(name: &str) -> Result<MercatorTile, Misuse> {
    let misuse = || Misuse(format!("--mercator {name}: want Z/X/Y, as in 5/16/11"));
    let mut parts = name.split('/');
    let mut number = || parts.next()?.parse::<i64>().ok();
    let (Some(z), Some(x), Some(y), None) = (number(), number(), number(), parts.next()) else {
        return Err(misuse());
    };
    let z = u8::try_from(z).map_err(|_| misuse())?;
    MercatorTile::new(z, x, y).map_err(|e| Misuse(format!("--mercator {name}: {e}")))
}

pub(super) fn run(
    store: Arc<dyn TileStore>,
    tile: MercatorTile,
    args: &TileArgs,
    json: bool,
) -> Result<ExitCode> {
    let raster = Makers::new(store).with(|maker| -> Result<_> {
        let raster = maker.mercator(tile)?;
        let picture = args.mercator.format.unwrap_or(Picture::Terrarium);
        let png = picture.png_of(maker, &raster, Effort::Fast);
        Ok((raster, png))
    });
    let (raster, png) = raster?;
    let heights_m = || (0..raster.height()).flat_map(|row| raster.row_m(row).iter().copied());
    let facts = Facts {
        z: tile.z(),
        x: tile.x(),
        y: tile.y(),
        min_m: heights_m().fold(f32::INFINITY, f32::min),
        max_m: heights_m().fold(f32::NEG_INFINITY, f32::max),
        file: args.out.clone(),
        bytes: args.out.as_ref().map(|_| png.len()),
    };
    if let Some(out) = &args.out {
        atomic_file::write(out, &png)?;
    }
    if json {
        print_json(&facts)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Facts {
        z,
        x,
        y,
        min_m,
        max_m,
        ..
    } = facts;
    println!("{z}/{x}/{y}: {min_m:.1} to {max_m:.1} m");
    if let Some(out) = &args.out {
        println!("{}: {} bytes", out.display(), png.len());
    }
    Ok(ExitCode::SUCCESS)
}
