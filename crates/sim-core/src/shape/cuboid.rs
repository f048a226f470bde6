//! Boxes along their own axes, centred: what is nearest, and how deep.

use spatial_core::DVec3;

use super::segment::{Segment, TOUCHING_M};
use super::{Gap, Touch};

/// How far a segment is from a box with these half edges.
pub(super) fn gap_to_cuboid(axis: Segment, half: DVec3) -> Gap {
    let at = axis.start + axis.along() * nearest_along(axis, half);
    let out = beyond(at, half);
    let distance_m = out.length();
    if distance_m > TOUCHING_M {
        return Gap {
            distance_m,
            normal: out / distance_m,
        };
    }
    shallowest(axis, half)
}

/// The part of a point that is beyond the box: from its nearest point of the box to it.
fn beyond(p: DVec3, half: DVec3) -> DVec3 {
    let axis = |c: f64, h: f64| {
        if c > h {
            c - h
        } else if c < -h {
            c + h
        } else {
            0.0
        }
    };
    DVec3::new(axis(p.x, half.x), axis(p.y, half.y), axis(p.z, half.z))
}

/// Where along a segment, 0 to 1, it is nearest to the box.
///
/// The squared distance is convex along the segment, and its slope straight between the places where the segment crosses planes of
/// the box: the zero of the slope is found between two of them.
fn nearest_along(axis: Segment, half: DVec3) -> f64 {
    let along = axis.along();
    let slope = |k: f64| along.dot(beyond(axis.start + along * k, half));
    let mut low = (0.0, slope(0.0));
    if low.1 >= 0.0 {
        return 0.0;
    }
    let mut high = (1.0, slope(1.0));
    if high.1 <= 0.0 {
        return 1.0;
    }
    for axis_no in 0..3 {
        let (from, way, h) = (axis.start[axis_no], along[axis_no], half[axis_no]);
        for plane in [-h, h] {
            let k = (plane - from) / way; // NaN or infinite where it never crosses
            if !(k > low.0 && k < high.0) {
                continue;
            }
            let here = (k, slope(k));
            match here.1 < 0.0 {
                true => low = here,
                false => high = here,
            }
        }
    }
    low.0 + (high.0 - low.0) * (low.1 / (low.1 - high.1))
}

/// The shortest way out for a segment that is inside: over a face, or along what is square to an edge and the segment.
fn shallowest(axis: Segment, half: DVec3) -> Gap {
    let mut best = Gap {
        distance_m: f64::NEG_INFINITY,
        normal: DVec3::Z,
    };
    let mut consider = |distance_m: f64, normal: DVec3| {
        if distance_m > best.distance_m {
            best = Gap { distance_m, normal };
        }
    };
    for (k, unit) in DVec3::AXES.into_iter().enumerate() {
        let (a, b, h) = (axis.start[k], axis.end[k], half[k]);
        let (least, most) = if a < b { (a, b) } else { (b, a) };
        consider(least - h, unit);
        consider(-most - h, -unit);
    }
    let along = axis.along();
    for unit in DVec3::AXES {
        let across = along.cross(unit);
        let length = across.length();
        if length > 1e-9 * along.length() && length > 0.0 {
            let normal = across / length;
            let reach = normal.abs().dot(half);
            let at = normal.dot(axis.start);
            consider(at - reach, normal);
            consider(-at - reach, -normal);
        }
    }
    best
}

/// Where a ray enters the box, from a point along a travel.
pub(super) fn ray_into_cuboid(from: DVec3, travel: DVec3, half: DVec3) -> Option<Touch> {
    let mut enter = Touch {
        time: 0.0,
        normal: DVec3::ZERO,
    };
    let mut leave = 1.0;
    for (k, unit) in DVec3::AXES.into_iter().enumerate() {
        let (at, way, h) = (from[k], travel[k], half[k]);
        if way == 0.0 {
            if at.abs() > h {
                return None;
            }
            continue;
        }
        let side = if way > 0.0 { 1.0 } else { -1.0 };
        let (near, far) = ((-side * h - at) / way, (side * h - at) / way);
        if near > enter.time {
            enter = Touch {
                time: near,
                normal: unit * -side,
            };
        }
        leave = if far < leave { far } else { leave };
        if enter.time > leave {
            return None;
        }
    }
    Some(enter)
}
