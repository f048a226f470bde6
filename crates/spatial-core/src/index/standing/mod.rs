//! Standing queries: sets of entities that are kept from tick to tick. Interest, geofences and the senses of NPCs are
//! all this one mechanism.
//!
//! ```text
//!   ──────enter──────┐             outside ──(distance ≤ enter)──► member
//!   ─────────leave───┼──────┐      member ───(distance > leave)──► outside
//!   watcher          │ kept │      between the two radii nothing changes, so a walker on the rim
//!                                  does not flicker
//! ```
//! Watchers lie in blocks, in cell order. Those that are near each other share a neighbourhood: everybody whom one of
//! them might see is gathered once, and each sifts its candidates out of it and compares them with those it had.

mod block;
mod diff;
mod fences;
mod rows;
mod sense;
mod update;
mod widened;

use block::{BLOCK_WATCHERS, Block, DEAD, NO_VIEW, Watcher, Worker};
use diff::{MEMBER, ROW};
use fences::Fences;
use rows::{NOWHERE, RowMap};
use sense::View;

pub use sense::{Anchor, Fence, InvalidSense, Sense, WatcherId};

use crate::ids::EntityId;

/// Watchers, and whom each of them sees.
///
/// A watcher has a [`Sense`] and an [`Anchor`], or is a [`Fence`]. [`Watches::update`] brings all sets up to date with
/// an index and tells what has changed.
///
/// Memory: about 100 bytes a watcher, 4 for each entity within its leaving radius, 40 for a field of view, and 8 to 12 an
/// entity of the index; a million watchers of 19 candidates take 263 MB, with what grew by doubling ([`Watches::byte_count`]).
#[derive(Clone, Debug)]
pub struct Watches {
    blocks: Vec<Block>,
    fences: Fences,
    views: Vec<View>,
    free_views: Vec<u32>,
    slots: Vec<Slot>,
    free_slots: Vec<u32>,
    waiting: Vec<Waiting>,
    is_waiting_anew: bool, // some of them have never been looked for
    rows: RowMap,
    count: usize,
    out_of_order: usize,  // watchers added or removed since they were last sorted
    groups_sorted: usize, // how many groups there were just after they were sorted
    workers: Vec<Worker>,
}

/// The short cut to a watcher, valid until it is removed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct WatchHandle {
    slot: u32,
    generation: u32,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    generation: u32,
    at: At,
}

/// Where a watcher is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    Block { block: u32, n: u32 },
    Fence(u32),
    Free,
}

/// That a watcher sees an entity, or no longer does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Sighting {
    /// Who sees.
    pub watcher: WatcherId,
    /// Who is seen.
    pub entity: EntityId,
}

/// What changed at an update, each ascending by (watcher, entity).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WatchEvents {
    /// Who has come into a set.
    pub entered: Vec<Sighting>,
    /// Who has left one: gone beyond the leaving radius, or gone from the index.
    pub left: Vec<Sighting>,
}

impl WatchEvents {
    fn clear(&mut self) {
        self.entered.clear();
        self.left.clear();
    }

    fn sort(&mut self) {
        self.entered.sort_unstable();
        self.left.sort_unstable();
    }

    /// Takes over the other's events, and gives back what a burst of them took, such as everybody's first update.
    fn append(&mut self, other: &mut Self) {
        for (all, some) in [
            (&mut self.entered, &mut other.entered),
            (&mut self.left, &mut other.left),
        ] {
            let count = some.len();
            all.append(some);
            if some.capacity() > 1 << 16 && some.capacity() / 64 > count {
                some.shrink_to(4 * count);
            }
        }
    }
}

/// An entity in a set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Member {
    /// The entity.
    pub id: EntityId,
    /// Its place in the slices that the index of the last update was built from.
    pub row: u32,
}

impl Default for Watches {
    fn default() -> Self {
        Self::new()
    }
}

impl Watches {
    /// Nobody watches.
    pub fn new() -> Self {
        Self {
            blocks: Vec::new(),
            fences: Fences::default(),
            views: Vec::new(),
            free_views: Vec::new(),
            slots: Vec::new(),
            free_slots: Vec::new(),
            waiting: Vec::new(),
            is_waiting_anew: false,
            rows: RowMap::default(),
            count: 0,
            out_of_order: 0,
            groups_sorted: 0,
            workers: vec![Worker::default()],
        }
    }

