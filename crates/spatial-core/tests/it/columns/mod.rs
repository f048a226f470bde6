//! Columns.

mod batches;
mod changes;
mod frames;
mod migrations;
mod model;
mod passes;
mod saves;
mod schemas;

use spatial_core::{
    Component, EntityId, FrameId, Handle, Kind, LaneType, RegisterError, SpawnError, StaleHandle,
    Table, UnknownEntity,
};

#[derive(Clone, Copy, PartialEq, Debug, Default, Component)]
#[component(name = "body", kind = point, version = 3)]
pub(crate) struct Body {
    frame: FrameId,
    x: i32,
    y: i32,
    z: i32,
}

#[derive(Clone, Copy, PartialEq, Debug, Default, Component)]
#[component(name = "motion", kind = scalar, version = 1)]
pub(crate) struct Motion {
    speed: f32,
    energy: f64,
    gait: i8,
}

/// The name of `Body` with something else behind it.
#[derive(Clone, Copy, Component)]
#[component(name = "body", kind = raw, version = 3)]
struct Impostor {
    x: i32,
}

/// A later `Body`.
#[derive(Clone, Copy, Component)]
#[component(name = "body", kind = point, version = 4)]
struct LaterBody {
    x: f64,
    y: f64,
    z: f64,
}

fn table() -> Table {
    let mut table = Table::new();
    table.register::<Body>().unwrap();
    table.register::<Motion>().unwrap();
    table
}

fn body(n: i32) -> Body {
    Body {
        frame: FrameId((n as u64).wrapping_mul(77)),
        x: n,
        y: -n,
        z: n * 1_000,
    }
}

fn motion(n: i32) -> Motion {
    Motion {
        speed: n as f32 * 0.5,
        energy: f64::from(n) * 1e9,
        gait: n as i8,
    }
}

fn filled(ids: impl IntoIterator<Item = u64>) -> Table {
    let mut table = table();
    for id in ids {
        let handle = table.spawn(EntityId(id)).unwrap();
        let row = table.row_of(handle).unwrap();
        table.set(row, body(id as i32));
        table.set(row, motion(id as i32 + 5));
    }
    table
}

fn saved(table: &Table) -> Vec<u8> {
    let mut bytes = Vec::new();
    table.save(&mut bytes);
    bytes
}

#[test]
fn the_derive_declares_lanes_in_field_order() {
    assert_eq!(
        (Body::NAME, Body::KIND, Body::VERSION),
        ("body", Kind::Point, 3)
    );
    let lanes: Vec<_> = Body::LANES.iter().map(|l| (l.name, l.lane_type)).collect();
    let want = [
        ("frame", LaneType::U64),
        ("x", LaneType::I32),
        ("y", LaneType::I32),
        ("z", LaneType::I32),
    ];
    assert_eq!(lanes, want);
}

#[test]
fn lanes_are_slices_aligned_to_a_cache_line() {
    let mut table = filled(1..=100);
    let body = table.lanes::<Body>();
    assert_eq!((body.x[6], body.y[6], body.frame[6]), (7, -7, FrameId(539)));
    assert_eq!(body.y.len(), 100);
    assert_eq!(body.z.as_ptr() as usize % 64, 0);

    let (ids, (motion, body)) = table.split_mut::<(&Motion, &mut Body)>();
    assert_eq!(ids.len(), motion.gait.len());
    for (x, speed) in body.x.iter_mut().zip(motion.speed.iter()) {
        *x += *speed as i32;
    }
    assert_eq!(table.get::<Body>(9).x, 10 + 7);
}

#[test]
#[should_panic(expected = "component motion is not registered")]
fn an_unregistered_component_panics() {
    let mut table = Table::new();
    table.register::<Body>().unwrap();
    table.lanes::<Motion>();
}

#[test]
#[should_panic(expected = "named once")]
fn a_component_twice_in_a_set_panics() {
    filled([1]).split_mut::<(&Body, &mut Body)>();
}

