//! A crowd crosses the Andes: `mountain_pass [PICTURE.png]`; without an argument into the directory for temporary files.
//!
//! Three thousand people go from Las Cuevas in Argentina over the pass of Christ the Redeemer (3,832 m) to Portillo in Chile, on real relief
//! (`assets/andes-pass.png`: NASA SRTM, public domain, a sample every 3 arc-seconds). Everybody goes the way that is shortest from
//! where it is, steep metres counting more; they give way to each other. They hurry: thirty times as fast as people walk.
//! The picture shows the shaded relief with a contour line every 200 m, and the trails, the brighter the more have passed; green is the
//! start, red the goal, the bar in the corner a kilometre.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bluemarble::sim::{
    Agent, Body, Kind, KindId, Near, Outbox, Record, Stage, State, System, Wish, World,
};
use bluemarble::space::{Access, Block, Component, EntityId, Geodetic, Planet, Position};

use relief::{Ground, Raster};

#[path = "andes/relief.rs"]
mod relief;

const START_DEG: (f64, f64) = (-32.8125, -70.052);
const GOAL_DEG: (f64, f64) = (-32.836, -70.13);
const PEOPLE: u64 = 3_000;
/// So many set out in a tick.
const START_RATE: u64 = 10;
const TICK_RATE_HZ: u16 = 20;
const TICKS_MAX: u64 = 10_000;
/// On level ground, metres a second.
const SPEED_MPS: f64 = 50.0;
/// Who is so near has arrived.
const GOAL_M: f64 = 250.0;
const PERSON: KindId = KindId(0);

/// Everybody goes where it becomes nearer, slower where it is steep. Who has arrived leaves.
struct March {
    raster: Arc<Raster>,
    far_m: Vec<f64>,
    next: Vec<usize>,
}

impl March {
    /// The way to the sample that comes third on the way to the goal, metres to the east and to the north; a little less for who is near.
    fn way_m(&self, at: [f64; 2]) -> [f64; 2] {
        let [x, y] = at.map(|k| k.round() as usize);
        let here = y * self.raster.columns + x;
        let ahead = (0..3).fold(here, |sample, _| self.next[sample]);
        let (i, j) = (ahead % self.raster.columns, ahead / self.raster.columns);
        let [east_m, north_m] = Raster::sample_m();
        [(i as f64 - at[0]) * east_m, (at[1] - j as f64) * north_m]
    }
}

impl System for March {
    type Own = (&'static mut Wish, &'static Body);
    type Others = State;

    fn stage(&self) -> Stage {
        Stage::Before
    }

