//! Hide and seek among mountains, by sight lines: `hide_and_seek [PICTURE.png]`; without an argument into the directory for temporary files.
//!
//! Seekers walk to and fro on a pass of the Andes. Whoever hides looks every second at the places around, asks which of them the
//! fewest seekers could see, and goes there; who is seen from less than 500 m is found and leaves. Between two steps the game asks the world for all
//! sight lines at once (`World::sights`: over the ground that is resident) and acts through records alone.
//!
//! The picture shows the end: bright what a seeker (white) could see, dark what none could; blue who is still hidden, red where somebody
//! was found; the bar in the corner is a kilometre.

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bluemarble::sim::{Agent, Input, Kind, KindId, Record, SightLine, World};
use bluemarble::space::{DVec3, Ecef, EntityId, Geodetic, Planet};

use relief::{Ground, Raster};

#[path = "andes/relief.rs"]
mod relief;

/// The middle of the playground, and half its side.
const MIDDLE_DEG: (f64, f64) = (-32.822, -70.085);
const HALF_M: f64 = 4_000.0;
const SEEKERS: u64 = 6;
const HIDERS: u64 = 300;
const TICK_RATE_HZ: u16 = 20;
const SECONDS: u64 = 150;
/// Who is seen from nearer is found.
const FOUND_M: f64 = 500.0;
/// Nobody sees farther.
const SEEN_M: f64 = 3_000.0;
/// How far somebody who hides looks around, and in how many directions.
const AROUND_M: f64 = 120.0;
const AROUND: u32 = 12;
const EYE_M: f64 = 1.6;
const SEEKER: KindId = KindId(0);
const HIDER: KindId = KindId(1);

/// Somebody at a place, or a place where somebody could be.
fn eye(place: DVec3) -> Ecef {
    let eye = place + place.normalize() * EYE_M;
    Ecef::new(eye.x, eye.y, eye.z).expect("near the Earth")
}

/// The game: a world, and what is known of it from outside.
struct Game {
    raster: Raster,
    ground: Ground,
    world: World,
    records: Vec<Record>,
    found: Vec<DVec3>, // where
    lines: u64,
    time: Duration,
}

impl Game {
    fn new() -> Result<Self, Box<dyn Error>> {
        let raster = Raster::open()?;
        let ground = Ground::new(&raster)?;
        let (world, mut records) = ground.world(TICK_RATE_HZ)?;
        let kind = |id, mps: f64| Record::Kind {
            id,
            kind: Kind::crowd((mps * 256.0) as u16),
        };
        records.extend([kind(SEEKER, 40.0), kind(HIDER, 25.0)]);
        let mut game = Self {
            raster,
            ground,
            world,
            records,
            found: Vec::new(),
            lines: 0,
            time: Duration::ZERO,
        };
        for n in 0..SEEKERS + HIDERS {
            let spread = |salt: u64| {
                let draw = (n + 1)
                    .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                    .rotate_left(salt as u32);
                (draw >> 40) as f64 / f64::from(1 << 24) * 2.0 - 1.0
            };
            let place = game.place(HALF_M * spread(7), HALF_M * spread(29))?;
            let agent = Agent {
                position: Planet::EARTH.position(place)?,
                kind: if n < SEEKERS { SEEKER } else { HIDER },
                ..Agent::default()
            };
            let entity = EntityId(n + 1);
            game.records.push(Record::Spawn { entity, agent });
        }
        Ok(game)
    }

    /// A place on the ground, so many metres east and north of the middle.
    fn place(&self, east_m: f64, north_m: f64) -> Result<Ecef, Box<dyn Error>> {
        let degrees = |m: f64| (m / Planet::EARTH.radius_m()).to_degrees();
        let lat = MIDDLE_DEG.0 + degrees(north_m);
        let lon = MIDDLE_DEG.1 + degrees(east_m) / MIDDLE_DEG.0.to_radians().cos();
        let level = Planet::EARTH
            .ecef(Geodetic::from_degrees(lat, lon, 0.0)?)
            .to_vec();
        Ok(self.ground.below(level))
    }

    fn places_of(&self, kind: KindId) -> Vec<(EntityId, DVec3)> {
        let all = self.world.ids().iter().zip(self.world.kinds()).enumerate();
        let of_kind = all.filter(|(_, (_, is))| *is == kind);
        of_kind
            .map(|(row, (id, _))| (*id, self.world.place(row).to_vec()))
            .collect()
    }

