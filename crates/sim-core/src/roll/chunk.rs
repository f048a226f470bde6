//! A run of blocks that one worker mends.

use core::ops::Range;

use super::block::Block;
use super::entries::{Entries, EntryPart, entries_of};
use super::guest::{Guests, Visiting};
use crate::rooms::{Room, grow, make_room};
use crate::rows::Rows;

/// Entries that one worker moves at a time, at least where there are so many.
pub(crate) const UNIT: usize = 1_024;

/// Units that so many entries make at most, but for what is left over.
pub(super) fn units_of(entries: usize) -> usize {
    entries / UNIT
}

/// Somebody who comes into a block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrival {
    pub(super) key: u64,
    pub(super) row: u32,
}

/// What a worker mends, and what it makes of it.
#[derive(Clone, Default)]
pub(super) struct Chunk {
    pub(super) old: Range<usize>,      // blocks
    pub(super) gone: Range<usize>,     // of the list of entries
    pub(super) arrivals: Range<usize>, // of the list
    pub(super) made: Range<usize>,     // entries of the new roll
    pub(super) blocks: Vec<Block>,
    pub(super) first_block: usize,     // among those of all chunks
    pub(super) units: Vec<Range<u32>>, // of its own blocks
    pub(super) guests: Guests,
}

/// What all workers read.
pub(super) struct Mending<'a> {
    pub(super) blocks: &'a [Block],
    pub(super) entries: &'a Entries,
    pub(super) gone: &'a [u32],
    pub(super) arrivals: &'a [Arrival],
    pub(super) rows: &'a Rows<'a>,
    pub(super) places: [&'a [i32]; 3], // where those who stay are now
}

impl Chunk {
    /// Merges those who stay with those who come, block by block, and finds out where they are guests.
    pub(super) fn mend(&mut self, of: &Mending<'_>, visiting: &Visiting<'_>, part: EntryPart<'_>) {
        self.blocks.clear();
        make_room(&mut self.blocks, 2 * self.old.len());
        let mut gone = &of.gone[self.gone.clone()];
        let mut arrivals = &of.arrivals[self.arrivals.clone()];
        let mut old = self.old.clone();
        let mut filling = Filling {
            part,
            of,
            at: 0,
            from: 0..0,
            due: 0,
        };
        loop {
            let here = (!old.is_empty()).then(|| of.blocks[old.start].key);
            let come = arrivals.first().map(|arrival| arrival.key);
            let Some(key) = [here, come].into_iter().flatten().min() else {
                break;
            };
            let first = filling.at;
            if here == Some(key) {
                let entries = entries_of(of.blocks, old.start, of.entries.rows.len());
                filling.stay(entries, &mut gone);
                old.start += 1;
            }
            while let Some(arrival) = arrivals.split_off_first_if(|arrival| arrival.key == key) {
                filling.come(arrival.row);
            }
            if filling.at > first {
                self.blocks.push(Block {
                    key,
                    first: (self.made.start + first) as u32,
                });
            }
        }
        filling.copy();
        let (part, count) = (filling.part, filling.at);
        debug_assert_eq!(count, self.made.len());
        self.guests.clear();
        self.guests.reserve(count);
        let first_of = |block: &Block| block.first as usize - self.made.start;
        for (n, block) in self.blocks.iter().enumerate() {
            let end = self.blocks.get(n + 1).map_or(count, first_of);
            let own = part.get(first_of(block)..end);
            visiting.find(block.key, &own, &mut self.guests);
        }
        self.cut_units();
    }

    /// Runs of blocks with enough entries for a worker; what is left over goes with the last one.
    fn cut_units(&mut self) {
        self.units.clear();
        make_room(&mut self.units, units_of(self.made.len()) + 1);
        let (mut start, mut first) = (0, self.made.start);
        for (n, block) in self.blocks.iter().enumerate() {
            if block.first as usize - first >= UNIT && self.made.end - block.first as usize >= UNIT
            {
                self.units.push(start..n as u32);
                (start, first) = (n as u32, block.first as usize);
            }
        }
        if !self.blocks.is_empty() {
            self.units.push(start..self.blocks.len() as u32);
        }
    }
}

impl Room for Chunk {
    fn grow_to(&mut self, other: &Self) {
        grow(&mut self.blocks, &other.blocks);
        grow(&mut self.units, &other.units);
        self.guests.grow_to(&other.guests);
    }
}

/// New entries, filled one after the other; those who stay and follow one another are copied at once.
struct Filling<'a, 'b> {
    part: EntryPart<'b>,
    of: &'a Mending<'a>,
    at: usize,          // where the next one goes
    from: Range<usize>, // entries that are not copied yet
    due: usize,         // where they go
}

impl Filling<'_, '_> {
    /// A block's entries but those who are gone.
    #[inline(always)]
    fn stay(&mut self, mut entries: Range<usize>, gone: &mut &[u32]) {
        while let Some(next) = gone.split_off_first_if(|entry| (*entry as usize) < entries.end) {
            self.add(entries.start..next as usize);
            entries.start = next as usize + 1;
        }
        self.add(entries);
    }

    #[inline(always)]
    fn add(&mut self, entries: Range<usize>) {
        let follows = entries.start == self.from.end && self.at == self.due + self.from.len();
        if !follows {
            self.copy();
            (self.from.start, self.due) = (entries.start, self.at);
        }
        self.from.end = entries.end;
        self.at += entries.len();
    }

    /// Copies what is not copied yet.
    fn copy(&mut self) {
        self.part.copy(self.due, self.of, self.from.clone());
    }

    /// Somebody new.
    fn come(&mut self, row: u32) {
        self.part.put(self.at, row, self.of.rows);
        self.at += 1;
    }
}

trait SplitOffFirstIf<T> {
    /// Takes the first one off if it is asked for.
    fn split_off_first_if(&mut self, is_asked: impl FnOnce(&T) -> bool) -> Option<T>;
}

impl<T: Copy> SplitOffFirstIf<T> for &[T] {
    fn split_off_first_if(&mut self, is_asked: impl FnOnce(&T) -> bool) -> Option<T> {
        let (first, rest) = self.split_first().filter(|(first, _)| is_asked(first))?;
        *self = rest;
        Some(*first)
    }
}
