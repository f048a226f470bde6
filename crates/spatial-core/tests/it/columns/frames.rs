//! Frame changes against geometry.

use glam::DQuat;
use spatial_core::{
    Component, DVec3, EntityId, Frame, FrameChange, FrameChangeError, FrameId, Geodetic, Kind,
    LaneType, Planet, Position, Table,
};

use super::saved;

#[derive(Clone, Copy, PartialEq, Debug, Default, Component)]
#[component(name = "place", kind = point, version = 1)]
struct Place {
    frame: FrameId,
    x: i32,
    y: i32,
    z: i32,
}

#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "target", kind = point, version = 1)]
struct Target {
    x: f64,
    y: f64,
    z: f64,
}

#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "velocity", kind = vector, version = 1)]
struct Velocity {
    east: f32,
    north: f32,
    up: f32,
}

#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "wish", kind = vector, version = 1)]
struct Wish {
    east: i16,
    north: i16,
}

#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "pose", kind = rotation, version = 1)]
struct Pose {
    x: f64,
    y: f64,
    z: f64,
    w: f64,
}

#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "small pose", kind = rotation, version = 1)]
struct SmallPose {
    x: i16,
    y: i16,
    z: i16,
    w: i16,
}

#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "nose", kind = angle, version = 1)]
struct Nose {
    turn: u16,
}

#[derive(Clone, Copy, PartialEq, Debug, Component)]
#[component(name = "mass", kind = scalar, version = 1)]
struct Mass {
    kg: f32,
    tons: f32,
}

fn change(from: &Frame, to: &Frame) -> FrameChange {
    FrameChange::new(from.axes(), to.axes())
}

/// Frames beside each other: at poles, the antimeridian, cube edges and corners, and elsewhere.
fn neighbours() -> Vec<(Frame, Frame)> {
    let places = [
        (90.0, 0.0),
        (-89.99, 120.0),
        (0.01, 179.99),
        (-17.0, -180.0),
        (0.0, 45.0),
        (45.0, 0.0),
        (35.26, 45.0),
        (-35.264, -135.0),
        (51.5, -0.1),
        (-33.9, 18.4),
    ];
    let frame = |lat: f64, lon: f64| {
        let geodetic = Geodetic::from_degrees(lat, lon, 0.0).unwrap();
        Frame::at(Planet::EARTH, Planet::EARTH.ecef(geodetic))
    };
    let beside = |(lat, lon): (f64, f64)| {
        let lat_beside = lat - 0.05 * lat.signum();
        (frame(lat, lon), frame(lat_beside, lon + 0.03))
    };
    places.into_iter().map(beside).collect()
}

fn crowd(from: &Frame) -> Table {
    let mut table = Table::new();
    table.register::<Place>().unwrap();
    table.register::<Target>().unwrap();
    table.register::<Velocity>().unwrap();
    table.register::<Wish>().unwrap();
    table.register::<Pose>().unwrap();
    table.register::<SmallPose>().unwrap();
    table.register::<Nose>().unwrap();
    table.register::<Mass>().unwrap();
    for n in 0..50 {
        table.spawn(EntityId(n + 1)).unwrap();
        let (row, k) = (n as usize, n as i32 - 25);
        let (x, y, z) = (k * 5_000_001, -k * 3_333_333, k * 77_777);
        let frame = from.id();
        table.set(row, Place { frame, x, y, z });
        let k = f64::from(k);
        table.set(
            row,
            Target {
                x: 100.5 * k,
                y: 7.0,
                z: -k,
            },
        );
        let (east, north, up) = (k as f32, 3.5, -0.25 * k as f32);
        table.set(row, Velocity { east, north, up });
        table.set(
            row,
            Wish {
                east: 300 - n as i16,
                north: 40 * n as i16,
            },
        );
        let [x, y, z, w] = pose(k).to_array();
        table.set(row, Pose { x, y, z, w });
        let [x, y, z, w] = pose(k).to_array().map(|e| (e * 32_767.0).round() as i16);
        table.set(row, SmallPose { x, y, z, w });
        table.set(
            row,
            Nose {
                turn: (n * 1_311) as u16,
            },
        );
        table.set(row, Mass { kg: 1.0, tons: 2.0 });
    }
    table
}

