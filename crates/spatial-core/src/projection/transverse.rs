//! The Universal Transverse Mercator grid.

use core::f64::consts::FRAC_PI_2;

use super::{Hemisphere, MARGIN_M, Meridian, Projection, ProjectionError, lon};
use crate::ellipsoid::{Ellipsoid, polynomial};
use crate::planet::Geodetic;

/// One zone of the Universal Transverse Mercator grid on WGS84 (EPSG:32601 to 32660 and 32701 to 32760).
///
/// Krüger's series to the sixth order in the third flattening (Karney 2011, "Transverse Mercator with an accuracy of a
/// few nanometers", eq. 7 to 36): 5 nm within 3,900 km of the central meridian. Valid from 80° south to 84° north and up to
/// 30° of longitude to either side of the central meridian, ten times as wide as the zone.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Utm {
    zone: u8, // 1 to 60
    hemisphere: Hemisphere,
    middle: Meridian,
}

impl Utm {
    /// Latitudes of the valid area, degrees.
    pub const LAT_DEG: core::ops::RangeInclusive<f64> = -80.0..=84.0;
    /// The greatest difference of longitude to the central meridian in the valid area, degrees.
    pub const REACH_DEG: f64 = 30.0;
    const SCALE: f64 = 0.9996;
    const FALSE_EASTING_M: f64 = 500_000.0;

    /// A zone, with northings that start at the equator, or on the southern hemisphere 10,000 km south of it.
    ///
    /// # Errors
    /// [`ProjectionError::Parameter`] for a zone outside 1 to 60.
    pub fn new(zone: u8, hemisphere: Hemisphere) -> Result<Self, ProjectionError> {
        if !(1..=60).contains(&zone) {
            let (name, value) = ("zone", f64::from(zone));
            return Err(ProjectionError::Parameter { name, value });
        }
        Ok(Self {
            zone,
            hemisphere,
            middle: Meridian::new(6.0 * f64::from(zone) - 183.0)?,
        })
    }

    /// The zone in which a place is mapped by convention: six degrees of longitude wide, but for Norway's coast (32V) and
    /// Svalbard (31X, 33X, 35X, 37X). A place on a boundary is in the eastern zone, the antimeridian in zone 1, the equator north.
    ///
    /// # Errors
    /// [`ProjectionError::Coord`] for what is no latitude or longitude, [`ProjectionError::Place`] outside
    /// [`Utm::LAT_DEG`].
    pub fn of(lat_deg: f64, lon_deg: f64) -> Result<Self, ProjectionError> {
        Geodetic::from_degrees(lat_deg, lon_deg, 0.0)?;
        if !Self::LAT_DEG.contains(&lat_deg) {
            return Err(ProjectionError::place(lat_deg, lon_deg));
        }
        let hemisphere = match lat_deg < 0.0 {
            true => Hemisphere::South,
            false => Hemisphere::North,
        };
        Self::new(zone_of(lat_deg, lon(lon_deg)?), hemisphere)
    }

    /// The zone's number, 1 to 60.
    pub fn zone(&self) -> u8 {
        self.zone
    }

    /// Where its northings start.
    pub fn hemisphere(&self) -> Hemisphere {
        self.hemisphere
    }

    fn false_northing_m(&self) -> f64 {
        match self.hemisphere {
            Hemisphere::North => 0.0,
            Hemisphere::South => 10_000_000.0,
        }
    }
}

/// The zone of a place within ±180° and the valid latitudes.
fn zone_of(lat_deg: f64, lon_deg: f64) -> u8 {
    let plain = match lon_deg {
        l if l >= 180.0 => 1,
        l => ((l + 180.0) / 6.0) as u8 + 1,
    };
    match lat_deg {
        lat if (56.0..64.0).contains(&lat) && (3.0..12.0).contains(&lon_deg) => 32,
        lat if lat >= 72.0 => match lon_deg {
            l if (0.0..9.0).contains(&l) => 31,
            l if (9.0..21.0).contains(&l) => 33,
            l if (21.0..33.0).contains(&l) => 35,
            l if (33.0..42.0).contains(&l) => 37,
            _ => plain,
        },
        _ => plain,
    }
}

impl Projection for Utm {
    fn forward(&self, lat_deg: f64, lon_deg: f64) -> Result<(f64, f64), ProjectionError> {
        let (lat, east) = self.middle.local_rad(lat_deg, lon_deg)?;
        // A difference of degrees may round beyond the edge.
        if !Self::LAT_DEG.contains(&lat_deg) || east.to_degrees().abs() > Self::REACH_DEG + 1e-12 {
            return Err(ProjectionError::place(lat_deg, lon_deg));
        }
        let (north, across) = mercator(lat, east);
        let [north, across] = series(&ALPHA, north, across, 1.0);
        let scale_m = Self::SCALE * rectifying_radius_m();
        Ok((
            scale_m * across + Self::FALSE_EASTING_M,
            scale_m * north + self.false_northing_m(),
        ))
    }

