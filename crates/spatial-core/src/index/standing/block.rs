//! Watchers that lie together: a run of them in cell order, and their candidates one after the other.
//!
//! ```text
//! watchers  w0        w1     w2 …          72 bytes each, at most 512
//! ends           4        7     7          where the entries of each end
//! entries   e e e e   e e e                bit 31: member; 31 bits: row; see diff.rs
//! ```
//! An update reads a block once and writes its entries anew into a worker's buffer, which it then keeps in exchange.

use glam::DVec3;

use super::diff::{Change, MEMBER, Marks, ROW, carry_over};
use super::rows::{NOWHERE, RowMap};
use super::sense::{View, WatcherId};
use super::{Sighting, WatchEvents};
use crate::ids::EntityId;
use crate::index::neighbourhood::Neighbourhood;
use crate::index::sift::{INNER, Probe, sift};
use crate::index::view::IndexView;
use crate::planet::Ecef;

/// Watchers in a block: the unit of work, of which threads have several even where there are only some thousand watchers.
pub(super) const BLOCK_WATCHERS: usize = 512;

/// No slot: the watcher has been removed.
pub(super) const DEAD: u32 = u32::MAX;
/// All around.
pub(super) const NO_VIEW: u32 = u32::MAX;

/// A watcher that has a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watcher {
    pub(super) id: WatcherId,
    pub(super) place: DVec3,
    pub(super) enter_m: f64,
    pub(super) leave_m: f64,
    pub(super) entity: EntityId, // the one that it is on
    pub(super) slot: u32,        // of its handle, or DEAD
    pub(super) view: u32,        // or NO_VIEW
    pub(super) row: u32,         // of its entity as of the last update, or NOWHERE
    pub(super) is_on_entity: bool,
    pub(super) is_row_of_now: bool, // the row has been brought up to date already
}

const _: () = assert!(size_of::<Watcher>() == 72);

#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    pub(super) watchers: Vec<Watcher>,
    pub(super) ends: Vec<u32>,
    pub(super) entries: Vec<u32>,
    pub(super) group_count: usize, // of the last update
    pub(super) has_lost: bool,     // somebody's entity has gone in the last update
}

/// What all blocks of an update share.
pub(super) struct Pass<'a> {
    pub(super) index: &'a IndexView<'a>,
    pub(super) rows: &'a RowMap,
    pub(super) views: &'a [View],
}

/// Scratch space and events of one thread.
#[derive(Clone, Debug, Default)]
pub(super) struct Worker {
    hood: Neighbourhood,
    pub(super) near: Vec<u32>,
    translated: Vec<u32>,
    marks: Marks,
    pub(super) entries: Vec<u32>, // of the block that is being updated
    pub(super) events: WatchEvents,
}

/// Watchers that share a neighbourhood.
struct Group {
    count: usize,
    center: DVec3,
    reach_m: f64,
}

/// Half the extent of a group, as a part of its first watcher's reach. More shares more look-ups, and
/// makes everybody look at more candidates.
const GROUP_EXTENT: f64 = 0.75;

impl Block {
    pub(super) fn push(&mut self, watcher: Watcher, entries: &[u32]) {
        self.watchers.push(watcher);
        self.entries.extend_from_slice(entries);
        self.ends.push(self.entries.len() as u32);
    }

    /// The entries of a watcher.
    pub(super) fn entries(&self, n: usize) -> &[u32] {
        let start = n.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.entries[start as usize..self.ends[n] as usize]
    }

    pub(super) fn assert_well_formed(&self, row_count: usize) {
        assert_eq!(self.watchers.len(), self.ends.len());
        assert!(self.watchers.len() <= BLOCK_WATCHERS && self.ends.is_sorted());
        assert_eq!(
            self.ends.last().map_or(0, |end| *end as usize),
            self.entries.len()
        );
        for (n, watcher) in self.watchers.iter().enumerate() {
            assert!(watcher.enter_m >= 0.0 && watcher.enter_m <= watcher.leave_m);
            assert!(watcher.row == NOWHERE || (watcher.row as usize) < row_count);
            assert_entries(self.entries(n), row_count);
        }
    }

    pub(super) fn byte_count(&self) -> usize {
        let watchers = size_of::<Watcher>() * self.watchers.capacity();
        watchers + 4 * (self.ends.capacity() + self.entries.capacity())
    }

    /// Brings all sets of the block up to date.
    pub(super) fn update(&mut self, pass: &Pass<'_>, worker: &mut Worker) {
        self.place_all(pass.rows, pass.index);
        worker.entries.clear();
        self.group_count = 0;
        let (mut at, mut start) = (0, 0);
        while at < self.watchers.len() {
            let group = self.group(at);
            self.group_count += 1;
            if group.reach_m >= 0.0 {
                let ball = (group.center, group.reach_m);
                worker.hood.gather(pass.index, ball, 0);
            }
            for n in at..at + group.count {
                self.watchers[n].is_row_of_now = false;
                let watcher = self.watchers[n];
                worker.look(pass, &watcher, group.reach_m >= 0.0);
                let end = self.ends[n] as usize;
                if watcher.slot != DEAD {
                    worker.compare(pass, watcher.id, &self.entries[start..end]);
                }
                start = end;
                self.ends[n] = worker.entries.len() as u32;
            }
            at += group.count;
        }
        core::mem::swap(&mut self.entries, &mut worker.entries);
    }

