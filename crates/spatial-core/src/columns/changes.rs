//! Which rows of a column have changed since somebody last looked.
//!
//! ```text
//! set, lanes_mut, … ──► pending ──┬─► what consumer a has not seen yet
//!                                 └─► what consumer b has not seen yet
//! ```
//! A write marks one set, however many consumers there are; the marks are handed out when one of them looks. A column
//! without consumers keeps no sets and its writes mark nothing. Consumers are not saved: after a load each registers
//! again, and has seen nothing.

use core::ops::Range;

use super::bits::{Bits, BitsMut};
use super::moves::Move;

/// Most consumers of a column: each has a set of its own.
pub(crate) const CONSUMERS_MAX: usize = 16;

/// Somebody who wants to know which rows of one column have changed; see [`Table::add_consumer`](super::Table::add_consumer).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Consumer {
    pub(crate) column: u32,
    pub(crate) serial: u32, // differs for all consumers that a table ever had
}

/// The column has as many consumers as it can have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the column has {CONSUMERS_MAX} consumers already")]
pub struct ConsumersFull;

/// The consumer has been removed, or the table has none like it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("unknown consumer of changes")]
pub struct UnknownConsumer;

/// The changes of one column.
#[derive(Clone, Default)]
pub(crate) struct Changes {
    pending: Bits, // marked and not handed out yet; without rows while there are no consumers
    consumers: Vec<(u32, Bits)>, // serial, and what it has not seen; at most CONSUMERS_MAX
}

impl Changes {
    /// Adds a consumer who has seen none of the rows yet.
    pub(crate) fn add(&mut self, serial: u32, rows: usize) -> Result<(), ConsumersFull> {
        if self.consumers.len() >= CONSUMERS_MAX {
            return Err(ConsumersFull);
        }
        if self.consumers.is_empty() {
            self.pending = Bits::none(rows);
        }
        self.consumers.push((serial, Bits::all(rows)));
        Ok(())
    }

    /// Removes a consumer.
    pub(crate) fn remove(&mut self, serial: u32) -> Result<(), UnknownConsumer> {
        let place = self.place(serial)?;
        self.consumers.swap_remove(place);
        if self.consumers.is_empty() {
            *self = Self::default();
        }
        Ok(())
    }

    /// What a consumer has not seen yet, ascending, and forgets it.
    #[inline]
    pub(crate) fn drain(
        &mut self,
        serial: u32,
        each: impl FnMut(usize),
    ) -> Result<(), UnknownConsumer> {
        let place = self.place(serial)?;
        for (n, (_, unseen)) in self.consumers.iter_mut().enumerate() {
            if n != place {
                unseen.absorb(&self.pending);
            }
        }
        let own = &mut self.consumers[place].1;
        if own.is_empty() {
            core::mem::swap(own, &mut self.pending); // nothing is copied for a single consumer
        } else {
            own.absorb(&self.pending);
            self.pending.clear();
        }
        own.drain(each);
        Ok(())
    }

    fn place(&self, serial: u32) -> Result<usize, UnknownConsumer> {
        let mut all = self.consumers.iter();
        all.position(|(s, _)| *s == serial).ok_or(UnknownConsumer)
    }

    /// Marks a row.
    #[inline]
    pub(crate) fn mark(&mut self, row: usize) {
        if !self.consumers.is_empty() {
            self.pending.insert(row);
        }
    }

    /// Marks rows.
    pub(crate) fn mark_range(&mut self, rows: Range<usize>) {
        if !self.consumers.is_empty() {
            self.pending.insert_range(rows);
        }
    }

    /// All rows, for the writer to mark.
    pub(crate) fn marks(&mut self) -> Marks<'_> {
        let is_read = !self.consumers.is_empty();
        Marks(is_read.then(|| self.pending.view_mut()))
    }

    /// Makes room for more rows.
    pub(crate) fn reserve(&mut self, more: usize) {
        if !self.consumers.is_empty() {
            self.each_set(|set| set.reserve(more));
        }
    }

    /// Appends changed rows.
    pub(crate) fn grow(&mut self, rows: Range<usize>) {
        if !self.consumers.is_empty() {
            self.each_set(|set| set.resize(rows.end));
            self.pending.insert_range(rows);
        }
    }

    /// Follows rows that move into gaps; moving is no change.
    pub(crate) fn compact(&mut self, moves: &[Move], rows: usize) {
        if !self.consumers.is_empty() {
            self.each_set(|set| set.compact(moves, rows));
        }
    }

    /// Row n becomes what row `order[n]` was, which is no change.
    pub(crate) fn reorder(&mut self, order: &[u32], spare: &mut Vec<u64>) {
        if !self.consumers.is_empty() {
            self.each_set(|set| set.reorder(order, spare));
        }
    }

    fn each_set(&mut self, mut act: impl FnMut(&mut Bits)) {
        act(&mut self.pending);
        self.consumers.iter_mut().for_each(|(_, set)| act(set));
    }

    /// Panics unless all sets are over this many rows.
    pub(crate) fn assert_well_formed(&self, rows: usize) {
        let pending = if self.consumers.is_empty() { 0 } else { rows };
        self.pending.assert_well_formed(pending);
        for (n, (serial, set)) in self.consumers.iter().enumerate() {
            set.assert_well_formed(rows);
            assert!(self.consumers[..n].iter().all(|(s, _)| s != serial));
        }
    }
}

/// Where a writer says which rows it has changed, counted from the first row that it was given.
///
/// A row that is written and not marked is a change that no consumer learns of.
pub struct Marks<'a>(Option<BitsMut<'a>>); // none when nobody reads changes

impl Marks<'_> {
    /// A row has changed.
    ///
    /// # Panics
    /// When there is no such row and the column has a consumer.
    #[inline]
    pub fn row(&mut self, row: usize) {
        if let Some(bits) = &mut self.0 {
            bits.insert(row);
        }
    }

    /// Rows have changed.
    ///
    /// # Panics
    /// As [`Marks::row`].
    pub fn rows(&mut self, rows: Range<usize>) {
        if let Some(bits) = &mut self.0 {
            bits.insert_range(rows);
        }
    }

    pub(crate) fn split_at(self, at: usize) -> (Self, Self) {
        match self.0.map(|bits| bits.split_at(at)) {
            Some((before, after)) => (Self(Some(before)), Self(Some(after))),
            None => (Self(None), Self(None)),
        }
    }
}
