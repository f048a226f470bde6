//! Which row an entity has now that had another at the last update.
//!
//! Tables fill the gap of who has gone with their last row, so between two ticks few rows differ, mostly none. Those
//! few are matched by id.

use crate::ids::EntityId;

/// No row: the entity has gone.
pub(super) const NOWHERE: u32 = u32::MAX;

/// Rows of the last update in terms of this one. Eight bytes an entity, and four once rows have changed.
#[derive(Clone, Debug, Default)]
pub(super) struct RowMap {
    ids: Vec<EntityId>, // by row, as of the last update
    is_same: bool,
    now: Vec<u32>, // by row of the last update, unless the same
    old_moved: Vec<(EntityId, u32)>,
    new_moved: Vec<(EntityId, u32)>, // after `advance`: who is new
}

impl RowMap {
    /// Compares the ids of now with those of the last update.
    pub(super) fn advance(&mut self, ids: &[EntityId]) {
        self.new_moved.clear();
        self.is_same = self.ids == ids;
        if self.is_same {
            return;
        }
        self.old_moved.clear();
        self.now.clear();
        for (row, id) in self.ids.iter().enumerate() {
            let stays = ids.get(row) == Some(id);
            self.now.push(if stays { row as u32 } else { NOWHERE });
            if !stays {
                self.old_moved.push((*id, row as u32));
            }
        }
        let moved = |(row, id): &(usize, &EntityId)| self.ids.get(*row) != Some(*id);
        let all = ids.iter().enumerate();
        self.new_moved
            .extend(all.filter(moved).map(|(row, id)| (*id, row as u32)));
        self.match_moved();
    }

    /// Finds those of the old rows among the new ones, and keeps of the new ones who were not there.
    fn match_moved(&mut self) {
        self.old_moved.sort_unstable();
        self.new_moved.sort_unstable();
        let mut old = self.old_moved.iter().peekable();
        let now = &mut self.now;
        self.new_moved.retain(|(id, row)| {
            while old.next_if(|(other, _)| other < id).is_some() {}
            match old.next_if(|(other, _)| other == id) {
                Some((_, old_row)) => {
                    now[*old_row as usize] = *row;
                    false
                }
                None => true,
            }
        });
    }

    /// Whether every row is what it was.
    pub(super) fn is_same(&self) -> bool {
        self.is_same
    }

    /// The row of now, or [`NOWHERE`].
    pub(super) fn now(&self, old: u32) -> u32 {
        if self.is_same {
            old
        } else {
            self.now[old as usize]
        }
    }

    /// Who had a row at the last update.
    pub(super) fn id(&self, old: u32) -> EntityId {
        self.ids[old as usize]
    }

    /// Who was not there at the last update, ascending by id, with rows of now.
    pub(super) fn arrived(&self) -> &[(EntityId, u32)] {
        &self.new_moved
    }

    /// Makes the ids of now those of the last update.
    pub(super) fn finish(&mut self, ids: &[EntityId]) {
        if !self.is_same {
            self.ids.clear();
            self.ids.extend_from_slice(ids);
            self.is_same = true;
        }
    }

    /// Rows of the last update.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn byte_count(&self) -> usize {
        let pairs = self.old_moved.capacity() + self.new_moved.capacity();
        8 * self.ids.capacity() + 4 * self.now.capacity() + 16 * pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_found_again() {
        let mut state = 3u64;
        let mut below = |n: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as usize % n
        };
        let mut map = RowMap::default();
        let (mut ids, mut next) = (Vec::new(), 1u64);
        for _ in 0..2_000 {
            let before = ids.clone();
            for _ in 0..below(4) {
                match below(3) {
                    0 if !ids.is_empty() => drop(ids.swap_remove(below(ids.len()))),
                    1 if ids.len() > 1 => {
                        let (a, b) = (below(ids.len()), below(ids.len()));
                        ids.swap(a, b);
                    }
                    _ => {
                        ids.push(EntityId(next.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
                        next += 1;
                    }
                }
            }
            map.advance(&ids);
            assert_eq!(map.is_same(), before == ids);
            for (row, id) in before.iter().enumerate() {
                let want = ids.iter().position(|other| other == id);
                assert_eq!(map.now(row as u32), want.map_or(NOWHERE, |row| row as u32));
                assert_eq!(map.id(row as u32), *id);
            }
            let mut want: Vec<_> = (0u32..).zip(&ids).map(|(row, id)| (*id, row)).collect();
            want.retain(|(id, _)| !before.contains(id));
            want.sort_unstable();
            assert_eq!(map.arrived(), want);
            map.finish(&ids);
            assert_eq!(map.ids, ids);
        }
    }
}
