//! Same start, same records, same hash.

use sim_core::{
    Entry, Input, Obstacle, OtherWorld, Record, ReplayError, Shape, SimLevel, Snapshot, Tier,
    World, replay,
};
use spatial_core::{DQuat, DVec3, EntityId, Planet};

use crate::scene::{
    BALL, CHARACTER, PLACES_DEG, RACER, RUNNER, Seeded, all_ground, at, empty_world, ground_m,
    tile, walker,
};

const TICKS: u64 = 1_000;
const SHORT: u64 = 300;
/// More than one unit of work, and the last one not full.
const AGENTS: u64 = 1_124;

/// The state hash after [`TICKS`] ticks of [`records_of`]: on every CPU, thread count and build profile.
const GOLDEN: u64 = 0x9efc_96fb_ac49_3259;

/// What the crowd does in a tick: a seeded stream of spawns, wishes and leavings at the awkward places.
fn records_of(tick: u64, world: &mut World) -> Vec<Record> {
    let mut seeded = Seeded(tick);
    let mut records = Vec::new();
    if tick == 0 {
        records = all_ground(world);
        for n in 1..=AGENTS {
            let (lat, lon) = PLACES_DEG[n as usize % PLACES_DEG.len()];
            let mut position = at(lat, lon);
            position.x += (seeded.below(2_400_000) as i32) - 1_200_000; // within 18 m: a crowd that pushes
            position.y += (seeded.below(2_400_000) as i32) - 1_200_000;
            let mut agent = walker(position);
            if n % 7 == 0 {
                agent.kind = RACER; // these race from frame to frame
            }
            if n % 5 == 0 {
                agent.kind = [CHARACTER, RUNNER][n as usize % 2];
                agent.velocity = [0, 0, 65_536 * 3];
            }
            if n % 13 == 0 {
                agent.kind = BALL;
                agent.position.z += 65_536 * 1_600; // above the highest hill
                agent.velocity = [65_536 * 30, 65_536 * (n as i32 % 50), 65_536 * 20];
            }
            let entity = EntityId(n);
            records.push(Record::Spawn { entity, agent });
            if n % 11 == 0 {
                let tier = Tier::every_power_of_two(1 + (n % 3) as u8).unwrap_or(Tier::ASLEEP);
                records.push(Record::Tier { entity, tier });
            }
        }
        for (n, (lat, lon)) in (1..).zip(PLACES_DEG) {
            let mut position = at(lat, lon);
            let ground_m = ground_m(Planet::EARTH.place(position).expect("a place"));
            position.x += 200_000;
            position.z += (ground_m * 65_536.0) as i32;
            let half_m = DVec3::new(3.0, 2.0, 200.0);
            let shape = Shape::cuboid(half_m, DQuat::from_rotation_z(0.3 * n as f64));
            let shape = shape.expect("a box");
            let obstacle = Obstacle { position, shape };
            records.push(Record::Build {
                id: EntityId(n),
                obstacle,
            });
        }
    }
    for _ in 0..80 {
        let (east, north) = (seeded.next() as i16, seeded.next() as i16); // ±128 m/s, over the limit of most
        records.push(Record::Input {
            entity: EntityId(1 + seeded.below(AGENTS + 20)), // some of them are not there
            input: Input {
                seq: tick as u32,
                east,
                north,
                heading: seeded.next() as u16,
                buttons: u16::from(seeded.below(7) == 0),
                ..Input::default()
            },
        });
    }
    if tick % 50 == 49 {
        records.push(Record::Despawn {
            entity: EntityId(1 + seeded.below(AGENTS)),
        });
    }
    records
}

/// Runs the crowd on a number of threads, at a level; gives the hash at the end and the journal.
fn run(threads: usize, level: SimLevel, ticks: u64) -> (World, Vec<Entry>) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().expect("a thread pool").install(|| {
        let mut world = empty_world();
        assert!(world.set_level(level));
        let mut journal = Vec::new();
        let (mut contacts, mut crossings) = (0, 0);
        for tick in 0..ticks {
            let records = records_of(tick, &mut world);
            let report = world.step(tick, &records).expect("a step");
            assert_eq!(report.held, 0);
            contacts += report.contacts;
            crossings += report.crossings;
            journal.push(Entry::Records { tick, records });
            if tick % 100 == 0 {
                let (tick, hash) = (world.tick(), world.hash());
                journal.push(Entry::StateHash { tick, hash });
            }
        }
        assert!(
            contacts > 1_000 && (ticks < TICKS || crossings > 10),
            "{contacts} {crossings}"
        );
        (world, journal)
    })
}

