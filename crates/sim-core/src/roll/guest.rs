//! Who may touch somebody of another block, and of which.

use core::ops::RangeInclusive;

use rayon::prelude::*;
use spatial_core::{Position, UNITS_PER_M};

use super::block::{BLOCK_SHIFT, Block, block_key, corner_of_key, slot_of_key};
use super::chunk::Arrival;
use super::entries::OwnEntries;
use crate::frames::{BORDER_M, FrameSlots, NO_SLOT, Slot};
use crate::kinds::Kinds;
use crate::rooms::{grow, make_room};
use crate::rows::Rows;

/// An agent as another block sees it: on the grid of that block's frame.
#[derive(Clone, Copy)]
pub(crate) struct Guest {
    pub(crate) key: u64,
    pub(crate) xyz: [i32; 3],
    pub(crate) row: u32,
    pub(crate) kind: u16,
}

/// Who comes from which side: 8 blocks around, row by row, and those of other frames.
const STREAMS: usize = 9;
/// The last one.
const OTHERS: usize = STREAMS - 1;

/// Guests, a list for each side that they come from. Blocks are looked through in the order of their keys, so each list is in the order
/// of those who are visited, but for the last: it is sorted.
#[derive(Clone, Default)]
pub(crate) struct Guests([Vec<Guest>; STREAMS]);

impl Guests {
    pub(super) fn clear(&mut self) {
        self.0.iter_mut().for_each(Vec::clear);
    }

    /// Makes room for those of so many agents.
    pub(super) fn reserve(&mut self, agents: usize) {
        let all = self.0.iter_mut();
        all.for_each(|list| make_room(list, agents / 16));
    }

    /// Makes room for those of all parts.
    pub(super) fn make_room<'a>(&mut self, parts: impl Iterator<Item = &'a Self> + Clone) {
        for (n, list) in self.0.iter_mut().enumerate() {
            let count: usize = parts.clone().map(|part| part.0[n].len()).sum();
            make_room(list, count);
        }
    }

    /// Makes room for all that others have room for.
    pub(super) fn grow_to(&mut self, other: &Self) {
        let both = self.0.iter_mut().zip(&other.0);
        both.for_each(|(list, other)| grow(list, other));
    }

    /// Those of the blocks that follow.
    pub(super) fn append(&mut self, next: &mut Self) {
        for (list, next) in self.0.iter_mut().zip(&mut next.0) {
            list.append(next);
        }
    }

    pub(super) fn sort(&mut self) {
        self.0[OTHERS].par_sort_unstable_by_key(|guest| guest.key);
    }

    /// To go through them from a block on.
    pub(crate) fn from(&self, key: u64) -> GuestCursor<'_> {
        let after = |list: &Vec<Guest>| list.partition_point(|guest| guest.key < key);
        let lists = self.0.each_ref().map(|list| &list[after(list)..]);
        let next = next_of(&lists);
        GuestCursor { lists, next }
    }
}

/// Guests of the blocks to come.
pub(crate) struct GuestCursor<'a> {
    lists: [&'a [Guest]; STREAMS],
    next: u64, // the first of their keys
}

impl GuestCursor<'_> {
    /// Adds the guests of a block. Those of blocks before it are passed over.
    #[inline(always)]
    pub(crate) fn take(&mut self, key: u64, out: &mut Vec<Guest>) {
        if key < self.next {
            return; // as for most of those who are alone
        }
        for list in &mut self.lists {
            while let Some((guest, rest)) = list.split_first().filter(|(guest, _)| guest.key <= key)
            {
                if guest.key == key {
                    out.push(*guest);
                }
                *list = rest;
            }
        }
        self.next = next_of(&self.lists);
    }
}

fn next_of(lists: &[&[Guest]; STREAMS]) -> u64 {
    let first = lists.iter().filter_map(|list| list.first());
    first.map(|guest| guest.key).min().unwrap_or(u64::MAX)
}

/// What is asked of a block to find out where its agents are guests pays for more than so many of them.
const FEW: usize = 4;

