//! What is shown, against what was: walkers of a simulation, replicated over a bad line in virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use client::{Coming, Seen, View};
use net_proto::{
    Avatar, Baselines, Datagrams, EntityState, Epoch, Replica, Replicator, SnapshotRequest,
    UpdateCache, Welcome, WorldId,
};
use sim_core::{Agent, Input, Kind, KindId, Record, World, WorldStart};
use spatial_core::{DVec3, Ecef, EntityId, Frame, FrameId, Geodetic, Planet, Position, TileStore};

use crate::allocations::allocations;
use crate::seeded::Seeded;
use crate::terrain::store;

const RATE: u16 = 40;
const TICK_S: f64 = 1.0 / RATE as f64;
const WALKERS: u64 = 64;
const FRAME_S: f64 = 1.0 / 60.0;
/// What is drawn counts from here on: the line is known then.
const SETTLED_S: f64 = 10.0;
const END_S: f64 = 70.0;

/// A crowd and some characters at the border of a frame; everybody changes its mind every few seconds.
struct Walkers {
    world: World,
    seeded: Seeded,
    /// Of every tick from 1 on.
    truth: Vec<Vec<DVec3>>,
    seq: u32,
    frames: Vec<FrameId>,
    crossings: u64,
}

/// A place 64 m beyond a frame, where whoever comes from it changes to another.
fn border() -> (Frame, Position) {
    let near = Planet::EARTH.ecef(Geodetic::from_degrees(46.95, 7.44, 0.0).unwrap());
    let frame = Frame::at(Planet::EARTH, near);
    let edge = frame.edges()[1];
    let flat = near.to_vec() - edge * edge.dot(near.to_vec());
    let place = flat.normalize() * Planet::EARTH.radius_m() + edge * 64.0;
    let place = Ecef::new(place.x, place.y, place.z).unwrap();
    (frame, frame.to_position(place).unwrap())
}

impl Walkers {
    fn new(seed: u64) -> Self {
        let tiles = store(1_500.0);
        let mut world = World::new(WorldStart {
            world_id: 1,
            planet: Planet::EARTH,
            tick_rate_hz: RATE,
            gravity: WorldStart::EARTH_GRAVITY,
            lattice: *tiles.manifest().lattice(),
        })
        .unwrap();
        let mut seeded = Seeded(seed);
        let mut records = vec![
            Record::Kind {
                id: KindId(0),
                kind: Kind::crowd(2_048),
            },
            Record::Kind {
                id: KindId(1),
                kind: Kind::character(2_048),
            },
        ];
        for cell in tiles.cells().iter().filter(|cell| cell.level() == 2) {
            let tile = tiles.load(*cell).unwrap();
            let checksum = tile.checksum();
            records.push(Record::Resident {
                tile: *cell,
                checksum,
            });
            world.stage(tile);
        }
        let (frame, middle) = border();
        for n in 0..WALKERS {
            let mut apart = || (seeded.below(400) as i32 - 200) << 14; // ±50 m
            let mut position = Position {
                x: middle.x + apart(),
                y: middle.y + apart(),
                ..middle
            };
            let place = frame.to_ecef(position);
            if frame.outside_m(place) > 63.0 {
                position = Planet::EARTH.position(place).unwrap();
            }
            let kind = KindId(u16::from(n % 4 == 0));
            let agent = Agent {
                position,
                kind,
                ..Agent::default()
            };
            let entity = EntityId(100 + n);
            records.push(Record::Spawn { entity, agent });
        }
        world.step(0, &records).unwrap();
        let mut walkers = Self {
            world,
            seeded,
            truth: Vec::new(),
            seq: 0,
            frames: vec![middle.frame; WALKERS as usize],
            crossings: 0,
        };
        walkers.note();
        walkers
    }

    fn note(&mut self) {
        let mut places = vec![DVec3::ZERO; WALKERS as usize];
        for row in 0..self.world.len() {
            let n = self.world.ids()[row].0 - 100;
            places[n as usize] = self.world.place(row).to_vec();
            let frame = self.world.position(row).frame;
            self.crossings += u64::from(self.frames[n as usize] != frame);
            self.frames[n as usize] = frame;
        }
        self.truth.push(places);
    }

