//! Where directions are on the cube.

use glam::DVec3;

use super::super::LEAVES;
use super::super::projection::{direction_to_face_uv, st_to_ij, uv_to_st};
use super::geometry::{cell_coordinate, face_uv};
use super::lanes::{Float, Lanes};
use super::{Kernel, run};
use crate::simd::SimdLevel;

/// So many at a time: what is known of them stays in the first cache.
pub(crate) const FACE_POINTS: usize = 128;

/// Whole numbers from 0 to below 2⁵² have their integral part in the lowest bits of their sum with this.
const SHIFT: f64 = 4_503_599_627_370_496.0;

/// Points of the cube's faces.
#[repr(C, align(64))]
pub(crate) struct FacePoints {
    u: [f64; FACE_POINTS],
    v: [f64; FACE_POINTS],
    // Plus SHIFT: whole numbers that cost no conversion, which lanes of f64 to lanes of u32 would.
    face: [f64; FACE_POINTS],
    i: [f64; FACE_POINTS],
    j: [f64; FACE_POINTS],
}

impl FacePoints {
    pub(crate) const ZERO: Self = Self {
        u: [0.0; FACE_POINTS],
        v: [0.0; FACE_POINTS],
        face: [0.0; FACE_POINTS],
        i: [0.0; FACE_POINTS],
        j: [0.0; FACE_POINTS],
    };

    #[inline(always)]
    pub(crate) fn uv(&self, at: usize) -> [f64; 2] {
        [self.u[at], self.v[at]]
    }

    /// Face, i and j of the leaf.
    #[inline(always)]
    pub(crate) fn leaf(&self, at: usize) -> [u32; 3] {
        [self.face[at], self.i[at], self.j[at]].map(|k| k.to_bits() as u32)
    }
}

/// The points of up to [`FACE_POINTS`] directions: [`direction_to_face_uv`] of each, and its leaf.
pub(crate) fn face_points(level: SimdLevel, directions: &[DVec3], points: &mut FacePoints) {
    assert!(directions.len() <= FACE_POINTS);
    run(level, &mut ToFaces { directions, points });
}

struct ToFaces<'a> {
    directions: &'a [DVec3], // no more than there are points
    points: &'a mut FacePoints,
}

impl Kernel for ToFaces<'_> {
    fn count(&self) -> usize {
        self.directions.len()
    }

    #[inline(always)]
    fn single(&mut self, at: usize) {
        let (face, u, v) = direction_to_face_uv(self.directions[at]);
        let [i, j] = [u, v].map(|w| f64::from(st_to_ij(uv_to_st(w))));
        let to = &mut *self.points;
        (to.u[at], to.v[at]) = (u, v);
        to.face[at] = f64::from(face) + SHIFT;
        (to.i[at], to.j[at]) = (i + SHIFT, j + SHIFT);
    }

    #[inline(always)]
    fn block<L: Lanes>(&mut self, l: L, at: usize) {
        for at in [at, at + L::COUNT] {
            // By way of the stack.
            let mut axes = [[0.0; 8]; 3];
            for (n, p) in self.directions[at..at + L::COUNT].iter().enumerate() {
                (axes[0][n], axes[1][n], axes[2][n]) = (p.x, p.y, p.z);
            }
            let [x, y, z] = &axes;
            let [face, u, v] = face_uv(l, [l.load(x), l.load(y), l.load(z)]);
            let shift = l.splat(SHIFT);
            let (i, j) = (cell_coordinate(l, u, LEAVES), cell_coordinate(l, v, LEAVES));
            let to = &mut *self.points;
            l.store(u, &mut to.u[at..]);
            l.store(v, &mut to.v[at..]);
            l.store(face + shift, &mut to.face[at..]);
            l.store(i.floor() + shift, &mut to.i[at..]);
            l.store(j.floor() + shift, &mut to.j[at..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::CellId;

    /// Ties of faces, zeros, corners, and vectors that point nowhere.
    #[test]
    fn all_levels_see_the_same() {
        let numbers = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.3,
            -0.7,
            1e-300,
            -1e300,
            f64::NAN,
            f64::INFINITY,
        ];
        let pick = |n: usize| numbers[n % numbers.len()];
        let all: Vec<_> = (0..1_000)
            .map(|n| DVec3::new(pick(n), pick(n / 10), pick(n / 100)))
            .collect();
        for level in SimdLevel::available() {
            for chunk in all.chunks(FACE_POINTS - 3) {
                let mut points = FacePoints::ZERO;
                face_points(level, chunk, &mut points);
                for (at, p) in chunk.iter().enumerate() {
                    let (face, u, v) = direction_to_face_uv(*p);
                    let bits = |w: f64| if w.is_nan() { 0 } else { w.to_bits() };
                    assert_eq!(points.uv(at).map(bits), [u, v].map(bits), "{level:?} {p:?}");
                    let [own, i, j] = points.leaf(at);
                    assert_eq!(own, u32::from(face), "{level:?} {p:?}");
                    let leaf = CellId::from_direction(*p).to_face_ij();
                    assert_eq!((face, i, j), leaf, "{level:?} {p:?}");
                }
            }
        }
    }
}
