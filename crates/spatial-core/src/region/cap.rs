//! Caps: all directions within an angle of an axis.

use core::f64::consts::{FRAC_PI_2, PI};

use glam::DVec3;

use super::cap_cell::{child_relations, relation};
use super::longitudes::Longitudes;
use super::{Cell, CellBound, Chord, LatLngRect, Region, Relation, lat_rad, lng_rad, unit};
use crate::planet::Planet;

/// A closed cap of the unit sphere: the directions whose squared chord from the axis is at most the cap's.
///
/// ```
/// use spatial_core::{Cap, DVec3, Planet, Region};
///
/// let here = DVec3::new(1.0, 1.0, 0.0);
/// let cap = Cap::on_planet(Planet::EARTH, here, 5_000.0)?; // metres along the surface
/// assert!(cap.contains_point(DVec3::new(1.0, 1.0, 0.001)));
/// assert!(!cap.contains_point(DVec3::new(1.0, 1.0, 0.002)));
/// # Ok::<(), spatial_core::CapError>(())
/// ```
/// A point has squared chord 0, the full sphere 4, and the empty cap −1.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Cap {
    axis: DVec3,  // of length one, up to rounding
    chord: Chord, // 0 to 4, or −1: empty
}

impl Cap {
    /// Nothing.
    pub const EMPTY: Self = Self {
        axis: DVec3::X,
        chord: Chord(-1.0),
    };

    /// The whole sphere.
    pub const FULL: Self = Self {
        axis: DVec3::X,
        chord: Chord::STRAIGHT,
    };

    /// The directions within an angle of an axis of any length but zero; an angle of π or more is the whole sphere.
    ///
    /// # Errors
    /// [`CapError::Axis`] when the axis is zero or not finite, [`CapError::Radius`] when the radius is negative or NaN.
    pub fn new(axis: DVec3, radius_rad: f64) -> Result<Self, CapError> {
        let axis = unit(axis).ok_or(CapError::Axis(axis.to_array()))?;
        if radius_rad >= 0.0 {
            Ok(Self {
                axis,
                chord: Chord::from_rad(radius_rad),
            })
        } else {
            Err(CapError::Radius(radius_rad))
        }
    }

    /// The directions within a distance in metres along a planet's datum; half its girth or more is the whole sphere.
    ///
    /// # Errors
    /// As [`Cap::new`].
    pub fn on_planet(planet: Planet, axis: DVec3, radius_m: f64) -> Result<Self, CapError> {
        Self::new(axis, radius_m / planet.radius_m())
    }

    /// One direction.
    ///
    /// # Errors
    /// [`CapError::Axis`] when it is zero or not finite.
    pub fn from_point(direction: DVec3) -> Result<Self, CapError> {
        Self::new(direction, 0.0)
    }

    /// The directions within a squared chord (0 to 4) of an axis of any length but zero: bounds of points without
    /// trigonometry.
    ///
    /// # Errors
    /// [`CapError::Axis`] when the axis is zero or not finite, [`CapError::Chord`] when the chord is not within [0, 4].
    pub fn from_squared_chord(axis: DVec3, squared_chord: f64) -> Result<Self, CapError> {
        let axis = unit(axis).ok_or(CapError::Axis(axis.to_array()))?;
        if (0.0..=4.0).contains(&squared_chord) {
            Ok(Self {
                axis,
                chord: Chord(squared_chord),
            })
        } else {
            Err(CapError::Chord(squared_chord))
        }
    }

    pub(crate) fn from_parts(axis: DVec3, chord: Chord) -> Self {
        debug_assert!(unit(axis) == Some(axis) && chord.0 <= 4.0);
        Self { axis, chord }
    }

    /// The axis, of length one.
    pub fn axis(&self) -> DVec3 {
        self.axis
    }

    /// The squared chord from the axis to the rim: 4·sin²(radius / 2); −1 of the empty cap.
    pub fn squared_chord(&self) -> f64 {
        self.chord.0
    }

    pub(crate) fn chord(&self) -> Chord {
        self.chord
    }

    /// The angle from the axis to the rim, radians, 0 to π; −1 of the empty cap.
    pub fn radius_rad(&self) -> f64 {
        if self.is_empty() {
            -1.0
        } else {
            self.chord.to_rad()
        }
    }

    /// Whether nothing is inside.
    pub fn is_empty(&self) -> bool {
        self.chord < Chord::ZERO
    }

    /// Whether everything is inside.
    pub fn is_full(&self) -> bool {
        self.chord == Chord::STRAIGHT
    }

    /// Its area, steradians: π times the squared chord.
    pub fn area(&self) -> f64 {
        PI * self.chord.0.max(0.0)
    }

    /// The closure of what is outside.
    ///
    /// Of a point it is the whole sphere, so that together they always are the sphere.
    #[must_use]
    pub fn complement(&self) -> Self {
        if self.is_full() {
            return Self::EMPTY;
        }
        if self.is_empty() {
            return Self::FULL;
        }
        Self {
            axis: -self.axis,
            chord: self.chord.supplement(),
        }
    }

