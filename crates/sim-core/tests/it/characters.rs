//! Characters in a world: what the pure controller promises, at awkward places, across frames, on carriers.

use sim_core::{
    Agent, CarrierPose, FINE_PER_M, Input, KindId, Landed, Mode, Obstacle, Record, Shape, State,
    World,
};
use spatial_core::{
    DQuat, DVec3, EntityId, FrameId, Geodetic, Planet, Pose, Position, UNITS_PER_M,
};

use crate::scene::{
    CHARACTER, PLACES_DEG, RUNNER, TICK_RATE_HZ, all_ground, at, empty_world, ground_m, wish,
};

const ENTITY: EntityId = EntityId(5);

/// A world with one character some metres above the ground.
fn lone(position: Position, kind: KindId, above_m: f64) -> World {
    let mut world = empty_world();
    let mut records = all_ground(&mut world);
    let agent = Agent {
        position: raised(position, above_m),
        kind,
        ..Agent::default()
    };
    let entity = ENTITY;
    records.push(Record::Spawn { entity, agent });
    world.step(0, &records).expect("a step");
    world
}

/// A position so far above the ground, or the sea.
fn raised(position: Position, above_m: f64) -> Position {
    let earth = Planet::EARTH;
    let place = earth.place(position).expect("a place");
    let height_m = ground_m(place).max(0.0) + above_m;
    let p = place.to_vec().normalize() * (earth.radius_m() + height_m);
    let place = spatial_core::Ecef::new(p.x, p.y, p.z).expect("finite");
    let frame = spatial_core::Frame::new(earth, position.frame).expect("a frame");
    frame.to_position(place).expect("near")
}

fn run(world: &mut World, ticks: u64, records: &[Record]) -> u32 {
    let mut landed = 0;
    for tick in 0..ticks {
        let records = if tick == 0 { records } else { &[] };
        let report = world.step(world.tick(), records).expect("a step");
        assert_eq!(report.held, 0);
        landed += world
            .arrived()
            .iter()
            .filter(|e| e.data::<Landed>().is_some())
            .count() as u32;
    }
    landed
}

fn height_m(world: &World) -> f64 {
    let place = world.place(0);
    Planet::EARTH.geodetic(place).height_m() - ground_m(place)
}

#[test]
fn who_falls_lands_and_who_rests_stays() {
    for (lat, lon) in PLACES_DEG {
        let mut world = lone(at(lat, lon), CHARACTER, 20.0);
        assert!(height_m(&world) > 19.0);
        let landed = run(&mut world, 120, &[]);
        run(&mut world, 300, &[]); // who fell into the sea comes up
        let sea_m = Planet::EARTH.geodetic(world.place(0)).height_m();
        if ground_m(world.place(0)) < -2.0 {
            let under_m = 0.75 * 461.0 / 256.0;
            assert!(
                (sea_m + under_m).abs() < 0.05,
                "it floats: {sea_m} m at {lat} {lon}"
            );
        } else {
            // The lowest point of a ball on a slope is above the ground below its centre.
            let over_m = height_m(&world);
            assert!(
                landed == 1 && (-0.01..0.2).contains(&over_m),
                "{landed} {over_m} m at {lat} {lon}"
            );
        }
        let before = world.agent(ENTITY);
        run(&mut world, 1_000, &[]);
        assert_eq!(world.agent(ENTITY), before, "at {lat} {lon}");
    }
}

#[test]
fn a_character_walks_as_fast_as_it_wishes_across_frames() {
    for (lat, lon) in PLACES_DEG {
        let mut world = lone(at(lat, lon), RUNNER, 0.5);
        run(&mut world, 60, &[]);
        if Planet::EARTH.geodetic(world.place(0)).height_m() < 1.0 {
            continue; // it swims there
        }
        run(&mut world, 60, &[wish(ENTITY, 30.0, 10.0)]);
        let want_mps = 1_000.0f64.sqrt();
        for _ in 0..600 {
            let before = world.place(0);
            run(&mut world, 1, &[]);
            let speed_mps = before.distance_m(world.place(0)) * f64::from(TICK_RATE_HZ);
            assert!(
                (speed_mps / want_mps - 1.0).abs() < 0.01,
                "{speed_mps} m/s at {lat} {lon}"
            );
            assert!((-0.01..0.2).contains(&height_m(&world)));
        }
    }
}

