//! A few cells that contain a cap, without a search.

use core::ops::Deref;

use super::Cap;
use super::cell_union::MIN_WIDTH_RAD;
use crate::cell::{CellId, MAX_LEVEL};

/// Up to six cells; a slice of them. Sorted and disjoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CellBound {
    cells: [CellId; 6],
    count: u8, // 0 to 6
}

impl CellBound {
    /// The sorted cells without repetitions and without those inside others; at most six.
    ///
    /// # Panics
    /// With more than six.
    pub fn new(cells: impl IntoIterator<Item = CellId>) -> Self {
        let face = CellId::from_face_ij(0, 0, 0, 0);
        let mut all = Self {
            cells: [face; 6],
            count: 0,
        };
        for cell in cells {
            all.insert(cell);
        }
        all
    }

    /// Few cells of one level, all different.
    fn of_level(cells: &[CellId]) -> Self {
        let mut all = Self {
            cells: [cells[0]; 6],
            count: cells.len() as u8,
        };
        // Insertion: the list is that short.
        for (n, cell) in cells.iter().enumerate() {
            let mut at = n;
            while at > 0 && all.cells[at - 1] > *cell {
                all.cells[at] = all.cells[at - 1];
                at -= 1;
            }
            all.cells[at] = *cell;
        }
        all
    }

    fn insert(&mut self, cell: CellId) {
        let count = usize::from(self.count);
        if self.cells[..count].iter().any(|held| held.contains(cell)) {
            return;
        }
        let mut kept = 0;
        for n in 0..count {
            if !cell.contains(self.cells[n]) {
                self.cells[kept] = self.cells[n];
                kept += 1;
            }
        }
        let at = self.cells[..kept].partition_point(|held| *held < cell);
        self.cells.copy_within(at..kept, at + 1);
        self.cells[at] = cell;
        self.count = kept as u8 + 1;
    }
}

impl Deref for CellBound {
    type Target = [CellId];

    fn deref(&self) -> &[CellId] {
        &self.cells[..usize::from(self.count)]
    }
}

/// Squared chords of the least widths of cells at each level: 4·sin²(w/2) = w² − w⁴/12 + w⁶/360 − …
const WIDTH_CHORDS: [f64; MAX_LEVEL as usize + 1] = {
    let mut chords = [0.0; MAX_LEVEL as usize + 1];
    let mut level = 0;
    while level < chords.len() {
        let width = MIN_WIDTH_RAD / (1u64 << level) as f64;
        let x = width * width;
        // The next term is below 1e-10 of the sum at level 0, and what hangs on it is which of two sound levels is taken.
        chords[level] =
            x * (1.0 - x / 12.0 * (1.0 - x / 30.0 * (1.0 - x / 56.0 * (1.0 - x / 90.0))));
        level += 1;
    }
    chords
};

impl Cap {
    /// At most four cells of one level that contain the cap, about its own size; the six faces when it is wider than
    /// half of one, none when it is empty. Allocates nothing, uses no trigonometry.
    ///
    /// Cells at least as wide as the cap meet at a vertex near its axis: the cap reaches none but those around it.
    pub fn cell_bound(&self) -> CellBound {
        if self.is_empty() {
            return CellBound::new([]);
        }
        let chord = self.squared_chord();
        // The finest level of cells that are at least as wide as the radius; one up, as wide as the cap.
        let widest = WIDTH_CHORDS.partition_point(|width| *width >= chord);
        match widest {
            0 | 1 => CellBound::new((0..6).map(|face| CellId::from_face_ij(face, 0, 0, 0))),
            _ => {
                let level = (widest - 2) as u8;
                CellBound::of_level(&CellId::from_direction(self.axis()).vertex_neighbors(level))
            }
        }
    }
}
