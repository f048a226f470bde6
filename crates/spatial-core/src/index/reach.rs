//! Which leaves of the cube's faces a ball can touch.
//!
//! ```text
//!         · c            The ball |p − c| ≤ r is seen from the planet's centre as a cone around c, of half angle
//!       ╱θ│              sin θ = r / |c|. On a face with axes (n, u, v) the planes that contain the v axis and
//!     ╱   │r             touch the cone stand at angles φ ± α in the (n, u) plane, with φ = atan(c_u / c_n)
//!   ╱_____│              and sin α = r / √(c_n² + c_u²). Their tangents are the cone's extent in u; likewise v.
//!  o
//! ```
//! The addition theorems leave only + − × ÷ √. All bounds are rounded outwards by far more than the rounding
//! of what they bound, and far less than a leaf.

use glam::DVec3;

use crate::cell::{MAX_LEVEL, direction_to_face_uv, st_to_ij, uv_to_st};

/// Up to here (17.4°) a cone that touches a face lies wholly in front of the plane through the planet's centre
/// parallel to it: (90° − 54.7°) / 2 = 17.6°, 54.7° being the angle from a face's centre to its corners.
const SIN_MAX: f64 = 0.3;
/// Outward rounding of relative and of absolute bounds.
const RELATIVE: f64 = 1e-12;
const ABSOLUTE: f64 = 1e-13;

/// Leaves `i[0]..=i[1]`, `j[0]..=j[1]` of a face.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct LeafRange {
    pub(super) face: u8,
    pub(super) i: [u32; 2],
    pub(super) j: [u32; 2],
}

impl LeafRange {
    /// All of a face.
    pub(super) fn face(face: u8) -> Self {
        let all = [0, (1 << MAX_LEVEL) - 1];
        Self {
            face,
            i: all,
            j: all,
        }
    }
}

/// Parts of up to six faces.
#[derive(Clone, Copy, Debug)]
pub(super) struct LeafRanges {
    ranges: [LeafRange; 6],
    len: usize, // at most 6
}

impl LeafRanges {
    /// No part of any face.
    pub(super) const NONE: Self = Self {
        ranges: [LeafRange {
            face: 0,
            i: [0; 2],
            j: [0; 2],
        }; 6],
        len: 0,
    };

    /// Those, in ascending order, that hold every place within the ball whose distance from the planet's centre has a square
    /// within `rho2` (ends included).
    #[inline(always)]
    pub(super) fn of_ball(center: DVec3, radius_m: f64, rho2: [f64; 2]) -> Self {
        let center2 = center.length_squared();
        let mut reach_m = radius_m;
        if center2 < rho2[0] || center2 > rho2[1] {
            match reach_at_heights(center2.sqrt(), radius_m, rho2.map(f64::sqrt)) {
                Some(shorter_m) => reach_m = shorter_m,
                None => return Self::of_faces(|_| None),
            }
        }
        reach_m *= 1.0 + RELATIVE;
        let is_narrow = reach_m * reach_m < SIN_MAX * SIN_MAX * center2; // not around the planet's centre
        if !is_narrow {
            return Self::of_faces(|face| Some(LeafRange::face(face)));
        }
        let cone = Cone { center, reach_m };
        let (home, _, _) = direction_to_face_uv(center);
        match cone.on_face(home) {
            Some(range) if range.is_inside => Self {
                ranges: [range.leaves(home); 6],
                len: 1,
            },
            _ => Self::of_faces(|face| Some(cone.on_face(face)?.leaves(face))),
        }
    }

    #[cold]
    fn of_faces(of_face: impl Fn(u8) -> Option<LeafRange>) -> Self {
        let mut all = Self::NONE;
        for range in (0..6).filter_map(of_face) {
            all.ranges[all.len] = range;
            all.len += 1;
        }
        all
    }

    #[inline(always)]
    pub(super) fn as_slice(&self) -> &[LeafRange] {
        &self.ranges[..self.len]
    }
}

/// Calls with the ranges of a ball.
#[inline(always)]
pub(super) fn for_each_range(
    center: DVec3,
    radius_m: f64,
    rho2: [f64; 2],
    mut visit: impl FnMut(LeafRange),
) {
    for range in LeafRanges::of_ball(center, radius_m, rho2).as_slice() {
        visit(*range);
    }
}

/// The radius at the centre of the narrowest known cone around all of a ball that is within some distances from the
/// planet's centre; `None` when nothing is.
#[cold]
fn reach_at_heights(rho_c: f64, radius_m: f64, rho: [f64; 2]) -> Option<f64> {
    // The least difference of height; bounded from below.
    let apart = (rho[0] - rho_c).max(rho_c - rho[1]) - 1e-14 * (rho_c + rho[1]);
    let apart = apart.max(0.0);
    if apart > radius_m {
        return None;
    }
    // |p − c|² = (ρ − ρc)² + 4·ρ·ρc·sin²(θ/2), so sin²(θ/2) ≤ (r² − apart²) / (4·ρmin·ρc).
    let half = (radius_m - apart) * (radius_m + apart) / (4.0 * rho[0] * rho_c);
    if half < 0.5 {
        let sin = 2.0 * (half * (1.0 - half)).sqrt();
        Some((sin * rho_c).min(radius_m))
    } else {
        Some(radius_m)
    }
}

/// All directions within asin(reach / |center|) of a centre.
#[derive(Clone, Copy)]
struct Cone {
    center: DVec3,
    reach_m: f64,
}

impl Cone {
    /// The cone's extent on a face, cut off at the face's edges; `None` where it does not touch the face.
    #[inline(always)]
    fn on_face(self, face: u8) -> Option<FaceRange> {
        let [n, u, v] = face_axes(face, self.center);
        if n <= self.reach_m {
            return None; // see SIN_MAX
        }
        let u = self.extent(n, u);
        let v = self.extent(n, v);
        let touches = |[lo, hi]: [f64; 2]| lo <= 1.0 && hi >= -1.0;
        if !touches(u) || !touches(v) {
            return None;
        }
        let inside = |[lo, hi]: [f64; 2]| lo > -1.0 && hi < 1.0;
        Some(FaceRange {
            u,
            v,
            is_inside: inside(u) && inside(v),
        })
    }

    /// tan(φ ± α) of the module's drawing, rounded outwards; needs n > reach.
    #[inline(always)]
    fn extent(self, n: f64, w: f64) -> [f64; 2] {
        let r = self.reach_m;
        let q = (n * n + w * w - r * r).max(0.0).sqrt(); // cos α, times what sin α is r times
        // Rounding may put a plane that nearly lies in the face's horizon behind it.
        let (ahead_lo, ahead_hi) = (n * q + w * r, n * q - w * r);
        let lo = if ahead_lo > 0.0 {
            (w * q - n * r) / ahead_lo
        } else {
            f64::NEG_INFINITY
        };
        let hi = if ahead_hi > 0.0 {
            (w * q + n * r) / ahead_hi
        } else {
            f64::INFINITY
        };
        [lo - ABSOLUTE, hi + ABSOLUTE]
    }
}

struct FaceRange {
    u: [f64; 2],
    v: [f64; 2],
    is_inside: bool, // out of reach of the face's edges, and so of every other face
}

impl FaceRange {
    #[inline(always)]
    fn leaves(&self, face: u8) -> LeafRange {
        let leaves = |uv: [f64; 2]| uv.map(|w| st_to_ij(uv_to_st(w.clamp(-1.0, 1.0))));
        LeafRange {
            face,
            i: leaves(self.u),
            j: leaves(self.v),
        }
    }
}

/// The components of a vector along a face's normal, u and v axes.
#[inline(always)]
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
