//! The roll: who is awake, in the order of blocks. A block is a square of 64 m of a frame's plane.
//!
//! ```text
//! blocks key    k₀       k₁    k₃ …        ascending
//!        first  0        3     5 …
//! roll   row    7  2  9  1  4  12 …        where the agent lies in the table; the order within a block means nothing
//!        x y z                             where it was before the tick: everybody reads these, and writes the table
//! ```
//! From tick to tick few agents leave their block, and the step notes them, so the roll is mended and not sorted: those who stay are
//! copied, block by block, and joined by those who come. An agent that may touch somebody of another block is also a guest there.
//!
//! Nothing that a tick computes depends on the order: sums over neighbours are sums of integers.

mod block;
mod chunk;
mod entries;
mod guest;

use core::ops::Range;

use rayon::prelude::*;

pub(crate) use block::{BLOCK_SHIFT, Block, block_key, corner_of_key, is_beyond, slot_of_key};
pub(crate) use chunk::UNIT;
use chunk::{Arrival, Chunk, Mending, units_of};
pub(crate) use entries::Entries;
use entries::entries_of;
use guest::Visiting;
pub(crate) use guest::{Guest, Guests, visits};

use crate::agent::Tier;
use crate::frames::FrameSlots;
use crate::kinds::Kinds;
use crate::parts::Parts;
use crate::rooms::{equalise, make_room, resize};
use crate::rows::Rows;

/// Entries that one worker mends at a time.
const CHUNK: usize = 8_192;

/// Who is awake, in the order of blocks.
#[derive(Clone, Default)]
pub(crate) struct Roll {
    pub(crate) entries: Entries,
    pub(crate) blocks: Vec<Block>,
    pub(crate) units: Vec<Range<u32>>, // runs of blocks
    pub(crate) guests: Guests,
    /// Where the agent of each entry has gone, x, y and z: the next step's entries.
    pub(crate) ahead: [Vec<i32>; 3],
    /// Entries whose agents may be in another block now.
    pub(crate) moved: Vec<u32>,
    is_doubtful: bool, // all agents may be in other blocks now
    spare: Entries,
    gone: Vec<u32>, // entries that do not stay, ascending
    arrivals: Vec<Arrival>,
    chunks: Vec<Chunk>, // and behind them such as there were
    chunk_count: usize,
    finds: Vec<Vec<u32>>, // scratch of workers
    touched: Vec<u32>,    // rows that came, went, or are others now
    touched_bits: Vec<u64>,
    arrived: usize,   // since rows were put in order
    order: Vec<u32>,  // scratch
    named: Vec<bool>, // scratch
}

impl Roll {
    /// A row came, went, woke, fell asleep, is another agent now, or elsewhere.
    pub(crate) fn touch(&mut self, row: usize) {
        let word = row / 64;
        if self.touched_bits.len() <= word {
            self.touched_bits.resize(word + 1, 0);
        }
        let bit = 1 << (row % 64);
        if self.touched_bits[word] & bit == 0 {
            self.touched_bits[word] |= bit;
            self.touched.push(row as u32);
        }
    }

    /// The same rows are awake, but anywhere and anything.
    pub(crate) fn doubt(&mut self) {
        self.is_doubtful = true;
    }

    /// Forgets everything: all rows must be touched again.
    pub(crate) fn clear(&mut self) {
        self.entries.resize(0);
        self.blocks.clear();
        self.units.clear();
        self.moved.clear();
        self.is_doubtful = false;
        self.touched.clear();
        self.touched_bits.fill(0);
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.rows.len()
    }

    /// Brings the roll up to date with the table.
    pub(crate) fn mend(&mut self, rows: &Rows<'_>, frames: &FrameSlots, kinds: &Kinds) {
        self.find_gone(rows);
        self.collect_arrivals(rows);
        self.cut_chunks();
        self.merge(rows, frames, kinds);
        self.join_blocks();
    }

    /// The entries that do not stay where they are.
    fn find_gone(&mut self, rows: &Rows<'_>) {
        self.gone.clear();
        let some = self.len() / 8;
        make_room(&mut self.gone, some);
        if self.is_doubtful {
            self.moved.clear();
            self.is_doubtful = false;
            self.find_elsewhere(rows);
            self.look_ahead(rows);
        }
        self.gone.append(&mut self.moved);
        if !self.touched.is_empty() {
            self.find_touched();
        }
        self.gone.sort_unstable();
        self.gone.dedup();
    }

