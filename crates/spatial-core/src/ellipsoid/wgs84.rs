//! Places as satellites give them, and the way to our spherical planet.

use glam::DVec3;

use super::Ellipsoid;
use crate::batch::{BatchError, convert_all};
use crate::planet::{
    CoordError, Ecef, EcefLanes, EcefLanesMut, Geodetic, GeodeticLanes, GeodeticLanesMut, Planet,
};

/// Earth-centred, earth-fixed coordinates of WGS84 in metres (EPSG:4978): what a satellite receiver computes with.
///
/// Not the same as [`Ecef`], which is centred on a spherical planet. The way between them is [`Geodetic`]: the latitude,
/// longitude and height of WGS84 are used on the sphere as they are. That keeps every map's latitudes, north, and
/// heights; it turns directions from the centre by up to 0.19°. A degree of latitude is 0.56 % longer on the sphere at the
/// equator and 0.45 % shorter at the poles, one of longitude 0.11 % to 0.45 % shorter.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Wgs84Ecef(DVec3); // finite, within Ecef::LIMIT_M

impl Wgs84Ecef {
    /// From coordinates in metres.
    ///
    /// # Errors
    /// [`CoordError::Ecef`] when one is not finite or beyond ±[`Ecef::LIMIT_M`].
    pub fn new(x_m: f64, y_m: f64, z_m: f64) -> Result<Self, CoordError> {
        Ok(Self(Ecef::new(x_m, y_m, z_m)?.to_vec()))
    }

    /// The coordinates as an array, metres.
    pub fn to_array(self) -> [f64; 3] {
        self.0.to_array()
    }

    /// The place of a latitude, longitude and height of WGS84 (EPSG:4979). Costs two `sincos`.
    ///
    /// Heights below the centre are taken along the normal as they are, as the formula says.
    pub fn from_geodetic(at: Geodetic) -> Self {
        let (sin_lat, cos_lat) = libm::sincos(at.lat_rad());
        let (sin_lon, cos_lon) = libm::sincos(at.lon_rad());
        let normal_m = normal_m(sin_lat);
        let across = (normal_m + at.height_m()) * cos_lat;
        Self(DVec3::new(
            across * cos_lon,
            across * sin_lon,
            ((1.0 - E2) * normal_m + at.height_m()) * sin_lat,
        ))
    }

    /// Latitude, longitude and height above the ellipsoid of WGS84.
    ///
    /// Closed form (Vermeille 2002 as completed by Karney 2011, "Geodesics on an ellipsoid of revolution", appendix B),
    /// good everywhere from the centre outwards, and one round of Bowring 1976, which removes its rounding: back and forth
    /// costs an axis at most 4 nm from −12 to +100 km. At the centre, where all directions are normal, the answer is the north pole at
    /// longitude 0; on the disc where two latitudes are equally near, the northern one.
    pub fn to_geodetic(self) -> Geodetic {
        let p = self.0;
        let across = (p.x * p.x + p.y * p.y).sqrt();
        let (sin, cos) = polish(across, p.z, nearest_normal(across, p.z));
        // Measured from the foot of the normal, as `from_geodetic` computes it: what that rounds is in both and goes out.
        let normal_m = normal_m(sin);
        let foot = (normal_m * cos, (1.0 - E2) * normal_m * sin);
        let height_m = (across - foot.0) * cos + (p.z - foot.1) * sin;
        Geodetic::unchecked(libm::atan2(sin, cos), libm::atan2(p.y, p.x), height_m)
    }

    /// The place on our spherical Earth, or another planet, of the same latitude, longitude and height.
    pub fn to_planet(self, planet: Planet) -> Ecef {
        planet.ecef(self.to_geodetic())
    }

    /// The place of WGS84 of the same latitude, longitude and height as one on a spherical planet.
    pub fn from_planet(planet: Planet, place: Ecef) -> Self {
        Self::from_geodetic(planet.geodetic(place))
    }

