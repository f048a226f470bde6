//! Where entities are.

use spatial_core::{DVec3, Ecef, Planet};

use crate::seeded::Seeded;

const EARTH: Planet = Planet::EARTH;

/// Even over the Earth, on the datum.
pub(crate) fn uniform(count: usize) -> Vec<Ecef> {
    let mut seeded = Seeded(11);
    (0..count).map(|_| on_datum(seeded.direction())).collect()
}

/// Around towns of 75, which are even over the Earth: normal, 5 km along each axis. 5 km around one are 17 others.
pub(crate) fn in_towns(count: usize) -> Vec<Ecef> {
    let mut seeded = Seeded(12);
    let sigma = 5_000.0 / EARTH.radius_m();
    let towns: Vec<DVec3> = (0..count.div_ceil(75))
        .map(|_| seeded.direction())
        .collect();
    let place = |n: usize| {
        let mut offset = || seeded.normal() * sigma;
        on_datum(towns[n % towns.len()] + DVec3::new(offset(), offset(), offset()))
    };
    (0..count).map(place).collect()
}

/// The radius around which `hits` of `count` even places are: caps of a sphere are as large as discs of their chord.
pub(crate) fn radius_of_hits(hits: f64, count: usize) -> f64 {
    2.0 * EARTH.radius_m() * (hits / count as f64).sqrt()
}

/// The same places, in the order of their leaf cells.
pub(crate) fn in_cell_order(mut places: Vec<Ecef>) -> Vec<Ecef> {
    places.sort_by_cached_key(|place| place.leaf());
    places
}

pub(crate) fn on_datum(direction: DVec3) -> Ecef {
    let [x, y, z] = (direction.normalize() * EARTH.radius_m()).to_array();
    Ecef::new(x, y, z).expect("a place on the Earth is legal")
}
