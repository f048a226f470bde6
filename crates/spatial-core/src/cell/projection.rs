//! Directions, the faces of the cube, and S2's quadratic projection of a face.

use glam::DVec3;

use super::LEAVES;

/// The face a direction points at, and where it meets that face of the cube [−1, 1]³.
///
/// Faces are chosen as S2 does: x only if strictly the largest, then y only if strictly larger than z.
pub fn direction_to_face_uv(p: DVec3) -> (u8, f64, f64) {
    let a = p.abs();
    let axis = if a.x > a.y {
        if a.x > a.z { 0 } else { 2 }
    } else if a.y > a.z {
        1
    } else {
        2
    };
    let negative = p[axis] < 0.0;
    let face = axis as u8 + if negative { 3 } else { 0 };
    let (u, v) = match face {
        0 => (p.y / p.x, p.z / p.x),
        1 => (-p.x / p.y, p.z / p.y),
        2 => (-p.x / p.z, -p.y / p.z),
        3 => (p.z / p.x, p.y / p.x),
        4 => (p.z / p.y, -p.x / p.y),
        _ => (-p.y / p.z, -p.x / p.z),
    };
    (face, u, v)
}

/// The point of a cube face, not normalised.
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
pub fn st_to_uv(s: f64) -> f64 {
    if s >= 0.5 {
        (1.0 / 3.0) * (4.0 * s * s - 1.0)
    } else {
        (1.0 / 3.0) * (1.0 - 4.0 * (1.0 - s) * (1.0 - s))
    }
}

/// The inverse of [`st_to_uv`].
pub fn uv_to_st(u: f64) -> f64 {
    if u >= 0.0 {
        0.5 * (1.0 + 3.0 * u).sqrt()
    } else {
        1.0 - 0.5 * (1.0 - 3.0 * u).sqrt()
    }
}

/// The leaf coordinate of s: floor(2³⁰·s), clamped to the face.
pub fn st_to_ij(s: f64) -> u32 {
    // A float-to-integer cast truncates, which is a floor from 0 on; it saturates and sends NaN to 0, so every input
    // lands on the face.
    ((f64::from(LEAVES) * s) as u32).min(LEAVES - 1)
}