    /// The places of latitudes, longitudes and heights, as [`Wgs84Ecef::from_geodetic`] one by one.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn from_geodetic_batch(places: &[Geodetic], out: &mut [Self]) {
        convert_all(places, out, Self::from_geodetic);
    }

    /// Latitudes, longitudes and heights of places, as [`Wgs84Ecef::to_geodetic`] one by one.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn to_geodetic_batch(places: &[Self], out: &mut [Geodetic]) {
        convert_all(places, out, Self::to_geodetic);
    }

    /// The places on a spherical planet, as [`Wgs84Ecef::to_planet`] one by one.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn to_planet_batch(places: &[Self], planet: Planet, out: &mut [Ecef]) {
        convert_all(places, out, |place| place.to_planet(planet));
    }

    /// The places of WGS84, as [`Wgs84Ecef::from_planet`] one by one.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn from_planet_batch(planet: Planet, places: &[Ecef], out: &mut [Self]) {
        convert_all(places, out, |place| Self::from_planet(planet, place));
    }

    /// Lanes of latitudes, longitudes and heights to lanes of coordinates, as [`Wgs84Ecef::from_geodetic`] one by one.
    ///
    /// # Errors
    /// Those of [`Geodetic::from_radians`], with the index of the first offender; `out` is unchanged.
    ///
    /// # Panics
    /// When the lanes differ in length.
    pub fn from_geodetic_lanes(
        places: GeodeticLanes<'_>,
        out: EcefLanesMut<'_>,
    ) -> Result<(), BatchError<CoordError>> {
        places.convert(out, |at| Self::from_geodetic(at).to_array())
    }

    /// Lanes of coordinates to lanes of latitudes, longitudes and heights, as [`Wgs84Ecef::to_geodetic`] one by one.
    ///
    /// # Errors
    /// [`CoordError::Ecef`] with the index of the first offender; `out` is unchanged.
    ///
    /// # Panics
    /// When the lanes differ in length.
    pub fn to_geodetic_lanes(
        places: EcefLanes<'_>,
        out: GeodeticLanesMut<'_>,
    ) -> Result<(), BatchError<CoordError>> {
        places.convert(out, |place| Self(place.to_vec()).to_geodetic())
    }
}

const E2: f64 = 0.006_694_379_990_141_317; // f (2 − f)

/// The length of the normal from the ellipsoid to the axis.
fn normal_m(sin_lat: f64) -> f64 {
    Ellipsoid::WGS84.semi_major_m() / (1.0 - E2 * sin_lat * sin_lat).sqrt()
}

/// The sine and cosine of the latitude whose normal goes through a point at a distance from the axis and the equator.
fn nearest_normal(across: f64, z: f64) -> (f64, f64) {
    let a = Ellipsoid::WGS84.semi_major_m();
    let e4 = E2 * E2;
    let p = (across / a) * (across / a);
    let q = (1.0 - E2) * (z / a) * (z / a);
    let r = (p + q - e4) / 6.0;
    if q == 0.0 && r <= 0.0 {
        // On the disc about the centre within the evolute: two normals are equally short.
        let (tan_up, tan_out) = (((e4 - p) / (1.0 - E2)).max(0.0).sqrt(), p.sqrt());
        return normalised(tan_up, tan_out);
    }
    let s = e4 * p * q / 4.0;
    let u = r + cubic_root(r, s);
    let v = (u * u + e4 * q).sqrt();
    let sum = match u < 0.0 {
        true => e4 * q / (v - u), // u + v without its cancellation
        false => u + v,
    };
    let w = (E2 * (sum - q) / (2.0 * v)).max(0.0);
    let k = sum / ((sum + w * w).sqrt() + w);
    normalised(z / k, across / (k + E2))
}

/// The root of the resolvent cubic, less r.
fn cubic_root(r: f64, s: f64) -> f64 {
    let (r2, r3) = (r * r, r * r * r);
    let discriminant = s * (2.0 * r3 + s);
    if discriminant >= 0.0 {
        let sum = s + r3;
        let cube = sum + discriminant.sqrt().copysign(sum);
        let t = libm::cbrt(cube);
        t + if t == 0.0 { 0.0 } else { r2 / t }
    } else {
        // Three real roots, inside the evolute, where r < 0: the one without cancellation.
        let angle = libm::atan2((-discriminant).sqrt(), -(s + r3));
        2.0 * r * libm::cos(angle / 3.0)
    }
}

/// One round of Bowring's method, outside the depth where it would not converge.
fn polish(across: f64, z: f64, (sin, cos): (f64, f64)) -> (f64, f64) {
    const DEPTH_MAX_M: f64 = 5_000_000.0; // from the centre; the evolute ends at 43 km
    if across * across + z * z < DEPTH_MAX_M * DEPTH_MAX_M {
        return (sin, cos);
    }
    let a = Ellipsoid::WGS84.semi_major_m();
    let b = a * (1.0 - Ellipsoid::WGS84.flattening());
    let (sin, cos) = normalised(sin * b, cos * a); // of the reduced latitude
    normalised(
        z + E2 / (1.0 - E2) * b * sin * sin * sin,
        across - E2 * a * cos * cos * cos,
    )
}

fn normalised(sin: f64, cos: f64) -> (f64, f64) {
    let length = (sin * sin + cos * cos).sqrt();
    match length > 0.0 {
        true => (sin / length, cos / length),
        false => (1.0, 0.0),
    }
}
