//! A covering, drawn as a map: which cells hold the surroundings of a town, over the relief of the Earth
//! (`assets/earth-1024.pack`: NOAA ETOPO5, public domain).
//!
//! Red: the circle. Black: the cells that contain it. Yellow and bright: the cells that it contains. The bar at the lower left is
//! 500 km long, in steps of 100.
//!
//! `covering_map [PICTURE.png]`; without an argument into the directory for temporary files.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bluemarble::space::{
    Cap, CellId, CellUnion, Coverer, CoveringOptions, DVec3, Ecef, Geodetic, PackStore, Planet,
    Region, Terrain,
};

/// Reykjavík, and how far around it.
const TOWN_DEG: (f64, f64) = (64.147, -21.943);
const RADIUS_M: f64 = 1_000_000.0;
const PIXELS: u32 = 640;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let earth = Planet::EARTH;
    let town = Geodetic::from_degrees(TOWN_DEG.0, TOWN_DEG.1, 0.0)?.direction();
    let cap = Cap::on_planet(earth, town, RADIUS_M)?;

    // Cells that contain the circle, and cells that it contains.
    let options = CoveringOptions {
        cells_max: 24,
        ..Default::default()
    };
    let mut coverer = Coverer::new(options)?;
    let around = coverer.covering(&cap);
    let within = coverer.interior_covering(&cap);
    println!("the circle: {:.0} km²", km2(cap.area()));
    report("covering", around.exact_area(), around.ids());
    report("interior covering", within.exact_area(), within.ids());

    let picture = std::env::args_os().nth(1).map_or_else(
        || std::env::temp_dir().join("bluemarble-covering.png"),
        PathBuf::from,
    );
    let map = Map::around(&cap, 1.45);
    let pack = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/earth-1024.pack");
    let terrain = Terrain::new(Arc::new(PackStore::open(pack)?));
    write_png(&picture, &draw(&map, &terrain, &cap, &around, &within)?)?;
    println!("drawn to {}", picture.display());
    println!(
        "red: the circle; black: its covering; yellow: its interior covering; bar: 5 x 100 km"
    );
    Ok(())
}

fn report(what: &str, area_sr: f64, cells: &[CellId]) {
    let tokens: Vec<_> = cells.iter().map(|id| id.token()).collect();
    println!(
        "{what}: {:.0} km², {} cells: {}",
        km2(area_sr),
        cells.len(),
        tokens.join(" ")
    );
}

fn km2(area_sr: f64) -> f64 {
    let radius_km = Planet::EARTH.radius_m() / 1_000.0;
    area_sr * radius_km * radius_km
}

/// The globe seen from above a place: x to the east, y to the south, in units of the planet's radius.
struct Map {
    up: DVec3,
    east: DVec3,
    north: DVec3,
    half_width: f64,
}

impl Map {
    /// As wide as a cap, times `scale`.
    fn around(cap: &Cap, scale: f64) -> Self {
        let up = cap.axis();
        let east = DVec3::Z.cross(up).normalize();
        let half_width = scale * (cap.squared_chord() * (1.0 - cap.squared_chord() / 4.0)).sqrt();
        Self {
            up,
            east,
            north: up.cross(east),
            half_width,
        }
    }

    /// What a pixel shows; `None` beside the globe.
    fn direction(&self, x: u32, y: u32) -> Option<DVec3> {
        let along = |k: u32| (2.0 * f64::from(k) + 1.0 - f64::from(PIXELS)) / f64::from(PIXELS);
        let (right, up) = (self.half_width * along(x), -self.half_width * along(y));
        let height = 1.0 - right * right - up * up;
        (height > 0.0).then(|| self.east * right + self.north * up + self.up * height.sqrt())
    }
}

impl Map {
    /// Which step of the scale's bar a pixel is in, from 0 at its left end. Lengths are those in the middle of the map.
    fn bar_step(&self, x: u32, y: u32) -> Option<u32> {
        const STEP_M: f64 = 100_000.0;
        let step_pixels =
            STEP_M / Planet::EARTH.radius_m() / (2.0 * self.half_width) * f64::from(PIXELS);
        let step = (f64::from(x.checked_sub(16)?) / step_pixels) as u32;
        (step < 5 && (PIXELS - 22..PIXELS - 16).contains(&y)).then_some(step)
    }
}

/// What is at a pixel, besides the ground.
#[derive(Clone, Copy, PartialEq)]
struct Overlay {
    inside: bool,
    around: Option<CellId>,
    within: Option<CellId>,
}

impl Overlay {
    fn at(p: Option<DVec3>, cap: &Cap, around: &CellUnion, within: &CellUnion) -> Self {
        let leaf = p.map(CellId::from_direction);
        let cell = |union: &CellUnion| {
            let holds = |id: &&CellId| leaf.is_some_and(|leaf| id.contains(leaf));
            union.ids().iter().find(holds).copied()
        };
        Self {
            inside: p.is_some_and(|p| cap.contains_point(p)),
            around: cell(around),
            within: cell(within),
        }
    }
}

fn draw(
    map: &Map,
    terrain: &Terrain,
    cap: &Cap,
    around: &CellUnion,
    within: &CellUnion,
) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let overlay = |x, y| Overlay::at(map.direction(x, y), cap, around, within);
    let mut pixels = Vec::with_capacity((3 * PIXELS * PIXELS) as usize);
    for y in 0..PIXELS {
        let mut here = overlay(0, y);
        for x in 0..PIXELS {
            let (right, below) = (overlay(x + 1, y), overlay(x, y + 1));
            let color = match map.direction(x, y) {
                _ if map.bar_step(x, y).is_some_and(|step| step % 2 == 0) => [250, 250, 250],
                _ if map.bar_step(x, y).is_some() => [20, 20, 20],
                None => [16, 16, 24],
                Some(_) if here.inside != right.inside || here.inside != below.inside => {
                    [230, 40, 30]
                }
                Some(_) if here.around != right.around || here.around != below.around => {
                    [20, 20, 20]
                }
                Some(_) if here.within != right.within || here.within != below.within => {
                    [250, 240, 120]
                }
                Some(p) => {
                    let [x, y, z] = (p * terrain.planet().radius_m()).to_array();
                    let ground = ground_color(terrain.height(Ecef::new(x, y, z)?)?);
                    let light = if here.within.is_some() {
                        1.25
                    } else if here.around.is_some() {
                        1.0
                    } else {
                        0.55
                    };
                    ground.map(|channel| (channel * light).min(255.0) as u8)
                }
            };
            pixels.extend_from_slice(&color);
            here = right;
        }
    }
    Ok(pixels)
}

/// Blue below the datum, the darker the deeper; green, brown and white above.
fn ground_color(height_m: f64) -> [f64; 3] {
    let blend = |a: [f64; 3], b: [f64; 3], t: f64| {
        [0, 1, 2].map(|n| a[n] + (b[n] - a[n]) * t.clamp(0.0, 1.0))
    };
    let (green, brown, white) = (
        [96.0, 150.0, 90.0],
        [150.0, 128.0, 96.0],
        [235.0, 240.0, 245.0],
    );
    match height_m {
        h if h < 0.0 => blend([120.0, 170.0, 210.0], [30.0, 60.0, 120.0], -h / 4_000.0),
        h if h < 800.0 => blend(green, brown, h / 800.0),
        h => blend(brown, white, (h - 800.0) / 1_200.0),
    }
}

fn write_png(path: &Path, rgb: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path)?), PIXELS, PIXELS);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header()?.write_image_data(rgb)?;
    Ok(())
}
