//! Who may touch somebody of another block, and of which.

use core::ops::Range;

use spatial_core::{Position, UNITS_PER_M};

use super::block::{BLOCK_SHIFT, Block, block_key, corner_of_key, slot_of_key};
use super::entries::{Entries, entries_of};
use crate::frames::{BORDER_M, FrameSlots, NO_SLOT, Slot};
use crate::kinds::Kinds;
use crate::rows::Rows;

/// An agent as another block sees it: on the grid of that block's frame.
#[derive(Clone, Copy)]
pub(crate) struct Guest {
    pub(crate) key: u64,
    pub(crate) xyz: [i32; 3],
    pub(crate) row: u32,
    pub(crate) kind: u16,
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
    visit(&guest, None, (frames, kinds.reach()), out);
}

/// What finds guests.
pub(super) struct Visiting<'a> {
    pub(super) blocks: &'a [Block],
    pub(super) entries: &'a Entries,
    pub(super) frames: &'a FrameSlots,
    pub(super) reach: i32,
}

impl Visiting<'_> {
    /// Lists in which other blocks those of a block are guests.
    pub(super) fn find(&self, block: usize, out: &mut Vec<Guest>) {
        let key = self.blocks[block].key;
        let own = entries_of(self.blocks, block, self.entries.rows.len());
        let around = (own.len() > FEW).then(|| self.around(key, own.clone()));
        let (rows, kinds) = (
            &self.entries.rows[own.clone()],
            &self.entries.kinds[own.clone()],
        );
        let (x, y) = (&self.entries.x[own.clone()], &self.entries.y[own.clone()]);
        let z = &self.entries.z[own];
        for n in 0..rows.len() {
            let guest = Guest {
                key,
                xyz: [x[n], y[n], z[n]],
                row: rows[n],
                kind: kinds[n],
            };
            visit(&guest, around.as_ref(), (self.frames, self.reach), out);
        }
    }

    /// The frames whose agents those of a block may touch.
    fn around(&self, key: u64, own: Range<usize>) -> Around {
        let slot = slot_of_key(key);
        let [x, y] = corner_of_key(key);
        let mut around = Around::NONE;
        let frame = self.frames.get(slot);
        if frame.is_alone || frame.is_block_calm([x, y]) {
            return around;
        }
        let heights = &self.entries.z[own];
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
            let first = self
                .blocks
                .partition_point(|block| block.key < key(low[0], row));
            let found = self.blocks.get(first);
            found.is_some_and(|block| block.key <= key(high[0], row))
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
    guests: &mut Vec<Guest>,
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
        visit_blocks(slot, own, own.xyz, reach, guests);
    }
    let frame = frames.get(slot);
    let is_alone = around.map_or(frame.is_alone, |around| around.count == 0);
    if !is_alone && !frame.is_calm(x, y, z) {
        match around {
            Some(around) => visit_frames(own, around, frames, reach, guests),
            None => visit_frames(own, &Around::of_frame(frames, slot), frames, reach, guests),
        }
    }
}

/// A guest of all blocks of a frame within reach of it, but of its own.
#[cold]
fn visit_blocks(slot: Slot, own: &Guest, xyz: [i32; 3], reach: i32, guests: &mut Vec<Guest>) {
    let ends = |units: i32| {
        let at = |units: i32| units >> BLOCK_SHIFT;
        at(units.saturating_sub(reach))..=at(units.saturating_add(reach))
    };
    for row in ends(xyz[1]) {
        for column in ends(xyz[0]) {
            let key = block_key(slot, column << BLOCK_SHIFT, row << BLOCK_SHIFT);
            if key != own.key {
                guests.push(Guest { key, xyz, ..*own });
            }
        }
    }
}

/// A guest of the frames around, if one of their agents can be within reach.
#[cold]
fn visit_frames(
    own: &Guest,
    around: &Around,
    frames: &FrameSlots,
    reach: i32,
    guests: &mut Vec<Guest>,
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
            visit_blocks(*other, own, there.xyz(), reach, guests);
        }
    }
}
