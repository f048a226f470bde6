//! The tick of standing queries.

use rayon::prelude::*;

use super::block::{BLOCK_WATCHERS, Block, DEAD, Pass, Worker};
use super::{At, Slot, Waiting, WatchEvents, WatchHandle, Watches};
use crate::ids::EntityId;
use crate::index::view::IndexView;
use crate::planet::Ecef;

/// Up to so many watchers, looking for their entities among all ids is cheaper than sorting the ids.
const WAITING_FEW: usize = 1_024;

impl Watches {
    /// Brings all sets up to date with an index, and replaces `events` by what changed: the same for any number of
    /// threads. Those of the current rayon pool share the blocks of watchers.
    ///
    /// Entities are known by their ids; rows may change from one update to the next. A watcher of 16 members that moves with a
    /// million others costs about 200 ns when rows lie in cell order, half as much again in random order; a fence costs a
    /// query of its region. Allocates only to grow, and to sort watchers anew when enough of them have come, gone or moved away
    /// from their neighbours.
    ///
    /// # Panics
    /// When the index has 2³¹ entities or more.
    pub fn update(&mut self, index: IndexView<'_>, events: &mut WatchEvents) {
        let index = &index;
        assert!(
            index.ids.len() < 1 << 31,
            "rows of members are numbered by 31 bits"
        );
        events.clear();
        self.rows.advance(index.ids);
        self.find_anchors(index.ids);
        if self.is_disordered() {
            self.sort(index);
        }
        self.update_blocks(index);
        for worker in &mut self.workers {
            events.append(&mut worker.events);
        }
        events.sort();
        self.await_lost();
        self.rows.finish(index.ids);
    }

    fn update_blocks(&mut self, index: &IndexView<'_>) {
        let pass = Pass {
            index,
            rows: &self.rows,
            views: &self.views,
        };
        let threads = match self.blocks.len() {
            0 | 1 => 1,
            count => rayon::current_num_threads().min(count),
        };
        if self.workers.len() < threads {
            self.workers.resize_with(threads, Worker::default);
        }
        let run = |worker: &mut Worker, blocks: &mut [Block]| {
            for block in blocks {
                block.update(&pass, worker);
            }
        };
        if threads == 1 {
            run(&mut self.workers[0], &mut self.blocks);
        } else {
            let share = self.blocks.len().div_ceil(threads);
            let shares = self.blocks.par_chunks_mut(share);
            let pairs = shares.zip(self.workers.par_iter_mut());
            pairs.for_each(|(blocks, worker)| run(worker, blocks));
        }
        self.fences.update(&pass, &mut self.workers[0]);
        if self.groups_sorted == 0 {
            self.groups_sorted = self.group_count();
        }
    }

    fn group_count(&self) -> usize {
        self.blocks.iter().map(|block| block.group_count).sum()
    }

    /// Whether it is time to sort watchers: an eighth of them is new or gone, or a quarter more neighbourhoods than after the
    /// last time are needed.
    fn is_disordered(&self) -> bool {
        self.out_of_order * 8 > self.count
            || self.group_count() > self.groups_sorted + self.groups_sorted / 4 + 64
    }

    /// Sorts watchers by cell, and drops those who have been removed.
    fn sort(&mut self, index: &IndexView<'_>) {
        let mut order = Vec::with_capacity(self.count);
        for (b, block) in self.blocks.iter_mut().enumerate() {
            block.place_all(&self.rows, index);
            let live = block.watchers.iter().enumerate();
            let live = live.filter(|(_, watcher)| watcher.slot != DEAD);
            order.extend(
                live.map(|(n, watcher)| {
                    (Ecef(watcher.place).leaf(), watcher.id, b as u32, n as u32)
                }),
            );
        }
        order.sort_unstable();
        let mut blocks: Vec<Block> = Vec::with_capacity(order.len().div_ceil(BLOCK_WATCHERS));
        for (b, run) in (0..).zip(order.chunks(BLOCK_WATCHERS)) {
            let mut block = Block::default();
            for (n, (_, _, old_block, old_n)) in (0..).zip(run) {
                let old = &self.blocks[*old_block as usize];
                let watcher = old.watchers[*old_n as usize];
                self.slots[watcher.slot as usize].at = At::Block { block: b, n };
                block.push(watcher, old.entries(*old_n as usize));
                block.has_lost |= watcher.is_lost();
            }
            blocks.push(block);
        }
        self.blocks = blocks;
        self.out_of_order = 0;
        self.groups_sorted = 0;
    }