    /// Those who are not in their block, wherever they were.
    fn find_elsewhere(&mut self, rows: &Rows<'_>) {
        let (blocks, entries) = (&self.blocks, &self.entries.rows);
        // A row that is no more was touched, too.
        let is_elsewhere = |block: usize, entry: usize| {
            let row = entries[entry] as usize;
            row >= rows.slots.len() || rows.key(row) != blocks[block].key
        };
        let finds = at_least(&mut self.finds, self.units.len());
        let work = (&self.units, finds).into_par_iter();
        work.for_each(|(unit, found)| {
            for block in unit.start as usize..unit.end as usize {
                let entries = entries_of(blocks, block, entries.len());
                let elsewhere = entries.filter(|entry| is_elsewhere(block, *entry));
                found.extend(elsewhere.map(|entry| entry as u32));
            }
        });
        self.finds
            .iter_mut()
            .for_each(|found| self.gone.append(found));
    }

    /// Those whose rows were touched.
    fn find_touched(&mut self) {
        let bits = &self.touched_bits;
        let rows = self.entries.rows.par_chunks(CHUNK);
        let finds = at_least(&mut self.finds, rows.len());
        let work = (rows, finds).into_par_iter().enumerate();
        work.for_each(|(n, (rows, found))| {
            let numbered = (0..).zip(rows);
            let touched = numbered.filter(|(_, row)| is_set(bits, **row as usize));
            found.extend(touched.map(|(at, _): (u32, _)| (n * CHUNK) as u32 + at));
        });
        self.finds
            .iter_mut()
            .for_each(|found| self.gone.append(found));
    }

    /// Those who moved and those who came, ascending.
    fn collect_arrivals(&mut self, rows: &Rows<'_>) {
        self.arrivals.clear();
        let some = self.len() / 8;
        make_room(&mut self.arrivals, some);
        let moved = self
            .gone
            .iter()
            .map(|entry| self.entries.rows[*entry as usize]);
        let moved = moved.filter(|row| !is_set(&self.touched_bits, *row as usize));
        let came = self.touched.iter().copied();
        let came = came.filter(|row| rows.is_awake(*row as usize));
        let arrival = |row: u32| Arrival {
            key: rows.key(row as usize),
            row,
        };
        self.arrivals.extend(moved.chain(came).map(arrival));
        for row in self.touched.drain(..) {
            self.touched_bits[row as usize / 64] = 0;
        }
        self.arrivals.par_sort_unstable();
        self.arrived += self.arrivals.len();
    }

    /// Divides the work: runs of blocks, who leaves them, and who comes.
    fn cut_chunks(&mut self) {
        let (blocks, length) = (&self.blocks, self.entries.rows.len());
        let first_of = |block: usize| blocks.get(block).map_or(length, |b| b.first as usize);
        // All but the last have enough entries; whichever gets more room than ever, the next time it may be another.
        let most = length / CHUNK + 1;
        if self.chunks.len() < most {
            self.chunks.resize_with(most, Chunk::default);
        }
        equalise(&mut self.chunks);
        let (mut count, mut before) = (0, Chunk::default());
        for n in 0..self.units.len().max(1) {
            let end = self.units.get(n).map_or(0, |unit| unit.end as usize);
            let entries = first_of(end) - first_of(before.old.end);
            if n + 1 < self.units.len() && entries < CHUNK {
                continue;
            }
            let gone = self
                .gone
                .partition_point(|entry| (*entry as usize) < first_of(end));
            let next_key = blocks.get(end).map_or(u64::MAX, |block| block.key);
            let come = self
                .arrivals
                .partition_point(|arrival| arrival.key < next_key);
            let chunk = &mut self.chunks[count];
            chunk.old = before.old.end..end;
            chunk.gone = before.gone.end..gone;
            chunk.arrivals = before.arrivals.end..come;
            let left = entries - chunk.gone.len();
            chunk.made = before.made.end..before.made.end + left + chunk.arrivals.len();
            before.old = chunk.old.clone();
            before.gone = chunk.gone.clone();
            before.arrivals = chunk.arrivals.clone();
            before.made = chunk.made.clone();
            count += 1;
        }
        self.chunk_count = count;
    }

    /// Makes the new entries.
    fn merge(&mut self, rows: &Rows<'_>, frames: &FrameSlots, kinds: &Kinds) {
        let chunks = &mut self.chunks[..self.chunk_count];
        let count = chunks.last().map_or(0, |chunk| chunk.made.end);
        self.spare.resize(count);
        let out = self.spare.parts();
        let mending = Mending {
            blocks: &self.blocks,
            entries: &self.entries,
            gone: &self.gone,
            arrivals: &self.arrivals,
            rows,
            places: self.ahead.each_ref().map(|lane| &lane[..]),
        };
        let visiting = Visiting {
            blocks: &self.blocks,
            arrivals: &self.arrivals,
            frames,
            reach: kinds.reach(),
        };
        chunks.par_iter_mut().for_each(|chunk| {
            // SAFETY: chunks' new entries follow one another.
            let part = unsafe { out.part(chunk.made.clone()) };
            chunk.mend(&mending, &visiting, part);
        });
        core::mem::swap(&mut self.entries, &mut self.spare);
    }

