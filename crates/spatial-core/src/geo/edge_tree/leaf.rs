//! The cells that edges run through: which shapes their middle is in, and the edges to be crossed from there.

use glam::DVec3;

use super::square::middle;
use crate::geo::crossing::Way;
use crate::geo::edge_set::EdgeSet;

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
pub(super) struct Leaf {
    pub(super) center: [f64; 2],       // of the rectangle, u and v
    pub(super) inverse_half: [f64; 2], // of its half sides
    pub(super) blocks: [u32; 2],       // range
    pub(super) shapes: [u32; 2],       // range in `local_shapes`: those with edges here, ascending
    pub(super) inside: u32,            // which of them contain the middle
    pub(super) set: u32,               // those without edges here that contain the cell
    pub(super) face: u8,
    pub(super) has_next: bool,
}

/// Edges in coordinates from the middle of the cell, in half sides.
#[derive(Clone, Copy, Default, Debug)]
#[repr(C, align(32))]
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
    /// The lanes whose edge the step surely crosses, and those where rounding leaves doubt: bits.
    ///
    /// With the middle as origin, the ends are on different sides of the way if d×a and d×b differ in sign, and the ways'
    /// ends on different sides of the edge if a×b and a×b + d×a − d×b do.
    #[inline(always)]
    pub(super) fn crossings(&self, step: Step) -> (u32, u32) {
        let (mut sure, mut doubtful) = ([0u32; LANES], [0u32; LANES]);
        for lane in 0..LANES {
            let to_a = step.x * self.ay[lane] - step.y * self.ax[lane];
            let to_b = step.x * self.by[lane] - step.y * self.bx[lane];
            let (start, end) = (self.c[lane], self.c[lane] + to_a - to_b);
            // Least distance from zero, with the sign of "different".
            let ends = -to_a.signum() * to_b.signum() * min(to_a.abs(), to_b.abs());
            let way = -start.signum() * end.signum() * min(start.abs(), end.abs());
            let both = min(ends, way);
            sure[lane] = u32::from(both > DOUBT) << lane;
            doubtful[lane] = u32::from(both.abs() <= DOUBT) << lane;
        }
        let or = |bits: [u32; LANES]| bits.into_iter().fold(0, |all, bit| all | bit);
        (or(sure), or(doubtful))
    }

    /// Exclusive-or of the flips of the lanes in `bits`.
    #[inline(always)]
    pub(super) fn flips_of(&self, mut bits: u32) -> u32 {
        let mut flips = 0;
        while bits != 0 {
            flips ^= self.flips[bits.trailing_zeros() as usize];
            bits &= bits - 1;
        }
        flips
    }
}

/// A minimum as one instruction has it.
#[inline(always)]
fn min(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// The lanes of `bits` whose edge the way crosses, without rounding.
#[cold]
#[inline(never)]
pub(super) fn crossings_exactly(
    edges: &EdgeSet,
    lanes: &[u32; LANES],
    way: &Way,
    mut bits: u32,
) -> u32 {
    let mut crossed = 0;
    while bits != 0 {
        let lane = bits.trailing_zeros();
        let [a, b] = edges.ends(lanes[lane as usize]);
        crossed |= u32::from(way.crosses(a, b)) << lane;
        bits &= bits - 1;
    }
    crossed
}
