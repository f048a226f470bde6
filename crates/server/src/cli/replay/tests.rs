//! Journals that were written to differ.

use std::path::Path;

use sim_core::{
    Agent, Difference, Entry, Input, Kind, KindId, Record, SimLevel, World, WorldStart,
};
use spatial_core::{
    CellId, EntityId, Geodetic, HeightTile, LatticeSpec, Manifest, MemoryStore, Planet, TileStore,
};

use super::search::{Outcome, search};
use super::side::{Manner, Side};
use crate::host::Host;
use crate::persist::{DirLock, FrameKind, Store, StoreOptions, TickFrames};

const WORLD: u16 = 1;
const TICKS: u64 = 300;
const PLAIN: Manner = Manner {
    threads: 1,
    level: SimLevel::Scalar,
};

fn lattice() -> LatticeSpec {
    LatticeSpec::new(1, 16, 0.0, 1.0).unwrap()
}

fn planet() -> MemoryStore {
    let manifest = Manifest::new(Planet::EARTH, lattice(), "flat", "CC0");
    let flat = |face| HeightTile::new(CellId::from_face_ij(face, 0, 0, 0), 16, vec![100; 17 * 17]);
    MemoryStore::new(manifest, (0..6).map(|face| flat(face).unwrap())).unwrap()
}

fn empty(gravity: u16) -> World {
    World::new(WorldStart {
        world_id: u64::from(WORLD),
        planet: Planet::EARTH,
        tick_rate_hz: 30,
        gravity,
        lattice: lattice(),
    })
    .unwrap()
}

/// What a tick consumes: twelve agents who are sent about.
fn records(tick: u64, store: &MemoryStore) -> Vec<Record> {
    let mut records = Vec::new();
    if tick == 0 {
        let (id, kind) = (KindId(0), Kind::crowd(1_024));
        records.push(Record::Kind { id, kind });
        for face in 0..6 {
            let tile = CellId::from_face_ij(face, 0, 0, 0);
            let checksum = store.load_refined(tile).unwrap().checksum();
            records.push(Record::Resident { tile, checksum });
        }
        for n in 1..=12 {
            let at = Geodetic::from_degrees(46.9, 7.4 + n as f64 * 1e-4, 100.0).unwrap();
            let position = Planet::EARTH.position(Planet::EARTH.ecef(at)).unwrap();
            let agent = Agent {
                position,
                ..Agent::default()
            };
            let entity = EntityId(n);
            records.push(Record::Spawn { entity, agent });
        }
    } else if tick.is_multiple_of(3) {
        records.push(Record::Input {
            entity: EntityId(1 + tick % 12),
            input: Input {
                seq: tick as u32,
                east: (tick * 37 % 2_000) as i16 - 1_000,
                heading: tick as u16,
                ..Input::default()
            },
        });
    }
    records
}

/// What else there is to a journal.
#[derive(Clone, Copy)]
struct Told {
    gravity: u16,
    checkpoint: Option<u64>, // before this tick
    lie: Option<u64>,        // about the hash after this tick
}

const TOLD: Told = Told {
    gravity: WorldStart::EARTH_GRAVITY,
    checkpoint: None,
    lie: None,
};

/// Writes the journal of a world whose records may be changed.
fn write(dir: &Path, about: Told, change: impl Fn(u64, &mut [Record])) {
    let (mut world, planet) = (empty(about.gravity), planet());
    let lock = DirLock::take(dir).unwrap();
    let host = || Host::default().encode();
    let mut store = Store::create(lock, StoreOptions::new(WORLD), host(), world.save()).unwrap();
    for tick in 0..TICKS {
        if about.checkpoint == Some(tick) {
            store.checkpoint(tick, host(), world.save());
        }
        let mut told = records(tick, &planet);
        change(tick, &mut told);
        for record in &told {
            if let Record::Resident { tile, .. } = record {
                world.stage(planet.load_refined(*tile).unwrap());
            }
        }
        world.step(tick, &told).unwrap();
        let mut frames = Vec::new();
        let mut push = |entry: Entry| {
            let mut payload = Vec::new();
            entry.encode(&mut payload);
            frames.push((FrameKind::Entry, payload));
        };
        if !told.is_empty() {
            let records = told;
            push(Entry::Records { tick, records });
        }
        if tick % 50 == 49 {
            let hash = world.hash() ^ u64::from(about.lie == Some(tick));
            let tick = world.tick();
            push(Entry::StateHash { tick, hash });
        }
        if !frames.is_empty() {
            store.append(TickFrames { tick, frames });
        }
    }
    store.close().unwrap();
}

