//! Slopes, rest, steps: on planes of a known tilt, at ordinary and awkward places, at sea and at 9 km.

use sim_core::{FINE_PER_M, Kind, Mode, Shape};
use spatial_core::{DQuat, DVec3, Frame, Planet};

use crate::quality_scene::{Ask, Course, Relief, Runner, ecef, tangent, tell_quality};
use crate::scene::PLACES_DEG;

const SPEED_MPS: f64 = 4.0;

fn person() -> Kind {
    Kind::character((SPEED_MPS * FINE_PER_M) as u16)
}

/// A course on a plane that rises towards a direction: so much north and east for each metre.
fn plane(place: (f64, f64), base_m: f64, (east, north): (f64, f64)) -> Course {
    let relief = Relief::around(place, base_m, move |x, y| east * x + north * y);
    Course::new(relief, person())
}

fn standing(course: &Course, place: (f64, f64)) -> Runner {
    let [_, _, up] = tangent(place);
    let mut runner = course.runner(course.relief.surface(place, 0.0, 0.0) + up * 0.3);
    course.run(&mut runner, 60, DVec3::ZERO);
    assert_eq!(runner.mode, Mode::Walk, "{place:?}");
    runner
}

/// Metres along its way, as a sum over ticks.
fn way_m(course: &Course, runner: &mut Runner, ticks: u32, wish_mps: DVec3) -> f64 {
    let mut sum = 0.0;
    for _ in 0..ticks {
        let before = course.place(runner);
        course.tick(
            runner,
            Ask {
                wish_mps,
                ..Ask::default()
            },
        );
        assert_eq!(runner.mode, Mode::Walk);
        sum += course.place(runner).distance(before);
    }
    sum
}

#[test]
fn speed_along_slopes_is_the_wished_one() {
    for base_m in [0.0, 9_000.0] {
        let mut worst = 0.0f64;
        for place in PLACES_DEG {
            let [east, north, _] = tangent(place);
            for rise in [0.0, 0.2, 0.6, 1.0, 1.15] {
                let course = plane(place, base_m + 40.0, (0.6 * rise, 0.8 * rise));
                for way in [
                    east,
                    -east,
                    north,
                    east * 0.6 + north * 0.8,
                    east * -0.6 - north * 0.8,
                ] {
                    let mut runner = standing(&course, place);
                    way_m(&course, &mut runner, 10, way * SPEED_MPS);
                    let walked = way_m(&course, &mut runner, 60, way * SPEED_MPS);
                    let off = walked / (60.0 * course.tick_s * SPEED_MPS) - 1.0;
                    assert!(
                        off.abs() < 0.01,
                        "{place:?} {base_m} m, rise {rise}, {way}: {off}"
                    );
                    assert!(course.depth_m(&runner) < 0.01);
                    worst = worst.max(off.abs());
                }
            }
        }
        let what = format!("speed along slopes of 0 to 49°, {base_m} m up, at 8 places: off by");
        let measured = format!("{:.2} %", 100.0 * worst);
        tell_quality(&what, &measured, "1 %");
    }
}

/// The level way east of walkers up the same hill is the same everywhere.
#[test]
fn places_are_alike() {
    let mut ways = Vec::new();
    for place in PLACES_DEG {
        let [east, north, up] = tangent(place);
        let relief = Relief::around(place, 50.0, |x, y| 0.3 * x + 0.02 * x * y - 0.1 * y);
        let course = Course::new(relief, person());
        let mut runner = standing(&course, place);
        let from = course.place(&runner);
        for way in [east, north, -east, east - north] {
            course.run(&mut runner, 40, way * SPEED_MPS);
        }
        let way = course.place(&runner) - from;
        ways.push(DVec3::new(way.dot(east), way.dot(north), way.dot(up)));
        assert!(course.depth_m(&runner) < 0.01);
    }
    let apart = ways.iter().map(|way| way.distance(ways[0]));
    let apart = apart.fold(0.0, f64::max);
    let what = "the same walk over a hill at poles, cube edges, corners and the equator: apart by";
    tell_quality(
        what,
        &format!("{apart:.3} m of {:.0}", ways[0].length()),
        "0.1 m",
    );
    // Lattices lie differently: the hill's samples, and so its creases, are not the same.
    assert!(apart < 0.1, "{ways:?}");
}

