//! Every answer has two certificates that know nothing of how it was found: the plane it names separates by as much as it says, and no other
//! plane of very many separates by more.

use super::*;

const SEED: u64 = 20_261_127;

/// A seeded generator (splitmix64).
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Within ±1.
    fn draw(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    fn vector(&mut self, size: f64) -> DVec3 {
        DVec3::new(self.draw(), self.draw(), self.draw()) * size
    }

    fn direction(&mut self) -> DVec3 {
        loop {
            let v = self.vector(1.0);
            if (0.01..=1.0).contains(&v.length()) {
                return v / v.length();
            }
        }
    }

    fn turn(&mut self) -> DQuat {
        DQuat::from_xyzw(self.draw(), self.draw(), self.draw(), self.draw() + 1e-3).normalize()
    }

    fn shape(&mut self) -> Shape {
        match self.next() % 4 {
            0 => Shape::cuboid(self.vector(2.0).abs() + DVec3::splat(0.01), self.turn()),
            1 => Shape::capsule(self.vector(2.0), self.draw().abs() + 0.05),
            2 => Shape::capsule(DVec3::ZERO, self.draw().abs() + 0.05),
            _ => {
                let count = 4 + self.next() as usize % 28;
                let points: Vec<_> = (0..count).map(|_| self.vector(2.0)).collect();
                Shape::hull(&points)
            }
        }
        .expect("a shape with an inside")
    }

    /// Upright, lying, leaning, or a ball.
    fn axis(&mut self, spread: f64) -> Segment {
        let start = self.vector(spread);
        let along = match self.next() % 4 {
            0 => DVec3::Z * 1.2,
            1 => DVec3::X * 1.2,
            2 => self.vector(1.0),
            _ => DVec3::ZERO,
        };
        Segment {
            start,
            end: start + along,
        }
    }
}

/// How far a shape at a place reaches along a direction, from what it was told as.
fn support(shape: &Shape, centre: DVec3, turn: DQuat, n: DVec3) -> f64 {
    let [x, y, z] = [DVec3::X, DVec3::Y, DVec3::Z].map(|axis| turn * axis);
    let own = DVec3::new(x.dot(n), y.dot(n), z.dot(n));
    let reach = match &shape.0 {
        Form::Cuboid { half, turn } => {
            let q = turn.map(f64::from);
            let q = DQuat::from_array(q).normalize();
            let parts = DVec3::AXES.map(|axis| (q * axis).dot(own).abs());
            DVec3::from_array(parts).dot(metres(half.map(f64::from)))
        }
        Form::Capsule { half_axis, radius } => {
            metres(half_axis.map(f64::from)).dot(own).abs() + f64::from(*radius) / UNITS_PER_M
        }
        Form::Hull { vertices } => {
            let along = |v: &[i32; 3]| metres(v.map(f64::from)).dot(own);
            vertices.iter().map(along).fold(f64::NEG_INFINITY, f64::max)
        }
    };
    centre.dot(n) + reach
}

fn separation(axis: Segment, n: DVec3, support: f64) -> f64 {
    axis.start.dot(n).min(axis.end.dot(n)) - support
}

#[test]
fn gaps_are_the_widest_separation() {
    let mut random = Seeded(SEED);
    let (mut inside, mut outside) = (0, 0);
    for n in 0..4_000 {
        let (shape, turn, centre) = (random.shape(), random.turn(), random.vector(3.0));
        let solid = Solid::new(&shape, centre, turn);
        let axis = random.axis(1.5).moved(centre);
        let gap = solid.gap(axis);
        let named = separation(axis, gap.normal, support(&shape, centre, turn, gap.normal));
        let says = format!("seed {SEED}, case {n}: {shape:?} {axis:?} {gap:?}");
        assert!((gap.normal.length() - 1.0).abs() < 1e-9, "{says}");
        assert!((named - gap.distance_m).abs() < 1e-6, "{named} {says}");
        for k in 0..300 {
            let near = gap.normal + random.vector(0.3 / f64::from(1 << (k % 12)));
            let other = if k % 3 == 0 {
                random.direction()
            } else {
                near / near.length()
            };
            let separates = separation(axis, other, support(&shape, centre, turn, other));
            assert!(
                separates < gap.distance_m + 1e-6,
                "{separates} {other} {says}"
            );
        }
        match gap.distance_m < 0.0 {
            true => inside += 1,
            false => outside += 1,
        }
    }
    assert!(inside > 300 && outside > 300, "{inside} {outside}");
}

