//! Watched parts of the globe.

use super::block::{Pass, Worker, assert_entries};
use super::sense::{Fence, WatcherId};
use crate::index::sift::INNER;
use crate::index::view::IndexView;

/// Fences and their candidates.
#[derive(Clone, Debug, Default)]
pub(super) struct Fences {
    all: Vec<Watched>,
    inside: Vec<u32>, // scratch
    wider: Vec<u32>,  // scratch
}

#[derive(Clone, Debug)]
struct Watched {
    id: WatcherId,
    fence: Fence,
    slot: u32,         // of its handle
    entries: Vec<u32>, // see diff.rs
}

impl Fences {
    /// Adds one, and says which it is.
    pub(super) fn push(&mut self, id: WatcherId, fence: Fence) -> u32 {
        self.all.push(Watched {
            id,
            fence,
            slot: 0,
            entries: Vec::new(),
        });
        (self.all.len() - 1) as u32
    }

    pub(super) fn set_slot(&mut self, n: u32, slot: u32) {
        self.all[n as usize].slot = slot;
    }

    /// Removes one. The last takes its place: its slot.
    pub(super) fn swap_remove(&mut self, n: u32) -> Option<u32> {
        self.all.swap_remove(n as usize);
        self.all.get(n as usize).map(|moved| moved.slot)
    }

    pub(super) fn entries(&self, n: u32) -> &[u32] {
        &self.all[n as usize].entries
    }

    pub(super) fn update(&mut self, pass: &Pass<'_>, worker: &mut Worker) {
        for watched in &mut self.all {
            let near = &mut worker.near;
            near.clear();
            watched
                .fence
                .look(pass.index, &mut self.inside, &mut self.wider, near);
            worker.entries.clear();
            worker.compare(pass, watched.id, &watched.entries);
            core::mem::swap(&mut watched.entries, &mut worker.entries);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn assert_well_formed(&self, row_count: usize) {
        for watched in &self.all {
            assert_entries(&watched.entries, row_count);
        }
    }

    pub(super) fn byte_count(&self) -> usize {
        let entries = |watched: &Watched| 4 * watched.entries.capacity();
        let kept: usize = self.all.iter().map(entries).sum();
        kept + self.all.capacity() * size_of::<Watched>()
            + 4 * (self.inside.capacity() + self.wider.capacity())
    }
}

impl Fence {
    /// Finds its candidates in iteration order: those in the region marked, and those in its margin.
    fn look(
        &self,
        index: &IndexView<'_>,
        inside: &mut Vec<u32>,
        wider: &mut Vec<u32>,
        near: &mut Vec<u32>,
    ) {
        index.region_slots(&*self.enter, inside);
        wider.clear();
        if let Some(leave) = &self.leave {
            index.region_slots(&**leave, wider);
        }
        let rows = &index.index.order.rows;
        let (mut inside, mut wider) = (inside.iter().peekable(), wider.iter().peekable());
        while let Some(slot) = least(inside.peek(), wider.peek()) {
            wider.next_if(|other| **other == slot);
            let is_inside = inside.next_if(|other| **other == slot).is_some();
            near.push(rows[slot as usize] | if is_inside { INNER } else { 0 });
        }
    }
}

fn least(a: Option<&&u32>, b: Option<&&u32>) -> Option<u32> {
    match (a, b) {
        (Some(a), Some(b)) => Some(**a.min(b)),
        (a, b) => a.or(b).map(|slot| **slot),
    }
}
