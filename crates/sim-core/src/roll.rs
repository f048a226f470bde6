//! The roll: who is awake, in the order of blocks. A block is a square of 64 m of a frame's plane.
//!
//! ```text
//! key    slot of the frame (32) · row of blocks (10) · column of blocks (10)
//! roll   key   k₀ k₀ k₀ k₁ k₁ k₃ …        ascending; the order within a block means nothing
//!        row    7  2  9  1  4 12 …        where the agent lies in the table
//!        x y z                            where it was before the tick: everybody reads these, and writes the table
//! ```
//! From tick to tick few agents leave their block, so the roll is mended and not sorted: those who stay are merged with those
//! who moved. An agent that may touch somebody of another block is also a guest there.
//!
//! Nothing that a tick computes depends on the order: sums over neighbours are sums of integers.

use core::ops::Range;

use rayon::prelude::*;
use spatial_core::UNITS_PER_M;

use crate::agent::Tier;
use crate::frames::{BORDER_M, FrameSlots, NO_SLOT, Slot};
use crate::kinds::Kinds;
use crate::parts::Parts;
use crate::rows::Rows;

/// log₂ of a block's side in grid units: 64 m.
pub(crate) const BLOCK_SHIFT: u32 = 22;

/// Entries that one worker mends at a time.
const CHUNK: usize = 8_192;

/// Entries that one worker moves at a time, at least.
const UNIT: usize = 1_024;

/// Who is awake, in the order of blocks.
#[derive(Clone, Default)]
pub(crate) struct Roll {
    pub(crate) entries: Entries,
    spare: Entries,
    chunks: Vec<Chunk>,
    arrivals: Vec<Arrival>,
    pub(crate) guests: Vec<Guest>, // ascending by key
    pub(crate) blocks: Vec<Block>,
    pub(crate) units: Vec<Range<u32>>, // runs of blocks
    touched: Vec<u32>,                 // rows that came, went, or are others now
    touched_bits: Vec<u64>,
    arrived: usize,   // since rows were put in order
    order: Vec<u32>,  // scratch
    named: Vec<bool>, // scratch
}

/// The roll's columns.
#[derive(Clone, Default)]
pub(crate) struct Entries {
    pub(crate) keys: Vec<u64>,
    pub(crate) rows: Vec<u32>,
    pub(crate) x: Vec<i32>,
    pub(crate) y: Vec<i32>,
    pub(crate) z: Vec<i32>,
    pub(crate) kinds: Vec<u16>,
}

/// A run of entries with one key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) key: u64,
    pub(crate) first: u32,
}

/// An agent as another block sees it: on the grid of that block's frame.
#[derive(Clone, Copy)]
pub(crate) struct Guest {
    pub(crate) key: u64,
    pub(crate) xyz: [i32; 3],
    pub(crate) row: u32,
    pub(crate) kind: u16,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Arrival {
    key: u64,
    row: u32,
}

/// What one chunk of entries found.
#[derive(Clone, Default)]
struct Chunk {
    first_key: u64,
    stayed: usize,
    moved: Vec<Arrival>,
    guests: Vec<Guest>,
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

impl Roll {
    /// A row came, went, woke, fell asleep, or is another agent now.
    pub(crate) fn touch(&mut self, row: usize) {
        let word = row / 64;
        if self.touched_bits.len() <= word {
            self.touched_bits.resize(word + 1, 0);
        }
        let bit = 1 << (row % 64);
        if self.touched_bits[word] & bit == 0 {
            self.touched_bits[word] |= bit;
            self.touched.push(row as u32);
        }
    }

    /// Forgets everything: all rows must be touched again.
    pub(crate) fn clear(&mut self) {
        self.entries.resize(0);
        self.touched.clear();
        self.touched_bits.fill(0);
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.keys.len()
    }

    /// Brings the roll up to date with the table.
    pub(crate) fn mend(&mut self, rows: &Rows<'_>, frames: &FrameSlots, kinds: &Kinds) {
        self.find_movers(rows, frames, kinds);
        self.collect_arrivals(rows);
        self.merge(rows);
        self.collect_guests(rows, frames, kinds);
        self.find_blocks();
    }

