//! Batched steps between directions and cells: faces, u and v, s and t, i and j, a slice each.

use glam::DVec3;

use super::LEAVES;
use super::id::CellId;
use super::kernels::{InvalidDirection, check_directions};
use super::projection::{
    direction_to_face_uv, face_uv_to_direction, ij_to_st, st_to_ij, st_to_uv, uv_to_st,
};
use crate::batch::{BatchError, check_all, convert_all, one_length};

/// Faces and points on them (u, v) of directions given in a slice for each axis; as [`direction_to_face_uv`] one by one.
///
/// # Errors
/// [`InvalidDirection`] with the index of the first one; nothing is written.
///
/// # Panics
/// When the slices differ in length.
pub fn direction_to_face_uv_lanes(
    [x, y, z]: [&[f64]; 3],
    face: &mut [u8],
    [u, v]: [&mut [f64]; 2],
) -> Result<(), BatchError<InvalidDirection>> {
    let count = one_length([x.len(), face.len(), u.len(), v.len()]);
    check_directions([x, y, z])?;
    for n in 0..count {
        (face[n], u[n], v[n]) = direction_to_face_uv(DVec3::new(x[n], y[n], z[n]));
    }
    Ok(())
}

/// Directions of points (u, v) on faces; as [`face_uv_to_direction`] one by one.
///
/// # Errors
/// [`InvalidFaceUv`] of a face above 5, NaN and infinities, with the index of the first one; nothing is written.
///
/// # Panics
/// When the slices differ in length.
pub fn face_uv_to_direction_lanes(
    face: &[u8],
    [u, v]: [&[f64]; 2],
    [x, y, z]: [&mut [f64]; 3],
) -> Result<(), BatchError<InvalidFaceUv>> {
    let count = one_length([face.len(), u.len(), v.len(), x.len(), y.len(), z.len()]);
    check_all(0..count, |n| {
        match face[n] < 6 && u[n].is_finite() && v[n].is_finite() {
            true => Ok(()),
            false => Err(InvalidFaceUv(face[n], u[n], v[n])),
        }
    })?;
    for n in 0..count {
        [x[n], y[n], z[n]] = face_uv_to_direction(face[n], u[n], v[n]).to_array();
    }
    Ok(())
}

/// As [`uv_to_st`] one by one.
///
/// # Panics
/// When the slices differ in length.
pub fn uv_to_st_lanes(u: &[f64], s: &mut [f64]) {
    convert_all(u, s, uv_to_st);
}

/// As [`st_to_uv`] one by one.
///
/// # Panics
/// When the slices differ in length.
pub fn st_to_uv_lanes(s: &[f64], u: &mut [f64]) {
    convert_all(s, u, st_to_uv);
}

/// As [`st_to_ij`] one by one.
///
/// # Panics
/// When the slices differ in length.
pub fn st_to_ij_lanes(s: &[f64], i: &mut [u32]) {
    convert_all(s, i, st_to_ij);
}

/// As [`ij_to_st`] one by one.
///
/// # Panics
/// When the slices differ in length.
pub fn ij_to_st_lanes(i: &[u32], s: &mut [f64]) {
    convert_all(i, s, ij_to_st);
}

impl CellId {
    /// The cell of a level that contains the leaf (i, j) of a face: [`CellId::from_face_ij`] of checked input.
    ///
    /// # Errors
    /// [`InvalidFaceIj`] when there is no such leaf.
    ///
    /// # Panics
    /// When the level is above 30.
    pub fn try_from_face_ij(face: u8, i: u32, j: u32, level: u8) -> Result<Self, InvalidFaceIj> {
        match face < 6 && i < LEAVES && j < LEAVES {
            true => Ok(Self::from_face_ij(face, i, j, level)),
            false => Err(InvalidFaceIj(face, i, j)),
        }
    }

    /// The cells of a level that contain the leaves (i, j) of faces; as [`CellId::try_from_face_ij`] one by one.
    ///
    /// # Errors
    /// [`InvalidFaceIj`] with the index of the first one; `cells` is unchanged.
    ///
    /// # Panics
    /// When the slices differ in length, or the level is above 30.
    pub fn from_face_ij_lanes(
        face: &[u8],
        [i, j]: [&[u32]; 2],
        level: u8,
        cells: &mut [Self],
    ) -> Result<(), BatchError<InvalidFaceIj>> {
        let count = one_length([face.len(), i.len(), j.len(), cells.len()]);
        let cell = |n: usize| Self::try_from_face_ij(face[n], i[n], j[n], level);
        check_all(0..count, |n| cell(n).map(|_| ()))?;
        for (n, slot) in cells.iter_mut().enumerate() {
            *slot = cell(n).expect("checked above");
        }
        Ok(())
    }

    /// Faces and the leaf coordinates of the cells' corners nearest (i, j) = (0, 0); as [`CellId::to_face_ij`] one by one.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn to_face_ij_lanes(cells: &[Self], face: &mut [u8], [i, j]: [&mut [u32]; 2]) {
        one_length([cells.len(), face.len(), i.len(), j.len()]);
        for (n, cell) in cells.iter().enumerate() {
            (face[n], i[n], j[n]) = cell.to_face_ij();
        }
    }
}

/// No leaf of a face: face, i and j.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("face {0}, i {1}, j {2} is no leaf: want a face below 6 and coordinates below 2^30")]
pub struct InvalidFaceIj(pub u8, pub u32, pub u32);

/// No point of a face of the cube: face, u and v.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
#[error("face {0}, u {1}, v {2} is no point of the cube: want a face below 6 and finite numbers")]
pub struct InvalidFaceUv(pub u8, pub f64, pub f64);
