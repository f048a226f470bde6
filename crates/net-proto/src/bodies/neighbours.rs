//! What befell those nearby that this packet has told of already.

use super::body::Lanes;
use super::position::{Axes, whole, within};

/// A lattice of cells to which a packet's bodies are added, each to the eight around it, the more to those that are nearer; and that are asked
/// in the same way. So neighbours take the same time however many bodies a packet has: as much as 20 of them did one by one.
#[derive(Clone, Debug)]
pub(super) struct Neighbours {
    cells: Box<[Cell; CELLS]>,
}

/// Sums over the bodies of a cell: by how much their positions' predictions were off, x, y and z; these magnitudes; by how much the
/// orientations' were; and how many they are.
type Cell = [f32; 8];

/// Cells that are farther apart may share a place: with half of them the benchmark takes 0.5 B a packet more.
const CELLS: usize = 1_024;

/// To the next cell along an axis: 23 along x, 17 along y and 2 along z are places of their own.
const NEXT: [u32; 3] = [1, 23, 391];

/// Of a cell's edge, a unit of place is so much. 320 units to an edge, or 600, are 0.5 B and 1.7 B a packet worse.
const UNIT: f32 = 1.0 / 448.0;

/// So many unknown neighbours of whom nothing befell: few are believed less.
const DOUBT: f32 = 0.03;

/// Pulls and turns count up to here.
const MOST: f32 = 8_191.0;

/// Where a body is between cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    first: u32, // of the eight, the one lowest along every axis
    weights: [f32; 8],
}

/// The weighted means of those nearby; zeros where there is nobody.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Nearby {
    pub(super) pull: Axes<f32>,
    /// Of the magnitudes of pulls, all axes.
    pub(super) shift: u32,
    pub(super) turn: u32,
}

impl Spot {
    /// That of a place in the baseline.
    #[inline]
    pub(super) fn of(place: &Lanes) -> Self {
        let at: [f32; 3] = core::array::from_fn(|n| f32::from(place[n]) * UNIT);
        let cell = at.map(whole);
        let part: [f32; 3] = core::array::from_fn(|n| at[n] - cell[n] as f32);
        let first = cell[0]
            .cast_unsigned()
            .wrapping_add(cell[1].cast_unsigned().wrapping_mul(NEXT[1]))
            .wrapping_add(cell[2].cast_unsigned().wrapping_mul(NEXT[2]));
        let [x, y, z] = part.map(|part| [0.5 - part, 0.5 + part]); // of ±½, from the middle between two cells
        let weights = core::array::from_fn(|n| x[n & 1] * y[(n >> 1) & 1] * z[n >> 2]);
        Self { first, weights }
    }

    #[inline]
    fn cell(&self, n: usize) -> usize {
        self.first.wrapping_add(AROUND[n]) as usize % CELLS
    }
}

/// The eight cells around a spot, from the first.
const AROUND: [u32; 8] = {
    let [x, y, z] = NEXT;
    [0, x, y, x + y, z, x + z, y + z, x + y + z]
};

impl Neighbours {
    pub(super) fn new() -> Self {
        Self {
            cells: Box::new([[0.0; 8]; CELLS]),
        }
    }

    /// Nothing befell anybody.
    pub(super) fn clear(&mut self) {
        self.cells.fill([0.0; 8]);
    }

    /// What befell a body.
    #[inline]
    pub(super) fn push(&mut self, spot: &Spot, pull: &Axes<f32>, turn: u32) {
        let [x, y, z, _] = pull.map(|pull| within(pull, -MOST, MOST));
        let (shift, turn) = (x.abs() + y.abs() + z.abs(), within(turn as f32, 0.0, MOST));
        let befell = [x, y, z, shift, turn, 1.0, 0.0, 0.0];
        for n in 0..8 {
            let cell = &mut self.cells[spot.cell(n)];
            for lane in 0..8 {
                cell[lane] += spot.weights[n] * befell[lane];
            }
        }
    }

    /// What befell those around a spot.
    #[inline]
    pub(super) fn around(&self, spot: &Spot) -> Nearby {
        let mut sums = [0.0; 8];
        for n in 0..8 {
            let cell = &self.cells[spot.cell(n)];
            for lane in 0..8 {
                sums[lane] += spot.weights[n] * cell[lane];
            }
        }
        let [x, y, z, shift, turn, count, ..] = sums;
        let mean = 1.0 / (count + DOUBT);
        Nearby {
            pull: [x * mean, y * mean, z * mean, 0.0],
            shift: whole(shift * mean).cast_unsigned(),
            turn: whole(turn * mean).cast_unsigned(),
        }
    }
}
