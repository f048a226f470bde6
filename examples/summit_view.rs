//! What is visible from a summit, and a profile through it, drawn: `summit_view [PICTURE.png]`; without an argument into the
//! directory for temporary files.
//!
//! Above, the country around Etna, shaded, seen from above: bright what can be seen from the summit, dark what cannot, rings every
//! 50 km. Below, the ground from west to east through the summit, 10 times as high as it is; yellow where it can be seen. The ground
//! is the bundled Earth's (`assets/earth-1024.pack`: NOAA ETOPO5, public domain).

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bluemarble::space::{
    DVec3, Direction, Ecef, Geodetic, PackStore, Planet, ProfilePoint, Seen, Sight, Terrain,
    Viewshed, ViewshedOptions,
};

/// Near the summit: samples are 6 to 11 km apart, so the highest ground is not just where the mountain has it.
const ETNA_DEG: (f64, f64) = (37.751, 14.993);
const RADIUS_M: f64 = 200_000.0;
const RING_M: f64 = 50_000.0;
const PIXELS: u32 = 600;
/// Of the profile, and how many metres one of them is high.
const PROFILE_PIXELS: u32 = 150;
const PROFILE_M: f64 = RADIUS_M / PIXELS as f64 * 2.0 / 10.0;
/// What is on the summit, and what it looks for, above the ground.
const EYE_M: f64 = 10.0;
const TARGET_M: f64 = 2.0;
/// What surveyors take for light.
const REFRACTION: f64 = 0.13;

fn main() -> Result<(), Box<dyn Error>> {
    let pack = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/earth-1024.pack");
    let terrain = Terrain::new(Arc::new(PackStore::open(pack)?));
    let summit = summit_near(&terrain, ETNA_DEG)?;
    let options = ViewshedOptions {
        radius_m: RADIUS_M,
        side: PIXELS,
        eye_m: EYE_M,
        target_m: TARGET_M,
        refraction: REFRACTION,
    };
    let viewshed = terrain.viewshed(summit, &options)?;
    println!(
        "{:.0} m; {:.1} % of the ground within {:.0} km is visible",
        terrain.height(summit)?,
        100.0 * viewshed.visible_part(),
        RADIUS_M / 1_000.0
    );

    let middle = Direction::from(summit);
    let east =
        |part: f64| middle.destination(90f64.to_radians(), part * Planet::EARTH.arc_rad(RADIUS_M));
    let mut profile = Vec::new();
    let step_m = 2.0 * RADIUS_M / f64::from(PIXELS);
    terrain.profile(&[east(-1.0)?, middle, east(1.0)?], step_m, &mut profile)?;
    let highest = profile
        .iter()
        .max_by(|a, b| a.height_m.total_cmp(&b.height_m));
    let highest = highest.ok_or("a profile has points")?;
    println!(
        "{} points from west to east, the highest {:.0} m after {:.1} km",
        profile.len(),
        highest.height_m,
        highest.along_m / 1_000.0
    );

    let mut pixels = draw_map(&terrain, middle, &viewshed)?;
    pixels.extend(draw_profile(&terrain, summit, &profile)?);
    let picture = std::env::args_os().nth(1).map_or_else(
        || std::env::temp_dir().join("bluemarble-summit.png"),
        PathBuf::from,
    );
    write_png(&picture, &pixels)?;
    println!("drawn to {}", picture.display());
    Ok(())
}

/// The highest of many places within 0.3° of one.
fn summit_near(terrain: &Terrain, (lat, lon): (f64, f64)) -> Result<Geodetic, Box<dyn Error>> {
    let part = |k: u32| 0.01 * (f64::from(k) - 30.0);
    let places: Result<Vec<_>, _> = (0..61 * 61)
        .map(|k| Geodetic::from_degrees(lat + part(k / 61), lon + part(k % 61), 0.0))
        .collect();
    let places = places?;
    let mut heights_m = vec![0.0; places.len()];
    terrain.heights(&places, &mut heights_m)?;
    let both = places.into_iter().zip(heights_m);
    let highest = both.max_by(|a, b| a.1.total_cmp(&b.1));
    Ok(highest.ok_or("there are places")?.0)
}

