//! Geofences on ships: four hundred ships follow real sea lanes for twenty days, and who enters or leaves a strait is told
//! and drawn.
//!
//! `geofence [FOLDER]` writes `geofence.svg` into the folder, or into the system's one for temporary files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use bluemarble::space::{
    DVec3, Ecef, EntityId, FeatureIndex, Fence, FileOptions, MovingIndex, Planet, Polygon, Region,
    WatchEvents, WatcherId, Watches, Winding, read_geojson, read_topojson,
};

type Error = Box<dyn std::error::Error>;

/// Sea lanes and watched zones; see assets/README.md.
const SHIPS_GEOJSON: &str = include_str!("../assets/ships.geojson");
/// Natural Earth, public domain; see assets/README.md.
const COUNTRIES: &str = include_str!("../assets/countries-110m.json");

const EARTH: Planet = Planet::EARTH;
const SHIPS: usize = 400;
const SPEED_M_S: f64 = 9.3; // 18 knots
const TICK_S: f64 = 3_600.0;
const TICKS: usize = 480;
/// Who is inside leaves only this far outside, so that a lane along a border does not ring the bell all day.
const MARGIN_M: f64 = 10_000.0;

fn main() -> Result<(), Error> {
    let (lanes, zones) = load()?;
    let ids: Vec<EntityId> = (1..=SHIPS as u64).map(EntityId).collect();
    let mut ships: Vec<Ship> = (0..SHIPS).map(|n| Ship::new(n, &lanes)).collect();

    let mut watches = Watches::new();
    let mut handles = Vec::new();
    for (n, zone) in zones.iter().enumerate() {
        let fence = Fence::polygon(Arc::clone(&zone.polygon), MARGIN_M / EARTH.radius_m())?;
        handles.push(watches.fence(WatcherId(n as u64), fence));
    }

    let (mut index, mut events) = (MovingIndex::new(), WatchEvents::default());
    let mut log = Log::default();
    for tick in 0..TICKS {
        let places: Result<Vec<Ecef>, _> = ships.iter().map(|ship| ship.place(&lanes)).collect();
        let places = places?;
        index.rebuild(&ids, &places);
        watches.update(index.view(&ids, &places), &mut events);
        log.take(tick, &events, &zones, &places);
        ships.iter_mut().for_each(|ship| ship.sail(&lanes));
    }

    println!("\n{:28} entered   left   inside", "");
    for (n, zone) in zones.iter().enumerate() {
        let inside = watches.members(handles[n])?.count();
        let [entered, left] = log.counts.get(&(n as u64)).copied().unwrap_or_default();
        assert_eq!(entered - left, inside, "every event is told once");
        println!("{:28} {entered:7} {left:6} {inside:8}", zone.name);
    }
    let folder = std::env::args_os()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let file = folder.join("geofence.svg");
    std::fs::write(&file, log.draw(&lanes, &zones, &ships)?)?;
    println!("\nthe map: {}", file.display());
    Ok(())
}

/// A line that ships follow, there and back.
struct Lane {
    name: String,
    points: Vec<DVec3>, // on the datum, metres
    ends_m: Vec<f64>,   // how far along each of them is
}

/// What is watched.
struct Zone {
    name: String,
    polygon: Arc<Polygon>,
}

fn load() -> Result<(Vec<Lane>, Vec<Zone>), Error> {
    let (mut lanes, mut zones) = (Vec::new(), Vec::new());
    for feature in read_geojson(SHIPS_GEOJSON, &FileOptions::default())? {
        let name = feature.name.unwrap_or_default();
        for line in feature.geometry.lines() {
            lanes.push(Lane::new(name.clone(), line.vertices()));
        }
        for polygon in feature.geometry.polygons() {
            zones.push(Zone {
                name: name.clone(),
                polygon: Arc::new(polygon.clone()),
            });
        }
    }
    Ok((lanes, zones))
}

impl Lane {
    fn new(name: String, directions: &[DVec3]) -> Self {
        let points: Vec<DVec3> = directions.iter().map(|p| *p * EARTH.radius_m()).collect();
        let mut ends_m = vec![0.0];
        for pair in points.windows(2) {
            let last = ends_m[ends_m.len() - 1];
            ends_m.push(last + pair[0].angle_between(pair[1]) * EARTH.radius_m());
        }
        Self {
            name,
            points,
            ends_m,
        }
    }

