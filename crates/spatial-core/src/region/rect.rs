//! Boxes of latitude and longitude.

use core::f64::consts::{FRAC_PI_2, PI};

use glam::DVec3;

use super::longitudes::Longitudes;
use super::{Cap, Cell, Chord, Region, Relation, direction_of, lat_rad, lng_rad, unit};

/// A closed box between two latitudes and two longitudes; it may cross the antimeridian and touch the poles.
///
/// ```
/// use spatial_core::{DVec3, LatLngRect, RectError, Region};
///
/// let fiji = LatLngRect::from_degrees([-21.0, -12.0], [176.0, -178.0])?; // eastwards over the antimeridian
/// assert!(fiji.contains_lat_lng_deg(-17.0, 180.0) && !fiji.contains_lat_lng_deg(-17.0, 0.0));
/// # Ok::<(), RectError>(())
/// ```
/// East and west edges are meridians, so parts of great circles; north and south edges are not.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LatLngRect {
    lat: [f64; 2], // lo ≤ hi within ±π/2; [1, 0]: empty, and then so is lng
    lng: Longitudes,
}

impl LatLngRect {
    /// Nothing.
    pub const EMPTY: Self = Self {
        lat: [1.0, 0.0],
        lng: Longitudes::EMPTY,
    };

    /// The whole sphere.
    pub const FULL: Self = Self {
        lat: [-FRAC_PI_2, FRAC_PI_2],
        lng: Longitudes::FULL,
    };

    /// From degrees: latitudes from south to north, longitudes from west to east.
    ///
    /// Longitudes within ±540° are wrapped. A span of 360° or more is the full circle; `west > east` crosses the
    /// antimeridian.
    ///
    /// # Errors
    /// [`RectError::Latitude`] beyond ±90°, [`RectError::Longitude`] beyond ±540°, NaN included;
    /// [`RectError::Order`] when south is north of north.
    pub fn from_degrees(lat_deg: [f64; 2], lng_deg: [f64; 2]) -> Result<Self, RectError> {
        if let Some(bad) = lat_deg
            .into_iter()
            .find(|lat| !(-90.0..=90.0).contains(lat))
        {
            return Err(RectError::Latitude(bad));
        }
        if let Some(bad) = lng_deg
            .into_iter()
            .find(|lng| !(-540.0..=540.0).contains(lng))
        {
            return Err(RectError::Longitude(bad));
        }
        let [south, north] = lat_deg;
        if south > north {
            return Err(RectError::Order(south, north));
        }
        let lng = if lng_deg[1] - lng_deg[0] >= 360.0 {
            Longitudes::FULL
        } else {
            let [west, east] = lng_deg.map(|lng| wrapped_deg(lng).to_radians());
            Longitudes::new(west, east)
        };
        Ok(Self {
            lat: [south.to_radians(), north.to_radians()],
            lng,
        })
    }

    /// From ends that are legal: lat within ±π/2 and ascending, lng not empty.
    pub(crate) fn from_parts(lat: [f64; 2], lng: Longitudes) -> Self {
        debug_assert!(
            -FRAC_PI_2 <= lat[0] && lat[0] <= lat[1] && lat[1] <= FRAC_PI_2 && !lng.is_empty()
        );
        Self { lat, lng }
    }

    /// The point of a direction of any length but zero.
    ///
    /// # Errors
    /// [`RectError::Direction`] when it is zero or not finite.
    pub fn from_point(direction: DVec3) -> Result<Self, RectError> {
        let p = unit(direction).ok_or(RectError::Direction(direction.to_array()))?;
        let (lat, lng) = (lat_rad(p), lng_rad(p));
        Ok(Self {
            lat: [lat, lat],
            lng: Longitudes::new(lng, lng),
        })
    }

    /// South and north, radians; `[1, 0]` of the empty box.
    pub fn lat_rad(&self) -> [f64; 2] {
        self.lat
    }

    /// West and east, radians within (−π, π], the first larger where the box crosses the antimeridian. `[−π, π]` is
    /// the full circle, `[π, −π]` the empty one.
    pub fn lng_rad(&self) -> [f64; 2] {
        [self.lng.lo, self.lng.hi]
    }