    fn step(&mut self) {
        let mut records = Vec::new();
        for n in 0..WALKERS {
            let seeded = &mut self.seeded;
            if seeded.below(3 * u64::from(RATE)) != 0 && self.world.tick() != 1 {
                continue;
            }
            self.seq += 1;
            let angle = seeded.next() as f64;
            let speed = [0.0, 256.0, 360.0, 512.0, 1_024.0][seeded.below(5) as usize]; // up to 4 m/s
            let input = Input {
                seq: self.seq,
                east: (speed * angle.sin()) as i16,
                north: (speed * angle.cos()) as i16,
                heading: seeded.next() as u16,
                ..Input::default()
            };
            let entity = EntityId(100 + n);
            records.push(Record::Input { entity, input });
        }
        let report = self.world.step(self.world.tick(), &records).unwrap();
        assert_eq!((report.refused, report.held), (0, 0));
        self.note();
    }

    /// All states of the tick, ascending by id.
    fn states(&self) -> Vec<EntityState> {
        let mut rows: Vec<_> = (0..self.world.len()).collect();
        rows.sort_by_key(|row| self.world.ids()[*row]);
        let state = |row: usize| {
            let (id, heading) = (self.world.ids()[row], self.world.headings()[row]);
            EntityState::new(id, self.world.position(row), heading)
        };
        rows.into_iter().map(state).collect()
    }

    /// Where somebody was at a time between ticks.
    fn truth(&self, id: EntityId, tick: f64) -> DVec3 {
        let n = (id.0 - 100) as usize;
        let at = |tick: usize| self.truth[(tick.max(1) - 1).min(self.truth.len() - 1)][n];
        let (low, share) = (tick.floor(), tick - tick.floor());
        at(low as usize).lerp(at(low as usize + 1), share)
    }
}

/// One direction of a line: a delay, jitter and loss.
struct Line {
    seeded: Seeded,
    delay_s: f64,
    jitter_s: f64,
    lost_per_100: u64,
    on_the_way: Vec<(f64, Vec<u8>)>,
}

impl Line {
    fn send(&mut self, now_s: f64, bytes: &[u8]) {
        let jitter = self.seeded.below(1 << 20) as f64 / f64::from(1 << 20) * self.jitter_s;
        if self.seeded.below(100) >= self.lost_per_100 {
            let at = now_s + self.delay_s + jitter;
            self.on_the_way.push((at, bytes.to_vec()));
        }
    }

    /// What has come until now, in order, with the times.
    fn take(&mut self, now_s: f64) -> Vec<(f64, Vec<u8>)> {
        let come = self.on_the_way.extract_if(.., |(at, _)| *at <= now_s);
        let mut come: Vec<_> = come.collect();
        come.sort_by(|a, b| a.0.total_cmp(&b.0));
        come
    }
}

/// A case of the table.
#[derive(Clone, Copy, Debug)]
struct Case {
    snapshot_ticks: u8,
    jitter_s: f64,
    lost_per_100: u64,
    /// Everybody but every fourth is told of in so many ticks.
    seldom_ticks: u64,
}

/// What was shown, over all entities and frames.
#[derive(Default)]
struct Shown {
    errors_m: Vec<f64>, // from the truth at the entity's own time
    steps_m: Vec<f64>,  // from frame to frame beyond the truth's step
    behind_s: Vec<f64>, // the entity's time behind the server's
    allocations: u64,
    crossings: u64, // of borders of frames
}

fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share) as usize]
}

fn welcome(snapshot_ticks: u8) -> Welcome {
    Welcome {
        world: WorldId(1),
        player: EntityId(100),
        tick: 1,
        tick_rate_hz: RATE,
        snapshot_ticks,
        radius_mm: 6_371_008_800,
        interest_dm: 10_000,
        speed_limit: 2_048,
        gravity: WorldStart::EARTH_GRAVITY,
        avatar: Avatar::default(),
        lattice: 0,
    }
}

/// A server, a line each way, and a client that draws at 60 Hz.
struct Scene {
    case: Case,
    walkers: Walkers,
    baselines: Baselines,
    cache: UpdateCache,
    replicator: Replicator,
    down: Line,
    up: Line,
    replica: Replica,
    view: View,
    hidden: Option<u64>, // a fourth that is not visible
    allocations: u64,    // of taking in snapshots
}