#[test]
fn sweeps_stop_at_the_first_contact() {
    const MARGIN_M: f64 = 1e-4;
    let mut random = Seeded(SEED + 1);
    let (mut stopped, mut free) = (0, 0);
    for n in 0..4_000 {
        let (shape, turn) = (random.shape(), random.turn());
        let solid = Solid::new(&shape, DVec3::ZERO, turn);
        let axis = random.axis(5.0);
        let travel = random.vector(2.0) - axis.start;
        let radius = random.draw().abs() * 0.5;
        let clear = |time: f64| solid.gap(axis.moved(travel * time)).distance_m - radius;
        if clear(0.0) <= MARGIN_M {
            continue;
        }
        let touch = solid.sweep(axis, radius, travel, MARGIN_M);
        let says = format!(
            "seed {}, case {n}: {shape:?} {axis:?} {travel} {touch:?}",
            SEED + 1
        );
        let until = touch.map_or(1.0, |touch| touch.time);
        for k in 0..100 {
            assert!(clear(until * f64::from(k) / 100.0) > 0.0, "{says}");
        }
        match touch {
            Some(touch) => {
                assert!(
                    (0.0..=MARGIN_M).contains(&clear(touch.time)),
                    "{} {says}",
                    clear(touch.time)
                );
                assert!(touch.normal.dot(travel) < 0.0);
                stopped += 1;
            }
            None => free += 1,
        }
    }
    assert!(stopped > 300 && free > 300, "{stopped} {free}");
}

#[test]
fn what_overlaps_may_leave_but_not_enter_deeper() {
    let solid = Solid::new(
        &Shape::cuboid(DVec3::ONE, DQuat::IDENTITY).unwrap(),
        DVec3::ZERO,
        DQuat::IDENTITY,
    );
    let axis = Segment {
        start: DVec3::new(1.2, 0.0, 0.0),
        end: DVec3::new(1.2, 0.0, 1.0),
    };
    let touch = solid.sweep(axis, 0.4, DVec3::NEG_X, 1e-4).unwrap();
    assert_eq!((touch.time, touch.normal), (0.0, DVec3::X));
    assert_eq!(solid.sweep(axis, 0.4, DVec3::X, 1e-4), None);
    assert_eq!(solid.sweep(axis, 0.4, DVec3::Y, 1e-4), None);
}

#[test]
fn rays_enter_where_points_do() {
    let mut random = Seeded(SEED + 2);
    let (mut hits, mut misses) = (0, 0);
    for n in 0..8_000 {
        let (shape, turn) = (random.shape(), random.turn());
        let solid = Solid::new(&shape, DVec3::ZERO, turn);
        let from = random.vector(5.0);
        let travel = (random.vector(2.5) - from) * 1.5;
        let out = |time: f64| solid.gap(Segment::point(from + travel * time)).distance_m;
        let touch = solid.ray(from, travel);
        let says = format!(
            "seed {}, case {n}: {shape:?} {from} {travel} {touch:?}",
            SEED + 2
        );
        if out(0.0) < 0.0 {
            let touch = touch.expect("it starts inside");
            assert!(
                touch.time == 0.0 && touch.normal.dot(travel) < 0.0,
                "{says}"
            );
            continue;
        }
        for k in 0..100 {
            let until = touch.map_or(1.0, |touch| touch.time);
            assert!(out(until * f64::from(k) / 100.0) > -1e-9, "{says}");
        }
        match touch {
            Some(touch) => {
                assert!(out(touch.time).abs() < 1e-6, "{says}");
                assert!(touch.normal.dot(travel) <= 0.0, "{says}");
                hits += 1;
            }
            None => misses += 1,
        }
    }
    assert!(hits > 500 && misses > 500, "{hits} {misses}");
}

#[test]
fn balls_meet_capsules_where_sweeps_do() {
    let mut random = Seeded(SEED + 3);
    let (mut hits, mut misses) = (0, 0);
    for n in 0..20_000 {
        let (axis, ball) = (random.axis(1.0), random.vector(4.0));
        let travel = (random.vector(2.0) - ball) * 1.5;
        let radii = 0.05 + random.draw().abs();
        let out = |time: f64| {
            let at = ball + travel * time;
            (at - axis.nearest(at)).length() - radii
        };
        let touch = ball_meets_capsule(ball, travel, axis, radii);
        let says = format!(
            "seed {}, case {n}: {axis:?} {ball} {travel} {touch:?}",
            SEED + 3
        );
        for k in 0..100 {
            let until = touch.map_or(1.0, |touch| touch.time);
            assert!(
                touch.is_some_and(|t| t.time == 0.0) || out(until * f64::from(k) / 100.0) > -1e-9,
                "{says}"
            );
        }
        match touch {
            Some(touch) if touch.time > 0.0 => {
                assert!(
                    out(touch.time).abs() < 1e-9 && touch.normal.dot(travel) < 0.0,
                    "{says}"
                );
                hits += 1;
            }
            Some(_) => assert!(out(0.0) <= 1e-9, "{says}"),
            None => misses += 1,
        }
    }
    assert!(hits > 500 && misses > 500, "{hits} {misses}");
}

