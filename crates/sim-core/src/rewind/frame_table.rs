//! The frames that players were in, each once, by a small number.

use std::collections::HashMap;

use spatial_core::{Axes, FrameError, FrameId, Frames, Position};

use super::ring::TICKS;
use super::roster::IdHash;
use super::row::{NOWHERE, Stance};

/// Frames by number. One on the ground is the same for ever; a carrier takes a number for every pose that it had.
pub(super) struct FrameTable {
    entries: Vec<Entry>,
    newest: HashMap<FrameId, u16, IdHash>, // never iterated
    free: Vec<u16>,
    sweep_at: usize,    // so many entries, when none is free
    swept: Option<u64>, // in this tick
}

struct Entry {
    axes: Axes,
    used: Option<u64>, // the last tick with somebody in it; free without
    is_new: bool,      // in `newest`
}

/// Where a frame has no number, or no place.
pub(super) enum NoFrame {
    /// The planet or its carriers do not know it.
    Unknown,
    /// All numbers are taken.
    Full,
}

impl From<FrameError> for NoFrame {
    fn from(_: FrameError) -> Self {
        Self::Unknown
    }
}

const SWEEP_MIN: usize = 256;

impl FrameTable {
    pub(super) fn new() -> Self {
        Self {
            entries: Vec::new(),
            newest: HashMap::default(),
            free: Vec::new(),
            sweep_at: SWEEP_MIN,
            swept: None,
        }
    }

    /// The number of a frame as it is in a tick.
    pub(super) fn number(
        &mut self,
        id: FrameId,
        tick: u64,
        frames: &Frames,
    ) -> Result<u16, NoFrame> {
        if let Some(&number) = self.newest.get(&id) {
            let entry = &mut self.entries[usize::from(number)];
            let is_same = id.carrier().is_none() || entry.used == Some(tick);
            if is_same || entry.axes == frames.axes(id)? {
                entry.used = Some(tick);
                return Ok(number);
            }
            entry.is_new = false;
        }
        let axes = frames.axes(id)?;
        let number = self.admit(axes, tick).ok_or(NoFrame::Full)?;
        self.newest.insert(id, number);
        Ok(number)
    }

    /// The axes of a number that a stance has.
    pub(super) fn axes(&self, number: u16) -> &Axes {
        &self.entries[usize::from(number)].axes
    }

    /// A stance's grid point as one of another frame; `None` beyond that one's grid.
    pub(super) fn carry(&self, stance: Stance, to: u16) -> Option<[i32; 3]> {
        if stance.frame == to {
            return Some(stance.xyz());
        }
        let place = self.axes(stance.frame).to_ecef(self.position(stance));
        let at = self.axes(to).to_position(place);
        at.ok().map(Position::xyz)
    }

    /// A stance as a position.
    pub(super) fn position(&self, stance: Stance) -> Position {
        let frame = self.axes(stance.frame).id();
        let [x, y, z] = stance.xyz();
        Position { frame, x, y, z }
    }

    /// Bytes that it holds, without what its map needs beside its entries.
    pub(super) fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
            + self.free.capacity() * size_of::<u16>()
            + self.newest.capacity() * size_of::<(FrameId, u16)>()
    }

    fn admit(&mut self, axes: Axes, tick: u64) -> Option<u16> {
        if self.free.is_empty() && self.entries.len() >= self.sweep_at && self.swept != Some(tick) {
            self.sweep(tick);
        }
        let entry = Entry {
            axes,
            used: Some(tick),
            is_new: true,
        };
        if let Some(number) = self.free.pop() {
            self.entries[usize::from(number)] = entry;
            return Some(number);
        }
        let number = u16::try_from(self.entries.len()).ok()?;
        if number == NOWHERE {
            return None;
        }
        self.entries.push(entry);
        Some(number)
    }

    /// Frees the numbers that no tick of the ring knows. Where that is few of them, more are admitted before the next time.
    fn sweep(&mut self, tick: u64) {
        self.swept = Some(tick);
        for (number, entry) in self.entries.iter_mut().enumerate() {
            let is_over = entry.used.is_some_and(|used| tick - used >= TICKS as u64);
            if !is_over {
                continue;
            }
            if entry.is_new {
                self.newest.remove(&entry.axes.id());
            }
            entry.used = None;
            self.free.push(number as u16);
        }
        if 4 * self.free.len() < self.entries.len() {
            self.sweep_at = (self.entries.len() * 3 / 2).min(usize::from(NOWHERE));
        }
    }
}
