//! The bundled Earth on three maps: the whole globe with true areas, the globe from far away, the country around a pole. One
//! maker draws them all, a pixel at a time from the level of the relief that suits it.
//!
//! ```sh
//! cargo run --release --example earth_maps -- pictures 1200      # a folder, and pixels of a side
//! ```

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use bluemarble::space::{
    Effort, Ellipsoid, Hemisphere, MapGrid, MapMaker, MapWindow, Mollweide, Orthographic,
    PackStore, Planet, PolarStereographic, Projection, TileStore, encode_png,
};

/// Of the pictures, if nobody says otherwise.
const PIXELS: u32 = 480;
const EARTH: Planet = Planet::EARTH;

/// A map, and how far it reaches to the right and upwards from its middle.
struct Map {
    name: &'static str,
    projection: Box<dyn Projection + Sync>,
    reach_m: (f64, f64),
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = arguments
        .next()
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let pixels = match arguments.next() {
        Some(pixels) => pixels.to_string_lossy().parse::<u32>()?.clamp(16, 8_192),
        None => PIXELS,
    };
    let pack = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/earth-1024.pack");
    let store = Arc::new(PackStore::open(pack)?);
    println!("{}", store.manifest().sources());
    let mut maker = MapMaker::new(store);
    for map in maps()? {
        let picture = folder.join(format!("bluemarble-{}.png", map.name));
        std::fs::write(&picture, draw(&mut maker, &map, pixels)?)?;
        println!("drawn to {}", picture.display());
    }
    Ok(())
}

fn maps() -> Result<[Map; 3], Box<dyn Error>> {
    let (radius_m, globe) = (EARTH.radius_m(), Ellipsoid::sphere(EARTH));
    // Of the stereographic map: twice the tangent of half the angle.
    let to_45_south_m = 2.0 * radius_m * 22.5f64.to_radians().tan();
    Ok([
        Map {
            name: "mollweide",
            projection: Box::new(Mollweide::new(EARTH, 10.0)?),
            reach_m: (2.0 * 2f64.sqrt() * radius_m, 2f64.sqrt() * radius_m),
        },
        Map {
            name: "orthographic",
            projection: Box::new(Orthographic::new(globe, 15.0, 75.0)?),
            reach_m: (radius_m, radius_m),
        },
        Map {
            name: "antarctic",
            projection: Box::new(PolarStereographic::with_scale(
                globe,
                Hemisphere::South,
                0.0,
                1.0,
            )?),
            reach_m: (to_45_south_m, to_45_south_m),
        },
    ])
}

/// A PNG that is as many pixels wide; what is no place is transparent.
fn draw(maker: &mut MapMaker, map: &Map, width: u32) -> Result<Vec<u8>, Box<dyn Error>> {
    let (right_m, up_m) = map.reach_m;
    let height = (f64::from(width) * up_m / right_m).round() as u32;
    let pixel_m = 2.0 * right_m / f64::from(width);
    let grid = MapGrid::new(&*map.projection, (-right_m, up_m), (pixel_m, pixel_m));
    let window = MapWindow {
        column: 0,
        row: 0,
        width,
        height,
    };
    let raster = maker.raster(&grid, window)?;
    let colours = raster.shaded([0; 3]);
    let heights_m = (0..raster.height()).flat_map(|row| raster.row_m(row));
    let mut pixels = Vec::with_capacity(4 * (width * height) as usize);
    let (mut highest_m, mut lowest_m) = (f32::MIN, f32::MAX);
    for (colour, height_m) in colours.chunks_exact(3).zip(heights_m) {
        pixels.extend_from_slice(colour);
        pixels.push(if height_m.is_nan() { 0 } else { 255 });
        // The one that is a number, where the other is none.
        (highest_m, lowest_m) = (highest_m.max(*height_m), lowest_m.min(*height_m));
    }
    println!("{}: from {lowest_m:.0} m to {highest_m:.0} m", map.name);
    Ok(encode_png((width, height), &pixels, Effort::Small))
}
