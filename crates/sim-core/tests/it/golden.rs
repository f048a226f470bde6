//! The bits of small worlds, pinned: whoever runs this on another CPU, compiler or system learns whether it computes the same.
//!
//! Each world is stepped with the same records on 1, 2, 3 and 8 threads, at every level, straight on, loaded from a save, taken back to a
//! snapshot, and replayed from its journal; the hashes of all ticks must be those of one thread without vectors, and the last one that of
//! `golden/simulation.txt`. Together with the same test of a debug build and of a release build this is the whole matrix.

use sim_core::{
    Agent, Entry, Input, KindId, Obstacle, Record, Shape, SimLevel, Snapshot, Tier, World, replay,
};
use spatial_core::{DQuat, DVec3, EntityId, FrameId, Planet, Position};

use crate::characters::{SHIP, sail};
use crate::comings;
use crate::scene::{
    BALL, CHARACTER, PLACES_DEG, RACER, RUNNER, Seeded, WALKER, all_ground, at, empty_world_on,
    ground_m, tile,
};

/// Hashes after [`TICKS`] ticks, a world a line.
const GOLDEN: &str = include_str!("../golden/simulation.txt");

/// Ticks that golden hashes are of.
const TICKS: u64 = 200;

/// Agents of a world: more than one unit of work, where there is a crowd.
const AGENTS: u64 = 600;

/// A small world: its name, the agent of each number with its tier, how it begins, and what happens in every tick besides inputs.
pub(crate) struct Scene {
    name: &'static str,
    planet: fn() -> Planet,
    agents: u64,
    agent: fn(u64) -> Agent,
    tier: fn(u64) -> Option<Tier>,
    begin: fn(&Scene, &mut Vec<Record>),
    happen: fn(u64, &mut Vec<Record>),
}

/// At sea and ashore on the Earth, where nobody is: what the others are but for what they say.
const EARTH: Scene = Scene {
    name: "nobody",
    planet: || Planet::EARTH,
    agents: 0,
    agent: |_| Agent::default(),
    tier: |_| None,
    begin: Scene::begin_on_earth,
    happen: |tick, records| records.push(sail(tick)),
};

static SCENES: [Scene; 6] = [
    Scene {
        name: "crowd",
        agents: AGENTS,
        agent: |n| ashore(n, [WALKER, WALKER, RACER][n as usize % 3], 0),
        ..EARTH
    },
    Scene {
        name: "characters",
        agents: AGENTS / 4,
        agent: |n| ashore(n, [CHARACTER, RUNNER][n as usize % 2], 3),
        ..EARTH
    },
    Scene {
        name: "flyers",
        agents: AGENTS / 4,
        agent: |n| ashore(n, [BALL, BALL, WALKER][n as usize % 3], 1_600),
        ..EARTH
    },
    Scene {
        name: "tiers",
        agents: AGENTS,
        agent: |n| ashore(n, [WALKER, CHARACTER][usize::from(n % 5 == 0)], 0),
        tier: |n| Some(Tier::every_power_of_two((n % 5) as u8).unwrap_or(Tier::ASLEEP)),
        ..EARTH
    },
    Scene {
        name: "ship",
        agents: 40,
        agent: aboard,
        ..EARTH
    },
    Scene {
        name: "comings",
        planet: comings::planet,
        agents: 200,
        agent: comings::agent,
        tier: |n| (n % 7 == 3).then_some(Tier::ASLEEP),
        begin: comings::begin,
        happen: comings::happen,
    },
];

/// Somebody at one of the awkward places, so many metres above the datum.
fn ashore(n: u64, kind: KindId, up_m: i32) -> Agent {
    let mut seeded = Seeded(n);
    let (lat, lon) = PLACES_DEG[n as usize % PLACES_DEG.len()];
    let mut position = at(lat, lon);
    position.x += (seeded.below(1_600_000) as i32) - 800_000; // within 12 m
    position.y += (seeded.below(1_600_000) as i32) - 800_000;
    position.z += 65_536 * up_m;
    let velocity = match up_m {
        0 => [0; 3],
        _ => [65_536 * (n as i32 % 50), 65_536 * 30, 65_536 * 20],
    };
    Agent {
        position,
        kind,
        velocity,
        ..Agent::default()
    }
}

