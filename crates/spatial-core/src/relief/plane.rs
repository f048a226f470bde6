//! From directions to the plane that a raster lies on, and back.

use glam::DVec3;

use super::georef::{Crs, Georef};
use super::mesh::Mesh;
use crate::cell::lat_lon_rad;
use crate::planet::Geodetic;
use crate::projection::{Projection, WebMercator};
use crate::region::LatLngRect;
use crate::simd::SimdLevel;

/// A plane, prepared for the part of it that rasters cover.
pub(super) struct Plane {
    crs: Crs,
    mesh: Option<Mesh>,
}

/// Directions with their latitudes and longitudes, as of a sphere: real latitudes are used as spherical ones.
#[derive(Default)]
pub(super) struct Places {
    axes: [Vec<f64>; 3],
    lat_rad: Vec<f64>,
    lon_rad: Vec<f64>,
}

impl Places {
    pub(super) fn of(&mut self, directions: &[DVec3]) {
        for (n, axis) in self.axes.iter_mut().enumerate() {
            axis.clear();
            axis.extend(directions.iter().map(|p| p[n]));
        }
        for angle in [&mut self.lat_rad, &mut self.lon_rad] {
            angle.clear();
            angle.resize(directions.len(), 0.0);
        }
        lat_lon_rad(
            SimdLevel::detected(),
            self.axes.each_ref().map(Vec::as_slice),
            [&mut self.lat_rad, &mut self.lon_rad],
        );
    }

    fn degrees(&self, at: usize) -> [f64; 2] {
        [self.lon_rad[at].to_degrees(), self.lat_rad[at].to_degrees()]
    }
}

impl Plane {
    /// The plane of rasters that lie within a box.
    pub(super) fn new(crs: Crs, bounds: Option<&LatLngRect>) -> Self {
        let mesh = match (crs, bounds) {
            (Crs::Utm(utm), Some(bounds)) => Mesh::new(utm, bounds),
            _ => None,
        };
        Self { crs, mesh }
    }

    /// Where on the plane a place lies; NaN where it has no point.
    #[inline]
    pub(super) fn place(&self, places: &Places, at: usize) -> [f64; 2] {
        let lon_lat = places.degrees(at);
        if self.crs == Crs::Degrees {
            return lon_lat;
        }
        let meshed = self.mesh.as_ref().map(|mesh| mesh.place(lon_lat));
        meshed
            .filter(|p| !p[0].is_nan())
            .unwrap_or_else(|| exact(self.crs, lon_lat))
    }

    /// The direction of a point of the plane.
    pub(super) fn direction(&self, place: [f64; 2]) -> Option<DVec3> {
        // Samples of sheets around the whole circle may be counted beyond it.
        let turn = self
            .crs
            .turn()
            .map_or(0.0, |turn| turn * (place[0] / turn).round());
        let [lon, lat] = lon_lat(self.crs, [place[0] - turn, place[1]])?;
        let at = Geodetic::from_degrees(lat, lon, 0.0).ok()?;
        Some(at.direction())
    }
}

fn exact(crs: Crs, [lon, lat]: [f64; 2]) -> [f64; 2] {
    let place = match crs {
        Crs::Degrees => return [lon, lat],
        Crs::Utm(utm) => utm.forward(lat, lon),
        Crs::Mercator => WebMercator.forward(lat, lon),
    };
    place.map_or([f64::NAN; 2], |(x, y)| [x, y])
}

fn lon_lat(crs: Crs, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
    let place = match crs {
        // Half a step beyond a pole is the pole.
        Crs::Degrees => return Some([x, y.clamp(-90.0, 90.0)]),
        Crs::Utm(utm) => utm.inverse(x, y),
        Crs::Mercator => WebMercator.inverse(x, y),
    };
    place.ok().map(|(lat, lon)| [lon, lat])
}

/// The box of latitude and longitude around a raster with half a step about it; `None` where a part of it is off the map.
pub(super) fn bounds_of(georef: &Georef, size: [u32; 2]) -> Option<LatLngRect> {
    // Edges of maps are no edges of the box: followed in steps, with a margin for the arcs between them.
    const STEPS: u32 = 32;
    let last = size.map(|n| f64::from(n) - 0.5);
    let mut span: Option<[f64; 4]> = None;
    let mut first_lon = 0.0;
    for n in 0..=STEPS {
        let at = [0, 1].map(|k: usize| -0.5 + (last[k] + 0.5) * f64::from(n) / f64::from(STEPS));
        for corner in [
            [at[0], -0.5],
            [at[0], last[1]],
            [-0.5, at[1]],
            [last[0], at[1]],
        ] {
            let [lon, lat] = lon_lat(georef.crs, georef.place(corner))?;
            let [south, north, west, east] = *span.get_or_insert_with(|| {
                first_lon = lon;
                [lat, lat, 0.0, 0.0]
            });
            // Rasters on maps span less than half the circle.
            let turn = match georef.crs {
                Crs::Degrees => 0.0,
                _ => 360.0 * ((lon - first_lon + 180.0) / 360.0).floor(),
            };
            let lon = lon - first_lon - turn;
            span = Some([south.min(lat), north.max(lat), west.min(lon), east.max(lon)]);
        }
    }
    let [south, north, west, east] = span?;
    let margin = match georef.crs {
        Crs::Degrees => 0.0,
        _ => 1e-3 * (north - south).max(east - west),
    };
    let lat = [(south - margin).max(-90.0), (north + margin).min(90.0)];
    let lng = [first_lon + west - margin, first_lon + east + margin];
    LatLngRect::from_degrees(lat, lng).ok()
}
