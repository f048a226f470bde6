//! Frames on the ground and on carriers: what is exact, and what is refused.

use spatial_core::{
    BatchError, CoordError, DQuat, DVec3, Ecef, EntityId, Frame, FrameChange, FrameError, FrameId,
    Frames, Geodetic, NoCarrierId, Planet, Pose, PoseError, Position,
};

use crate::coords::points;
use crate::world::Random;

const EARTH: Planet = Planet::EARTH;

/// Two frames whose cells touch, and a point of the first one's grid near where they do: anywhere, on a cube edge or at a
/// cube corner, by `kind`.
fn neighbours(random: &mut Random, kind: u64) -> (Frame, Frame, Position) {
    loop {
        let touch = match kind % 3 {
            0 => random.any_direction(),
            1 => DVec3::new(1.0, 1.0, random.between(-1.0, 1.0)),
            _ => DVec3::ONE,
        };
        let height = random.between(-12_000.0, 30_000.0);
        let near = |random: &mut Random, reach_m: f64| {
            let p = touch.normalize() * (EARTH.radius_m() + height);
            let p = p + random.direction() * reach_m;
            Ecef::new(p.x, p.y, p.z).unwrap()
        };
        let (here, there) = (near(random, 30.0), near(random, 3_000.0));
        let (a, b) = (Frame::at(EARTH, here), Frame::at(EARTH, there));
        if a.id() != b.id()
            && let Ok(at) = a.to_position(here)
        {
            return (a, b, at);
        }
    }
}

/// How an entity at rest fares that goes from frame to frame and back: every crossing is half a unit an axis, of one of the two
/// frames, and from the second visit on the integers stay the same.
#[test]
fn an_entity_at_rest_never_drifts_between_two_frames() {
    let (seed, mut random) = (311, Random::new(311));
    let (mut steps, mut moved) = (0, 0);
    while steps < points(1_000_000) {
        let (a, b, start) = neighbours(&mut random, steps / 200);
        let (out, back) = (
            FrameChange::new(a.axes(), b.axes()),
            FrameChange::new(b.axes(), a.axes()),
        );
        let there = out.position(start).unwrap();
        let half = 0.5 + 1e-3; // of a unit, with what f64 rounds at this distance from the centre
        let off = a.to_ecef(start).to_vec() - b.to_ecef(there).to_vec();
        let along = |frame: &Frame| frame.rotate_in(off).abs().max_element() * 65_536.0;
        assert!(
            along(&b) <= half || b.id() < a.id() && along(&a) <= half,
            "seed {seed} step {steps}: {off}"
        );
        let home = back.position(there).unwrap();
        let strayed = [home.x - start.x, home.y - start.y, home.z - start.z].map(i32::abs);
        assert!(
            strayed.iter().all(|units| *units <= 1),
            "seed {seed} step {steps}: {strayed:?}"
        );
        moved += u64::from(home != start);
        let settled = out.position(home).unwrap();
        let mut at = home;
        for _ in 0..100 {
            let there = out.position(at).unwrap();
            at = back.position(there).unwrap();
            assert_eq!((there, at), (settled, home), "seed {seed} step {steps}");
        }
        steps += 200;
    }
    assert!(moved > 0, "the second visit is where the rounding shows");
}

/// One pair of frames each across a frame edge, a cube edge and a cube corner, and a million crossings.
#[test]
fn a_million_crossings_end_where_they_began() {
    let mut random = Random::new(312);
    for kind in 0..3 {
        let (a, b, start) = neighbours(&mut random, kind);
        let (out, back) = (
            FrameChange::new(a.axes(), b.axes()),
            FrameChange::new(b.axes(), a.axes()),
        );
        let mut heading = 12_345;
        let settled = back.position(out.position(start).unwrap()).unwrap();
        let mut at = settled;
        for _ in 0..500_000 {
            at = back.position(out.position(at).unwrap()).unwrap();
            heading = back.heading(out.heading(heading));
        }
        assert_eq!((at, heading), (settled, 12_345), "pair {kind}");
    }
}

