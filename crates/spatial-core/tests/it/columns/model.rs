//! A thousand steps of a table's life, against a list of structs.

use proptest::prelude::*;
use spatial_core::{
    BatchError, Component, Consumer, EntityId, Frame, FrameChange, Geodetic, Handle, Planet,
    Position, StaleHandle, Table, TagId,
};

use super::{Body, Motion, body, motion, saved, table};

const TAGS: [&str; 2] = ["asleep", "seen"];

#[derive(Clone, Debug)]
enum Act {
    Spawn(u64),
    SpawnBatch(Vec<u64>),
    SpawnRun(u64, u64),
    Despawn(u64),
    DespawnBatch(Vec<u64>),
    DespawnEvery(usize, usize),
    SetBody(u64, i32),
    SetMotion(u64, i32),
    WriteRows(usize, i32),
    WriteRange(usize, usize, i32),
    WriteAll(i32),
    Tag(usize, u64, bool),
    ClearTag(usize),
    Watch(bool),
    Look(usize),
    Unwatch(usize),
    SortById,
    Order(Vec<u32>),
    Turn(usize, i32),
    Reload,
    Clear,
}

const IDS: core::ops::Range<u64> = 0..600;

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let n = || any::<i16>().prop_map(i32::from);
    let some = || prop::collection::vec(IDS, 0..12);
    let act = prop_oneof![
        6 => IDS.prop_map(Act::Spawn),
        3 => some().prop_map(Act::SpawnBatch),
        3 => (IDS, 1..120u64).prop_map(|(first, count)| Act::SpawnRun(first, count)),
        6 => IDS.prop_map(Act::Despawn),
        3 => some().prop_map(Act::DespawnBatch),
        2 => (0..9usize, 1..9usize).prop_map(|(first, step)| Act::DespawnEvery(first, step)),
        6 => (IDS, n()).prop_map(|(id, n)| Act::SetBody(id, n)),
        4 => (IDS, n()).prop_map(|(id, n)| Act::SetMotion(id, n)),
        3 => (1..50usize, n()).prop_map(|(step, n)| Act::WriteRows(step, n)),
        2 => (0..600usize, 0..600usize, n()).prop_map(|(a, b, n)| Act::WriteRange(a, b, n)),
        1 => n().prop_map(Act::WriteAll),
        6 => (0..2usize, IDS, any::<bool>()).prop_map(|(tag, id, on)| Act::Tag(tag, id, on)),
        1 => (0..2usize).prop_map(Act::ClearTag),
        1 => any::<bool>().prop_map(Act::Watch),
        6 => (0..4usize).prop_map(Act::Look),
        1 => (0..8usize).prop_map(Act::Unwatch),
        1 => Just(Act::SortById),
        2 => prop::collection::vec(0..600u32, 0..6).prop_map(Act::Order),
        1 => (1..50usize, n()).prop_map(|(step, n)| Act::Turn(step, n)),
        1 => Just(Act::Reload),
        1 => Just(Act::Clear),
    ];
    prop::collection::vec(act, 1..=1_000)
}

/// An entity as plainly as can be.
#[derive(Clone, PartialEq, Debug)]
struct Row {
    id: u64,
    handle: Handle,
    body: Body,
    motion: Motion,
    tags: [bool; 2],
    /// By consumer: whether it has yet to see a change.
    unseen: Vec<bool>,
}

/// What a table must hold, row by row, and the handles that have gone stale.
#[derive(Default)]
struct Model {
    rows: Vec<Row>,
    stale: Vec<Handle>,
    consumers: Vec<(Consumer, bool)>, // of bodies, else of motions
}

impl Model {
    fn place(&self, id: u64) -> Option<usize> {
        self.rows.iter().position(|row| row.id == id)
    }

    fn changed(&mut self, row: usize, bodies: bool) {
        for (unseen, (_, of_bodies)) in self.rows[row].unseen.iter_mut().zip(&self.consumers) {
            *unseen |= *of_bodies == bodies;
        }
    }

    fn write_body(&mut self, row: usize, value: Body) {
        self.rows[row].body = value;
        self.changed(row, true);
    }