fn pose(k: f64) -> DQuat {
    DQuat::from_xyzw(0.1 * k, 0.3, -0.2, 1.0 + k * k).normalize()
}

/// Every kind against its meaning on the planet.
#[test]
fn everything_is_where_it_was() {
    for (from, to) in neighbours() {
        assert_ne!(from.id(), to.id());
        let before = crowd(&from);
        let mut table = before.clone();
        let rows: Vec<u32> = (0..50).filter(|row| row % 3 != 0).collect();
        table.change_frame(&change(&from, &to), &rows).unwrap();
        table.assert_well_formed();
        for row in 0..50 {
            if row % 3 == 0 {
                assert_eq!(table.hash_row(row), before.hash_row(row));
            } else {
                check_row(&before, &table, row, &from, &to);
            }
        }
    }
}

fn check_row(before: &Table, after: &Table, row: usize, from: &Frame, to: &Frame) {
    let position = |p: Place| Position {
        frame: p.frame,
        x: p.x,
        y: p.y,
        z: p.z,
    };
    let (was, is) = (before.get::<Place>(row), after.get::<Place>(row));
    assert_eq!(is.frame, to.id());
    let want = to.to_position(from.to_ecef(position(was))).unwrap();
    for (found, want) in [(is.x, want.x), (is.y, want.y), (is.z, want.z)] {
        assert!((found - want).abs() <= 1, "{is:?} {want:?}"); // a tie of roundings
    }

    let planet = |v: DVec3, frame: &Frame| frame.rotate_out(v);
    let velocity = |v: Velocity| DVec3::new(v.east.into(), v.north.into(), v.up.into());
    let (was, is) = (before.get::<Velocity>(row), after.get::<Velocity>(row));
    let off = planet(velocity(was), from) - planet(velocity(is), to);
    assert!(off.length() < 1e-5, "{off}");

    let wish = |w: Wish| DVec3::new(w.east.into(), w.north.into(), 0.0);
    let (was, is) = (wish(before.get::<Wish>(row)), wish(after.get::<Wish>(row)));
    assert!((was.length() - is.length()).abs() < 1.0, "{was} {is}");
    let off = to.rotate_in(planet(was, from)) - is;
    assert!(off.truncate().length() < 1.5, "{off}");

    let quaternion = |q: Pose| DQuat::from_xyzw(q.x, q.y, q.z, q.w);
    let (was, is) = (
        quaternion(before.get::<Pose>(row)),
        quaternion(after.get::<Pose>(row)),
    );
    for arm in [DVec3::X, DVec3::new(0.1, -0.7, 0.4)] {
        let off = planet(was * arm, from) - planet(is * arm, to);
        assert!(off.length() < 1e-12, "{off}");
    }
    let small = after.get::<SmallPose>(row);
    let small = [small.x, small.y, small.z, small.w].map(|e| f64::from(e) / 32_767.0);
    let off = is - DQuat::from_array(small);
    assert!(off.length() < 1e-4, "{off}"); // rounded before and after

    // A level arrow along the heading points the same way, but for the tilt of the frames.
    let arrow = |nose: Nose| {
        let radians = f64::from(nose.turn) / 65_536.0 * core::f64::consts::TAU;
        DVec3::new(libm::sin(radians), libm::cos(radians), 0.0)
    };
    let (was, is) = (before.get::<Nose>(row), after.get::<Nose>(row));
    let off = to.rotate_in(planet(arrow(was), from)).with_z(0.0) - arrow(is);
    assert!(off.length() < 3e-3, "{off}");

    let target = |t: Target| DVec3::new(t.x, t.y, t.z);
    let (was, is) = (
        target(before.get::<Target>(row)),
        target(after.get::<Target>(row)),
    );
    let origins = from.axes().origin().to_vec() - to.axes().origin().to_vec();
    let want = to.rotate_in(planet(was, from) + origins);
    assert!((is - want).length() < 1e-9);
    assert_eq!(after.get::<Mass>(row), before.get::<Mass>(row));
}

#[test]
fn turned_rows_have_changed() {
    let (from, to) = neighbours()[8];
    let mut table = crowd(&from);
    let consumers = ["place", "nose", "mass"].map(|name| {
        let column = table.column_named(name).unwrap();
        let consumer = table.add_consumer(column).unwrap();
        table.drain_changes(consumer, |_| ()).unwrap();
        consumer
    });
    table.change_frame(&change(&from, &to), &[7, 3]).unwrap();
    let seen = consumers.map(|consumer| {
        let mut rows = Vec::new();
        table.drain_changes(consumer, |row| rows.push(row)).unwrap();
        rows
    });
    assert_eq!(seen, [vec![3, 7], vec![3, 7], vec![]]);
}