    /// Which of some places how many seekers see, and the nearest of those who do, metres.
    fn seen(&mut self, seekers: &[(EntityId, DVec3)], places: &[DVec3]) -> Vec<(u32, f64)> {
        let pairs = places
            .iter()
            .flat_map(|place| seekers.iter().map(move |(_, from)| (*from, *place)));
        let pairs: Vec<_> = pairs.map(|(from, to)| (eye(from), eye(to))).collect();
        let mut sights = vec![SightLine::Clear; pairs.len()];
        let begun = Instant::now();
        self.world.sights(&pairs, &mut sights);
        self.time += begun.elapsed();
        self.lines += pairs.len() as u64;
        let count = seekers.len().max(1);
        let by_place = sights.chunks(count).zip(pairs.chunks(count));
        let seen = by_place.map(|(sights, pairs)| {
            let clear = sights
                .iter()
                .zip(pairs)
                .filter(|(sight, _)| sight.is_clear());
            let far_m = clear
                .map(|(_, (from, to))| from.distance_m(*to))
                .filter(|far| *far < SEEN_M);
            far_m.fold((0, f64::INFINITY), |(n, nearest), far| {
                (n + 1, nearest.min(far))
            })
        });
        seen.collect()
    }

    fn go(&mut self, entity: EntityId, way: DVec3, mps: f64) {
        let row = self.world.row_of(entity).expect("it is in the game");
        let up = self.world.place(row).to_vec().normalize();
        let east = DVec3::Z.cross(up).normalize();
        let along = DVec3::new(way.dot(east), way.dot(up.cross(east)), 0.0).normalize_or_zero()
            * mps
            * 256.0;
        let input = Input {
            east: along.x as i16,
            north: along.y as i16,
            ..Input::default()
        };
        self.records.push(Record::Input { entity, input });
    }

    /// Seekers go to and fro, each to another place every minute.
    fn seek(&mut self, second: u64) -> Result<(), Box<dyn Error>> {
        for (id, place) in self.places_of(SEEKER) {
            let goal = |salt: u64| {
                let draw = (second / 60 * SEEKERS + id.0)
                    .wrapping_mul(0xbf58_476d_1ce4_e5b9)
                    .rotate_left(salt as u32);
                ((draw >> 40) as f64 / f64::from(1 << 24) * 2.0 - 1.0) * HALF_M * 0.8
            };
            let goal = self.place(goal(11), goal(37))?.to_vec();
            self.go(id, goal - place, 40.0);
        }
        Ok(())
    }

