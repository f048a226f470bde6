//! Upright capsules: all points within a radius of a segment that stands on the ground.

use spatial_core::DVec3;

use super::row::Shape;

/// A capsule, in any axes, metres.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Capsule {
    foot: DVec3,   // centre of the lower ball
    up: DVec3,     // unit vector
    length_m: f64, // from the lower ball's centre to the upper one's
    radius_m: f64,
}

/// What is left of a direction's square once the part along the axis is gone, below which it runs along the axis.
const PARALLEL: f64 = 1e-24;

impl Capsule {
    /// Of a player whose feet are at `feet`, seen from a point `origin` in the same axes.
    pub(super) fn new(feet: DVec3, up: DVec3, shape: Shape, origin: DVec3) -> Self {
        Self {
            foot: (feet - origin) + up * shape.radius_m,
            up,
            length_m: shape.height_m - 2.0 * shape.radius_m,
            radius_m: shape.radius_m,
        }
    }

    /// The centre of its upper ball: where its eyes are taken to be.
    pub(super) fn head(&self) -> DVec3 {
        self.foot + self.up * self.length_m
    }

    /// The point of its axis that is nearest to the origin.
    pub(super) fn nearest(&self) -> DVec3 {
        let along = -self.foot.dot(self.up);
        self.foot + self.up * along.max(0.0).min(self.length_m)
    }

    /// How far it is from the origin, metres; 0 from inside.
    pub(super) fn distance_m(&self) -> f64 {
        (self.nearest().length_squared().sqrt() - self.radius_m).max(0.0)
    }

    /// How far a ball of a radius gets from the origin in a direction of length 1 until it touches the capsule.
    ///
    /// The capsule, swollen by the radius, is a cylinder with a ball at either end. Both balls lie within the cylinder's
    /// continuation, so who misses that misses all.
    pub(super) fn reached_m(&self, direction: DVec3, radius_m: f64) -> Option<f64> {
        let radius = self.radius_m + radius_m;
        if self.nearest().length_squared() <= radius * radius {
            return Some(0.0);
        }
        let flat = |v: DVec3| v - self.up * v.dot(self.up);
        let (way, axis) = (flat(direction), flat(self.foot));
        let square = way.length_squared();
        if square > PARALLEL {
            let middle = axis.dot(way) / square;
            let depth = radius * radius - (axis - way * middle).length_squared();
            if depth < 0.0 {
                return None;
            }
            let reached = middle - (depth / square).sqrt();
            let height = (direction * reached - self.foot).dot(self.up);
            if reached >= 0.0 && (0.0..=self.length_m).contains(&height) {
                return Some(reached);
            }
        }
        let low = ball_m(self.foot, direction, radius);
        let high = ball_m(self.head(), direction, radius);
        match (low, high) {
            (Some(low), Some(high)) => Some(if high < low { high } else { low }),
            (low, high) => low.or(high),
        }
    }
}

/// How far it is to a ball, from outside of it.
fn ball_m(center: DVec3, direction: DVec3, radius: f64) -> Option<f64> {
    let middle = center.dot(direction);
    let beside = (center - direction * middle).length_squared();
    let depth = radius * radius - beside;
    if depth < 0.0 {
        return None;
    }
    let reached = middle - depth.sqrt();
    (reached >= 0.0).then_some(reached)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERSON: Shape = Shape {
        radius_m: 0.4,
        height_m: 1.8,
    };

    fn person(feet: DVec3) -> Capsule {
        Capsule::new(feet, DVec3::Z, PERSON, DVec3::ZERO)
    }

    #[test]
    fn bounds_are_inclusive() {
        let ahead = person(DVec3::new(10.0, 0.4, -1.0));
        let reached = ahead.reached_m(DVec3::X, 0.0).unwrap();
        assert!((reached - 10.0).abs() < 1e-6, "{reached}"); // it grazes the side
        assert_eq!(
            person(DVec3::new(10.0, 0.401, -1.0)).reached_m(DVec3::X, 0.0),
            None
        );
        assert!(
            person(DVec3::new(10.0, 0.5, -1.0))
                .reached_m(DVec3::X, 0.101)
                .is_some()
        );
    }

    #[test]
    fn the_head_and_the_soles_are_round() {
        let top = person(DVec3::new(10.0, 0.0, -1.8)).reached_m(DVec3::X, 0.0);
        assert!((top.unwrap() - 10.0).abs() < 1e-6); // touches the very top
        assert_eq!(
            person(DVec3::new(10.0, 0.1, -1.8)).reached_m(DVec3::X, 0.0),
            None
        );
        let below = person(DVec3::new(0.0, 0.0, 3.0)).reached_m(DVec3::Z, 0.0);
        assert_eq!(below, Some(3.0)); // along the axis
        let above = person(DVec3::new(0.0, 0.0, -5.0)).reached_m(-DVec3::Z, 0.0);
        assert!((above.unwrap() - 3.2).abs() < 1e-12);
    }

    #[test]
    fn from_inside_it_is_met_at_once_and_from_behind_never() {
        let here = person(DVec3::new(0.1, 0.0, -1.0));
        assert_eq!(here.reached_m(DVec3::X, 0.0), Some(0.0));
        assert_eq!(here.distance_m(), 0.0);
        assert_eq!(
            person(DVec3::new(-3.0, 0.0, -1.0)).reached_m(DVec3::X, 0.0),
            None
        );
    }
}
