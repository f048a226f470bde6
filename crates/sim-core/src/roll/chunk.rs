//! A run of blocks that one worker mends.

use core::ops::Range;

use super::block::Block;
use super::entries::{Entries, EntryPart, entries_of};
use super::guest::Guest;
use crate::rows::Rows;

/// Entries that one worker moves at a time, at least where there are so many.
const UNIT: usize = 1_024;

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
    pub(super) guests: Vec<Guest>,
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
    /// Merges those who stay with those who come, block by block.
    pub(super) fn mend(&mut self, of: &Mending<'_>, mut part: EntryPart<'_>) {
        self.blocks.clear();
        let mut gone = &of.gone[self.gone.clone()];
        let mut arrivals = &of.arrivals[self.arrivals.clone()];
        let (mut old, mut at) = (self.old.clone(), 0);
        loop {
            let here = (!old.is_empty()).then(|| of.blocks[old.start].key);
            let come = arrivals.first().map(|arrival| arrival.key);
            let Some(key) = [here, come].into_iter().flatten().min() else {
                break;
            };
            let first = at;
            if here == Some(key) {
                let entries = entries_of(of.blocks, old.start, of.entries.rows.len());
                at += stay(&mut part, at, of, entries, &mut gone);
                old.start += 1;
            }
            while let Some(arrival) = arrivals.split_off_first_if(|arrival| arrival.key == key) {
                part.put(at, arrival.row, of.rows);
                at += 1;
            }
            if at > first {
                self.blocks.push(Block {
                    key,
                    first: (self.made.start + first) as u32,
                });
            }
        }
        debug_assert_eq!(at, self.made.len());
        self.cut_units();
    }

    /// Runs of blocks with enough entries for a worker; what is left over goes with the last one.
    fn cut_units(&mut self) {
        self.units.clear();
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

/// Copies a block's entries but those who are gone; gives how many.
#[inline(always)]
fn stay(
    part: &mut EntryPart<'_>,
    first: usize,
    of: &Mending<'_>,
    mut entries: Range<usize>,
    gone: &mut &[u32],
) -> usize {
    let mut at = first;
    while !entries.is_empty() {
        let next = gone.first().map_or(usize::MAX, |entry| *entry as usize);
        let until = next.min(entries.end);
        part.copy(at, of, entries.start..until);
        at += until - entries.start;
        entries.start = until;
        if until < entries.end {
            entries.start += 1;
            *gone = &gone[1..];
        }
    }
    at - first
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
