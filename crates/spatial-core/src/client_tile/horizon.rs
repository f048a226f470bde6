//! What the planet itself hides.
//!
//! Two points outside a ball of radius ρ see each other past it just when the angle between them is below γ₁ + γ₂, where
//! cos γ = ρ / distance from the centre: beyond a tangent from each. Ground of a cell lies within an angle θ about its cap's axis
//! and at most b from the centre, with γ ≤ β, cos β = ρ / b. A point on the axis with γ = θ + β, at `ρ / cos(θ + β)`, is therefore
//! hidden only where all of the cell is. This is the horizon culling of Ring (Cesium, "Horizon Culling" and "Computing the horizon
//! occlusion point", 2013), on a sphere and for a cap with a shell in place of a list of vertices.

use super::bounds::NodeBounds;
use super::grid;
use super::sagitta::sagitta;
use crate::cell::MAX_LEVEL;
use crate::planet::{Ecef, Planet};

/// The ball that hides what lies behind a planet.
///
/// **It must lie in the ground everywhere**, or it hides what can be seen: its radius is that of the datum plus the lowest
/// ground of the planet (the least minimum of its six faces), not the datum's. With the datum itself a tile is hidden too early
/// wherever the ground between lies lower: from the sea floor, in a depression, over a planet without water. Where opaque
/// water fills everything below 0 m, and who looks is above it, a lowest ground of 0 m is sound and hides more.
///
/// That is the true ground. Meshes lie within it by their chords, a kilometre at level 0 of the Earth: over drawn ground what a ball in the
/// true ground hides may be seen; there it is [`Horizon::of_meshes`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Horizon {
    radius_m: f64, // from 0
}

impl Horizon {
    /// Of a planet whose ground is nowhere below a height, metres.
    pub fn new(planet: Planet, lowest_m: f64) -> Self {
        Self {
            radius_m: (planet.radius_m() + lowest_m).max(0.0),
        }
    }

    /// Of a planet whose ground is nowhere below a height, metres, where it is drawn by meshes of `intervals` along a tile and none
    /// of a level coarser than the one given: lower by how far their triangles lie within the ground. The formula is that of
    /// [`ClientTile::mesh_error_m`](crate::ClientTile::mesh_error_m).
    ///
    /// # Panics
    /// When the level is above 30 or intervals are no legal ones of a client tile.
    pub fn of_meshes(planet: Planet, lowest_m: f64, level: u8, intervals: u16) -> Self {
        assert!(level <= MAX_LEVEL && grid::intervals_are_legal(intervals));
        let true_ground = Self::new(planet, lowest_m);
        Self {
            radius_m: true_ground.radius_m * (1.0 - sagitta(level, intervals)),
        }
    }

    /// Radius of the ball, metres.
    pub fn radius_m(&self) -> f64 {
        self.radius_m
    }

    /// The horizon point of a node: hidden only where all ground of the node is. `None` where nothing is: the cell reaches
    /// a quarter of the planet or more, together with how far its mountains are seen, or the point lies beyond
    /// [`Ecef::LIMIT_M`].
    pub fn point(&self, bounds: &NodeBounds) -> Option<Ecef> {
        let q = bounds.cap_chord_square;
        let (cos_cap, sin_cap) = (1.0 - q / 2.0, (q * (1.0 - q / 4.0)).sqrt());
        let high = bounds.highest_from_center_m.max(self.radius_m);
        let cos_high = self.radius_m / high;
        // (high − ρ)(high + ρ), whose root loses nothing for low ground.
        let sin_high = ((high - self.radius_m) * (high + self.radius_m)).sqrt() / high;
        // Rounding only ever moves the point outwards.
        let cosine = cos_cap * cos_high - sin_cap * sin_high - 1e-14;
        if cosine <= 0.0 {
            return None;
        }
        let [x, y, z] = (bounds.axis * (self.radius_m / cosine)).to_array();
        Ecef::new(x, y, z).ok()
    }

    /// Whether the ball hides a point outside it from a camera. From within the ball nothing is hidden, and what the rounding
    /// of the products leaves open (less than 10⁻⁷ radians) is not.
    pub fn hides(&self, point: Ecef, camera: Ecef) -> bool {
        let square = self.radius_m * self.radius_m;
        let (p, c) = (point.to_vec(), camera.to_vec());
        let (beyond_p, beyond_c) = (p.length_squared() - square, c.length_squared() - square);
        if beyond_c <= 0.0 {
            return false;
        }
        // cos of the angle between ≤ cos(γ₁ + γ₂), times both distances.
        let product = square - (beyond_p.max(0.0) * beyond_c).sqrt();
        p.dot(c) < product - 1e-14 * (p.length_squared() * c.length_squared()).sqrt()
    }
}
