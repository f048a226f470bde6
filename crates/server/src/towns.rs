//! Places where agents live and players arrive: real towns, on land.

use spatial_core::{CoordError, Geodetic};

use crate::config::Config;

/// Neighbours that somebody in a town should see; towns are as wide as that needs.
const SEEN_WANTED: f64 = 56.0;
/// Narrowest town, metres.
const TOWN_RADIUS_MIN_M: f64 = 30.0;

/// A town: its name, latitude and longitude in degrees.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Town {
    /// The name.
    pub name: &'static str,
    /// Degrees north.
    pub lat_deg: f64,
    /// Degrees east.
    pub lon_deg: f64,
}

impl Town {
    /// A point at an offset from the centre, metres east and north, on the datum.
    ///
    /// # Errors
    /// [`CoordError`] when the offset leads beyond a pole.
    pub fn near(&self, east_m: f64, north_m: f64) -> Result<Geodetic, CoordError> {
        const METRES_A_DEGREE: f64 = 111_195.0;
        let lat = self.lat_deg + north_m / METRES_A_DEGREE;
        let lon = self.lon_deg + east_m / (METRES_A_DEGREE * libm::cos(self.lat_deg.to_radians()));
        Geodetic::from_degrees(lat, lon, 0.0)
    }
}

/// How wide towns are, metres.
pub(crate) fn town_radius_m(config: &Config) -> f64 {
    let residents = f64::from(config.agents) / f64::from(config.towns);
    let wide = config.interest_radius_m * (residents / SEEN_WANTED).sqrt();
    wide.max(TOWN_RADIUS_MIN_M)
}

const fn town(name: &'static str, lat_deg: f64, lon_deg: f64) -> Town {
    Town {
        name,
        lat_deg,
        lon_deg,
    }
}

/// The towns, from all continents that have any.
pub const TOWNS: [Town; 20] = [
    town("Zermatt", 46.0207, 7.7491),
    town("Kyoto", 35.0116, 135.7681),
    town("Cusco", -13.5320, -71.9675),
    town("Nairobi", -1.2864, 36.8172),
    town("Denver", 39.7392, -104.9903),
    town("Kathmandu", 27.7172, 85.3240),
    town("Madrid", 40.4168, -3.7038),
    town("Prague", 50.0755, 14.4378),
    town("Ulaanbaatar", 47.8864, 106.9057),
    town("Alice Springs", -23.6980, 133.8807),
    town("Addis Ababa", 9.0300, 38.7400),
    town("Bogota", 4.7110, -74.0721),
    town("Mexico City", 19.4326, -99.1332),
    town("Tehran", 35.6892, 51.3890),
    town("Delhi", 28.6139, 77.2090),
    town("Chengdu", 30.5728, 104.0668),
    town("Winnipeg", 49.8951, -97.1384),
    town("Samarkand", 39.6270, 66.9750),
    town("Johannesburg", -26.2041, 28.0473),
    town("Suva", -18.1248, 178.4501),
];
