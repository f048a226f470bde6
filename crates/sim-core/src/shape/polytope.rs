//! Convex hulls around their own origin: what is nearest, and how deep. By looking at every face and edge: hulls are small, and
//! no iteration has to end well.

use spatial_core::DVec3;

use super::hull::{Hull, Plane};
use super::segment::{Segment, TOUCHING_M, gap_of_segments};
use super::{Gap, Touch};

/// How far a segment is from a hull.
pub(super) fn gap_to_hull(axis: Segment, hull: &Hull) -> Gap {
    if passes(axis, hull) {
        return shallowest(axis, hull);
    }
    let mut best = Gap {
        distance_m: f64::INFINITY,
        normal: DVec3::Z,
    };
    let mut consider = |gap: Gap| {
        if gap.distance_m < best.distance_m {
            best = gap;
        }
    };
    for edge in hull.edges() {
        let [start, end] = edge;
        consider(gap_of_segments(axis, Segment { start, end }));
    }
    for plane in hull.planes() {
        for end in [axis.start, axis.end] {
            let distance_m = plane.normal.dot(end) - plane.offset;
            if distance_m > 0.0 && is_over(plane, end, hull) {
                let normal = plane.normal;
                consider(Gap { distance_m, normal });
            }
        }
    }
    match best.distance_m > TOUCHING_M {
        true => best,
        false => shallowest(axis, hull),
    }
}

/// Whether some of a segment is in the hull: planes cut off what is outside them.
fn passes(axis: Segment, hull: &Hull) -> bool {
    let along = axis.along();
    let (mut from, mut to) = (0.0, 1.0);
    for plane in hull.planes() {
        let out = plane.normal.dot(axis.start) - plane.offset;
        let rate = plane.normal.dot(along);
        if rate == 0.0 {
            if out > 0.0 {
                return false;
            }
            continue;
        }
        let k = -out / rate;
        if rate < 0.0 {
            from = if k > from { k } else { from };
        } else {
            to = if k < to { k } else { to };
        }
        if from > to {
            return false;
        }
    }
    true
}

/// Whether a point is above a face, not beside it.
fn is_over(plane: &Plane, p: DVec3, hull: &Hull) -> bool {
    let corner = |v: u8| hull.vertices()[usize::from(v)];
    plane.triangles.iter().any(|t| {
        let [a, b, c] = t.map(corner);
        let is_left = |from: DVec3, to: DVec3| (to - from).cross(p - from).dot(plane.normal) >= 0.0;
        is_left(a, b) && is_left(b, c) && is_left(c, a)
    })
}

/// The shortest way out for a segment that is inside: over a face, or square to an edge and the segment.
fn shallowest(axis: Segment, hull: &Hull) -> Gap {
    let mut best = Gap {
        distance_m: f64::NEG_INFINITY,
        normal: DVec3::Z,
    };
    let mut consider = |distance_m: f64, normal: DVec3| {
        if distance_m > best.distance_m {
            best = Gap { distance_m, normal };
        }
    };
    for plane in hull.planes() {
        let [a, b] = [axis.start, axis.end].map(|end| plane.normal.dot(end) - plane.offset);
        consider(if a < b { a } else { b }, plane.normal);
    }
    let along = axis.along();
    for [from, to] in hull.edges() {
        let across = along.cross(to - from);
        let length = across.length();
        if length > 1e-9 * along.length() * (to - from).length() {
            let normal = across / length;
            let at = normal.dot(axis.start);
            consider(at - farthest(hull, normal), normal);
            consider(-at - farthest(hull, -normal), -normal);
        }
    }
    best
}

/// How far the hull reaches along a direction.
fn farthest(hull: &Hull, normal: DVec3) -> f64 {
    let mut most = f64::NEG_INFINITY;
    for v in hull.vertices() {
        let reach = normal.dot(*v);
        most = if reach > most { reach } else { most };
    }
    most
}

/// Where a ray enters the hull, from a point along a travel.
pub(super) fn ray_into_hull(from: DVec3, travel: DVec3, hull: &Hull) -> Option<Touch> {
    let mut enter = Touch {
        time: 0.0,
        normal: DVec3::ZERO,
    };
    let mut leave = 1.0;
    for plane in hull.planes() {
        let out = plane.normal.dot(from) - plane.offset;
        let rate = plane.normal.dot(travel);
        if rate == 0.0 {
            if out > 0.0 {
                return None;
            }
            continue;
        }
        let time = -out / rate;
        if rate > 0.0 {
            leave = if time < leave { time } else { leave };
        } else if time > enter.time {
            enter = Touch {
                time,
                normal: plane.normal,
            };
        }
        if enter.time > leave {
            return None;
        }
    }
    Some(enter)
}
