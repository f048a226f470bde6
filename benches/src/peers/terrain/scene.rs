//! A square of a degree of real relief: on our lattice, and as it is.

use std::sync::Arc;

use spatial_core::{DVec3, Ecef, Geodetic, Planet, Terrain};

use super::super::rivals::parry::Field;
use crate::seeded::Seeded;
use crate::srtm::{SIDE, Square};

/// Where in the square: samples north and east of its corner.
pub(super) type Spot = [f64; 2];

pub(super) struct Scene {
    pub(super) square: Square,
    pub(super) terrain: Terrain,
    pub(super) field: Field,
}

impl Scene {
    pub(super) fn load(name: &'static str) -> Option<Self> {
        let square = Square::load(name)?;
        let step_m = Planet::EARTH.arc_m(1f64.to_radians()) / (SIDE - 1) as f64;
        let middle = (square.south_deg + 0.5).to_radians();
        let field = Field::new(SIDE, [step_m, step_m * libm::cos(middle)], |row, column| {
            f32::from(square.sample(row, column))
        });
        Some(Self {
            terrain: Terrain::new(Arc::new(square.planet())),
            square,
            field,
        })
    }

    /// Anywhere in the square, so many samples from its border.
    pub(super) fn draw(&self, seeded: &mut Seeded, border: f64) -> Spot {
        let middle = 0.5 * (SIDE - 1) as f64;
        [0; 2].map(|_| middle + (middle - border) * seeded.signed())
    }

    /// Latitude and longitude of a spot.
    pub(super) fn degrees(&self, [north, east]: Spot) -> [f64; 2] {
        let degrees = |samples: f64| samples / (SIDE - 1) as f64;
        [
            self.square.south_deg + degrees(north),
            self.square.west_deg + degrees(east),
        ]
    }

    pub(super) fn geodetic(&self, spot: Spot) -> Geodetic {
        let [lat, lon] = self.degrees(spot);
        Geodetic::from_degrees(lat, lon, 0.0).expect("inside the square")
    }

    /// A place so far above our ground, and above theirs.
    pub(super) fn above(&self, spot: Spot, above_m: f64) -> (Ecef, [f64; 3]) {
        let place = self.geodetic(spot);
        let height_m = self.terrain.height(place).expect("a tile of the square");
        let ours = place.direction() * (Planet::EARTH.radius_m() + height_m + above_m);
        let [north, east] = spot;
        (
            ecef(ours),
            [north, east, self.square.height_m(north, east) + above_m],
        )
    }
}

pub(super) fn ecef(p: DVec3) -> Ecef {
    Ecef::new(p.x, p.y, p.z).expect("a place near the Earth")
}
