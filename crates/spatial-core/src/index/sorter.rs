//! Putting rows into cells, in the order of ids.

use super::order::CELL_MAX;
use crate::ids::EntityId;

/// The second half of a counting sort, which also finds the cells where ids do not ascend.
///
/// In the order of the last time nearly all do, so only cells that somebody has come to are sorted.
pub(super) struct Sorter<'a> {
    /// Behind each cell, the slot that its next entity gets.
    pub(super) cells: &'a mut [u32],
    /// For each cell, the least id that would be in order: 0 at first.
    pub(super) next_ids: &'a mut [u64],
    pub(super) rows: &'a mut [u32],
    /// Empty at first.
    pub(super) disorder: &'a mut Vec<u32>,
    pub(super) ids: &'a [EntityId],
}

impl Sorter<'_> {
    /// Puts a row into the cell of a directory entry.
    #[inline(always)]
    pub(super) fn put(&mut self, entry: usize, row: u32) {
        let slot = &mut self.cells[entry + 1];
        self.rows[*slot as usize] = row;
        *slot = slot.wrapping_add(1); // there are fewer slots
        let id = self.ids[row as usize].0;
        let next_id = &mut self.next_ids[entry];
        if id >= *next_id && id < u64::MAX - 1 {
            *next_id = id + 1;
        } else if *next_id != u64::MAX {
            *next_id = u64::MAX; // what no other case leaves, so this cell is told once; the last two ids always are
            self.disorder.push(entry as u32);
        }
    }

    /// Sorts the cells whose rows did not come in the order of ids, but not crowds, if they are to be split.
    pub(super) fn finish(self, can_split: bool) {
        for entry in self.disorder.drain(..) {
            let slots = [0, 1].map(|n| self.cells[entry as usize + n] as usize);
            if slots[1] - slots[0] <= CELL_MAX as usize || !can_split {
                let rows = &mut self.rows[slots[0]..slots[1]];
                rows.sort_unstable_by_key(|row| (self.ids[*row as usize], *row));
            }
        }
    }
}
