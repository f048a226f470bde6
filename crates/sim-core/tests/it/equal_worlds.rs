//! Worlds of the same state are the same world, by whatever way they came to it: loaded, taken back, with rows in another order, on other
//! threads.

use std::sync::Arc;

use sim_core::{
    Agent, CarrierPose, Kind, KindId, Obstacle, OtherWorld, Record, Shape, Snapshot, StepReport,
    World,
};
use spatial_core::{
    Component, DQuat, DVec3, EntityId, FrameId, Geodetic, HeightTile, Planet, Pose, Position,
};

use crate::scene::{
    CHARACTER, RACER, Seeded, WALKER, all_ground, at, empty_world, kinds, tile, tiles, walker, wish,
};

const CARRIER: EntityId = EntityId(900);

/// A world as its save makes it anew: with the same hash.
pub(crate) fn reloaded(world: &World) -> World {
    let loaded = World::load(&world.save(), &mut |cell, _| Some(tile(cell)));
    let loaded = loaded.expect("what was saved");
    assert_eq!(loaded.hash(), world.hash(), "as it was loaded");
    loaded
}

/// An upright pose, turned by an angle.
pub(crate) fn pose_at(lat_deg: f64, lon_deg: f64, height_m: f64, turn: f64) -> CarrierPose {
    let at = Geodetic::from_degrees(lat_deg, lon_deg, height_m).expect("a legal place");
    CarrierPose::new(Pose::level(Planet::EARTH, at, turn).expect("a pose"))
}

fn carrier(height_m: f64) -> Record {
    let pose = pose_at(46.95, 7.44, height_m, 0.0);
    Record::Carrier {
        entity: CARRIER,
        pose,
    }
}

/// A position on a carrier's deck.
pub(crate) fn on_deck(carrier: EntityId, [x, y, z]: [i32; 3]) -> Position {
    let frame = FrameId::of_carrier(carrier).expect("a legal id");
    Position { frame, x, y, z }
}

pub(crate) fn spawn(n: u64, position: Position, kind: KindId) -> Record {
    let agent = Agent {
        position,
        kind,
        ..Agent::default()
    };
    Record::Spawn {
        entity: EntityId(n),
        agent,
    }
}

/// A world with ground after a tick of these records.
fn world_of(records: &[Record]) -> World {
    let mut world = empty_world();
    let mut first = all_ground(&mut world);
    first.extend_from_slice(records);
    step(&mut world, &first);
    world
}

fn step(world: &mut World, records: &[Record]) -> StepReport {
    world.step(world.tick(), records).expect("a step")
}

fn snapshot(world: &World) -> Snapshot {
    let mut snapshot = Snapshot::default();
    world.snapshot(&mut snapshot);
    snapshot
}

/// Both do the same in a tick.
#[track_caller]
fn assert_same_step(a: &mut World, b: &mut World, records: &[Record]) {
    let (did, other_did) = (step(a, records), step(b, records));
    assert_eq!((did, a.hash()), (other_did, b.hash()));
}

/// A metre and more east of somebody.
fn beside(at: Position) -> Position {
    Position {
        x: at.x + 65_536,
        ..at
    }
}

#[test]
fn poses_of_carriers_that_are_parked_survive_a_load() {
    for n in 0..1_000 {
        let n = f64::from(n);
        let pose = pose_at(-60.0 + 0.12 * n, 0.3 * n, 10.0, 0.01 * n);
        let entity = CARRIER;
        let mut world = empty_world();
        step(&mut world, &[Record::Carrier { entity, pose }]);
        reloaded(&world);
    }
}

#[test]
fn a_carrier_that_is_gone_is_no_frame() {
    let aboard = spawn(1, on_deck(CARRIER, [0; 3]), CHARACTER);
    let mut world = world_of(&[carrier(10.0), aboard]);
    let gone = step(&mut world, &[Record::CarrierGone { entity: CARRIER }]);
    assert_eq!(gone.refused, 0);
    let mut other = reloaded(&world);
    let again = spawn(2, on_deck(CARRIER, [0; 3]), CHARACTER);
    assert_same_step(&mut world, &mut other, &[again]);
    assert_eq!(world.len(), 1);
    reloaded(&world);
}