    /// Where everybody has gone and what everybody is, from the table.
    fn look_ahead(&mut self, rows: &Rows<'_>) {
        let columns = [rows.body.x, rows.body.y, rows.body.z];
        let named = &self.entries.rows;
        for (lane, column) in self.ahead.iter_mut().zip(columns) {
            lane.resize(named.len(), 0);
            let work = (lane, named).into_par_iter().with_min_len(CHUNK);
            let at = |row: u32| column.get(row as usize).copied().unwrap_or(0);
            work.for_each(|(units, row)| *units = at(*row));
        }
        // The same entity may be of another kind in another past.
        let work = (&mut self.entries.kinds, named)
            .into_par_iter()
            .with_min_len(CHUNK);
        let at = |row: u32| rows.state.kind.get(row as usize).copied().unwrap_or(0);
        work.for_each(|(kind, row)| *kind = at(*row));
    }

    /// Lists the new blocks, units and guests of all chunks.
    fn join_blocks(&mut self) {
        self.guests.clear();
        self.units.clear();
        let units = units_of(self.len()) + self.chunk_count;
        make_room(&mut self.units, units);

        let mut count = 0;
        let chunks = &mut self.chunks[..self.chunk_count];
        self.guests
            .make_room(chunks.iter().map(|chunk| &chunk.guests));
        for chunk in &mut *chunks {
            let first = count as u32;
            let units = chunk.units.iter();
            let units = units.map(|unit| first + unit.start..first + unit.end);
            self.units.extend(units);
            chunk.first_block = count;
            count += chunk.blocks.len();
            self.guests.append(&mut chunk.guests);
        }
        self.guests.sort();
        resize(&mut self.blocks, count, Block::default());
        let out = Parts::new(&mut self.blocks);
        chunks.par_iter().for_each(|chunk| {
            let range = chunk.first_block..chunk.first_block + chunk.blocks.len();
            // SAFETY: chunks' blocks follow one another.
            unsafe { out.slice(range) }.copy_from_slice(&chunk.blocks);
        });
    }

    /// The entries of a block.
    #[inline(always)]
    pub(crate) fn entries_of(&self, block: usize) -> Range<usize> {
        entries_of(&self.blocks, block, self.len())
    }

    /// The entries of the blocks from one key to another, both included.
    pub(crate) fn entries_between(&self, first: u64, last: u64) -> Range<usize> {
        let at = |block: usize| {
            let block = self.blocks.get(block);
            block.map_or(self.len(), |block| block.first as usize)
        };
        let from = self.blocks.partition_point(|block| block.key < first);
        let to = self.blocks.partition_point(|block| block.key <= last);
        at(from)..at(to.max(from))
    }

    /// Whether the roll names exactly the rows that are awake.
    pub(crate) fn names_all(&self, rows: &Rows<'_>) -> bool {
        let tiers = rows.state.tier;
        if self.len() == tiers.len() {
            return !tiers.contains(&Tier::ASLEEP.0);
        }
        let awake = tiers.iter().filter(|tier| Tier(**tier) != Tier::ASLEEP);
        let mut named = self.entries.rows.iter();
        named.all(|row| rows.is_awake(*row as usize)) && awake.count() == self.len()
    }

    /// An order of all rows: those who are awake in the order of the roll, the others after them. The roll names them by their new
    /// places from now on. Only for a roll that is up to date.
    pub(crate) fn order_rows(&mut self, rows: usize) -> &[u32] {
        assert!(self.touched.is_empty());
        self.arrived = 0;
        self.order.clear();
        self.order.extend_from_slice(&self.entries.rows);
        self.named.clear();
        self.named.resize(rows, false);
        for row in &self.entries.rows {
            self.named[*row as usize] = true;
        }
        let named = &self.named;
        self.order
            .extend((0..rows as u32).filter(|row| !named[*row as usize]));
        for (n, row) in self.entries.rows.iter_mut().enumerate() {
            *row = n as u32;
        }
        &self.order
    }

    /// Whether so many have come to where their rows do not lie that putting rows in order pays.
    pub(crate) fn is_disordered(&self) -> bool {
        self.arrived > self.len() / 4 + 1_024
    }
}

/// The first lists, of which there may be more: what they have room for is kept.
pub(crate) fn at_least<T>(lists: &mut Vec<Vec<T>>, count: usize) -> &mut [Vec<T>] {
    if lists.len() < count {
        lists.resize_with(count, Vec::new);
    }
    &mut lists[..count]
}

/// Whether a bit is set; beyond the words none is.
#[inline(always)]
fn is_set(words: &[u64], bit: usize) -> bool {
    words
        .get(bit / 64)
        .is_some_and(|word| word >> (bit % 64) & 1 != 0)
}
