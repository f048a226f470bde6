//! What has changed in a watcher's set: its candidates before and now.
//!
//! ```text
//! entry   M rrr…r      bit 31: is a member; 31 bits: the candidate's row
//!
//! old     a  b* c  d*         candidates within the leaving radius at the last update, * = members
//! near    a* b  e  d          those of now, in the order in which they were found, * = within the entering radius
//! new     a* b* e  d*         a has entered; c has gone, but was no member; d stays, beyond the entering radius
//! ```
//! Nineteen times in twenty nobody has come or gone and the order is the same: then one pass of ors is all.

use crate::index::sift::INNER;

/// Set in an entry of a member; in a fresh one it means that it is near enough to become one.
pub(super) const MEMBER: u32 = INNER;
/// The row of an entry.
pub(super) const ROW: u32 = !MEMBER;

/// A row that has come into the set, or left it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Change {
    Entered(u32),
    Left(u32),
}

/// Appends the entries of now to `out`, in the order of `near`, and tells every change.
///
/// Rows are those of now in both; nobody is in either of them twice. Marks have room for all of them.
pub(super) fn carry_over(
    old: &[u32],
    near: &[u32],
    out: &mut Vec<u32>,
    marks: &mut Marks,
    tell: &mut impl FnMut(Change),
) {
    if old.len() == near.len() {
        let (mut other, mut fresh) = (0, 0);
        for (old, near) in old.iter().zip(near) {
            other |= old ^ near;
            fresh |= near & !old;
        }
        if other & ROW == 0 {
            out.extend(old.iter().zip(near).map(|(old, near)| old | near));
            if fresh & MEMBER != 0 {
                tell_entered(old, near, tell);
            }
            return;
        }
    }
    merge(old, near, out, marks, tell);
}

#[cold]
fn tell_entered(old: &[u32], near: &[u32], tell: &mut impl FnMut(Change)) {
    for (old, near) in old.iter().zip(near) {
        if near & !old & MEMBER != 0 {
            tell(Change::Entered(near & ROW));
        }
    }
}

/// What is between the common beginning and the common end is matched by marks: in a crowd it is nearly everything.
fn merge(
    old: &[u32],
    near: &[u32],
    out: &mut Vec<u32>,
    marks: &mut Marks,
    tell: &mut impl FnMut(Change),
) {
    let same = |(old, near): &(&u32, &u32)| (*old ^ *near) & ROW == 0;
    let head = old.iter().zip(near).take_while(same).count();
    let rest = old[head..].iter().rev().zip(near[head..].iter().rev());
    let tail = rest.take_while(same).count();
    let (old_end, near_end) = (old.len() - tail, near.len() - tail);

    let mut keep = |old: u32, near: u32, tell: &mut dyn FnMut(Change)| {
        if near & !old & MEMBER != 0 {
            tell(Change::Entered(near & ROW));
        }
        out.push(old & MEMBER | near);
    };
    for (old, near) in old[..head].iter().zip(&near[..head]) {
        keep(*old, *near, tell);
    }
    marks.begin();
    for old in &old[head..old_end] {
        marks.put(*old);
    }
    for near in &near[head..near_end] {
        keep(marks.take(*near), *near, tell);
    }
    let members = old[head..old_end].iter().filter(|old| *old & MEMBER != 0);
    for gone in members.filter(|old| marks.take(**old) != 0) {
        tell(Change::Left(gone & ROW));
    }
    for (old, near) in old[old_end..].iter().zip(&near[near_end..]) {
        keep(*old, *near, tell);
    }
}

/// Entries by row, for one watcher at a time. Four bytes a row.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    turns: Vec<u32>, // bit 31: of a member; below, the turn in which a row was put in, 0 once it is taken out
    turn: u32,
}

impl Marks {
    /// For so many rows, or more.
    pub(super) fn make_room(&mut self, rows: usize) {
        if self.turns.len() < rows {
            self.turns.resize(rows, 0);
        }
    }

    /// Forgets all.
    fn begin(&mut self) {
        self.turn += 1;
        if self.turn == MEMBER {
            self.turns.fill(0);
            self.turn = 1;
        }
    }

    #[inline]
    fn put(&mut self, entry: u32) {
        self.turns[(entry & ROW) as usize] = entry & MEMBER | self.turn;
    }

    /// Takes a row out; [`MEMBER`] if a member's entry was there.
    #[inline]
    fn take(&mut self, entry: u32) -> u32 {
        match self.turns.get_mut((entry & ROW) as usize) {
            Some(mark) if *mark & !MEMBER == self.turn => core::mem::take(mark) & MEMBER,
            _ => 0,
        }
    }

    pub(super) fn byte_count(&self) -> usize {
        4 * self.turns.capacity()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Random lists against maps.
    #[test]
    fn sets_and_changes_equal_those_of_maps() {
        let mut state = 7u64;
        let mut below = |n: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % n
        };
        let mut marks = Marks::default();
        marks.make_room(128);
        for _ in 0..20_000 {
            let mut rows: Vec<u32> = (0..below(24) as u32).collect();
            for n in (1..rows.len()).rev() {
                rows.swap(n, below(n as u64 + 1) as usize);
            }
            let mark = |bit: u64| if bit == 0 { MEMBER } else { 0 };
            let old: Vec<u32> = rows.iter().map(|row| row | mark(below(2))).collect();
            let mut near: Vec<u32> = rows.iter().map(|row| row | mark(below(8))).collect();
            for _ in 0..below(4) {
                match below(3) {
                    0 if !near.is_empty() => drop(near.remove(below(near.len() as u64) as usize)),
                    1 if near.len() > 1 => {
                        let (a, b) = (below(near.len() as u64), below(near.len() as u64));
                        near.swap(a as usize, b as usize);
                    }
                    _ => {
                        let at = below(near.len() as u64 + 1) as usize;
                        near.insert(at, (100 + near.len() as u32) | mark(below(2)));
                    }
                }
            }
            check(&old, &near, &mut marks);
        }
    }

    fn check(old: &[u32], near: &[u32], marks: &mut Marks) {
        let (mut out, mut changes) = (vec![77], Vec::new());
        carry_over(old, near, &mut out, marks, &mut |change| {
            changes.push(change)
        });
        let was: BTreeMap<u32, bool> = old.iter().map(|e| (e & ROW, e & MEMBER != 0)).collect();
        let mut want = vec![77];
        let mut events = Vec::new();
        for entry in near {
            let row = entry & ROW;
            let was_member = was.get(&row) == Some(&true);
            let is_member = was_member || entry & MEMBER != 0;
            want.push(row | if is_member { MEMBER } else { 0 });
            if is_member && !was_member {
                events.push(Change::Entered(row));
            }
        }
        for (row, was_member) in &was {
            if *was_member && near.iter().all(|entry| entry & ROW != *row) {
                events.push(Change::Left(*row));
            }
        }
        let key = |change: &Change| match change {
            Change::Entered(row) => (0, *row),
            Change::Left(row) => (1, *row),
        };
        events.sort_unstable_by_key(key);
        changes.sort_unstable_by_key(key);
        assert_eq!((out, changes), (want, events), "{old:x?} {near:x?}");
    }
}