#[test]
fn a_carrier_that_was_undone_is_no_frame() {
    let entity = EntityId(1);
    let mut world = world_of(&[spawn(1, at(46.95, 7.44), CHARACTER)]);
    let before = snapshot(&world);
    let board = Record::Board {
        entity,
        carrier: CARRIER,
    };
    assert_eq!(step(&mut world, &[carrier(10.0), board]).refused, 0);
    world.restore(&before).expect("this world's");
    let aboard = spawn(2, on_deck(CARRIER, [0; 3]), CHARACTER);
    assert_eq!(step(&mut world, &[aboard]).refused, 1);
}

#[test]
fn kinds_are_read_again_by_who_goes_back() {
    let big = KindId(20);
    let kind = Kind {
        radius: 512,
        height: 1_024,
        ..Kind::crowd(512)
    };
    let place = at(46.95, 7.44);
    let pair = [spawn(1, place, WALKER), spawn(2, beside(place), WALKER)];
    let mut world = world_of(&[&[Record::Kind { id: big, kind }], &pair[..]].concat());
    let before = snapshot(&world);
    let mut other = reloaded(&world);
    let entity = EntityId(2);
    let anew = [Record::Despawn { entity }, spawn(2, beside(place), big)];
    step(&mut world, &anew);
    world.restore(&before).expect("this world's");
    assert_same_step(&mut world, &mut other, &[]);
}

/// Somebody was predicted as one kind and came as another; then the prediction is what happened.
#[test]
fn kinds_are_read_again_by_who_goes_forth() {
    let place = at(46.95, 7.44);
    let mut world = world_of(&[spawn(1, place, WALKER)]);
    let before = snapshot(&world);
    step(&mut world, &[spawn(2, beside(place), WALKER)]);
    let predicted = snapshot(&world);
    let mut other = reloaded(&world);
    world.restore(&before).expect("this world's");
    step(&mut world, &[spawn(2, beside(place), CHARACTER)]);
    world.restore(&predicted).expect("this world's");
    for _ in 0..4 {
        assert_same_step(&mut world, &mut other, &[wish(EntityId(2), 3.0, 1.0)]);
    }
}

/// A carrier 20 km up: who is 20 km above its deck fits in no frame on the ground. Then nobody leaves, whoever's row comes first.
#[test]
fn a_carrier_stays_with_all_aboard_while_one_cannot_leave() {
    let low = spawn(1, on_deck(CARRIER, [6_000_000, 6_000_000, 0]), CHARACTER);
    let high = spawn(2, on_deck(CARRIER, [0, 0, 20_000 * 65_536]), CHARACTER);
    let deck = carrier(20_000.0);
    let mut world = world_of(&[deck.clone(), low.clone(), high.clone()]);
    let mut other = world_of(&[deck, high, low]);
    assert_eq!(world.hash(), other.hash());
    assert_ne!(world.ids(), other.ids());
    let gone = Record::CarrierGone { entity: CARRIER };
    assert_same_step(&mut world, &mut other, std::slice::from_ref(&gone));
    let frames = (0..2).map(|row| world.position(row).frame.carrier());
    assert!(frames.eq([Some(CARRIER); 2]));
    let entity = EntityId(2);
    assert_same_step(&mut world, &mut other, &[Record::Despawn { entity }, gone]);
    assert_eq!(world.position(0).frame.carrier(), None);
}

#[test]
fn a_tile_is_admitted_by_its_checksum_whatever_was_staged_since() {
    let first = tiles().next().expect("a tile");
    let mut samples = first.samples().to_vec();
    samples[0] += 7;
    let second = HeightTile::new(first.cell(), first.intervals(), samples);
    let mut world = empty_world();
    world.stage(Arc::clone(&first));
    let before = snapshot(&world);
    let resident = [Record::Resident {
        tile: first.cell(),
        checksum: first.checksum(),
    }];
    step(&mut world, &resident);
    let want = world.hash();
    world.stage(Arc::new(second.expect("samples of a whole tile")));
    world.restore(&before).expect("this world's");
    step(&mut world, &resident);
    assert_eq!(world.hash(), want);
}

