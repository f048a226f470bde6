//! What a node of the terrain's quadtree takes up.

use glam::DVec3;

use super::cap::smallest_cap;
use crate::cell::CellId;
use crate::planet::{Ecef, Planet};

/// A ball around all ground of a cell, drawn or true.
///
/// A function of planet, cell and the lowest and highest ground alone, so it is neither stored nor sent. It holds the surface
/// between those heights and, being convex, every triangle between points of it. Among balls around that part of a shell
/// it is the smallest, but for rounding: `(R + height)·4·10⁻¹⁵` is added.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct NodeBounds {
    center: Ecef,
    radius_m: f64,
    pub(super) axis: DVec3,           // of the smallest cap around the cell
    pub(super) cap_chord_square: f64, // of the unit sphere
    pub(super) highest_from_center_m: f64,
}

/// The least distance of ground from the centre, in radii of the planet. A manifest may put ground below the centre; what is drawn
/// must still face outwards.
const GROUND_MIN: f64 = 1e-3;

/// How far ground of a height is from the planet's centre, metres.
pub(super) fn ground_from_center_m(planet: Planet, height_m: f64) -> f64 {
    (planet.radius_m() + height_m).max(GROUND_MIN * planet.radius_m())
}

impl NodeBounds {
    /// Around the ground of a cell between two heights, metres. What lies below a thousandth of the planet's radius from its
    /// centre, or beyond the centre, counts as there (so it does in meshes), and of two heights in the wrong order each counts
    /// as both. Costs 0.3 µs.
    ///
    /// ```text
    ///            ╭──────╮          the cell lies in a cap of angle θ about an axis, its ground in the shell from a to b:
    ///       b   ╱    │   ╲         farthest from a point z up the axis are the rims, at a distance of
    ///          │     z    │            √(b² + z² − 2bz·cos θ) and √(a² + z² − 2az·cos θ)
    ///       a   ╲   θ│   ╱         the larger is least at b·cos θ (the outer rim is a great circle of the ball), or
    ///            ╲   │  ╱          where both are equal, (a + b) / (2·cos θ), if that is lower
    /// ```
    pub fn of(planet: Planet, cell: CellId, min_m: f64, max_m: f64) -> Self {
        let from_center = |height_m| ground_from_center_m(planet, height_m);
        let (a, b) = (from_center(min_m.min(max_m)), from_center(max_m.max(min_m)));
        let (axis, q) = smallest_cap(cell);
        let cosine = 1.0 - q / 2.0;
        let z = (b * cosine).min((a + b) / (2.0 * cosine));
        // (r − z)² + r·z·q, which is r² + z² − 2rz·cos θ without cancellation.
        let to_rim = |r: f64| ((r - z) * (r - z) + r * z * q).sqrt();
        let [x, y, w] = (axis * z).to_array();
        Self {
            center: Ecef::new(x, y, w)
                .expect("radii and heights of planets are far below the limit"),
            radius_m: to_rim(a).max(to_rim(b)) + b * 4e-15,
            axis,
            cap_chord_square: q,
            highest_from_center_m: b,
        }
    }

    /// The ball's centre, planet-centred.
    pub fn center(&self) -> Ecef {
        self.center
    }

    /// The ball's radius, metres.
    pub fn radius_m(&self) -> f64 {
        self.radius_m
    }
}