/// Neighbours across a cube edge with parallel norths, half a unit and 10⁻⁴ apart along them: going to the nearest point both
/// ways would carry an entity off by a unit a round.
#[test]
fn grids_half_a_unit_and_a_rounding_apart_do_not_drift() {
    let frame = |id| Frame::new(EARTH, FrameId(id)).unwrap();
    let (a, b) = (
        frame(1_537_228_375_024_730_112),
        frame(4_611_686_087_146_864_640),
    );
    let (out, back) = (
        FrameChange::new(a.axes(), b.axes()),
        FrameChange::new(b.axes(), a.axes()),
    );
    let mut drifting = 0;
    for dy in -50..50 {
        let start = Position {
            frame: a.id(),
            x: 165_782_056,
            y: 97_837_652 + dy,
            z: 130_195_121,
        };
        let nearest = |from: &Frame, to: &Frame, at| to.to_position(from.to_ecef(at)).unwrap();
        let round = nearest(&b, &a, nearest(&a, &b, start));
        drifting += u32::from(round.y == start.y - 1);
        let mut at = back.position(out.position(start).unwrap()).unwrap();
        let settled = at;
        for _ in 0..100 {
            at = back.position(out.position(at).unwrap()).unwrap();
        }
        assert_eq!(at, settled, "from {start:?}");
        let mut there = out.position(start).unwrap();
        let settled = out.position(back.position(there).unwrap()).unwrap();
        for _ in 0..100 {
            there = out.position(back.position(there).unwrap()).unwrap();
        }
        assert_eq!(there, settled, "from {start:?}");
    }
    assert!(drifting > 50, "by nearest points only {drifting} drift");
}

/// Frames with parallel axes, half a unit apart: the case that rounding away from zero would carry off.
#[test]
fn frames_half_a_unit_apart_do_not_drift() {
    let pose = |x: f64| Pose::new(Ecef::new(x, 0.0, 0.0).unwrap(), DQuat::IDENTITY).unwrap();
    let mut frames = Frames::new(EARTH);
    frames.set_carrier(EntityId(1), pose(7e6)).unwrap();
    frames
        .set_carrier(EntityId(2), pose(7e6 - 0.5 / 65_536.0))
        .unwrap();
    let [a, b] = [1, 2].map(|n| FrameId::of_carrier(EntityId(n)).unwrap());
    let out = frames.change(EntityId(9), a, b).unwrap();
    let back = frames.change(EntityId(9), b, a).unwrap();
    for x in -20..20 {
        for (out, back, frame) in [(&out, &back, a), (&back, &out, b)] {
            let round = |at| back.position(out.position(at).unwrap()).unwrap();
            let start = Position {
                frame,
                x,
                y: 3,
                z: -3,
            };
            let settled = round(start);
            assert!((settled.x - x).abs() <= 1 && (settled.y, settled.z) == (3, -3));
            assert_eq!((0..1_000).fold(settled, |at, _| round(at)), settled);
        }
    }
}

fn any_rotation(random: &mut Random) -> DQuat {
    let q = [0; 4].map(|_| random.between(-1.0, 1.0));
    let length = q.iter().map(|v| v * v).sum::<f64>().sqrt();
    let [x, y, z, w] = q.map(|v| v / length);
    DQuat::from_xyzw(x, y, z, w)
}

/// On a carrier that flies and tumbles, passengers' integers are the same after any conversion and back.
#[test]
fn passengers_stay_on_their_grid_while_the_carrier_tumbles() {
    let (seed, mut random, ship) = (313, Random::new(313), EntityId(77));
    let mut frames = Frames::new(EARTH);
    for n in 0..points(20_000) {
        let p = random.any_direction() * random.between(6.3e6, 4.3e7);
        let pose = Pose::new(Ecef::new(p.x, p.y, p.z).unwrap(), any_rotation(&mut random)).unwrap();
        frames.set_carrier(ship, pose).unwrap();
        let axes = *frames.carrier(ship).unwrap().axes();
        let [x, y, z] = [0; 3].map(|_| random.next() as i32 >> random.below(20));
        let at = Position {
            frame: axes.id(),
            x,
            y,
            z,
        };
        let place = frames.place(at).unwrap();
        assert_eq!(axes.to_position(place), Ok(at), "seed {seed} step {n}");
        // Against the quaternion's own product, and the distance that a rotation keeps.
        let local = DVec3::new(f64::from(x), f64::from(y), f64::from(z)) / 65_536.0;
        let want = pose.rotation() * local + p;
        assert!(
            (place.to_vec() - want).length() < 3e-8,
            "seed {seed} step {n}"
        );
        let distance = place.to_vec().distance(p);
        assert!(
            (distance - local.length()).abs() < 3e-8,
            "seed {seed} step {n}"
        );
    }
}

