//! Which row an entity had before that has another now.

use spatial_core::EntityId;

use super::state::EntityState;

/// The row of an entity that is not there.
pub(super) const ABSENT: u32 = u32::MAX;

/// Rows of now in terms of those before. Mostly all are the same; the few that are not are matched by id.
#[derive(Clone, Debug, Default)]
pub(super) struct RowMoves {
    is_same: bool,
    old_rows: Vec<u32>, // of each row of now, unless the same; ABSENT
    gone: Vec<(EntityId, u32)>,
    come: Vec<(EntityId, u32)>,
    scratch: Vec<u32>,
}

impl RowMoves {
    /// Compares states of now with those before; whether any has another row.
    ///
    /// # Panics
    /// When an id is 0, or one that has another row than before is there twice.
    pub(super) fn find(&mut self, old: &[EntityState], new: &[EntityState]) -> bool {
        let mut both = old.iter().zip(new);
        self.is_same = old.len() == new.len() && both.all(|(old, new)| old.id() == new.id());
        if !self.is_same {
            self.match_rows(old, new);
        }
        !self.is_same
    }

    fn match_rows(&mut self, old: &[EntityState], new: &[EntityState]) {
        let id_at = |states: &[EntityState], row: usize| states.get(row).map(EntityState::id);
        let others =
            |these: &[EntityState], those: &[EntityState], out: &mut Vec<(EntityId, u32)>| {
                let all = (0u32..).zip(these).map(|(row, state)| (state.id(), row));
                out.clear();
                out.extend(all.filter(|(id, row)| id_at(those, *row as usize) != Some(*id)));
                out.sort_unstable();
            };
        others(old, new, &mut self.gone);
        others(new, old, &mut self.come);
        let is_strict = self.come.is_sorted_by(|a, b| a.0 < b.0);
        assert!(is_strict, "no id is there twice");
        assert!(
            self.come.first().is_none_or(|first| first.0.0 > 0),
            "id 0 names nobody"
        );
        self.old_rows.clear();
        self.old_rows.extend((0..).take(new.len()));
        let mut gone = self.gone.iter().peekable();
        for (id, row) in &self.come {
            while gone.next_if(|(other, _)| other < id).is_some() {}
            let same = gone.next_if(|(other, _)| other == id);
            self.old_rows[*row as usize] = same.map_or(ABSENT, |(_, old_row)| *old_row);
        }
    }

    /// The row that an entity had which has this one now.
    #[inline]
    pub(super) fn old_row(&self, row: usize) -> Option<usize> {
        if self.is_same {
            return Some(row);
        }
        let old = self.old_rows[row];
        (old != ABSENT).then_some(old as usize)
    }

    /// What was known of each row before, of each row now.
    pub(super) fn follow(&mut self, known: &mut Vec<u32>) {
        let of = |old: &u32| known.get(*old as usize).copied().unwrap_or(ABSENT);
        self.scratch.clear();
        self.scratch.extend(self.old_rows.iter().map(of));
        core::mem::swap(known, &mut self.scratch);
    }
}

#[cfg(test)]
mod tests {
    use spatial_core::{FrameId, Position};

    use super::*;

    fn states(ids: &[u64]) -> Vec<EntityState> {
        let position = Position {
            frame: FrameId(1),
            x: 0,
            y: 0,
            z: 0,
        };
        let state = |id: &u64| EntityState::new(EntityId(*id), position, 0);
        ids.iter().map(state).collect()
    }

    #[test]
    fn everybody_is_found_again() {
        let mut random = 5u64;
        let mut below = |n: usize| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (random >> 33) as usize % n
        };
        let (mut moves, mut ids, mut next) = (RowMoves::default(), Vec::new(), 1u64);
        let (mut first, mut known) = (ids.clone(), Vec::new());
        for round in 0..2_000 {
            let before = ids.clone();
            if round % 50 == 0 {
                first = ids.clone();
                known = (0..ids.len() as u32).collect();
            }
            for _ in 0..below(4) {
                match below(3) {
                    0 if !ids.is_empty() => drop(ids.swap_remove(below(ids.len()))),
                    1 if ids.len() > 1 => {
                        let (a, b) = (below(ids.len()), below(ids.len()));
                        ids.swap(a, b);
                    }
                    _ => {
                        ids.push(next.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                        next += 1;
                    }
                }
            }
            let has_moved = moves.find(&states(&before), &states(&ids));
            assert_eq!(has_moved, before != ids);
            if has_moved {
                moves.follow(&mut known);
            }
            for (row, id) in ids.iter().enumerate() {
                let was = before.iter().position(|other| other == id);
                assert_eq!(moves.old_row(row), was);
                let at_first = first.iter().position(|other| other == id);
                assert_eq!(known[row], at_first.map_or(ABSENT, |row| row as u32));
            }
        }
    }
}