/// All blocks in which somebody may touch an agent, its own first.
pub(crate) fn visits(
    rows: &Rows<'_>,
    row: usize,
    (frames, kinds): (&FrameSlots, &Kinds),
    out: &mut Vec<Guest>,
) {
    let guest = Guest {
        key: rows.key(row),
        xyz: rows.xyz(row),
        row: row as u32,
        kind: rows.kind(row),
    };
    out.push(guest);
    visit(&guest, None, (frames, kinds.reach()), &mut |_, guest| {
        out.push(guest)
    });
}

/// What finds guests.
pub(super) struct Visiting<'a> {
    /// All blocks there were in the order of their keys, and those to which somebody comes: there is nobody anywhere else.
    pub(super) blocks: &'a [Block],
    pub(super) arrivals: &'a [Arrival],
    pub(super) frames: &'a FrameSlots,
    pub(super) reach: i32,
}

impl Visiting<'_> {
    /// Lists in which other blocks those of a block are guests.
    #[inline(always)]
    pub(super) fn find(&self, key: u64, own: &OwnEntries<'_>, out: &mut Guests) {
        let around = (own.rows.len() > FEW).then(|| self.around(key, own.z));
        let mut add = |stream: usize, guest| out.0[stream].push(guest);
        for (n, row) in own.rows.iter().enumerate() {
            let guest = Guest {
                key,
                xyz: [own.x[n], own.y[n], own.z[n]],
                row: *row,
                kind: own.kinds[n],
            };
            visit(&guest, around.as_ref(), (self.frames, self.reach), &mut add);
        }
    }

    /// The frames whose agents those of a block may touch.
    fn around(&self, key: u64, heights: &[i32]) -> Around {
        let slot = slot_of_key(key);
        let [x, y] = corner_of_key(key);
        let mut around = Around::NONE;
        let frame = self.frames.get(slot);
        if frame.is_alone || frame.is_block_calm([x, y]) {
            return around;
        }
        let low = heights.iter().copied().min().unwrap_or(0);
        let high = heights.iter().copied().max().unwrap_or(0);
        for other in Around::of_frame(self.frames, slot).frames() {
            if self.has_near(slot, [x, y], [low, high], *other) {
                around.slots[around.count] = *other;
                around.count += 1;
            }
        }
        around
    }

    /// Whether there is somebody of another frame in the blocks there that reach into a block of a frame, between two heights.
    fn has_near(&self, slot: Slot, [x, y]: [i32; 2], heights: [i32; 2], other: Slot) -> bool {
        let (axes, there) = (&self.frames.get(slot).axes, &self.frames.get(other).axes);
        let side = (1 << BLOCK_SHIFT) - 1;
        let (mut low, mut high) = ([i32::MAX; 2], [i32::MIN; 2]);
        for corner in 0..8 {
            let at = Position {
                frame: axes.id(),
                x: if corner & 1 == 0 {
                    x
                } else {
                    x.saturating_add(side)
                },
                y: if corner & 2 == 0 {
                    y
                } else {
                    y.saturating_add(side)
                },
                z: heights[corner >> 2],
            };
            let Ok(at) = there.to_position(axes.to_ecef(at)) else {
                return true; // partly beyond the grid: its agents will be told one by one
            };
            low = [low[0].min(at.x), low[1].min(at.y)];
            high = [high[0].max(at.x), high[1].max(at.y)];
        }
        // Places are rounded to the grid.
        let margin = self.reach + 2;
        let low = low.map(|units| units.saturating_sub(margin) >> BLOCK_SHIFT);
        let high = high.map(|units| units.saturating_add(margin) >> BLOCK_SHIFT);
        let key =
            |column: i32, row: i32| block_key(other, column << BLOCK_SHIFT, row << BLOCK_SHIFT);
        (low[1]..=high[1]).any(|row| {
            let (first, last) = (key(low[0], row), key(high[0], row));
            let next = |at: Option<u64>| at.is_some_and(|key| key <= last);
            let block = self.blocks.partition_point(|block| block.key < first);
            let come = self.arrivals.partition_point(|come| come.key < first);
            next(self.blocks.get(block).map(|block| block.key))
                || next(self.arrivals.get(come).map(|come| come.key))
        })
    }
}

/// Frames around one.
struct Around {
    slots: [Slot; 8],
    count: usize,
}