#[test]
fn a_batch_turns_whole_or_not() {
    let (from, to) = neighbours()[8];
    let mut table = crowd(&from);
    let far = Place {
        frame: from.id(),
        x: i32::MIN, // the next frame is south-east
        y: i32::MAX,
        z: 0,
    };
    table.set(20, far);
    let elsewhere = Place {
        frame: to.id(),
        ..Place::default()
    };
    table.set(30, elsewhere);
    let before = saved(&table);
    let away = change(&from, &to);
    let range = |row| FrameChangeError::Range {
        index: 2,
        row,
        column: "place".to_owned(),
    };
    for (rows, error) in [
        (vec![1, 2, 20, 3], range(20)),
        (vec![1, 2, 30, 3], range(30)),
        (
            vec![1, 2, 50],
            FrameChangeError::Beyond { index: 2, row: 50 },
        ),
        (vec![1, 2, 1], FrameChangeError::Twice { index: 2, row: 1 }),
    ] {
        assert_eq!(table.change_frame(&away, &rows), Err(error));
        table.assert_well_formed();
        assert_eq!(saved(&table), before);
    }
    table.change_frame(&away, &[1, 2, 3]).unwrap();
}

/// The first of the batch, not of the first column.
#[test]
fn the_first_row_that_cannot_turn_is_named_whatever_its_column() {
    let (from, to) = neighbours()[8];
    let mut table = crowd(&from);
    let place = |frame: &Frame, x, y| Place {
        frame: frame.id(),
        x,
        y,
        z: 0,
    };
    table.set(20, place(&from, i32::MIN, i32::MAX));
    table.set(30, place(&to, 0, 0));
    let (east, north) = (i16::MAX, i16::MAX); // turned, one grows
    table.set(40, Wish { east, north });
    let before = saved(&table);
    for (rows, row, column) in [
        ([1, 40, 20, 30], 40, "wish"),
        ([1, 20, 40, 30], 20, "place"),
        ([1, 20, 30, 40], 20, "place"),
        ([1, 30, 20, 40], 30, "place"),
    ] {
        let error = FrameChangeError::Range {
            index: 1,
            row,
            column: column.to_owned(),
        };
        assert_eq!(table.change_frame(&change(&from, &to), &rows), Err(error));
        assert_eq!(saved(&table), before);
    }
}

/// √2 of the greatest float is none.
#[test]
fn a_vector_does_not_turn_into_infinity() {
    let [from, to] = [0.0, 45.0].map(|lon| {
        let place = Geodetic::from_degrees(0.0, lon, 0.0).unwrap();
        Frame::at(Planet::EARTH, Planet::EARTH.ecef(place))
    });
    let mut table = Table::new();
    table.register::<Velocity>().unwrap();
    table.spawn(EntityId(1)).unwrap();
    let velocity = Velocity {
        east: f32::MAX,
        north: 0.0,
        up: f32::MAX,
    };
    table.set(0, velocity);
    let turned = table.change_frame(&change(&from, &to), &[0]);
    let (index, row, column) = (0, 0, "velocity".to_owned());
    assert_eq!(turned, Err(FrameChangeError::Range { index, row, column }));
    assert_eq!(table.get::<Velocity>(0), velocity);
}

/// A column that nobody has registered may have any lanes; it is not guessed what they mean.
#[test]
fn lanes_of_no_kind_do_not_turn() {
    let (from, to) = neighbours()[8];
    let mut bytes = saved(&crowd(&from));
    let name = bytes.windows(4).position(|w| w == b"mass").unwrap();
    bytes[name + 4] = Kind::Angle as u8;
    let mut table = Table::load(&bytes).unwrap();
    assert_eq!(table.columns()[7].lanes()[0].lane_type(), LaneType::F32);
    let error = FrameChangeError::Layout("mass".to_owned());
    assert_eq!(table.change_frame(&change(&from, &to), &[1]), Err(error));
    assert_eq!(saved(&table), bytes);
}
