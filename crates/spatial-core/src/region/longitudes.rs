//! Intervals on the circle of longitudes.

use core::f64::consts::PI;

/// A closed interval of longitudes from `lo` eastwards to `hi`, radians.
///
/// Both ends lie within (−π, π], so −π is written π; `lo > hi` crosses the antimeridian. Two values break the rule:
/// [−π, π] is the full circle and [π, −π] is empty.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Longitudes {
    pub(crate) lo: f64,
    pub(crate) hi: f64,
}

impl Longitudes {
    pub(crate) const FULL: Self = Self { lo: -PI, hi: PI };
    pub(crate) const EMPTY: Self = Self { lo: PI, hi: -PI };

    /// From `lo` eastwards to `hi`, both within [−π, π].
    pub(crate) fn new(lo: f64, hi: f64) -> Self {
        let wrapped = |lng: f64| if lng == -PI { PI } else { lng };
        Self {
            lo: wrapped(lo),
            hi: wrapped(hi),
        }
    }

    /// The shorter way between two longitudes.
    pub(crate) fn between(a: f64, b: f64) -> Self {
        let there = Self::new(a, b);
        if there.width() <= PI {
            there
        } else {
            Self::new(b, a)
        }
    }

    pub(crate) fn is_full(self) -> bool {
        self == Self::FULL
    }

    pub(crate) fn is_empty(self) -> bool {
        self == Self::EMPTY
    }

    /// Length, 0 to 2π; negative of the empty one.
    pub(crate) fn width(self) -> f64 {
        let width = self.hi - self.lo;
        if width >= 0.0 {
            width
        } else if self.is_empty() {
            -1.0
        } else {
            width + 2.0 * PI
        }
    }

    /// The middle, within (−π, π].
    pub(crate) fn center(self) -> f64 {
        let center = 0.5 * (self.lo + self.hi);
        if self.lo <= self.hi {
            center
        } else if center <= 0.0 {
            center + PI
        } else {
            center - PI
        }
    }

    pub(crate) fn contains(self, lng: f64) -> bool {
        let lng = if lng == -PI { PI } else { lng };
        if self.lo <= self.hi {
            self.lo <= lng && lng <= self.hi
        } else {
            (lng >= self.lo || lng <= self.hi) && !self.is_empty()
        }
    }

    pub(crate) fn contains_interval(self, other: Self) -> bool {
        if other.is_empty() || self.is_full() {
            return true;
        }
        if other.is_full() || self.is_empty() {
            return false;
        }
        // The other's start is inside, and going on from it the other ends before we do.
        let east = |lng: f64| east_of(self.lo, lng);
        self.contains(other.lo) && self.contains(other.hi) && east(other.lo) <= east(other.hi)
    }

    pub(crate) fn intersects(self, other: Self) -> bool {
        !self.is_empty()
            && !other.is_empty()
            && (self.contains(other.lo) || other.contains(self.lo))
    }

    /// The least interval that contains both; of two gaps that are equally wide, the one west of `self` stays open.
    pub(crate) fn union(self, other: Self) -> Self {
        if self.contains_interval(other) {
            return self;
        }
        if other.contains_interval(self) {
            return other;
        }
        match (self.contains(other.lo), self.contains(other.hi)) {
            (true, true) => Self::FULL, // together they go round
            (true, false) => Self {
                lo: self.lo,
                hi: other.hi,
            },
            (false, true) => Self {
                lo: other.lo,
                hi: self.hi,
            },
            (false, false) if east_of(other.hi, self.lo) < east_of(self.hi, other.lo) => Self {
                lo: other.lo,
                hi: self.hi,
            },
            (false, false) => Self {
                lo: self.lo,
                hi: other.hi,
            },
        }
    }

    /// What both contain; where that is two pieces, the shorter of the two intervals.
    pub(crate) fn intersection(self, other: Self) -> Self {
        if self.contains_interval(other) {
            return other;
        }
        if other.contains_interval(self) {
            return self;
        }
        match (self.contains(other.lo), self.contains(other.hi)) {
            (true, true) if other.width() < self.width() => other,
            (true, true) => self,
            (true, false) => Self {
                lo: other.lo,
                hi: self.hi,
            },
            (false, true) => Self {
                lo: self.lo,
                hi: other.hi,
            },
            (false, false) => Self::EMPTY,
        }
    }

    /// Wider by `margin` ≥ 0 at both ends.
    pub(crate) fn expanded(self, margin: f64) -> Self {
        if self.is_empty() {
            return self;
        }
        // The last term keeps the ends from passing each other by rounding.
        if self.width() + 2.0 * margin + 2.0 * f64::EPSILON >= 2.0 * PI {
            return Self::FULL;
        }
        let wrapped = |lng: f64| libm::remainder(lng, 2.0 * PI);
        Self::new(
            wrapped(self.lo - margin).max(-PI),
            wrapped(self.hi + margin).min(PI),
        )
    }
}

/// How far east of `from` a longitude is, [0, 2π); exact when the two are nearly equal.
fn east_of(from: f64, lng: f64) -> f64 {
    let east = lng - from;
    // Adding π to both keeps the small differences across the antimeridian.
    if east >= 0.0 {
        east
    } else {
        (lng + PI) - (from - PI)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Intervals whose ends are multiples of 30°, with the midpoints of the twelve gaps as probes: sets of bits.
    fn all() -> Vec<Longitudes> {
        let at = |n: i32| f64::from(n) * PI / 6.0;
        let mut all = vec![Longitudes::FULL, Longitudes::EMPTY];
        for lo in -5..=6 {
            all.extend((-5..=6).map(|hi| Longitudes::new(at(lo), at(hi))));
        }
        all
    }

    fn probes(interval: Longitudes) -> u32 {
        (-11..=12)
            .filter(|n| interval.contains(f64::from(*n) * PI / 12.0))
            .fold(0, |bits, n: i32| bits | 1 << (n + 11))
    }

    #[test]
    fn set_operations_agree_with_probes() {
        for a in all() {
            for b in all() {
                let (pa, pb) = (probes(a), probes(b));
                assert_eq!(a.contains_interval(b), pa & pb == pb, "{a:?} {b:?}");
                assert_eq!(a.intersects(b), pa & pb != 0, "{a:?} {b:?}");
                let union = probes(a.union(b));
                assert_eq!(union & (pa | pb), pa | pb, "{a:?} {b:?}");
                let both = probes(a.intersection(b));
                assert_eq!(both & pa & pb, pa & pb, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn unions_are_the_least_ones() {
        let interval = |lo: f64, hi: f64| Longitudes::new(lo, hi);
        assert_eq!(
            interval(1.0, 2.0).union(interval(-2.0, -1.0)),
            interval(-2.0, 2.0)
        );
        assert_eq!(
            interval(2.0, 3.0).union(interval(-3.0, -2.0)),
            interval(2.0, -2.0)
        );
        assert_eq!(
            interval(-2.0, 2.0).union(interval(1.0, -1.0)),
            Longitudes::FULL
        );
    }

    #[test]
    fn expansion_crosses_the_antimeridian() {
        let wide = Longitudes::new(3.0, 3.1).expanded(0.1);
        assert!(wide.lo < 3.0 && wide.hi < -3.0 && wide.contains(PI) && wide.contains(-PI));
        assert!(Longitudes::new(-1.0, 1.0).expanded(2.2).is_full());
        assert!(Longitudes::EMPTY.expanded(1.0).is_empty());
    }
}
