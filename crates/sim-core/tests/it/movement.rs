//! How agents move.

use sim_core::{FINE_PER_M, Input, PUSH_SPEED_MAX_MPS, Record};
use spatial_core::{DVec3, EntityId, Frame, Planet};

use crate::scene::{
    PLACES_DEG, RACER, TICK_RATE_HZ, all_ground, at, at_on, empty_world, empty_world_on, ground_m,
    kinds, lone_walker, walker, wish,
};

#[test]
fn agents_follow_the_ground_at_their_speed() {
    for (lat, lon) in PLACES_DEG {
        let (mut world, entity) = lone_walker(at(lat, lon));
        world.step(1, &[wish(entity, 2.0, -1.0)]).expect("a step");
        for tick in 2..200 {
            let before = world.places()[0];
            world.step(tick, &[]).expect("a step");
            let place = world.places()[0];
            let height = Planet::EARTH.geodetic(place).height_m();
            assert!(
                (height - ground_m(place)).abs() < 1e-3,
                "{height} at {lat} {lon}"
            );
            let speed = before.distance_m(place) * f64::from(TICK_RATE_HZ);
            assert!(
                (speed / 5.0f64.sqrt() - 1.0).abs() < 0.01,
                "{speed} m/s at {lat} {lon}"
            );
        }
    }
}

#[test]
fn a_wish_is_cut_to_the_speed_limit_and_rest_is_rest() {
    let (mut world, entity) = lone_walker(at(46.95, 7.44));
    world.step(1, &[wish(entity, 60.0, 80.0)]).expect("a step");
    let from = world.places()[0];
    world.step(2, &[]).expect("a step");
    let moved = world.places()[0].distance_m(from) * f64::from(TICK_RATE_HZ);
    assert!((moved - 4.0).abs() < 0.04, "{moved} m/s");
    world.step(3, &[wish(entity, 0.0, 0.0)]).expect("a step");
    world.step(4, &[]).expect("a step");
    let rest = world.hash_of_positions();
    for tick in 5..1_005 {
        world.step(tick, &[]).expect("a step");
    }
    assert_eq!(world.hash_of_positions(), rest);
}

/// Positions alone, since the hash of the state contains the tick.
trait Positions {
    fn hash_of_positions(&self) -> Vec<spatial_core::Position>;
}

impl Positions for sim_core::World {
    fn hash_of_positions(&self) -> Vec<spatial_core::Position> {
        (0..self.len()).map(|row| self.position(row)).collect()
    }
}

#[test]
fn overlapping_agents_part_and_then_rest() {
    for (lat, lon) in PLACES_DEG {
        let mut world = empty_world();
        let mut records = all_ground(&mut world);
        let spot = at(lat, lon);
        for n in 1..=9u64 {
            let agent = walker(spot); // all nine in one spot
            records.push(Record::Spawn {
                entity: EntityId(n),
                agent,
            });
        }
        world.step(0, &records).expect("a step");
        let mut fastest: f64 = 0.0;
        for tick in 1..600 {
            let before = world.places().to_vec();
            world.step(tick, &[]).expect("a step");
            let moved = before
                .iter()
                .zip(world.places())
                .map(|(a, b)| a.distance_m(b));
            fastest = moved.fold(fastest, f64::max);
        }
        assert!(
            fastest * f64::from(TICK_RATE_HZ) < PUSH_SPEED_MAX_MPS * 1.5,
            "{fastest}"
        ); // slopes add a little
        let reach = 2.0 * (0.4 * FINE_PER_M).floor() / FINE_PER_M;
        let places = world.places();
        for (n, a) in places.iter().enumerate() {
            for b in &places[n + 1..] {
                assert!(
                    a.distance_m(*b) > 0.9 * reach,
                    "{} m at {lat} {lon}",
                    a.distance_m(*b)
                );
            }
        }
    }
}

