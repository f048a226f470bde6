//! Directions, the faces of the cube, and S2's quadratic projection of a face.

use glam::DVec3;

use super::LEAVES;

/// The face a direction points at, and where it meets that face of the cube [−1, 1]³.
///
/// Faces are chosen as S2 does: x only if strictly the largest, then y only if strictly larger than z. The zero vector and
/// NaN point at some face, where u or v is NaN or beyond the face; [`direction_to_face_uv_lanes`] refuses them.
///
/// [`direction_to_face_uv_lanes`]: crate::direction_to_face_uv_lanes
#[inline(always)]
pub fn direction_to_face_uv(p: DVec3) -> (u8, f64, f64) {
    let [x, y, z] = p.to_array();
    let [a, b, c] = [x, y, z].map(f64::abs);
    let (is_x, y_over_z) = ((a > b) & (a > c), b > c);
    let axis = usize::from(!is_x & y_over_z) | usize::from(!is_x & !y_over_z) << 1;
    // Read at computed places: of a choice between numbers the compiler makes a branch, and nobody can predict a face.
    let p = [x, y, z, 0.0];
    let normal = p[axis & 3];
    let face = axis + 3 * usize::from(normal < 0.0);
    let along = |(axis, sign): (u8, u64)| {
        let w = p[usize::from(axis & 3)];
        f64::from_bits(w.to_bits() ^ sign) / normal
    };
    let [u, v] = UV_AXES[face];
    (face as u8, along(u), along(v))
}

/// For each face the axes of a direction that u and v are, and their signs, before the division by the face's own.
const UV_AXES: [[(u8, u64); 2]; 6] = {
    const PLUS: u64 = 0;
    const MINUS: u64 = 1 << 63;
    [
        [(1, PLUS), (2, PLUS)],
        [(0, MINUS), (2, PLUS)],
        [(0, MINUS), (1, MINUS)],
        [(2, PLUS), (1, PLUS)],
        [(2, PLUS), (0, MINUS)],
        [(1, MINUS), (0, MINUS)],
    ]
};

/// The point of a cube face, not normalised. Faces above 5 are answered as 5.
#[inline]
pub fn face_uv_to_direction(face: u8, u: f64, v: f64) -> DVec3 {
    from_face_frame(face, [u, v, 1.0])
}

/// The vector with these parts along a face's u and v and out of the face. Faces above 5 are answered as 5.
#[inline(always)]
pub(crate) fn from_face_frame(face: u8, [a, b, w]: [f64; 3]) -> DVec3 {
    match face {
        0 => DVec3::new(w, a, b),
        1 => DVec3::new(-a, w, b),
        2 => DVec3::new(-a, -b, w),
        3 => DVec3::new(-w, -b, -a),
        4 => DVec3::new(b, -w, -a),
        _ => DVec3::new(b, a, -w),
    }
}

/// A vector's parts along a face's u and v, and out of the face, exactly: u is the first over the third.
#[inline]
pub fn to_face_frame(face: u8, p: DVec3) -> [f64; 3] {
    debug_assert!(face < 6);
    let [x, y, z] = p.to_array();
    match face {
        0 => [y, z, x],
        1 => [-x, z, y],
        2 => [-x, -y, z],
        3 => [-z, -y, -x],
        4 => [-z, x, -y],
        _ => [y, x, -z],
    }
}

/// S2's quadratic projection: [0, 1] to [−1, 1], odd about ½. NaN stays NaN.
#[inline]
pub fn st_to_uv(s: f64) -> f64 {
    if s >= 0.5 {
        (1.0 / 3.0) * (4.0 * s * s - 1.0)
    } else {
        (1.0 / 3.0) * (1.0 - 4.0 * (1.0 - s) * (1.0 - s))
    }
}

/// The inverse of [`st_to_uv`]. NaN stays NaN.
#[inline]
pub fn uv_to_st(u: f64) -> f64 {
    // 0.5·√(1 + 3u) from 0 on, 1 − 0.5·√(1 − 3u) below; without a branch.
    let root = 0.5 * (1.0 + 3.0 * u.abs()).sqrt();
    f64::from(u8::from(u.is_sign_negative())) + root.copysign(u)
}

/// The leaf coordinate of s: floor(2³⁰·s), clamped to the face; NaN is answered with 0.
#[inline]
pub fn st_to_ij(s: f64) -> u32 {
    // A float-to-integer cast truncates, which is a floor from 0 on; it saturates and sends NaN to 0, so every input
    // lands on the face.
    ((f64::from(LEAVES) * s) as u32).min(LEAVES - 1)
}

/// Where a leaf begins: 2⁻³⁰·i, exact; 1 for 2³⁰, where the last one ends.
#[inline]
pub fn ij_to_st(i: u32) -> f64 {
    f64::from(i) / f64::from(LEAVES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_faces_are_rotations_and_inverse() {
        for face in 0..6 {
            let of = |parts| from_face_frame(face, parts);
            let [u, v, w] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]].map(of);
            assert_eq!(u.cross(v), w);
            assert_eq!(w, face_uv_to_direction(face, 0.0, 0.0));
            let parts = [0.25, -0.5, 2.0];
            assert_eq!(to_face_frame(face, of(parts)), parts);
            assert_eq!(direction_to_face_uv(of(parts)), (face, 0.125, -0.25));
        }
    }
}