    /// Looks for the entities of watchers that wait for them: among those who have just arrived, and among all for a watcher
    /// that is new.
    fn find_anchors(&mut self, ids: &[EntityId]) {
        if self.waiting.is_empty() {
            return;
        }
        self.waiting.sort_unstable();
        self.waiting.dedup();
        let (blocks, slots) = (&mut self.blocks, &self.slots);
        // Of those who were removed or put elsewhere meanwhile, some would wait for ever.
        self.waiting
            .retain(|waiting| place_of_lost(blocks, slots, waiting).is_some());
        settle(&mut self.waiting, self.rows.arrived(), |waiting, row| {
            set_row(blocks, slots, waiting, row)
        });
        if core::mem::take(&mut self.is_waiting_anew) && !self.waiting.is_empty() {
            let all = (0..).zip(ids).map(|(row, id)| (*id, row));
            let mut found: Vec<(EntityId, u32)> = if self.waiting.len() <= WAITING_FEW {
                let waits =
                    |id: &EntityId| self.waiting.binary_search_by_key(id, |w| w.entity).is_ok();
                all.filter(|(id, _)| waits(id)).collect()
            } else {
                all.collect()
            };
            found.sort_unstable();
            settle(&mut self.waiting, &found, |waiting, row| {
                set_row(blocks, slots, waiting, row)
            });
        }
    }

    /// Notes whose entity has gone in this update.
    fn await_lost(&mut self) {
        for block in &mut self.blocks {
            if !core::mem::take(&mut block.has_lost) {
                continue;
            }
            for watcher in block
                .watchers
                .iter()
                .filter(|w| w.slot != DEAD && w.is_lost())
            {
                self.waiting.push(Waiting {
                    entity: watcher.entity,
                    handle: WatchHandle {
                        slot: watcher.slot,
                        generation: self.slots[watcher.slot as usize].generation,
                    },
                });
            }
        }
    }
}

/// Tells rows of those who wait for somebody there, and leaves the others; both ascend by id.
fn settle(
    waiting: &mut Vec<Waiting>,
    there: &[(EntityId, u32)],
    mut tell: impl FnMut(&Waiting, u32),
) {
    let mut there = there.iter().peekable();
    waiting.retain(|waiting| {
        while there.next_if(|(id, _)| *id < waiting.entity).is_some() {}
        match there.peek() {
            Some((id, row)) if *id == waiting.entity => {
                tell(waiting, *row);
                false
            }
            _ => true,
        }
    });
}

/// The block of a watcher and its place there, if it still waits for that entity.
fn place_of_lost(blocks: &[Block], slots: &[Slot], waiting: &Waiting) -> Option<[usize; 2]> {
    let slot = slots[waiting.handle.slot as usize];
    let At::Block { block, n } = slot.at else {
        return None;
    };
    let [block, n] = [block as usize, n as usize];
    let watcher = &blocks[block].watchers[n];
    let waits = slot.generation == waiting.handle.generation
        && watcher.entity == waiting.entity
        && watcher.is_lost();
    waits.then_some([block, n])
}

/// Tells a watcher where its entity is, if it still waits for it.
fn set_row(blocks: &mut [Block], slots: &[Slot], waiting: &Waiting, row: u32) {
    if let Some([block, n]) = place_of_lost(blocks, slots, waiting) {
        let watcher = &mut blocks[block].watchers[n];
        watcher.row = row;
        watcher.is_row_of_now = true;
    }
}
