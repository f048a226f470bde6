//! Columns against a model, through random lives.

use std::collections::BTreeMap;

use proptest::prelude::*;
use spatial_core::{
    Component, EntityId, FrameId, Handle, Kind, LaneType, LoadError, RegisterError, SpawnError,
    StaleHandle, Table, UnknownEntity,
};

#[derive(Clone, Copy, PartialEq, Debug, Default, Component)]
#[component(name = "body", kind = point, version = 3)]
pub(crate) struct Body {
    frame: FrameId,
    x: i32,
    y: i32,
    z: i32,
    heading: u16,
}

#[derive(Clone, Copy, PartialEq, Debug, Default, Component)]
#[component(name = "motion", kind = vector, version = 1)]
pub(crate) struct Motion {
    speed: f32,
    energy: f64,
    gait: i8,
}

/// The name of `Body` with something else behind it.
#[derive(Clone, Copy, Component)]
#[component(name = "body", kind = vector, version = 3)]
struct Impostor {
    x: i32,
}

/// A later `Body`.
#[derive(Clone, Copy, Component)]
#[component(name = "body", kind = point, version = 4)]
struct LaterBody {
    x: i32,
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
        heading: n as u16,
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
        ("heading", LaneType::U16),
    ];
    assert_eq!(lanes, want);
}

#[test]
fn lanes_are_slices_aligned_to_a_cache_line() {
    let mut table = filled(1..=100);
    let body = table.lanes::<Body>();
    assert_eq!((body.x[6], body.y[6], body.frame[6]), (7, -7, FrameId(539)));
    assert_eq!(body.heading.len(), 100);
    assert_eq!(body.z.as_ptr() as usize % 64, 0);

    let (ids, (motion, body)) = table.split_mut::<(Motion, Body)>();
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
    filled([1]).split_mut::<(Body, Body)>();
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
    assert_eq!(table.register::<Body>(), Ok(()));
    assert_eq!(
        table.register::<Impostor>(),
        Err(RegisterError::Taken("body"))
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
        Err(RegisterError::Layout("body"))
    );
    let version = RegisterError::Version {
        name: "body",
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

#[test]
fn every_truncation_and_extension_is_refused() {
    let mut table = filled(1..=9);
    table.despawn(EntityId(2)).unwrap();
    let bytes = saved(&table);
    for end in 0..bytes.len() {
        assert!(Table::load(&bytes[..end]).is_err(), "{end}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(Table::load(&longer).err(), Some(LoadError::Trailing(1)));
    let mut later = bytes.clone();
    later[7] = 2;
    assert_eq!(Table::load(&later).err(), Some(LoadError::Format(2)));
    let mut twin = bytes.clone();
    twin.copy_within(24..32, 32); // the first id again
    assert_eq!(Table::load(&twin).err(), Some(LoadError::Ids));
}

/// A damaged table is refused or well formed, never a panic.
#[test]
fn flipped_bits_never_panic() {
    let bytes = saved(&filled(1..=3));
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        if let Ok(table) = Table::load(&damaged) {
            table.assert_well_formed();
            assert_eq!(saved(&table), damaged);
        }
    }
}

/// An empty table's bytes with this many columns of one lane.
fn many_columns(count: u32) -> Vec<u8> {
    let mut bytes = b"BMTABLE\x01".to_vec();
    for n in [0, 0, 0, count] {
        bytes.extend(n.to_le_bytes());
    }
    for n in 0..count {
        let name = format!("c{n}");
        bytes.push(name.len() as u8);
        bytes.extend(name.bytes());
        bytes.extend([5, 1, 0, 1]); // scalar, version 1, one lane
        bytes.extend(*b"\x01x\x03"); // x, i32
    }
    bytes
}

/// Columns are compared with each other by name, so their number is bounded before that is done.
#[test]
fn a_table_has_at_most_256_columns() {
    let mut full = Table::load(&many_columns(256)).unwrap();
    assert_eq!(full.columns().len(), 256);
    assert_eq!(full.register::<Body>(), Err(RegisterError::Full("body")));
    for count in [257, 50_000, u32::MAX] {
        let bytes = many_columns(count.min(50_000));
        let mut bytes = bytes;
        bytes[20..24].copy_from_slice(&count.to_le_bytes());
        assert_eq!(Table::load(&bytes).err(), Some(LoadError::Columns(count)));
    }
}

#[derive(Clone, Debug)]
enum Act {
    Spawn(u64),
    Despawn(u64),
    Set(u64, i32),
    Reload,
    Clear,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        8 => (1..60u64).prop_map(Act::Spawn),
        6 => (1..60u64).prop_map(Act::Despawn),
        8 => (1..60u64, any::<i32>()).prop_map(|(id, n)| Act::Set(id, n % 1_000_000)),
        1 => Just(Act::Reload),
        1 => Just(Act::Clear),
    ];
    prop::collection::vec(act, 1..200)
}

/// What a table must hold: value and handle by id, and all handles that were ever given out.
#[derive(Default)]
struct Model {
    alive: BTreeMap<u64, (i32, Handle)>,
    stale: Vec<Handle>,
}

impl Model {
    fn act(&mut self, act: &Act, table: &mut Table) {
        match *act {
            Act::Spawn(id) => match table.spawn(EntityId(id)) {
                Ok(handle) => assert!(self.alive.insert(id, (0, handle)).is_none()),
                Err(_) => assert!(self.alive.contains_key(&id)),
            },
            Act::Despawn(id) => {
                let gone = self.alive.remove(&id);
                assert_eq!(table.despawn(EntityId(id)).is_ok(), gone.is_some());
                self.stale.extend(gone.map(|(_, handle)| handle));
            }
            Act::Set(id, n) => {
                if let Some(row) = table.row(EntityId(id)) {
                    table.set(row, body(n));
                    self.alive.get_mut(&id).unwrap().0 = n;
                }
            }
            Act::Reload => {
                let bytes = saved(table);
                *table = Table::load(&bytes).unwrap();
                assert_eq!(saved(table), bytes);
                table.register::<Motion>().unwrap();
                table.register::<Body>().unwrap();
            }
            Act::Clear => {
                table.clear();
                let gone = core::mem::take(&mut self.alive);
                self.stale
                    .extend(gone.into_values().map(|(_, handle)| handle));
            }
        }
    }

    fn check(&self, table: &Table) {
        table.assert_well_formed();
        assert_eq!(table.len(), self.alive.len());
        for (id, (n, handle)) in &self.alive {
            let row = table.row_of(*handle).unwrap();
            assert_eq!(table.row(EntityId(*id)), Some(row));
            assert_eq!(table.ids()[row], EntityId(*id));
            assert_eq!(table.get::<Body>(row), body(*n));
        }
        for handle in &self.stale {
            assert_eq!(table.row_of(*handle), Err(StaleHandle));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn a_random_life_matches_the_model(acts in acts()) {
        let (mut table, mut model) = (table(), Model::default());
        for act in &acts {
            model.act(act, &mut table);
            model.check(&table);
        }
    }
}