#[test]
fn agents_push_across_frame_borders() {
    // Two agents 0.5 m apart that are in different frames though they stand side by side.
    let earth = Planet::EARTH;
    let inside = at(0.0, 45.000_3); // 33 m beyond the cube edge
    let home = Frame::at(earth, earth.place(at(0.0, 44.999)).expect("a place"));
    let beside = home
        .to_position(earth.place(inside).expect("a place"))
        .expect("in reach");
    assert_ne!(inside.frame, beside.frame);
    let mut world = empty_world();
    let mut records = all_ground(&mut world);
    let beside = spatial_core::Position {
        y: beside.y + 32_768,
        ..beside
    };
    for (n, position) in [(1, inside), (2, beside)] {
        let agent = walker(position);
        records.push(Record::Spawn {
            entity: EntityId(n),
            agent,
        });
    }
    let report = world.step(0, &records).expect("a step");
    assert_eq!(report.contacts, 2);
    for tick in 1..300 {
        world.step(tick, &[]).expect("a step");
    }
    let apart = world.places()[0].distance_m(world.places()[1]);
    assert!(apart > 0.75, "{apart}");
}

/// One agent of unlimited speed on a planet, sent off with a wish; then so many ticks, in none of which its course
/// turns by more than `turn_max` radians. Gives the frames it changed and its speed at the end, m/s.
fn race(
    planet: Planet,
    (lat, lon): (f64, f64),
    wish: [i16; 2],
    ticks: u64,
    turn_max: f64,
) -> (u32, f64) {
    let mut world = empty_world_on(planet);
    let mut records = all_ground(&mut world);
    let (entity, mut agent) = (EntityId(5), walker(at_on(planet, lat, lon)));
    agent.kind = RACER;
    let [east, north] = wish;
    let input = Input {
        east,
        north,
        ..Input::default()
    };
    records.push(Record::Spawn { entity, agent });
    records.push(Record::Input { entity, input });
    let mut crossings = world.step(0, &records).expect("a step").crossings;
    world.step(1, &[]).expect("a step");
    let mut last: Option<DVec3> = None;
    for tick in 2..ticks {
        let before = world.places()[0].to_vec();
        crossings += world.step(tick, &[]).expect("a step").crossings;
        let step = world.places()[0].to_vec() - before;
        let turned = last.map_or(0.0, |last| step.angle_between(last));
        assert!(
            turned < turn_max,
            "turned by {turned} at {lat} {lon}, tick {tick}"
        );
        last = Some(step);
    }
    (
        crossings,
        last.expect("it moved").length() * f64::from(TICK_RATE_HZ),
    )
}

#[test]
fn a_walk_around_changes_frames_and_keeps_its_course() {
    for place in PLACES_DEG {
        // 100 m/s for 4 minutes: 24 km, several frames.
        let east = [(100.0 * FINE_PER_M) as i16, 0];
        let (crossings, speed) = race(Planet::EARTH, place, east, 7_200, 0.01);
        assert!(
            (4..40).contains(&crossings),
            "{crossings} crossings at {place:?}"
        );
        assert!((speed - 100.0).abs() < 1.0, "{speed} m/s at {place:?}");
    }
}

#[test]
fn laps_of_a_small_planet_keep_their_speed() {
    let moon = Planet::new(10_000.0).expect("a legal radius");
    for place in PLACES_DEG {
        // Full on both axes: nothing may be cut off when the vector turns.
        let (crossings, speed) = race(moon, place, [i16::MAX; 2], 20_000, 0.05);
        assert!(crossings > 20, "{crossings} crossings at {place:?}");
        assert!(speed > 110.0, "{speed} m/s at {place:?}");
    }
}

#[test]
fn ground_that_is_not_there_holds() {
    let mut world = empty_world();
    let agent = walker(at(46.95, 7.44));
    let entity = EntityId(3);
    let spawn = Record::Spawn { entity, agent };
    let mut records = kinds().to_vec();
    records.extend([spawn, wish(entity, 1.0, 0.0)]);
    let report = world.step(0, &records).expect("a step");
    assert_eq!((report.held, world.position(0)), (1, agent.position));
    let ground = all_ground(&mut world);
    let report = world.step(1, &ground).expect("a step");
    assert_eq!(report.held, 0);
    assert_ne!(world.position(0), agent.position);
}