    /// Whether nothing is inside.
    pub fn is_empty(&self) -> bool {
        self.lat[0] > self.lat[1]
    }

    /// Whether everything is inside.
    pub fn is_full(&self) -> bool {
        *self == Self::FULL
    }

    /// The middle of both intervals, of length one.
    pub fn center(&self) -> DVec3 {
        direction_of(0.5 * (self.lat[0] + self.lat[1]), self.lng.center())
    }

    /// The corner k (0 to 3, taken modulo 4), counter-clockwise from the south-west; of length one.
    pub fn vertex(&self, k: usize) -> DVec3 {
        let north = usize::from(k & 2 != 0);
        let east = usize::from((k & 3) == 1 || (k & 3) == 2);
        direction_of(self.lat[north], self.lng_rad()[east])
    }

    /// Its area, steradians.
    pub fn area(&self) -> f64 {
        if self.is_empty() {
            return 0.0;
        }
        // sin(b) − sin(a) without the cancellation near the poles and of thin boxes.
        let [a, b] = self.lat;
        2.0 * libm::sin(0.5 * (b - a)) * libm::cos(0.5 * (b + a)) * self.lng.width()
    }

    /// Whether a latitude and a longitude within ±180° lie inside.
    pub fn contains_lat_lng_deg(&self, lat_deg: f64, lng_deg: f64) -> bool {
        self.contains_lat_lng(lat_deg.to_radians(), lng_deg.to_radians())
    }

    fn contains_lat_lng(&self, lat: f64, lng: f64) -> bool {
        self.lat[0] <= lat && lat <= self.lat[1] && self.lng.contains(lng)
    }

    /// Whether the other box lies inside; every box contains the empty one.
    pub fn contains(&self, other: &Self) -> bool {
        other.is_empty()
            || self.lat[0] <= other.lat[0]
                && other.lat[1] <= self.lat[1]
                && self.lng.contains_interval(other.lng)
    }

    /// Whether the boxes have a point of (latitude, longitude) in common; all longitudes of a pole are different there.
    pub fn intersects(&self, other: &Self) -> bool {
        self.lat[0].max(other.lat[0]) <= self.lat[1].min(other.lat[1])
            && self.lng.intersects(other.lng)
    }

    /// The least box that contains both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if self.is_empty() {
            return *other;
        }
        if other.is_empty() {
            return *self;
        }
        let lat = [self.lat[0].min(other.lat[0]), self.lat[1].max(other.lat[1])];
        Self {
            lat,
            lng: self.lng.union(other.lng),
        }
    }

    /// The least box that contains what both contain.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let lat = [self.lat[0].max(other.lat[0]), self.lat[1].min(other.lat[1])];
        let lng = self.lng.intersection(other.lng);
        if lat[0] > lat[1] || lng.is_empty() {
            Self::EMPTY
        } else {
            Self { lat, lng }
        }
    }

    /// A box that contains every point within an angle of the box: the least one, up to a rounding that goes outwards.
    ///
    /// # Errors
    /// [`RectError::Distance`] when the angle is negative or NaN.
    pub fn expanded_by_distance(&self, distance_rad: f64) -> Result<Self, RectError> {
        if distance_rad.is_nan() || distance_rad < 0.0 {
            return Err(RectError::Distance(distance_rad));
        }
        if self.is_empty() {
            return Ok(*self);
        }
        let reach = distance_rad * (1.0 + 4.0 * f64::EPSILON) + 4.0 * f64::EPSILON;
        let [south, north] = [self.lat[0] - reach, self.lat[1] + reach];
        let lat = [south.max(-FRAC_PI_2), north.min(FRAC_PI_2)];
        if south <= -FRAC_PI_2 || north >= FRAC_PI_2 {
            return Ok(Self {
                lat,
                lng: Longitudes::FULL,
            });
        }
        // A cap's width in longitude grows with its latitude: the edge nearer to a pole decides.
        let steepest = self.lat[1].abs().max(self.lat[0].abs());
        let ratio = libm::sin(reach) / libm::cos(steepest);
        let half_width = if ratio < 1.0 {
            libm::asin(ratio)
        } else {
            FRAC_PI_2
        };
        let margin = half_width * (1.0 + 8.0 * f64::EPSILON) + 4.0 * f64::EPSILON;
        Ok(Self {
            lat,
            lng: self.lng.expanded(margin),
        })
    }

    /// Whether each direction (of any length but zero) points into the box, in order: [`Region::contains_point`] of all of
    /// them, appended to `inside`.
    pub fn contains_points(&self, directions: &[DVec3], inside: &mut Vec<bool>) {
        inside.extend(directions.iter().map(|p| self.contains_point(*p)));
    }

    /// Whether the box and a cell have a point in common: unlike [`Region::may_intersect`] not by the cell's bounds, so
    /// less often `true` in vain and several times slower. `true` when in doubt.
    pub fn intersects_cell(&self, cell: &Cell) -> bool {
        super::rect_cell::intersects(self, cell)
    }

    pub(crate) fn longitudes(&self) -> Longitudes {
        self.lng
    }

    /// With all longitudes if it touches a pole, where they meet.
    pub(crate) fn closed_at_poles(self) -> Self {
        if self.lat[0] == -FRAC_PI_2 || self.lat[1] == FRAC_PI_2 {
            Self {
                lat: self.lat,
                lng: Longitudes::FULL,
            }
        } else {
            self
        }
    }
}