    /// Compacts each chunk to those who stay, and lists those who moved and the guests among those who stay.
    fn find_movers(&mut self, rows: &Rows<'_>, frames: &FrameSlots, kinds: &Kinds) {
        let chunks = self.len().div_ceil(CHUNK);
        self.chunks.resize_with(chunks, Chunk::default);
        let dirty: &[u64] = match self.touched.is_empty() {
            true => &[],
            false => &self.touched_bits,
        };
        let keys = self.entries.keys.par_chunks_mut(CHUNK);
        let entry_rows = self.entries.rows.par_chunks_mut(CHUNK);
        (keys, entry_rows, &mut self.chunks)
            .into_par_iter()
            .for_each(|(keys, entry_rows, chunk)| {
                chunk.sift(keys, entry_rows, dirty, rows);
                chunk.find_guests(keys, entry_rows, rows, (frames, kinds));
            });
    }

    /// Those who moved and those who came, ascending.
    fn collect_arrivals(&mut self, rows: &Rows<'_>) {
        self.arrivals.clear();
        self.arrivals.reserve(self.len() / 16 + 64);
        for chunk in &mut self.chunks {
            self.arrivals.append(&mut chunk.moved);
        }
        for row in self.touched.drain(..) {
            self.touched_bits[row as usize / 64] = 0;
            if rows.is_awake(row as usize) {
                let key = rows.key(row as usize);
                self.arrivals.push(Arrival { key, row });
            }
        }
        self.arrivals.par_sort_unstable();
        self.arrived += self.arrivals.len();
    }

    /// Merges each chunk's stayers with the arrivals among them into new entries, and gathers where all are.
    fn merge(&mut self, rows: &Rows<'_>) {
        let stayed: usize = self.chunks.iter().map(|chunk| chunk.stayed).sum();
        self.spare.resize(stayed + self.arrivals.len());
        let out = self.spare.parts();
        let (entries, arrivals, chunks) = (&self.entries, &self.arrivals, &self.chunks);
        if chunks.is_empty() {
            // SAFETY: the only worker.
            unsafe { out.fill(0, arrivals.iter().map(|a| (a.key, a.row)), rows) };
        }
        let place = |n: usize| match chunks.get(n) {
            Some(_) if n == 0 => 0,
            Some(chunk) => arrivals.partition_point(|a| a.key < chunk.first_key),
            None => arrivals.len(),
        };
        (0..chunks.len()).into_par_iter().for_each(|n| {
            let before: usize = chunks[..n].iter().map(|chunk| chunk.stayed).sum();
            let (from, to) = (place(n), place(n + 1));
            let range = n * CHUNK..n * CHUNK + chunks[n].stayed;
            let stayers = entries.keys[range.clone()].iter().copied();
            let stayers = stayers.zip(entries.rows[range].iter().copied());
            let merged = Merge {
                left: stayers.peekable(),
                right: arrivals[from..to].iter().map(|a| (a.key, a.row)).peekable(),
            };
            // SAFETY: stayers and arrivals of this chunk alone go there.
            unsafe { out.fill(before + from, merged, rows) };
        });
        core::mem::swap(&mut self.entries, &mut self.spare);
    }

    /// All guests, ascending by the block that they visit.
    fn collect_guests(&mut self, rows: &Rows<'_>, frames: &FrameSlots, kinds: &Kinds) {
        self.guests.clear();
        self.guests.reserve(self.len() / 4 + 64);
        for chunk in &mut self.chunks {
            self.guests.append(&mut chunk.guests);
        }
        for arrival in &self.arrivals {
            let row = arrival.row as usize;
            let who = (rows, row, arrival.key);
            visit(who, false, (frames, kinds), &mut self.guests);
        }
        // Their order within a block means nothing.
        self.guests.par_sort_unstable_by_key(|guest| guest.key);
    }

    fn find_blocks(&mut self) {
        self.blocks.clear();
        self.units.clear();
        let mut last = u64::MAX;
        let (mut unit_block, mut unit_first) = (0, 0);
        for (n, &key) in self.entries.keys.iter().enumerate() {
            if key != last {
                if n - unit_first >= UNIT {
                    self.units.push(unit_block..self.blocks.len() as u32);
                    (unit_block, unit_first) = (self.blocks.len() as u32, n);
                }
                let first = n as u32;
                self.blocks.push(Block { key, first });
                last = key;
            }
        }
        if self.len() > 0 {
            self.units.push(unit_block..self.blocks.len() as u32);
        }
    }

    /// The entries of a block.
    #[inline(always)]
    pub(crate) fn entries_of(&self, block: usize) -> Range<usize> {
        let first = self.blocks[block].first as usize;
        let next = self.blocks.get(block + 1);
        first..next.map_or(self.len(), |next| next.first as usize)
    }