impl Around {
    const NONE: Self = Self {
        slots: [NO_SLOT; 8],
        count: 0,
    };

    /// All around a frame.
    fn of_frame(frames: &FrameSlots, slot: Slot) -> Self {
        let slots = frames.border(slot).around;
        let count = slots.iter().take_while(|slot| **slot != NO_SLOT).count();
        Self { slots, count }
    }

    fn frames(&self) -> &[Slot] {
        &self.slots[..self.count]
    }
}

/// Makes an agent, as its own block sees it, a guest wherever somebody may touch it; in all frames around its own, if they are not told.
#[inline(always)]
fn visit(
    own: &Guest,
    around: Option<&Around>,
    (frames, reach): (&FrameSlots, i32),
    add: &mut impl FnMut(usize, Guest),
) {
    let [x, y, z] = own.xyz;
    // From the reach on, as wide as the block without its borders.
    let inner = ((1 << BLOCK_SHIFT) - 2 * reach).cast_unsigned();
    let is_inside = |units: i32| {
        let offset = units & ((1 << BLOCK_SHIFT) - 1);
        offset.wrapping_sub(reach).cast_unsigned() < inner
    };
    let slot = slot_of_key(own.key);
    if !(is_inside(x) & is_inside(y)) {
        visit_beside(own, reach, add);
    }
    let frame = frames.get(slot);
    let is_alone = around.map_or(frame.is_alone, |around| around.count == 0);
    if !is_alone && !frame.is_calm(x, y, z) {
        match around {
            Some(around) => visit_frames(own, around, frames, reach, add),
            None => visit_frames(own, &Around::of_frame(frames, slot), frames, reach, add),
        }
    }
}

/// A guest of the blocks of its own frame within reach of it.
#[cold]
fn visit_beside(own: &Guest, reach: i32, add: &mut impl FnMut(usize, Guest)) {
    let [x, y] = [own.xyz[0], own.xyz[1]];
    for row in blocks_near(y, reach) {
        for column in blocks_near(x, reach) {
            let (east, north) = (column - (x >> BLOCK_SHIFT), row - (y >> BLOCK_SHIFT));
            let key = block_key(
                slot_of_key(own.key),
                column << BLOCK_SHIFT,
                row << BLOCK_SHIFT,
            );
            // As keys are made. At the end of the grid it may be another one, out of order.
            let due = own
                .key
                .wrapping_add_signed(i64::from(north) * 1_024 + i64::from(east));
            let stream = (3 * (north + 1) + east + 1) as usize;
            if key != own.key {
                let stream = if key == due {
                    stream - usize::from(stream > 4)
                } else {
                    OTHERS
                };
                add(stream, Guest { key, ..*own });
            }
        }
    }
}

/// The columns, or rows, of blocks within reach of a place.
fn blocks_near(units: i32, reach: i32) -> RangeInclusive<i32> {
    let at = |units: i32| units >> BLOCK_SHIFT;
    at(units.saturating_sub(reach))..=at(units.saturating_add(reach))
}

/// A guest of the frames around, if one of their agents can be within reach.
#[cold]
fn visit_frames(
    own: &Guest,
    around: &Around,
    frames: &FrameSlots,
    reach: i32,
    add: &mut impl FnMut(usize, Guest),
) {
    let axes = &frames.get(slot_of_key(own.key)).axes;
    let [x, y, z] = own.xyz;
    let frame = axes.id();
    let place = axes.to_ecef(Position { frame, x, y, z });
    let far_m = BORDER_M - 8.0 + f64::from(reach) / UNITS_PER_M;
    for other in around.frames() {
        let ground = frames.border(*other).ground.as_ref();
        let is_near = ground.is_some_and(|ground| ground.is_within(place, far_m));
        let axes = &frames.get(*other).axes;
        let there = is_near.then(|| axes.to_position(place).ok()).flatten();
        if let Some(there) = there {
            let xyz = there.xyz();
            for row in blocks_near(there.y, reach) {
                for column in blocks_near(there.x, reach) {
                    let key = block_key(*other, column << BLOCK_SHIFT, row << BLOCK_SHIFT);
                    add(OTHERS, Guest { key, xyz, ..*own });
                }
            }
        }
    }
}