/// Across the edge of a frame and back, on a slope: no tick's way is another than the wished one.
#[test]
fn frames_are_left_unnoticed() {
    let (mut changes, mut worst) = (0, 0.0f64);
    for place in PLACES_DEG {
        let [east, north, _] = tangent(place);
        let mut course = plane(place, 70.0, (0.05, 0.02));
        course.kind = Kind::character((30.0 * FINE_PER_M) as u16);
        let mut runner = standing(&course, place);
        for way in [east, -east, north, -north] {
            for tick in 0..600 {
                let (before, frame) = (course.place(&runner), runner.position.frame);
                let wish_mps = way * 30.0;
                course.tick(
                    &mut runner,
                    Ask {
                        wish_mps,
                        ..Ask::default()
                    },
                );
                let speed = course.place(&runner).distance(before) / course.tick_s;
                let off = (speed / 30.0 - 1.0).abs();
                let is_fast = off < 0.01;
                worst = if tick < 60 { worst } else { worst.max(off) };
                assert!(is_fast || tick < 60, "{place:?} tick {tick}: {speed} m/s");
                assert_eq!(runner.mode, Mode::Walk);
                changes += u32::from(runner.position.frame != frame);
            }
        }
    }
    let what = format!("speed in any tick around {changes} changes of frame: off by");
    tell_quality(&what, &format!("{:.2} %", 100.0 * worst), "1 %");
    assert!(changes >= 10, "{changes} changes of frame");
}

#[test]
fn nothing_moves_at_rest() {
    for place in PLACES_DEG {
        for rise in [0.0, 0.5, 1.1] {
            let course = plane(place, 70.0, (0.8 * rise, -0.6 * rise));
            let mut runner = standing(&course, place);
            course.run(&mut runner, 5, tangent(place)[0] * SPEED_MPS);
            course.run(&mut runner, 10, DVec3::ZERO);
            let still = runner.clone();
            for tick in 0..1_000 {
                course.tick(&mut runner, Ask::default());
                assert_eq!(runner, still, "{place:?} rise {rise} tick {tick}");
            }
        }
    }
    let what = "at rest for 1,000 ticks, on slopes up to 48°, at 8 places: moved by";
    tell_quality(what, "0, to the bit", "0");
}

#[test]
fn too_steep_is_slid_down_and_not_climbed() {
    for place in PLACES_DEG {
        let [east, ..] = tangent(place);
        // Level ground, then a wall of ground that rises by 1.6 a metre.
        let relief = Relief::around(
            place,
            0.5,
            |x, _| if x > 5.0 { 1.6 * (x - 5.0) } else { 0.0 },
        );
        let course = Course::new(relief, person());
        let mut runner = standing(&course, place);
        let from = course.place(&runner);
        course.run(&mut runner, 200, east * SPEED_MPS);
        let way = course.place(&runner) - from;
        assert!(
            (3.0..6.0).contains(&way.dot(east)),
            "{place:?}: {}",
            way.dot(east)
        );
        // From above it comes down.
        let mut runner = course.runner(course.relief.surface(place, 12.0, 0.0) + tangent(place)[2]);
        course.run(&mut runner, 200, DVec3::ZERO);
        let way = course.place(&runner) - from;
        assert!(way.dot(east) < 6.0, "{place:?}: {}", way.dot(east));
        assert_eq!(runner.mode, Mode::Walk);
    }
}

/// A row of boxes of a height across the way; whether a walker from the west gets over, within 4 s.
fn gets_over(height_m: f64, degrees: f64) -> (bool, f64) {
    let place = PLACES_DEG[6];
    let [east, north, up] = tangent(place);
    let mut course = plane(place, 20.0, (0.0, 0.0));
    let centre = course.relief.surface(place, 4.0, 0.0);
    course.put(centre, [east, north, up], |turn| {
        Shape::cuboid(DVec3::new(1.0, 30.0, height_m), turn).expect("a box")
    });
    let mut runner = standing(&course, place);
    let angle = degrees / 180.0 * core::f64::consts::PI;
    let way = east * libm::cos(angle) + north * libm::sin(angle);
    let from = course.place(&runner);
    let (mut highest, mut deepest) = (0.0f64, f64::NEG_INFINITY);
    for _ in 0..120 {
        course.tick(
            &mut runner,
            Ask {
                wish_mps: way * SPEED_MPS,
                ..Ask::default()
            },
        );
        highest = highest.max((course.place(&runner) - from).dot(up));
        deepest = deepest.max(course.depth_m(&runner));
    }
    assert!(deepest < 0.01, "{height_m} m, {degrees}°: {deepest} m deep");
    ((course.place(&runner) - from).dot(east) > 6.0, highest)
}

#[test]
fn steps_are_taken_and_walls_are_not() {
    for degrees in [0.0, 20.0, -45.0] {
        for height_m in [0.02, 0.1, 0.25, 0.39] {
            let (over, highest) = gets_over(height_m, degrees);
            assert!(
                over && (highest - height_m).abs() < 0.01,
                "{height_m} m, {degrees}°: {highest}"
            );
        }
        for height_m in [0.42, 0.8, 3.0] {
            let (over, highest) = gets_over(height_m, degrees);
            assert!(
                !over && highest < 0.01,
                "{height_m} m, {degrees}°: {highest}"
            );
        }
    }
}