fn compare(left: &Path, right: &Path, until: u64) -> (Outcome, [Option<u64>; 2]) {
    let planet = planet();
    let fast = Manner {
        threads: 2,
        level: SimLevel::detected(),
    };
    let open = |dir, manner| Side::open(dir, WORLD, &planet, manner).unwrap().unwrap();
    let (mut left, mut right) = (open(left, PLAIN), open(right, fast));
    let outcome = search(&mut left, &mut right, until, |_| {}).unwrap();
    (outcome, [left.diverged, right.diverged])
}

/// The heading of whoever is told in tick 171 is another.
fn bend(tick: u64, records: &mut [Record]) {
    if let (171, Some(Record::Input { input, .. })) = (tick, records.last_mut()) {
        input.heading ^= 1;
    }
}

#[test]
fn equal_journals_have_no_difference_whatever_the_manner() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), TOLD, |_, _| {});
    let (outcome, diverged) = compare(dir.path(), dir.path(), u64::MAX);
    assert!(outcome.found.is_none() && outcome.records_differ.is_none());
    // The last tick of the journal is that of its last frame.
    assert_eq!(
        (outcome.ticks, outcome.next, diverged),
        (TICKS, TICKS, [None; 2])
    );
    let (outcome, _) = compare(dir.path(), dir.path(), 70);
    assert_eq!(outcome.next, 71);
}

#[test]
fn the_first_tick_entity_and_column_are_found() {
    let (left, right) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(left.path(), TOLD, |_, _| {});
    let later = Told {
        checkpoint: Some(100),
        ..TOLD
    };
    write(right.path(), later, bend);
    let (outcome, diverged) = compare(left.path(), right.path(), u64::MAX);
    let (tick, difference) = outcome.found.expect("they differ");
    assert_eq!(tick, Some(171)); // and 12 ticks later not any more
    assert_eq!(outcome.records_differ, Some(171));
    assert_eq!(diverged, [None; 2]);
    let Difference::Value {
        entity,
        column,
        left,
        right,
        ..
    } = difference
    else {
        panic!("{difference}");
    };
    assert_eq!((entity, column.as_str()), (EntityId(4), "heading"));
    assert_eq!((left.as_str(), right.as_str()), ("171", "170"));
}

#[test]
fn records_that_change_no_state_are_told() {
    let (left, right) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(left.path(), TOLD, |_, _| {});
    write(right.path(), TOLD, |tick, records| {
        if let (30.., Some(Record::Input { input, .. })) = (tick, records.last_mut()) {
            input.predicted = 7;
        }
    });
    let (outcome, _) = compare(left.path(), right.path(), u64::MAX);
    assert!(outcome.found.is_none());
    assert_eq!(outcome.records_differ, Some(30));
}

#[test]
fn a_start_that_differs_and_a_hash_that_lies_are_named() {
    let (left, right) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(left.path(), TOLD, |_, _| {});
    let heavy = Told {
        gravity: 3_000,
        ..TOLD
    };
    write(right.path(), heavy, |_, _| {});
    let (outcome, _) = compare(left.path(), right.path(), u64::MAX);
    assert_eq!(outcome.found, Some((None, Difference::Start)));
    assert_eq!((outcome.next, outcome.ticks), (0, 0));
    let lying = tempfile::tempdir().unwrap();
    let told = Told {
        lie: Some(199),
        ..TOLD
    };
    write(lying.path(), told, |_, _| {});
    let (outcome, diverged) = compare(left.path(), lying.path(), u64::MAX);
    assert!(outcome.found.is_none());
    assert_eq!(diverged, [None, Some(199)]);
}
