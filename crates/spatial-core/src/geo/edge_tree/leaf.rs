//! The cells that edges run through: which shapes their middle is in, and the edges to be crossed from there.

use glam::DVec3;

use super::square::middle;
use crate::geo::crossing::Way;

/// Edges of a block: as many as a vector register has f32.
pub(super) const LANES: usize = 8;
/// Shapes of a page: bits of a mask.
pub(super) const PAGE_SHAPES: usize = 32;
/// What the terms of a crossing test may be off in f32, where coordinates are at most [`REACH`]: 42 half-ulps of one
/// (12 each for two cross products of rounded factors, 5 for the constant, 13 for two sums), and a half more.
const DOUBT: f32 = 1.0 / (1 << 18) as f32;
/// Where edges are cut off, in half sides from the middle: beyond the cell, so that no end lies near a way in it.
pub(super) const REACH: f64 = 1.5;

/// A page of a cell. A cell whose edges belong to more than [`PAGE_SHAPES`] shapes has several, one after the other.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))] // a line of the cache
pub(super) struct Leaf {
    pub(super) center: [f64; 2],       // of the rectangle, u and v
    pub(super) inverse_half: [f64; 2], // of its half sides
    pub(super) blocks: [u32; 2],       // range
    pub(super) shapes: [u32; 2],       // range in `local_shapes`: those with edges here, ascending
    pub(super) inside: u32,            // which of them contain the middle
    pub(super) set: u32,               // those without edges here that contain the cell
    pub(super) first: u32,             // of these, or NONE
    pub(super) face: u8,
    pub(super) has_next: bool,
}

/// Edges in coordinates from the middle of the cell, in half sides.
#[derive(Clone, Copy, Default, Debug)]
#[repr(C, align(64))] // three lines of the cache
pub(super) struct Block {
    pub(super) ax: [f32; LANES],
    pub(super) ay: [f32; LANES],
    pub(super) bx: [f32; LANES],
    pub(super) by: [f32; LANES],
    pub(super) c: [f32; LANES], // a × b
    /// The shapes whose inside ends at the edge; two where they share a border, none in lanes that are not used.
    pub(super) flips: [u32; LANES],
}

/// A way from the middle of a cell to a point of it.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub(super) x: f32,
    pub(super) y: f32,
}

impl Leaf {
    /// Where u and v lie, from the middle.
    #[inline(always)]
    pub(super) fn step_to(&self, u: f64, v: f64) -> Step {
        Step {
            x: ((u - self.center[0]) * self.inverse_half[0]) as f32,
            y: ((v - self.center[1]) * self.inverse_half[1]) as f32,
        }
    }

    pub(super) fn way_to(&self, p: DVec3) -> Way {
        Way::new(middle(self.face, self.center), p)
    }
}

impl Block {
    /// How surely the step crosses the edge of a lane, if positive, or does not.
    ///
    /// With the middle as origin, the ends are on different sides of the way if d×a and d×b differ in sign, and the ways'
    /// ends on different sides of the edge if a×b and a×b + d×a − d×b do.
    #[inline(always)]
    fn crossing(&self, step: Step, lane: usize) -> f32 {
        let to_a = step.x * self.ay[lane] - step.y * self.ax[lane];
        let to_b = step.x * self.by[lane] - step.y * self.bx[lane];
        let (start, end) = (self.c[lane], self.c[lane] + to_a - to_b);
        min(apart(to_a, to_b), apart(start, end))
    }

    /// Whether the step crosses the edge of a lane; `None` in doubt.
    pub(super) fn is_crossed(&self, step: Step, lane: usize) -> Option<bool> {
        let crossing = self.crossing(step, lane);
        (crossing.abs() > DOUBT).then_some(crossing > 0.0)
    }
}

/// What a step crosses in the blocks of a page.
#[derive(Default)]
pub(super) struct Crossed {
    flips: [u32; LANES],
    doubtful: [u32; LANES], // not 0: in doubt
}

impl Crossed {
    #[inline(always)]
    pub(super) fn add(&mut self, block: &Block, step: Step) {
        for lane in 0..LANES {
            let crossing = block.crossing(step, lane);
            let flips = if crossing > DOUBT {
                block.flips[lane]
            } else {
                0
            };
            self.flips[lane] ^= flips;
            self.doubtful[lane] |= u32::from(crossing.abs() <= DOUBT);
        }
    }

    /// Exclusive-or of the flips of what is crossed; `None` if rounding leaves doubt.
    #[inline(always)]
    pub(super) fn flips(&self) -> Option<u32> {
        let (mut flips, mut doubtful) = (0, 0);
        for lane in 0..LANES {
            flips ^= self.flips[lane];
            doubtful |= self.doubtful[lane];
        }
        if doubtful == 0 { Some(flips) } else { None }
    }
}

/// Least distance of two numbers from zero, with the sign of "different signs".
#[inline(always)]
fn apart(a: f32, b: f32) -> f32 {
    const SIGN: u32 = 1 << 31;
    let same = !(a.to_bits() ^ b.to_bits()) & SIGN;
    f32::from_bits(min(a.abs(), b.abs()).to_bits() | same)
}

/// A minimum as one instruction has it.
#[inline(always)]
fn min(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}