/// Boxes as stairs of 0.2 m: up and down at the wished level speed, never in the air.
#[test]
fn stairs_are_walked() {
    let place = PLACES_DEG[7];
    let [east, north, up] = tangent(place);
    let mut course = plane(place, 20.0, (0.0, 0.0));
    for n in 0..20i32 {
        let height_m = 0.2 * f64::from(if n < 10 { n + 1 } else { 20 - n });
        let centre = course.relief.surface(place, 3.15 + 0.3 * f64::from(n), 0.0);
        course.put(centre, [east, north, up], |turn| {
            Shape::cuboid(DVec3::new(0.15, 3.0, height_m), turn).expect("a box")
        });
    }
    let mut runner = standing(&course, place);
    let from = course.place(&runner);
    let (mut highest, mut ticks) = (0.0f64, 0);
    while (course.place(&runner) - from).dot(east) < 11.0 {
        course.tick(
            &mut runner,
            Ask {
                wish_mps: east * 2.0,
                ..Ask::default()
            },
        );
        assert_eq!(runner.mode, Mode::Walk, "tick {ticks}");
        assert!(course.depth_m(&runner) < 0.01);
        highest = highest.max((course.place(&runner) - from).dot(up));
        ticks += 1;
        assert!(
            ticks < 260,
            "it hangs at {}",
            (course.place(&runner) - from).dot(east)
        );
    }
    assert!((highest - 2.0).abs() < 0.05, "{highest}");
    let measured = format!("{ticks} ticks of 1/30 s");
    tell_quality(
        "11 m with 20 stairs at 2 m/s take",
        &measured,
        "165 when level",
    );
}

#[test]
fn rest_on_obstacles_is_rest() {
    let place = PLACES_DEG[4];
    let [east, north, up] = tangent(place);
    let mut course = plane(place, 20.0, (0.1, 0.0));
    let tilted = [
        (east + up * 0.5).normalize(),
        north,
        (up - east * 0.5).normalize(),
    ];
    for (x, axes) in [(0.0, [east, north, up]), (30.0, tilted)] {
        let centre = course.relief.surface(place, x, 0.0);
        course.put(centre, axes, |turn| {
            Shape::cuboid(DVec3::new(3.0, 3.0, 2.0), turn).expect("a box")
        });
    }
    let ball = course.relief.surface(place, -30.0, 0.0);
    course.put(ball, [east, north, up], |_| {
        Shape::capsule(DVec3::ZERO, 3.0).expect("a ball")
    });
    let hull = course.relief.surface(place, 0.0, 30.0);
    course.put(hull, [east, north, up], |_: DQuat| {
        let points: Vec<_> = (0..12)
            .map(|k| {
                let angle = f64::from(k % 6);
                DVec3::new(
                    3.0 * libm::cos(angle),
                    3.0 * libm::sin(angle),
                    f64::from(k / 6) * 2.0,
                )
            })
            .collect();
        Shape::hull(&points).expect("a hull")
    });
    for (x, y) in [
        (0.0, 0.0),
        (2.9, 1.0),
        (3.15, 0.5),
        (30.0, 0.5),
        (-30.0, 0.1),
        (0.0, 30.0),
    ] {
        let mut runner = course.runner(course.relief.surface(place, x, y) + up * 8.0);
        course.run(&mut runner, 120, DVec3::ZERO);
        assert_eq!(runner.mode, Mode::Walk, "{x} {y}");
        let still = runner.clone();
        for tick in 0..1_000 {
            course.tick(&mut runner, Ask::default());
            assert_eq!(runner, still, "({x}, {y}) tick {tick}");
        }
        assert!(course.depth_m(&runner) < 0.01);
    }
}

/// A floor of boxes side by side, of one height: walked over at the wished speed, level, in every direction.
#[test]
fn seams_of_floors_are_not_felt() {
    let place = PLACES_DEG[5];
    let axes @ [east, north, up] = tangent(place);
    let mut course = plane(place, 20.0, (0.0, 0.0));
    let middle = course.relief.surface(place, 0.0, 0.0);
    for k in 0..100i32 {
        let (x, y) = (f64::from(k % 10) - 4.5, f64::from(k / 10) - 4.5);
        let at = middle + (east * x + north * y) * 1.5;
        course.put(at, axes, |turn| {
            Shape::cuboid(DVec3::new(0.75, 0.75, 1.0), turn).expect("a box")
        });
    }
    for degrees in [0.0, 7.0, 45.0, 90.0, 100.0] {
        let angle = degrees / 180.0 * core::f64::consts::PI;
        let way = east * libm::cos(angle) + north * libm::sin(angle);
        let mut runner = course.runner(middle - way * 6.0 + up * 1.2);
        course.run(&mut runner, 40, way * 0.5);
        let from = course.place(&runner);
        for tick in 0..70 {
            let before = course.place(&runner);
            let wish_mps = way * SPEED_MPS;
            course.tick(
                &mut runner,
                Ask {
                    wish_mps,
                    ..Ask::default()
                },
            );
            let walked = course.place(&runner) - before;
            let speed = walked.length() / course.tick_s;
            assert!(
                (speed - SPEED_MPS).abs() < 0.04 || tick < 5,
                "{degrees}° {tick}: {speed}"
            );
            // Boxes are on the grids of different frames' integers: 2⁻¹⁶ m.
            assert!(
                walked.dot(up).abs() < 1e-3,
                "{degrees}° {tick}: {}",
                walked.dot(up)
            );
            assert_eq!(runner.mode, Mode::Walk);
        }
        assert!((course.place(&runner) - from).dot(way) > 9.0);
    }
}