    /// Takes watchers to their entities. The second time within an update it does nothing.
    pub(super) fn place_all(&mut self, rows: &RowMap, index: &IndexView<'_>) {
        for watcher in &mut self.watchers {
            if watcher.row == NOWHERE {
                continue;
            }
            if !core::mem::replace(&mut watcher.is_row_of_now, true) {
                watcher.row = rows.now(watcher.row);
            }
            if watcher.row == NOWHERE {
                self.has_lost = true;
            } else {
                watcher.place = index.places[watcher.row as usize].to_vec();
            }
        }
    }

    /// The watchers from one on that are near each other and see about as far. One who sees nobody is a group of its own,
    /// of negative reach.
    fn group(&self, at: usize) -> Group {
        let first = &self.watchers[at];
        if !first.sees() {
            return Group {
                count: 1,
                center: first.place,
                reach_m: -1.0,
            };
        }
        let extent_max_m = first.leave_m * GROUP_EXTENT;
        let (mut lo, mut hi) = (first.place, first.place);
        let mut leave_m = first.leave_m;
        let mut count = 1;
        for next in &self.watchers[at + 1..] {
            let (lower, upper) = (lo.min(next.place), hi.max(next.place));
            let fits = next.sees()
                && next.leave_m <= first.leave_m * 1.5
                && (upper - lower).length() <= 2.0 * extent_max_m;
            if !fits {
                break;
            }
            (lo, hi) = (lower, upper);
            leave_m = leave_m.max(next.leave_m);
            count += 1;
        }
        let extent_m = (hi - lo).length() / 2.0;
        Group {
            count,
            center: (lo + hi) / 2.0,
            // Wider than any rounding of what comes from centre and extent.
            reach_m: (leave_m + extent_m) * (1.0 + 1e-12)
                + hi.abs().max(lo.abs()).max_element() * 1e-14,
        }
    }
}

/// Rows exist, and none is there twice.
pub(super) fn assert_entries(entries: &[u32], row_count: usize) {
    let mut rows: Vec<u32> = entries.iter().map(|entry| entry & ROW).collect();
    rows.sort_unstable();
    assert!(rows.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(rows.last().is_none_or(|row| (*row as usize) < row_count));
}

impl Watcher {
    fn sees(&self) -> bool {
        self.slot != DEAD && !self.is_lost()
    }

    /// Whether it is on an entity that is in no index.
    pub(super) fn is_lost(&self) -> bool {
        self.is_on_entity && self.row == NOWHERE
    }
}

impl Worker {
    pub(super) fn byte_count(&self) -> usize {
        let lanes = [&self.near, &self.translated, &self.entries];
        let lanes: usize = lanes.iter().map(|lane| 4 * lane.capacity()).sum();
        let events = self.events.entered.capacity() + self.events.left.capacity();
        let rest = self.hood.byte_count() + self.marks.byte_count();
        lanes + events * size_of::<Sighting>() + rest
    }

    /// Finds a watcher's candidates of now.
    fn look(&mut self, pass: &Pass<'_>, watcher: &Watcher, sees: bool) {
        self.near.clear();
        if !sees {
            return;
        }
        let offset = (watcher.place - self.hood.center()).to_array();
        let probe = Probe::new(&self.hood, offset, watcher.leave_m, watcher.enter_m);
        let center = Ecef(watcher.place);
        let distance_m = |row| pass.index.places[row as usize].distance_m(center);
        sift(
            pass.index.index.simd,
            (&self.hood, 0),
            &probe,
            &mut self.near,
            distance_m,
        );
        if watcher.view != NO_VIEW {
            self.narrow(pass, watcher);
        }
    }

    /// Leaves those in the field of view.
    fn narrow(&mut self, pass: &Pass<'_>, watcher: &Watcher) {
        let view = &pass.views[watcher.view as usize];
        self.near.retain_mut(|entry| {
            let place = pass.index.places[(*entry & ROW) as usize].to_vec();
            let (enters, stays) = view.sees(place - watcher.place);
            if !enters {
                *entry &= !INNER;
            }
            stays
        });
    }

    /// Appends the entries of now of who has found those in `near`, and tells the events.
    pub(super) fn compare(&mut self, pass: &Pass<'_>, id: WatcherId, old: &[u32]) {
        let events = &mut self.events;
        let sighting = |entity| Sighting {
            watcher: id,
            entity,
        };
        let mut old = old;
        if !pass.rows.is_same() {
            self.translated.clear();
            for entry in old {
                let row = pass.rows.now(entry & ROW);
                if row != NOWHERE {
                    self.translated.push(row | entry & MEMBER);
                } else if entry & MEMBER != 0 {
                    events.left.push(sighting(pass.rows.id(entry & ROW)));
                }
            }
            old = &self.translated;
        }
        let ids = pass.index.ids;
        self.marks.make_room(ids.len());
        let (entries, marks) = (&mut self.entries, &mut self.marks);
        carry_over(
            old,
            &self.near,
            entries,
            marks,
            &mut |change| match change {
                Change::Entered(row) => events.entered.push(sighting(ids[row as usize])),
                Change::Left(row) => events.left.push(sighting(ids[row as usize])),
            },
        );
    }
}
