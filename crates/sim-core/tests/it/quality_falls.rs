//! Falls, jumps, shots, water and decks.

use sim_core::{
    Drive, FINE_PER_M, GroundPatch, Kind, LocalAxes, LocalScene, Mode, Mover, Obstacle, Obstacles,
    Shape, advance_character, advance_flyer, bounced,
};
use spatial_core::{DQuat, DVec3, EntityId, Frame, FrameId, Planet, Position, UNITS_PER_M};

use crate::quality_scene::{
    Ask, Course, GRAVITY_MPS2, Relief, Runner, ecef, tangent, tell_quality,
};
use crate::scene::{PLACES_DEG, Seeded};

const SEED: u64 = 41;

fn person() -> Kind {
    Kind::character((4.0 * FINE_PER_M) as u16)
}

/// Hills of a few metres with faces up to 60°.
fn hills(x: f64, y: f64) -> f64 {
    4.0 * libm::sin(x / 3.1) * libm::cos(y / 4.3) + 1.2 * libm::sin(x * 0.9 + y * 0.7)
}

#[test]
fn a_jump_is_as_high_as_its_speed_tells_and_lands_with_it() {
    for place in PLACES_DEG {
        let [.., up] = tangent(place);
        let course = Course::new(Relief::around(place, 100.0, |_, _| 0.0), person());
        let mut runner = course.runner(course.relief.surface(place, 0.0, 0.0));
        course.run(&mut runner, 10, DVec3::ZERO);
        assert_eq!(runner.mode, Mode::Walk);
        let from = course.place(&runner);
        let mut highest = 0.0f64;
        let mut ask = Ask {
            jump: true,
            ..Ask::default()
        };
        let mut landed = None;
        for _ in 0..40 {
            landed = landed.or(course.tick(&mut runner, ask).landed_mps);
            ask.jump = false;
            highest = highest.max((course.place(&runner) - from).dot(up));
        }
        let speed = f64::from(course.kind.jump_speed) / FINE_PER_M;
        let want = speed * speed / (2.0 * GRAVITY_MPS2);
        assert!((highest - want).abs() < 0.01, "{place:?}: {highest} {want}");
        // It comes down within a tick of the moment: at most what gravity adds in one.
        let landed = landed.expect("it comes down");
        assert!(
            (landed - speed).abs() < GRAVITY_MPS2 / 30.0,
            "{landed} {speed}"
        );
        assert!((course.place(&runner) - from).length() < 1e-3);
    }
}

/// Characters at 100 m/s every way against ground, thin walls and thin floors: none gets deeper than 1 cm, none gets through.
#[test]
fn nothing_is_passed_through_at_100_mps() {
    let mut random = Seeded(SEED);
    let mut draw = || random.below(2_000_001) as f64 / 1e6 - 1.0;
    for tick_s in [0.05, 1.0 / 30.0] {
        for (n, place) in PLACES_DEG.into_iter().enumerate() {
            let axes @ [east, north, up] = tangent(place);
            let mut course = Course::new(Relief::around(place, 60.0, hills), person());
            course.tick_s = tick_s;
            // A room of walls 5 cm thick, 12 m wide, and a roof.
            let middle = course.relief.surface(place, 0.0, 0.0);
            for (way, half) in [
                (east, DVec3::new(0.025, 6.0, 20.0)),
                (-east, DVec3::new(0.025, 6.0, 20.0)),
                (north, DVec3::new(6.0, 0.025, 20.0)),
                (-north, DVec3::new(6.0, 0.025, 20.0)),
                (up * 2.0, DVec3::new(6.0, 6.0, 0.025)),
            ] {
                course.put(middle + way * 6.0, axes, |turn| {
                    Shape::cuboid(half, turn).expect("a wall")
                });
            }
            for shot in 0..60 {
                let start = middle
                    + up * (6.0 + 2.0 * draw())
                    + east * (3.0 * draw())
                    + north * (3.0 * draw());
                let mut runner = course.runner(start);
                let way = DVec3::new(draw(), draw(), draw());
                course.set_velocity(&mut runner, way / way.length() * 100.0);
                for tick in 0..40 {
                    course.tick(&mut runner, Ask::default());
                    let says =
                        format!("seed {SEED}, place {n}, shot {shot}, tick {tick} of {tick_s} s");
                    let depth = course.depth_m(&runner);
                    assert!(depth < 0.01, "{says}: {depth} m deep");
                    let off = course.place(&runner) - middle;
                    let (x, y, z) = (off.dot(east), off.dot(north), off.dot(up));
                    assert!(
                        x.abs() < 6.0 && y.abs() < 6.0 && z < 12.0,
                        "{says}: out at {off}"
                    );
                }
            }
        }
    }
}