#[test]
fn a_ball_that_touches_does_not_pass() {
    let axis = Segment {
        start: DVec3::ZERO,
        end: DVec3::Z,
    };
    for height in [-0.5, 0.0, 0.3, 1.0, 1.5] {
        let ball = DVec3::new(-0.5, 0.0, height);
        let near = ball - axis.nearest(ball);
        let touch = ball_meets_capsule(ball, DVec3::X * 10.0, axis, near.length()).unwrap();
        assert_eq!(touch.time, 0.0, "{height}");
    }
}

#[test]
fn hulls_keep_their_corners_alone() {
    let mut points = Vec::new();
    for k in 0..125 {
        points.push(DVec3::new(
            f64::from(k % 5),
            f64::from(k / 5 % 5),
            f64::from(k / 25),
        ));
    }
    let cube = Shape::hull(&points).unwrap();
    let Form::Hull { vertices } = &cube.0 else {
        panic!()
    };
    assert_eq!(vertices.len(), 8);
    let hull = hull::Hull::new(vertices).unwrap();
    assert_eq!((hull.planes().len(), hull.edges().count()), (6, 12));
    // It is where the box is.
    let box_shape = Shape::cuboid(DVec3::splat(2.0), DQuat::IDENTITY).unwrap();
    let a = Solid::new(&cube, DVec3::ZERO, DQuat::IDENTITY);
    let b = Solid::new(&box_shape, DVec3::splat(2.0), DQuat::IDENTITY);
    let mut random = Seeded(SEED + 4);
    for _ in 0..2_000 {
        let axis = random.axis(4.0);
        let (a, b) = (a.gap(axis), b.gap(axis));
        assert!(
            (a.distance_m - b.distance_m).abs() < 1e-9,
            "{axis:?} {a:?} {b:?}"
        );
    }
}

/// Every point is on the inner side of every plane, and faces, edges and corners obey Euler.
#[test]
fn hulls_hold_their_points() {
    let mut random = Seeded(SEED + 5);
    for _ in 0..300 {
        let count = 4 + random.next() as usize % 60;
        let points: Vec<_> = (0..count)
            .map(|_| [(); 3].map(|()| (random.next() % 12) as i32 * 65_536))
            .collect();
        let Some(corners) = extreme_points(&points) else {
            continue;
        };
        let hull = hull::Hull::new(&corners).unwrap();
        assert_eq!(
            corners.len() + hull.planes().len(),
            hull.edges().count() + 2
        );
        for p in &points {
            let p = metres(p.map(f64::from));
            for plane in hull.planes() {
                assert!(plane.normal.dot(p) - plane.offset < 1e-9);
            }
        }
    }
}

#[test]
fn nonsense_is_refused() {
    let nan = f64::NAN;
    let id = DQuat::IDENTITY;
    let v = DVec3::new;
    let cases = [
        (Shape::cuboid(v(1.0, nan, 1.0), id), ShapeError::NotFinite),
        (Shape::cuboid(v(1.0, 0.0, 1.0), id), ShapeError::Degenerate),
        (Shape::cuboid(v(1.0, -1.0, 1.0), id), ShapeError::Degenerate),
        (
            Shape::cuboid(v(500.0, 500.0, 1.0), id),
            ShapeError::TooLarge,
        ),
        (
            Shape::cuboid(DVec3::ONE, DQuat::from_xyzw(0.0, 0.0, 0.0, 0.0)),
            ShapeError::Degenerate,
        ),
        (
            Shape::cuboid(DVec3::ONE, DQuat::from_xyzw(0.0, 0.0, nan, 1.0)),
            ShapeError::NotFinite,
        ),
        (Shape::capsule(DVec3::Z, 0.0), ShapeError::Degenerate),
        (Shape::capsule(DVec3::Z, -1.0), ShapeError::Degenerate),
        (
            Shape::capsule(DVec3::Z, f64::INFINITY),
            ShapeError::NotFinite,
        ),
        (
            Shape::capsule(v(0.0, 0.0, 511.0), 2.0),
            ShapeError::TooLarge,
        ),
        (Shape::hull(&[]), ShapeError::Degenerate),
        (Shape::hull(&[DVec3::ONE; 9]), ShapeError::Degenerate),
        (
            Shape::hull(&[DVec3::ZERO, DVec3::X, DVec3::Y, v(3.0, 2.0, 0.0)]),
            ShapeError::Degenerate,
        ),
        (
            Shape::hull(&[DVec3::ZERO, DVec3::X, DVec3::Y, v(nan, 2.0, 0.0)]),
            ShapeError::NotFinite,
        ),
        (
            Shape::hull(&[DVec3::ZERO, DVec3::X, DVec3::Y, v(0.0, 0.0, 600.0)]),
            ShapeError::TooLarge,
        ),
        (
            Shape::hull(&[DVec3::ZERO; 1_025]),
            ShapeError::TooManyPoints(1_025),
        ),
    ];
    for (n, (got, want)) in cases.into_iter().enumerate() {
        assert_eq!(got, Err(want), "case {n}");
    }
    let mut random = Seeded(SEED + 6);
    let ball: Vec<_> = (0..300).map(|_| random.direction()).collect();
    assert_eq!(Shape::hull(&ball), Err(ShapeError::TooManyVertices(300)));
    assert!(Shape::hull(&ball[..64]).is_ok());
}

