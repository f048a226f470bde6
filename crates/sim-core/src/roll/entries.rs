//! The roll's columns, which workers fill in parts.

use core::ops::Range;

use super::block::Block;
use crate::parts::Parts;
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
    pub(super) fn resize(&mut self, length: usize) {
        self.rows.resize(length, 0);
        self.x.resize(length, 0);
        self.y.resize(length, 0);
        self.z.resize(length, 0);
        self.kinds.resize(length, 0);
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
    /// Copies who stays, from `at` on; where they are now the table knows.
    #[inline(always)]
    pub(super) fn copy(&mut self, at: usize, from: &Entries, range: Range<usize>, rows: &Rows<'_>) {
        let to = at..at + range.len();
        self.kinds[to.clone()].copy_from_slice(&from.kinds[range.clone()]);
        let named = &from.rows[range];
        self.rows[to.clone()].copy_from_slice(named);
        let lanes = [&mut *self.x, &mut *self.y, &mut *self.z];
        let columns = [rows.body.x, rows.body.y, rows.body.z];
        for (lane, column) in lanes.into_iter().zip(columns) {
            for (out, row) in lane[to.clone()].iter_mut().zip(named) {
                *out = column[*row as usize];
            }
        }
    }

    /// Writes one.
    #[inline(always)]
    pub(super) fn put(&mut self, at: usize, row: u32, rows: &Rows<'_>) {
        self.rows[at] = row;
        [self.x[at], self.y[at], self.z[at]] = rows.xyz(row as usize);
        self.kinds[at] = rows.kind(row as usize);
    }

    pub(super) fn row(&self, at: usize) -> u32 {
        self.rows[at]
    }

    pub(super) fn xyz(&self, at: usize) -> [i32; 3] {
        [self.x[at], self.y[at], self.z[at]]
    }

    pub(super) fn kind(&self, at: usize) -> u16 {
        self.kinds[at]
    }
}

/// The entries of a block, of which there are so many.
#[inline(always)]
pub(super) fn entries_of(blocks: &[Block], block: usize, count: usize) -> Range<usize> {
    let next = blocks.get(block + 1);
    blocks[block].first as usize..next.map_or(count, |next| next.first as usize)
}