    fn spawned(&mut self, id: u64, table: &Table) {
        let handle = table.handle_of(EntityId(id)).unwrap();
        self.rows.push(Row {
            id,
            handle,
            body: Body::default(),
            motion: Motion::default(),
            tags: [false; 2],
            unseen: vec![true; self.consumers.len()],
        });
    }

    fn is_new(&self, ids: &[u64]) -> bool {
        let fresh = |(n, id): (usize, &u64)| {
            *id != 0 && self.place(*id).is_none() && !ids[..n].contains(id)
        };
        ids.iter().enumerate().all(fresh)
    }

    fn spawn_batch(&mut self, ids: &[u64], table: &mut Table) {
        let batch: Vec<EntityId> = ids.iter().copied().map(EntityId).collect();
        let legal = self.is_new(ids);
        assert_eq!(table.spawn_batch(&batch).is_ok(), legal);
        if legal {
            ids.iter().for_each(|id| self.spawned(*id, table));
        }
    }

    fn despawn_batch(&mut self, ids: &[u64], table: &mut Table) {
        let batch: Vec<EntityId> = ids.iter().copied().map(EntityId).collect();
        let here = |(n, id): (usize, &u64)| self.place(*id).is_some() && !ids[..n].contains(id);
        let legal = ids.iter().enumerate().all(here);
        assert_eq!(table.despawn_batch(&batch).is_ok(), legal);
        if !legal {
            return;
        }
        let left = self.rows.len() - ids.len();
        let (kept, behind) = self.rows.split_at(left);
        let mut movers = behind.iter().filter(|row| !ids.contains(&row.id));
        let fill = |row: &Row| match ids.contains(&row.id) {
            true => movers.next().unwrap().clone(),
            false => row.clone(),
        };
        let rows: Vec<Row> = kept.iter().map(fill).collect();
        let gone = self.rows.iter().filter(|row| ids.contains(&row.id));
        self.stale.extend(gone.map(|row| row.handle));
        self.rows = rows;
    }

    fn act(&mut self, act: &Act, table: &mut Table) {
        match act {
            Act::Spawn(id) => {
                let legal = self.is_new(&[*id]);
                assert_eq!(table.spawn(EntityId(*id)).is_ok(), legal);
                if legal {
                    self.spawned(*id, table);
                }
            }
            Act::SpawnBatch(ids) => self.spawn_batch(ids, table),
            Act::SpawnRun(first, count) => {
                let run = *first..first + count;
                let ids: Vec<u64> = run.filter(|id| self.is_new(&[*id])).collect();
                self.spawn_batch(&ids, table);
            }
            Act::Despawn(id) => {
                let place = self.place(*id);
                assert_eq!(table.despawn(EntityId(*id)).is_ok(), place.is_some());
                self.stale
                    .extend(place.map(|row| self.rows.swap_remove(row).handle));
            }
            Act::DespawnBatch(ids) => self.despawn_batch(ids, table),
            Act::DespawnEvery(first, step) => {
                let every = self.rows.iter().skip(*first).step_by(*step);
                let mut ids: Vec<u64> = every.map(|row| row.id).collect();
                ids.sort_by_key(|id| id.wrapping_mul(0x9e37_79b9_7f4a_7c15)); // any order
                self.despawn_batch(&ids, table);
            }
            Act::Clear => {
                table.clear();
                self.stale.extend(self.rows.drain(..).map(|row| row.handle));
            }
            Act::Tag(..) | Act::ClearTag(_) => self.tag(act, table),
            Act::Watch(_) | Act::Look(_) | Act::Unwatch(_) => self.watch(act, table),
            Act::SortById | Act::Order(_) => self.reorder(act, table),
            Act::Reload => self.reload(table),
            _ => self.write(act, table),
        }
    }