#[test]
fn a_jump_goes_up_and_comes_down() {
    let mut world = lone(at(46.95, 7.44), CHARACTER, 0.1);
    run(&mut world, 30, &[]);
    let ground_m = height_m(&world);
    let jump = Record::Input {
        entity: ENTITY,
        input: Input {
            buttons: Input::JUMP,
            ..Input::default()
        },
    };
    let release = wish(ENTITY, 0.0, 0.0);
    run(&mut world, 1, &[jump]);
    run(&mut world, 1, &[release]);
    let mut top_m: f64 = 0.0;
    let mut landed = 0;
    for _ in 0..60 {
        landed += run(&mut world, 1, &[]);
        top_m = top_m.max(height_m(&world) - ground_m);
    }
    // 4.43 m/s against 9.81 m/s²: 1 m.
    assert!(
        (0.8..1.2).contains(&top_m) && landed == 1,
        "{top_m} m, {landed}"
    );
}

/// Turns are steered in the air, and nobody gets faster by them.
#[test]
fn who_turns_in_the_air_is_no_faster_than_on_its_feet() {
    for turn_rad in [0.05, 0.2, 0.7, 1.57, 3.0] {
        let mut world = lone(at(46.95, 7.44), CHARACTER, 0.1);
        run(&mut world, 30, &[]);
        run(&mut world, 30, &[wish(ENTITY, 4.0, 0.0)]);
        let level = |world: &World| {
            let [x, y, _] = world.agent(ENTITY).expect("it is there").velocity;
            DVec3::new(f64::from(x), f64::from(y), 0.0) / UNITS_PER_M
        };
        let before = level(&world);
        let (mut fastest, mut aerial_ticks) = (0.0f64, 0);
        for n in 1..120 {
            let angle = turn_rad * f64::from(n);
            let input = Input {
                east: (4.0 * FINE_PER_M * libm::cos(angle)) as i16,
                north: (4.0 * FINE_PER_M * libm::sin(angle)) as i16,
                buttons: Input::JUMP, // again as soon as it is down
                ..Input::default()
            };
            let entity = ENTITY;
            run(&mut world, 1, &[Record::Input { entity, input }]);
            if world.column::<State>().mode[0] == Mode::Fall as u8 {
                aerial_ticks += 1;
                fastest = fastest.max(level(&world).length());
            }
        }
        let turned = level(&world).normalize().dot(before.normalize());
        assert!(fastest < 4.004, "{fastest} m/s by turns of {turn_rad}");
        assert!(turn_rad > 0.2 || turned < 0.99, "it goes on as before");
        assert!(aerial_ticks > 80, "{aerial_ticks}");
    }
}

#[test]
fn nobody_runs_through_a_wall() {
    for (lat, lon) in PLACES_DEG {
        let start = at(lat, lon);
        let mut world = lone(start, RUNNER, 0.5);
        run(&mut world, 60, &[]);
        let mut wall = raised(start, 0.0);
        wall.x += (30.0 * UNITS_PER_M) as i32;
        let half_m = DVec3::new(0.05, 200.0, 100.0);
        let shape = Shape::cuboid(half_m, DQuat::IDENTITY).expect("a box");
        let obstacle = Obstacle {
            position: wall,
            shape,
        };
        let build = Record::Build {
            id: EntityId(1),
            obstacle,
        };
        // Nearly 100 m/s: 3.3 m a tick against a wall of 10 cm.
        run(&mut world, 90, &[build, wish(ENTITY, 99.0, 1.0)]);
        let frame = spatial_core::Frame::new(Planet::EARTH, start.frame).expect("a frame");
        let now = frame.to_position(world.place(0)).expect("near");
        let before_m = f64::from(wall.x - now.x) / UNITS_PER_M;
        assert!(
            (0.4..1.0).contains(&before_m),
            "{before_m} m at {lat} {lon}"
        );
    }
}

