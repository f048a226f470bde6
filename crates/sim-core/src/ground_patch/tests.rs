//! Against the surface itself, |p| = R + h(s, t), searched point by point.

use std::cell::RefCell;
use std::collections::BTreeMap;

use spatial_core::{Ecef, Frame, Planet, face_st};

use super::*;

const SEED: u64 = 5;

/// Rough ground of the whole planet: noise at every sample, made when it is asked for, for ever.
struct Relief {
    planet: Planet,
    lattice: LatticeSpec,
    amplitude: f64, // of the noise, stored steps
    tiles: RefCell<BTreeMap<CellId, &'static HeightTile>>,
}

impl Relief {
    fn new(radius_m: f64, lattice: LatticeSpec, amplitude: f64) -> Self {
        Self {
            planet: Planet::new(radius_m).unwrap(),
            lattice,
            amplitude,
            tiles: RefCell::default(),
        }
    }

    fn tile(&self, cell: CellId) -> &'static HeightTile {
        self.tiles.borrow_mut().entry(cell).or_insert_with(|| {
            let n = u32::from(self.lattice.intervals());
            let (column, row) = spatial_core::column_row(cell);
            let sample = |k: u32| {
                let (i, j) = (column * n + k % (n + 1), row * n + k / (n + 1));
                let direction = self.lattice.direction(cell.face(), i, j);
                let mixed = direction.to_array().iter().fold(SEED, |hash, c| {
                    let z = (hash ^ c.to_bits()).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                    z ^ (z >> 29)
                });
                (f64::from((mixed >> 48) as i16) / 32_768.0 * self.amplitude) as i16
            };
            let samples = (0..(n + 1) * (n + 1)).map(sample).collect();
            Box::leak(Box::new(
                HeightTile::new(cell, self.lattice.intervals(), samples).unwrap(),
            ))
        })
    }

    fn ground_m(&self, direction: DVec3) -> f64 {
        let (face, s, t) = face_st(direction);
        let tile = self.tile(self.lattice.tile_of(face, s, t));
        tile.height_m(&self.lattice, face, s, t)
    }

    /// Axes of an agent at a direction, at most 2 m above the ground.
    fn axes(&self, direction: DVec3, up_m: f64) -> LocalAxes {
        let place = direction * (self.planet.radius_m() + self.ground_m(direction) + up_m);
        let frame = Frame::at(self.planet, Ecef::new(place.x, place.y, place.z).unwrap());
        let at = frame
            .to_position(Ecef::new(place.x, place.y, place.z).unwrap())
            .unwrap();
        LocalAxes::upright(self.planet.radius_m(), frame.axes(), at)
    }

    /// The lowest point of a ball above (x, y) that rests on the surface: by search, from all over the ball and from where it is
    /// said to touch.
    fn searched_m(&self, axes: &LocalAxes, (x, y): (f64, f64), radius: f64, said: DVec3) -> f64 {
        let [ex, ey, up] = axes.in_space();
        let raised = |a: f64, b: f64| {
            let way = axes.place() + ex * a + ey * b;
            let direction = way / way.length();
            let on = direction * (self.planet.radius_m() + self.ground_m(direction)) - axes.place();
            let (da, db) = (on.dot(ex) - x, on.dot(ey) - y);
            let over = radius * radius - da * da - db * db;
            match over >= 0.0 {
                true => on.dot(up) + over.sqrt() - radius,
                false => f64::NEG_INFINITY,
            }
        };
        let mut starts: Vec<(f64, f64, f64)> = (0..61 * 61)
            .map(|k| {
                (
                    f64::from(k % 61 - 30) / 30.0 * radius,
                    f64::from(k / 61 - 30) / 30.0 * radius,
                )
            })
            .map(|(a, b)| (raised(x + a, y + b), x + a, y + b))
            .collect();
        starts.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (a, b) = (x - said.x * radius, y - said.y * radius);
        starts.insert(0, (raised(a, b), a, b));
        let refined = starts.iter().take(12).map(|(value, a, b)| {
            let (mut best, mut a, mut b, mut step) = (*value, *a, *b, radius / 20.0);
            while step > 1e-6 {
                let around = [
                    (1.0, 0.0),
                    (-1.0, 0.0),
                    (0.0, 1.0),
                    (0.0, -1.0),
                    (0.7, 0.7),
                    (-0.7, 0.7),
                    (0.7, -0.7),
                    (-0.7, -0.7),
                ];
                let next = around
                    .map(|(da, db)| {
                        (
                            raised(a + da * step, b + db * step),
                            a + da * step,
                            b + db * step,
                        )
                    })
                    .into_iter()
                    .max_by(|a, b| a.0.total_cmp(&b.0))
                    .unwrap();
                match next.0 > best {
                    true => (best, a, b) = next,
                    false => step *= 0.5,
                }
            }
            best
        });
        refined.fold(f64::NEG_INFINITY, f64::max)
    }
}