    fn length_m(&self) -> f64 {
        self.ends_m[self.ends_m.len() - 1]
    }

    /// The place so far along, on the datum.
    fn at(&self, along_m: f64) -> DVec3 {
        let last = self.points.len() - 1;
        let n = self
            .ends_m
            .partition_point(|end| *end <= along_m)
            .clamp(1, last);
        let part = (along_m - self.ends_m[n - 1]) / (self.ends_m[n] - self.ends_m[n - 1]);
        let straight = self.points[n - 1].lerp(self.points[n], part.clamp(0.0, 1.0));
        straight.normalize() * EARTH.radius_m()
    }
}

struct Ship {
    lane: usize,
    along_m: f64,
    speed_m_s: f64, // negative on its way back
}

impl Ship {
    /// Ships are spread over the lanes, every other one on its way back.
    fn new(n: usize, lanes: &[Lane]) -> Self {
        let lane = n % lanes.len();
        let part = (n as f64 * 0.618_034).fract();
        Self {
            lane,
            along_m: part * lanes[lane].length_m(),
            speed_m_s: if (n / lanes.len()).is_multiple_of(2) {
                SPEED_M_S
            } else {
                -SPEED_M_S
            },
        }
    }

    fn place(&self, lanes: &[Lane]) -> Result<Ecef, Error> {
        let [x, y, z] = lanes[self.lane].at(self.along_m).to_array();
        Ok(Ecef::new(x, y, z)?)
    }

    fn sail(&mut self, lanes: &[Lane]) {
        self.along_m += self.speed_m_s * TICK_S;
        let length_m = lanes[self.lane].length_m();
        if !(0.0..=length_m).contains(&self.along_m) {
            self.speed_m_s = -self.speed_m_s; // back from the port
            self.along_m = self.along_m.clamp(0.0, length_m);
        }
    }
}

/// What has been told, and where.
#[derive(Default)]
struct Log {
    counts: BTreeMap<u64, [usize; 2]>, // by zone: entered, left
    marks: Vec<(Ecef, bool)>,
    lines: usize,
}

/// Events that are printed; the rest is counted.
const LINES_MAX: usize = 24;

impl Log {
    fn take(&mut self, tick: usize, events: &WatchEvents, zones: &[Zone], places: &[Ecef]) {
        let entered = events.entered.iter().map(|seen| (seen, true));
        let left = events.left.iter().map(|seen| (seen, false));
        for (seen, has_entered) in entered.chain(left) {
            let ship = seen.entity.0 as usize - 1;
            let counts = self.counts.entry(seen.watcher.0).or_default();
            counts[usize::from(!has_entered)] += 1;
            self.marks.push((places[ship], has_entered));
            if tick > 0 && self.lines < LINES_MAX {
                self.lines += 1;
                let (day, hour) = (1 + tick / 24, tick % 24);
                let verb = if has_entered { "enters" } else { "leaves" };
                let zone = &zones[seen.watcher.0 as usize].name;
                println!(
                    "day {day:2}, {hour:2} h: ship {} {verb} {zone}",
                    seen.entity.0
                );
            }
        }
    }

