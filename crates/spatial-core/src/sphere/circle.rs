//! Great circles, with a direction of travel and a start.

use glam::DVec3;

use super::{Direction, SAME_RAD, SphereError};

/// A great circle with a start and a direction of travel.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct GreatCircle {
    start: Direction,
    normal: DVec3, // of length 1; points to the left of the travel have a positive product with it
}

impl GreatCircle {
    /// From one point to another, the shorter way, and on.
    ///
    /// # Errors
    /// [`SphereError::Coincident`], [`SphereError::Antipodal`].
    pub fn through(start: Direction, next: Direction) -> Result<Self, SphereError> {
        let normal = start.normal_with(next)?;
        Ok(Self { start, normal })
    }

    /// From a point at a bearing.
    ///
    /// # Errors
    /// [`SphereError::NotFinite`].
    pub fn with_bearing(start: Direction, bearing_rad: f64) -> Result<Self, SphereError> {
        let normal = start.to_vec().cross(start.ahead(bearing_rad)?).normalize();
        Ok(Self { start, normal })
    }

    /// Where along-track distances start.
    pub fn start(&self) -> Direction {
        self.start
    }

    /// The unit normal: the pole around which the travel goes counter-clockwise.
    pub fn normal(&self) -> DVec3 {
        self.normal
    }

    /// How far a point lies beside the circle, −π/2 to π/2: positive to the right of the travel.
    pub fn cross_track_rad(&self, p: Direction) -> f64 {
        let p = p.to_vec();
        libm::atan2(-self.normal.dot(p), self.normal.cross(p).length())
    }

    /// How far along the circle from its start the point nearest to `p` lies, −π to π.
    ///
    /// All points of the circle are as near to its poles: they are answered with 0.
    pub fn along_track_rad(&self, p: Direction) -> f64 {
        let (p, start) = (p.to_vec(), self.start.to_vec());
        let ahead = self.normal.cross(start);
        let (x, y) = (start.dot(p), ahead.dot(p));
        // At a pole of the circle both are rounding.
        if x.abs().max(y.abs()) <= SAME_RAD {
            return 0.0;
        }
        libm::atan2(y, x)
    }

    /// The point of the circle nearest to `p`; its start for the circle's poles, as for [`GreatCircle::along_track_rad`].
    pub fn nearest(&self, p: Direction) -> Direction {
        foot(self.normal, p).unwrap_or(self.start)
    }

    /// The two points where circles meet, opposite to each other: the first is where this one goes over to the left of the
    /// other.
    ///
    /// # Errors
    /// [`SphereError::SameCircle`].
    pub fn intersections(&self, other: &Self) -> Result<[Direction; 2], SphereError> {
        let (sum, difference) = (other.normal + self.normal, other.normal - self.normal);
        if sum.length() <= SAME_RAD || difference.length() <= SAME_RAD {
            return Err(SphereError::SameCircle);
        }
        let meet = Direction::new(difference.cross(sum))?;
        Ok([meet, meet.antipode()])
    }
}

/// The point of a circle nearest to another; `None` for the circle's poles.
pub(super) fn foot(normal: DVec3, p: Direction) -> Option<Direction> {
    let flatten = |v: DVec3| v - normal * normal.dot(v);
    let foot = flatten(p.to_vec());
    if foot.length() <= SAME_RAD {
        return None;
    }
    // Near a pole of the circle what is left is short, and its rounding no longer small: once more.
    Direction::new(flatten(foot.normalize())).ok()
}
