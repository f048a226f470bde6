//! Batched conversion between geodetic and planet-centred coordinates: slices in, slices out.
//!
//! Numbers in lanes are not checked yet, unlike [`Geodetic`] and [`Ecef`]: every lane call checks all of them before it
//! writes the first.

use glam::DVec3;

use super::{CoordError, Ecef, Geodetic, Planet};
use crate::batch::{BatchError, check_all, convert_all, one_length};

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
        convert_all(places, out, |at| self.ecef(at));
    }

    /// Planet-centred to geodetic coordinates, as [`Planet::geodetic`] one by one.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn geodetic_batch(self, places: &[Ecef], out: &mut [Geodetic]) {
        convert_all(places, out, |place| self.geodetic(place));
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
        places.convert(out, |at| self.ecef(at).to_array())
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
        places.convert(out, |place| self.geodetic(place))
    }
}

impl GeodeticLanes<'_> {
    /// Checks all places, then converts them one by one.
    pub(crate) fn convert(
        &self,
        out: EcefLanesMut<'_>,
        convert: impl Fn(Geodetic) -> [f64; 3],
    ) -> Result<(), BatchError<CoordError>> {
        let count = out.checked_len();
        assert_eq!(self.checked_len(), count);
        check_all(0..count, |n| self.at(n).map(|_| ()))?;
        for n in 0..count {
            let at = self.at(n).expect("checked above");
            [out.x_m[n], out.y_m[n], out.z_m[n]] = convert(at);
        }
        Ok(())
    }

    fn at(&self, n: usize) -> Result<Geodetic, CoordError> {
        Geodetic::from_radians(self.lat_rad[n], self.lon_rad[n], self.height_m[n])
    }

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
    /// Checks all places, then converts them one by one.
    pub(crate) fn convert(
        &self,
        out: GeodeticLanesMut<'_>,
        convert: impl Fn(Ecef) -> Geodetic,
    ) -> Result<(), BatchError<CoordError>> {
        let count = out.checked_len();
        assert_eq!(self.checked_len(), count);
        check_all(0..count, |n| self.at(n).map(|_| ()))?;
        for n in 0..count {
            let at = convert(self.checked_at(n));
            (out.lat_rad[n], out.lon_rad[n], out.height_m[n]) =
                (at.lat_rad, at.lon_rad, at.height_m);
        }
        Ok(())
    }

    /// A place, checked.
    pub(crate) fn at(&self, n: usize) -> Result<Ecef, CoordError> {
        Ecef::new(self.x_m[n], self.y_m[n], self.z_m[n])
    }

    /// A place that was checked before.
    pub(crate) fn checked_at(&self, n: usize) -> Ecef {
        Ecef(DVec3::new(self.x_m[n], self.y_m[n], self.z_m[n]))
    }

    pub(crate) fn checked_len(&self) -> usize {
        one_length([self.x_m.len(), self.y_m.len(), self.z_m.len()])
    }
}

impl EcefLanesMut<'_> {
    pub(crate) fn checked_len(&self) -> usize {
        one_length([self.x_m.len(), self.y_m.len(), self.z_m.len()])
    }
}