    fn run(
        &self,
        near: &Near<'_, State>,
        rows: Block<'_>,
        (wish, body): <Self::Own as Access>::View<'_>,
        out: &mut Outbox,
    ) {
        for (n, id) in rows.ids.iter().enumerate() {
            let place = near.place_m(rows.first_row + n, Body::get(&body, n).position());
            let at = self.raster.grid(place);
            if self.raster.value(&self.far_m, at) < GOAL_M {
                out.despawn(*id, *id);
                continue;
            }
            let [east, north] = self.way_m(at);
            let length = east.hypot(north).max(1e-9);
            // Not all take the same way: each leans a little to its own side.
            let lean = ((id.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64
                / f64::from(1 << 24)
                - 0.5)
                * 0.8;
            let (east, north) = (
                (east - lean * north) / length,
                (north + lean * east) / length,
            );
            let [up_east, up_north] = self.raster.gradient(&self.raster.heights_m, at);
            let slope = east * up_east + north * up_north;
            let speed = SPEED_MPS * 256.0 / (1.0 + 5.0 * slope * slope);
            (wish.east[n], wish.north[n]) = ((east * speed) as i16, (north * speed) as i16);
        }
    }
}

fn geodetic((lat, lon): (f64, f64)) -> Result<Geodetic, Box<dyn Error>> {
    Ok(Geodetic::from_degrees(lat, lon, 0.0)?)
}

/// How far it is to the goal from each sample, metres, of which steep ones count more; and the next sample on the way (Dijkstra 1959).
fn field(raster: &Raster, goal: [f64; 2]) -> (Vec<f64>, Vec<usize>) {
    let [east_m, north_m] = Raster::sample_m();
    let mut far = vec![f64::INFINITY; raster.heights_m.len()];
    let goal = goal[1].round() as usize * raster.columns + goal[0].round() as usize;
    far[goal] = 0.0;
    let mut next = vec![goal; far.len()];
    let mut heap = BinaryHeap::from([(Reverse(0), goal)]); // millimetres, which are ordered
    while let Some((Reverse(way), from)) = heap.pop() {
        if way > (far[from] * 1e3) as u64 {
            continue;
        }
        let (i, j) = (
            (from % raster.columns) as i64,
            (from / raster.columns) as i64,
        );
        for (di, dj) in (-1..=1).flat_map(|dj| (-1..=1).map(move |di| (di, dj))) {
            let (x, y) = (i + di, j + dj);
            if !(0..raster.columns as i64).contains(&x) || !(0..raster.rows as i64).contains(&y) {
                continue;
            }
            let to = y as usize * raster.columns + x as usize;
            let level_m = (di as f64 * east_m).hypot(dj as f64 * north_m);
            let slope = (raster.heights_m[to] - raster.heights_m[from]) / level_m.max(1.0);
            let way = far[from] + level_m * (1.0 + 20.0 * slope * slope);
            if way < far[to] {
                (far[to], next[to]) = (way, from);
                heap.push((Reverse((way * 1e3) as u64), to));
            }
        }
    }
    (far, next)
}

fn begin(raster: &Arc<Raster>, ground: &Ground) -> Result<(World, Vec<Record>), Box<dyn Error>> {
    let (mut world, mut records) = ground.world(TICK_RATE_HZ)?;
    let goal = raster.grid(Planet::EARTH.ecef(geodetic(GOAL_DEG)?).to_vec());
    let (far_m, next) = field(raster, goal);
    world.add_system(March {
        raster: Arc::clone(raster),
        far_m,
        next,
    })?;
    let kind = Kind::crowd((SPEED_MPS * 256.0) as u16);
    records.push(Record::Kind { id: PERSON, kind });
    Ok((world, records))
}

/// Somebody who sets out, within 200 m of the start.
fn newcomer(n: u64, ground: &Ground) -> Result<Record, Box<dyn Error>> {
    let start = Planet::EARTH.ecef(geodetic(START_DEG)?).to_vec();
    let start: Position = Planet::EARTH.position(ground.below(start))?;
    let spread = |salt: u64| ((n * 7_919 + salt) * 104_729 % 400) as i32 - 200;
    let position = Position {
        x: start.x + spread(1) * 65_536,
        y: start.y + spread(2) * 65_536,
        ..start
    };
    let agent = Agent {
        position,
        kind: PERSON,
        ..Agent::default()
    };
    Ok(Record::Spawn {
        entity: EntityId(n + 1),
        agent,
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let raster = Arc::new(Raster::open()?);
    let ground = Ground::new(&raster)?;
    let (mut world, mut records) = begin(&raster, &ground)?;
    let mut map = Map::new(&raster);
    let (mut agent_ticks, mut time) = (0, Duration::ZERO);
    let mut set_out = 0;
    while world.tick() < TICKS_MAX && (set_out < PEOPLE || !world.is_empty()) {
        let more = START_RATE.min(PEOPLE - set_out);
        for n in set_out..set_out + more {
            records.push(newcomer(n, &ground)?);
        }
        set_out += more;
        let (tick, begun) = (world.tick(), Instant::now());
        let report = world.step(tick, &records)?;
        time += begun.elapsed();
        agent_ticks += u64::from(report.entities);
        records.clear();
        if tick % 4 == 0 {
            let places = world.places();
            places
                .iter()
                .for_each(|place| map.tread(raster.grid(place.to_vec())));
        }
    }
    println!(
        "{} of {PEOPLE} are across after {} s; {} of the crowd were moved in a tick on average, in {:.0} ns each",
        set_out - world.len() as u64,
        world.tick() / u64::from(TICK_RATE_HZ),
        agent_ticks / world.tick(),
        time.as_nanos() as f64 / agent_ticks as f64,
    );
    for (place, color) in [(START_DEG, [60, 220, 90]), (GOAL_DEG, [230, 50, 40])] {
        map.mark(
            raster.grid(Planet::EARTH.ecef(geodetic(place)?).to_vec()),
            color,
        );
    }
    let picture = std::env::args_os().nth(1).map_or_else(
        || std::env::temp_dir().join("bluemarble-pass.png"),
        PathBuf::from,
    );
    map.write(&picture)?;
    println!("drawn to {}", picture.display());
    Ok(())
}

/// The relief from above, north up, and how often people have been in each pixel.
struct Map<'a> {
    raster: &'a Raster,
    width: usize,
    height: usize,
    treads: Vec<u32>,
    marks: Vec<([f64; 2], [u8; 3])>,
}

impl<'a> Map<'a> {
    const PIXEL_M: f64 = 20.0;

    fn new(raster: &'a Raster) -> Self {
        let [east_m, north_m] = Raster::sample_m();
        let width = (raster.columns as f64 * east_m / Self::PIXEL_M) as usize;
        let height = (raster.rows as f64 * north_m / Self::PIXEL_M) as usize;
        Self {
            raster,
            width,
            height,
            treads: vec![0; width * height],
            marks: Vec::new(),
        }
    }

    fn pixel(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [east_m, north_m] = Raster::sample_m();
        [x * east_m / Self::PIXEL_M, y * north_m / Self::PIXEL_M]
    }

    fn tread(&mut self, grid: [f64; 2]) {
        let [x, y] = self.pixel(grid).map(|k| k as usize);
        self.treads[y.min(self.height - 1) * self.width + x.min(self.width - 1)] += 1;
    }

    fn mark(&mut self, grid: [f64; 2], color: [u8; 3]) {
        let at = self.pixel(grid);
        self.marks.push((at, color));
    }

    fn color(&self, x: usize, y: usize) -> [u8; 3] {
        let at = [x as f64 + 0.5, y as f64 + 0.5];
        if let Some((_, color)) =
            (self.marks.iter()).find(|([i, j], _)| (at[0] - i).hypot(at[1] - j) < 8.0)
        {
            return *color;
        }
        let bar = self.height - 24..self.height - 18;
        let bar_pixels = (1_000.0 / Self::PIXEL_M) as usize;
        if bar.contains(&y) && (24..24 + bar_pixels).contains(&x) {
            return [250, 250, 250];
        }
        let [east_m, north_m] = Raster::sample_m();
        let grid = [
            at[0] * Self::PIXEL_M / east_m,
            at[1] * Self::PIXEL_M / north_m,
        ];
        let ground = relief::color(self.raster, grid, Self::PIXEL_M);
        let trodden = self.treads[y * self.width + x];
        let heat = (f64::from(trodden) + 1.0).ln() / 6.5;
        let trail = [255.0, 60.0 + 195.0 * heat.min(1.0), 30.0 * heat.min(1.0)];
        let cover = if trodden == 0 {
            0.0
        } else {
            (0.35 + heat).min(1.0)
        };
        [0, 1, 2].map(|n| (ground[n] + (trail[n] - ground[n]) * cover).clamp(0.0, 255.0) as u8)
    }

    fn write(&self, path: &Path) -> Result<(), Box<dyn Error>> {
        let file = BufWriter::new(File::create(path)?);
        let mut encoder = png::Encoder::new(file, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        let pixels =
            (0..self.height).flat_map(|y| (0..self.width).flat_map(move |x| self.color(x, y)));
        let pixels: Vec<u8> = pixels.collect();
        encoder.write_header()?.write_image_data(&pixels)?;
        Ok(())
    }
}