/// Somebody on a ship's deck.
fn aboard(n: u64) -> Agent {
    let frame = FrameId::of_carrier(SHIP).expect("a legal id");
    let (x, y) = ((n as i32 % 5) * 60_000, (n as i32 / 5) * 60_000);
    let z = 32_768;
    Agent {
        position: Position { frame, x, y, z },
        kind: [CHARACTER, WALKER][n as usize % 2],
        ..Agent::default()
    }
}

/// The world of a name.
pub(crate) fn scene(name: &str) -> &'static Scene {
    let named = SCENES.iter().find(|scene| scene.name == name);
    named.expect("there is one")
}

impl Scene {
    /// What happens in a tick: all come in the first one; then they change their minds.
    pub(crate) fn records(&self, tick: u64, world: &mut World) -> Vec<Record> {
        let mut seeded = Seeded(tick);
        let mut records = match tick {
            0 => all_ground(world),
            _ => Vec::new(),
        };
        (self.happen)(tick, &mut records);
        if tick == 0 {
            (self.begin)(self, &mut records);
        }
        for _ in 0..self.agents / 10 {
            let input = Input {
                seq: tick as u32,
                east: (seeded.below(2_048) as i16) - 1_024,
                north: (seeded.below(2_048) as i16) - 1_024,
                heading: seeded.next() as u16,
                buttons: u16::from(seeded.below(7) == 0),
                ..Input::default()
            };
            let entity = EntityId(1 + seeded.below(self.agents + 5)); // some are not there
            records.push(Record::Input { entity, input });
        }
        if tick % 40 == 39 {
            let entity = EntityId(1 + seeded.below(self.agents));
            records.push(Record::Despawn { entity });
        }
        records
    }

    /// Everybody comes.
    pub(crate) fn spawn_all(&self, records: &mut Vec<Record>) {
        for n in 1..=self.agents {
            let entity = EntityId(n);
            let agent = (self.agent)(n);
            records.push(Record::Spawn { entity, agent });
            let tier = (self.tier)(n);
            records.extend(tier.map(|tier| Record::Tier { entity, tier }));
        }
    }

    fn begin_on_earth(&self, records: &mut Vec<Record>) {
        self.spawn_all(records);
        for (n, (lat, lon)) in (1..).zip(PLACES_DEG) {
            let mut position = at(lat, lon);
            let ground_m = ground_m(Planet::EARTH.place(position).expect("a place"));
            position.x += 200_000;
            position.z += (ground_m * 65_536.0) as i32;
            let turn = DQuat::from_rotation_z(0.3 * f64::from(n));
            records.push(build(n as u64, position, DVec3::new(3.0, 2.0, 200.0), turn));
        }
        let frame = FrameId::of_carrier(SHIP).expect("a legal id");
        let z = -65_536;
        let deck = Position {
            frame,
            x: 0,
            y: 0,
            z,
        };
        records.push(build(
            99,
            deck,
            DVec3::new(10.0, 40.0, 1.0),
            DQuat::IDENTITY,
        ));
    }

