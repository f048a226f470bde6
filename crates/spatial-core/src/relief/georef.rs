//! Where the samples of a raster lie on its plane.
//!
//! A plane is degrees of longitude and latitude, or metres of a map. A sample is a point of it; what formats call a pixel is
//! half a step to each side of one, so "pixel is area" and "pixel is point" differ only in where the first sample lies.

use super::error::ReliefFault;
use crate::projection::{Hemisphere, Utm, WebMercator};

/// What the coordinates of a plane are.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Crs {
    /// Longitude and latitude in degrees.
    Degrees,
    /// A zone of UTM in metres.
    Utm(Utm),
    /// Web Mercator in metres.
    Mercator,
}

impl Crs {
    /// The system of an EPSG code, if it is one that is read: its datum lies within some two metres of WGS84.
    pub(super) fn of_epsg(epsg: u32) -> Result<Self, ReliefFault> {
        let utm = |zone: u32, hemisphere| match Utm::new(zone as u8, hemisphere) {
            Ok(utm) => Ok(Self::Utm(utm)),
            Err(_) => Err(ReliefFault::Crs(epsg)),
        };
        match epsg {
            // WGS84 (2-D, 3-D), ETRS89, NAD83, GDA94, GDA2020, NZGD2000, SIRGAS 2000.
            4326 | 4979 | 4258 | 4269 | 4283 | 7844 | 4167 | 4674 => Ok(Self::Degrees),
            32_601..=32_660 => utm(epsg - 32_600, Hemisphere::North),
            32_701..=32_760 => utm(epsg - 32_700, Hemisphere::South),
            // ETRS89 and NAD83.
            25_828..=25_838 => utm(epsg - 25_800, Hemisphere::North),
            26_901..=26_923 => utm(epsg - 26_900, Hemisphere::North),
            3857 => Ok(Self::Mercator),
            _ => Err(ReliefFault::Crs(epsg)),
        }
    }

    /// The width of the whole circle on the plane, where that is a span of its first axis.
    pub(super) fn turn(self) -> Option<f64> {
        match self {
            Self::Degrees => Some(360.0),
            Self::Mercator => Some(WebMercator::TURN_M),
            Self::Utm(_) => None,
        }
    }

    /// Metres of a unit of the plane on the Earth, roughly; of degrees, along a meridian.
    pub(super) fn unit_m(self) -> f64 {
        match self {
            Self::Degrees => crate::Planet::EARTH.arc_m(1f64.to_radians()),
            Self::Utm(_) | Self::Mercator => 1.0,
        }
    }
}

/// The affine map between samples (column x, row y) and their plane.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Georef {
    pub(super) crs: Crs,
    origin: [f64; 2],       // of sample (0, 0)
    step: [[f64; 2]; 2],    // on the plane from a column to the next, and from a row to the next
    inverse: [[f64; 2]; 2], // in samples for a unit east, and for a unit north
}

impl Georef {
    /// Columns along the first axis and rows along the second, `per` samples a unit: negative where they run backwards.
    pub(super) fn aligned(crs: Crs, origin: [f64; 2], per: [f64; 2]) -> Result<Self, ReliefFault> {
        let step = [[1.0 / per[0], 0.0], [0.0, 1.0 / per[1]]];
        Self::checked(crs, origin, step, [[per[0], 0.0], [0.0, per[1]]])
    }

    /// Steps in any direction.
    pub(super) fn general(
        crs: Crs,
        origin: [f64; 2],
        step: [[f64; 2]; 2],
    ) -> Result<Self, ReliefFault> {
        let [[a, b], [c, d]] = step;
        if b == 0.0 && c == 0.0 {
            return Self::aligned(crs, origin, [1.0 / a, 1.0 / d]);
        }
        let det = a * d - b * c;
        let inverse = [[d / det, -b / det], [-c / det, a / det]];
        Self::checked(crs, origin, step, inverse)
    }

    fn checked(
        crs: Crs,
        mut origin: [f64; 2],
        step: [[f64; 2]; 2],
        inverse: [[f64; 2]; 2],
    ) -> Result<Self, ReliefFault> {
        // Finer than a tenth of a millimetre and coarser than the whole circle is nonsense, and overflows somewhere.
        let scale = crs.unit_m();
        let legal = |x: &f64| (1e-4..=4.1e7).contains(&(x.abs() * scale)) || *x == 0.0;
        let lengths = step.map(|[x, y]| x.abs().max(y.abs()));
        let bad_step = step.iter().flatten().find(|x| !legal(x));
        let bad_length = lengths.iter().find(|x| **x == 0.0);
        if let Some(bad) = bad_step.or(bad_length) {
            return Err(value("georeference", *bad, "is no step between samples"));
        }
        if let Some(bad) = inverse
            .iter()
            .flatten()
            .find(|x| !x.is_finite() || x.abs() > 1e9)
        {
            return Err(value("georeference", *bad, "makes samples fall together"));
        }
        if let Some(bad) = origin.iter().find(|x| x.is_nan() || x.abs() * scale > 1e9) {
            return Err(value("georeference", *bad, "is no place of a first sample"));
        }
        if let Some(turn) = crs.turn() {
            // From 180° on it is the western hemisphere, by whatever number it goes.
            let turns = ((origin[0] + 0.5 * (turn + step[0][0].abs())) / turn).floor();
            origin[0] -= turn * turns;
        }
        Ok(Self {
            crs,
            origin,
            step,
            inverse,
        })
    }