#[test]
fn hash_after_1000_ticks_is_golden() {
    let hash = run(2, SimLevel::detected(), TICKS).0.hash();
    assert_eq!(hash, GOLDEN, "it is {hash:#018x}");
}

#[test]
fn a_replayed_journal_ends_in_the_same_state() {
    let (recorded, journal) = run(2, SimLevel::detected(), TICKS);
    let mut world = empty_world();
    for entry in &journal {
        let mut bytes = Vec::new();
        entry.encode(&mut bytes);
        let entry = Entry::decode(&bytes).expect("what was encoded");
        replay(&mut world, &entry, &mut |cell, _| Some(tile(cell))).expect("a replay");
    }
    assert_eq!((world.tick(), world.hash()), (TICKS, recorded.hash()));
    assert_eq!(world.hash(), GOLDEN);
}

#[test]
fn a_restored_world_goes_on_as_the_other() {
    let (mut left, _) = run(1, SimLevel::Scalar, SHORT);
    let saved = left.save();
    let mut right = World::load(&saved, &mut |cell, _| Some(tile(cell))).expect("what was saved");
    assert_eq!(right.save(), saved);
    for tick in SHORT..SHORT + 100 {
        let records = records_of(tick, &mut left);
        assert_eq!(left.step(tick, &records), right.step(tick, &records));
        assert_eq!(left.hash(), right.hash(), "after tick {tick}");
    }
}

#[test]
fn a_world_that_went_back_has_the_same_future() {
    let (mut world, _) = run(2, SimLevel::detected(), SHORT);
    let mut snapshot = Snapshot::default();
    let mut hashes = Vec::new();
    for tick in SHORT..SHORT + 60 {
        if tick == SHORT + 20 {
            world.snapshot(&mut snapshot);
        }
        let records = records_of(tick, &mut world);
        world.step(tick, &records).expect("a step");
        hashes.push(world.hash());
    }
    for round in 0..3 {
        world.restore(&snapshot).expect("it is this world's");
        assert_eq!((world.tick(), snapshot.tick()), (SHORT + 20, SHORT + 20));
        assert_eq!(world.hash(), hashes[19]);
        for tick in SHORT + 20..SHORT + 60 - round {
            let records = records_of(tick, &mut world);
            world.step(tick, &records).expect("a step");
            assert_eq!(
                world.hash(),
                hashes[(tick - SHORT) as usize],
                "after tick {tick}"
            );
        }
    }
    let bytes = snapshot.byte_count() / world.len();
    assert!(bytes <= 55, "{bytes} B an agent where hardly two are alike");
    let mut other =
        crate::scene::empty_world_on(spatial_core::Planet::new(10_000.0).expect("legal"));
    assert_eq!(other.restore(&snapshot), Err(OtherWorld));
}

#[test]
fn many_may_leave_right_after_a_world_went_back() {
    let (mut world, _) = run(2, SimLevel::detected(), 40);
    let mut snapshot = Snapshot::default();
    world.snapshot(&mut snapshot);
    let leaving = world.ids().iter().rev().step_by(2).copied();
    let leaving: Vec<_> = leaving.map(|entity| Record::Despawn { entity }).collect();
    let mut hashes = Vec::new();
    for _ in 0..2 {
        world.step(40, &leaving).expect("a step");
        for tick in 41..45 {
            world.step(tick, &[]).expect("a step");
        }
        hashes.push(world.hash());
        for tick in 45..60 {
            let records = records_of(tick, &mut world);
            world.step(tick, &records).expect("a step");
        }
        world.restore(&snapshot).expect("it is this world's");
    }
    assert_eq!(hashes[0], hashes[1]);
}

#[test]
fn a_changed_record_is_found_by_the_next_hash() {
    let (_, mut journal) = run(1, SimLevel::detected(), 150);
    let Some(Entry::Records { records, .. }) = journal.get_mut(42) else {
        panic!("entry 42 holds records");
    };
    records.retain(|r| !matches!(r, Record::Input { .. }));
    let mut world = empty_world();
    let mut outcomes = journal
        .iter()
        .map(|entry| replay(&mut world, entry, &mut |cell, _| Some(tile(cell))));
    let found = outcomes.find_map(Result::err);
    assert!(
        matches!(found, Some(ReplayError::Diverged { tick: 101, .. })),
        "{found:?}"
    );
}