    /// The hashes before each of so many ticks and after the last, by one way.
    fn hashes(&self, threads: usize, level: SimLevel, way: Way, ticks: u64) -> Vec<u64> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().expect("a thread pool").install(|| {
            let mut run = Run {
                scene: self,
                world: empty_world_on((self.planet)()),
                journal: Vec::new(),
                hashes: Vec::new(),
            };
            assert!(run.world.set_level(level));
            match way {
                Way::Straight => run.go_to(ticks),
                Way::Loaded => {
                    run.go_to(ticks / 2);
                    let saved = run.world.save();
                    let loaded = World::load(&saved, &mut |cell, _| Some(tile(cell)));
                    run.world = loaded.expect("what was saved");
                    assert!(run.world.set_level(level));
                    run.go_to(ticks);
                }
                Way::WentBack => {
                    let mut snapshot = Snapshot::default();
                    run.go_to(ticks / 3);
                    run.world.snapshot(&mut snapshot);
                    run.go_to(2 * ticks / 3);
                    run.world.restore(&snapshot).expect("this world's");
                    run.hashes.truncate((ticks / 3) as usize);
                    run.go_to(ticks);
                }
                Way::Replayed => {
                    run.go_to(ticks);
                    let mut world = empty_world_on((self.planet)());
                    assert!(world.set_level(level));
                    run.hashes = replayed(&mut world, &run.journal);
                    run.world = world;
                }
            }
            run.hashes.push(run.world.hash());
            run.hashes
        })
    }
}

pub(crate) fn build(id: u64, position: Position, half_m: DVec3, turn: DQuat) -> Record {
    let shape = Shape::cuboid(half_m, turn).expect("a box");
    Record::Build {
        id: EntityId(id),
        obstacle: Obstacle { position, shape },
    }
}

/// How a world comes to its last tick.
#[derive(Clone, Copy, Debug)]
enum Way {
    Straight,
    Loaded,
    WentBack,
    Replayed,
}

/// A world on its way.
struct Run<'a> {
    scene: &'a Scene,
    world: World,
    journal: Vec<Vec<u8>>,
    hashes: Vec<u64>,
}

impl Run<'_> {
    fn go_to(&mut self, tick: u64) {
        while self.world.tick() < tick {
            let tick = self.world.tick();
            self.hashes.push(self.world.hash());
            let records = self.scene.records(tick, &mut self.world);
            let report = self.world.step(tick, &records).expect("a step");
            assert_eq!(report.held, 0);
            let mut bytes = Vec::new();
            Entry::Records { tick, records }.encode(&mut bytes);
            self.journal.push(bytes);
        }
    }
}

fn replayed(world: &mut World, journal: &[Vec<u8>]) -> Vec<u64> {
    let mut hashes = Vec::new();
    for bytes in journal {
        hashes.push(world.hash());
        let entry = Entry::decode(bytes).expect("what was encoded");
        replay(world, &entry, &mut |cell, _| Some(tile(cell))).expect("a replay");
    }
    hashes
}

#[test]
fn hashes_are_golden() {
    let mut now = String::new();
    for scene in &SCENES {
        let hashes = scene.hashes(2, SimLevel::detected(), Way::Straight, TICKS);
        let last = hashes.last().expect("at least one");
        now += &format!("{} {last:016x}\n", scene.name);
    }
    assert_eq!(now, GOLDEN, "they are now:\n{now}");
}

#[test]
fn one_hash_a_tick_for_every_number_of_threads_level_and_way() {
    let asked = std::env::var("BLUEMARBLE_MATRIX_TICKS").ok();
    let ticks = asked.map_or(30, |ticks| ticks.parse().expect("a number of ticks"));
    let mut runs = 0;
    for scene in &SCENES {
        let want = scene.hashes(1, SimLevel::Scalar, Way::Straight, ticks);
        assert_eq!(want.len() as u64, ticks + 1);
        for level in SimLevel::ALL {
            if !level.is_available() {
                println!("{level:?}: not run, this CPU has it not");
                continue;
            }
            for threads in [1, 2, 3, 8] {
                for way in [Way::Straight, Way::Loaded, Way::WentBack, Way::Replayed] {
                    let hashes = scene.hashes(threads, level, way, ticks);
                    let what = format!("{}, {level:?}, {threads} threads, {way:?}", scene.name);
                    let first = hashes.iter().zip(&want).position(|(a, b)| a != b);
                    assert_eq!(first, None, "{what}: the first tick that differs");
                    assert_eq!(hashes.len(), want.len(), "{what}");
                    runs += 1;
                }
            }
        }
    }
    println!(
        "{runs} runs of {ticks} ticks: one hash a tick in each of {} worlds",
        SCENES.len()
    );
}
