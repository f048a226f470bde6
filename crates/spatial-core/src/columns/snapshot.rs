//! A table's state in memory: to go back to, as rollback and speculation do many times a second.
//!
//! ```text
//! a lane, in chunks of 256 rows:     0 · its one value           all rows have the same
//!                                    1 · the values as they lie
//! ```
//! Neighbours share much (their frame, their kind, that they stand still), so a chunk often is one value.

use super::column::Column;
use super::kind::Durability;
use super::lane::{Lane, LaneType};
use super::table::Table;
use crate::ids::EntityId;

/// Rows of a chunk.
const CHUNK: usize = 256;

/// What a table held. Its memory is kept when another is taken into it.
#[derive(Clone, Default)]
pub struct TableSnapshot {
    ids: Vec<EntityId>,
    columns: Vec<(String, Vec<LaneType>)>, // the durable columns, in their order
    lanes: Vec<u8>,                        // of all of them, in their order
    tags: Vec<(String, Vec<u64>)>,
}

impl TableSnapshot {
    /// Bytes that it holds.
    pub fn byte_count(&self) -> usize {
        let tags = self.tags.iter().map(|(_, words)| size_of_val(&words[..]));
        size_of_val(&self.ids[..]) + self.lanes.len() + tags.sum::<usize>()
    }
}

impl Table {
    /// Takes in all ids, durable columns and tags. Handles and what consumers have not seen are not state.
    ///
    /// Costs a copy, and allocates only what the last one into the same snapshot had not.
    pub fn snapshot(&self, into: &mut TableSnapshot) {
        into.ids.clear();
        into.ids.extend_from_slice(self.ids());
        into.lanes.clear();
        let durable = || self.columns.iter().filter(|column| is_state(column));
        let is_known =
            |(column, known): (&Column, &(String, Vec<LaneType>))| is_column(column, known);
        if durable().count() != into.columns.len() || !durable().zip(&into.columns).all(is_known) {
            let known = |column: &Column| (column.name().to_owned(), types(column).collect());
            into.columns = durable().map(known).collect();
        }
        for lane in durable().flat_map(Column::lanes) {
            store(lane, &mut into.lanes);
        }
        into.tags.resize_with(self.tags.len(), Default::default);
        for (tag, (name, words)) in self.tags.iter().zip(&mut into.tags) {
            if *name != tag.name {
                name.clone_from(&tag.name);
            }
            words.clear();
            words.extend_from_slice(tag.rows.words());
        }
    }

    /// Whether a table can go back to what was taken: it has all columns of the snapshot, of the same lanes. Costs no look at any row.
    pub fn fits(&self, from: &TableSnapshot) -> bool {
        from.columns.iter().all(|known| {
            let mut durable = self.columns.iter().filter(|column| is_state(column));
            durable.any(|column| is_column(column, known))
        })
    }

    /// Goes back to what was taken: rows in the same order, with the same values and tags. Columns and tags registered since are
    /// zero. All rows count as changed; handles stay valid if the rows are the same entities, else they are stale. Returns whether
    /// every row is the same entity's as before.
    ///
    /// # Panics
    /// When the table does not [fit](Table::fits).
    pub fn restore(&mut self, from: &TableSnapshot) -> bool {
        assert!(self.fits(from), "the snapshot is this table's");
        let are_same = self.restore_rows(&from.ids);
        let mut lanes = &from.lanes[..];
        for (name, _) in &from.columns {
            let column = self.columns.iter_mut().find(|c| c.name() == name);
            let column = column.expect("the snapshot is this table's");
            for lane in column.lanes_mut_marked() {
                lanes = fetch(lane, lanes);
            }
        }
        assert!(lanes.is_empty(), "the snapshot is this table's");
        let is_new = |column: &&mut Column| {
            is_state(column) && !from.columns.iter().any(|(name, _)| name == column.name())
        };
        for column in self.columns.iter_mut().filter(is_new) {
            for lane in column.lanes_mut_marked() {
                lane.bytes_mut().fill(0);
            }
        }
        for tag in &mut self.tags {
            match from.tags.iter().find(|(name, _)| *name == tag.name) {
                Some((_, words)) => tag.rows.set_words(words),
                None => tag.rows.clear(),
            }
        }
        are_same
    }

    /// Makes these the ids, in this order.
    fn restore_rows(&mut self, ids: &[EntityId]) -> bool {
        if self.ids() == ids {
            return true;
        }
        let rows = ids.iter().map(|id| self.row(*id).map(|row| row as u32));
        let order: Option<Vec<u32>> = rows.collect();
        match order.filter(|order| order.len() == self.len()) {
            Some(order) => self.reorder(&order).expect("ids differ, so rows do"),
            None => {
                self.clear();
                self.spawn_batch(ids).expect("they were rows of a table");
            }
        }
        false
    }
}

