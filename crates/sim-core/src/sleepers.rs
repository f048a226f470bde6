//! Who is asleep, by the blocks in which somebody may bump into them.
//!
//! A tick does not look at them: only a block with somebody awake asks who sleeps there.

use rayon::prelude::*;
use spatial_core::Position;

use crate::beds::{Bed, Beds};
use crate::frames::{FrameSlots, Slot};
use crate::kinds::Kinds;
use crate::roll::{Guest, slot_of_key, visits};
use crate::rows::Rows;

/// Blocks and rows of who is asleep, for each also those of blocks besides its own that it reaches into.
#[derive(Default)]
pub(crate) struct Sleepers {
    beds: Beds,
    room: Vec<Guest>, // scratch
    all: Vec<Bed>,    // scratch
    row_of: Vec<u32>, // scratch
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
        for guest in self.room.drain(..) {
            self.beds.insert((guest.key, guest.row));
        }
    }

    /// Forgets a row that was asleep and has not moved since.
    pub(crate) fn raise(&mut self, row: usize, rows: &Rows<'_>, scene: (&FrameSlots, &Kinds)) {
        visits(rows, row, scene, &mut self.room);
        for guest in self.room.drain(..) {
            self.beds.remove((guest.key, guest.row));
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
        self.all.clear();
        let beds = self.room.drain(..).map(|guest| (guest.key, guest.row));
        self.all.extend(beds);
        self.fill();
    }

    /// Rows have new numbers: `order` has the old ones.
    pub(crate) fn rename(&mut self, order: &[u32]) {
        if self.is_empty() {
            return;
        }
        self.row_of.resize(order.len(), 0);
        for (n, row) in (0..).zip(order) {
            self.row_of[*row as usize] = n;
        }
        self.all.clear();
        let row_of = &self.row_of;
        let beds = self.beds.iter();
        self.all
            .extend(beds.map(|(key, row)| (key, row_of[row as usize])));
        self.fill();
    }

    /// Makes beds of those listed.
    fn fill(&mut self) {
        self.all.par_sort_unstable();
        self.all.dedup();
        self.beds.fill(&self.all);
    }

    /// A frame is new: who sleeps in those around it may reach into it.
    pub(crate) fn reach_into(&mut self, slot: Slot, rows: &Rows<'_>, scene: (&FrameSlots, &Kinds)) {
        if self.is_empty() {
            return;
        }
        let around = &scene.0.border(slot).around;
        let around = around.iter().filter(|s| scene.0.has(**s));
        let near = around.flat_map(|other| {
            let (first, last) = beds_of(*other);
            self.beds.between(first, last)
        });
        self.all.clear();
        self.all.extend(near);
        for n in 0..self.all.len() {
            let row = self.all[n].1 as usize;
            if rows.slots[row] != slot {
                self.lay(row, rows, scene);
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
        for (_, row) in self.beds.between((key, 0), (key, u32::MAX)) {
            let (guest, slot) = guest(row);
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

/// The first and the last bed that may be in the blocks of a frame.
fn beds_of(slot: Slot) -> (Bed, Bed) {
    let key = |slot: u64| slot << 20;
    let slot = u64::from(slot);
    ((key(slot), 0), (key(slot + 1) - 1, u32::MAX))
}
