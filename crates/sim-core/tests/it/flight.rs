//! What is thrown and shot.

use sim_core::{Agent, Hit, Kind, KindId, Obstacle, Record, Shape, World};
use spatial_core::{DQuat, DVec3, EntityId, Frame, Planet, Position, UNITS_PER_M};

use crate::scene::{CHARACTER, PLACES_DEG, all_ground, at, empty_world, ground_m, walker};

const BALL: KindId = KindId(20);
const SHOT: EntityId = EntityId(50);
const VICTIM: EntityId = EntityId(51);

/// A position so far above the ground or the sea, and so far east.
fn above(position: Position, up_m: f64, east_m: f64) -> Position {
    let earth = Planet::EARTH;
    let mut moved = position;
    moved.x += (east_m * UNITS_PER_M) as i32;
    let place = earth.place(moved).expect("a place");
    let height_m = ground_m(place).max(0.0) + up_m;
    let p = place.to_vec().normalize() * (earth.radius_m() + height_m);
    let place = spatial_core::Ecef::new(p.x, p.y, p.z).expect("finite");
    let frame = Frame::new(earth, position.frame).expect("a frame");
    frame.to_position(place).expect("near")
}

/// A ball that flies east at a speed, without drag and weight unless told.
fn range(start: Position, speed_mps: f64, weight: u16, more: Vec<Record>) -> World {
    let mut world = empty_world();
    let mut records = all_ground(&mut world);
    let kind = Kind {
        drag: 0,
        weight,
        ..Kind::flyer(26)
    };
    records.push(Record::Kind { id: BALL, kind });
    let agent = Agent {
        position: above(start, 1.0, 0.0),
        kind: BALL,
        velocity: [(speed_mps * UNITS_PER_M) as i32, 0, 0],
        ..Agent::default()
    };
    records.push(Record::Spawn {
        entity: SHOT,
        agent,
    });
    records.extend(more);
    world.step(0, &records).expect("a step");
    world
}

/// Steps until the ball hits something; what, and whom.
fn hit(world: &mut World, ticks: u64) -> Option<(Hit, Vec<EntityId>)> {
    for _ in 0..ticks {
        world.step(world.tick(), &[]).expect("a step");
        let hits = world
            .arrived()
            .iter()
            .filter_map(|e| Some((e.data::<Hit>()?, e)));
        let hits: Vec<_> = hits.collect();
        if let Some((hit, _)) = hits.first() {
            assert!(hits.iter().all(|(_, event)| event.source == SHOT));
            return Some((*hit, hits.iter().map(|(_, event)| event.target).collect()));
        }
    }
    None
}

#[test]
fn a_shot_hits_who_stands_in_its_way_at_any_speed() {
    let mut victims = 0;
    for (lat, lon) in PLACES_DEG {
        let start = at(lat, lon);
        if ground_m(Planet::EARTH.place(start).expect("a place")) < 0.0 {
            continue; // there a victim swims
        }
        for (speed_mps, kind) in [(20.0, CHARACTER), (300.0, CHARACTER), (1_500.0, KindId(0))] {
            let victim = Agent {
                position: above(start, 0.2, 40.0),
                kind,
                ..walker(start)
            };
            let spawn = Record::Spawn {
                entity: VICTIM,
                agent: victim,
            };
            // Flat enough: a metre up over 40 m of the hills here.
            let mut world = range(start, speed_mps, 0, vec![spawn]);
            let found = hit(&mut world, 90);
            let Some((hit, targets)) = found else {
                panic!("nothing at {lat} {lon}, {speed_mps} m/s");
            };
            if hit.what == Hit::GROUND {
                continue; // uphill
            }
            victims += 1;
            assert_eq!((hit.what, targets), (Hit::AGENT, vec![SHOT, VICTIM]));
            assert!((f64::from(hit.speed) / 256.0 / speed_mps - 1.0).abs() < 0.01);
            let rest = world.place(world.row_of(SHOT).expect("it is there"));
            let victim = world.place(world.row_of(VICTIM).expect("it is there"));
            assert!(rest.distance_m(victim) < 2.0, "it stops there");
            world.step(world.tick(), &[]).expect("a step");
            let row = world.row_of(SHOT).expect("it is there");
            assert_eq!(world.place(row), rest, "and stays");
        }
    }
    assert!(victims >= 6, "{victims}");
}

#[test]
fn a_shot_hits_a_thin_wall_and_a_thrown_ball_the_ground() {
    let start = at(46.95, 7.44);
    let half_m = DVec3::new(0.02, 30.0, 30.0);
    let wall = Obstacle {
        position: above(start, 1.0, 120.0),
        shape: Shape::cuboid(half_m, DQuat::IDENTITY).expect("a box"),
    };
    let build = Record::Build {
        id: EntityId(77),
        obstacle: wall,
    };
    let mut world = range(start, 900.0, 0, vec![build]);
    let (found, targets) = hit(&mut world, 30).expect("a hit");
    assert_eq!(
        (found.what, found.obstacle, targets),
        (Hit::OBSTACLE, 77, vec![SHOT])
    );
    let mut world = range(start, 10.0, 256, Vec::new());
    let from = world.place(0);
    let (found, _) = hit(&mut world, 300).expect("a hit");
    assert_eq!(found.what, Hit::GROUND);
    // A metre down takes 0.45 s on the flat.
    let flown_m = world.place(0).distance_m(from);
    assert!((2.0..12.0).contains(&flown_m), "{flown_m} m");
}
