//! A character alone steps as one in a world does, bit for bit.

use sim_core::{Agent, ExactState, Input, KindId, Obstacle, Record, Shape, Solo, World};
use spatial_core::{DQuat, DVec3, EntityId, Position};

use crate::characters::{at_sea, sail};
use crate::scene::{CHARACTER, PLACES_DEG, RUNNER, Seeded, all_ground, at, empty_world, walker};

const PLAYER: EntityId = EntityId(1);

/// A world with a player of a kind, and boxes around where it begins.
fn world_of(kind: KindId, start: Position) -> World {
    let mut world = empty_world();
    let mut records = all_ground(&mut world);
    let agent = Agent {
        position: start,
        kind,
        ..Agent::default()
    };
    let entity = PLAYER;
    records.push(Record::Spawn { entity, agent });
    world.step(0, &records).expect("the first step");
    let feet = world.position(0);
    let build = |n: i32| Record::Build {
        id: EntityId(10 + n as u64),
        obstacle: Obstacle {
            position: Position {
                x: feet.x + (((n % 5 - 2) * 7 + 3) << 16),
                y: feet.y + (((n / 5 - 2) * 7) << 16),
                ..feet
            },
            shape: Shape::cuboid(DVec3::new(1.0, 0.5, 1.0), DQuat::IDENTITY).expect("a box"),
        },
    };
    let boxes: Vec<_> = (0..25).map(build).collect();
    world.step(1, &boxes).expect("the second step");
    world
}

/// Walks, turns and jumps.
fn play(input: &mut Input, speed: f64, seeded: &mut Seeded) {
    input.seq += 1;
    input.buttons = u16::from(seeded.below(40) == 0) * Input::JUMP;
    if seeded.below(30) == 0 {
        let angle = seeded.next() as f64;
        let speed = speed * [0.0, 0.4, 1.0, 1.0][seeded.below(4) as usize];
        input.east = (speed * libm::sin(angle)) as i16;
        input.north = (speed * libm::cos(angle)) as i16;
        input.up = seeded.next() as i16;
    }
}

#[test]
fn alone_it_is_the_same_as_in_a_world() {
    let (mut modes, mut crossings) = ([0; 3], 0);
    for (n, (lat, lon)) in (0..).zip(PLACES_DEG) {
        for (kind, speed, ticks) in [(CHARACTER, 1_024.0, 600), (RUNNER, 25_600.0, 2_500)] {
            let mut world = world_of(kind, at(lat, lon));
            let what = *world.kind(kind).expect("it was told");
            let mut solo = Solo::new(world.start(), what).expect("a character");
            let (mut seeded, mut input) = (Seeded(n), Input::default());
            for tick in 2..ticks {
                play(&mut input, speed, &mut seeded);
                let before = world.exact(PLAYER).expect("it is there");
                let foretold = solo.step(&before, &input, world.tiles(), world.obstacles());
                let entity = PLAYER;
                let report = world.step(tick, &[Record::Input { entity, input }]);
                let after = world.exact(PLAYER).expect("it is there");
                assert_eq!(foretold, Some(after), "{lat} {lon} {kind:?} tick {tick}");
                modes[after.mode as usize] += 1;
                crossings += report.expect("a step").crossings;
            }
        }
    }
    println!("walked, fell, swam {modes:?} ticks, {crossings} changes of frame");
    assert!(modes.iter().all(|ticks| *ticks > 100) && crossings > 5);
}

#[test]
fn others_show() {
    let mut world = world_of(CHARACTER, at(46.95, 7.44));
    let mut solo = Solo::new(world.start(), *world.kind(CHARACTER).expect("told"));
    let solo = solo.as_mut().expect("a character");
    for tick in 2..30 {
        world.step(tick, &[]).expect("a step");
    }
    let here = world.exact(PLAYER).expect("it is there");
    let (entity, mut agent) = (EntityId(2), walker(here.position));
    agent.position.x += 1 << 15; // half a metre
    world
        .step(30, &[Record::Spawn { entity, agent }])
        .expect("a step");
    let foretold = solo.step(&here, &Input::default(), world.tiles(), world.obstacles());
    assert_eq!(foretold, Some(here));
    assert_ne!(world.exact(PLAYER), foretold);
}

#[test]
fn without_ground_and_off_every_planet_nothing_is_foretold() {
    let world = empty_world();
    let (tiles, obstacles) = (world.tiles(), world.obstacles());
    let mut full = world_of(CHARACTER, at(0.0, 45.0));
    let kind = *full.kind(CHARACTER).expect("told");
    let mut solo = Solo::new(world.start(), kind).expect("a character");
    let here = full.exact(PLAYER).expect("it is there");
    let go = Input {
        east: 500,
        ..Input::default()
    };
    assert_eq!(solo.step(&here, &go, tiles, obstacles), None);
    full.step(2, &[]).expect("a step");
    let nowhere = ExactState::default();
    assert_eq!(solo.step(&nowhere, &go, full.tiles(), obstacles), None);
    assert!(Solo::new(full.start(), *full.kind(KindId(0)).expect("told")).is_none());
}

#[test]
fn aboard_a_carrier_the_frame_is_enough() {
    let mut world = at_sea();
    let kind = *world.kind(CHARACTER).expect("told");
    let mut solo = Solo::new(world.start(), kind).expect("a character");
    let (mut seeded, mut input, entity) = (Seeded(9), Input::default(), world.ids()[0]);
    for _ in 0..200 {
        play(&mut input, 512.0, &mut seeded);
        let before = world.exact(entity).expect("it is there");
        let foretold = solo.step(&before, &input, world.tiles(), world.obstacles());
        let tick = world.tick();
        let records = [sail(tick), Record::Input { entity, input }];
        world.step(tick, &records).expect("a step");
        assert_eq!(foretold, world.exact(entity), "tick {tick}");
    }
}