pub(crate) const SHIP: EntityId = EntityId(900);

/// A ship that sails a circle at 60 m/s, rolling.
pub(crate) fn sail(tick: u64) -> Record {
    let (earth, ticks) = (Planet::EARTH, tick as f64);
    let at = Geodetic::from_degrees(10.0, -30.0 + ticks * 2e-5, 2.0).expect("a legal place");
    let level = Pose::level(earth, at, ticks * 0.01).expect("a pose");
    let roll = DQuat::from_rotation_y(0.1 * libm::sin(ticks * 0.05));
    let pose = Pose::new(level.at(), level.rotation() * roll).expect("a pose");
    Record::Carrier {
        entity: SHIP,
        pose: CarrierPose::new(pose),
    }
}

/// A world with a ship, and a character who stands on its deck.
pub(crate) fn at_sea() -> World {
    let frame = FrameId::of_carrier(SHIP).expect("a legal id");
    let on_deck = |x, y, z| Position { frame, x, y, z };
    let half_m = DVec3::new(10.0, 40.0, 1.0);
    let deck = Obstacle {
        position: on_deck(0, 0, -65_536),
        shape: Shape::cuboid(half_m, DQuat::IDENTITY).expect("a box"),
    };
    let mut world = empty_world();
    let mut records = all_ground(&mut world);
    let build = Record::Build {
        id: EntityId(1),
        obstacle: deck,
    };
    let agent = Agent {
        position: on_deck(65_536, 131_072, 32_768),
        kind: CHARACTER,
        ..Agent::default()
    };
    let entity = ENTITY;
    records.extend([sail(0), build, Record::Spawn { entity, agent }]);
    world.step(0, &records).expect("a step");
    for tick in 1..60 {
        world.step(tick, &[sail(tick)]).expect("a step");
    }
    world
}

#[test]
fn passengers_stay_where_they_stand_while_the_ship_sails() {
    let mut world = at_sea();
    let standing = world.position(0);
    assert!(standing.z.abs() < 700, "1 cm above the deck: {standing:?}");
    let mut travelled_m = 0.0;
    for tick in 60..400 {
        let before = world.place(0);
        world.step(tick, &[sail(tick)]).expect("a step");
        travelled_m += before.distance_m(world.place(0));
        assert_eq!(world.position(0), standing, "tick {tick}");
    }
    assert!(travelled_m > 500.0, "{travelled_m} m");
}

#[test]
fn passengers_walk_along_the_deck_and_step_off() {
    let mut world = at_sea();
    let standing = world.position(0);
    run(&mut world, 30, &[wish(ENTITY, 3.0, 0.0)]);
    let walked_m = f64::from(world.position(0).x - standing.x) / UNITS_PER_M;
    assert!((walked_m - 3.0).abs() < 0.3, "{walked_m} m");
    let place = world.place(0);
    let tick = world.tick();
    let off = Record::Leave { entity: ENTITY };
    let report = world.step(tick, &[off]).expect("a step");
    assert_eq!(
        (report.refused, world.position(0).frame.carrier()),
        (0, None)
    );
    assert!(
        world.place(0).distance_m(place) < 0.2,
        "it steps off where it stands"
    );
    let (entity, carrier) = (ENTITY, SHIP);
    let back = Record::Board { entity, carrier };
    let gone = Record::CarrierGone { entity: SHIP };
    let report = world.step(tick + 1, &[back, gone]).expect("a step");
    assert_eq!(
        (report.refused, world.position(0).frame.carrier()),
        (0, None)
    );
}
