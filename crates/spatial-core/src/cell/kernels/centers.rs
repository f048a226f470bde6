//! From cells to the directions and the coordinates of their centres.

use glam::DVec3;

use super::super::id::{CellId, InvalidCell};
use super::geometry::centers;
use super::lanes::{Float, Lanes};
use super::trigonometry::atan2;
use super::{Kernel, run};
use crate::batch::{BatchError, check_all};
use crate::simd::SimdLevel;

impl CellId {
    /// The numbers as ids, if all of them are; nothing is copied.
    ///
    /// # Errors
    /// [`InvalidCell`] with the index of the first one that is none.
    pub fn slice_from_u64s(ids: &[u64]) -> Result<&[Self], BatchError<InvalidCell>> {
        check_all(ids, |id| Self::new(*id).map(|_| ()))?;
        // SAFETY: a cell is a transparent u64, and `new` accepts each of these.
        Ok(unsafe { core::slice::from_raw_parts(ids.as_ptr().cast(), ids.len()) })
    }

    /// The ids as numbers; nothing is copied.
    pub fn slice_to_u64s(cells: &[Self]) -> &[u64] {
        // SAFETY: a cell is a transparent u64.
        unsafe { core::slice::from_raw_parts(cells.as_ptr().cast(), cells.len()) }
    }

    /// As [`CellId::slice_to_u64s`], to be written.
    ///
    /// # Safety
    /// Whatever is written must be an id that [`CellId::new`] accepts.
    pub(super) unsafe fn slice_to_u64s_mut(cells: &mut [Self]) -> &mut [u64] {
        // SAFETY: a cell is a transparent u64, and the caller writes cells.
        unsafe { core::slice::from_raw_parts_mut(cells.as_mut_ptr().cast(), cells.len()) }
    }

    /// The unit vectors to the centres of cells, a slice for each axis; as [`CellId::center`] one by one.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn centers(cells: &[Self], x: &mut [f64], y: &mut [f64], z: &mut [f64]) {
        store_centers(SimdLevel::detected(), cells, [x, y, z]);
    }

    /// Latitude and longitude of the cell's centre, radians, as of a sphere.
    pub fn center_lat_lon_rad(self) -> [f64; 2] {
        let DVec3 { x, y, z } = self.center();
        [libm::atan2(z, (x * x + y * y).sqrt()), libm::atan2(y, x)]
    }

    /// Latitudes and longitudes of the centres of cells, radians; as [`CellId::center_lat_lon_rad`] one by one.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn centers_lat_lon_rad(cells: &[Self], lat_rad: &mut [f64], lon_rad: &mut [f64]) {
        store_lat_lon(SimdLevel::detected(), cells, [lat_rad, lon_rad]);
    }
}

/// Stores centres at a level that the CPU has.
pub(super) fn store_centers(level: SimdLevel, cells: &[CellId], axes: [&mut [f64]; 3]) {
    assert!(
        axes.iter().all(|axis| axis.len() == cells.len()),
        "lengths differ"
    );
    run(level, &mut Centers { cells, axes });
}

/// Stores latitudes and longitudes at a level that the CPU has.
pub(super) fn store_lat_lon(level: SimdLevel, cells: &[CellId], angles: [&mut [f64]; 2]) {
    assert!(
        angles.iter().all(|angle| angle.len() == cells.len()),
        "lengths differ"
    );
    run(level, &mut LatLons { cells, angles });
}

struct Centers<'a> {
    cells: &'a [CellId],
    axes: [&'a mut [f64]; 3], // of the same length
}

impl Kernel for Centers<'_> {
    fn count(&self) -> usize {
        self.cells.len()
    }

    #[inline(always)]
    fn single(&mut self, at: usize) {
        let center = self.cells[at].center().to_array();
        for (axis, w) in self.axes.iter_mut().zip(center) {
            axis[at] = w;
        }
    }

    #[inline(always)]
    fn block<L: Lanes>(&mut self, l: L, at: usize) {
        let centers = centers(l, CellId::slice_to_u64s(&self.cells[at..]));
        let [x, y, z] = &mut self.axes;
        for (n, center) in centers.into_iter().enumerate() {
            let at = at + n * L::COUNT;
            l.store(center[0], &mut x[at..]);
            l.store(center[1], &mut y[at..]);
            l.store(center[2], &mut z[at..]);
        }
    }
}

struct LatLons<'a> {
    cells: &'a [CellId],
    angles: [&'a mut [f64]; 2], // of the same length
}

impl Kernel for LatLons<'_> {
    fn count(&self) -> usize {
        self.cells.len()
    }

    #[inline(always)]
    fn single(&mut self, at: usize) {
        let lat_lon = self.cells[at].center_lat_lon_rad();
        for (angles, angle) in self.angles.iter_mut().zip(lat_lon) {
            angles[at] = angle;
        }
    }

    #[inline(always)]
    fn block<L: Lanes>(&mut self, l: L, at: usize) {
        let centers = centers(l, CellId::slice_to_u64s(&self.cells[at..]));
        for (n, [x, y, z]) in centers.into_iter().enumerate() {
            let at = at + n * L::COUNT;
            let [lat, lon] = &mut self.angles;
            l.store(atan2(l, z, (x * x + y * y).sqrt()), &mut lat[at..]);
            l.store(atan2(l, y, x), &mut lon[at..]);
        }
    }
}