/// The country from above, north up, a pixel for each cell of the viewshed.
fn draw_map(
    terrain: &Terrain,
    middle: Direction,
    viewshed: &Viewshed,
) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut pixels = Vec::new();
    let along = |k: u32| f64::from(2 * k + 1) - f64::from(PIXELS);
    for (k, seen) in (0..PIXELS * PIXELS).zip(viewshed.seen()) {
        let (east, north) = (along(k % PIXELS), -along(k / PIXELS));
        let distance_m = 0.5 * viewshed.step_m() * east.hypot(north);
        if *seen == Seen::Outside {
            pixels.extend_from_slice(&[16, 16, 24]);
            continue;
        }
        let place = middle.destination(east.atan2(north), Planet::EARTH.arc_rad(distance_m))?;
        let ground = terrain.ground(place.geodetic(0.0)?)?;
        // Light from the north-west, half-way up.
        let (east, up) = (DVec3::Z.cross(place.to_vec()).normalize(), place.to_vec());
        let light = (up.cross(east) - east + up * 1.2)
            .normalize()
            .dot(ground.normal);
        let is_ring =
            (distance_m / RING_M).fract() < viewshed.step_m() / RING_M && distance_m > RING_M / 2.0;
        let bright = match seen {
            _ if is_ring => 0.25,
            Seen::Visible => 1.15,
            _ => 0.55,
        };
        let shade = bright * (0.25 + light.max(0.0));
        let color = ground_color(ground.height_m).map(|channel| (channel * shade).min(255.0) as u8);
        pixels.extend_from_slice(&color);
    }
    Ok(pixels)
}

/// The profile from west to east, above the datum; the column of the summit is marked.
fn draw_profile(
    terrain: &Terrain,
    summit: Geodetic,
    profile: &[ProfilePoint],
) -> Result<Vec<u8>, Box<dyn Error>> {
    let above = |place: Ecef, height_m: f64| {
        let p = place.to_vec();
        let [x, y, z] = (p + p.normalize() * height_m).to_array();
        Ecef::new(x, y, z)
    };
    let ground = Planet::EARTH.ecef(summit).to_vec().normalize()
        * (Planet::EARTH.radius_m() + terrain.height(summit)?);
    let eye = above(Ecef::new(ground.x, ground.y, ground.z)?, EYE_M)?;
    let mut columns = Vec::new();
    for column in 0..PIXELS as usize {
        let point = &profile[column * (profile.len() - 1) / (PIXELS as usize - 1)];
        let sight = terrain.sight(eye, above(point.place, TARGET_M)?, REFRACTION)?;
        columns.push((point.height_m, sight == Sight::Clear));
    }
    let mut pixels = Vec::new();
    for row in 0..PROFILE_PIXELS {
        let height_m = f64::from(PROFILE_PIXELS - row) * PROFILE_M;
        for (column, (ground_m, is_seen)) in (0..).zip(&columns) {
            let depth_m = ground_m - height_m;
            pixels.extend_from_slice(&match column {
                _ if depth_m < 0.0 && column == PIXELS / 2 => [200, 60, 50],
                _ if depth_m < 0.0 => [196, 214, 230],
                _ if depth_m < 3.0 * PROFILE_M && *is_seen => [250, 210, 60],
                _ => [92, 84, 76],
            });
        }
    }
    Ok(pixels)
}

/// Blue below the datum; green, brown and white above.
fn ground_color(height_m: f64) -> [f64; 3] {
    let blend = |a: [f64; 3], b: [f64; 3], t: f64| {
        [0, 1, 2].map(|n| a[n] + (b[n] - a[n]) * t.clamp(0.0, 1.0))
    };
    let (green, brown) = ([110.0, 160.0, 96.0], [168.0, 144.0, 110.0]);
    match height_m {
        h if h < 0.0 => [70.0, 120.0, 180.0],
        h if h < 1_200.0 => blend(green, brown, h / 1_200.0),
        h => blend(brown, [245.0, 248.0, 252.0], (h - 1_200.0) / 2_000.0),
    }
}

fn write_png(path: &Path, rgb: &[u8]) -> Result<(), Box<dyn Error>> {
    let file = BufWriter::new(File::create(path)?);
    let mut encoder = png::Encoder::new(file, PIXELS, PIXELS + PROFILE_PIXELS);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header()?.write_image_data(rgb)?;
    Ok(())
}