#[test]
fn bytes_come_back_and_hostile_ones_are_refused() {
    let mut random = Seeded(SEED + 7);
    for n in 0..500 {
        let [x, y, z] = [(); 3].map(|()| random.next() as i32);
        let position = Position {
            frame: FrameId(random.next()),
            x,
            y,
            z,
        };
        let obstacle = Obstacle {
            position,
            shape: random.shape(),
        };
        let mut bytes = Vec::new();
        obstacle.encode(&mut bytes);
        bytes.push(77);
        assert_eq!(Obstacle::decode(&bytes), Ok((obstacle, &[77][..])));
        bytes.pop();
        for end in 0..bytes.len() {
            assert!(Obstacle::decode(&bytes[..end]).is_err(), "case {n}: {end}");
        }
        // Whatever is read is a shape: it can be built and asked, and is written as it was read.
        for _ in 0..20 {
            let mut bad = bytes.clone();
            let at = 20 + random.next() as usize % (bad.len() - 20);
            bad[at] = random.next() as u8;
            if let Ok((read, rest)) = Obstacle::decode(&bad) {
                let gap = Solid::new(&read.shape, DVec3::ZERO, DQuat::IDENTITY)
                    .gap(Segment::point(DVec3::ONE));
                assert!(gap.distance_m.is_finite() && gap.normal.is_finite());
                let mut again = Vec::new();
                read.encode(&mut again);
                assert_eq!(again, bad[..bad.len() - rest.len()]);
            }
        }
    }
}

/// Segments without length, on faces, edges, corners and centres: an answer, never NaN, never −0.
#[test]
fn degenerate_places_have_answers() {
    let id = DQuat::IDENTITY;
    let corners: Vec<_> = (0..8)
        .map(|k| DVec3::new(f64::from(k & 1), f64::from(k >> 1 & 1), f64::from(k >> 2)))
        .collect();
    let shapes = [
        Shape::cuboid(DVec3::ONE, id),
        Shape::capsule(DVec3::Z, 0.5),
        Shape::capsule(DVec3::ZERO, 0.5),
        Shape::hull(&corners),
    ];
    for shape in shapes.map(Result::unwrap) {
        let solid = Solid::new(&shape, DVec3::ZERO, id);
        for a in 0..125 {
            for b in 0..125 {
                let at = |k: i32| {
                    DVec3::new(f64::from(k % 5), f64::from(k / 5 % 5), f64::from(k / 25)) * 0.5
                        - DVec3::ONE
                };
                let axis = Segment {
                    start: at(a),
                    end: at(b),
                };
                let gap = solid.gap(axis);
                assert!(
                    (gap.normal.length() - 1.0).abs() < 1e-9,
                    "{shape:?} {axis:?} {gap:?}"
                );
                assert!(gap.distance_m.is_finite());
                let negative_zero = |v: f64| v == 0.0 && v.is_sign_negative();
                assert!(
                    !gap.normal
                        .to_array()
                        .into_iter()
                        .chain([gap.distance_m])
                        .any(negative_zero)
                );
                for touch in [
                    solid.sweep(axis, 0.25, at(b), 1e-4),
                    solid.ray(at(a), at(b)),
                ]
                .into_iter()
                .flatten()
                {
                    assert!((0.0..=1.0).contains(&touch.time) && touch.normal.is_finite());
                }
            }
        }
    }
}
