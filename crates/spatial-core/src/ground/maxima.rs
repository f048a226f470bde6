//! The highest samples of blocks of a tile's cells, for those who ask what is above the ground.
//!
//! ```text
//! level 2   blocks of 4 × 4 cells, the highest of their 5 × 5 samples     32 × 32 of them in a tile of N = 128
//! level 3   of 2 × 2 of those …                                            …
//! level 7   the tile                                                       1
//! ```
//! 1,365 of them, 2.7 KB. (Of blocks of 2 × 2 too it would be 11 KB: more misses than they save.) A thread keeps those of the
//! tiles that it met last: nothing is shared, so nothing waits.

use std::cell::Cell;

use super::{Samples, StoreError};
use crate::columns::prefetch;
use crate::store::Finest;

/// Cells along the smallest blocks: 2² of them.
pub(super) const FIRST_LEVEL: u32 = 2;
/// Of the largest tile.
const TOP_LEVEL: u32 = 7;
const BLOCKS: usize = 1_365;
const SIDE_MAX: usize = 129;
/// Tiles that a thread keeps maxima of, 2.8 MB: a square of 32 by 32 of one level, without a collision.
const TILES_MAX: usize = 1_024;

/// Maxima of one tile's blocks.
#[derive(Clone, Copy)]
pub(super) struct Maxima<'a> {
    blocks: &'a [i16; BLOCKS],
    top: u32, // its side is 2^top cells
}

impl Maxima<'_> {
    /// The highest sample of the block of a level that holds cell (i, j).
    #[inline(always)]
    pub(super) fn at(self, level: u32, i: u32, j: u32) -> i16 {
        let row = j >> level << (self.top - level);
        self.blocks[first_of(level, self.top) + (row + (i >> level)) as usize]
    }
}

/// Where a level's blocks begin: behind those of the finer ones, Σ 4^(top − m).
#[inline(always)]
fn first_of(level: u32, top: u32) -> usize {
    debug_assert!((FIRST_LEVEL..=top).contains(&level) && top <= TOP_LEVEL);
    ((1 << (2 * (top - 1))) - (1 << (2 * (top - level + 1)))) / 3
}

/// What a thread keeps.
pub(super) struct Cache {
    tiles: Vec<Option<Box<Entry>>>, // TILES_MAX of them
    samples: Box<[i16]>,            // one tile's, while its maxima are found
}

struct Entry {
    terrain: u64, // its number
    slot: u32,
    blocks: [i16; BLOCKS],
}

thread_local! {
    static CACHE: Cell<Option<Box<Cache>>> = const { Cell::new(None) };
}

impl Cache {
    fn new() -> Self {
        Self {
            tiles: (0..TILES_MAX).map(|_| None).collect(),
            samples: vec![0; SIDE_MAX * SIDE_MAX].into(),
        }
    }

    /// Works with this thread's cache. Who asks again in the middle of that gets one of its own.
    pub(super) fn with<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        let mut cache = CACHE.take().unwrap_or_else(|| Box::new(Self::new()));
        let answer = work(&mut cache);
        CACHE.set(Some(cache));
        answer
    }

    /// The maxima of a tile of a terrain: those that are kept, or of the samples that are handed out. 3 µs where they are not.
    #[inline(always)]
    pub(super) fn get<'t>(
        &mut self,
        (terrain, finest, intervals): (u64, &Finest, u16),
        samples: impl FnOnce() -> Result<Samples<'t>, StoreError>,
    ) -> Result<Maxima<'_>, StoreError> {
        let top = intervals.trailing_zeros();
        let entry = &mut self.tiles[place_of(finest)];
        let is_kept = entry
            .as_ref()
            .is_some_and(|entry| entry.slot == finest.slot && entry.terrain == terrain);
        if !is_kept {
            let side = usize::from(intervals) + 1;
            let buffer = &mut self.samples[..side * side];
            samples()?.copy_to(buffer);
            let entry = entry.get_or_insert_with(Entry::blank);
            (entry.terrain, entry.slot) = (terrain, finest.slot);
            fill(&mut entry.blocks, buffer, top);
        }
        let entry = entry.as_ref().expect("just looked at or filled");
        Ok(Maxima {
            blocks: &entry.blocks,
            top,
        })
    }

    /// Asks for the memory of the maximum that a walk from cell (i, j) of a tile asks for first, if it is kept.
    #[inline(always)]
    pub(super) fn prefetch(&self, finest: &Finest, intervals: u16, [i, j]: [u32; 2]) {
        if let Some(entry) = &self.tiles[place_of(finest)] {
            let across = u32::from(intervals) >> FIRST_LEVEL;
            let block = (j >> FIRST_LEVEL) * across + (i >> FIRST_LEVEL);
            if let Some(block) = entry.blocks.get(block as usize) {
                prefetch(block);
            }
        }
    }
}

