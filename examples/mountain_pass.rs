//! A crowd crosses the Andes: `mountain_pass [PICTURE.png]`; without an argument into the directory for temporary files.
//!
//! Three thousand people go from Las Cuevas in Argentina over the pass of Christ the Redeemer (3,832 m) to Portillo in Chile, on real relief
//! (`assets/andes-pass.png`: NASA SRTM, public domain, a sample every 3 arc-seconds). Everybody goes the way that is shortest from
//! where it is, steep metres counting more; they give way to each other. They hurry: thirty times as fast as people walk.
//! The picture shows the shaded relief with a contour line every 200 m, and the trails, the brighter the more have passed; green is the
//! start, red the goal, the bar in the corner a kilometre.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bluemarble::sim::{
    Agent, Body, Kind, KindId, Near, Outbox, Record, Stage, State, System, Wish, World, WorldStart,
};
use bluemarble::space::{
    Access, Block, CellId, Component, DVec3, EntityId, Geodetic, HeightTile, LatticeSpec, Planet,
    Position,
};

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

/// Heights by latitude and longitude, first row north.
struct Raster {
    heights_m: Vec<f64>,
    columns: usize,
    rows: usize,
}

impl Raster {
    const NORTH_DEG: f64 = -32.74;
    const WEST_DEG: f64 = -70.17;
    const PER_DEG: f64 = 1_200.0;

    fn open(path: &str) -> Result<Self, Box<dyn Error>> {
        let mut reader = png::Decoder::new(BufReader::new(File::open(path)?)).read_info()?;
        let size = reader
            .output_buffer_size()
            .ok_or("a picture of some size")?;
        let mut bytes = vec![0; size];
        let info = reader.next_frame(&mut bytes)?;
        let (columns, rows) = (info.width as usize, info.height as usize);
        let samples = bytes
            .chunks_exact(2)
            .map(|pair| f64::from(u16::from_be_bytes([pair[0], pair[1]])));
        let heights_m: Vec<_> = samples.collect();
        if heights_m.len() != columns * rows {
            return Err("the relief has 16 bits a sample".into());
        }
        Ok(Self {
            heights_m,
            columns,
            rows,
        })
    }

    /// Column and row of a direction, clamped to the raster.
    fn grid(&self, direction: DVec3) -> [f64; 2] {
        let p = direction.normalize();
        let (lat, lon) = (p.z.asin().to_degrees(), p.y.atan2(p.x).to_degrees());
        let clamp = |x: f64, count: usize| x.clamp(0.0, count as f64 - 1.001);
        [
            clamp((lon - Self::WEST_DEG) * Self::PER_DEG, self.columns),
            clamp((Self::NORTH_DEG - lat) * Self::PER_DEG, self.rows),
        ]
    }

    /// A value at a place of the grid, bilinear.
    fn value(&self, of: &[f64], [x, y]: [f64; 2]) -> f64 {
        let (i, j) = (x as usize, y as usize);
        let (fx, fy) = (x - i as f64, y - j as f64);
        let at = |i: usize, j: usize| of[j * self.columns + i];
        let north = at(i, j) * (1.0 - fx) + at(i + 1, j) * fx;
        let south = at(i, j + 1) * (1.0 - fx) + at(i + 1, j + 1) * fx;
        north * (1.0 - fy) + south * fy
    }

    /// How a value grows to the east and to the north, a metre.
    fn gradient(&self, of: &[f64], at: [f64; 2]) -> [f64; 2] {
        let [x, y] = at.map(|k| k.max(1.0));
        let (x, y) = (
            x.min(self.columns as f64 - 2.1),
            y.min(self.rows as f64 - 2.1),
        );
        let [east_m, north_m] = Self::sample_m();
        let east = self.value(of, [x + 0.5, y]) - self.value(of, [x - 0.5, y]);
        let north = self.value(of, [x, y - 0.5]) - self.value(of, [x, y + 0.5]);
        [east / east_m, north / north_m]
    }

    /// How far samples are apart to the east and to the north, metres.
    fn sample_m() -> [f64; 2] {
        let north = Planet::EARTH.radius_m() * (1.0 / Self::PER_DEG).to_radians();
        [north * START_DEG.0.to_radians().cos(), north]
    }

    /// How far it is to the goal from each sample, metres, of which steep ones count more; and the next sample on the way (Dijkstra 1959).
    fn field(&self, goal: [f64; 2]) -> (Vec<f64>, Vec<usize>) {
        let [east_m, north_m] = Self::sample_m();
        let mut far = vec![f64::INFINITY; self.heights_m.len()];
        let goal = goal[1].round() as usize * self.columns + goal[0].round() as usize;
        far[goal] = 0.0;
        let mut next = vec![goal; far.len()];
        let mut heap = BinaryHeap::from([(Reverse(0), goal)]); // millimetres, which are ordered
        while let Some((Reverse(way), from)) = heap.pop() {
            if way > (far[from] * 1e3) as u64 {
                continue;
            }
            let (i, j) = ((from % self.columns) as i64, (from / self.columns) as i64);
            for (di, dj) in (-1..=1).flat_map(|dj| (-1..=1).map(move |di| (di, dj))) {
                let (x, y) = (i + di, j + dj);
                if !(0..self.columns as i64).contains(&x) || !(0..self.rows as i64).contains(&y) {
                    continue;
                }
                let to = y as usize * self.columns + x as usize;
                let level_m = (di as f64 * east_m).hypot(dj as f64 * north_m);
                let slope = (self.heights_m[to] - self.heights_m[from]) / level_m.max(1.0);
                let way = far[from] + level_m * (1.0 + 20.0 * slope * slope);
                if way < far[to] {
                    (far[to], next[to]) = (way, from);
                    heap.push((Reverse((way * 1e3) as u64), to));
                }
            }
        }
        (far, next)
    }
}

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

