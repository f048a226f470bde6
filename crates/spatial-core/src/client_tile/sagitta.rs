//! How far the flat triangles of a mesh lie within the round ground.
//!
//! ```text
//!      ╭──────────╮        vertices at r₁ to r₃ from the centre within a cap of angle θ about an axis. A point of their triangle,
//!    ╱──────────────╲      Σ λ r d, is at most r̄ = Σ λ r from the centre, and along the axis, so from the centre too, at least
//!   r₁  ╲   │θ  ╱   r₂     r̄·cos θ. What the triangle interpolates of radii is r̄: it is lower by at most r̄·(1 − cos θ).
//!         ╲ │ ╱
//!           ●
//! ```
//! A quad of C intervals along a cell of level k is an S2 cell of level k + log₂ C, whose diagonals are below D = 2.4387 / (C·2ᵏ)
//! and whose edges are below 1.7049 / (C·2ᵏ) < D / √2. The least cap around it is that of three corners: where their angle is 90° or
//! more its chord is half a diagonal; where all are less, an angle of 45° or more faces an edge, which leaves at most edge / √2.
//! Either is below D / 2, so sin θ ≤ D / 2.

use crate::planet::Planet;

use super::bounds::ground_from_center_m;

/// The longest diagonal of a cell of level 0, were all of it as its longest part: S2's `kMaxDiag` of the quadratic projection,
/// √(32/9 · max (1 + 3u) / (1 + 2u²)).
const MAX_DIAGONAL_RAD: f64 = 2.438_654_594_434_021;

/// By how many metres the mesh of a cell of a level, with C intervals along its edges, lies at most below what its triangles interpolate
/// of radii, where no vertex is higher than a height: `r·(1 − √(1 − (D/2)²))`. Of 64 intervals on Earth 1,156 m at level 0, a
/// quarter of it at level 1 and so on. Triangles that collapsed towards ground that is coarser by d levels are as
/// those of d levels less.
pub(super) fn sagitta_m(planet: Planet, level: u8, intervals: u16, highest_m: f64) -> f64 {
    ground_from_center_m(planet, highest_m) * sagitta(level, intervals)
}

/// The same in radii: 1 − cos θ.
pub(super) fn sagitta(level: u8, intervals: u16) -> f64 {
    let sine = MAX_DIAGONAL_RAD / 2.0 / (f64::from(intervals) * f64::from(1u32 << level));
    let square = sine * sine;
    square / (1.0 + (1.0 - square).sqrt())
}
