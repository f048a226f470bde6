//! A straight way past a planet, and the same way as a face of the cube sees it.

use glam::DVec3;

use crate::cell::{direction_to_face_uv, face_uv_to_direction, to_face_frame};

/// A straight way from a place. The squares of its distances from the planet's centre are a parabola, so heights along it are
/// compared without a root.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) origin: DVec3,    // planet-centred, metres
    pub(super) direction: DVec3, // of length 1
    pub(super) foot_m: f64,      // how far along it is nearest to the centre; may be negative
    pub(super) foot_square: f64, // m², of its distance there
    pub(super) reach_m: f64,     // its length
    pub(super) bend_per_m: f64, // refraction raises it by bend_per_m · τ · (reach_m − τ) above the straight way
}

impl Line {
    /// A way without refraction; the direction has length 1.
    pub(super) fn new(origin: DVec3, direction: DVec3, reach_m: f64) -> Self {
        let foot_m = -origin.dot(direction);
        Self {
            origin,
            direction,
            foot_m,
            // Of the foot itself: the difference of two squares would have the rounding of the larger.
            foot_square: (origin + direction * foot_m).length_squared(),
            reach_m,
            bend_per_m: 0.0,
        }
    }

    pub(super) fn at(&self, along_m: f64) -> DVec3 {
        self.origin + self.direction * along_m
    }

    /// The distance from the planet's centre of a place along the way, raised by refraction, metres.
    #[inline(always)]
    pub(super) fn radius_m(&self, along_m: f64) -> f64 {
        let beyond = along_m - self.foot_m;
        (self.foot_square + beyond * beyond).sqrt() + self.lift_m(along_m)
    }

    /// Whether all of a part of the way is further from the centre than that. Never said wrongly; where refraction lifts the middle
    /// of the part, not always said.
    #[inline(always)]
    pub(super) fn is_above(&self, radius_m: f64, from_m: f64, to_m: f64) -> bool {
        let nearest = lesser(greater(self.foot_m, from_m), to_m) - self.foot_m;
        // What is lifted is concave: least at an end.
        let below = match self.bend_per_m == 0.0 {
            true => radius_m,
            false => radius_m - lesser(self.lift_m(from_m), self.lift_m(to_m)),
        };
        below < 0.0 || self.foot_square + nearest * nearest > below * below
    }

    /// Where on the way down it comes as near to the centre as that; `None` when it never does.
    pub(super) fn entry_m(&self, radius_m: f64) -> Option<f64> {
        let square = radius_m * radius_m - self.foot_square;
        (square >= 0.0).then(|| self.foot_m - square.sqrt())
    }

    #[inline(always)]
    fn lift_m(&self, along_m: f64) -> f64 {
        self.bend_per_m * along_m * (self.reach_m - along_m)
    }
}

/// A way in the frame of a face: along its u, its v, and out of it. Its place on the face is `u = u-part / w-part`, a straight
/// line; so where it crosses u = c is one division.
#[derive(Clone, Copy, Debug)]
pub(super) struct FaceLine {
    pub(super) face: u8,
    pub(super) is_forward: [bool; 2], // whether u grows along the way, and v
    // Along u, v, w: of the origin, and a metre's. No arrays are mapped in what is called often: that is not inlined.
    parts: [[f64; 2]; 3],
}

impl FaceLine {
    /// The way on a face above which all that matters of it lies.
    pub(super) fn new(face: u8, line: &Line) -> Self {
        let (origin, step) = (
            to_face_frame(face, line.origin),
            to_face_frame(face, line.direction),
        );
        let parts = [0, 1, 2].map(|axis| [origin[axis], step[axis]]);
        let [_, _, [w, dw]] = parts;
        // The sign of d(a / w) is the same all the way.
        let is_forward = [0, 1].map(|axis| parts[axis][1] * w - parts[axis][0] * dw >= 0.0);
        Self {
            face,
            is_forward,
            parts,
        }
    }

    /// u and v of a place along the way.
    #[inline(always)]
    pub(super) fn uv(&self, along_m: f64) -> [f64; 2] {
        let [[a, da], [b, db], [w, dw]] = self.parts;
        let inverse = 1.0 / (w + along_m * dw);
        [(a + along_m * da) * inverse, (b + along_m * db) * inverse]
    }

