//! What directions come from.

use core::f64::consts::PI;
use core::marker::PhantomData;

use glam::DVec3;

use super::lanes::{Float, Lanes};
use super::trigonometry::sin_cos;
use crate::batch::{BatchError, check_all, one_length};
use crate::planet::{CoordError, Ecef, Geodetic};

/// Numbered directions, of any length but zero.
pub(super) trait Source {
    /// How many there are.
    fn count(&self) -> usize;
    /// One of them.
    fn direction(&self, at: usize) -> DVec3;
    /// A vector of them, from `at` on; the same bits.
    fn directions<L: Lanes>(&self, l: L, at: usize) -> [L::F; 3];
}

/// Directions in a slice for each axis.
pub(super) struct Xyz<'a>(pub(super) [&'a [f64]; 3]);

/// Checks directions given in a slice for each axis.
///
/// # Panics
/// When the slices differ in length.
pub(in super::super) fn check_directions(
    [x, y, z]: [&[f64]; 3],
) -> Result<(), BatchError<InvalidDirection>> {
    let count = one_length([x.len(), y.len(), z.len()]);
    // Without branches first: it is nearly free, and the search for the offender is not.
    let good = x
        .iter()
        .zip(y)
        .zip(z)
        .fold(true, |good, ((x, y), z)| good & is_direction(*x, *y, *z));
    if good {
        Ok(())
    } else {
        check_all(0..count, |at| {
            checked(DVec3::new(x[at], y[at], z[at])).map(|_| ())
        })
    }
}

/// The direction if it is one.
pub(super) fn checked(p: DVec3) -> Result<DVec3, InvalidDirection> {
    if is_direction(p.x, p.y, p.z) {
        Ok(p)
    } else {
        Err(InvalidDirection(p.to_array()))
    }
}

#[inline(always)]
fn is_direction(x: f64, y: f64, z: f64) -> bool {
    let is_finite =
        (x.abs() < f64::INFINITY) & (y.abs() < f64::INFINITY) & (z.abs() < f64::INFINITY);
    is_finite & ((x != 0.0) | (y != 0.0) | (z != 0.0))
}

/// A vector that points nowhere.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
#[error("{0:?} is not a direction: want three finite numbers, not all of them zero")]
pub struct InvalidDirection(pub [f64; 3]);

impl Source for Xyz<'_> {
    fn count(&self) -> usize {
        self.0[0].len()
    }

    #[inline(always)]
    fn direction(&self, at: usize) -> DVec3 {
        DVec3::from_array(self.0.map(|axis| axis[at]))
    }

    #[inline(always)]
    fn directions<L: Lanes>(&self, l: L, at: usize) -> [L::F; 3] {
        let [x, y, z] = self.0;
        [l.load(&x[at..]), l.load(&y[at..]), l.load(&z[at..])]
    }
}

impl Source for &[Ecef] {
    fn count(&self) -> usize {
        self.len()
    }

    #[inline(always)]
    fn direction(&self, at: usize) -> DVec3 {
        self[at].to_vec()
    }

    #[inline(always)]
    fn directions<L: Lanes>(&self, l: L, at: usize) -> [L::F; 3] {
        // By way of the stack: some 1 ns a place.
        let mut axes = [[0.0; 8]; 3];
        for (n, place) in self[at..at + L::COUNT].iter().enumerate() {
            let p = place.to_vec();
            (axes[0][n], axes[1][n], axes[2][n]) = (p.x, p.y, p.z);
        }
        let [x, y, z] = &axes;
        [l.load(x), l.load(y), l.load(z)]
    }
}

/// A unit of latitudes and longitudes.
pub(super) trait Angle {
    /// A half turn.
    const HALF_TURN: f64;
    /// What [`Geodetic`] makes of a latitude and a longitude.
    fn geodetic(lat: f64, lon: f64) -> Result<Geodetic, CoordError>;
}

/// Degrees: [`Geodetic::from_degrees`].
pub(super) struct Degrees;

/// Radians: [`Geodetic::from_radians`].
pub(super) struct Radians;

impl Angle for Degrees {
    const HALF_TURN: f64 = 180.0;

    fn geodetic(lat: f64, lon: f64) -> Result<Geodetic, CoordError> {
        Geodetic::from_degrees(lat, lon, 0.0)
    }
}

impl Angle for Radians {
    const HALF_TURN: f64 = PI;

    fn geodetic(lat: f64, lon: f64) -> Result<Geodetic, CoordError> {
        Geodetic::from_radians(lat, lon, 0.0)
    }
}

/// Latitudes and longitudes, a slice each.
pub(super) struct LatLon<'a, A> {
    lat: &'a [f64],
    lon: &'a [f64], // as many
    unit: PhantomData<A>,
}

impl<'a, A: Angle> LatLon<'a, A> {
    /// All of them, checked.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub(super) fn new(lat: &'a [f64], lon: &'a [f64]) -> Result<Self, BatchError<CoordError>> {
        assert_eq!(lat.len(), lon.len());
        check_all(lat.iter().zip(lon), |(lat, lon)| {
            A::geodetic(*lat, *lon).map(|_| ())
        })?;
        Ok(Self {
            lat,
            lon,
            unit: PhantomData,
        })
    }
}

impl<A: Angle> Source for LatLon<'_, A> {
    fn count(&self) -> usize {
        self.lat.len()
    }

    fn direction(&self, at: usize) -> DVec3 {
        A::geodetic(self.lat[at], self.lon[at])
            .expect("checked before")
            .direction()
    }

    #[inline(always)]
    fn directions<L: Lanes>(&self, l: L, at: usize) -> [L::F; 3] {
        let (lat, lon) = (l.load(&self.lat[at..]), l.load(&self.lon[at..]));
        // Of radians this is 1, and changes no bit.
        let radians = l.splat(PI / A::HALF_TURN);
        let lon = wrapped(l, lon, A::HALF_TURN);
        direction(l, lat * radians, lon * radians)
    }
}

/// A longitude within three half turns, within one.
#[inline(always)]
fn wrapped<L: Lanes>(l: L, lon: L::F, half_turn: f64) -> L::F {
    let turn = l.splat(2.0 * half_turn).times_sign_of(lon);
    (lon - turn).or(lon.abs().gt(l.splat(half_turn)), lon)
}

/// As [`Geodetic::direction`].
#[inline(always)]
fn direction<L: Lanes>(l: L, lat_rad: L::F, lon_rad: L::F) -> [L::F; 3] {
    let ([sin_lat, cos_lat], [sin_lon, cos_lon]) = (sin_cos(l, lat_rad), sin_cos(l, lon_rad));
    [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat]
}
