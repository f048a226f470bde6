//! The few nearest: of those in a ball, sorted by their approximations in lanes.

use super::approximation::PADDING;
use super::moving::MovingIndex;
use super::reach::LeafRanges;
use super::scan::{Kernel, KernelWork, Lanes, Sieve, sieve_next};
use super::tile::Tile;
use super::view::Ball;
use super::walk::Visitor;
use crate::simd::SimdLevel;

/// So many at most are few.
pub(super) const FEW_MAX: usize = 16;
/// Balls that may hold more are for others.
const ROOM: usize = 64;

/// Who may be within a ball, nearest first as far as approximations can tell.
pub(super) struct Few {
    /// How many: only so many rows are meant. When there is no room for all, this is more than there are rows.
    pub(super) len: usize,
    /// Ascending: the bits of the square of an approximate distance, m², then the row.
    keys: [u64; ROOM],
    /// By how much approximate distances may be wrong.
    error_m: f64,
}

impl Few {
    pub(super) fn none() -> Self {
        Self {
            len: 0,
            keys: [0; ROOM],
            error_m: 0.0,
        }
    }

    /// Whether there was room for all.
    pub(super) fn is_complete(&self) -> bool {
        self.len <= ROOM
    }

    /// The rows of all who may be among the `count` nearest, `count` being from 1 to the length.
    pub(super) fn nearest(&self, count: usize) -> impl Iterator<Item = u32> {
        let square_m2 = |key: u64| f32::from_bits((key >> 32) as u32);
        // Their own distances may be less by an error, and that of the last one more.
        let rim_m = f64::from(square_m2(self.keys[count - 1])).sqrt() + 2.0 * self.error_m;
        let rim_m2 = (rim_m * rim_m) as f32;
        let beyond = self.keys[count..self.len].iter();
        let others = beyond.take_while(|key| square_m2(**key) <= rim_m2).count();
        self.keys[..count + others].iter().map(|key| *key as u32)
    }
}

/// Finds those who may be within a ball.
pub(super) struct FewWork<'a> {
    pub(super) index: &'a MovingIndex,
    pub(super) ball: Ball,
    pub(super) ranges: &'a LeafRanges, // of the ball
    pub(super) few: &'a mut Few,
}

impl KernelWork for FewWork<'_> {
    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) {
        let mut visitor = FewVisitor {
            kernel,
            lanes: self.index.lanes(),
            level: self.index.simd,
            ball: self.ball,
            found: Candidates {
                keys: [0; ROOM + PADDING],
                len: 0,
            },
            error_m: 0.0,
        };
        for range in self.ranges.as_slice() {
            self.index.order.visit(range, &mut visitor);
        }
        self.few.error_m = visitor.error_m;
        visitor.found.sort_into(self.few);
    }
}

struct FewVisitor<'a, K> {
    kernel: K,
    lanes: Lanes<'a>,
    level: SimdLevel,
    ball: Ball,
    found: Candidates,
    error_m: f64,
}

impl<K: Kernel> Visitor for FewVisitor<'_, K> {
    type Local = (Sieve, f32); // and the square of a step, m²

    fn level(&self) -> SimdLevel {
        self.level
    }

    #[inline(always)]
    fn enter(&mut self, tile: &Tile) -> Option<(Sieve, f32)> {
        let sieve = Sieve::new(tile, self.ball.center.0, self.ball.radius_m);
        let step_m = 1.0 / tile.steps_per_m;
        // Beyond the rim by another error, so twice is enough for all that are told, their squares' rounding to metres included.
        self.error_m = self.error_m.max(2.0 * sieve.error * step_m);
        Some((sieve, (step_m * step_m) as f32))
    }

    #[inline(always)]
    fn run(&mut self, _: &Tile, (sieve, step_m2): &(Sieve, f32), [from, to]: [u32; 2]) {
        // No closures: called at several places, they would not be compiled for the kernel's instructions.
        let (mut slot, to) = (from as usize, to as usize);
        while slot < to {
            let (mut sieved, rows) = sieve_next(self.kernel, self.lanes, sieve, [slot, to]);
            for square in &mut sieved.squares {
                *square *= step_m2;
            }
            let squares_m2 = self
                .kernel
                .pack(bytemuck::cast_ref(&sieved.squares), sieved.outer);
            let rows = self.kernel.pack(rows, sieved.outer);
            let count = sieved.outer.count_ones() as usize;
            self.found.add(&rows, &squares_m2, count);
            slot += PADDING;
        }
    }
}

/// In the order of slots.
struct Candidates {
    keys: [u64; ROOM + PADDING],
    len: usize, // when more than ROOM, no more are kept
}

impl Candidates {
    #[inline(always)]
    fn add(&mut self, rows: &[u32; PADDING], squares_m2: &[u32; PADDING], count: usize) {
        if self.len <= ROOM {
            // All sixteen, for lanes.
            let keys = &mut self.keys[self.len..self.len + PADDING];
            for lane in 0..PADDING {
                keys[lane] = u64::from(squares_m2[lane]) << 32 | u64::from(rows[lane]);
            }
        }
        self.len += count;
    }

    /// A candidate's place is the number of those before it: each is compared with sixteen at a time.
    #[inline(always)]
    fn sort_into(&self, few: &mut Few) {
        few.len = self.len;
        if self.len > ROOM {
            return;
        }
        let mut first = 0;
        while first < self.len {
            let keys: &[u64; PADDING] = self.keys[first..first + PADDING]
                .try_into()
                .expect("a slice of sixteen");
            let mut before = [0u64; PADDING];
            for other in &self.keys[..self.len] {
                for lane in 0..PADDING {
                    // Wrapping, for a check of each would take them out of their lanes.
                    before[lane] = before[lane].wrapping_add(u64::from(*other < keys[lane]));
                }
            }
            for lane in 0..PADDING.min(self.len - first) {
                few.keys[before[lane] as usize] = keys[lane];
            }
            first += PADDING;
        }
    }
}
