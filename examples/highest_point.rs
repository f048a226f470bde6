//! The highest point within 100 km of a place: `highest_point [LATITUDE LONGITUDE [KILOMETRES]]`, in degrees; without them, of Geneva.
//!
//! Ground is bilinear between samples, so the highest of it is a sample. A tile's highest one says whether to look into the tile.
//! The ground is the bundled Earth's (`assets/earth-1024.pack`: NOAA ETOPO5, public domain), with samples every 6 to 11 km: mountains
//! are lower than in the atlas.

use std::error::Error;

use bluemarble::space::{
    Cap, Cell, Direction, LatticeSpec, PackStore, Planet, Region, TileStore, column_row, face_st,
};

/// Geneva.
const DEFAULT: [f64; 3] = [46.2044, 6.1432, 100.0];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Result<Vec<f64>, _> =
        std::env::args().skip(1).map(|word| word.parse()).collect();
    let [lat, lon, radius_km] = match arguments?.as_slice() {
        [] => DEFAULT,
        [lat, lon] => [*lat, *lon, DEFAULT[2]],
        [lat, lon, radius_km] => [*lat, *lon, *radius_km],
        _ => return Err("usage: highest_point [LATITUDE LONGITUDE [KILOMETRES]]".into()),
    };
    let here = Direction::from_degrees(lat, lon)?;
    let around = Cap::on_planet(Planet::EARTH, here.to_vec(), radius_km * 1_000.0)?;
    let store = PackStore::open(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/assets/earth-1024.pack"
    ))?;
    let Some(highest) = highest(&store, &around)? else {
        return Err("there is no sample so near".into());
    };

    let top = highest.place.geodetic(highest.height_m)?;
    let distance_km = Planet::EARTH.arc_m(here.distance_rad(highest.place)) / 1_000.0;
    let bearing_deg = here.bearing_rad(highest.place).to_degrees();
    println!(
        "the highest point within {radius_km} km of {lat}° {lon}°: {:.0} m at {:.3}° {:.3}°, {distance_km:.1} km away towards \
         {bearing_deg:.0}°",
        highest.height_m,
        top.lat_deg(),
        top.lon_deg()
    );
    println!(
        "{} tiles of {} were looked into",
        highest.tiles,
        store.cells().len()
    );
    check(&store, &around, highest.height_m)
}

struct Highest {
    place: Direction,
    height_m: f64,
    tiles: u32,
}

fn highest(store: &PackStore, around: &Cap) -> Result<Option<Highest>, Box<dyn Error>> {
    let lattice = *store.manifest().lattice();
    let mut best: Option<Highest> = None;
    let mut tiles = 0;
    let leaves = store
        .cells()
        .iter()
        .filter(|cell| cell.level() == lattice.leaf_level());
    for cell in leaves.filter(|cell| around.may_intersect(&Cell::new(**cell))) {
        let tile = store.load(*cell)?;
        let can_win = |best: &Option<Highest>, value: i16| {
            let height_m = lattice.height_m(f64::from(value));
            best.as_ref().is_none_or(|best| height_m > best.height_m)
        };
        if !can_win(&best, tile.max()) {
            continue;
        }
        tiles += 1;
        let n = u32::from(lattice.intervals());
        let (column, row) = column_row(*cell);
        for (k, value) in (0u32..).zip(tile.samples()) {
            if !can_win(&best, *value) {
                continue;
            }
            let (i, j) = (column * n + k % (n + 1), row * n + k / (n + 1));
            let place = lattice.direction(cell.face(), i, j);
            if around.contains_point(place) {
                best = Some(Highest {
                    place: Direction::new(place)?,
                    height_m: lattice.height_m(f64::from(*value)),
                    tiles,
                });
            }
        }
    }
    Ok(best.map(|best| Highest { tiles, ..best }))
}

/// No ground within the circle is higher: asked at many places of it.
fn check(store: &PackStore, around: &Cap, highest_m: f64) -> Result<(), Box<dyn Error>> {
    let lattice: &LatticeSpec = store.manifest().lattice();
    let axis = Direction::new(around.axis())?;
    let cell_rad = 2.0 / f64::from(lattice.face_intervals());
    for k in 1..400u32 {
        // A sunflower's seeds are even over a disc.
        let part = (f64::from(k) / 400.0).sqrt();
        let distance_rad = (around.radius_rad() - cell_rad).max(0.0) * part;
        let place = axis.destination(2.399_963 * f64::from(k), distance_rad)?;
        let (face, s, t) = face_st(place.to_vec());
        let tile = store.load(lattice.tile_at(place.to_vec()))?;
        let height_m = tile.height_m(lattice, face, s, t);
        if height_m > highest_m {
            return Err(format!("{:?} is higher: {height_m} m", place.geodetic(0.0)).into());
        }
    }
    Ok(())
}
