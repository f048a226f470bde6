//! Contacts: who touches whom in one block, and how they push each other.
//!
//! ```text
//!          block                         agents of the block and its guests, sorted by cell: a counting sort in the first
//!   ┌───┬───┬───┬───┬───┐                cache. Cells are twice as high as wide, and about as many as agents.
//!   │   ╔═══╪═══╪═══╗   │ guests
//!   ├───╫───┼─┬─┼─┬─╫───┤                who may touch i lies in one run of the sorted arrays for each row of cells that its
//!   │   ║   │ │i│ │ ║   │                reach covers: mostly one or two
//!   ├───╫───┼─┴─┼─┴─╫───┤
//!   │   ╚═══╪═══╪═══╝   │
//!   └───┴───┴───┴───┴───┘
//! ```
//! An overlap is half each one's to give way. Pushes are integers, so their sums have no order.

mod cells;
mod pair;

#[cfg(target_arch = "x86_64")]
mod avx2;

use spatial_core::EntityId;

pub(crate) use cells::{CellSort, OwnAgents};
pub(crate) use pair::{Own, Push};

/// How a block's contacts are found: the bits are the same.
pub(crate) trait Contacts {
    /// Whether it is the specification: then all else is done one by one, too.
    const IS_SPECIFICATION: bool = false;

    /// What all who may touch an agent do to it.
    ///
    /// # Safety
    /// The CPU has the instructions of the implementation.
    unsafe fn sum(own: &Own, others: &CellSort) -> Push;
}

/// The specification: one after the other.
pub(crate) struct OneByOne;

impl Contacts for OneByOne {
    const IS_SPECIFICATION: bool = true;

    #[inline(always)]
    unsafe fn sum(own: &Own, others: &CellSort) -> Push {
        let mut sum = Push::default();
        for at in others.runs(own).flatten() {
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
    unsafe fn sum(own: &Own, others: &CellSort) -> Push {
        let mut sum = pair::LaneSums::default();
        for run in others.runs(own) {
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
    for at in 0..cells.count() {
        let Some(slot) = pushes.get_mut(cells.entry[at] as usize) else {
            continue; // a guest
        };
        let own = cells.own(at, up);
        // SAFETY: as the caller promises.
        let mut push = unsafe { C::sum(&own, cells) };
        if push.coincident > 0 {
            part(&own, cells, id_of, &mut push);
        }
        *slot = push;
    }
}

/// Those who stand in one spot part along an axis, by the order of their ids.
#[cold]
fn part(own: &Own, cells: &CellSort, id_of: &dyn Fn(u32) -> EntityId, push: &mut Push) {
    let id = id_of(cells.entry[own.at]);
    for at in cells.runs(own).flatten().filter(|at| *at != own.at) {
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