#[test]
fn a_level_carrier_sails_by_the_compass() {
    let at = Geodetic::from_degrees(10.0, 20.0, 0.0).unwrap();
    let pose = Pose::level(EARTH, at, 90f64.to_radians()).unwrap();
    let mut frames = Frames::new(EARTH);
    let ship = EntityId(5);
    frames.set_carrier(ship, pose).unwrap();
    // 100 m ahead of a ship that heads east is a place further east, at nearly the same latitude.
    let deck = frames.carrier(ship).unwrap().id();
    let bow = Position {
        frame: deck,
        x: 0,
        y: 100 << 16,
        z: 0,
    };
    let ahead = EARTH.geodetic(frames.place(bow).unwrap());
    let degrees = (100.0 / (EARTH.radius_m() * libm::cos(at.lat_rad()))).to_degrees();
    assert!((ahead.lon_deg() - at.lon_deg() - degrees).abs() < 1e-9);
    assert!((ahead.lat_deg() - at.lat_deg()).abs() < 1e-6);
    // Who looks to the bow looks east.
    let off = frames.leave(bow).unwrap();
    assert!(
        (f64::from(off.heading(0)) - 16_384.0).abs() <= 6.0,
        "{}",
        off.heading(0)
    );
    let east = off.vector(DVec3::Y);
    assert!((east - DVec3::X).length() < 1e-3);
    let turned = off.rotation(DQuat::IDENTITY) * DVec3::Y;
    assert!((turned - east).length() < 1e-15);
    let nothing = off.rotation(DQuat::from_xyzw(0.0, 0.0, 0.0, 0.0));
    assert!((nothing * DVec3::Y - turned).length() < 1e-15);
}

/// Boarding and leaving keep the place, the vectors and the orientation, and headings exactly.
#[test]
fn who_boards_and_leaves_is_where_it_was() {
    let (seed, mut random) = (314, Random::new(314));
    for n in 0..2_000 {
        let here = random.any_direction() * (EARTH.radius_m() + 5.0);
        let place = Ecef::new(here.x, here.y, here.z).unwrap();
        let at = EARTH.position(place).unwrap();
        let (ship, who) = (EntityId(3), EntityId(4));
        let mut frames = Frames::new(EARTH);
        let pose = match n % 2 {
            0 => Pose::new(place, any_rotation(&mut random)).unwrap(),
            _ => Pose::level(EARTH, EARTH.geodetic(place), random.between(-9.0, 9.0)).unwrap(),
        };
        frames.set_carrier(ship, pose).unwrap();
        let board = frames.board(who, at, ship).unwrap();
        let aboard = board.position(at).unwrap();
        let leave = frames.change(who, aboard.frame, at.frame).unwrap();
        let off = frames
            .place(aboard)
            .unwrap()
            .distance_m(frames.place(at).unwrap());
        assert!(off <= 0.87 / 65_536.0 + 1e-8, "seed {seed} step {n}: {off}");
        let heading = random.next() as u16;
        assert_eq!(
            leave.heading(board.heading(heading)),
            heading,
            "seed {seed} step {n}"
        );
        let v = random.direction() * 30.0;
        assert!((leave.vector(board.vector(v)) - v).length() < 1e-13);
        assert!(
            (board.vector(v)
                - frames
                    .axes(aboard.frame)
                    .unwrap()
                    .rotate_in(frames.axes(at.frame).unwrap().rotate_out(v)))
            .length()
                < 1e-13
        );
        let q = any_rotation(&mut random);
        let back = leave.rotation(board.rotation(q));
        assert!((back * v - q * v).length() < 1e-12, "seed {seed} step {n}");
        // A direction that a body sees is the same seen from either frame.
        assert!((board.rotation(q) * v - board.vector(q * v)).length() < 1e-12);
    }
}

