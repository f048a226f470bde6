//! Random walks over real and rough relief among obstacles: nobody gets deeper than 1 cm, and nobody hangs where there is a way on.
//!
//! `BLUEMARBLE_WALKS` is the number of walks over rough ground, and again over real relief; a walk is 2.5 s in one direction.

use std::path::PathBuf;

use sim_core::{FINE_PER_M, Kind, Mode, Shape};
use spatial_core::{DQuat, DVec3, LatticeSpec, Planet};

use crate::quality_scene::{Ask, Course, Relief, Runner, tangent, tell_quality};
use crate::scene::{PLACES_DEG, Seeded};

const SEED: u64 = 2_026;
const WALKS_DEFAULT: u64 = 480;

/// Walks from one start.
const ROUND: u64 = 20;
const WALK_TICKS: u64 = 75;

/// How often it is looked how deep somebody is, ticks: some time in each walk.
const LOOK_TICKS: u64 = WALK_TICKS;

fn walks() -> u64 {
    let asked = std::env::var("BLUEMARBLE_WALKS").ok();
    asked.map_or(WALKS_DEFAULT, |n| {
        n.parse().expect("BLUEMARBLE_WALKS is a number of walks")
    })
}

struct Draw(Seeded);

impl Draw {
    /// Within ±1.
    fn one(&mut self) -> f64 {
        self.0.below(2_000_001) as f64 / 1e6 - 1.0
    }

    fn shape(&mut self) -> impl Fn(DQuat) -> Shape + use<> {
        let kind = self.0.below(4);
        let (a, b, c) = (self.one().abs(), self.one().abs(), self.one().abs());
        let points: Vec<_> = (0..12)
            .map(|_| DVec3::new(2.0 * self.one(), 2.0 * self.one(), 1.5 * self.one()))
            .collect();
        move |turn| {
            match kind {
                0 => Shape::cuboid(DVec3::new(0.2 + 3.0 * a, 0.1 + b, 0.1 + 1.5 * c), turn),
                1 => Shape::capsule(DVec3::new(1.5 * a, b, c), 0.15 + a),
                2 => Shape::cuboid(DVec3::new(0.5 + a, 0.5 + b, 0.15 * c + 0.02), turn), // a kerb
                _ => Shape::hull(&points),
            }
            .expect("a shape with an inside")
        }
    }
}

/// What came of the walks on one relief.
#[derive(Default, Debug)]
struct Tally {
    walks: u64,
    in_modes: [u64; 3],
    deepest_m: f64,
    blocked: u64,
    stuck: u64,
    way_m: f64,
}

/// Walks around a place: obstacles all over, every walk from another start.
fn walk(
    course: &mut Course,
    place: (f64, f64),
    spread_m: f64,
    walks: u64,
    draw: &mut Draw,
) -> Tally {
    let axes @ [east, north, up] = tangent(place);
    for _ in 0..(spread_m * spread_m / 60.0) as u32 {
        let at = course
            .relief
            .surface(place, spread_m * draw.one(), spread_m * draw.one());
        let angle = draw.one() * 3.0;
        let lean = if draw.0.below(3) == 0 {
            0.3 * draw.one()
        } else {
            0.0
        };
        let x = east * libm::cos(angle) + north * libm::sin(angle) + up * lean;
        let x = x.normalize();
        let y = axes[2].cross(x).normalize();
        course.put(
            at + up * (0.4 * draw.one()),
            [x, y, x.cross(y)],
            draw.shape(),
        );
    }
    let mut tally = Tally::default();
    while tally.walks < walks {
        let start = course
            .relief
            .surface(place, spread_m * draw.one(), spread_m * draw.one());
        let mut runner = course.runner(start + up * 6.0);
        for _ in 0..ROUND {
            let angle = draw.one() * 3.2;
            let wish = (east * libm::cos(angle) + north * libm::sin(angle)) * 4.0;
            stretch(course, &mut runner, wish, &mut tally, draw);
        }
    }
    tally
}

/// A walk in one direction.
fn stretch(
    course: &Course,
    runner: &mut Runner,
    wish_mps: DVec3,
    tally: &mut Tally,
    draw: &mut Draw,
) {
    let from = course.place(runner);
    let look = draw.0.below(LOOK_TICKS);
    for tick in 0..WALK_TICKS {
        let jump = draw.0.below(100) == 0;
        course.tick(
            runner,
            Ask {
                wish_mps,
                jump,
                ..Ask::default()
            },
        );
        tally.in_modes[runner.mode as usize] += 1;
        if tick % LOOK_TICKS == look {
            tally.deepest_m = tally.deepest_m.max(course.depth_m(runner));
            assert!(
                tally.deepest_m < 0.01,
                "seed {SEED}: {} m deep at {runner:?}",
                tally.deepest_m
            );
        }
    }
    tally.walks += 1;
    let way_m = course.place(runner).distance(from);
    tally.way_m += way_m;
    if way_m < 0.1 {
        tally.blocked += 1;
        if !has_way(course, runner) {
            tally.stuck += 1;
            println!("seed {SEED}: stuck at {runner:?}");
        }
    }
}