impl Scene {
    fn new(case: Case, seed: u64) -> Self {
        let line = |seed| Line {
            seeded: Seeded(seed),
            delay_s: 0.03,
            jitter_s: case.jitter_s,
            lost_per_100: case.lost_per_100,
            on_the_way: Vec::new(),
        };
        Self {
            case,
            walkers: Walkers::new(seed),
            baselines: Baselines::new(),
            cache: UpdateCache::new(),
            replicator: Replicator::new(),
            down: line(seed + 1),
            up: line(seed + 2),
            replica: Replica::new(),
            view: View::new(&welcome(case.snapshot_ticks), Planet::EARTH),
            hidden: None,
            allocations: 0,
        }
    }

    /// A tick of the server.
    fn tick(&mut self, now_s: f64, out: &mut Datagrams) {
        self.walkers.step();
        let tick = self.walkers.world.tick();
        for (_, bytes) in self.up.take(now_s) {
            let number = u32::from_le_bytes(bytes.try_into().unwrap());
            self.replicator.acknowledge(Epoch::new(number).unwrap());
        }
        if !tick.is_multiple_of(u64::from(self.case.snapshot_ticks)) {
            return;
        }
        self.baselines.advance(tick, &self.walkers.states());
        let is_turn = |n: &u32| {
            let seldom = self.case.seldom_ticks;
            n.is_multiple_of(4)
                || tick.is_multiple_of(8)
                || (tick + u64::from(*n)).is_multiple_of(seldom)
        };
        let is_seen = |n: &u32| self.hidden.is_none_or(|hidden| u64::from(*n) % 4 != hidden);
        let visible = (0..WALKERS as u32).filter(is_turn).filter(is_seen);
        let visible: Vec<u32> = visible.collect();
        let request = SnapshotRequest {
            visible: &visible,
            last_input_seq: 0,
            durable_tick: tick,
            datagrams_max: 8,
            ..SnapshotRequest::default()
        };
        self.replicator
            .pack(&self.baselines, &mut self.cache, &request, out);
        for datagram in out.iter() {
            self.down.send(now_s, datagram);
        }
    }

    /// What has come, and the client's answers.
    fn hear(&mut self, now_s: f64) {
        for (at, bytes) in self.down.take(now_s) {
            let info = self.replica.handle_snapshot(&bytes).unwrap();
            let (at, asked) = (Duration::from_secs_f64(at), allocations());
            self.view.take_in(at, &info, &self.replica);
            self.allocations += allocations() - asked;
            if let (Some(_), Some(newest)) = (info.completed, self.replica.newest_complete()) {
                let number = (newest.tick() / 8) as u32;
                self.up.send(now_s, &number.to_le_bytes());
            }
        }
    }
}

/// Plays a case: ticks and frames as their times come.
fn play(case: Case, seed: u64) -> Shown {
    let mut scene = Scene::new(case, seed);
    let (mut shown, mut seen, mut out) = (Shown::default(), Vec::new(), Datagrams::new());
    let mut before: BTreeMap<EntityId, Seen> = BTreeMap::new();
    let mut next_tick_s = 0.0;
    for frame in 0.. {
        let now_s = f64::from(frame) * FRAME_S;
        if now_s > END_S {
            return shown;
        }
        while next_tick_s <= now_s {
            scene.tick(next_tick_s, &mut out);
            next_tick_s += TICK_S;
        }
        scene.hear(now_s);
        let asked = allocations();
        scene.view.draw(Duration::from_secs_f64(now_s), &mut seen);
        let server = 2.0 + now_s / TICK_S;
        if now_s < SETTLED_S {
            before = seen.iter().map(|seen| (seen.id, *seen)).collect();
            scene.allocations = 0;
            continue;
        }
        shown.allocations += allocations() - asked + core::mem::take(&mut scene.allocations);
        shown.crossings = scene.walkers.crossings;
        for seen in &seen {
            let truth = scene.walkers.truth(seen.id, seen.shown);
            shown.errors_m.push(seen.place.to_vec().distance(truth));
            shown.behind_s.push((server - seen.shown) * TICK_S);
            let then = before[&seen.id];
            let real = truth - scene.walkers.truth(then.id, then.shown);
            let step = seen.place.to_vec() - then.place.to_vec();
            shown.steps_m.push(step.distance(real));
            before.insert(seen.id, *seen);
        }
    }
    shown
}

