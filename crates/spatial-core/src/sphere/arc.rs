//! Arcs: the shortest ways between two points.

use glam::DVec3;

use super::circle::foot;
use super::{Direction, GreatCircle, SphereError};
use crate::geo::{Crossing, crossing};

/// The shortest way between two points, ends included; it may be a point.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct GreatArc {
    start: Direction,
    end: Direction,
    normal: Option<DVec3>, // of the great circle, of length 1; none of a point
}

impl GreatArc {
    /// The shortest way from one point to another.
    ///
    /// # Errors
    /// [`SphereError::Antipodal`].
    pub fn new(start: Direction, end: Direction) -> Result<Self, SphereError> {
        let normal = match start.normal_with(end) {
            Ok(normal) => Some(normal),
            Err(SphereError::Coincident) => None,
            Err(error) => return Err(error),
        };
        Ok(Self { start, end, normal })
    }

    /// Where it starts.
    pub fn start(&self) -> Direction {
        self.start
    }

    /// Where it ends.
    pub fn end(&self) -> Direction {
        self.end
    }

    /// Its length, 0 to π.
    pub fn length_rad(&self) -> f64 {
        self.start.distance_rad(self.end)
    }

    /// Its great circle.
    ///
    /// # Errors
    /// [`SphereError::Coincident`] when it is a point.
    pub fn circle(&self) -> Result<GreatCircle, SphereError> {
        GreatCircle::through(self.start, self.end)
    }

    /// The distance of a point from the nearest of the arc, 0 to π.
    pub fn distance_rad(&self, p: Direction) -> f64 {
        match self.normal {
            Some(normal) if self.is_beside(normal, p) => {
                let (p, apart) = (p.to_vec(), normal.dot(p.to_vec()).abs());
                libm::atan2(apart, normal.cross(p).length())
            }
            _ => {
                let [start, end] = [self.start, self.end].map(|tip| tip.distance_rad(p));
                start.min(end)
            }
        }
    }

    /// The point of the arc nearest to another; of two ends equally near, the start.
    pub fn nearest(&self, p: Direction) -> Direction {
        let inside = self.normal.filter(|normal| self.is_beside(*normal, p));
        if let Some(foot) = inside.and_then(|normal| foot(normal, p)) {
            return foot;
        }
        match self.start.distance_rad(p) <= self.end.distance_rad(p) {
            true => self.start,
            false => self.end,
        }
    }

    /// Where two arcs cross; `None` when they do not. A common end is answered as it is.
    ///
    /// Whether they cross is decided exactly, as [`crossing`] does: an end that lies on the other arc counts always one way.
    /// The point is accurate to 10⁻¹⁵ rad divided by the sine of the angle at which they cross.
    pub fn intersection(&self, other: &Self) -> Option<Direction> {
        let [a, b, c, d] = [self.start, self.end, other.start, other.end].map(Direction::to_vec);
        match crossing(a, b, c, d) {
            Crossing::None => None,
            Crossing::SharedVertex if a == c || a == d => Some(self.start),
            Crossing::SharedVertex => Some(self.end),
            Crossing::Proper => Some(self.meeting(other)),
        }
    }

    /// Where arcs that cross meet: the one of the two points of their circles that is on this side. Nearly parallel arcs
    /// get an end that is on the other, to rounding.
    fn meeting(&self, other: &Self) -> Direction {
        let circles = self.circle().and_then(|own| Ok((own, other.circle()?)));
        let meet = circles.and_then(|(own, other)| own.intersections(&other));
        let middle = self.start.to_vec() + self.end.to_vec();
        match meet {
            Ok([one, _]) if one.to_vec().dot(middle) > 0.0 => one,
            Ok([_, two]) => two,
            Err(_) => {
                let ends = [other.start, other.end];
                let nearer = |a: Direction, b: Direction| {
                    if self.distance_rad(a) <= self.distance_rad(b) {
                        a
                    } else {
                        b
                    }
                };
                nearer(ends[0], ends[1])
            }
        }
    }

    /// Whether the foot of a point on the circle lies between the ends.
    fn is_beside(&self, normal: DVec3, p: Direction) -> bool {
        let p = p.to_vec();
        normal.cross(self.start.to_vec()).dot(p) > 0.0
            && self.end.to_vec().cross(normal).dot(p) > 0.0
    }
}
