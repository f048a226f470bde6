//! Spawning, despawning and reordering many rows at once.

use spatial_core::{
    Component, DespawnBatchError, EntityId, OrderError, SpawnBatchError, SpawnError, StaleHandle,
};

use super::{Body, body, filled, saved, table};
use crate::allocations;

fn ids(numbers: impl IntoIterator<Item = u64>) -> Vec<EntityId> {
    numbers.into_iter().map(EntityId).collect()
}

#[test]
fn a_batch_is_its_single_calls() {
    let mut single = filled([7, 9]);
    single.despawn(EntityId(7)).unwrap();
    let mut batch = single.clone();
    let new = ids((100..200).rev());
    for id in &new {
        single.spawn(*id).unwrap();
    }
    assert_eq!(batch.spawn_batch(&new), Ok(1..101));
    batch.assert_well_formed();
    assert_eq!(saved(&batch), saved(&single));
    assert_eq!(batch.spawn_batch(&[]), Ok(101..101));
    assert_eq!(batch.row_of(batch.handle_at(40)), Ok(40));
}

/// The first offender is named, and the table is as before to the last byte.
#[test]
fn a_batch_is_spawned_whole_or_not() {
    let mut table = filled(1..=500);
    for id in [3, 77, 400] {
        table.despawn(EntityId(id)).unwrap();
    }
    let before = saved(&table);
    let many = || 1_000..3_000;
    for (batch, index, cause) in [
        (ids([0]), 0, SpawnError::Zero),
        (ids(many().chain([0, 5])), 2_000, SpawnError::Zero),
        (
            ids(many().chain([5, 0])),
            2_000,
            SpawnError::Present(EntityId(5)),
        ),
        (ids([3, 77, 3]), 2, SpawnError::Twice(EntityId(3))),
        (
            ids(many().chain([2_999])),
            2_000,
            SpawnError::Twice(EntityId(2_999)),
        ),
    ] {
        let refused = SpawnBatchError { index, cause };
        assert_eq!(table.spawn_batch(&batch), Err(refused));
        table.assert_well_formed();
        assert_eq!(saved(&table), before);
    }
}

#[test]
fn a_batch_is_despawned_whole_or_not() {
    let mut table = filled(1..=3_000);
    let before = saved(&table);
    let id = EntityId(2_999);
    let unknown = DespawnBatchError::Unknown {
        index: 1_000,
        id: EntityId(4_000),
    };
    let twice = DespawnBatchError::Twice { index: 1_000, id };
    for (last, refused) in [(4_000, unknown), (2_999, twice)] {
        let batch = ids((2_000..3_000).chain([last]));
        assert_eq!(table.despawn_batch(&batch), Err(refused));
        table.assert_well_formed();
        assert_eq!(saved(&table), before);
    }
}

#[test]
fn who_remains_moves_into_the_gaps_first_to_first() {
    for order in [[2, 5, 9, 10, 1], [10, 9, 5, 2, 1]] {
        let mut table = filled(1..=10);
        let handles: Vec<_> = (0..10).map(|row| table.handle_at(row)).collect();
        table.despawn_batch(&ids(order)).unwrap();
        table.assert_well_formed();
        assert_eq!(table.ids(), ids([6, 7, 3, 4, 8]));
        for (n, handle) in (1..).zip(handles) {
            match table.row(EntityId(n)) {
                Some(row) => {
                    assert_eq!(table.row_of(handle), Ok(row));
                    assert_eq!(table.get::<Body>(row), body(n as i32));
                }
                None => assert_eq!(table.row_of(handle), Err(StaleHandle)),
            }
        }
    }
}

#[test]
fn everybody_goes_at_once() {
    let mut table = filled(1..=5_000);
    let everybody = table.ids().to_vec();
    table.despawn_batch(&everybody).unwrap();
    table.assert_well_formed();
    assert!(table.is_empty());
    table.spawn_batch(&everybody).unwrap();
    assert_eq!(table.get::<Body>(4_999), Body::default());
    table.clear();
    table.assert_well_formed();
    assert!(table.is_empty());
}

#[test]
fn rows_follow_a_given_order() {
    let mut table = filled(1..=5_000);
    let tag = table.register_tag("odd").unwrap();
    (0..5_000)
        .step_by(2)
        .for_each(|row| table.set_tag(tag, row));
    let hash = table.hash_rows();
    let handle = table.handle_of(EntityId(4_711)).unwrap();
    let order: Vec<u32> = (0..5_000).map(|n| n * 7 % 5_000).collect();
    table.reorder(&order).unwrap();
    table.assert_well_formed();
    assert_eq!(table.hash_rows(), hash);
    for (row, was) in order.iter().enumerate() {
        assert_eq!(table.ids()[row], EntityId(u64::from(*was) + 1));
        assert_eq!(table.get::<Body>(row), body(*was as i32 + 1));
        assert_eq!(table.has_tag(tag, row), was % 2 == 0);
    }
    assert_eq!(
        table.row_of(handle),
        Ok(table.row(EntityId(4_711)).unwrap())
    );
}

#[test]
fn an_order_that_is_none_moves_nobody() {
    let mut table = filled(1..=4);
    let before = saved(&table);
    for (order, error) in [
        (vec![0, 1, 2], OrderError::Length { found: 3, want: 4 }),
        (vec![0, 4, 2, 9], OrderError::Beyond { index: 1, row: 4 }),
        (vec![0, 1, 2, 1], OrderError::Twice { index: 3, row: 1 }),
    ] {
        assert_eq!(table.reorder(&order), Err(error));
        table.assert_well_formed();
        assert_eq!(saved(&table), before);
    }
}

#[test]
fn rows_that_have_room_allocate_nothing() {
    let mut table = table();
    let tag = table.register_tag("asleep").unwrap();
    let column = table.column_named(Body::NAME).unwrap();
    table.add_consumer(column).unwrap();
    table.reserve(10_000);
    let ids: Vec<EntityId> = (1..=10_000).map(EntityId).collect();
    let (allocations, spawned) = allocations::count(|| table.spawn_batch(&ids));
    assert_eq!((allocations, spawned), (0, Ok(0..10_000)));
    assert!(!table.has_tag(tag, 9_999));
    table.assert_well_formed();
}