impl Region for LatLngRect {
    fn cap_bound(&self) -> Cap {
        if self.is_empty() {
            return Cap::EMPTY;
        }
        let [south, north] = self.lat;
        let (pole, reach) = if south + north < 0.0 {
            (-DVec3::Z, FRAC_PI_2 + north)
        } else {
            (DVec3::Z, FRAC_PI_2 - south)
        };
        // The second term is for π/2, which no number is.
        let reach = reach * (1.0 + 2.0 * f64::EPSILON) + 2.0 * f64::EPSILON;
        let around_pole = Cap::from_parts(pole, Chord::from_rad(reach).rounded_up());
        if self.lng.width() > PI {
            return around_pole;
        }
        // Up to half the circle the farthest point from the middle is a corner.
        let axis = self.center();
        let reach = (0..4)
            .map(|k| Chord::between(axis, self.vertex(k)).0)
            .fold(0.0, f64::max);
        let around_middle = Chord(reach).rounded_up();
        if around_middle < around_pole.chord() {
            Cap::from_parts(axis, around_middle)
        } else {
            around_pole
        }
    }

    fn rect_bound(&self) -> LatLngRect {
        *self
    }

    fn contains_point(&self, direction: DVec3) -> bool {
        // Of any length, so that the angles are those of `Planet::geodetic` to the bit; unless squares would leave f64.
        let is_ordinary = (1e-200..=1e200).contains(&direction.length_squared());
        let p = if is_ordinary {
            Some(direction)
        } else {
            unit(direction)
        };
        p.is_some_and(|p| self.contains_lat_lng(lat_rad(p), lng_rad(p)))
    }

    fn contains_cell(&self, cell: &Cell) -> bool {
        self.contains(&cell.rect_bound())
    }

    fn may_intersect(&self, cell: &Cell) -> bool {
        self.intersects(&cell.rect_bound())
    }

    fn relation(&self, cell: &Cell) -> Relation {
        let bound = cell.rect_bound();
        if self.contains(&bound) {
            Relation::Inside
        } else if self.intersects(&bound) {
            Relation::Crosses
        } else {
            Relation::Outside
        }
    }
}

/// Within ±180, from within ±540.
fn wrapped_deg(lng: f64) -> f64 {
    match lng {
        d if d > 180.0 => d - 360.0,
        d if d < -180.0 => d + 360.0,
        d => d,
    }
}

/// Why a box was refused.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum RectError {
    /// The latitude is not a number within ±90°.
    #[error("latitude {0}° of a box is not within ±90")]
    Latitude(f64),
    /// The longitude is not a number within ±540°.
    #[error("longitude {0}° of a box is not within ±540")]
    Longitude(f64),
    /// The southern latitude is north of the northern one.
    #[error("a box from latitude {0}° up to {1}° is upside down")]
    Order(f64, f64),
    /// The direction is zero or not finite.
    #[error("direction {0:?} of a box is zero or not finite")]
    Direction([f64; 3]),
    /// The distance is negative or not a number.
    #[error("distance {0} of a box is negative or not a number")]
    Distance(f64),
}
