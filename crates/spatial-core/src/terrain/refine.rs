//! A tile of ground that is known no finer: its parent's samples, and halves between them.
//!
//! ```text
//! ●  ─  ●  ─  ●     ●  the parent's samples
//! │  ┼  │  ┼  │     ─  (west + east + 1) >> 1       │  (south + north + 1) >> 1
//! ●  ─  ●  ─  ●     ┼  (south + north + 1) >> 1 of the two ─
//! ```
//! Along an edge only the edge's samples count. A tile whose neighbour of the same level is absent carries these very
//! numbers on the edge between them, so ground and refined ground meet without a crack. All are rounded as the parent's are.

use super::codec::{ERROR_UNKNOWN, TileError};
use super::lattice::column_row;
use super::tile::HeightTile;
use crate::cell::CellId;

impl HeightTile {
    /// The tile of a child's cell, of which nothing finer is known; its error bound is this tile's.
    ///
    /// # Errors
    /// [`TileError::Parent`] when the cell is not a child of this tile's.
    pub fn refined(&self, child: CellId) -> Result<Self, TileError> {
        let is_child = child.level() == self.cell().level() + 1
            && child.parent(self.cell().level()) == self.cell();
        if !is_child {
            return Err(TileError::Parent);
        }
        let n = usize::from(self.intervals());
        let (column, row) = column_row(child);
        let (i0, j0) = (n / 2 * (column & 1) as usize, n / 2 * (row & 1) as usize);
        let along = |i: usize, j: usize| {
            let west = self.sample(i0 + i / 2, j0 + j);
            match i % 2 {
                0 => west,
                _ => halfway(west, self.sample(i0 + i / 2 + 1, j0 + j)),
            }
        };
        let samples = (0..(n + 1) * (n + 1)).map(|k| {
            let (i, j) = (k % (n + 1), k / (n + 1));
            match j % 2 {
                0 => along(i, j / 2),
                _ => halfway(along(i, j / 2), along(i, j / 2 + 1)),
            }
        });
        let tile = Self::new(child, self.intervals(), samples.collect())?;
        match self.error_bound() {
            0 => Ok(tile),
            bound => tile.rounded(bound),
        }
    }

    /// How far a sample is at most from what the parent's samples interpolate there, quanta: what
    /// [`HeightTile::with_geometric_error`] is told.
    ///
    /// # Errors
    /// [`TileError::Parent`] unless the parent is that of this tile.
    pub fn geometric_error_under(&self, parent: &Self) -> Result<u16, TileError> {
        let coarse = parent.refined(self.cell())?;
        let pairs = self.samples().iter().zip(coarse.samples());
        let largest = pairs.map(|(a, b)| a.abs_diff(*b)).max();
        // The greatest that a header holds.
        Ok(largest.unwrap_or(0).min(ERROR_UNKNOWN - 1))
    }
}

/// The middle of two samples, halves upwards.
pub fn halfway(a: i16, b: i16) -> i16 {
    ((i32::from(a) + i32::from(b) + 1) >> 1) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(cell: CellId, seed: u64) -> HeightTile {
        let mut state = seed;
        let samples = (0..81).map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 48) as i16
        });
        HeightTile::new(cell, 8, samples.collect()).unwrap()
    }

    #[test]
    fn the_parents_samples_stay_and_siblings_share_edges() {
        let parent = noise(CellId::from_face_ij(2, 1 << 28, 3 << 28, 2), 9);
        let mut children = parent.cell().children().unwrap();
        children.sort_by_key(|c| (column_row(*c).1, column_row(*c).0));
        let [sw, se, nw, ne] = children.map(|c| parent.refined(c).unwrap());
        for k in 0..=8 {
            assert_eq!(sw.sample(8, k), se.sample(0, k));
            assert_eq!(nw.sample(8, k), ne.sample(0, k));
            assert_eq!(sw.sample(k, 8), nw.sample(k, 0));
            assert_eq!(se.sample(k, 8), ne.sample(k, 0));
        }
        for (child, i0, j0) in [(&sw, 0, 0), (&se, 4, 0), (&nw, 0, 4), (&ne, 4, 4)] {
            for k in 0..25 {
                let (i, j) = (k % 5, k / 5);
                assert_eq!(child.sample(2 * i, 2 * j), parent.sample(i0 + i, j0 + j));
            }
        }
        // Rounded, it is what an import makes of halves on an edge without a neighbour.
        let rounded = parent.rounded(3).unwrap();
        let child = rounded.refined(sw.cell()).unwrap();
        assert_eq!(child.error_bound(), 3);
        for k in (1..8).step_by(2) {
            let half = halfway(child.sample(k - 1, 0), child.sample(k + 1, 0));
            assert_eq!(child.sample(k, 0), child.rounded_sample(half));
        }
        assert!(parent.refined(parent.cell()).is_err());
        assert!(parent.refined(CellId::from_face_ij(5, 0, 0, 3)).is_err());
        assert_eq!(
            [halfway(1, 2), halfway(-1, -2), halfway(i16::MAX, i16::MAX)],
            [2, -1, i16::MAX]
        );
    }
}