/// The tiles of a relief, or one of them.
struct Resident<'r>(&'r Relief, Option<CellId>);

impl Tiles for Resident<'_> {
    fn tile(&self, cell: CellId) -> Option<&HeightTile> {
        let is_there = self.1.is_none_or(|only| only == cell);
        is_there.then(|| self.0.tile(cell))
    }
}

/// A single tile.
struct One(HeightTile);

impl Tiles for One {
    fn tile(&self, cell: CellId) -> Option<&HeightTile> {
        (self.0.cell() == cell).then_some(&self.0)
    }
}

/// A face's middle, an edge, a corner, the poles' neighbourhood, and anywhere.
fn places() -> Vec<DVec3> {
    [
        [0.3, 0.9, 0.21],
        [-1.0, 0.02, 0.01],
        [1.0, 1.0, 0.3],
        [-1.0, 1.0, 1.0],
        [1.0, -1.0, -1.0],
        [1e-9, 2e-9, 1.0],
        [0.4, -0.1, -0.4],
    ]
    .map(|p| DVec3::from_array(p).normalize())
    .to_vec()
}

fn check(radius_m: f64, levels: u8, intervals: u16, slope: f64, balls: &[f64]) -> f64 {
    check_at(&places(), radius_m, (levels, intervals), slope, balls)
}

fn check_at(
    places: &[DVec3],
    radius_m: f64,
    (levels, intervals): (u8, u16),
    slope: f64,
    balls: &[f64],
) -> f64 {
    let spacing = 1.6 * radius_m / f64::from(u32::from(intervals) << (levels - 1));
    let amplitude_m = 0.5 * slope * spacing;
    let quantum_m = (amplitude_m / 30_000.0).max(0.001);
    let lattice = LatticeSpec::new(levels, intervals, 3.0, quantum_m).unwrap();
    let relief = Relief::new(radius_m, lattice, amplitude_m / quantum_m);
    let tiles = Resident(&relief, None);
    let (mut worst, mut state) = (0.0f64, SEED);
    let mut draw = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    for direction in places {
        for radius in balls {
            let axes = relief.axes(*direction, 1.0 + draw());
            let patch = GroundPatch::new(&lattice, &axes, 8.0, &tiles);
            for _ in 0..10 {
                let (x, y) = (draw() * 0.7, draw() * 0.7);
                let rest = patch.rest(x, y, *radius).unwrap();
                let want = relief.searched_m(&axes, (x, y), *radius, rest.normal);
                let off = rest.height_m - want;
                assert!(
                    off.abs() < 1e-3
                        && (rest.normal.length() - 1.0).abs() < 1e-9
                        && rest.normal.z >= 0.0,
                    "seed {SEED}: R {radius_m} spacing {spacing:.2} m, {direction} ({x}, {y}) r {radius}: {off:e} {rest:?}"
                );
                worst = worst.max(off.abs());
            }
        }
    }
    println!(
        "R {radius_m} m, {spacing:.2} m between samples, slopes to {slope}: off by at most {worst:.1e} m"
    );
    worst
}

#[test]
fn balls_rest_on_the_surface_of_the_earth() {
    for slope in [0.1, 0.6, 1.0, 2.0, 4.0] {
        check(6_371_008.8, 18, 128, slope, &[0.4, 0.05, 1.5]); // 0.6 m
    }
    assert!(check(6_371_008.8, 18, 32, 1.0, &[0.4, 4.0]) < 1e-5); // 2.4 m
    assert!(check(6_371_008.8, 12, 128, 1.0, &[0.4]) < 1e-5); // 39 m
    assert!(check(6_371_008.8, 4, 128, 1.0, &[0.4, 4.0]) < 1e-5); // 10 km
}