#[test]
fn walls_hold_those_who_run_at_100_mps() {
    let place = PLACES_DEG[2];
    let axes @ [east, _, up] = tangent(place);
    let mut course = Course::new(
        Relief::around(place, 60.0, |x, _| 0.2 * libm::sin(x)),
        Kind::character(25_600),
    );
    let wall = course.relief.surface(place, 20.0, 0.0);
    course.put(wall, axes, |turn| {
        Shape::cuboid(DVec3::new(0.02, 9.0, 9.0), turn).expect("a wall")
    });
    let mut runner = course.runner(course.relief.surface(place, 0.0, 0.0) + up * 0.1);
    course.run(&mut runner, 20, DVec3::ZERO);
    for _ in 0..90 {
        course.tick(
            &mut runner,
            Ask {
                wish_mps: east * 100.0,
                ..Ask::default()
            },
        );
        assert!(course.depth_m(&runner) < 0.01);
    }
    let off = (course.place(&runner) - wall).dot(east);
    let what = "running at 100 m/s into a wall of 4 cm: stands before its middle by";
    tell_quality(what, &format!("{:.3} m", -off), "0.40 to 0.45 m");
    assert!((-0.45..-0.4).contains(&off), "{off}");
}

const NOTHING: Drive = Drive {
    wish_mps: DVec3::ZERO,
    jump: false,
    push_m: DVec3::ZERO,
    gravity_mps2: GRAVITY_MPS2,
    tick_s: 1.0 / 30.0,
};

/// A shot's hit against its way looked at every centimetre.
#[test]
fn shots_hit_where_their_way_does() {
    let mut random = Seeded(SEED + 1);
    let mut draw = || random.below(2_000_001) as f64 / 1e6 - 1.0;
    let kind = Kind {
        drag: 0,
        weight: 0,
        ..Kind::flyer(13)
    };
    let (radius, mut hits) = (kind.radius_m(), 0);
    for place in PLACES_DEG {
        let [east, north, up] = tangent(place);
        let course = Course::new(Relief::around(place, 60.0, hills), kind);
        for shot in 0..60 {
            let ground = course.relief.surface(place, 6.0 * draw(), 6.0 * draw());
            let start = ground + up * (2.0 + 2.0 * draw());
            let way = east * draw() + north * draw() + up * (draw() - 0.5) * 0.4;
            let way = way.normalize() * 12.0;
            let over = |k: u32| {
                let centre = start + up * radius + way * (f64::from(k) / 1_200.0);
                let height = course.relief.ground_m(centre.normalize());
                centre.length() - Planet::EARTH.radius_m() - height
            };
            if over(0) < 2.0 * radius {
                continue;
            }
            let hit = shoot(&course, start, way);
            let first = (0..=1_200).find(|k| over(*k) < 0.0).map(f64::from);
            let says = format!(
                "seed {}, {place:?}, shot {shot}: {hit:?} {first:?}",
                SEED + 1
            );
            // A ball touches before its centre is under ground, and not when it is more than some radii above it.
            match hit {
                Some(time) => {
                    let at = time * 1_200.0;
                    assert!(first.is_none_or(|first| at <= first + 1.0), "{says}");
                    assert!(over(at as u32) < 4.0 * radius + 0.02, "{says}");
                    hits += 1;
                }
                None => assert_eq!(first, None, "{says}"),
            }
        }
    }
    assert!(hits > 100, "{hits}");
}

