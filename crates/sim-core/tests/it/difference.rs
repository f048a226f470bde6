//! Where two worlds differ.

use sim_core::{Difference, Input, Record, Tier, World, WorldStart};
use spatial_core::{EntityId, HeightTile, Position};
use std::sync::Arc;

use crate::scene::{all_ground, at, empty_world, tile, walker, wish};

/// Twenty walkers, told in the order that a seed says.
fn crowd(is_backwards: bool) -> World {
    let mut world = empty_world();
    let mut records = all_ground(&mut world);
    let mut ids: Vec<u64> = (1..=20).collect();
    if is_backwards {
        ids.reverse();
    }
    for n in ids {
        let mut position = at(46.95, 7.44);
        position.x += n as i32 * 400_000;
        records.push(Record::Spawn {
            entity: EntityId(n),
            agent: walker(position),
        });
    }
    world.step(0, &records).expect("a step");
    world
}

#[test]
fn equal_worlds_have_no_difference_whatever_the_order_of_their_rows() {
    let (mut left, mut right) = (crowd(false), crowd(true));
    for tick in 1..30 {
        let inputs = [wish(EntityId(3), 1.0, 1.0), wish(EntityId(17), 0.0, -1.0)];
        left.step(tick, &inputs).expect("a step");
        right.step(tick, &inputs).expect("a step");
        assert_eq!((left.difference(&right), left.hash()), (None, right.hash()));
    }
    let mut tiles = |cell, _| -> Option<Arc<HeightTile>> { Some(tile(cell)) };
    let loaded = World::load(&right.save(), &mut tiles).expect("what was saved");
    assert_eq!(left.difference(&loaded), None);
}

#[test]
fn the_first_agent_and_its_first_column_are_named() {
    let (mut left, mut right) = (crowd(false), crowd(true));
    let asked = |entity, east, heading| Record::Input {
        entity: EntityId(entity),
        input: Input {
            east,
            heading,
            ..Input::default()
        },
    };
    left.step(1, &[asked(9, 0, 500), asked(12, 900, 0)])
        .expect("a step");
    right
        .step(1, &[asked(9, 0, 501), asked(12, 800, 0)])
        .expect("a step");
    let found = left.difference(&right).expect("they differ");
    let want = Difference::Value {
        entity: EntityId(9),
        column: "heading".into(),
        lane: "turn".into(),
        left: "500".into(),
        right: "501".into(),
    };
    assert_eq!(found, want);
    assert_eq!(found.to_string(), "e9, heading.turn: 500 left, 501 right");
    left.step(2, &[asked(9, 0, 501)]).expect("a step");
    right.step(2, &[]).expect("a step");
    let found = left.difference(&right).expect("they differ");
    let is_body = matches!(&found, Difference::Value { entity: EntityId(12), column, lane, .. }
        if column == "body" && lane == "x");
    assert!(is_body, "{found}");
}

#[test]
fn all_that_is_state_is_compared() {
    let step = |records: &[Record]| {
        let mut world = crowd(false);
        world.step(1, records).expect("a step");
        world
    };
    let plain = step(&[]);
    let difference = |records: &[Record]| plain.difference(&step(records)).expect("they differ");
    let spawn = |entity| Record::Spawn {
        entity: EntityId(entity),
        agent: walker(Position {
            y: 9_000_000,
            ..at(46.95, 7.44)
        }),
    };
    let missing = |entity, is_left| Difference::Missing {
        entity: EntityId(entity),
        is_left,
    };
    assert_eq!(difference(&[spawn(30)]), missing(30, false));
    assert_eq!(
        step(&[spawn(30)]).difference(&plain),
        Some(missing(30, true))
    );
    let entity = EntityId(7);
    assert_eq!(difference(&[Record::Despawn { entity }]), missing(7, true));
    let tier = Record::Tier {
        entity,
        tier: Tier::ASLEEP,
    };
    let found = difference(&[tier]).to_string();
    assert_eq!(found, "e7, state.tier: 0 left, 255 right");
    let lease = Record::Lease {
        first: EntityId(1_000),
        count: 5,
    };
    assert!(matches!(difference(&[lease]), Difference::Part { .. }));
    let mut later = step(&[]);
    later.step(2, &[]).expect("a step");
    assert_eq!(
        plain.difference(&later),
        Some(Difference::Tick { left: 2, right: 3 })
    );
    let start = WorldStart {
        world_id: 8,
        ..plain.start().clone()
    };
    let other = World::new(start).expect("a legal start");
    assert_eq!(plain.difference(&other), Some(Difference::Start));
}
