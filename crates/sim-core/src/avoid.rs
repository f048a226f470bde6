//! How one of a crowd is kept out of a static obstacle: pushed along the ground to where it only touches.

use spatial_core::{DVec3, UNITS_PER_M};

use crate::kinds::KindBody;
use crate::shape::{Segment, Solid};

/// A way out that leads mostly up or down is taken away from the middle instead: a crowd does not climb.
const LEVEL_MIN: f64 = 0.5;

/// Where an agent that goes to `xyz` comes to stand beside a solid of the same frame; `None` if it does not touch it. Grid units.
pub(crate) fn beside(solid: &Solid, xyz: [i32; 3], body: KindBody) -> Option<[i32; 2]> {
    let feet = DVec3::from_array(xyz.map(f64::from)) / UNITS_PER_M;
    let (radius, top) = (f64::from(body.radius), f64::from(body.top));
    let (low, high) = (
        DVec3::Z * (radius / UNITS_PER_M),
        DVec3::Z * (top / UNITS_PER_M),
    );
    let gap = solid.gap(Segment {
        start: feet + low,
        end: feet + high,
    });
    let depth = radius / UNITS_PER_M - gap.distance_m;
    if depth <= 0.0 {
        return None;
    }
    let level = gap.normal.with_z(0.0);
    let length = level.length();
    let (way, depth) = match length >= LEVEL_MIN {
        true => (level / length, depth / length),
        false => (
            away_from(solid.centre(), feet),
            depth.min(radius / UNITS_PER_M),
        ),
    };
    let out = way * (depth * UNITS_PER_M);
    let round = |units: f64| units.round_ties_even() as i32;
    Some([
        xyz[0].saturating_add(round(out.x)),
        xyz[1].saturating_add(round(out.y)),
    ])
}

/// The level direction from a middle; some direction from the middle itself.
fn away_from(middle: DVec3, feet: DVec3) -> DVec3 {
    let away = (feet - middle).with_z(0.0);
    let length = away.length();
    match length > 0.0 {
        true => away / length,
        false => DVec3::X,
    }
}