    /// Where it crosses u = c or v = c, c ahead of it, at `from_m` or later; infinity when it never does.
    #[inline(always)]
    pub(super) fn crossing_m(&self, axis: usize, c: f64, from_m: f64) -> f64 {
        let ([a, da], [w, dw]) = (self.parts[axis], self.parts[2]);
        let (beside, rate) = (a - c * w, da - c * dw);
        // A way that bends away from the line in u does not reach it, though the straight lines meet somewhere behind.
        let is_ahead = (rate > 0.0) == self.is_forward[axis] && rate != 0.0;
        match is_ahead {
            true => greater(-beside / rate, from_m),
            false => f64::INFINITY,
        }
    }

    /// The face across an edge, at a place along the way: the way there; along which of its axes it comes in, and whether from the
    /// upper end.
    pub(super) fn beyond(&self, line: &Line, axis: usize, along_m: f64) -> (Self, usize, bool) {
        let mut uv = self.uv(along_m).map(|c| c.clamp(-1.0, 1.0));
        uv[axis] = if self.is_forward[axis] { 2.0 } else { -2.0 };
        let (next, _, _) = direction_to_face_uv(face_uv_to_direction(self.face, uv[0], uv[1]));
        let mut there = Self::new(next, line);
        // Where this face is, seen from there.
        let [u, v, _] = to_face_frame(next, face_uv_to_direction(self.face, 0.0, 0.0));
        let entry = usize::from(u == 0.0);
        let is_upper = u + v > 0.0;
        // It moves away from the edge that it came in by, whatever rounding says of a way along the edge.
        there.is_forward[entry] = !is_upper;
        (there, entry, is_upper)
    }
}

/// The lesser of two numbers; the second one when one is NaN. `f64::min` would take the other one, which costs a way of sight 4 %.
#[inline(always)]
pub(super) fn lesser(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// The greater of two numbers, likewise.
#[inline(always)]
pub(super) fn greater(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_over_every_edge_come_in_on_the_other_side() {
        for face in 0..6u8 {
            for (axis, end) in [(0, 1.0), (0, -1.0), (1, 1.0), (1, -1.0)] {
                let place = |out: f64| {
                    let uv = if axis == 0 { [out, 0.3] } else { [0.3, out] };
                    face_uv_to_direction(face, uv[0], uv[1]) * 1e6
                };
                let (from, to) = (place(end * 0.9), place(end * 1.1));
                let line = Line::new(from, (to - from).normalize(), from.distance(to));
                let here = FaceLine::new(face, &line);
                assert_eq!(here.is_forward[axis], end > 0.0);
                let edge_m = here.crossing_m(axis, end, 0.0);
                assert!((edge_m - 1e5).abs() < 1e-6, "{edge_m}");
                assert_eq!(here.crossing_m(1 - axis, 1.0, 0.0), f64::INFINITY);
                let (there, entry, is_upper) = here.beyond(&line, axis, edge_m);
                let (next, _, _) = direction_to_face_uv(to);
                assert_eq!(there.face, next);
                let coordinate = there.uv(edge_m)[entry];
                let want = if is_upper { 1.0 } else { -1.0 };
                assert!((coordinate - want).abs() < 1e-12, "{face} {axis} {end}");
                assert_eq!(there.is_forward[entry], !is_upper);
            }
        }
    }

    #[test]
    fn above_is_never_said_wrongly() {
        for (slope, bend) in [(0.0, 0.0), (-0.3, 0.0), (0.2, 1e-8), (-1.0, 1e-7)] {
            let direction = DVec3::new(slope, 1.0, 0.1).normalize();
            let mut line = Line::new(DVec3::new(6.4e6, 0.0, 0.0), direction, 2e5);
            line.bend_per_m = bend;
            for k in 0..40 {
                let (from_m, to_m) = (f64::from(k) * 4e3, f64::from(k) * 5e3 + 10.0);
                let radii = (0..=200)
                    .map(|n| line.radius_m(from_m + (to_m - from_m) * f64::from(n) / 200.0));
                let lowest = radii.fold(f64::INFINITY, f64::min);
                assert!(!line.is_above(lowest + 1e-6, from_m, to_m));
                if bend == 0.0 {
                    assert!(line.is_above(
                        lowest - 1e-2 * (to_m - from_m).abs() / 1e3,
                        from_m,
                        to_m
                    ));
                }
            }
            if let Some(entry_m) = line.entry_m(6.39e6) {
                let straight = line.at(entry_m).length();
                assert!((straight - 6.39e6).abs() < 1e-6);
            }
        }
    }
}