#[test]
fn strangers_are_refused() {
    let mut table = filled([4, 9]);
    let stale = table.handle_of(EntityId(4)).unwrap();
    assert_eq!(
        table.spawn(EntityId(9)),
        Err(SpawnError::Present(EntityId(9)))
    );
    assert_eq!(table.spawn(EntityId(0)), Err(SpawnError::Zero));
    assert_eq!(table.despawn(EntityId(5)), Err(UnknownEntity(EntityId(5))));
    table.despawn(EntityId(4)).unwrap();
    table.spawn(EntityId(4)).unwrap(); // in the same slot
    assert_eq!(table.row_of(stale), Err(StaleHandle));
    let wild = Handle {
        slot: 99,
        generation: 0,
    };
    assert_eq!(table.row_of(wild), Err(StaleHandle));
    assert_eq!(
        table.register::<Body>(),
        Ok(table.column_named("body").unwrap())
    );
    assert_eq!(
        table.register::<Impostor>(),
        Err(RegisterError::Taken("body".to_owned()))
    );
    table.assert_well_formed();
}

#[test]
fn a_late_component_starts_at_zero() {
    let mut table = Table::new();
    table.spawn(EntityId(3)).unwrap();
    table.register::<Motion>().unwrap();
    assert_eq!(table.get::<Motion>(0), Motion::default());
    table.assert_well_formed();
}

#[test]
fn unknown_columns_survive_and_are_claimed_by_their_component_only() {
    let bytes = saved(&filled(10..20));
    let mut table = Table::load(&bytes).unwrap();
    assert_eq!(saved(&table), bytes);
    assert_eq!(
        table.register::<Impostor>(),
        Err(RegisterError::Layout("body".to_owned()))
    );
    let version = RegisterError::Version {
        name: "body".to_owned(),
        found: 3,
        want: 4,
    };
    assert_eq!(table.register::<LaterBody>(), Err(version));
    table.register::<Body>().unwrap();
    table.despawn(EntityId(10)).unwrap(); // moves a row of "motion", which nobody registered
    table.spawn(EntityId(99)).unwrap();
    table.register::<Motion>().unwrap();
    assert_eq!(table.get::<Motion>(0), motion(24));
    assert_eq!(table.get::<Motion>(9), Motion::default());
    assert_eq!(table.get::<Body>(0), body(19));
}

#[test]
fn rows_are_hashed_together_as_one_by_one() {
    let mut table = filled(1..=77);
    let tag = table.register_tag("third").unwrap();
    (0..77).step_by(3).for_each(|row| table.set_tag(tag, row));
    let one_by_one = |rows: core::ops::Range<usize>| {
        rows.fold(0u64, |sum, row| sum.wrapping_add(table.hash_row(row)))
    };
    for first in [0, 1, 31, 32, 50, 77] {
        for end in first..=77 {
            assert_eq!(table.hash_rows_of(first..end), one_by_one(first..end));
        }
    }
    assert_eq!(table.hash_rows(), one_by_one(0..77));
}

#[test]
fn hash_ignores_row_order_and_nothing_else() {
    let table = filled([5, 6, 7]);
    let hash = table.hash_rows();
    assert_eq!(hash, filled([7, 5, 6]).hash_rows());
    assert_eq!(hash, Table::load(&saved(&table)).unwrap().hash_rows());
    assert_ne!(hash, filled([5, 6]).hash_rows());

    let mut swapped = filled([5, 6, 7]); // the same values, by other entities
    swapped.set(0, body(6));
    swapped.set(1, body(5));
    assert_ne!(hash, swapped.hash_rows());

    let mut other_field = filled([5, 6, 7]);
    other_field.set(
        1,
        Body {
            x: body(6).y,
            y: body(6).x,
            ..body(6)
        },
    );
    assert_ne!(hash, other_field.hash_rows());
}
