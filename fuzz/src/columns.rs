//! Saved tables.

use spatial_core::{Component, EntityId, FrameId, Lane, Migration, MigrationRefused, Table};

/// Acts on a loaded table: what they cost is a pass over all rows each.
const ACTS_MAX: usize = 64;

/// First byte: 0 a saved table, 1 chunks: a saved table, and acts upon it.
pub fn run(data: &[u8]) -> bool {
    match data.split_first() {
        Some((0, bytes)) => load(bytes).is_some(),
        Some((1, bytes)) => {
            let mut chunks = crate::chunks(bytes);
            let table = chunks.next().and_then(load);
            table.is_some_and(|table| live(table, chunks.next().unwrap_or_default()))
        }
        _ => false,
    }
}

/// What was loaded is well formed and saves to the same bytes; from an older format, to bytes that do.
fn load(bytes: &[u8]) -> Option<Table> {
    let table = Table::load(bytes).ok()?;
    table.assert_well_formed();
    let saved = save(&table);
    assert!(saved == bytes || bytes[7] == 1);
    let again = Table::load(&saved).expect("just saved");
    assert_eq!(save(&again), saved);
    assert_eq!(again.hash_rows(), table.hash_rows());
    Some(table)
}

fn save(table: &Table) -> Vec<u8> {
    let mut bytes = Vec::new();
    table.save(&mut bytes);
    bytes
}

/// Rows come, go and change places, with columns that may be anybody's.
fn live(mut table: Table, acts: &[u8]) -> bool {
    let is_ours = register(&mut table);
    for pair in acts.chunks_exact(2).take(ACTS_MAX) {
        act(&mut table, pair[0], pair[1]);
    }
    table.assert_well_formed();
    let again = Table::load(&save(&table)).expect("just saved");
    assert_eq!(again.hash_rows(), table.hash_rows());
    is_ours
}

fn act(table: &mut Table, what: u8, number: u8) {
    let row = usize::from(number) % table.len().max(1);
    let id = EntityId(number.into());
    // Refusals are answers, too.
    match what % 8 {
        0 => drop(table.spawn(id)),
        1 => drop(table.despawn(id)),
        2 => {
            let some: Vec<EntityId> = table.ids().iter().copied().step_by(row + 1).collect();
            table.despawn_batch(&some).expect("all of them are here");
        }
        3 => drop(table.spawn_batch(&[id, EntityId(u64::from(number) << 32)])),
        4 => {
            let order: Vec<u32> = (0..table.len() as u32).rev().collect();
            table.reorder(&order).expect("a permutation");
        }
        5 => drop(table.register_tag(&format!("tag {}", number % 4))),
        6 if !table.is_empty() => {
            if let Ok(tag) = table.register_tag("odd") {
                table.set_tag(tag, row);
            }
        }
        _ => {
            if let Some(column) = table.column_named("body") {
                let consumer = table.add_consumer(column).expect("there are few acts");
                let mut rows = 0;
                let drained = table.drain_changes(consumer, |_| rows += 1);
                drained.expect("it was just added");
                assert_eq!(rows, table.len());
                table.remove_consumer(consumer).expect("it was just added");
            }
        }
    }
}

#[derive(Clone, Copy, Component)]
#[component(name = "body", kind = point, version = 2)]
struct Body {
    frame: FrameId,
    x: i32,
    y: i32,
    z: i32,
}

#[derive(Clone, Copy, Component)]
#[component(name = "name", kind = raw, version = 1)]
struct Name {
    letters: u64,
}

/// A first version had no frame.
const BODY: &[Migration] = &[Migration {
    from: 1,
    to: 2,
    run: |old| {
        let refused = || MigrationRefused("these are no points".to_owned());
        let first = old.first().ok_or_else(refused)?;
        let frames = Lane::zeros("frame", spatial_core::LaneType::U64, first.len());
        Ok([&[frames], old].concat())
    },
}];

fn register(table: &mut Table) -> bool {
    let body = table.register_migrating::<Body>(BODY);
    let name = table.register::<Name>();
    body.is_ok() && name.is_ok()
}

#[derive(Clone, Copy, Component)]
#[component(name = "body", kind = point, version = 1)]
struct FirstBody {
    x: i32,
    y: i32,
    z: i32,
}

/// A few entities who have come and gone.
fn filled<B: Component>(value: impl Fn(i32) -> B) -> Table {
    let mut table = Table::new();
    table.register::<B>().expect("the table has no column");
    table.register::<Name>().expect("it has another name");
    let tag = table.register_tag("odd").expect("the first tag");
    for n in 1..=7 {
        table.spawn(EntityId(n)).expect("ids that differ");
        let row = table.len() - 1;
        table.set(row, value(n as i32));
        table.set(row, Name { letters: n << 8 });
        if n % 2 == 1 {
            table.set_tag(tag, row);
        }
    }
    for n in [3, 7] {
        table.despawn(EntityId(n)).expect("it is here");
    }
    table
}

/// What tables save: with every act that there is, and of an older version.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let now = save(&filled(|n| Body {
        frame: FrameId(9),
        x: n,
        y: -n,
        z: 0,
    }));
    let older = save(&filled(|n| FirstBody { x: n, y: -n, z: 7 }));
    let acts: Vec<u8> = (0..16).flat_map(|n| [n, 3 * n + 1]).collect();
    let lived = |table: &[u8]| crate::chunked([table, &acts]);
    let format_1 = include_bytes!("../../crates/spatial-core/tests/data/table_format1.bin");
    vec![
        ("table", crate::seed(0, &now)),
        ("table_empty", crate::seed(0, &save(&Table::new()))),
        ("table_format_1", crate::seed(0, format_1)),
        ("lived", crate::seed(1, &lived(&now))),
        ("lived_older", crate::seed(1, &lived(&older))),
    ]
}