#[test]
fn places_of_mixed_frames_are_those_of_singles() {
    let mut random = Random::new(315);
    let mut frames = Frames::new(EARTH);
    for n in [9, 2, 5, 2, 7] {
        let p = random.direction() * 6.4e6;
        let pose = Pose::new(Ecef::new(p.x, p.y, p.z).unwrap(), any_rotation(&mut random)).unwrap();
        frames.set_carrier(EntityId(n), pose).unwrap();
    }
    let ids: Vec<u64> = frames.carriers().iter().map(|c| c.entity().0).collect();
    assert_eq!(ids, [2, 5, 7, 9]);
    let mut positions = Vec::new();
    while positions.len() < 1_000 {
        let frame = match random.below(3) {
            0 => FrameId::of_carrier(EntityId([2, 5, 7, 9][random.below(4) as usize])).unwrap(),
            _ => {
                let p = random.any_direction();
                Frame::at(EARTH, Ecef::new(p.x, p.y, p.z).unwrap()).id()
            }
        };
        for _ in 0..random.below(5) {
            let [x, y, z] = [0; 3].map(|_| random.next() as i32);
            positions.push(Position { frame, x, y, z });
        }
    }
    let nowhere = Ecef::new(0.0, 0.0, 0.0).unwrap();
    let mut places = vec![nowhere; positions.len()];
    frames.places(&positions, &mut places).unwrap();
    for (at, place) in positions.iter().zip(&places) {
        assert_eq!(frames.place(*at), Ok(*place));
    }

    // A carrier that is gone, an id of nothing, a cell of another level: named by index, and nothing written.
    let gone = frames.remove_carrier(EntityId(7)).unwrap();
    assert_eq!(frames.remove_carrier(EntityId(7)), None);
    let first = positions
        .iter()
        .position(|at| at.frame == gone.id())
        .expect("one of 1,000");
    let error = FrameError::NoCarrier(EntityId(7));
    let mut out = vec![nowhere; positions.len()];
    assert_eq!(
        frames.places(&positions, &mut out),
        Err(BatchError {
            index: first,
            error
        })
    );
    for strange in [0, u64::MAX << 61, 1 << 60] {
        positions[0].frame = FrameId(strange);
        let error = FrameError::Coord(CoordError::Frame(strange));
        assert_eq!(
            frames.places(&positions, &mut out),
            Err(BatchError { index: 0, error })
        );
        assert_eq!(frames.place(positions[0]), Err(error));
    }
    assert!(out.iter().all(|place| *place == nowhere));
}

#[test]
fn nonsense_is_refused() {
    let at = |x| Ecef::new(x, 0.0, 0.0).unwrap();
    for bad in [
        [f64::NAN, 0.0, 0.0, 1.0],
        [0.0; 4],
        [0.0, 0.0, 0.0, 1.1],
        [f64::INFINITY; 4],
    ] {
        let pose = Pose::new(at(0.0), DQuat::from_array(bad));
        assert!(matches!(pose, Err(PoseError::NotUnit(_))), "{bad:?}");
    }
    let nearly = Pose::new(at(0.0), DQuat::from_xyzw(0.0, 0.0, 0.0, 1.000_000_4)).unwrap();
    assert_eq!(nearly.rotation(), DQuat::IDENTITY);
    let far = Pose::new(at(Ecef::LIMIT_M), DQuat::IDENTITY);
    assert_eq!(far, Err(PoseError::TooFar([Ecef::LIMIT_M, 0.0, 0.0])));
    let home = Geodetic::from_degrees(0.0, 0.0, 0.0).unwrap();
    assert!(matches!(
        Pose::level(EARTH, home, f64::NAN),
        Err(PoseError::Heading(_))
    ));

    let mut frames = Frames::new(EARTH);
    let pose = Pose::level(EARTH, home, 0.0).unwrap();
    assert_eq!(
        frames.set_carrier(EntityId(0), pose),
        Err(NoCarrierId(EntityId(0)))
    );
    assert_eq!(
        frames.set_carrier(EntityId(1 << 61), pose),
        Err(NoCarrierId(EntityId(1 << 61)))
    );
    assert!(frames.carriers().is_empty());
    frames.set_carrier(EntityId(1), pose).unwrap();
    frames.set_carrier(EntityId(2), pose).unwrap();
    let ground = EARTH.position(pose.at()).unwrap();
    assert_eq!(
        frames.board(EntityId(1), ground, EntityId(2)),
        Err(FrameError::Nested(EntityId(1)))
    );
    assert_eq!(
        frames.board(EntityId(3), ground, EntityId(4)),
        Err(FrameError::NoCarrier(EntityId(4)))
    );
    let board = frames.board(EntityId(3), ground, EntityId(2)).unwrap();
    let aboard = board.position(ground).unwrap();
    assert_eq!(
        board.position(aboard),
        Err(CoordError::Frame(aboard.frame.0))
    );
    let high = Position {
        z: i32::MAX,
        ..aboard
    };
    let moon = Pose::level(EARTH, Geodetic::from_degrees(0.0, 0.0, 3e5).unwrap(), 0.0).unwrap();
    frames.set_carrier(EntityId(2), moon).unwrap();
    assert_eq!(
        frames.leave(high).unwrap().position(high),
        Err(CoordError::OutOfFrame)
    );
}