    fn inverse(&self, x_m: f64, y_m: f64) -> Result<(f64, f64), ProjectionError> {
        let refused = ProjectionError::point(x_m, y_m);
        let scale_m = Self::SCALE * rectifying_radius_m();
        let across = (x_m - Self::FALSE_EASTING_M) / scale_m;
        let north = (y_m - self.false_northing_m()) / scale_m;
        // Beyond the pole, and where the series is not made for. NaN is in no range.
        if !(-FRAC_PI_2..=FRAC_PI_2).contains(&north) || !(-0.6..=0.6).contains(&across) {
            return Err(refused);
        }
        let [north, across] = series(&BETA, north, across, -1.0);
        let (sin, cos) = libm::sincos(north);
        let sinh = libm::sinh(across);
        let conformal = sin / (sinh * sinh + cos * cos).sqrt();
        let lat = libm::atan(Ellipsoid::WGS84.tan_of_conformal(conformal)).to_degrees();
        let east = libm::atan2(sinh, cos).to_degrees();
        let margin_deg = MARGIN_M / 1e5;
        let (south, north) = (*Self::LAT_DEG.start(), *Self::LAT_DEG.end());
        // A millimetre is more degrees of longitude where the meridians are near to each other.
        if !(south - margin_deg..=north + margin_deg).contains(&lat)
            || east.abs() > Self::REACH_DEG + 10.0 * margin_deg
        {
            return Err(refused);
        }
        let east = east.clamp(-Self::REACH_DEG, Self::REACH_DEG).to_radians();
        let (_, lon_deg) = self.middle.degrees(0.0, east);
        Ok((lat.clamp(south, north), lon_deg))
    }
}

/// Transverse Mercator of the conformal sphere: northing and easting in radians.
fn mercator(lat_rad: f64, east_rad: f64) -> (f64, f64) {
    let conformal = Ellipsoid::WGS84.conformal_tan(libm::tan(lat_rad));
    let (sin, cos) = libm::sincos(east_rad);
    (
        libm::atan2(conformal, cos),
        libm::asinh(sin / (conformal * conformal + cos * cos).sqrt()),
    )
}

/// ζ + sign · Σ cₖ sin 2kζ of a complex ζ = ξ + iη, by Clenshaw's sum.
fn series(rows: &[[f64; 6]; 6], xi: f64, eta: f64, sign: f64) -> [f64; 2] {
    let n = Ellipsoid::WGS84.n();
    let (sin, cos) = libm::sincos(2.0 * xi);
    let (sinh, cosh) = (libm::sinh(2.0 * eta), libm::cosh(2.0 * eta));
    let (re, im) = (2.0 * cos * cosh, -2.0 * sin * sinh); // 2 cos 2ζ
    let (mut next, mut after) = ([0.0; 2], [0.0; 2]);
    for row in rows.iter().rev() {
        let c = n * polynomial(row, n);
        let sum = [
            c + re * next[0] - im * next[1] - after[0],
            re * next[1] + im * next[0] - after[1],
        ];
        (next, after) = (sum, next);
    }
    let (re, im) = (sin * cosh, cos * sinh); // sin 2ζ
    [
        xi + sign * (re * next[0] - im * next[1]),
        eta + sign * (re * next[1] + im * next[0]),
    ]
}

/// The radius of a circle as long as a meridian.
fn rectifying_radius_m() -> f64 {
    let n = Ellipsoid::WGS84.n();
    let n2 = n * n;
    let sum = polynomial(&[1.0, 1.0 / 4.0, 1.0 / 64.0, 1.0 / 256.0], n2);
    Ellipsoid::WGS84.semi_major_m() / (1.0 + n) * sum
}

/// Of sin 2kζ forward, the coefficients of n, n², … (Karney 2011, eq. 35).
const ALPHA: [[f64; 6]; 6] = [
    [
        1.0 / 2.0,
        -2.0 / 3.0,
        5.0 / 16.0,
        41.0 / 180.0,
        -127.0 / 288.0,
        7_891.0 / 37_800.0,
    ],
    [
        0.0,
        13.0 / 48.0,
        -3.0 / 5.0,
        557.0 / 1_440.0,
        281.0 / 630.0,
        -1_983_433.0 / 1_935_360.0,
    ],
    [
        0.0,
        0.0,
        61.0 / 240.0,
        -103.0 / 140.0,
        15_061.0 / 26_880.0,
        167_603.0 / 181_440.0,
    ],
    [
        0.0,
        0.0,
        0.0,
        49_561.0 / 161_280.0,
        -179.0 / 168.0,
        6_601_661.0 / 7_257_600.0,
    ],
    [
        0.0,
        0.0,
        0.0,
        0.0,
        34_729.0 / 80_640.0,
        -3_418_889.0 / 1_995_840.0,
    ],
    [0.0, 0.0, 0.0, 0.0, 0.0, 212_378_941.0 / 319_334_400.0],
];

/// The same backward (Karney 2011, eq. 36).
const BETA: [[f64; 6]; 6] = [
    [
        1.0 / 2.0,
        -2.0 / 3.0,
        37.0 / 96.0,
        -1.0 / 360.0,
        -81.0 / 512.0,
        96_199.0 / 604_800.0,
    ],
    [
        0.0,
        1.0 / 48.0,
        1.0 / 15.0,
        -437.0 / 1_440.0,
        46.0 / 105.0,
        -1_118_711.0 / 3_870_720.0,
    ],
    [
        0.0,
        0.0,
        17.0 / 480.0,
        -37.0 / 840.0,
        -209.0 / 4_480.0,
        5_569.0 / 90_720.0,
    ],
    [
        0.0,
        0.0,
        0.0,
        4_397.0 / 161_280.0,
        -11.0 / 504.0,
        -830_251.0 / 7_257_600.0,
    ],
    [
        0.0,
        0.0,
        0.0,
        0.0,
        4_583.0 / 161_280.0,
        -108_847.0 / 3_991_680.0,
    ],
    [0.0, 0.0, 0.0, 0.0, 0.0, 20_648_693.0 / 638_668_800.0],
];