/// Errors against the truth at the time that is shown, and steps from frame to frame beyond real motion. Half of all errors are the wire's
/// rounding. The worst are those of who changed its mind while several of its states in a row were lost.
#[test]
fn what_is_shown_is_what_was_and_moves_evenly() {
    println!("  Hz jitter loss seldom   behind   error p50  p99  max    step p99  max, mm");
    let rates = [(2, 1, 35.0), (4, 1, 110.0), (8, 1, 250.0), (2, 8, 260.0)];
    for (n, (snapshot_ticks, seldom_ticks, error_max)) in rates.into_iter().enumerate() {
        for (jitter_s, lost_per_100) in [(0.0, 0), (0.05, 0), (0.05, 5), (0.05, 20)] {
            let case = Case {
                snapshot_ticks,
                jitter_s,
                lost_per_100,
                seldom_ticks,
            };
            let mut shown = play(case, 7 * n as u64 + lost_per_100);
            assert_eq!(shown.allocations, 0, "{case:?}");
            assert!(shown.errors_m.len() as u64 > WALKERS * 3_500, "{case:?}");
            assert!(shown.crossings > 10, "{case:?}: {}", shown.crossings);
            let behind = quantile(&mut shown.behind_s, 0.5) * 1e3;
            let errors = [0.5, 0.99, 1.0].map(|q| quantile(&mut shown.errors_m, q) * 1e3);
            let steps = [0.99, 1.0].map(|q| quantile(&mut shown.steps_m, q) * 1e3);
            let row = format!(
                "{:>4} {:>4} ms {lost_per_100:>3} % {seldom_ticks:>3}   {behind:>5.0} ms   {:>6.1} {:>6.1} {:>6.1}   {:>6.1} {:>6.1}",
                RATE / u16::from(snapshot_ticks),
                jitter_s * 1e3,
                errors[0],
                errors[1],
                errors[2],
                steps[0],
                steps[1],
            );
            println!("{row}");
            let is_good = errors[0] < 6.0 && errors[1] < error_max && steps[0] < 50.0;
            assert!(is_good && steps[1] < 250.0, "{row}");
        }
    }
}

/// Who comes and goes is told, in order, and to whoever asks seldom as well.
#[test]
fn comings_and_goings_are_those_of_the_replica() {
    let case = Case {
        snapshot_ticks: 2,
        jitter_s: 0.06,
        lost_per_100: 10,
        seldom_ticks: 1,
    };
    let mut scene = Scene::new(case, 3);
    let (mut out, mut told, mut comings) = (Datagrams::new(), BTreeSet::new(), Vec::new());
    let (mut entered, mut back) = (0, 0);
    for n in 0..3_000u64 {
        // Of four groups each is out of sight for two seconds in eight.
        scene.hidden = Some(n / 80 % 4);
        scene.tick(n as f64 * TICK_S, &mut out);
        scene.hear(n as f64 * TICK_S);
        if !n.is_multiple_of(if n < 1_500 { 7 } else { 400 }) {
            continue;
        }
        comings.clear();
        scene.view.take_comings(&mut comings);
        let mut left = BTreeSet::new();
        for coming in &comings {
            let is_news = match coming {
                Coming::Entered { id, .. } => {
                    entered += 1;
                    back += u32::from(left.contains(id));
                    told.insert(*id)
                }
                Coming::Left { id, .. } => {
                    left.insert(*id);
                    told.remove(id)
                }
            };
            assert!(is_news, "{coming:?}");
        }
        let tracked = scene.replica.tracked().iter().map(|t| t.state.id());
        assert!(told.iter().copied().eq(tracked), "tick {n}");
    }
    assert!(entered > 300 && back > 30, "{entered} entered, {back} back");
    assert_eq!(scene.view.comings_untold(), 0);
}