    /// Refuses what does not fit its plane: latitudes beyond the poles, more than the whole circle.
    pub(super) fn check_size(&self, size: [u32; 2]) -> Result<(), ReliefFault> {
        if self.crs != Crs::Degrees {
            return Ok(());
        }
        let last = size.map(|n| f64::from(n - 1));
        for corner in [[0.0, 0.0], [last[0], 0.0], [0.0, last[1]], last] {
            let [_, lat] = self.place(corner);
            if lat.abs() > 90.0 + 1e-6 {
                return Err(value("georeference", lat, "is a latitude beyond a pole"));
            }
        }
        let width = last[0] * self.step[0][0].abs();
        if width > 360.0 + 1e-6 {
            return Err(value(
                "georeference",
                width,
                "degrees are more than the whole circle",
            ));
        }
        Ok(())
    }

    /// Column and row of a place on the plane.
    #[inline]
    pub(super) fn sample(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let (dx, dy) = (x - self.origin[0], y - self.origin[1]);
        let [[a, b], [c, d]] = self.inverse;
        [a * dx + c * dy, b * dx + d * dy]
    }

    /// The place of a column and row.
    pub(super) fn place(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [[a, b], [c, d]] = self.step;
        [
            self.origin[0] + a * x + c * y,
            self.origin[1] + b * x + d * y,
        ]
    }

    /// Whether columns run along the first axis and rows along the second.
    pub(super) fn is_aligned(&self) -> bool {
        self.step[0][1] == 0.0 && self.step[1][0] == 0.0
    }

    /// Lengths of the steps on the plane.
    pub(super) fn spacing(&self) -> [f64; 2] {
        self.step.map(|[x, y]| (x * x + y * y).sqrt())
    }

    /// Samples a unit along each axis; of aligned ones.
    pub(super) fn per(&self) -> [f64; 2] {
        [self.inverse[0][0], self.inverse[1][1]]
    }

    /// Columns around the whole circle, where they come out even.
    pub(super) fn period(&self) -> Option<u32> {
        let around = self.crs.turn()? * self.inverse[0][0].abs();
        let is_whole = (around - around.round()).abs() < 1e-3 && around < 4e9;
        (self.is_aligned() && is_whole).then(|| around.round() as u32)
    }
}

fn value(place: &str, value: f64, problem: &'static str) -> ReliefFault {
    ReliefFault::Value {
        place: place.into(),
        value,
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_and_places_are_inverse() {
        let turned = [[0.6, 0.8], [0.8, -0.6]].map(|s| s.map(|x| 0.001 * x));
        for georef in [
            Georef::aligned(Crs::Degrees, [-71.0, -32.0], [1_200.0, -1_200.0]).unwrap(),
            Georef::general(Crs::Degrees, [10.0, 45.0], turned).unwrap(),
        ] {
            for at in [[0.0, 0.0], [1_200.0, 17.5], [-0.5, 1_200.5]] {
                let back = georef.sample(georef.place(at));
                assert!((0..2).all(|n| (back[n] - at[n]).abs() < 1e-8), "{back:?}");
            }
        }
    }

    #[test]
    fn codes_are_known_or_named() {
        assert_eq!(Crs::of_epsg(4326), Ok(Crs::Degrees));
        let Ok(Crs::Utm(utm)) = Crs::of_epsg(32_719) else {
            panic!("UTM")
        };
        assert_eq!((utm.zone(), utm.hemisphere()), (19, Hemisphere::South));
        for epsg in [0, 2056, 27_700, 32_600, 32_661, 32_700, 32_761, u32::MAX] {
            let refused = Crs::of_epsg(epsg).unwrap_err().to_string();
            assert!(refused.contains(&format!("EPSG:{epsg}")) && refused.contains("gdalwarp"));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let aligned = |origin, per| Georef::aligned(Crs::Degrees, origin, per);
        for per in [0.0, f64::INFINITY, f64::NAN, 1e-300, 1e300] {
            assert!(aligned([0.0, 0.0], [per, 1.0]).is_err(), "{per}");
            assert!(aligned([0.0, 0.0], [1.0, -per]).is_err(), "{per}");
        }
        assert!(aligned([f64::NAN, 0.0], [1.0, 1.0]).is_err());
        assert!(Georef::general(Crs::Degrees, [0.0; 2], [[1.0, 1.0], [1.0, 1.0]]).is_err());
        let globe = aligned([0.0, 90.0], [12.0, -12.0]).unwrap();
        assert!(globe.check_size([4_320, 2_161]).is_ok());
        assert!(globe.check_size([4_320, 2_162]).is_err());
        assert!(globe.check_size([4_322, 2]).is_err());
        assert_eq!(globe.period(), Some(4_320));
    }
}