/// A tile of the world's ground, a sample every 78 m.
fn tile(spec: &LatticeSpec, cell: CellId, raster: &Raster) -> Result<HeightTile, Box<dyn Error>> {
    let (face, i, j) = cell.to_face_ij();
    let leaves_per_sample = (1u32 << 30) / spec.face_intervals();
    let side = u32::from(spec.intervals()) + 1;
    let samples = (0..side * side).map(|k| {
        let (i, j) = (
            i / leaves_per_sample + k % side,
            j / leaves_per_sample + k / side,
        );
        let height_m = raster.value(&raster.heights_m, raster.grid(spec.direction(face, i, j)));
        ((height_m - spec.offset_m()) / spec.quantum_m()).round() as i16
    });
    Ok(HeightTile::new(cell, spec.intervals(), samples.collect())?)
}

fn begin(raster: &Arc<Raster>) -> Result<(World, Vec<Record>), Box<dyn Error>> {
    let lattice = LatticeSpec::new(11, 128, 3_500.0, 0.1)?;
    let mut world = World::new(WorldStart {
        world_id: 1,
        planet: Planet::EARTH,
        tick_rate_hz: TICK_RATE_HZ,
        gravity: WorldStart::EARTH_GRAVITY,
        lattice,
    })?;
    let goal = raster.grid(Planet::EARTH.ecef(geodetic(GOAL_DEG)?).to_vec());
    let (far_m, next) = raster.field(goal);
    world.add_system(March {
        raster: Arc::clone(raster),
        far_m,
        next,
    })?;
    let kind = Kind::crowd((SPEED_MPS * 256.0) as u16);
    let mut records = vec![Record::Kind { id: PERSON, kind }];
    let corners = (0..raster.rows)
        .step_by(8)
        .flat_map(|j| (0..raster.columns).step_by(8).map(move |i| (i, j)));
    let mut cells = BTreeSet::new();
    for (i, j) in corners {
        let lat = Raster::NORTH_DEG - j as f64 / Raster::PER_DEG;
        let lon = Raster::WEST_DEG + i as f64 / Raster::PER_DEG;
        cells.insert(lattice.tile_at(Planet::EARTH.ecef(geodetic((lat, lon))?).to_vec()));
    }
    for cell in cells {
        let tile = Arc::new(tile(&lattice, cell, raster)?);
        let checksum = tile.checksum();
        records.push(Record::Resident {
            tile: cell,
            checksum,
        });
        world.stage(tile);
    }
    Ok((world, records))
}

/// Somebody who sets out, within 200 m of the start.
fn newcomer(n: u64) -> Result<Record, Box<dyn Error>> {
    let start: Position = Planet::EARTH.position(Planet::EARTH.ecef(geodetic(START_DEG)?))?;
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
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/andes-pass.png");
    let raster = Arc::new(Raster::open(path)?);
    let (mut world, mut records) = begin(&raster)?;
    let mut map = Map::new(&raster);
    let (mut agent_ticks, mut time) = (0, Duration::ZERO);
    let mut set_out = 0;
    while world.tick() < TICKS_MAX && (set_out < PEOPLE || !world.is_empty()) {
        let more = START_RATE.min(PEOPLE - set_out);
        for n in set_out..set_out + more {
            records.push(newcomer(n)?);
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
        let grid = [
            grid[0].min(self.raster.columns as f64 - 1.001),
            grid[1].min(self.raster.rows as f64 - 1.001),
        ];
        let heights = &self.raster.heights_m;
        let (height_m, [east, north]) = (
            self.raster.value(heights, grid),
            self.raster.gradient(heights, grid),
        );
        // Light from the north-west, half-way up.
        let light = DVec3::new(-1.0, 1.0, 1.4).normalize();
        let shade = 0.25
            + DVec3::new(-east, -north, 1.0)
                .normalize()
                .dot(light)
                .max(0.0);
        let steep = east.hypot(north);
        let is_contour =
            (height_m / 200.0).fract() * 200.0 < (steep * Self::PIXEL_M).clamp(2.0, 40.0);
        let shade = if is_contour { 0.72 * shade } else { shade };
        let t = ((height_m - 2_300.0) / 2_600.0).clamp(0.0, 1.0);
        let ground =
            [150.0 + 95.0 * t, 128.0 + 115.0 * t, 100.0 + 150.0 * t].map(|channel| channel * shade);
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
