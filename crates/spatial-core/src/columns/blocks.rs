//! Passes over a table in blocks of rows, one after another or in parallel.
//!
//! ```text
//! rows   0 ─────── 4,096 ─────── 8,192 ─────── 12,288 ── 13,000
//!        └ block 0 ┘└─ block 1 ──┘└─ block 2 ──┘└ block 3 ┘        halved in this tree for any number of threads
//! ```
//! Borders depend on the number of rows alone. A block of six lanes of 4 bytes is 96 KiB: it stays in the L2 cache
//! while several passes over it are fused into one closure. A block is also what one word of a summary of
//! changes says, so blocks mark without sharing.

use super::access::Access;
use super::bits::SUMMARY_ROWS;
use super::table::Table;
use crate::ids::EntityId;

/// Rows of a block; the last one of a table has as many as remain.
pub const BLOCK_ROWS: usize = SUMMARY_ROWS;

/// A run of rows that a pass works on at a time.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// The row of the table that the block's views count from.
    pub first_row: usize,
    /// The ids of its rows.
    pub ids: &'a [EntityId],
}

impl Table {
    /// Visits all blocks in order. All rows of components that are written by `&mut` count as changed.
    ///
    /// ```
    /// # use spatial_core::{Component, EntityId, Table};
    /// # #[derive(Clone, Copy, Component)]
    /// # #[component(name = "place", kind = point, version = 1)]
    /// # struct Place { x: f32, y: f32, z: f32 }
    /// # #[derive(Clone, Copy, Component)]
    /// # #[component(name = "velocity", kind = vector, version = 1)]
    /// # struct Velocity { x: f32, y: f32, z: f32 }
    /// # let mut table = Table::new();
    /// # table.register::<Place>()?;
    /// # table.register::<Velocity>()?;
    /// # table.spawn(EntityId(1))?;
    /// table.blocks::<(&mut Place, &Velocity)>(|_, (place, velocity)| {
    ///     for (x, v) in place.x.iter_mut().zip(velocity.x) {
    ///         *x += *v;
    ///     }
    /// });
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// When a component is not registered or named twice.
    pub fn blocks<A: Access>(&mut self, mut each: impl FnMut(Block<'_>, A::View<'_>)) {
        let (mut ids, mut rest) = self.split_mut::<A>();
        let mut first_row = 0;
        while ids.len() > BLOCK_ROWS {
            let (here, later) = ids.split_at(BLOCK_ROWS);
            let (view, after) = A::split_at(rest, BLOCK_ROWS);
            each(
                Block {
                    first_row,
                    ids: here,
                },
                view,
            );
            (ids, rest) = (later, after);
            first_row += BLOCK_ROWS;
        }
        if !ids.is_empty() {
            each(Block { first_row, ids }, rest);
        }
    }

    /// As [`Table::blocks`], on the threads of rayon's current pool. What comes out does not depend on their number.
    ///
    /// # Panics
    /// As [`Table::blocks`].
    pub fn par_blocks<A: Access>(&mut self, each: impl Fn(Block<'_>, A::View<'_>) + Sync) {
        self.par_fold::<A, ()>(each, |(), ()| ());
    }

    /// As [`Table::par_blocks`], with a result a block, merged with its neighbour's in a tree that depends on the number
    /// of rows alone: floats come out with the same bits on any number of threads. `None` without rows.
    ///
    /// # Panics
    /// As [`Table::blocks`].
    pub fn par_fold<A: Access, T: Send>(
        &mut self,
        each: impl Fn(Block<'_>, A::View<'_>) -> T + Sync,
        merge: impl Fn(T, T) -> T + Sync,
    ) -> Option<T> {
        let (ids, view) = self.split_mut::<A>();
        let whole = Block { first_row: 0, ids };
        (!ids.is_empty()).then(|| fold::<A, T>(whole, view, &each, &merge))
    }
}

fn fold<A: Access, T: Send>(
    rows: Block<'_>,
    view: A::View<'_>,
    each: &(impl Fn(Block<'_>, A::View<'_>) -> T + Sync),
    merge: &(impl Fn(T, T) -> T + Sync),
) -> T {
    let blocks = rows.ids.len().div_ceil(BLOCK_ROWS);
    if blocks <= 1 {
        return each(rows, view);
    }
    let middle = blocks / 2 * BLOCK_ROWS;
    let (ids_before, ids_after) = rows.ids.split_at(middle);
    let before = Block {
        first_row: rows.first_row,
        ids: ids_before,
    };
    let after = Block {
        first_row: rows.first_row + middle,
        ids: ids_after,
    };
    let (view_before, view_after) = A::split_at(view, middle);
    let (a, b) = rayon::join(
        || fold::<A, T>(before, view_before, each, merge),
        || fold::<A, T>(after, view_after, each, merge),
    );
    merge(a, b)
}