fn is_state(column: &Column) -> bool {
    column.durability() == Durability::Durable
}

fn types(column: &Column) -> impl Iterator<Item = LaneType> + '_ {
    column.lanes().iter().map(Lane::lane_type)
}

fn is_column(column: &Column, (name, lanes): &(String, Vec<LaneType>)) -> bool {
    column.name() == name && types(column).eq(lanes.iter().copied())
}

fn store(lane: &Lane, out: &mut Vec<u8>) {
    let size = lane.lane_type().bytes();
    for chunk in lane.bytes().chunks(CHUNK * size) {
        // All are equal if each is equal to the next.
        let is_uniform = chunk[size..] == chunk[..chunk.len() - size];
        out.push(u8::from(!is_uniform));
        out.extend_from_slice(if is_uniform { &chunk[..size] } else { chunk });
    }
}

fn fetch<'a>(lane: &mut Lane, mut from: &'a [u8]) -> &'a [u8] {
    let size = lane.lane_type().bytes();
    for chunk in lane.bytes_mut().chunks_mut(CHUNK * size) {
        let (is_plain, rest) = from.split_first().expect("the snapshot is this table's");
        let length = if *is_plain == 1 { chunk.len() } else { size };
        let (values, rest) = rest.split_at(length);
        match values.len() == chunk.len() {
            true => chunk.copy_from_slice(values),
            false => repeat(values, chunk),
        }
        from = rest;
    }
    from
}

/// Fills a chunk with one value, again and again: twice as much each time.
fn repeat(value: &[u8], chunk: &mut [u8]) {
    chunk[..value.len()].copy_from_slice(value);
    let mut filled = value.len();
    while filled < chunk.len() {
        let more = filled.min(chunk.len() - filled);
        chunk.copy_within(..more, filled);
        filled += more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{Component, Kind};

    #[derive(Clone, Copy, PartialEq, Debug, derive::Component)]
    #[component(name = "place", kind = point, version = 1)]
    struct Place {
        x: i32,
        y: i32,
        z: i32,
    }

    #[derive(Clone, Copy, PartialEq, Debug, derive::Component)]
    #[component(name = "sort", kind = raw, version = 1)]
    struct Sort {
        sort: u16,
    }

    fn table(count: u64) -> Table {
        let mut table = Table::new();
        table.register::<Place>().unwrap();
        table.register::<Sort>().unwrap();
        let tag = table.register_tag("odd").unwrap();
        let ids: Vec<_> = (0..count).map(|n| EntityId(n * 3 + 1)).collect();
        table.spawn_batch(&ids).unwrap();
        for row in 0..table.len() {
            let (x, y) = (row as i32 * 7_777, -(row as i32));
            table.set(row, Place { x, y, z: 5 });
            table.set(
                row,
                Sort {
                    sort: (row / 5_000) as u16,
                },
            );
            if row % 3 == 1 {
                table.set_tag(tag, row);
            }
        }
        table
    }

    #[test]
    fn going_back_undoes_everything() {
        assert_eq!(Place::KIND, Kind::Point);
        for count in [0, 1, 4_095, 4_096, 4_097, 13_000] {
            let mut table = table(count);
            let (want, ids) = (table.hash_rows(), table.ids().to_vec());
            let mut snapshot = TableSnapshot::default();
            table.snapshot(&mut snapshot);
            let tag = table.tag_named("odd").unwrap();
            for change in 0..5 {
                let rows = table.len();
                match change {
                    0 => (0..rows).for_each(|row| table.set(row, Sort { sort: 9 })),
                    1 => table
                        .reorder(&(0..rows as u32).rev().collect::<Vec<_>>())
                        .unwrap(),
                    2 => drop(table.spawn(EntityId(2))),
                    3 if rows > 0 => table.despawn(table.ids()[rows / 2]).unwrap(),
                    _ => table.clear_tags(tag),
                }
                table.restore(&snapshot);
                table.assert_well_formed();
                assert_eq!(
                    (table.hash_rows(), table.ids()),
                    (want, &ids[..]),
                    "{change}"
                );
            }
        }
    }

    #[test]
    fn what_all_rows_have_in_common_is_kept_once() {
        let mut snapshot = TableSnapshot::default();
        table(40_960).snapshot(&mut snapshot);
        let bytes = snapshot.byte_count() as f64 / 40_960.0;
        assert!((16.0..17.5).contains(&bytes), "{bytes} of 22 and a bit");
        let (ids, lanes) = (snapshot.ids.as_ptr(), snapshot.lanes.as_ptr());
        table(40_960).snapshot(&mut snapshot);
        assert_eq!(
            (snapshot.ids.as_ptr(), snapshot.lanes.as_ptr()),
            (ids, lanes),
            "memory is kept"
        );
    }
}
