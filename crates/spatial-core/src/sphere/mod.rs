//! Geometry of the unit sphere: points, great circles and arcs. Lengths are angles in radians; a
//! [`Planet`](crate::Planet) makes metres of them.
//!
//! Everything is written with chords, cross products and `atan2`, none of which loses digits for points that are very near
//! or opposite, as `acos` does. Bearings are clockwise from north.

mod arc;
mod circle;
mod direction;

pub use arc::GreatArc;
pub use circle::GreatCircle;
pub use direction::Direction;

/// Why there is no answer on the sphere.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum SphereError {
    /// A vector of no length, or with NaN or infinities in it, points nowhere.
    #[error("{0:?} is no direction")]
    NoDirection([f64; 3]),
    /// A bearing, distance or fraction is not finite.
    #[error("{0} is not a finite number")]
    NotFinite(f64),
    /// The points are opposite, to 10⁻¹⁵ rad: every great circle through one goes through the other.
    #[error("opposite points have no shortest way between them")]
    Antipodal,
    /// The points are one, to 10⁻¹⁵ rad: every great circle through it will do.
    #[error("one point does not make a great circle")]
    Coincident,
    /// The great circles are one, to 10⁻¹⁵ rad: they meet everywhere.
    #[error("a great circle meets itself everywhere")]
    SameCircle,
}

/// Points and circles nearer than this are one, radians: 6 nm on Earth, four times the rounding of a unit vector.
const SAME_RAD: f64 = 1e-15;

/// The number if it is finite.
fn finite(value: f64) -> Result<f64, SphereError> {
    match value.is_finite() {
        true => Ok(value),
        false => Err(SphereError::NotFinite(value)),
    }
}
