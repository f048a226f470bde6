//! Batched conversion between geodetic and planet-centred coordinates: slices in, slices out.
//!
//! Numbers in lanes are not checked yet, unlike [`Geodetic`] and [`Ecef`]: every lane call checks all of them before it
//! writes the first.

use glam::DVec3;

use super::{CoordError, Ecef, Geodetic, Planet};
use crate::batch::{BatchError, check_all};

/// Latitudes, longitudes and heights, a lane each, of one length.
#[derive(Clone, Copy, Debug)]
pub struct GeodeticLanes<'a> {
    /// Radians north.
    pub lat_rad: &'a [f64],
    /// Radians east.
    pub lon_rad: &'a [f64],
    /// Metres above the datum.
    pub height_m: &'a [f64],
}

/// Latitudes, longitudes and heights to write, a lane each, of one length.
#[derive(Debug)]
pub struct GeodeticLanesMut<'a> {
    /// Radians north.
    pub lat_rad: &'a mut [f64],
    /// Radians east.
    pub lon_rad: &'a mut [f64],
    /// Metres above the datum.
    pub height_m: &'a mut [f64],
}

/// Planet-centred coordinates, a lane an axis, of one length.
#[derive(Clone, Copy, Debug)]
pub struct EcefLanes<'a> {
    /// Metres.
    pub x_m: &'a [f64],
    /// Metres.
    pub y_m: &'a [f64],
    /// Metres.
    pub z_m: &'a [f64],
}

/// Planet-centred coordinates to write, a lane an axis, of one length.
#[derive(Debug)]
pub struct EcefLanesMut<'a> {
    /// Metres.
    pub x_m: &'a mut [f64],
    /// Metres.
    pub y_m: &'a mut [f64],
    /// Metres.
    pub z_m: &'a mut [f64],
}

impl Planet {
    /// Geodetic to planet-centred coordinates, as [`Planet::ecef`] one by one.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn ecef_batch(self, places: &[Geodetic], out: &mut [Ecef]) {
        assert_eq!(places.len(), out.len());
        for (at, place) in places.iter().zip(out) {
            *place = self.ecef(*at);
        }
    }

    /// Planet-centred to geodetic coordinates, as [`Planet::geodetic`] one by one.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn geodetic_batch(self, places: &[Ecef], out: &mut [Geodetic]) {
        assert_eq!(places.len(), out.len());
        for (place, at) in places.iter().zip(out) {
            *at = self.geodetic(*place);
        }
    }

    /// Lanes of geodetic to lanes of planet-centred coordinates, as [`Planet::ecef`] one by one.
    ///
    /// # Errors
    /// Those of [`Geodetic::from_radians`], with the index of the first offender; `out` is unchanged.
    ///
    /// # Panics
    /// When the lanes differ in length.
    pub fn ecef_lanes(
        self,
        places: GeodeticLanes<'_>,
        out: EcefLanesMut<'_>,
    ) -> Result<(), BatchError<CoordError>> {
        let at = |n: usize| {
            Geodetic::from_radians(places.lat_rad[n], places.lon_rad[n], places.height_m[n])
        };
        let count = out.checked_len();
        assert_eq!(places.checked_len(), count);
        check_all(0..count, |n| at(n).map(|_| ()))?;
        for n in 0..count {
            let place = self.ecef(at(n).expect("checked above")).0;
            (out.x_m[n], out.y_m[n], out.z_m[n]) = (place.x, place.y, place.z);
        }
        Ok(())
    }

    /// Lanes of planet-centred to lanes of geodetic coordinates, as [`Planet::geodetic`] one by one.
    ///
    /// # Errors
    /// [`CoordError::Ecef`] with the index of the first offender; `out` is unchanged.
    ///
    /// # Panics
    /// When the lanes differ in length.
    pub fn geodetic_lanes(
        self,
        places: EcefLanes<'_>,
        out: GeodeticLanesMut<'_>,
    ) -> Result<(), BatchError<CoordError>> {
        let count = places.checked_len();
        assert_eq!(count, out.checked_len());
        check_all(0..count, |n| {
            Ecef::new(places.x_m[n], places.y_m[n], places.z_m[n]).map(|_| ())
        })?;
        for n in 0..count {
            let place = Ecef(DVec3::new(places.x_m[n], places.y_m[n], places.z_m[n]));
            let at = self.geodetic(place);
            (out.lat_rad[n], out.lon_rad[n], out.height_m[n]) =
                (at.lat_rad, at.lon_rad, at.height_m);
        }
        Ok(())
    }
}

impl GeodeticLanes<'_> {
    fn checked_len(&self) -> usize {
        one_length([self.lat_rad.len(), self.lon_rad.len(), self.height_m.len()])
    }
}

impl GeodeticLanesMut<'_> {
    fn checked_len(&self) -> usize {
        one_length([self.lat_rad.len(), self.lon_rad.len(), self.height_m.len()])
    }
}

impl EcefLanes<'_> {
    fn checked_len(&self) -> usize {
        one_length([self.x_m.len(), self.y_m.len(), self.z_m.len()])
    }
}

impl EcefLanesMut<'_> {
    fn checked_len(&self) -> usize {
        one_length([self.x_m.len(), self.y_m.len(), self.z_m.len()])
    }
}

/// The length of three lanes.
fn one_length([a, b, c]: [usize; 3]) -> usize {
    assert!(a == b && b == c, "lanes differ in length: {a}, {b}, {c}");
    a
}
