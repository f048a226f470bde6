//! A raster of heights.

use super::mesh::RowPlaces;

/// Heights of the pixels of a map, row by row from its upper left, with what light needs to know of them.
///
/// 16 bytes a pixel; around the raster lies a border of one pixel, for slopes.
#[derive(Clone, Debug)]
pub struct MapRaster {
    width: usize, // with borders
    height: usize,
    pub(super) heights_m: Vec<f32>, // NaN where the map has no place
    pub(super) sines: Vec<f32>,     // of latitude
    pub(super) slopes_per_m: Vec<[f32; 2]>, // drawn for a metre between the pixels to both sides
}

impl MapRaster {
    /// Pixels of the border.
    pub(super) const BORDER: u32 = 1;

    /// Of no pixels, not even a border; to be resized.
    pub(super) const EMPTY: Self = Self {
        width: 0,
        height: 0,
        heights_m: Vec::new(),
        sines: Vec::new(),
        slopes_per_m: Vec::new(),
    };

    /// Of another width and height, borders included. Its pixels are anything.
    pub(super) fn resize(&mut self, width: u32, height: u32) {
        let (width, height) = (width as usize, height as usize);
        (self.width, self.height) = (width, height);
        self.heights_m.resize(width * height, f32::NAN);
        self.sines.resize(width * height, 0.0);
        self.slopes_per_m.resize(width * height, [0.0; 2]);
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width - 2 * Self::BORDER as usize
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height - 2 * Self::BORDER as usize
    }

    /// The heights of a row of pixels, metres; NaN where the map has no place.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn row_m(&self, row: usize) -> &[f32] {
        &self.heights_m[self.inner(row)]
    }

    /// Where a row's pixels are, without those of the border.
    pub(super) fn inner(&self, row: usize) -> core::ops::Range<usize> {
        assert!(row < self.height());
        let first = (row + Self::BORDER as usize) * self.width + Self::BORDER as usize;
        first..first + self.width()
    }

    /// From a pixel to the one below it.
    pub(super) fn stride(&self) -> usize {
        self.width
    }

    pub(super) fn put_row(&mut self, row: usize, places: &RowPlaces, heights_m: &[f32]) {
        let at = row * self.width..(row + 1) * self.width;
        self.heights_m[at.clone()].copy_from_slice(heights_m);
        self.slopes_per_m[at.clone()].copy_from_slice(&places.slopes_per_m);
        let sines = self.sines[at].iter_mut();
        sines
            .zip(&places.directions)
            .for_each(|(sine, direction)| *sine = direction.z as f32);
    }

    /// Gives all rows before the first that was put the first's pixels, and all after the last the last's.
    pub(super) fn repeat_ends(&mut self, first: usize, count: usize) {
        let last = first + count - 1;
        let ends = (0..first).map(|row| (row, first));
        for (to, from) in ends.chain((last + 1..self.height).map(|row| (row, last))) {
            let from = from * self.width..(from + 1) * self.width;
            self.heights_m.copy_within(from.clone(), to * self.width);
            self.sines.copy_within(from.clone(), to * self.width);
            self.slopes_per_m.copy_within(from, to * self.width);
        }
    }
}