/// Whether somebody who is blocked gets away in some direction.
fn has_way(course: &Course, runner: &Runner) -> bool {
    let up = course.place(runner).normalize();
    let side = up.any_orthonormal_vector();
    (0..16).any(|k| {
        let angle = f64::from(k) * 0.4;
        let wish = (side * libm::cos(angle) + up.cross(side) * libm::sin(angle)) * 4.0;
        let mut copy = runner.clone();
        course.run(&mut copy, 45, wish);
        course.place(&copy).distance(course.place(runner)) > 0.5
    })
}

fn report(name: &str, tally: &Tally) {
    let share = |mode: Mode| {
        100.0 * tally.in_modes[mode as usize] as f64 / (tally.walks * WALK_TICKS) as f64
    };
    println!(
        "{name}: {} walks of {:.0} m, walks {:.1} %, falls {:.1} %, swims {:.1} %, deepest {:.2} mm, blocked {}, stuck {}",
        tally.walks,
        tally.way_m / tally.walks as f64,
        share(Mode::Walk),
        share(Mode::Fall),
        share(Mode::Swim),
        1_000.0 * tally.deepest_m,
        tally.blocked,
        tally.stuck,
    );
    let walks = format!(
        "{} walks of {:.0} m, {name}",
        tally.walks,
        tally.way_m / tally.walks as f64
    );
    let deepest = format!("{:.2} mm", 1_000.0 * tally.deepest_m);
    tell_quality(
        &format!("deepest in ground or obstacles, {walks}"),
        &deepest,
        "10 mm",
    );
    tell_quality(&format!("stuck, {walks}"), &tally.stuck.to_string(), "0");
    assert_eq!(tally.stuck, 0, "{name}");
}

fn person() -> Kind {
    Kind::character((4.0 * FINE_PER_M) as u16)
}

#[test]
fn nobody_hangs_on_rough_ground() {
    let mut draw = Draw(Seeded(SEED));
    for place in PLACES_DEG {
        // Hills and knobs, with faces up to 65° between samples 0.6 m apart.
        let height = |x: f64, y: f64| {
            5.0 * libm::sin(x / 7.0) * libm::cos(y / 9.0)
                + 1.0 * libm::sin(x / 1.3 + libm::cos(y / 2.1))
                + 0.3 * libm::sin(y * 2.3) * libm::sin(x * 1.9)
        };
        let mut course = Course::new(Relief::around(place, 30.0, height), person());
        let tally = walk(
            &mut course,
            place,
            30.0,
            walks() / PLACES_DEG.len() as u64,
            &mut draw,
        );
        report(&format!("rough ground at {place:?}"), &tally);
    }
}

/// A square of SRTM that is here as 1,201 × 1,201 samples.
struct Square {
    name: &'static str,
    corner: (f64, f64),
    place: (f64, f64), // where to walk in it
}

/// The White Mountains, and Gabon.
const SQUARES: [Square; 2] = [
    Square {
        name: "N44W072",
        corner: (44.0, -72.0),
        place: (44.27, -71.3),
    },
    Square {
        name: "N00E010",
        corner: (0.0, 10.0),
        place: (0.45, 10.4),
    },
];

#[test]
fn nobody_hangs_on_real_relief() {
    let data = std::env::var("BLUEMARBLE_DATA").map_or_else(|_| shared_data(), PathBuf::from);
    let mut draw = Draw(Seeded(SEED + 1));
    for Square {
        name,
        corner,
        place,
    } in SQUARES
    {
        let path = data.join("srtm3").join(format!("{name}.hgt"));
        let Ok(bytes) = std::fs::read(&path) else {
            println!("skipped: no relief at {}", path.display());
            continue;
        };
        // 128 samples a tile on level 10: 78 m between them, as in the data.
        let lattice = LatticeSpec::new(11, 128, 1_000.0, 0.1).expect("a legal lattice");
        let height = move |direction: DVec3| srtm_m(&bytes, corner, direction);
        let relief = Relief::new(Planet::EARTH, lattice, Box::new(height));
        let mut course = Course::new(relief, person());
        let tally = walk(&mut course, place, 60.0, walks() / 2, &mut draw);
        report(name, &tally);
    }
}

/// Where relief is kept beside the repository.
fn shared_data() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"))
}

/// Height of a square of SRTM, bilinear; beyond it that of its edge.
fn srtm_m(bytes: &[u8], (south, west): (f64, f64), direction: DVec3) -> f64 {
    let lat = libm::asin(direction.z).to_degrees();
    let lon = libm::atan2(direction.y, direction.x).to_degrees();
    let row = ((south + 1.0 - lat) * 1_200.0).clamp(0.0, 1_199.999);
    let column = ((lon - west) * 1_200.0).clamp(0.0, 1_199.999);
    let (j, i) = (row as usize, column as usize);
    let at = |j: usize, i: usize| {
        let n = 2 * (j * 1_201 + i);
        f64::from(i16::from_be_bytes([bytes[n], bytes[n + 1]]))
    };
    let (fy, fx) = (row - j as f64, column - i as f64);
    let north = at(j, i) * (1.0 - fx) + at(j, i + 1) * fx;
    let south = at(j + 1, i) * (1.0 - fx) + at(j + 1, i + 1) * fx;
    north * (1.0 - fy) + south * fy
}
