//! What a crowd's agents do in a tick once it is known how they are pushed: go, keep out of obstacles, stand on the ground.

use core::ops::Range;
use core::sync::atomic::Ordering;

use spatial_core::DVec3;

use crate::advance::{Advance, Room};
use crate::agent::Tier;
use crate::avoid::beside;
use crate::kind::Grade;
use crate::mode::Mode;
use crate::roll::{corner_of_key, is_beyond, slot_of_key};
use crate::walk::{Going, heights_z, places, walk};

/// Moves in this tick.
const DUE: u8 = 1;
/// Falls, swims or is carried off by something else than its feet: comes to the ground, wherever it goes.
const UPSET: u8 = 2;

impl Advance<'_> {
    /// Where each agent wants to and is pushed to.
    #[inline(always)]
    pub(crate) fn aim(&self, blocks: Range<usize>, entries: Range<usize>, room: &mut Room) {
        let (roll, first) = (&self.roll.entries, entries.start);
        self.ask(entries.clone(), room);
        if room.count_careful > 0 {
            self.list_careful(blocks, first, room);
        }
        if room.careful.len() == entries.len() {
            return; // no crowd
        }
        room.z.copy_from_slice(&roll.z[entries.clone()]);
        room.x.copy_from_slice(&roll.x[entries.clone()]);
        room.y.copy_from_slice(&roll.y[entries]);
        let going = Going {
            wish: room.wish.each_ref().map(|lane| &lane[..]),
            limit: &room.limit,
            push: &room.pushes,
            ticks: &room.ticks,
        };
        walk(self.pace, &going, [&mut room.x, &mut room.y]);
    }

    /// What each agent wishes, and whether it is its turn.
    #[inline(always)]
    fn ask(&self, entries: Range<usize>, room: &mut Room) {
        let roll = &self.roll.entries;
        let [wish_east, wish_north] = &mut room.wish;
        let (limit, ticks, flags) = (&mut room.limit, &mut room.ticks, &mut room.flags);
        let rows = &roll.rows[entries.clone()];
        let kinds = &roll.kinds[entries];
        let count = rows.len();
        let (kinds, ticks) = (&kinds[..count], &mut ticks[..count]);
        let (wish_east, wish_north) = (&mut wish_east[..count], &mut wish_north[..count]);
        let (limit, flags) = (&mut limit[..count], &mut flags[..count]);
        room.count_careful = 0;
        for n in 0..count {
            let row = rows[n] as usize;
            let body = self.kinds.body(kinds[n]);
            let is_crowd = body.grade == Grade::Crowd;
            room.count_careful += usize::from(!is_crowd);
            let due = Tier(self.out.tier[row]).ticks_due(self.tick, || self.ids[row]);
            let due = if is_crowd { due } else { 0 };
            // SAFETY: a row is in one entry, and an entry in one unit.
            let mode = unsafe { *self.out.mode.at(row) };
            let is_upset = mode != Mode::Walk as u8;
            wish_east[n] = f32::from(self.wish.east[row]);
            wish_north[n] = f32::from(self.wish.north[row]);
            limit[n] = body.speed_max;
            ticks[n] = due as f32;
            flags[n] = (u8::from(due > 0) * DUE) | (u8::from(is_upset) * UPSET);
        }
    }

    /// Notes those who are no crowd, and the ticks that they move.
    #[cold]
    fn list_careful(&self, blocks: Range<usize>, first: usize, room: &mut Room) {
        let roll = &self.roll.entries;
        for block in blocks {
            let entries = self.roll.entries_of(block);
            for entry in entries.filter(|n| self.kinds.body(roll.kinds[*n]).grade != Grade::Crowd) {
                let row = roll.rows[entry] as usize;
                let ticks = Tier(self.out.tier[row]).ticks_due(self.tick, || self.ids[row]);
                room.careful
                    .push((block as u32, (entry - first) as u32, ticks));
            }
        }
    }

    /// Keeps those who may touch obstacles out of them, one obstacle after the other in order of id.
    pub(crate) fn avoid(&self, blocks: Range<usize>, first: usize, room: &mut Room) {
        let mut near = room.near.iter().peekable();
        for block in blocks {
            if near.peek().is_none_or(|near| near.block as usize != block) {
                continue;
            }
            let obstacles = self.obstacles_of(self.roll.blocks[block].key);
            while let Some(near) = near.next_if(|near| near.block as usize == block) {
                let n = near.entry as usize;
                let body = self.kinds.body(self.roll.entries.kinds[first + n]);
                let xyz = [room.x[n], room.y[n], room.z[n]];
                let solid = &obstacles[near.obstacle as usize].solid;
                if room.flags[n] & DUE != 0
                    && let Some(out) = beside(solid, xyz, body)
                {
                    [room.x[n], room.y[n]] = out;
                }
            }
        }
    }

    /// How high the ground is where each agent goes.
    #[inline(always)]
    pub(crate) fn find_ground(
        &self,
        one_by_one: bool,
        blocks: Range<usize>,
        first: usize,
        room: &mut Room,
    ) {
        for block in blocks {
            let entries = self.roll.entries_of(block);
            let range = entries.start - first..entries.end - first;
            let slot = slot_of_key(self.roll.blocks[block].key);
            let axes = &self.frames.get(slot).axes;
            let lanes = [&room.x, &room.y, &room.z].map(|lane| &lane[range.clone()]);
            let [px, py, pz] = &mut room.places;
            let out = [
                &mut px[range.clone()],
                &mut py[range.clone()],
                &mut pz[range],
            ];
            places(axes, lanes, out);
        }
        let [px, py, pz] = &room.places;
        if one_by_one {
            for (n, height) in room.heights.iter_mut().enumerate() {
                let place = DVec3::new(px[n], py[n], pz[n]);
                *height = self.ground.height_m(place).unwrap_or(f64::NAN);
            }
        } else {
            self.ground.heights_m([px, py, pz], &mut room.heights);
        }
    }

    /// Writes where everybody is now. Who does not go anywhere is not looked at.
    #[inline(always)]
    pub(crate) fn settle(&self, blocks: Range<usize>, first: usize, room: &mut Room) {
        let mut held = 0;
        for block in blocks {
            let (key, entries) = (self.roll.blocks[block].key, self.roll.entries_of(block));
            let (slot, corner) = (slot_of_key(key), corner_of_key(key));
            let frame = self.frames.get(slot);
            let range = entries.start - first..entries.end - first;
            if frame.is_on_ground {
                let heights = &mut room.heights[range.clone()];
                heights_z(
                    self.planet,
                    heights,
                    [&room.x[range.clone()], &room.y[range]],
                );
            } else {
                // A deck: height is that of the deck.
                for n in range {
                    room.heights[n] = f64::from(room.z[n]);
                }
            }
            // What is asked of a block pays for a few of it.
            let is_calm = entries.len() >= 4 && frame.is_block_calm(corner);
            let roll = &self.roll.entries;
            for entry in entries.clone() {
                let n = entry - first;
                let (x, y, flags) = (room.x[n], room.y[n], room.flags[n]);
                let is_going = x != roll.x[entry] || y != roll.y[entry] || flags & UPSET != 0;
                let is_held = room.heights[n].is_nan();
                if flags & DUE == 0 || !is_going || is_held {
                    held += u32::from(flags & DUE != 0 && is_going);
                    (room.x[n], room.y[n]) = (roll.x[entry], roll.y[entry]);
                    continue;
                }
                let z = room.heights[n] as i32;
                room.z[n] = z;
                let row = roll.rows[entry] as usize;
                // SAFETY: a row is in one entry, and an entry in one unit.
                unsafe {
                    *self.out.x.at(row) = x;
                    *self.out.y.at(row) = y;
                    *self.out.z.at(row) = z;
                    if flags & UPSET != 0 {
                        *self.out.mode.at(row) = Mode::Walk as u8;
                    }
                }
                let is_out = is_beyond(corner, x, y);
                let is_leaving = (!is_calm || is_out) && !frame.is_at_home(x, y, z);
                if is_leaving {
                    self.leave(slot, row, [x, y, z]);
                }
                if is_leaving || is_out {
                    room.moved.push(entry as u32);
                }
            }
            let range = entries.start - first..entries.end - first;
            for (ahead, lane) in self.out.ahead.iter().zip([&room.x, &room.y, &room.z]) {
                // SAFETY: an entry is in one unit.
                unsafe { ahead.slice(entries.clone()) }.copy_from_slice(&lane[range.clone()]);
            }
        }
        self.done.held.fetch_add(held, Ordering::Relaxed);
    }
}