    fn draw(&self, lanes: &[Lane], zones: &[Zone], ships: &[Ship]) -> Result<String, Error> {
        let mut svg = String::from(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1440 720" font-family="sans-serif" font-size="12">
<rect width="1440" height="720" fill="#dbe9f4"/>
"##,
        );
        svg += &land()?;
        for lane in lanes {
            let line = svg_path(&lane.points, false);
            writeln!(
                svg,
                r##"<path d="{line}" fill="none" stroke="#7a93a8" stroke-width="1"><title>{}</title></path>"##,
                lane.name
            )?;
        }
        for zone in zones {
            for ring in zone.polygon.rings() {
                let outline = svg_path(ring, true);
                writeln!(
                    svg,
                    r##"<path d="{outline}" fill="#e4572e" fill-opacity="0.25" stroke="#e4572e"/>"##
                )?;
            }
            let [x, y] = on_map(zone.polygon.cap_bound().axis());
            let anchor = match x {
                ..120.0 => "start",
                1_320.0.. => "end",
                _ => "middle",
            };
            writeln!(
                svg,
                r##"<text x="{x:.1}" y="{:.1}" text-anchor="{anchor}" fill="#9c2f12">{}</text>"##,
                y - 14.0,
                zone.name
            )?;
        }
        for (place, has_entered) in &self.marks {
            let [x, y] = on_map(place.to_vec());
            let color = if *has_entered { "#1b7f3b" } else { "#a4161a" };
            writeln!(
                svg,
                r#"<circle cx="{x:.1}" cy="{y:.1}" r="2" fill="{color}"/>"#
            )?;
        }
        for ship in ships {
            let [x, y] = on_map(lanes[ship.lane].at(ship.along_m));
            writeln!(
                svg,
                r##"<circle cx="{x:.1}" cy="{y:.1}" r="1.6" fill="#14213d"/>"##
            )?;
        }
        svg += "<text x=\"12\" y=\"704\">ships (dark), lanes, watched zones; green: entered here, red: left here. \
                Land: Natural Earth. Lanes: searoute.</text>\n</svg>\n";
        Ok(svg)
    }
}

/// Latitude and longitude as they are, four pixels a degree.
fn on_map(p: DVec3) -> [f64; 2] {
    let lat = p.z.atan2(p.x.hypot(p.y)).to_degrees();
    [
        4.0 * (p.y.atan2(p.x).to_degrees() + 180.0),
        4.0 * (90.0 - lat),
    ]
}

/// A line or a ring. Where it goes out of the map it goes on beyond the edge, and is drawn a second time where it comes in on the
/// other side.
fn svg_path(points: &[DVec3], is_closed: bool) -> String {
    let mut on_paper: Vec<[f64; 2]> = Vec::new();
    for point in points {
        let [mut x, y] = on_map(*point);
        let before = on_paper.last().map_or(x, |last| last[0]);
        x += 1_440.0 * ((before - x) / 1_440.0).round(); // the shorter way
        on_paper.push([x, y]);
    }
    let mut path = String::new();
    for shift in [-1_440.0, 0.0, 1_440.0] {
        let is_on_map = |x: f64| (0.0..=1_440.0).contains(&(x + shift));
        if !on_paper.iter().any(|[x, _]| is_on_map(*x)) {
            continue;
        }
        for (n, [x, y]) in on_paper.iter().enumerate() {
            path += &format!("{}{:.1} {y:.1}", if n == 0 { 'M' } else { 'L' }, x + shift);
        }
        path += if is_closed { "z" } else { "" };
    }
    path
}

/// The land, line by line of pixels: every pixel's middle is looked up among the world's polygons.
fn land() -> Result<String, Error> {
    let options = FileOptions {
        winding: Winding::EvenOdd, // one border crosses itself
        ..FileOptions::default()
    };
    let countries = read_topojson(COUNTRIES, "countries", &options)?;
    let land = FeatureIndex::new(countries)?;
    let (mut path, mut found) = (String::new(), Vec::new());
    for row in 0..360 {
        let lat = (90.0 - (f64::from(row) + 0.5) / 2.0).to_radians();
        let middle = |column: u32| {
            let lng = ((f64::from(column) + 0.5) / 2.0 - 180.0).to_radians();
            DVec3::new(lat.cos() * lng.cos(), lat.cos() * lng.sin(), lat.sin())
        };
        let line: Vec<DVec3> = (0..720).map(middle).collect();
        land.first_containing_each(&line, &mut found)?;
        let mut column = 0;
        for run in found.chunk_by(|a: &Option<u32>, b| a.is_some() == b.is_some()) {
            if run[0].is_some() {
                write!(
                    path,
                    "M{} {}h{}v2h-{}z",
                    2 * column,
                    2 * row,
                    2 * run.len(),
                    2 * run.len()
                )?;
            }
            column += run.len();
        }
    }
    Ok(format!("<path d=\"{path}\" fill=\"#b9c7a2\"/>\n"))
}
