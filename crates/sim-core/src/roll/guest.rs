//! Who may touch somebody of another block, and of which.

use spatial_core::{Position, UNITS_PER_M};

use super::block::{BLOCK_SHIFT, block_key, corner_of_key, slot_of_key};
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

/// All blocks in which somebody may touch an agent, its own first.
pub(crate) fn visits(
    rows: &Rows<'_>,
    row: usize,
    scene: (&FrameSlots, &Kinds),
    out: &mut Vec<Guest>,
) {
    let guest = Guest {
        key: rows.key(row),
        xyz: rows.xyz(row),
        row: row as u32,
        kind: rows.kind(row),
    };
    out.push(guest);
    let around = Around::of_frame(scene.0, slot_of_key(guest.key));
    visit(&guest, &around, scene, out);
}

/// The frames of which an agent may be a guest, besides its own.
pub(super) struct Around {
    slots: [Slot; 8],
    count: usize,
}

impl Around {
    /// None.
    const NOBODY: Self = Self {
        slots: [NO_SLOT; 8],
        count: 0,
    };

    /// All around a frame.
    #[inline(always)]
    pub(super) fn of_frame(frames: &FrameSlots, slot: Slot) -> Self {
        let slots = frames.border(slot).around;
        let count = slots.iter().take_while(|slot| **slot != NO_SLOT).count();
        Self { slots, count }
    }

    /// Of those, the ones that are near a block, at any height.
    pub(super) fn of_block(frames: &FrameSlots, key: u64, reach: i32) -> Self {
        let own = frames.get(slot_of_key(key));
        let mut around = Self::NOBODY;
        if own.is_block_calm(corner_of_key(key)) {
            return around;
        }
        let [x, y] = corner_of_key(key).map(|low| low.saturating_add(1 << (BLOCK_SHIFT - 1)));
        let frame = own.axes.id();
        let middle = own.axes.to_ecef(Position { frame, x, y, z: 0 }).to_vec();
        let half = f64::from(1 << (BLOCK_SHIFT - 1)) / UNITS_PER_M;
        let halves = [half, half, -f64::from(i32::MIN) / UNITS_PER_M];
        let far_m = far_m(reach) + 1.0;
        let all = Self::of_frame(frames, slot_of_key(key));
        for slot in &all.slots[..all.count] {
            let ground = frames.border(*slot).ground.as_ref();
            let is_near = ground.is_some_and(|ground| {
                ground.edges().iter().all(|outward| {
                    let turned = own.axes.units().map(|unit| outward.dot(unit).abs());
                    let within = turned.iter().zip(halves).map(|(part, half)| part * half);
                    outward.dot(middle) - within.sum::<f64>() <= far_m
                })
            });
            if is_near {
                around.slots[around.count] = *slot;
                around.count += 1;
            }
        }
        around
    }
}

/// How far outside of a frame's cell those may be who touch one of its agents, metres.
fn far_m(reach: i32) -> f64 {
    BORDER_M - 8.0 + f64::from(reach) / UNITS_PER_M
}

/// Makes an agent, as its own block sees it, a guest wherever somebody may touch it.
#[inline(always)]
pub(super) fn visit(
    own: &Guest,
    around: &Around,
    (frames, kinds): (&FrameSlots, &Kinds),
    guests: &mut Vec<Guest>,
) {
    let reach = kinds.reach();
    let [x, y, z] = own.xyz;
    // From the reach on, as wide as the block without its borders.
    let inner = ((1 << BLOCK_SHIFT) - 2 * reach) as u32;
    let inside = |units: i32| {
        let offset = units & ((1 << BLOCK_SHIFT) - 1);
        offset.wrapping_sub(reach).cast_unsigned() < inner
    };
    if !(inside(x) & inside(y)) {
        visit_blocks(slot_of_key(own.key), own.key, own, reach, guests);
    }
    if around.count > 0 && !frames.get(slot_of_key(own.key)).is_calm(x, y, z) {
        visit_frames(own, around, frames, reach, guests);
    }
}

/// A guest of all blocks of a frame within reach of it, but of its own.
#[cold]
fn visit_blocks(slot: Slot, own: u64, guest: &Guest, reach: i32, guests: &mut Vec<Guest>) {
    let [x, y, _] = guest.xyz;
    let ends = |units: i32| {
        let at = |units: i32| units >> BLOCK_SHIFT;
        at(units.saturating_sub(reach))..=at(units.saturating_add(reach))
    };
    for row in ends(y) {
        for column in ends(x) {
            let key = block_key(slot, column << BLOCK_SHIFT, row << BLOCK_SHIFT);
            if key != own {
                guests.push(Guest { key, ..*guest });
            }
        }
    }
}

/// A guest of the frames around, if one of their agents can be within reach.
#[cold]
fn visit_frames(
    guest: &Guest,
    around: &Around,
    frames: &FrameSlots,
    reach: i32,
    guests: &mut Vec<Guest>,
) {
    let axes = &frames.get(slot_of_key(guest.key)).axes;
    let [x, y, z] = guest.xyz;
    let frame = axes.id();
    let place = axes.to_ecef(Position { frame, x, y, z });
    let far_m = far_m(reach);
    for &other in &around.slots[..around.count] {
        let ground = frames.border(other).ground.as_ref();
        let is_near = ground.is_some_and(|ground| ground.is_within(place, far_m));
        let axes = &frames.get(other).axes;
        let there = is_near.then(|| axes.to_position(place).ok()).flatten();
        if let Some(there) = there {
            let guest = Guest {
                xyz: there.xyz(),
                ..*guest
            };
            visit_blocks(other, u64::MAX, &guest, reach, guests);
        }
    }
}