#[test]
fn a_deck_ends_at_the_end_of_the_grid() {
    for (end, east_mps) in [(i32::MAX - 1_000, 100.0), (i32::MIN + 1_000, -100.0)] {
        let runner = spawn(1, on_deck(CARRIER, [end, 0, 0]), RACER);
        let away = wish(EntityId(1), east_mps, 0.0);
        let mut world = world_of(&[carrier(10.0), runner, away]);
        step(&mut world, &[]);
        let x = world.position(0).x;
        assert_eq!(x.signum(), end.signum(), "it came out at the other end");
    }
}

/// How far a crowd comes that walks into a wall, some way from the low end of a deck's block.
fn walk_into_wall(low: i32) -> Vec<i32> {
    let place = |east_m: i32, north: i32| on_deck(CARRIER, [low + east_m * 65_536, north, 0]);
    let half_m = DVec3::new(1.0, 20.0, 5.0);
    let shape = Shape::cuboid(half_m, DQuat::IDENTITY).expect("a box");
    let position = place(40, 30 * 65_536);
    let id = EntityId(5);
    let obstacle = Obstacle { position, shape };
    let mut records = vec![carrier(10.0), Record::Build { id, obstacle }];
    for n in 0..40 {
        let start = place(36, 15 * 65_536 + n * 70_000);
        records.push(spawn(1 + n as u64, start, WALKER));
        records.push(wish(EntityId(1 + n as u64), 4.0, 0.0));
    }
    let mut world = world_of(&records);
    for _ in 0..60 {
        step(&mut world, &[]);
    }
    let agents = (1..=40).map(|n| world.agent(EntityId(n)).expect("it is there"));
    agents.map(|agent| agent.position.x - low).collect()
}

#[test]
fn a_wall_in_the_lowest_block_stops_as_anywhere() {
    let stopped = walk_into_wall(0);
    // The wall is 40 m long; who walks past its end is not stopped.
    assert!(stopped[..25].iter().all(|x| *x < 40 * 65_536));
    assert!(stopped[35..].iter().all(|x| *x > 42 * 65_536));
    assert_eq!(walk_into_wall(i32::MIN), stopped);
}

/// A world of runners who keep leaving their frames, after so many ticks: ids in row order after each, the save at the end, crossings.
fn rows_on(threads: usize) -> (Vec<Vec<EntityId>>, Vec<u8>, u32) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().expect("a pool").install(|| {
        let mut seeded = Seeded(9);
        let mut within = || (seeded.below(1 << 30) as f64 / f64::from(1 << 29) - 1.0) * 3.0;
        let mut records = Vec::new();
        for n in 1..=6_000 {
            records.push(spawn(n, at(46.95 + within(), 7.44 + within()), RACER));
            let east = [90.0, -90.0][(n % 2) as usize];
            records.push(wish(EntityId(n), east, 70.0));
        }
        let mut world = world_of(&records);
        let (mut ids, mut crossings) = (Vec::new(), 0);
        for _ in 0..400 {
            crossings += step(&mut world, &[]).crossings;
            ids.push(world.ids().to_vec());
        }
        (ids, world.save(), crossings)
    })
}

#[test]
fn rows_and_saves_are_the_same_on_any_number_of_threads() {
    let (ids, save, crossings) = rows_on(1);
    assert!(crossings > 1_000, "{crossings}");
    assert!(ids.windows(2).any(|two| two[0] != two[1]), "rows move");
    for threads in [2, 8] {
        let (other_ids, other_save, _) = rows_on(threads);
        let first = ids.iter().zip(&other_ids).position(|(a, b)| a != b);
        assert_eq!(
            first, None,
            "{threads} threads: the first tick that differs"
        );
        assert!(save == other_save, "{threads} threads: saves differ");
    }
}

#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "luck", kind = scalar, version = 1)]
struct Luck {
    points: u32,
}

#[test]
fn a_snapshot_with_other_columns_is_refused() {
    let first = [spawn(1, at(46.95, 7.44), WALKER)];
    let mut with_luck = empty_world();
    with_luck.register::<Luck>().expect("a new column");
    step(&mut with_luck, &kinds());
    let mut world = world_of(&first);
    let hash = world.hash();
    assert_eq!(world.restore(&snapshot(&with_luck)), Err(OtherWorld));
    assert_eq!(world.hash(), hash, "it is unchanged");
    step(
        &mut world,
        &[Record::Spawn {
            entity: EntityId(2),
            agent: walker(at(46.95, 7.44)),
        }],
    );
}