    /// Adds a watcher. It sees nobody until the next update.
    ///
    /// Ids should differ; those of twins come mixed in events.
    pub fn watch(&mut self, id: WatcherId, anchor: Anchor, sense: Sense) -> WatchHandle {
        let block = match self.blocks.last() {
            Some(last) if last.watchers.len() < BLOCK_WATCHERS => self.blocks.len() - 1,
            _ => {
                self.blocks.push(Block::default());
                self.blocks.len() - 1
            }
        };
        let n = self.blocks[block].watchers.len() as u32;
        let handle = self.take_slot(At::Block {
            block: block as u32,
            n,
        });
        let view = self.keep_view(sense.view, NO_VIEW);
        let watcher = Watcher {
            id,
            place: glam::DVec3::ZERO,
            enter_m: sense.enter_m,
            leave_m: sense.leave_m,
            slot: handle.slot,
            entity: EntityId(0),
            row: NOWHERE,
            view,
            is_on_entity: false,
            is_row_of_now: false,
        };
        self.blocks[block].push(watcher, &[]);
        self.out_of_order += 1;
        self.anchor(handle, anchor);
        handle
    }

    /// Adds a part of the globe that is watched. It sees nobody until the next update.
    pub fn fence(&mut self, id: WatcherId, fence: Fence) -> WatchHandle {
        let n = self.fences.push(id, fence);
        let handle = self.take_slot(At::Fence(n));
        self.fences.set_slot(n, handle.slot);
        handle
    }

    /// Takes a watcher away, and forgets its set without a word.
    ///
    /// # Errors
    /// [`StaleWatch`] when it has been removed.
    pub fn remove(&mut self, handle: WatchHandle) -> Result<(), StaleWatch> {
        match self.at(handle)? {
            At::Block { block, n } => {
                let watcher = &mut self.blocks[block as usize].watchers[n as usize];
                watcher.slot = DEAD;
                let view = watcher.view;
                self.keep_view(None, view);
                self.out_of_order += 1;
            }
            At::Fence(n) => {
                if let Some(moved) = self.fences.swap_remove(n) {
                    self.slots[moved as usize].at = At::Fence(n);
                }
            }
            At::Free => return Err(StaleWatch),
        }
        let slot = &mut self.slots[handle.slot as usize];
        slot.generation = slot.generation.wrapping_add(1);
        slot.at = At::Free;
        self.free_slots.push(handle.slot);
        self.count -= 1;
        Ok(())
    }

    /// Puts a watcher somewhere else, from the next update on. A fence stays where it is.
    ///
    /// # Errors
    /// [`StaleWatch`] when it has been removed.
    pub fn move_to(&mut self, handle: WatchHandle, anchor: Anchor) -> Result<(), StaleWatch> {
        self.at(handle)?;
        self.anchor(handle, anchor);
        Ok(())
    }

    /// Lets a watcher see otherwise, from the next update on; whom it sees does not change until then. A fence stays
    /// what it is.
    ///
    /// # Errors
    /// [`StaleWatch`] when it has been removed.
    pub fn set_sense(&mut self, handle: WatchHandle, sense: Sense) -> Result<(), StaleWatch> {
        let At::Block { block, n } = self.at(handle)? else {
            return Ok(());
        };
        let view = self.blocks[block as usize].watchers[n as usize].view;
        let view = self.keep_view(sense.view, view);
        let watcher = &mut self.blocks[block as usize].watchers[n as usize];
        (watcher.enter_m, watcher.leave_m) = (sense.enter_m, sense.leave_m);
        watcher.view = view;
        Ok(())
    }

