//! Squares of the cells on a face, as the tree walks them.

use glam::DVec3;

use crate::cell::{CellId, MAX_LEVEL, face_uv_to_direction, st_to_uv};

/// A cell: where it is on the face's lattice, and its rectangle in u and v.
#[derive(Clone, Copy, Debug)]
pub(in crate::geo) struct Square {
    pub(super) id: CellId,
    pub(in crate::geo) face: u8,
    pub(super) level: u8,
    /// In cells of the level.
    pub(super) ij: [u32; 2],
    pub(super) center: [f64; 2],
    pub(super) half: [f64; 2],
}

impl Square {
    pub(in crate::geo) fn new(id: CellId) -> Self {
        let (face, i, j) = id.to_face_ij();
        let level = id.level();
        let size = id.size_ij();
        let lines = [i, j].map(|k| [line_uv(k), line_uv(k + size)]);
        Self {
            id,
            face,
            level,
            ij: [i, j].map(|k| k >> (MAX_LEVEL - level)),
            center: lines.map(|[lo, hi]| 0.5 * (lo + hi)),
            half: lines.map(|[lo, hi]| 0.5 * (hi - lo)),
        }
    }

    /// The direction of the middle of the rectangle.
    pub(super) fn middle(&self) -> DVec3 {
        middle(self.face, self.center)
    }

    /// The vertices at which the Hilbert curve enters and leaves; the last of a cell is the first of the next, bit for
    /// bit, on all faces.
    pub(super) fn curve_ends(&self) -> [DVec3; 2] {
        let (_, i0, j0) = self.id.to_face_ij();
        let size = self.id.size_ij();
        [self.id.range_min(), self.id.range_max()].map(|leaf| {
            let (_, i, j) = leaf.to_face_ij();
            let line = |k: u32, first: u32| line_uv(if k == first { first } else { first + size });
            face_uv_to_direction(self.face, line(i, i0), line(j, j0)).normalize()
        })
    }

    /// In Hilbert order.
    pub(super) fn children(&self) -> [Self; 4] {
        let children = self.id.children().expect("the tree ends before the leaves");
        children.map(Self::new)
    }
}

/// The direction of a point of a face.
pub(super) fn middle(face: u8, [u, v]: [f64; 2]) -> DVec3 {
    face_uv_to_direction(face, u, v).normalize()
}

/// Where the curve begins: the corner of the cube at which it enters face 0.
pub(in crate::geo) fn curve_start() -> DVec3 {
    face_uv_to_direction(0, -1.0, -1.0).normalize()
}

fn line_uv(k: u32) -> f64 {
    st_to_uv(f64::from(k) / f64::from(1u32 << MAX_LEVEL))
}
