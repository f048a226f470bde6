//! The roll's columns, which workers fill in parts.

use core::ops::Range;

use super::block::Block;
use super::chunk::Mending;
use super::guest::Guest;
use crate::contacts::BlockAgents;
use crate::parts::Parts;
use crate::rooms::resize;
use crate::rows::Rows;

/// The roll's columns.
#[derive(Clone, Default)]
pub(crate) struct Entries {
    pub(crate) rows: Vec<u32>,
    pub(crate) x: Vec<i32>,
    pub(crate) y: Vec<i32>,
    pub(crate) z: Vec<i32>,
    pub(crate) kinds: Vec<u16>,
}

impl Entries {
    /// Those of a block, with its guests.
    #[inline(always)]
    pub(crate) fn block<'a>(&'a self, own: Range<usize>, guests: &'a [Guest]) -> BlockAgents<'a> {
        BlockAgents {
            rows: &self.rows[own.clone()],
            x: &self.x[own.clone()],
            y: &self.y[own.clone()],
            z: &self.z[own.clone()],
            kinds: &self.kinds[own],
            guests,
        }
    }

    pub(super) fn resize(&mut self, length: usize) {
        resize(&mut self.rows, length, 0);
        resize(&mut self.x, length, 0);
        resize(&mut self.y, length, 0);
        resize(&mut self.z, length, 0);
        resize(&mut self.kinds, length, 0);
    }

    pub(super) fn parts(&mut self) -> EntryParts<'_> {
        EntryParts {
            rows: Parts::new(&mut self.rows),
            x: Parts::new(&mut self.x),
            y: Parts::new(&mut self.y),
            z: Parts::new(&mut self.z),
            kinds: Parts::new(&mut self.kinds),
        }
    }
}

/// Entries that workers fill in parts.
pub(super) struct EntryParts<'a> {
    rows: Parts<'a, u32>,
    x: Parts<'a, i32>,
    y: Parts<'a, i32>,
    z: Parts<'a, i32>,
    kinds: Parts<'a, u16>,
}

impl<'a> EntryParts<'a> {
    /// Entries that one worker fills.
    ///
    /// # Safety
    /// Nobody else has any of them while the part lives.
    pub(super) unsafe fn part(&self, range: Range<usize>) -> EntryPart<'a> {
        // SAFETY: as the caller promises.
        unsafe {
            EntryPart {
                rows: self.rows.slice(range.clone()),
                x: self.x.slice(range.clone()),
                y: self.y.slice(range.clone()),
                z: self.z.slice(range.clone()),
                kinds: self.kinds.slice(range),
            }
        }
    }
}

/// Some entries, filled one after the other.
pub(super) struct EntryPart<'a> {
    rows: &'a mut [u32],
    x: &'a mut [i32],
    y: &'a mut [i32],
    z: &'a mut [i32],
    kinds: &'a mut [u16],
}

impl EntryPart<'_> {
    /// Copies who stays, from `at` on.
    #[inline(always)]
    pub(super) fn copy(&mut self, at: usize, from: &Mending<'_>, range: Range<usize>) {
        let to = at..at + range.len();
        self.rows[to.clone()].copy_from_slice(&from.entries.rows[range.clone()]);
        self.kinds[to.clone()].copy_from_slice(&from.entries.kinds[range.clone()]);
        let [x, y, z] = from.places;
        self.x[to.clone()].copy_from_slice(&x[range.clone()]);
        self.y[to.clone()].copy_from_slice(&y[range.clone()]);
        self.z[to].copy_from_slice(&z[range]);
    }

    /// Those that were written.
    pub(super) fn get(&self, range: Range<usize>) -> OwnEntries<'_> {
        OwnEntries {
            rows: &self.rows[range.clone()],
            x: &self.x[range.clone()],
            y: &self.y[range.clone()],
            z: &self.z[range.clone()],
            kinds: &self.kinds[range],
        }
    }

    /// Writes one.
    #[inline(always)]
    pub(super) fn put(&mut self, at: usize, row: u32, rows: &Rows<'_>) {
        self.rows[at] = row;
        [self.x[at], self.y[at], self.z[at]] = rows.xyz(row as usize);
        self.kinds[at] = rows.kind(row as usize);
    }
}

/// Entries of one block, as they are new.
pub(super) struct OwnEntries<'a> {
    pub(super) rows: &'a [u32],
    pub(super) x: &'a [i32],
    pub(super) y: &'a [i32],
    pub(super) z: &'a [i32],
    pub(super) kinds: &'a [u16],
}

/// The entries of a block, of which there are so many.
#[inline(always)]
pub(super) fn entries_of(blocks: &[Block], block: usize, count: usize) -> Range<usize> {
    let next = blocks.get(block + 1);
    blocks[block].first as usize..next.map_or(count, |next| next.first as usize)
}
