//! Which cells of a grid a ball can touch: from a 3-D radius to ranges of i and j on each face.
//!
//! ```text
//!         · c            The ball |p − c| ≤ r is seen from the planet's centre as a cap of
//!       ╱θ│              angular radius θ around c. On a face with axes (n, u, v) the planes that
//!     ╱   │r             contain the v axis and touch the cap stand at angles φ ± α in the (n, u)
//!   ╱_____│              plane, with φ = atan(c_u / c_n) and sin α = sin θ / √(c_n² + c_u²).
//!  o                     Their tangents are the cap's extent in u; likewise v.
//! ```
//! The addition theorems leave only + − × ÷ √. All bounds are rounded outwards by far more than the rounding
//! of what they bound, and far less than a leaf.

use glam::DVec3;

use crate::cell::{MAX_LEVEL, direction_to_face_uv, st_to_ij, uv_to_st};

/// Up to here (17.4°) a cap that touches a face lies wholly in front of the plane through the planet's centre
/// parallel to it: (90° − 54.7°) / 2 = 17.6°, 54.7° being the angle from a face's centre to its corners.
const SIN_MAX: f64 = 0.3;
/// Outward rounding of relative and of absolute bounds.
const RELATIVE: f64 = 1e-12;
const ABSOLUTE: f64 = 1e-13;

/// What a ball can touch, seen from the planet's centre.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reach {
    /// No entity at the heights there are.
    Nothing,
    /// Too much of the sphere to be worth a bound.
    Everything,
    /// A cap of at most [`SIN_MAX`].
    Cap(Cap),
}

impl Reach {
    /// Of a ball, among points whose distances from the planet's centre lie in `rho_m` (ends included).
    pub(crate) fn of_ball(center: DVec3, radius_m: f64, rho_m: [f64; 2]) -> Self {
        let rho_c = center.length();
        // The least difference of height; bounded from below.
        let apart = (rho_m[0] - rho_c).max(rho_c - rho_m[1]) - 1e-14 * (rho_c + rho_m[1]);
        let apart = apart.max(0.0);
        if apart > radius_m {
            return Self::Nothing;
        }
        if rho_c < 1.0 {
            return Self::Everything; // too near the planet's centre to have a direction
        }
        // |p − c|² = (ρ − ρc)² + 4·ρ·ρc·sin²(θ/2), so sin²(θ/2) ≤ (r² − apart²) / (4·ρmin·ρc).
        let half = (radius_m - apart) * (radius_m + apart) / (4.0 * rho_m[0] * rho_c);
        let by_height = if half < 0.5 {
            2.0 * (half * (1.0 - half)).sqrt()
        } else {
            1.0
        };
        // The cone that touches the ball: sin θ ≤ r / ρc, whatever the heights.
        let sin = by_height.min(radius_m / rho_c) * (1.0 + RELATIVE);
        if sin < SIN_MAX {
            let axis = center / rho_c;
            Self::Cap(Cap { axis, sin })
        } else {
            Self::Everything
        }
    }
}

/// A cap of the unit sphere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cap {
    axis: DVec3,
    sin: f64, // of the angular radius
}

impl Cap {
    /// The ranges of cells, in ascending order of faces, that hold every point of the cap.
    pub(crate) fn ranges(self, level: u8) -> impl Iterator<Item = CellRange> {
        let (home, _, _) = direction_to_face_uv(self.axis);
        let home_box = self.uv_box(home).filter(UvBox::is_inside);
        let faces = if home_box.is_some() {
            home..home + 1
        } else {
            0..6
        };
        faces.filter_map(move |face| {
            let uv = home_box.or_else(|| self.uv_box(face))?;
            let range =
                |[lo, hi]: [f64; 2]| [lo, hi].map(|w| st_to_ij(uv_to_st(w)) >> (MAX_LEVEL - level));
            let (i, j) = (range(uv.u), range(uv.v));
            Some(CellRange { face, i, j })
        })
    }

    /// The cap's extent on a face, cut off at the face's edges; `None` where it does not touch the face.
    fn uv_box(self, face: u8) -> Option<UvBox> {
        let [n, u, v] = face_axes(face, self.axis);
        if n <= self.sin {
            return None; // see SIN_MAX
        }
        let u = on_face(extent(n, u, self.sin))?;
        let v = on_face(extent(n, v, self.sin))?;
        Some(UvBox { u, v })
    }
}