/// Around a corner of the cube, cells are rhombi of 60°.
#[test]
fn balls_rest_on_skewed_cells() {
    let corner = DVec3::new(1.0, -1.0, 1.0);
    let near = |k: u32| {
        let off = DVec3::new(
            f64::from(k % 5),
            f64::from(k / 5 % 5),
            2.0 - f64::from(k / 25),
        ) * 1e-6;
        (corner + off).normalize()
    };
    let places: Vec<_> = (0..100).map(near).collect();
    for slope in [0.8, 1.2, 1.6] {
        assert!(check_at(&places, 6_371_008.8, (18, 128), slope, &[0.4]) < 1e-5);
    }
}

#[test]
fn balls_rest_on_the_surface_of_small_and_large_planets() {
    check(10_000.0, 10, 128, 1.0, &[0.4]); // 0.24 m
    check(10_000.0, 5, 32, 1.0, &[0.4]); // 31 m
    check(1e8, 18, 128, 1.0, &[0.4]); // 9.5 m
}

#[test]
fn ground_that_is_not_there_is_told() {
    let lattice = LatticeSpec::new(3, 32, 0.0, 1.0).unwrap();
    let relief = Relief::new(6_371_008.8, lattice, 3_000.0);
    let axes = relief.axes(DVec3::new(1.0, 1.0, 0.3).normalize(), 0.0);
    let own = lattice.tile_at(DVec3::new(1.0, 0.999, 0.3));
    let tiles = Resident(&relief, Some(own));
    let patch = GroundPatch::new(&lattice, &axes, 8.0, &tiles);
    assert_eq!(patch.rest(0.0, 0.0, 0.4), None); // on the edge of the cube: both tiles count
    let [x, y] = [DVec3::X, -DVec3::Y]
        .map(|v| (v - axes.in_space()[2] * v.dot(axes.in_space()[2])).normalize());
    let inwards = DVec3::new(
        axes.in_space()[0].dot(x + y),
        axes.in_space()[1].dot(x + y),
        0.0,
    )
    .normalize();
    assert!(patch.rest(inwards.x * 3.0, inwards.y * 3.0, 0.4).is_some());
}

/// On flat ground the answer is the ground, and on a slope the ball stands off as a plane tells.
#[test]
fn a_ball_on_a_plane_is_in_closed_form() {
    let lattice = LatticeSpec::new(8, 32, 0.0, 0.5).unwrap();
    let planet = Planet::EARTH;
    let at = DVec3::new(0.5, 0.3, 1.0).normalize();
    let cell = lattice.tile_at(at);
    let slope_of = |samples: &dyn Fn(i32, i32) -> i16| {
        let samples = (0..33 * 33).map(|k| samples(k % 33, k / 33)).collect();
        HeightTile::new(cell, 32, samples).unwrap()
    };
    for tilt in [0, 100, 3_000] {
        let tile = slope_of(&|i, _| (i * tilt / 10) as i16);
        let tiles = One(tile.clone());
        let (face, s, t) = face_st(at);
        let place = at * (planet.radius_m() + tile.height_m(&lattice, face, s, t));
        let place = Ecef::new(place.x, place.y, place.z).unwrap();
        let frame = Frame::at(planet, place);
        let axes = LocalAxes::upright(
            planet.radius_m(),
            frame.axes(),
            frame.to_position(place).unwrap(),
        );
        let patch = GroundPatch::new(&lattice, &axes, 8.0, &tiles);
        let rest = patch.rest(0.0, 0.0, 0.5).unwrap();
        let point = patch.rest(0.0, 0.0, 0.0).unwrap();
        assert!(point.height_m.abs() < 1e-4, "{point:?}");
        let stands_off = 0.5 / rest.normal.z - 0.5;
        assert!(
            (rest.height_m - point.height_m - stands_off).abs() < 1e-6,
            "{tilt} {rest:?}"
        );
        assert_eq!(tilt == 0, rest.normal.z > 0.999_999);
    }
}