/// When a flyer hits the ground on a way of one tick.
fn shoot(course: &Course, start: DVec3, way: DVec3) -> Option<f64> {
    let planet = Planet::EARTH;
    let position = planet.position(ecef(start)).expect("near the ground");
    let frame = Frame::new(planet, position.frame).expect("a frame");
    let axes = LocalAxes::upright(planet.radius_m(), frame.axes(), position);
    let patch = GroundPatch::new(&course.relief.lattice, &axes, 14.0, course);
    let scene = LocalScene {
        axes: &axes,
        ground: Some(&patch),
        obstacles: &[],
    };
    let mover = Mover {
        velocity_mps: axes.from_frame(frame.rotate_in(way / NOTHING.tick_s)),
        mode: Mode::Fall,
    };
    let flown = advance_flyer(&course.kind, &mover, &NOTHING, &scene);
    let hit = flown.hit?;
    assert!((hit.normal.length() - 1.0).abs() < 1e-6 && hit.obstacle.is_none());
    Some(hit.time)
}

#[test]
fn what_bounces_keeps_its_parts() {
    let v = DVec3::new(3.0, -2.0, -4.0);
    assert_eq!(bounced(v, DVec3::Z, 0.5, 0.9), DVec3::new(2.7, -1.8, 2.0));
    assert_eq!(bounced(-v, DVec3::Z, 0.5, 0.9), -v);
    assert_eq!(bounced(v, DVec3::Z, 0.0, 0.0), DVec3::ZERO);
}

#[test]
fn drag_and_gravity_are_those_of_the_kind() {
    let obstacles = Obstacles::new(Planet::EARTH);
    let axes = LocalAxes::aboard(Position::default());
    let scene = LocalScene {
        axes: &axes,
        ground: None,
        obstacles: obstacles.near(FrameId(0), 0, 0),
    };
    let kind = Kind {
        drag: 128,
        weight: 128,
        ..Kind::flyer(10)
    };
    let mut mover = Mover {
        velocity_mps: DVec3::new(20.0, 0.0, 0.0),
        mode: Mode::Fall,
    };
    let drive = Drive {
        gravity_mps2: 10.0,
        tick_s: 1.0 / 120.0,
        ..NOTHING
    };
    for _ in 0..120 {
        mover.velocity_mps = advance_flyer(&kind, &mover, &drive, &scene).velocity_mps;
    }
    // After a second: 20 e^(−½), and down 10 (1 − e^(−½)).
    let want = DVec3::new(12.13, 0.0, -3.935);
    assert!(
        mover.velocity_mps.distance(want) < 0.05,
        "{}",
        mover.velocity_mps
    );
}

#[test]
fn swimmers_float_dive_and_walk_ashore() {
    for place in PLACES_DEG {
        let [east, _, up] = tangent(place);
        // A beach: 12 m deep in the west, land in the east.
        let course = Course::new(
            Relief::around(place, 0.0, |x, _| (0.25 * x).clamp(-12.0, 5.0)),
            person(),
        );
        let mut runner = course.runner(course.relief.surface(place, -30.0, 0.0) + up * 20.0);
        course.run(&mut runner, 400, DVec3::ZERO);
        assert_eq!(runner.mode, Mode::Swim, "{place:?}");
        let under = |runner: &Runner| Planet::EARTH.radius_m() - course.place(runner).length();
        let floats = 0.75 * course.kind.height_m();
        assert!(
            (under(&runner) - floats).abs() < 0.01,
            "{} {floats}",
            under(&runner)
        );
        let still = runner.clone();
        course.run(&mut runner, 1_000, DVec3::ZERO);
        assert_eq!(runner, still);
        // Half the speed, and down and up as it wishes.
        let from = course.place(&runner);
        course.run(&mut runner, 60, -up * 4.0);
        let deep = under(&runner) - floats;
        assert!((3.5..4.0).contains(&deep), "{deep}");
        course.run(&mut runner, 200, DVec3::ZERO);
        assert!((under(&runner) - floats).abs() < 0.01);
        course.run(&mut runner, 60, east * 4.0);
        let swum = (course.place(&runner) - from).dot(east);
        assert!((3.5..4.1).contains(&swum), "{swum}");
        for _ in 0..900 {
            course.tick(
                &mut runner,
                Ask {
                    wish_mps: east * 4.0,
                    ..Ask::default()
                },
            );
            assert!(course.depth_m(&runner) < 0.01);
        }
        assert_eq!(runner.mode, Mode::Walk);
        assert!(under(&runner) < 0.0);
        // And back into the water.
        course.run(&mut runner, 900, -east * 4.0);
        assert_eq!(runner.mode, Mode::Swim);
    }
}