    /// The entries of the blocks from one key to another, both included.
    pub(crate) fn entries_between(&self, first: u64, last: u64) -> Range<usize> {
        let at = |block: usize| {
            let block = self.blocks.get(block);
            block.map_or(self.len(), |block| block.first as usize)
        };
        let from = self.blocks.partition_point(|block| block.key < first);
        let to = self.blocks.partition_point(|block| block.key <= last);
        at(from)..at(to.max(from))
    }

    /// Whether the roll names exactly the rows that are awake.
    pub(crate) fn names_all(&self, rows: &Rows<'_>) -> bool {
        let awake = rows
            .state
            .tier
            .iter()
            .filter(|tier| Tier(**tier) != Tier::ASLEEP);
        let are_awake = self
            .entries
            .rows
            .iter()
            .all(|row| rows.is_awake(*row as usize));
        are_awake && awake.count() == self.len()
    }

    /// An order of all rows: those who are awake in the order of the roll, the others after them. The roll names them by their new
    /// places from now on. Only for a roll that is up to date.
    pub(crate) fn order_rows(&mut self, rows: usize) -> &[u32] {
        assert!(self.touched.is_empty());
        self.arrived = 0;
        self.order.clear();
        self.order.extend_from_slice(&self.entries.rows);
        self.named.clear();
        self.named.resize(rows, false);
        for row in &self.entries.rows {
            self.named[*row as usize] = true;
        }
        let named = &self.named;
        self.order
            .extend((0..rows as u32).filter(|row| !named[*row as usize]));
        for (n, row) in self.entries.rows.iter_mut().enumerate() {
            *row = n as u32;
        }
        &self.order
    }

    /// Whether so many have come to where their rows do not lie that putting rows in order pays.
    pub(crate) fn is_disordered(&self) -> bool {
        self.arrived > self.len() / 4 + 1_024
    }
}

impl Chunk {
    /// Moves those who stay to the front and lists those who are in another block now.
    fn sift(&mut self, keys: &mut [u64], entry_rows: &mut [u32], dirty: &[u64], rows: &Rows<'_>) {
        self.first_key = keys[0];
        self.moved.reserve(keys.len() / 16 + 16);
        self.guests.reserve(keys.len() / 4 + 16);
        let mut stayed = 0;
        for n in 0..keys.len() {
            let (key, row) = (keys[n], entry_rows[n]);
            if is_set(dirty, row as usize) {
                continue; // filed anew, if at all
            }
            let now = rows.key(row as usize);
            if now == key {
                (keys[stayed], entry_rows[stayed]) = (key, row);
                stayed += 1;
            } else {
                self.moved.push(Arrival { key: now, row });
            }
        }
        self.stayed = stayed;
    }