    /// Watchers, fences included.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether nobody watches.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whom a watcher sees, as of the last update, in its iteration order.
    ///
    /// # Errors
    /// [`StaleWatch`] when it has been removed.
    pub fn members(
        &self,
        handle: WatchHandle,
    ) -> Result<impl Iterator<Item = Member> + '_, StaleWatch> {
        let entries = match self.at(handle)? {
            At::Block { block, n } => self.blocks[block as usize].entries(n as usize),
            At::Fence(n) => self.fences.entries(n),
            At::Free => &[],
        };
        let members = entries.iter().filter(|entry| *entry & MEMBER != 0);
        Ok(members.map(|entry| Member {
            id: self.rows.id(entry & ROW),
            row: entry & ROW,
        }))
    }

    /// Panics when handles, watchers and entries contradict each other.
    pub fn assert_well_formed(&self) {
        let mut count = self.fences.len();
        for (b, block) in (0..).zip(&self.blocks) {
            block.assert_well_formed(self.rows.len());
            for (n, watcher) in (0..).zip(&block.watchers) {
                if watcher.slot != DEAD {
                    assert_eq!(
                        self.slots[watcher.slot as usize].at,
                        At::Block { block: b, n }
                    );
                    assert!(watcher.view == NO_VIEW || (watcher.view as usize) < self.views.len());
                    count += 1;
                }
            }
        }
        self.fences.assert_well_formed(self.rows.len());
        let is_free = |slot: &&Slot| slot.at == At::Free;
        assert_eq!(
            self.slots.iter().filter(is_free).count(),
            self.free_slots.len()
        );
        assert_eq!(
            (count, count + self.free_slots.len()),
            (self.count, self.slots.len())
        );
    }

    /// Bytes that it has taken from the heap.
    pub fn byte_count(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(Block::byte_count).sum();
        let workers: usize = self.workers.iter().map(Worker::byte_count).sum();
        let slots = size_of::<Slot>() * self.slots.capacity() + 4 * self.free_slots.capacity();
        let views = size_of::<View>() * self.views.capacity() + 4 * self.free_views.capacity();
        let waiting = size_of::<Waiting>() * self.waiting.capacity();
        let rest = self.fences.byte_count() + self.rows.byte_count();
        blocks + workers + slots + views + waiting + rest
    }

    fn at(&self, handle: WatchHandle) -> Result<At, StaleWatch> {
        match self.slots.get(handle.slot as usize) {
            Some(slot) if slot.generation == handle.generation && slot.at != At::Free => {
                Ok(slot.at)
            }
            _ => Err(StaleWatch),
        }
    }

    fn take_slot(&mut self, at: At) -> WatchHandle {
        self.count += 1;
        if let Some(slot) = self.free_slots.pop() {
            let generation = self.slots[slot as usize].generation;
            self.slots[slot as usize].at = at;
            return WatchHandle { slot, generation };
        }
        self.slots.push(Slot { generation: 0, at });
        let slot = (self.slots.len() - 1) as u32;
        WatchHandle {
            slot,
            generation: 0,
        }
    }

    /// Keeps a view, if there is one, where another was, if there was one.
    fn keep_view(&mut self, view: Option<View>, old: u32) -> u32 {
        match (view, old) {
            (None, NO_VIEW) => NO_VIEW,
            (None, old) => {
                self.free_views.push(old);
                NO_VIEW
            }
            (Some(view), NO_VIEW) => {
                if let Some(n) = self.free_views.pop() {
                    self.views[n as usize] = view;
                    n
                } else {
                    self.views.push(view);
                    (self.views.len() - 1) as u32
                }
            }
            (Some(view), old) => {
                self.views[old as usize] = view;
                old
            }
        }
    }

    fn anchor(&mut self, handle: WatchHandle, anchor: Anchor) {
        let At::Block { block, n } = self.slots[handle.slot as usize].at else {
            return;
        };
        let watcher = &mut self.blocks[block as usize].watchers[n as usize];
        watcher.row = NOWHERE;
        match anchor {
            Anchor::At(place) => {
                watcher.place = place.to_vec();
                watcher.is_on_entity = false;
            }
            Anchor::On(entity) => {
                watcher.entity = entity;
                watcher.is_on_entity = true;
                self.waiting.push(Waiting { entity, handle });
                self.is_waiting_anew = true;
            }
        }
    }
}

/// A watcher whose entity is in no index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Waiting {
    entity: EntityId,
    handle: WatchHandle,
}

/// A handle of a watcher that has been removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the watcher has been removed")]
pub struct StaleWatch;
