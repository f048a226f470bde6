//! Segments: the axes of capsules, and what is nearest between two of them.

use spatial_core::DVec3;

use super::{Gap, Touch};

/// The straight line between two points, which may be one: with a radius it is a capsule, or a ball.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Segment {
    /// Where it begins.
    pub start: DVec3,
    /// Where it ends.
    pub end: DVec3,
}

impl Segment {
    /// The segment that is one point: the axis of a ball.
    pub fn point(at: DVec3) -> Self {
        Self { start: at, end: at }
    }

    /// The same segment elsewhere.
    pub fn moved(self, by: DVec3) -> Self {
        Self {
            start: self.start + by,
            end: self.end + by,
        }
    }

    /// From its start to its end.
    pub fn along(self) -> DVec3 {
        self.end - self.start
    }

    /// Its point nearest to a point.
    pub fn nearest(self, to: DVec3) -> DVec3 {
        let along = self.along();
        let square = along.length_squared();
        if square == 0.0 {
            return self.start;
        }
        self.start + along * within_unit((to - self.start).dot(along) / square)
    }
}

/// How far a segment is from another one, and the way from that one to it.
pub(super) fn gap_of_segments(mover: Segment, other: Segment) -> Gap {
    let between = shortest(mover, other);
    let square = between.length_squared();
    if square > TOUCHING_M * TOUCHING_M {
        let distance_m = square.sqrt();
        return Gap {
            distance_m,
            normal: between / distance_m,
        };
    }
    Gap {
        distance_m: 0.0,
        normal: across(mover.along(), other.along()),
    }
}

/// Nearer than this, two lines cross and have no direction between them.
pub(super) const TOUCHING_M: f64 = 1e-9;

/// A unit vector square to both of two vectors, however short or parallel they are.
fn across(a: DVec3, b: DVec3) -> DVec3 {
    let square_to = |v: DVec3| {
        let least = if v.x.abs() <= v.y.abs() && v.x.abs() <= v.z.abs() {
            DVec3::X
        } else if v.y.abs() <= v.z.abs() {
            DVec3::Y
        } else {
            DVec3::Z
        };
        v.cross(least)
    };
    let candidates = [a.cross(b), square_to(b), square_to(a), DVec3::Z];
    let long = candidates.into_iter().find(|v| v.length_squared() > 1e-24);
    let v = long.unwrap_or(DVec3::Z);
    v / v.length()
}

/// The shortest vector from the second segment to the first: between insides, or an end and the other's nearest point.
fn shortest(a: Segment, b: Segment) -> DVec3 {
    let ends = [
        a.start - b.nearest(a.start),
        a.end - b.nearest(a.end),
        a.nearest(b.start) - b.start,
        a.nearest(b.end) - b.end,
    ];
    let mut best = ends[0];
    for v in ends.into_iter().skip(1).chain(between_insides(a, b)) {
        if v.length_squared() < best.length_squared() {
            best = v;
        }
    }
    best
}

/// The common perpendicular, where its feet are within both segments.
fn between_insides(a: Segment, b: Segment) -> Option<DVec3> {
    let (u, v, w) = (a.along(), b.along(), a.start - b.start);
    let (uu, uv, vv) = (u.length_squared(), u.dot(v), v.length_squared());
    let (uw, vw) = (u.dot(w), v.dot(w));
    let area_square = uu * vv - uv * uv;
    if area_square <= 1e-12 * uu * vv {
        return None; // parallel: an end is as near
    }
    let along_a = (uv * vw - vv * uw) / area_square;
    let along_b = (uu * vw - uv * uw) / area_square;
    let is_inside = |k: f64| (0.0..=1.0).contains(&k);
    let feet = is_inside(along_a) && is_inside(along_b);
    feet.then(|| w + u * along_a - v * along_b)
}

/// When a ball that travels first touches a capsule at rest: its axis, and the sum of both radii, metres.
///
/// `time` is the part of the travel, 0 to 1. A ball that overlaps touches at once, whichever way it goes; the normal points from the
/// capsule to the ball. Of two things that move, the travel is the difference.
pub fn ball_meets_capsule(
    ball: DVec3,
    travel: DVec3,
    axis: Segment,
    radii_m: f64,
) -> Option<Touch> {
    let normal_at = |time: f64| {
        let gap = gap_of_segments(Segment::point(ball + travel * time), axis);
        Touch {
            time,
            normal: gap.normal,
        }
    };
    let start = ball - axis.nearest(ball);
    if start.length_squared() <= radii_m * radii_m {
        return Some(normal_at(0.0));
    }
    let ends = [axis.start, axis.end].map(|end| entry_into_ball(ball - end, travel, radii_m));
    let side = entry_into_side(ball, travel, axis, radii_m);
    let mut first: Option<f64> = None;
    for time in ends.into_iter().chain([side]).flatten() {
        if first.is_none_or(|other| time < other) {
            first = Some(time);
        }
    }
    first.map(normal_at)
}

/// When a point enters a ball around the origin from outside.
fn entry_into_ball(from: DVec3, travel: DVec3, radius_m: f64) -> Option<f64> {
    entry(
        travel.length_squared(),
        from.dot(travel),
        from.length_squared() - radius_m * radius_m,
    )
}

/// When a point enters the round side of a capsule from outside.
fn entry_into_side(from: DVec3, travel: DVec3, axis: Segment, radius_m: f64) -> Option<f64> {
    let along = axis.along();
    let square = along.length_squared();
    if square == 0.0 {
        return None;
    }
    let off_axis = |v: DVec3| v - along * (v.dot(along) / square);
    let (start, way) = (off_axis(from - axis.start), off_axis(travel));
    let time = entry(
        way.length_squared(),
        start.dot(way),
        start.length_squared() - radius_m * radius_m,
    )?;
    let foot = (from + travel * time - axis.start).dot(along) / square;
    (0.0..=1.0).contains(&foot).then_some(time)
}

/// The lesser root of a t² + 2 b t + c within [0, 1], where the polynomial falls.
fn entry(a: f64, b: f64, c: f64) -> Option<f64> {
    let discriminant = b * b - a * c;
    if !(b < 0.0 && discriminant >= 0.0) {
        return None;
    }
    let time = c / (discriminant.sqrt() - b); // no cancellation, no division by an `a` near 0
    let time = if time < 0.0 && time > -1e-9 {
        0.0
    } else {
        time
    }; // rounding, where it touches already
    (0.0..=1.0).contains(&time).then_some(time)
}

/// A number brought into [0, 1]; NaN becomes 0.
pub(super) fn within_unit(k: f64) -> f64 {
    if k >= 1.0 {
        1.0
    } else if k > 0.0 {
        k
    } else {
        0.0
    }
}
