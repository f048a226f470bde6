//! Who has changed since somebody looked.

use spatial_core::{Consumer, ConsumersFull, EntityId, Table, UnknownConsumer};

use super::{Body, Motion, body, filled, motion};
use crate::allocations;

fn changes(table: &mut Table, consumer: Consumer) -> Vec<usize> {
    let mut rows = Vec::new();
    table.drain_changes(consumer, |row| rows.push(row)).unwrap();
    rows
}

fn watched(count: u64) -> (Table, Consumer, Consumer) {
    let mut table = filled(1..=count);
    let [body, motion] = ["body", "motion"].map(|name| table.column_named(name).unwrap());
    let (a, b) = (table.add_consumer(body), table.add_consumer(motion));
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_eq!(changes(&mut table, a).len(), count as usize); // it had seen nothing
    assert_eq!(changes(&mut table, b).len(), count as usize);
    (table, a, b)
}

#[test]
fn every_way_to_write_marks_what_it_says() {
    let (mut table, bodies, motions) = watched(10_000);
    table.set(4_500, body(1));
    table.write_rows::<Body>([17, 9_999, 17], |row, lanes| lanes.x[row] += 1);
    table.lanes_mut_in::<Body>(63..66).x.fill(7);
    assert_eq!(changes(&mut table, bodies), [17, 63, 64, 65, 4_500, 9_999]);
    assert_eq!(table.get::<Body>(17).x, 20); // it was 18
    assert_eq!(table.get::<Body>(65).x, 7);
    assert!(changes(&mut table, bodies).is_empty());
    assert!(changes(&mut table, motions).is_empty());

    table.lanes_mut::<Body>();
    table.split_mut::<(&Body, &mut Motion)>();
    assert_eq!(changes(&mut table, bodies).len(), 10_000);
    assert_eq!(changes(&mut table, motions).len(), 10_000);
    table.split_mut::<(&Body, &Motion)>();
    assert!(changes(&mut table, bodies).is_empty());

    let column = table.column_named("body").unwrap();
    let (lanes, mut marks) = table.column_lanes_and_marks(column);
    lanes[1].values_mut::<i32>()[5_000] = 3;
    marks.row(5_000);
    marks.rows(8_190..8_194);
    assert_eq!(
        changes(&mut table, bodies),
        [5_000, 8_190, 8_191, 8_192, 8_193]
    );
    table.column_lanes_mut(column);
    assert_eq!(changes(&mut table, bodies).len(), 10_000);
}

/// Each sees every change once, whenever it looks.
#[test]
fn consumers_do_not_hide_changes_from_each_other() {
    let (mut table, first, _) = watched(100);
    let column = table.column_named("body").unwrap();
    let second = table.add_consumer(column).unwrap();
    assert_eq!(changes(&mut table, second).len(), 100);
    table.set(5, body(1));
    assert_eq!(changes(&mut table, first), [5]);
    table.set(7, body(1));
    assert_eq!(changes(&mut table, first), [7]);
    table.set(5, body(2));
    assert_eq!(changes(&mut table, second), [5, 7]);
    assert_eq!(changes(&mut table, first), [5]);
}

#[test]
fn changes_move_with_their_rows() {
    let (mut table, bodies, motions) = watched(5_000);
    table.set(4_998, body(1));
    table.set(10, motion(1));
    table.despawn(EntityId(5_000)).unwrap(); // the last row
    table.despawn(EntityId(3)).unwrap(); // row 2; row 4,998 moves there
    table.spawn(EntityId(9_000)).unwrap();
    assert_eq!(changes(&mut table, bodies), [2, 4_998]);
    assert_eq!(changes(&mut table, motions), [10, 4_998]);

    table.set(4_000, body(1));
    let order: Vec<u32> = (0..table.len() as u32).rev().collect();
    table.reorder(&order).unwrap();
    assert_eq!(changes(&mut table, bodies), [998]);
    table.assert_well_formed();
}

#[test]
fn consumers_come_and_go() {
    let (mut table, bodies, motions) = watched(3);
    let column = table.column_named("body").unwrap();
    for _ in 1..16 {
        table.add_consumer(column).unwrap();
    }
    assert_eq!(table.add_consumer(column), Err(ConsumersFull));
    table.remove_consumer(bodies).unwrap();
    assert_eq!(table.remove_consumer(bodies), Err(UnknownConsumer));
    assert_eq!(table.drain_changes(bodies, |_| ()), Err(UnknownConsumer));
    table.add_consumer(column).unwrap();
    table.remove_consumer(motions).unwrap();
    table.assert_well_formed();
}

#[test]
fn a_steady_tick_allocates_nothing() {
    let (mut table, bodies, motions) = watched(10_000);
    let tag = table.register_tag("fast").unwrap();
    table
        .reorder(&(0..10_000).rev().collect::<Vec<_>>())
        .unwrap();
    let away: Vec<EntityId> = (500..700).map(EntityId).collect();
    let order: Vec<u32> = (0..10_000).collect();
    let mut tick = |n: usize| {
        table.blocks::<(&Body, &mut Motion)>(|_, (body, motion)| {
            for (speed, x) in motion.speed.iter_mut().zip(body.x) {
                *speed += *x as f32;
            }
        });
        let rows = (0..100).map(|k| (k * 97 + n) % 10_000);
        table.write_rows::<Body>(rows, |row, body| body.y[row] += 1);
        let mut seen = 0;
        table.drain_changes(bodies, |row| seen += row).unwrap();
        table.drain_changes(motions, |row| seen += row).unwrap();
        table.set_tag(tag, n);
        seen += table.tagged(tag).sum::<usize>();
        table.despawn_batch(&away).unwrap();
        table.spawn_batch(&away).unwrap();
        table.reorder(&order).unwrap();
        seen
    };
    tick(0);
    let (count, seen) = allocations::count(|| (1..50).map(tick).sum::<usize>());
    assert_eq!(count, 0);
    assert_ne!(seen, 0);
}