/// Cells `i[0]..=i[1]`, `j[0]..=j[1]` of a face at some level.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CellRange {
    pub(crate) face: u8,
    pub(crate) i: [u32; 2],
    pub(crate) j: [u32; 2],
}

#[derive(Clone, Copy)]
struct UvBox {
    u: [f64; 2],
    v: [f64; 2],
}

impl UvBox {
    /// Whether the face's edges are out of reach, and so every other face.
    fn is_inside(&self) -> bool {
        [self.u, self.v]
            .iter()
            .all(|[lo, hi]| *lo > -1.0 && *hi < 1.0)
    }
}

/// The components of a direction along a face's normal, u and v axes.
fn face_axes(face: u8, p: DVec3) -> [f64; 3] {
    match face {
        0 => [p.x, p.y, p.z],
        1 => [p.y, -p.x, p.z],
        2 => [p.z, -p.x, -p.y],
        3 => [-p.x, -p.z, -p.y],
        4 => [-p.y, -p.z, p.x],
        _ => [-p.z, p.y, p.x],
    }
}

/// tan(φ ± α) of the module's drawing, rounded outwards; needs n > sin.
fn extent(n: f64, w: f64, sin: f64) -> [f64; 2] {
    let sin_a = sin / (n * n + w * w).sqrt();
    let cos_a = (1.0 - sin_a * sin_a).max(0.0).sqrt();
    let tan = |sin_a: f64| {
        let ahead = n * cos_a - w * sin_a;
        let across = w * cos_a + n * sin_a;
        // Rounding may put a plane that nearly lies in the face's horizon behind it.
        if ahead > 0.0 {
            across / ahead
        } else {
            f64::INFINITY.copysign(sin_a)
        }
    };
    [tan(-sin_a) - ABSOLUTE, tan(sin_a) + ABSOLUTE]
}

fn on_face([lo, hi]: [f64; 2]) -> Option<[f64; 2]> {
    (lo <= 1.0 && hi >= -1.0).then(|| [lo.max(-1.0), hi.min(1.0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn face_axes_agree_with_the_projection() {
        for p in [
            DVec3::new(0.3, -0.7, 0.1),
            DVec3::new(-0.9, 0.2, 0.5),
            DVec3::new(0.1, 0.2, 0.4),
        ] {
            for p in [p, -p] {
                let (face, u, v) = direction_to_face_uv(p);
                let [n, pu, pv] = face_axes(face, p);
                assert_eq!((pu / n, pv / n), (u, v));
            }
        }
    }

    #[test]
    fn a_cap_in_the_middle_of_a_face_is_one_range() {
        let reach = Reach::of_ball(DVec3::new(0.0, 0.0, -1_000.0), 10.0, [999.0, 1_001.0]);
        let Reach::Cap(cap) = reach else {
            panic!("{reach:?}")
        };
        let ranges: Vec<_> = cap.ranges(10).collect();
        assert_eq!(
            ranges,
            [CellRange {
                face: 5,
                i: [504, 519],
                j: [504, 519]
            }]
        );
    }

    #[test]
    fn a_cap_at_a_corner_touches_three_faces() {
        let corner = DVec3::splat(-1_000.0);
        let reach = Reach::of_ball(corner, 1.0, [1_700.0, 1_800.0]);
        let Reach::Cap(cap) = reach else {
            panic!("{reach:?}")
        };
        let faces: Vec<_> = cap.ranges(20).map(|range| range.face).collect();
        assert_eq!(faces, [3, 4, 5]);
    }

    #[test]
    fn extremes() {
        let up = DVec3::new(0.0, 0.0, 100.0);
        let reach = |center, radius_m| Reach::of_ball(center, radius_m, [90.0, 110.0]);
        assert!(matches!(reach(up, 0.0), Reach::Cap(_)));
        assert!(matches!(reach(up, f64::INFINITY), Reach::Everything));
        assert!(matches!(reach(up * 2.0, 89.0), Reach::Nothing));
        assert!(matches!(reach(DVec3::ZERO, 89.0), Reach::Nothing));
        assert!(matches!(reach(DVec3::ZERO, 91.0), Reach::Everything));
    }
}