/// Where a tile's maxima are kept.
#[inline(always)]
fn place_of(finest: &Finest) -> usize {
    ((finest.row & 31) << 5 | finest.column & 31) as usize
}

impl Entry {
    fn blank() -> Box<Self> {
        Box::new(Self {
            terrain: 0, // no terrain's
            slot: 0,
            blocks: [0; BLOCKS],
        })
    }
}

/// Fills in the maxima of a tile of 2^top cells a side.
fn fill(blocks: &mut [i16; BLOCKS], samples: &[i16], top: u32) {
    let (side, across) = ((1 << top) + 1, 1usize << (top - FIRST_LEVEL));
    for row in 0..across {
        let from = row * 4 * side;
        let mut highest = [i16::MIN; SIDE_MAX];
        for samples in samples[from..from + 5 * side].chunks_exact(side) {
            for (highest, sample) in highest.iter_mut().zip(samples) {
                *highest = (*highest).max(*sample);
            }
        }
        for (column, block) in blocks[row * across..(row + 1) * across]
            .iter_mut()
            .enumerate()
        {
            let of = &highest[4 * column..4 * column + 5];
            *block = of.iter().fold(i16::MIN, |a, b| a.max(*b));
        }
    }
    for level in FIRST_LEVEL + 1..=top {
        let (finer, own) = blocks.split_at_mut(first_of(level, top));
        let finer = &finer[first_of(level - 1, top)..];
        let across = 1usize << (top - level);
        for (n, block) in own[..across * across].iter_mut().enumerate() {
            let at = (2 * (n / across)) * (2 * across) + 2 * (n % across);
            let four = [at, at + 1, at + 2 * across, at + 2 * across + 1].map(|at| finer[at]);
            *block = four.into_iter().fold(i16::MIN, i16::max);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finest(slot: u32, column: u32) -> Finest {
        Finest {
            slot,
            column,
            ..Finest::NONE
        }
    }

    #[test]
    fn maxima_are_those_of_all_samples_of_a_block() {
        for intervals in [8u16, 16, 128] {
            let side = usize::from(intervals) + 1;
            let sample = |k: usize| (k as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
            let samples: Vec<i16> = (0..side * side)
                .map(|k| i16::from_le_bytes([sample(k)[6], sample(k)[7]]))
                .collect();
            let mut cache = Cache::new();
            let key = (7, &finest(3, 5), intervals);
            let maxima = cache.get(key, || Ok(Samples::Decoded(&samples))).unwrap();
            for level in FIRST_LEVEL..=intervals.trailing_zeros() {
                for block in 0..(intervals as usize >> level).pow(2) {
                    let (i, j) = (
                        (block % (side >> level)) << level,
                        (block / (side >> level)) << level,
                    );
                    let rows =
                        (j..=j + (1 << level)).map(|j| &samples[j * side..][i..=i + (1 << level)]);
                    let want = rows.flatten().max().unwrap();
                    let (i, j) = (i as u32, j as u32);
                    let last = (1 << level) - 1;
                    assert_eq!(maxima.at(level, i, j), *want);
                    assert_eq!(maxima.at(level, i + last, j + last), *want);
                }
            }
        }
    }

    #[test]
    fn a_tile_that_is_kept_is_not_asked_again_and_others_take_its_place() {
        let mut cache = Cache::new();
        let samples = |v: i16| vec![v; 81];
        let mut high = |terrain: u64, finest: &Finest, v: i16| {
            let mut asked = false;
            let samples = samples(v);
            let maxima = cache.get((terrain, finest, 8), || {
                asked = true;
                Ok(Samples::Decoded(&samples))
            });
            (maxima.unwrap().at(3, 0, 0), asked)
        };
        assert_eq!(high(1, &finest(0, 0), 5), (5, true));
        assert_eq!(high(1, &finest(0, 0), 6), (5, false));
        assert_eq!(high(1, &finest(1, 1), 7), (7, true));
        assert_eq!(high(1, &finest(0, 0), 6), (5, false));
        assert_eq!(high(2, &finest(0, 0), 8), (8, true));
        assert_eq!(high(1, &finest(0, 0), 6), (6, true));
    }
}
