//! Directions, the faces of the cube, and S2's quadratic projection of a face.

use glam::DVec3;

use super::LEAVES;

/// The face a direction points at, and where it meets that face of the cube [−1, 1]³.
///
/// Faces are chosen as S2 does: x only if strictly the largest, then y only if strictly larger than z.
#[inline]
pub fn direction_to_face_uv(p: DVec3) -> (u8, f64, f64) {
    let [x, y, z] = p.to_array();
    let [a, b, c] = [x, y, z].map(f64::abs);
    // Selects, not branches: nobody can predict a face.
    let (is_x, y_over_z) = ((a > b) & (a > c), b > c);
    let (axis, normal) = match (is_x, y_over_z) {
        (true, _) => (0, x),
        (_, true) => (1, y),
        _ => (2, z),
    };
    // Before the exchange of u and v behind: (y, z)/x, (−x, z)/y, (−x, −y)/z.
    let u = if is_x { y } else { -x } / normal;
    let v = if is_x | y_over_z { z } else { -y } / normal;
    if normal < 0.0 {
        (axis + 3, v, u)
    } else {
        (axis, u, v)
    }
}

/// The point of a cube face, not normalised.
#[inline]
pub fn face_uv_to_direction(face: u8, u: f64, v: f64) -> DVec3 {
    match face {
        0 => DVec3::new(1.0, u, v),
        1 => DVec3::new(-u, 1.0, v),
        2 => DVec3::new(-u, -v, 1.0),
        3 => DVec3::new(-1.0, -v, -u),
        4 => DVec3::new(v, -1.0, -u),
        _ => DVec3::new(v, u, -1.0),
    }
}

/// S2's quadratic projection: [0, 1] to [−1, 1], odd about ½.
#[inline]
pub fn st_to_uv(s: f64) -> f64 {
    if s >= 0.5 {
        (1.0 / 3.0) * (4.0 * s * s - 1.0)
    } else {
        (1.0 / 3.0) * (1.0 - 4.0 * (1.0 - s) * (1.0 - s))
    }
}

/// The inverse of [`st_to_uv`].
#[inline]
pub fn uv_to_st(u: f64) -> f64 {
    // 0.5·√(1 + 3u) from 0 on, 1 − 0.5·√(1 − 3u) below.
    let root = 0.5 * (1.0 + 3.0 * u.abs()).sqrt();
    if u >= 0.0 { root } else { 1.0 - root }
}

/// The leaf coordinate of s: floor(2³⁰·s), clamped to the face.
#[inline]
pub fn st_to_ij(s: f64) -> u32 {
    // A float-to-integer cast truncates, which is a floor from 0 on; it saturates and sends NaN to 0, so every input
    // lands on the face.
    ((f64::from(LEAVES) * s) as u32).min(LEAVES - 1)
}