    fn write(&mut self, act: &Act, table: &mut Table) {
        let count = self.rows.len();
        match act {
            Act::SetBody(id, n) => {
                if let Some(row) = self.place(*id) {
                    table.set(row, body(*n));
                    self.write_body(row, body(*n));
                }
            }
            Act::SetMotion(id, n) => {
                if let Some(row) = self.place(*id) {
                    table.set(row, motion(*n));
                    self.rows[row].motion = motion(*n);
                    self.changed(row, false);
                }
            }
            Act::WriteRows(step, n) => {
                let rows = (0..count).step_by(*step);
                table.write_rows::<Body>(rows.clone(), |row, lanes| {
                    Body::set(lanes, row, body(*n));
                });
                rows.for_each(|row| self.write_body(row, body(*n)));
            }
            Act::WriteRange(a, b, n) => {
                let rows = *a.min(b).min(&count)..*a.max(b).min(&count);
                table.lanes_mut_in::<Body>(rows.clone()).z.fill(*n);
                for row in rows {
                    let z = *n;
                    self.write_body(
                        row,
                        Body {
                            z,
                            ..self.rows[row].body
                        },
                    );
                }
            }
            Act::WriteAll(n) => {
                table.lanes_mut::<Body>().y.fill(*n);
                for row in 0..count {
                    let y = *n;
                    self.write_body(
                        row,
                        Body {
                            y,
                            ..self.rows[row].body
                        },
                    );
                }
            }
            Act::Turn(step, n) => self.turn(*step, *n, table),
            other => unreachable!("{other:?} is no write"),
        }
    }

    /// Seen from the next frame, if all stay in its reach.
    fn turn(&mut self, step: usize, n: i32, table: &mut Table) {
        let [from, to] = [0.0, 0.1].map(|lon| {
            let place = Geodetic::from_degrees(f64::from(n % 90), lon, 0.0).unwrap();
            Frame::at(Planet::EARTH, Planet::EARTH.ecef(place))
        });
        let change = FrameChange::new(from.axes(), to.axes());
        let rows = (0..self.rows.len()).step_by(step);
        table.write_rows::<Body>(rows.clone(), |row, lanes| lanes.frame[row] = from.id());
        for row in rows.clone() {
            let frame = from.id();
            self.write_body(
                row,
                Body {
                    frame,
                    ..self.rows[row].body
                },
            );
        }
        let turned = rows.clone().map(|row| {
            let Body { frame, x, y, z } = self.rows[row].body;
            change.position(Position { frame, x, y, z })
        });
        let turned: Result<Vec<Position>, _> = turned.collect();
        let batch: Vec<u32> = rows.clone().map(|row| row as u32).collect();
        assert_eq!(table.change_frame(&change, &batch).is_ok(), turned.is_ok());
        for (row, at) in rows.zip(turned.unwrap_or_default()) {
            let Position { frame, x, y, z } = at;
            self.write_body(row, Body { frame, x, y, z });
        }
    }

    fn tag(&mut self, act: &Act, table: &mut Table) {
        match act {
            Act::Tag(tag, id, on) => {
                if let Some(row) = self.place(*id) {
                    self.rows[row].tags[*tag] = *on;
                    let tag = tag_of(table, *tag);
                    if *on {
                        table.set_tag(tag, row);
                    } else {
                        table.clear_tag(tag, row);
                    }
                }
            }
            Act::ClearTag(tag) => {
                self.rows.iter_mut().for_each(|row| row.tags[*tag] = false);
                table.clear_tags(tag_of(table, *tag));
            }
            other => unreachable!("{other:?} is about no tag"),
        }
    }

    fn watch(&mut self, act: &Act, table: &mut Table) {
        match act {
            Act::Watch(bodies) if self.consumers.len() < 4 => {
                let name = if *bodies { Body::NAME } else { Motion::NAME };
                let column = table.column_named(name).unwrap();
                let consumer = table.add_consumer(column).unwrap();
                self.consumers.push((consumer, *bodies));
                self.rows.iter_mut().for_each(|row| row.unseen.push(true));
            }
            Act::Look(n) if *n < self.consumers.len() => {
                let mut seen = Vec::new();
                let consumer = self.consumers[*n].0;
                table.drain_changes(consumer, |row| seen.push(row)).unwrap();
                let rows = self.rows.iter_mut().enumerate();
                let look = |(place, row): (usize, &mut Row)| {
                    core::mem::take(&mut row.unseen[*n]).then_some(place)
                };
                assert!(seen.into_iter().eq(rows.filter_map(look)));
            }
            Act::Unwatch(n) if *n < self.consumers.len() => {
                table.remove_consumer(self.consumers.remove(*n).0).unwrap();
                self.rows.iter_mut().for_each(|row| {
                    row.unseen.remove(*n);
                });
            }
            _ => {}
        }
    }

