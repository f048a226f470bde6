//! Where the samples of a client tile lie, those around it included.
//!
//! ```text
//! level k: n = C·2ᵏ intervals along a face. One beyond the face's edge is the next face's first inner line:
//!
//!   (n, n) ┐ own face         next face, seen along the edge between both: the cube in integers, twice the places,
//!          │· · ·             (n, u, v) with u beyond n folds to (n − (u − n), n, v)
//!          └──────▶ i
//! ```
//! Diagonally across a corner of the cube there is no sample: three faces meet there.

use glam::DVec3;

use crate::cell::{CellId, face_of_cube, on_cube};
use crate::terrain::{column_row, line_crossing, line_uv};

/// A sample of the lattice of one level.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FacePlace {
    pub(super) face: u8,
    pub(super) i: u32, // 0 to n
    pub(super) j: u32,
}

/// The samples of a cell: of its own lattice C intervals.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    face: u8,
    intervals: u32,     // C
    along: u32,         // n
    origin: (u32, u32), // of the cell on the face
}

impl Places {
    pub(super) fn of(cell: CellId, intervals: u16) -> Self {
        let (column, row) = column_row(cell);
        let intervals = u32::from(intervals);
        Self {
            face: cell.face(),
            intervals,
            along: intervals << cell.level(),
            origin: (column * intervals, row * intervals),
        }
    }

    /// Where sample (i, j) of the cell lies, from −1 to C + 1; `None` diagonally across a corner of the cube.
    pub(super) fn at(&self, i: i32, j: i32) -> Option<FacePlace> {
        let n = i64::from(self.along);
        let half = |origin: u32, k: i32| 2 * (i64::from(origin) + i64::from(k)) - n;
        let (u, v) = (half(self.origin.0, i), half(self.origin.1, j));
        let beyond = |w: i64| (w.abs() - n).max(0);
        let (face, u, v) = match (beyond(u), beyond(v)) {
            (0, 0) => (self.face, u, v),
            (over, 0) | (0, over) => {
                let cube = on_cube(self.face, n - over, u.clamp(-n, n), v.clamp(-n, n));
                face_of_cube(cube)
            }
            _ => return None,
        };
        let place = |w: i64| ((w + n) / 2) as u32;
        Some(FacePlace {
            face,
            i: place(u),
            j: place(v),
        })
    }

    /// Its direction: the same bits from every cell that has it, of any level.
    pub(super) fn direction(&self, place: FacePlace) -> DVec3 {
        let at = |k: u32| line_uv(k, self.along);
        line_crossing(place.face, at(place.i), at(place.j))
    }

    /// u of the lines of the cell's own samples, or v of its rows.
    pub(super) fn lines(&self) -> [Vec<f64>; 2] {
        [self.origin.0, self.origin.1].map(|from| {
            let lines = from..=from + self.intervals;
            lines.map(|k| line_uv(k, self.along)).collect()
        })
    }
}
