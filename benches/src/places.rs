//! Where entities are.

use spatial_core::{DVec3, Ecef, Geodetic, Planet};

use crate::data;
use crate::seeded::Seeded;

const EARTH: Planet = Planet::EARTH;

/// Even over the Earth, on the datum.
pub(crate) fn uniform(count: usize) -> Vec<Ecef> {
    let mut seeded = Seeded(11);
    (0..count).map(|_| on_datum(seeded.direction())).collect()
}

/// Around the towns that `make data` has fetched, drawn at random: normal, 5 km along each axis of the ground. `None`
/// when they are not there.
pub(crate) fn in_towns(count: usize) -> Option<Vec<Ecef>> {
    let towns = towns()?;
    let mut seeded = Seeded(12);
    let sigma = 5_000.0 / EARTH.radius_m();
    let mut place = || {
        let town = towns[seeded.below(towns.len())];
        let mut offset = || seeded.normal() * sigma;
        on_datum(town + DVec3::new(offset(), offset(), offset()))
    };
    Some((0..count).map(|_| place()).collect())
}

/// Directions of towns of a thousand people and more.
fn towns() -> Option<Vec<DVec3>> {
    let text = std::fs::read_to_string(data::path("rg_cities1000.csv")?).ok()?;
    let town = |line: &str| {
        let mut fields = line.split(',');
        let mut degrees = || fields.next()?.parse().ok();
        let place = Geodetic::from_degrees(degrees()?, degrees()?, 0.0).ok()?;
        Some(EARTH.ecef(place).to_vec().normalize())
    };
    text.lines().skip(1).map(town).collect()
}

/// Length of a side of the square in which [`crowd_among_even`] crowds.
pub(crate) const CROWD_SIDE_M: f64 = 1_000.0;

/// The first tenth in a square kilometre somewhere, the others even.
pub(crate) fn crowd_among_even(count: usize) -> Vec<Ecef> {
    let mut seeded = Seeded(14);
    let up = seeded.direction();
    let (east, north) = up.any_orthonormal_pair();
    let mut offset = || seeded.signed() * CROWD_SIDE_M / 2.0;
    let place = |_| on_datum(up * EARTH.radius_m() + east * offset() + north * offset());
    let mut places: Vec<_> = (0..count / 10).map(place).collect();
    places.extend(uniform(count - places.len()));
    places
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
