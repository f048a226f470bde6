//! Contacts: who touches whom in one block, and how they push each other.
//!
//! ```text
//!            reach                        agents of the block and its guests, sorted by cell: a counting sort in the
//!   ┌──┬──┬──┬──┬──┐                      first cache. Cells are at least as wide as the widest two reach, and about
//!   │  │  │  │  │  │ guests               as many as agents.
//!   ├──╔══╤══╤══╗──┤
//!   │  ║  │ i│  ║  │                      who may touch i lies in three runs of the sorted arrays: its own row of
//!   ├──╟──┼──┼──╢──┤                      cells and those above and below
//!   │  ║  │  │  ║  │
//!   └──╚══╧══╧══╝──┘
//! ```
//! An overlap is half each one's to give way. Pushes are integers, so their sums have no order.

mod cells;
mod pair;

#[cfg(target_arch = "x86_64")]
mod avx2;

use spatial_core::EntityId;

pub(crate) use cells::CellSort;
pub(crate) use pair::{Own, Push};

/// How a block's contacts are found: the bits are the same.
pub(crate) trait Contacts {
    /// Whether it is the specification: then all else is done one by one, too.
    const IS_SPECIFICATION: bool = false;

    /// What those in three runs of the sorted arrays do to one agent.
    ///
    /// # Safety
    /// The CPU has the instructions of the implementation.
    unsafe fn sum(own: &Own, others: &CellSort, runs: [core::ops::Range<usize>; 3]) -> Push;
}

/// The specification: one after the other.
pub(crate) struct OneByOne;

impl Contacts for OneByOne {
    const IS_SPECIFICATION: bool = true;

    #[inline(always)]
    unsafe fn sum(own: &Own, others: &CellSort, runs: [core::ops::Range<usize>; 3]) -> Push {
        let mut sum = Push::default();
        for at in runs.into_iter().flatten() {
            if at != own.at {
                sum.add(pair::push(own, &others.other(at)));
            }
        }
        sum
    }
}

/// Eight at a time, in whatever vectors the compiler makes of it.
pub(crate) struct Eights;

impl Contacts for Eights {
    #[inline(always)]
    unsafe fn sum(own: &Own, others: &CellSort, runs: [core::ops::Range<usize>; 3]) -> Push {
        let mut sum = pair::LaneSums::default();
        for run in runs {
            let mut at = run.start;
            while at < run.end {
                sum.add(own, others, at, run.end);
                at += pair::LANES;
            }
        }
        sum.total()
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;

/// The push of all agents of a block whom the cells hold, by their place among the block's entries.
///
/// # Safety
/// As [`Contacts::sum`].
#[inline(always)]
pub(crate) unsafe fn push_apart<C: Contacts>(
    cells: &CellSort,
    up: f32,
    id_of: &dyn Fn(u32) -> EntityId,
    pushes: &mut [Push],
) {
    for row in 0..cells.side() {
        for column in 0..cells.side() {
            let cell = cells.run(row, column, column + 1);
            if cell.is_empty() {
                continue;
            }
            let runs = cells.around(row, column);
            for at in cell {
                let entry = cells.entry[at];
                let Some(slot) = pushes.get_mut(entry as usize) else {
                    continue; // a guest
                };
                let own = cells.own(at, up);
                // SAFETY: as the caller promises.
                let mut push = unsafe { C::sum(&own, cells, runs.clone()) };
                if push.coincident > 0 {
                    part(&own, cells, &runs, id_of, &mut push);
                }
                *slot = push;
            }
        }
    }
}

/// Those who stand in one spot part along an axis, by the order of their ids.
#[cold]
fn part(
    own: &Own,
    cells: &CellSort,
    runs: &[core::ops::Range<usize>; 3],
    id_of: &dyn Fn(u32) -> EntityId,
    push: &mut Push,
) {
    let id = id_of(cells.entry[own.at]);
    for at in runs.iter().cloned().flatten().filter(|at| *at != own.at) {
        if pair::push(own, &cells.other(at)).coincident > 0 {
            let is_first = id < id_of(cells.entry[at]);
            let half = own.overlap_half(&cells.other(at));
            // Along no axis of the grid, so that rows of people do not part into rows.
            let (x, y) = ((half * 0.8) as i32, (half * 0.6) as i32);
            let sign = if is_first { -1 } else { 1 };
            push.x = push.x.wrapping_add(sign * x);
            push.y = push.y.wrapping_add(sign * y);
        }
    }
}
