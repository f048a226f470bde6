//! Bounds of polygons.

use core::f64::consts::{FRAC_PI_2, PI};

use glam::DVec3;

use super::polygon::Polygon;
use super::ring::closed_edges;
use crate::region::{Cap, LatLngRect, Longitudes, Region, lat_rad, lng_rad, unit};

/// What latitudes and longitudes of vertices and of edges' highest points may be off, radians.
const ROUNDING: f64 = 8.0 * f64::EPSILON;

/// Convex if it is no more than a hemisphere, so that with the vertices it holds the edges.
pub(super) fn cap_of(polygon: &Polygon) -> Cap {
    let vertices = || polygon.rings().flatten();
    let Some(axis) = unit(vertices().sum::<DVec3>()) else {
        return if polygon.area() > 0.0 {
            Cap::FULL
        } else {
            Cap::EMPTY
        };
    };
    let farthest = vertices()
        .map(|v| v.distance_squared(axis))
        .fold(0.0, f64::max);
    let squared_chord = farthest * (1.0 + ROUNDING) + ROUNDING * ROUNDING;
    if squared_chord >= 2.0 || polygon.contains_point(-axis) {
        return Cap::FULL;
    }
    Cap::from_squared_chord(axis, squared_chord).unwrap_or(Cap::FULL)
}

/// The bound of the edges, and of the poles that are inside.
pub(super) fn rect_of(polygon: &Polygon) -> LatLngRect {
    let mut lat = [FRAC_PI_2, -FRAC_PI_2];
    let mut lng: Option<Longitudes> = None;
    for [a, b] in polygon.rings().flat_map(closed_edges) {
        for at in latitudes(a, b) {
            lat = [lat[0].min(at), lat[1].max(at)];
        }
        let edge = longitudes(a, b);
        lng = Some(lng.map_or(edge, |all| all.union(edge)));
    }
    let south = polygon.contains_point(-DVec3::Z);
    let north = polygon.contains_point(DVec3::Z);
    let Some(mut lng) = lng else {
        return if north {
            LatLngRect::FULL
        } else {
            LatLngRect::EMPTY
        };
    };
    lat = [
        (lat[0] - ROUNDING).max(-FRAC_PI_2),
        (lat[1] + ROUNDING).min(FRAC_PI_2),
    ];
    if south {
        lat[0] = -FRAC_PI_2;
    }
    if north {
        lat[1] = FRAC_PI_2;
    }
    lng = if south || north {
        Longitudes::FULL
    } else {
        lng.expanded(ROUNDING)
    };
    LatLngRect::from_parts(lat, lng)
}

/// Those of the ends and, where it is between them, of the highest or lowest point of the great circle.
fn latitudes(a: DVec3, b: DVec3) -> [f64; 3] {
    let ends = [lat_rad(a), lat_rad(b)];
    let normal = (a + b).cross(b - a);
    // The direction along the edge changes its sense of north where the circle is highest.
    let (rise, fall) = (normal.cross(a).z, normal.cross(b).z);
    if rise * fall >= 0.0 {
        return [ends[0], ends[1], ends[0]];
    }
    let flat = (normal.x * normal.x + normal.y * normal.y).sqrt();
    let highest = libm::atan2(flat, normal.z.abs());
    [
        ends[0],
        ends[1],
        if rise > 0.0 { highest } else { -highest },
    ]
}

fn longitudes(a: DVec3, b: DVec3) -> Longitudes {
    let is_pole = |p: DVec3| p.x == 0.0 && p.y == 0.0;
    let [lng_a, lng_b] = [lng_rad(a), lng_rad(b)];
    if is_pole(a) || is_pole(b) {
        let lng = if is_pole(a) { lng_b } else { lng_a };
        return Longitudes::new(lng, lng);
    }
    // Across a pole, or so near that rounding decides on which side.
    if (lng_a - lng_b).abs() > PI - 1e-9 && (lng_a - lng_b).abs() < PI + 1e-9 {
        return Longitudes::FULL;
    }
    Longitudes::between(lng_a, lng_b)
}