#[test]
fn neighbours_push_up_to_walls_and_not_into_them() {
    let place = PLACES_DEG[3];
    let axes @ [east, ..] = tangent(place);
    let mut course = plane(place, 20.0, (0.2, 0.1));
    let wall = course.relief.surface(place, 2.0, 0.0);
    course.put(wall, axes, |turn| {
        Shape::cuboid(DVec3::new(0.2, 9.0, 9.0), turn).expect("a wall")
    });
    let mut runner = standing(&course, place);
    for _ in 0..60 {
        let push_m = east * 0.06;
        course.tick(
            &mut runner,
            Ask {
                push_m,
                ..Ask::default()
            },
        );
        assert!(course.depth_m(&runner) < 0.001);
        assert_eq!(runner.mode, Mode::Walk);
    }
    let gap = (wall - course.place(&runner)).dot(east) - 0.2 - course.kind.radius_m();
    assert!((0.0..0.01).contains(&gap), "{gap}");
}

/// Along walls that are upright in their frame, and so lean a little everywhere else: as fast as the wish goes along them, on their feet, in
/// every tick.
#[test]
fn walls_are_slid_along() {
    let mut worst = 0.0f64;
    for (n, place) in PLACES_DEG.into_iter().enumerate() {
        for (step_max, rise) in [(0, 0.0), (102, 0.0), (102, 0.3)] {
            let mut course = plane(place, 40.0, (0.6 * rise, -0.8 * rise));
            course.kind.step_max = step_max;
            let middle = course.relief.surface(place, 0.0, 0.0);
            let frame = Frame::at(Planet::EARTH, ecef(middle));
            let [east, north, up] = frame.axes().units();
            let (sin, cos) = libm::sincos(n as f64);
            let (x, y) = (east * cos + north * sin, north * cos - east * sin);
            course.put(middle + x * 1.5, [x, y, up], |turn| {
                Shape::cuboid(DVec3::new(0.5, 40.0, 9.0), turn).expect("a wall")
            });
            for degrees in [-80.0, -45.0, -10.0, 5.0, 30.0, 70.0] {
                let mut runner = standing(&course, place);
                let (sin, cos) = libm::sincos(f64::to_radians(degrees));
                let wish_mps = (x * cos + y * sin) * SPEED_MPS;
                course.run(&mut runner, 90, wish_mps);
                for tick in 0..60 {
                    let before = course.place(&runner);
                    course.run(&mut runner, 1, wish_mps);
                    let way = course.place(&runner) - before;
                    let says =
                        format!("{place:?} step {step_max} rise {rise} {degrees}° tick {tick}");
                    let off = way.length() / course.tick_s - SPEED_MPS * sin.abs();
                    assert!(off.abs() < 0.01 * SPEED_MPS, "{says}: {off}");
                    assert_eq!(runner.mode, Mode::Walk, "{says}");
                    worst = worst.max(off.abs());
                }
                assert!(course.depth_m(&runner) < 0.001);
            }
        }
    }
    tell_quality("speed along walls: off by", &format!("{worst:.4} m/s"), "-");
}

/// What is put where somebody stands pushes him out.
#[test]
fn nobody_stays_inside_of_an_obstacle() {
    let place = PLACES_DEG[1];
    let axes @ [east, north, up] = tangent(place);
    for (x, y, z) in [(0.3, 0.0, 0.0), (0.0, -0.6, 0.4), (-0.5, 0.5, 1.0)] {
        let mut course = plane(place, 20.0, (0.1, 0.0));
        let mut runner = standing(&course, place);
        let at = course.place(&runner) + east * x + north * y + up * z;
        course.put(at, axes, |turn| {
            Shape::cuboid(DVec3::new(1.0, 1.2, 0.9), turn).expect("a box")
        });
        assert!(course.depth_m(&runner) > 0.3);
        course.run(&mut runner, 60, DVec3::ZERO);
        assert!(course.depth_m(&runner) < 0.001, "({x}, {y}, {z})");
        assert_eq!(runner.mode, Mode::Walk);
    }
}