    fn find_guests(
        &mut self,
        keys: &[u64],
        entry_rows: &[u32],
        rows: &Rows<'_>,
        scene: (&FrameSlots, &Kinds),
    ) {
        let mut block = (u64::MAX, false); // its key, and whether it is calm
        for n in 0..self.stayed {
            let (row, key) = (entry_rows[n] as usize, keys[n]);
            if key != block.0 {
                // What is asked of a block pays for a few of it.
                let is_full = keys[..self.stayed].get(n + 4) == Some(&key);
                let frame = scene.0.get(slot_of_key(key));
                block = (key, is_full && frame.is_block_calm(corner_of_key(key)));
            }
            visit((rows, row, key), block.1, scene, &mut self.guests);
        }
    }
}

/// Whether a bit is set; beyond the words none is.
#[inline(always)]
fn is_set(words: &[u64], bit: usize) -> bool {
    words
        .get(bit / 64)
        .is_some_and(|word| word >> (bit % 64) & 1 != 0)
}

/// All blocks in which somebody may touch an agent, its own first.
pub(crate) fn visits(
    rows: &Rows<'_>,
    row: usize,
    scene: (&FrameSlots, &Kinds),
    out: &mut Vec<Guest>,
) {
    let key = rows.key(row);
    out.push(Guest {
        key,
        xyz: rows.xyz(row),
        row: row as u32,
        kind: rows.kind(row),
    });
    visit((rows, row, key), false, scene, out);
}

/// Makes an agent a guest wherever somebody may touch it.
#[inline(always)]
fn visit(
    (rows, row, key): (&Rows<'_>, usize, u64),
    is_block_calm: bool,
    (frames, kinds): (&FrameSlots, &Kinds),
    guests: &mut Vec<Guest>,
) {
    let reach = kinds.reach();
    let slot = slot_of_key(key);
    let guest = Guest {
        key,
        xyz: rows.xyz(row),
        row: row as u32,
        kind: rows.kind(row),
    };
    let [x, y, z] = guest.xyz;
    let inner = (1 << BLOCK_SHIFT) - reach;
    let offset = |units: i32| units & ((1 << BLOCK_SHIFT) - 1);
    let is_inside = |units: i32| (reach..inner).contains(&offset(units));
    if !(is_inside(x) && is_inside(y)) {
        visit_blocks(slot, key, &guest, reach, guests);
    }
    if !is_block_calm && !frames.get(slot).is_calm(x, y, z) {
        visit_frames(slot, &guest, frames, reach, guests);
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
    slot: Slot,
    guest: &Guest,
    frames: &FrameSlots,
    reach: i32,
    guests: &mut Vec<Guest>,
) {
    let own = frames.get(slot);
    if own.around[0] == NO_SLOT {
        return;
    }
    let [x, y, z] = guest.xyz;
    let at = spatial_core::Position {
        frame: own.axes.id(),
        x,
        y,
        z,
    };
    let place = own.axes.to_ecef(at);
    let far_m = BORDER_M - 8.0 + f64::from(reach) / UNITS_PER_M;
    for &other in own.around.iter().take_while(|slot| **slot != NO_SLOT) {
        let frame = frames.get(other);
        let is_near = frame
            .ground
            .as_ref()
            .is_some_and(|f| f.outside_m(place) <= far_m);
        let there = is_near
            .then(|| frame.axes.to_position(place).ok())
            .flatten();
        if let Some(there) = there {
            let guest = Guest {
                xyz: there.xyz(),
                ..*guest
            };
            visit_blocks(other, u64::MAX, &guest, reach, guests);
        }
    }
}

impl Entries {
    fn resize(&mut self, length: usize) {
        self.keys.resize(length, 0);
        self.rows.resize(length, 0);
        self.x.resize(length, 0);
        self.y.resize(length, 0);
        self.z.resize(length, 0);
        self.kinds.resize(length, 0);
    }

    fn parts(&mut self) -> EntryParts<'_> {
        EntryParts {
            keys: Parts::new(&mut self.keys),
            rows: Parts::new(&mut self.rows),
            x: Parts::new(&mut self.x),
            y: Parts::new(&mut self.y),
            z: Parts::new(&mut self.z),
            kinds: Parts::new(&mut self.kinds),
        }
    }
}

/// Entries that workers fill in parts.
struct EntryParts<'a> {
    keys: Parts<'a, u64>,
    rows: Parts<'a, u32>,
    x: Parts<'a, i32>,
    y: Parts<'a, i32>,
    z: Parts<'a, i32>,
    kinds: Parts<'a, u16>,
}

impl EntryParts<'_> {
    /// Writes entries from a place on.
    ///
    /// # Safety
    /// Nobody else writes there.
    unsafe fn fill(&self, from: usize, entries: impl Iterator<Item = (u64, u32)>, rows: &Rows<'_>) {
        for (at, (key, row)) in (from..).zip(entries) {
            let [x, y, z] = rows.xyz(row as usize);
            // SAFETY: as the caller promises.
            unsafe {
                *self.keys.at(at) = key;
                *self.rows.at(at) = row;
                *self.x.at(at) = x;
                *self.y.at(at) = y;
                *self.z.at(at) = z;
                *self.kinds.at(at) = rows.kind(row as usize);
            }
        }
    }
}

/// Two ascending runs as one.
struct Merge<L: Iterator, R: Iterator> {
    left: core::iter::Peekable<L>,
    right: core::iter::Peekable<R>,
}

impl<L, R> Iterator for Merge<L, R>
where
    L: Iterator<Item = (u64, u32)>,
    R: Iterator<Item = (u64, u32)>,
{
    type Item = (u64, u32);

    #[inline(always)]
    fn next(&mut self) -> Option<(u64, u32)> {
        match (self.left.peek(), self.right.peek()) {
            (Some(left), Some(right)) if right < left => self.right.next(),
            (Some(_), _) => self.left.next(),
            (None, _) => self.right.next(),
        }
    }
}
