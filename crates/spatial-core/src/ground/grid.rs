//! The lattice of a tile, as a walk over it sees it.

use super::Samples;
use super::maxima::FIRST_LEVEL;
use crate::store::Finest;
use crate::terrain::{LatticeSpec, interval_of, local};

/// Where in a tile it is, in cells. Of an axis that is not exact only the block is known.
pub(super) struct Cells {
    pub(super) ij: [u32; 2],
    pub(super) is_exact: [bool; 2],
}

impl Cells {
    /// Over a line that is crossed along an axis. Of the other one only a cell is still exact.
    #[inline(always)]
    pub(super) fn step(&mut self, axis: usize, line: u32, is_forward: bool, is_cell: bool) {
        self.ij[axis] = if is_forward {
            line
        } else {
            line.wrapping_sub(1)
        };
        self.is_exact[axis] = true;
        self.is_exact[1 - axis] &= is_cell;
    }
}

/// Cells of a tile that are walked over: all, or a quadrant.
pub(super) struct Reach {
    first: [u32; 2],
    size: u32,
    pub(super) top: u32, // the level of the block that is all of them
}

impl Reach {
    #[inline(always)]
    fn last(&self, axis: usize) -> u32 {
        self.first[axis] + self.size - 1
    }

    /// The first cell along an axis, from where a walk comes.
    #[inline(always)]
    pub(super) fn entry(&self, axis: usize, is_forward: bool) -> u32 {
        if is_forward {
            self.first[axis]
        } else {
            self.last(axis)
        }
    }

    /// The line behind the last cell along an axis.
    #[inline(always)]
    pub(super) fn end(&self, axis: usize, is_forward: bool) -> u32 {
        self.first[axis] + if is_forward { self.size } else { 0 }
    }
}

/// The lattice of a tile on its face.
pub(super) struct Grid<'t> {
    pub(super) lattice: &'t LatticeSpec,
    pub(super) intervals: u32,      // of the tile
    pub(super) face_intervals: f64, // of the face, at the tile's level
    pub(super) first: [u32; 2],     // lines of the face before the tile's
    // u of the tile's line k is c + k·(c′ + k·c″), for the lower half of a face and the upper one: shorter to wait for than
    // `st_to_uv`, and every block waits for it.
    lines: [[[f64; 3]; 2]; 2],
}

impl<'t> Grid<'t> {
    #[inline(always)]
    pub(super) fn new(lattice: &'t LatticeSpec, finest: Finest) -> Self {
        let intervals = u32::from(lattice.intervals());
        let face_intervals = f64::from(intervals) * f64::from(1u32 << finest.level);
        let (column, row) = (finest.column * intervals, finest.row * intervals);
        Self {
            lattice,
            intervals,
            face_intervals,
            first: [column, row],
            lines: [lines(column, face_intervals), lines(row, face_intervals)],
        }
    }

    /// Asks for all samples of the smallest block around a cell: one after the other they would be waited for.
    #[inline(always)]
    pub(super) fn prefetch_block(&self, samples: Samples<'_>, [i, j]: [u32; 2]) {
        let (size, side) = (1u32 << FIRST_LEVEL, self.intervals as usize + 1);
        let first = (j & !(size - 1)) as usize * side + (i & !(size - 1)) as usize;
        samples.prefetch(first, side, size as usize + 1);
    }

    /// The cells of the tile at a place of its face, where it is the finest.
    #[inline(always)]
    pub(super) fn cells(&self, finest: &Finest, [s, t]: [f64; 2]) -> Cells {
        let n = self.lattice.intervals();
        let (i, _) = interval_of(local(s, finest.level, finest.column, n), n);
        let (j, _) = interval_of(local(t, finest.level, finest.row, n), n);
        let (reach, ij) = (self.reach(finest), [i as u32, j as u32]);
        Cells {
            ij: [0, 1].map(|axis| ij[axis].clamp(reach.first[axis], reach.last(axis))),
            is_exact: [true; 2],
        }
    }

    /// The cells in which a tile is the finest.
    #[inline(always)]
    pub(super) fn reach(&self, finest: &Finest) -> Reach {
        let part = u32::from(finest.reach.level - finest.level);
        let size = self.intervals >> part;
        let quadrant = [finest.reach.column & part, finest.reach.row & part];
        Reach {
            first: [quadrant[0] * size, quadrant[1] * size],
            size,
            top: size.trailing_zeros(),
        }
    }

    /// u of one of the tile's lines, or v.
    #[inline(always)]
    pub(super) fn uv_of(&self, axis: usize, line: u32) -> f64 {
        let is_upper = 2 * (self.first[axis] + line) >= self.face_intervals as u32;
        let [c, first, second] = self.lines[axis][usize::from(is_upper)];
        let k = f64::from(line);
        c + k * (first + k * second)
    }
}

/// The parabolas of u over lines from one on: below the middle of the face, and above.
#[inline(always)]
fn lines(from: u32, face_intervals: f64) -> [[f64; 3]; 2] {
    let step = 1.0 / face_intervals;
    let s = f64::from(from) * step;
    let bend = 4.0 / 3.0 * step * step;
    let slope = 8.0 / 3.0 * step;
    [
        [
            1.0 / 3.0 - 4.0 / 3.0 * (1.0 - s) * (1.0 - s),
            slope * (1.0 - s),
            -bend,
        ],
        [4.0 / 3.0 * s * s - 1.0 / 3.0, slope * s, bend],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::st_to_uv;

    #[test]
    fn lines_of_all_tiles_are_where_the_projection_has_them() {
        let lattice = LatticeSpec::new(4, 16, 0.0, 1.0).unwrap();
        for level in 0..4u8 {
            for column in 0..1u32 << level {
                let finest = Finest {
                    level,
                    column,
                    row: (1 << level) - 1 - column,
                    ..Finest::NONE
                };
                let grid = Grid::new(&lattice, finest);
                for (axis, first) in [(0, finest.column), (1, finest.row)] {
                    for line in 0..=16 {
                        let s = f64::from(16 * first + line) / f64::from(16u32 << level);
                        let off = grid.uv_of(axis, line) - st_to_uv(s);
                        assert!(off.abs() < 1e-15, "{level} {column} {line}: {off}");
                    }
                }
            }
        }
    }
}
