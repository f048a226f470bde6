//! Who is asleep, by the blocks in which somebody may bump into them.
//!
//! A tick does not look at them: only a block with somebody awake asks who sleeps there.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use spatial_core::Position;

use crate::frames::{FrameSlots, Slot};
use crate::kinds::Kinds;
use crate::roll::{Guest, slot_of_key, visits};
use crate::rows::Rows;

/// Blocks and rows of who is asleep; 24 bytes each, and again for each block besides its own that it reaches into.
#[derive(Clone, Default)]
pub(crate) struct Sleepers {
    beds: BTreeSet<(u64, u32)>, // key of a block, row
    room: Vec<Guest>,
}

impl Sleepers {
    pub(crate) fn is_empty(&self) -> bool {
        self.beds.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.beds.clear();
    }

    /// Notes a row as asleep where it is.
    pub(crate) fn lay(&mut self, row: usize, rows: &Rows<'_>, scene: (&FrameSlots, &Kinds)) {
        visits(rows, row, scene, &mut self.room);
        let beds = self.room.drain(..).map(|guest| (guest.key, guest.row));
        self.beds.extend(beds);
    }

    /// Forgets a row that was asleep and has not moved since.
    pub(crate) fn raise(&mut self, row: usize, rows: &Rows<'_>, scene: (&FrameSlots, &Kinds)) {
        visits(rows, row, scene, &mut self.room);
        for guest in self.room.drain(..) {
            self.beds.remove(&(guest.key, guest.row));
        }
    }

    /// Notes rows as asleep, all at once.
    pub(crate) fn lay_all(
        &mut self,
        sleeping: impl Iterator<Item = usize>,
        rows: &Rows<'_>,
        scene: (&FrameSlots, &Kinds),
    ) {
        sleeping.for_each(|row| visits(rows, row, scene, &mut self.room));
        let beds = self.room.drain(..).map(|guest| (guest.key, guest.row));
        self.beds = beds.collect();
    }

    /// Rows have new numbers.
    pub(crate) fn rename(&mut self, row_of: &[u32]) {
        let beds = self.beds.iter();
        self.beds = beds
            .map(|(key, row)| (*key, row_of[*row as usize]))
            .collect();
    }

    /// A frame is new: who sleeps in those around it may reach into it.
    pub(crate) fn reach_into(&mut self, slot: Slot, rows: &Rows<'_>, scene: (&FrameSlots, &Kinds)) {
        if self.is_empty() {
            return;
        }
        let around = &scene.0.border(slot).around;
        let around = around.iter().filter(|s| scene.0.has(**s));
        let near = around.flat_map(|slot| self.beds.range(beds_of(*slot)));
        let near: Vec<u32> = near.map(|(_, row)| *row).collect();
        for row in near {
            if rows.slots[row as usize] != slot {
                self.lay(row as usize, rows, scene);
            }
        }
    }

    /// Adds those asleep in a block, as it sees them.
    pub(crate) fn guests(
        &self,
        key: u64,
        frames: &FrameSlots,
        guest: impl Fn(u32) -> (Guest, Slot),
        out: &mut Vec<Guest>,
    ) {
        for (_, row) in self.beds.range((key, 0)..=(key, u32::MAX)) {
            let (guest, slot) = guest(*row);
            let here = frames.get(slot_of_key(key));
            let xyz = match slot == slot_of_key(key) {
                true => Some(guest.xyz),
                false => {
                    let from = &frames.get(slot).axes;
                    let [x, y, z] = guest.xyz;
                    let at = Position {
                        frame: from.id(),
                        x,
                        y,
                        z,
                    };
                    let there = here.axes.to_position(from.to_ecef(at));
                    there.ok().map(Position::xyz)
                }
            };
            out.extend(xyz.map(|xyz| Guest { key, xyz, ..guest }));
        }
    }
}

/// The beds in the blocks of a frame.
fn beds_of(slot: Slot) -> RangeInclusive<(u64, u32)> {
    let key = |slot: u64| slot << 20;
    (key(u64::from(slot)), 0)..=(key(u64::from(slot) + 1) - 1, u32::MAX)
}
