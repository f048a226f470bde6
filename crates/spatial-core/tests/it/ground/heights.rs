//! Heights, one by one and many at once.

use std::sync::Arc;

use spatial_core::{DVec3, Ecef, Geodetic, LatticeSpec, Planet, SimdLevel, StoreError, Terrain};

use super::scene::{earth, ecef, rough, rough_store, without};
use crate::allocations;
use crate::golden::Draws;

const SEED: u64 = 90_210;

fn places(count: usize) -> Vec<Ecef> {
    let mut draws = Draws(SEED);
    (0..count)
        .map(|_| ecef(draws.place() * draws.scale(1.0, 1e9)))
        .collect()
}

#[test]
fn many_heights_are_each_as_one_at_every_level() {
    let lattice = LatticeSpec::new(3, 32, 3.0, 0.25).unwrap();
    let rough = rough(Planet::EARTH, lattice, 9_000.0);
    for (terrain, count) in [(rough, 5_003), (earth(), 1_500)] {
        let places = places(count);
        let geodetic: Vec<Geodetic> = places.iter().map(|p| Planet::EARTH.geodetic(*p)).collect();
        let want: Vec<_> = places
            .iter()
            .map(|p| terrain.height(*p).unwrap().to_bits())
            .collect();
        for level in SimdLevel::available() {
            let mut heights_m = vec![0.0; places.len()];
            terrain
                .heights_with(level, &places, &mut heights_m)
                .unwrap();
            assert!(
                heights_m
                    .iter()
                    .map(|h| h.to_bits())
                    .eq(want.iter().copied()),
                "{level:?}"
            );
            terrain
                .heights_with(level, &geodetic, &mut heights_m)
                .unwrap();
            for (place, height_m) in geodetic.iter().zip(&heights_m) {
                assert_eq!(
                    height_m.to_bits(),
                    terrain.height(*place).unwrap().to_bits()
                );
            }
        }
    }
}

#[test]
fn many_heights_allocate_nothing() {
    let lattice = LatticeSpec::new(3, 32, 3.0, 0.25).unwrap();
    let terrain = rough(Planet::EARTH, lattice, 9_000.0);
    let places = places(1_000);
    let mut heights_m = vec![0.0; places.len()];
    let (allocated, _) = allocations::count(|| terrain.heights(&places, &mut heights_m).unwrap());
    assert_eq!(allocated, 0);
}

#[test]
fn the_first_place_without_a_tile_is_named() {
    let lattice = LatticeSpec::new(3, 8, 0.0, 1.0).unwrap();
    let store = rough_store(Planet::EARTH, lattice, 500.0);
    let gone = lattice.tile_at(DVec3::new(1.0, 0.1, 0.2));
    let terrain = Terrain::new(Arc::new(without(&store, gone)));
    let mut places = places(400);
    places.retain(|p| lattice.tile_at(p.to_vec()) != gone);
    places.insert(300, ecef(DVec3::new(1.0, 0.1, 0.2)));
    places.insert(310, ecef(DVec3::new(1.0, 0.1, 0.2)));
    let mut heights_m = vec![f64::NAN; places.len()];
    let error = terrain.heights(&places, &mut heights_m).unwrap_err();
    assert_eq!(error.index, 300);
    assert!(matches!(error.error, StoreError::Missing { cell } if cell == gone));
    assert!(heights_m[..300].iter().all(|h| h.is_finite()));
}