    fn reorder(&mut self, act: &Act, table: &mut Table) {
        let order: Vec<u32> = match act {
            Act::Order(order) => order.clone(), // hardly ever one
            _ => {
                let mut order: Vec<u32> = (0..self.rows.len() as u32).collect();
                order.sort_by_key(|row| self.rows[*row as usize].id);
                order
            }
        };
        let mut sorted = order.clone();
        sorted.sort_unstable();
        let legal = sorted.into_iter().eq(0..self.rows.len() as u32);
        assert_eq!(table.reorder(&order).is_ok(), legal);
        if legal {
            let moved = order.iter().map(|row| self.rows[*row as usize].clone());
            self.rows = moved.collect();
        }
    }

    /// Consumers are not saved.
    fn reload(&mut self, table: &mut Table) {
        let bytes = saved(table);
        *table = Table::load(&bytes).unwrap();
        assert_eq!(saved(table), bytes);
        table.register::<Motion>().unwrap();
        table.register::<Body>().unwrap();
        self.consumers.clear();
        self.rows.iter_mut().for_each(|row| row.unseen.clear());
    }

    fn check(&self, table: &Table) {
        table.assert_well_formed();
        assert_eq!(table.len(), self.rows.len());
        let (bodies, motions) = (table.lanes::<Body>(), table.lanes::<Motion>());
        let tags = [0, 1].map(|n| tag_of(table, n));
        for (place, row) in self.rows.iter().enumerate() {
            assert_eq!(table.ids()[place], EntityId(row.id));
            assert_eq!(table.row_of(row.handle), Ok(place));
            assert_eq!(Body::get(&bodies, place), row.body);
            assert_eq!(Motion::get(&motions, place), row.motion);
            assert_eq!(tags.map(|tag| table.has_tag(tag, place)), row.tags);
        }
        let mut handles: Vec<Handle> = self.rows.iter().map(|row| row.handle).collect();
        let mut rows = Vec::new();
        table.rows_of(&handles, &mut rows).unwrap();
        assert!(rows.iter().copied().eq(0..self.rows.len() as u32));
        if let Some(stale) = self.stale.last() {
            let index = handles.len() / 2;
            handles.insert(index, *stale);
            let error = table.rows_of(&handles, &mut rows);
            assert_eq!(
                error,
                Err(BatchError {
                    index,
                    error: StaleHandle
                })
            );
            assert_eq!(rows.len(), self.rows.len());
        }
        for handle in self.stale.iter().rev().take(50) {
            assert_eq!(table.row_of(*handle), Err(StaleHandle));
        }
    }

    fn check_at_the_end(&self, table: &Table) {
        for handle in &self.stale {
            assert_eq!(table.row_of(*handle), Err(StaleHandle));
        }
        for id in IDS {
            assert_eq!(table.row(EntityId(id)), self.place(id));
        }
        for (n, tag) in TAGS.iter().enumerate() {
            let rows = self.rows.iter().enumerate();
            let tagged = rows.filter(|(_, row)| row.tags[n]);
            let tag = table.tag_named(tag).unwrap();
            assert!(table.tagged(tag).eq(tagged.map(|(place, _)| place)));
        }
    }
}

fn tag_of(table: &Table, n: usize) -> TagId {
    table.tag_named(TAGS[n]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn a_random_life_matches_the_model(acts in acts()) {
        let (mut table, mut model) = (table(), Model::default());
        for tag in TAGS {
            table.register_tag(tag).unwrap();
        }
        for act in &acts {
            model.act(act, &mut table);
            model.check(&table);
        }
        model.check_at_the_end(&table);
    }
}
