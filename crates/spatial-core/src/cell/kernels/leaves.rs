//! To leaves, from whatever a direction comes.

use core::ops::Range;

use glam::DVec3;

use super::super::id::CellId;
use super::super::projection::{direction_to_face_uv, st_to_ij, uv_to_st};
use super::geometry::{face_ij, store_leaves};
use super::lanes::Lanes;
use super::source::{
    Degrees, InvalidDirection, LatLon, Radians, Source, Xyz, check_directions, checked,
};
use super::{Kernel, run};
use crate::batch::BatchError;
use crate::cell::LEAVES;
use crate::planet::{CoordError, Ecef, Geodetic};
use crate::simd::SimdLevel;

impl CellId {
    /// The leaf that contains a direction of any length but zero: [`CellId::from_direction`] of checked input.
    ///
    /// # Errors
    /// [`InvalidDirection`] of the zero vector, NaN and infinities.
    pub fn try_from_direction(p: DVec3) -> Result<Self, InvalidDirection> {
        checked(p).map(Self::from_direction)
    }

    /// The leaves that contain directions, given in a slice for each axis; as [`CellId::try_from_direction`] one by one.
    ///
    /// # Errors
    /// [`InvalidDirection`] with the index of the first one; `leaves` is unchanged.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn from_directions(
        x: &[f64],
        y: &[f64],
        z: &[f64],
        leaves: &mut [Self],
    ) -> Result<(), BatchError<InvalidDirection>> {
        Self::from_directions_with(SimdLevel::detected(), [x, y, z], leaves)
    }

    /// As [`CellId::from_directions`], with the vector instructions of a level, or of the CPU's greatest when that is less: for
    /// measurements. All levels give the same results.
    ///
    /// # Errors
    /// As [`CellId::from_directions`].
    ///
    /// # Panics
    /// As [`CellId::from_directions`].
    pub fn from_directions_with(
        level: SimdLevel,
        axes: [&[f64]; 3],
        leaves: &mut [Self],
    ) -> Result<(), BatchError<InvalidDirection>> {
        check_directions(axes)?;
        store(level.min(SimdLevel::detected()), Xyz(axes), leaves);
        Ok(())
    }

    /// The leaves above or below places; as [`Ecef::leaf`] one by one.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn from_places(places: &[Ecef], leaves: &mut [Self]) {
        store(SimdLevel::detected(), places, leaves);
    }

    /// The leaf at a latitude and a longitude in degrees: [`Geodetic::leaf`] after [`Geodetic::from_degrees`]. Both are
    /// spherical.
    ///
    /// # Errors
    /// [`CoordError::Latitude`] beyond ±90° and [`CoordError::Longitude`] beyond ±540°; NaN is beyond.
    pub fn from_degrees(lat_deg: f64, lon_deg: f64) -> Result<Self, CoordError> {
        Ok(Geodetic::from_degrees(lat_deg, lon_deg, 0.0)?.leaf())
    }

    /// The leaf at a latitude and a longitude in radians: [`Geodetic::leaf`] after [`Geodetic::from_radians`].
    ///
    /// # Errors
    /// [`CoordError::Latitude`] beyond ±π/2 and [`CoordError::Longitude`] beyond ±3π (both named in degrees); NaN is beyond.
    pub fn from_radians(lat_rad: f64, lon_rad: f64) -> Result<Self, CoordError> {
        Ok(Geodetic::from_radians(lat_rad, lon_rad, 0.0)?.leaf())
    }

    /// The leaves at latitudes and longitudes in degrees, as [`CellId::from_degrees`] one by one.
    ///
    /// # Errors
    /// Those of [`CellId::from_degrees`], with the index of the first offender; `leaves` is unchanged.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn from_degrees_lanes(
        lat_deg: &[f64],
        lon_deg: &[f64],
        leaves: &mut [Self],
    ) -> Result<(), BatchError<CoordError>> {
        let source = LatLon::<Degrees>::new(lat_deg, lon_deg)?;
        store(SimdLevel::detected(), source, leaves);
        Ok(())
    }

    /// The leaves at latitudes and longitudes in radians, as [`CellId::from_radians`] one by one.
    ///
    /// # Errors
    /// Those of [`CellId::from_radians`], with the index of the first offender; `leaves` is unchanged.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn from_radians_lanes(
        lat_rad: &[f64],
        lon_rad: &[f64],
        leaves: &mut [Self],
    ) -> Result<(), BatchError<CoordError>> {
        let source = LatLon::<Radians>::new(lat_rad, lon_rad)?;
        store(SimdLevel::detected(), source, leaves);
        Ok(())
    }
}

/// Stores the leaves of a source at a level that the CPU has.
pub(super) fn store<S: Source>(level: SimdLevel, source: S, leaves: &mut [CellId]) {
    assert_eq!(source.count(), leaves.len());
    run(level, &mut ToLeaves { source, leaves });
}

/// Leaves that are computed together without vectors.
const STAGED: usize = 64;

struct ToLeaves<'a, S> {
    source: S,
    leaves: &'a mut [CellId], // as many as the source has
}