    /// Whether the other cap lies inside, up to rounding of the angles' sum; every cap contains the empty one.
    pub fn contains(&self, other: &Self) -> bool {
        self.is_full()
            || other.is_empty()
            || Chord::between(self.axis, other.axis) + other.chord <= self.chord
    }

    /// Whether the caps have a point in common, up to rounding of the angles' sum.
    pub fn intersects(&self, other: &Self) -> bool {
        !self.is_empty()
            && !other.is_empty()
            && self.chord + other.chord >= Chord::between(self.axis, other.axis)
    }

    /// Larger by an angle on all sides; nothing stays nothing.
    ///
    /// # Errors
    /// [`CapError::Radius`] when the angle is negative or NaN.
    pub fn expanded(&self, margin_rad: f64) -> Result<Self, CapError> {
        if margin_rad.is_nan() || margin_rad < 0.0 {
            return Err(CapError::Radius(margin_rad));
        }
        if self.is_empty() {
            return Ok(*self);
        }
        Ok(Self {
            axis: self.axis,
            chord: self.chord + Chord::from_rad(margin_rad),
        })
    }

    /// The smallest cap that contains both, up to a rounding that goes outwards.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let (large, small) = if self.chord < other.chord {
            (other, self)
        } else {
            (self, other)
        };
        if large.contains(small) {
            return *large;
        }
        let apart = Chord::between(large.axis, small.axis).to_rad();
        let (r, q) = (large.radius_rad(), small.radius_rad());
        // Along the great circle through both axes the caps reach from −r to apart + q.
        let axis = towards(large.axis, small.axis, 0.5 * (apart - r + q));
        let around =
            |cap: &Self| (Chord::between(axis, cap.axis).rounded_up() + cap.chord).rounded_up();
        let (a, b) = (around(large), around(small));
        Self {
            axis,
            chord: if a < b { b } else { a },
        }
    }

    /// Whether each direction (of any length but zero) points into the cap, in order: [`Region::contains_point`] of
    /// all of them, appended to `inside`.
    pub fn contains_points(&self, directions: &[DVec3], inside: &mut Vec<bool>) {
        inside.extend(directions.iter().map(|p| self.contains_point(*p)));
    }
}

impl Region for Cap {
    fn cap_bound(&self) -> Cap {
        *self
    }

    fn rect_bound(&self) -> LatLngRect {
        if self.is_empty() {
            return LatLngRect::EMPTY;
        }
        let chord = self.chord.rounded_up();
        let radius = chord.to_rad() + 4.0 * f64::EPSILON;
        let (lat, lng) = (lat_rad(self.axis), lng_rad(self.axis));
        let (south, north) = (lat - radius, lat + radius);
        let lat_bound = [south.max(-FRAC_PI_2), north.min(FRAC_PI_2)];
        if south <= -FRAC_PI_2 || north >= FRAC_PI_2 {
            return LatLngRect::from_parts(lat_bound, Longitudes::FULL);
        }
        // The meridian that touches the cap makes a right triangle with the axis and the pole.
        let ratio = libm::sin(radius) / libm::cos(lat);
        let half_width = if ratio < 1.0 {
            libm::asin(ratio)
        } else {
            FRAC_PI_2
        };
        let margin = half_width * (1.0 + 8.0 * f64::EPSILON) + 4.0 * f64::EPSILON;
        LatLngRect::from_parts(lat_bound, Longitudes::new(lng, lng).expanded(margin))
    }

    #[inline]
    fn contains_point(&self, direction: DVec3) -> bool {
        unit(direction).is_some_and(|p| Chord::between(self.axis, p) <= self.chord)
    }

    fn contains_cell(&self, cell: &Cell) -> bool {
        self.relation(cell) == Relation::Inside
    }

    fn may_intersect(&self, cell: &Cell) -> bool {
        self.relation(cell) != Relation::Outside
    }

    fn relation(&self, cell: &Cell) -> Relation {
        relation(self, cell)
    }

    fn child_relations(&self, cell: &Cell) -> [Relation; 4] {
        child_relations(self, cell)
    }

    fn cell_bound(&self) -> CellBound {
        Cap::cell_bound(self)
    }
}

/// The point at an angle from `a` on the great circle to `b`; on any one when they are opposite or equal.
fn towards(a: DVec3, b: DVec3, angle_rad: f64) -> DVec3 {
    let across = (b + a).cross(b - a); // 2·(a × b), with fewer bits lost where they are nearly parallel
    let normal = unit(across).unwrap_or_else(|| a.any_orthonormal_vector());
    let (sin, cos) = libm::sincos(angle_rad);
    let ahead = normal.cross(a);
    let p = a * cos + ahead * sin;
    unit(p).unwrap_or(a)
}

/// Why a cap was refused.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum CapError {
    /// The axis has no direction.
    #[error("axis {0:?} of a cap is zero or not finite")]
    Axis([f64; 3]),
    /// The radius, or what it grows by, is negative or not a number; in the unit of the call.
    #[error("radius {0} of a cap is negative or not a number")]
    Radius(f64),
    /// The squared chord is not within [0, 4].
    #[error("squared chord {0} of a cap is not within 0 to 4")]
    Chord(f64),
}
