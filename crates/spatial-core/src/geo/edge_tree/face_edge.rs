//! The part of an edge that lies on one face of the cube, where great circles are straight lines.

use glam::DVec3;

use super::square::Square;
use crate::region::to_uvw;

/// How far a face, and each cell, is taken to reach beyond its rim, in u and v: ten times what u, v and a clipped end may
/// be off, so that an edge is never missed by a cell that it touches.
pub(in crate::geo) const PADDING: f64 = 1.0 / (1u64 << 46) as f64;

/// The middle of the part, and the vector from there to its end.
#[derive(Clone, Copy, Debug)]
pub(in crate::geo) struct FaceEdge {
    middle: [f64; 2],
    half: [f64; 2],
    pub(super) edge: u32,
    /// The finest level whose cells are as large as the edge is long: it splits no finer ones.
    pub(in crate::geo) finest_level: u8,
}

impl FaceEdge {
    /// `None` if the edge, at most a quarter of a turn long, does not touch the face.
    pub(in crate::geo) fn clipped(face: u8, [a, b]: [DVec3; 2], edge: u32) -> Option<Self> {
        let [a, b] = [a, b].map(|p| to_uvw(face, p));
        // The face is where ±u and ±v are at most w; along the chord a + t·(b − a) each is linear.
        let wide = 1.0 + PADDING;
        let (mut enter, mut leave) = (0.0f64, 1.0f64);
        for axis in 0..2 {
            for sign in [1.0, -1.0] {
                let room = |p: [f64; 3]| wide * p[2] - sign * p[axis];
                let (at_a, at_b) = (room(a), room(b));
                if at_a < 0.0 && at_b < 0.0 {
                    return None;
                }
                if at_a < 0.0 {
                    enter = enter.max(at_a / (at_a - at_b));
                } else if at_b < 0.0 {
                    leave = leave.min(at_a / (at_a - at_b));
                }
            }
        }
        if enter > leave {
            return None;
        }
        let at = |t: f64| {
            let p: [f64; 3] = core::array::from_fn(|n| a[n] + t * (b[n] - a[n]));
            [p[0] / p[2], p[1] / p[2]]
        };
        let start = if enter == 0.0 {
            [a[0] / a[2], a[1] / a[2]]
        } else {
            at(enter)
        };
        let end = if leave == 1.0 {
            [b[0] / b[2], b[1] / b[2]]
        } else {
            at(leave)
        };
        let apart = core::array::from_fn::<f64, 3, _>(|n| a[n] - b[n]);
        let length_squared = apart.iter().map(|w| w * w).sum();
        Some(Self {
            middle: [0, 1].map(|n| 0.5 * (start[n] + end[n])),
            half: [0, 1].map(|n| 0.5 * (end[n] - start[n])),
            edge,
            finest_level: finest_level(length_squared),
        })
    }

    /// Whether it touches a square, or comes as near as [`PADDING`] (separating axes).
    #[inline]
    pub(in crate::geo) fn touches(&self, square: &Square) -> bool {
        let [x, y] = [0, 1].map(|n| self.middle[n] - square.center[n]);
        let [w, h] = square.half.map(|half| half + PADDING);
        let [dx, dy] = self.half;
        x.abs() <= w + dx.abs()
            && y.abs() <= h + dy.abs()
            && (dx * y - dy * x).abs() <= w * dy.abs() + h * dx.abs()
    }

    /// Its ends in units of the square's half sides from its centre, cut off beyond `reach` of them.
    pub(super) fn within(&self, square: &Square, reach: f64) -> [[f64; 2]; 2] {
        let middle = [0, 1].map(|n| (self.middle[n] - square.center[n]) / square.half[n]);
        let half = [0, 1].map(|n| self.half[n] / square.half[n]);
        let (mut from, mut to) = (-1.0f64, 1.0f64);
        for n in 0..2 {
            if half[n] != 0.0 {
                let [s, t] = [-reach, reach].map(|rim| (rim - middle[n]) / half[n]);
                from = from.max(s.min(t));
                to = to.min(s.max(t));
            }
        }
        [from, to].map(|t| [0, 1].map(|n| middle[n] + t * half[n]))
    }
}

/// The finest level whose cells are as wide; those of level k are about 1.459·2⁻ᵏ (S2's average edge, quadratic
/// projection).
fn finest_level(length_squared: f64) -> u8 {
    const WIDTH: f64 = 1.459_213_746_386_106;
    // Half the binary exponent of the squared ratio; of a point it is infinite, with the largest exponent.
    let exponent = ((WIDTH * WIDTH / length_squared).to_bits() >> 52) as i32 - 1_023;
    (exponent / 2).clamp(0, i32::from(super::FINEST_LEVEL)) as u8
}