impl<S: Source> Kernel for ToLeaves<'_, S> {
    fn count(&self) -> usize {
        self.leaves.len()
    }

    #[inline(always)]
    fn single(&mut self, at: usize) {
        self.leaves[at] = CellId::from_direction(self.source.direction(at));
    }

    /// Stage by stage: the steps of one leaf wait for each other, and the CPU does not see far enough to begin the next (60 ns a
    /// leaf one by one).
    fn singles(&mut self, items: Range<usize>) {
        for start in items.clone().step_by(STAGED) {
            let leaves = &mut self.leaves[start..items.end.min(start + STAGED)];
            let (mut faces, mut uv) = ([0; STAGED], [[0.0; STAGED]; 2]);
            for n in 0..leaves.len() {
                (faces[n], uv[0][n], uv[1][n]) =
                    direction_to_face_uv(self.source.direction(start + n));
            }
            let [i, j] = uv.map(|axis| axis.map(|u| st_to_ij(uv_to_st(u))));
            for (n, leaf) in leaves.iter_mut().enumerate() {
                *leaf = CellId::leaf_at(faces[n], i[n], j[n]);
            }
        }
    }

    #[inline(always)]
    fn block<L: Lanes>(&mut self, l: L, at: usize) {
        let a = face_ij(l, self.source.directions(l, at), LEAVES);
        let b = face_ij(l, self.source.directions(l, at + L::COUNT), LEAVES);
        let words = [
            l.words([a[0], b[0]]),
            l.words([a[1], b[1]]),
            l.words([a[2], b[2]]),
        ];
        // SAFETY: what is stored are ids of leaves.
        store_leaves(l, words, unsafe {
            CellId::slice_to_u64s_mut(&mut self.leaves[at..])
        });
    }
}

/// The cells of a level that contain up to eight leaves, given by face, i and j.
#[inline]
pub(in super::super) fn cells_at<const N: usize>(
    places: [(u8, u32, u32); N],
    level: u8,
) -> [CellId; N] {
    const { assert!(N <= 8) };
    #[cfg(target_arch = "x86_64")]
    if SimdLevel::detected() >= SimdLevel::Avx2 {
        // SAFETY: the level was detected.
        return unsafe { cells_at_avx2(places, level) };
    }
    places.map(|(face, i, j)| CellId::leaf_at(face, i, j).parent(level))
}

/// The cells of a level at up to eight offsets from the leaf (i, j), all on its face: in steps of so many leaves along
/// i and j, each 1, 0 or −1 of them.
#[inline]
pub(in super::super) fn cells_around<const N: usize>(
    (face, i, j): (u8, u32, u32),
    steps: [i32; 2],
    offsets: &[[i32; 2]; N],
    level: u8,
) -> [CellId; N] {
    const { assert!(N <= 8) };
    #[cfg(target_arch = "x86_64")]
    if SimdLevel::detected() >= SimdLevel::Avx2 {
        // SAFETY: the level was detected.
        return unsafe { cells_around_avx2((face, i, j), steps, offsets, level) };
    }
    offsets.map(|[right, up]| {
        let i = i.wrapping_add_signed(right * steps[0]);
        let j = j.wrapping_add_signed(up * steps[1]);
        CellId::leaf_at(face, i, j).parent(level)
    })
}

/// # Safety
/// The CPU must have every instruction set of [`SimdLevel::Avx2`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
unsafe fn cells_at_avx2<const N: usize>(places: [(u8, u32, u32); N], level: u8) -> [CellId; N] {
    // SAFETY: the caller's promise.
    let l = unsafe { super::avx2::Avx2::new() };
    let mut words = [[0; 8]; 3];
    for (n, (face, i, j)) in places.into_iter().enumerate() {
        (words[0][n], words[1][n], words[2][n]) = (u32::from(face), i, j);
    }
    let [face, i, j] = &words;
    ancestors(
        l,
        [l.load_words(face), l.load_words(i), l.load_words(j)],
        level,
    )
}

/// # Safety
/// The CPU must have every instruction set of [`SimdLevel::Avx2`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
unsafe fn cells_around_avx2<const N: usize>(
    (face, i, j): (u8, u32, u32),
    steps: [i32; 2],
    offsets: &[[i32; 2]; N],
    level: u8,
) -> [CellId; N] {
    // SAFETY: the caller's promise.
    let l = unsafe { super::avx2::Avx2::new() };
    let (mut along_i, mut along_j) = ([0; 8], [0; 8]);
    for (n, [right, up]) in offsets.iter().enumerate() {
        (along_i[n], along_j[n]) = (*right, *up);
    }
    // Added in lanes: words written one by one cannot be loaded as a vector before they have reached the cache.
    let (i, j) = (
        l.stepped(i, steps[0], &along_i),
        l.stepped(j, steps[1], &along_j),
    );
    ancestors(l, [l.stepped(u32::from(face), 0, &[0; 8]), i, j], level)
}

/// The ancestors at a level of the first of eight leaves.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn ancestors<const N: usize>(
    l: super::avx2::Avx2,
    words: [<super::avx2::Avx2 as Lanes>::W; 3],
    level: u8,
) -> [CellId; N] {
    let mut leaves = [0; 8];
    store_leaves(l, words, &mut leaves);
    let mut cells = [CellId::begin(0); N];
    for (cell, leaf) in cells.iter_mut().zip(leaves) {
        *cell = CellId::from_bits(leaf).parent(level);
    }
    cells
}
