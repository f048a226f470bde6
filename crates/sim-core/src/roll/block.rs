//! Squares of a frame's plane, 64 m a side, and their keys.
//!
//! ```text
//! key    slot of the frame (32) · row of blocks (10) · column of blocks (10)
//! ```

use crate::frames::Slot;

/// log₂ of a block's side in grid units: 64 m.
pub(crate) const BLOCK_SHIFT: u32 = 22;

/// A run of entries with one key.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Block {
    pub(crate) key: u64,
    pub(crate) first: u32,
}

/// The key of a block.
#[inline(always)]
pub(crate) fn block_key(slot: Slot, x: i32, y: i32) -> u64 {
    let at = |units: i32| u64::from((units >> BLOCK_SHIFT).wrapping_add(512) as u32 & 1_023);
    u64::from(slot) << 20 | at(y) << 10 | at(x)
}

/// The frame of a block.
#[inline(always)]
pub(crate) fn slot_of_key(key: u64) -> Slot {
    (key >> 20) as Slot
}

/// The lowest corner of a block, grid units.
#[inline(always)]
pub(crate) fn corner_of_key(key: u64) -> [i32; 2] {
    let at = |bits: u64| (((bits & 1_023) as i32) - 512) << BLOCK_SHIFT;
    [at(key), at(key >> 10)]
}

/// Whether a place of a block's frame lies in another block than the one with this corner.
#[inline(always)]
pub(crate) fn is_beyond([corner_x, corner_y]: [i32; 2], x: i32, y: i32) -> bool {
    ((x ^ corner_x) | (y ^ corner_y)) >> BLOCK_SHIFT != 0
}