    /// Who hides goes to where the fewest see it; who is seen from near is found.
    fn hide(&mut self) {
        let (seekers, hiders) = (self.places_of(SEEKER), self.places_of(HIDER));
        let mut places = Vec::new();
        for (_, place) in &hiders {
            places.push(*place);
            let up = place.normalize();
            let east = DVec3::Z.cross(up).normalize();
            for k in 0..AROUND {
                let angle = f64::from(k) / f64::from(AROUND) * core::f64::consts::TAU;
                let way = east * angle.cos() + up.cross(east) * angle.sin();
                places.push(self.ground.below(*place + way * AROUND_M).to_vec());
            }
        }
        let seen = self.seen(&seekers, &places);
        let around = AROUND as usize + 1;
        for (((id, place), seen), places) in hiders
            .iter()
            .zip(seen.chunks(around))
            .zip(places.chunks(around))
        {
            if seen[0].1 < FOUND_M {
                self.found.push(*place);
                self.records.push(Record::Despawn { entity: *id });
                continue;
            }
            // The fewest who see it; of such places the one from which the nearest of them is farthest; and where it is, if that is as good.
            let mut best = 0;
            for n in 1..around {
                let is_better = seen[n].0 < seen[best].0
                    || (seen[n].0 == seen[best].0 && seen[n].1 > seen[best].1 + 1.0);
                best = if is_better { n } else { best };
            }
            let mps = if best == 0 { 0.0 } else { 25.0 };
            self.go(*id, places[best] - *place, mps);
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut game = Game::new()?;
    for tick in 0..SECONDS * u64::from(TICK_RATE_HZ) {
        if tick > 0 && tick % u64::from(TICK_RATE_HZ) == 0 {
            let second = tick / u64::from(TICK_RATE_HZ);
            game.seek(second)?;
            game.hide();
            if second % 30 == 0 {
                println!(
                    "after {second} s {} are hidden, {} found",
                    HIDERS - game.found.len() as u64,
                    game.found.len()
                );
            }
        }
        let report = game.world.step(tick, &game.records)?;
        assert_eq!(report.refused, 0);
        game.records.clear();
    }
    let each = game.time.as_nanos() as f64 / game.lines as f64;
    println!("{} sight lines, {each:.0} ns each", game.lines);
    let picture = std::env::args_os().nth(1).map_or_else(
        || std::env::temp_dir().join("bluemarble-hide-and-seek.png"),
        PathBuf::from,
    );
    draw(&mut game, &picture)?;
    println!("drawn to {}", picture.display());
    Ok(())
}

/// Pixels along a side of the picture.
const PIXELS: usize = 800;

/// The playground from above, north up.
fn draw(game: &mut Game, path: &Path) -> Result<(), Box<dyn Error>> {
    let pixel_m = 2.0 * HALF_M / PIXELS as f64;
    let seekers = game.places_of(SEEKER);
    let at = |n: usize| (n as f64 + 0.5) * pixel_m - HALF_M;
    let mut places = Vec::new();
    for n in 0..PIXELS * PIXELS {
        places.push(game.place(at(n % PIXELS), -at(n / PIXELS))?.to_vec());
    }
    let seen = game.seen(&seekers, &places);
    let mut pixels = Vec::new();
    for (place, (count, _)) in places.iter().zip(seen) {
        let bright = if count > 0 { 1.1 } else { 0.5 };
        let ground = relief::color(&game.raster, game.raster.grid(*place), pixel_m);
        pixels.push(ground.map(|channel| (channel * bright).clamp(0.0, 255.0) as u8));
    }
    let mut dots: Vec<(DVec3, f64, [u8; 3])> = Vec::new();
    dots.extend(game.found.iter().map(|place| (*place, 3.5, [220, 40, 40])));
    dots.extend(
        game.places_of(HIDER)
            .iter()
            .map(|(_, place)| (*place, 3.5, [70, 150, 255])),
    );
    for (_, place) in &seekers {
        dots.extend([(*place, 9.0, [20, 20, 20]), (*place, 7.0, [255, 255, 255])]);
    }
    let [middle, east, north] =
        [(0.0, 0.0), (HALF_M, 0.0), (0.0, HALF_M)].map(|(e, n)| game.place(e, n).map(Ecef::to_vec));
    let (middle, east, north) = (middle?, east?, north?);
    let axes = [(east - middle), (north - middle)]
        .map(|axis| axis - middle.normalize() * axis.dot(middle.normalize()));
    for (place, radius, color) in dots {
        let [x, y] = axes.map(|axis| (place - middle).dot(axis) / axis.length_squared());
        let (x, y) = (
            (x + 1.0) * PIXELS as f64 / 2.0,
            (1.0 - y) * PIXELS as f64 / 2.0,
        );
        dot(&mut pixels, [x, y], radius, color);
    }
    let bar = (1_000.0 / pixel_m) as usize;
    for n in 0..6 * bar {
        pixels[(PIXELS - 24 + n / bar) * PIXELS + 24 + n % bar] = [250, 250, 250];
    }
    let mut encoder = png::Encoder::new(
        BufWriter::new(File::create(path)?),
        PIXELS as u32,
        PIXELS as u32,
    );
    encoder.set_color(png::ColorType::Rgb);
    encoder
        .write_header()?
        .write_image_data(pixels.as_flattened())?;
    Ok(())
}

fn dot(pixels: &mut [[u8; 3]], [x, y]: [f64; 2], radius: f64, color: [u8; 3]) {
    for j in (y - radius).max(0.0) as usize..=(y + radius).min(PIXELS as f64 - 1.0) as usize {
        for i in (x - radius).max(0.0) as usize..=(x + radius).min(PIXELS as f64 - 1.0) as usize {
            if (i as f64 - x).hypot(j as f64 - y) <= radius {
                pixels[j * PIXELS + i] = color;
            }
        }
    }
}