/// On a deck there is no terrain, and up is the deck's.
#[test]
fn passengers_walk_on_decks() {
    let frame = FrameId::of_carrier(EntityId(77)).expect("a carrier's id");
    let mut obstacles = Obstacles::new(Planet::EARTH);
    let mut put = |id: u64, at: [f64; 3], half: DVec3| {
        let [x, y, z] = at.map(|m| (m * UNITS_PER_M) as i32);
        let position = Position { frame, x, y, z };
        let shape = Shape::cuboid(half, DQuat::IDENTITY).expect("a box");
        let obstacle = Obstacle { position, shape };
        obstacles.insert(EntityId(id), obstacle).expect("new");
    };
    put(1, [0.0, 0.0, -0.5], DVec3::new(20.0, 5.0, 0.5));
    put(2, [10.0, 0.0, 0.0], DVec3::new(0.1, 5.0, 1.5));
    let mut passenger = (
        Position {
            frame,
            x: 0,
            y: 0,
            z: 70_000,
        },
        Mover::default(),
    );
    walk_aboard(&mut passenger, &obstacles, 200, DVec3::X * 3.0);
    let (at, mover) = passenger;
    let [x, _, z] = at.xyz().map(|units| f64::from(units) / UNITS_PER_M);
    let what = "on a moving deck, walking to a wall: feet off the deck by, off the wall by";
    let measured = format!("{:.2} mm, {:.2} mm", 1e3 * z.abs(), 1e3 * (x - 9.5).abs());
    tell_quality(what, &measured, "1 mm, 10 mm");
    // At the wall, on its feet.
    assert!(
        (x - 9.5).abs() < 0.01 && z.abs() < 0.001 && mover.mode == Mode::Walk,
        "{passenger:?}"
    );
    walk_aboard(&mut passenger, &obstacles, 200, DVec3::Y * 3.0);
    // Over the side, without end.
    let (at, mover) = passenger;
    assert!(
        at.z < -100 * 65_536 && mover.mode == Mode::Fall,
        "{passenger:?}"
    );
}

fn walk_aboard(
    (at, mover): &mut (Position, Mover),
    obstacles: &Obstacles,
    ticks: u32,
    wish_mps: DVec3,
) {
    for _ in 0..ticks {
        let axes = LocalAxes::aboard(*at);
        let scene = LocalScene {
            axes: &axes,
            ground: None,
            obstacles: obstacles.near(at.frame, at.x, at.y),
        };
        let drive = Drive {
            wish_mps,
            ..NOTHING
        };
        let moved = advance_character(&person(), mover, &drive, &scene);
        let units = (moved.travel_m * UNITS_PER_M)
            .to_array()
            .map(|c| c.round() as i32);
        (at.x, at.y, at.z) = (at.x + units[0], at.y + units[1], at.z + units[2]);
        (mover.velocity_mps, mover.mode) = (moved.velocity_mps, moved.mode);
    }
}
