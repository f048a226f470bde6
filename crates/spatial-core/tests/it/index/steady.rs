//! Nobody, everybody in one place, everything in reach; no allocations; planets of other sizes.

use std::collections::BTreeSet;

use spatial_core::{
    Cap, CellId, Corridor, DVec3, Ecef, EntityId, LatLngRect, MovingIndex, Pair, PairSearch,
    Planet, Region,
};

use crate::allocations;
use crate::world::{Random, World, ecef};

const SEED: u64 = 30_317;

/// Nobody, everybody in one place, everything in reach, somebody at the planet's centre.
#[test]
fn extremes() {
    let index = MovingIndex::new();
    let view = index.view(&[], &[]);
    let (mut rows, mut hits, mut pairs) = (vec![7], Vec::new(), Vec::new());
    view.region_rows(&Cap::FULL, &mut rows);
    assert!(rows.is_empty());
    view.cell_rows(CellId::from_direction(DVec3::X), &mut rows);
    assert!(rows.is_empty());

    let zero = ecef(DVec3::ZERO);
    let up = ecef(DVec3::new(0.0, 0.0, 5e6));
    let ids: Vec<EntityId> = (1..=100).map(EntityId).collect();
    let mut places = vec![up; 100];
    places[17] = zero;
    let mut index = MovingIndex::new();
    index.rebuild(&ids, &places);
    let view = index.view(&ids, &places);
    for region in [&Cap::FULL as &dyn Region, &LatLngRect::FULL] {
        view.region_rows(region, &mut rows);
        assert_eq!(rows.len(), 99);
    }
    view.region_rows(&Cap::EMPTY, &mut rows);
    assert!(rows.is_empty());
    view.region_rows(&LatLngRect::EMPTY, &mut rows);
    assert!(rows.is_empty());
    let corridor = Corridor::new(vec![zero, up], f64::INFINITY).unwrap();
    view.corridor(&corridor, &mut hits);
    assert_eq!(hits.len(), 100);
    view.corridor(&Corridor::new(vec![zero], 0.0).unwrap(), &mut hits);
    assert_eq!((hits.len(), hits[0].row), (1, 17));
    let mut search = PairSearch::new();
    search.pairs(view, 0.0, &mut pairs).unwrap();
    assert_eq!(pairs.len(), 99 * 98 / 2);
    search.pairs(view, f64::INFINITY, &mut pairs).unwrap();
    let all: BTreeSet<Pair> = pairs.iter().copied().collect();
    assert_eq!((pairs.len(), all.len()), (4_950, 4_950));
    assert!(pairs.iter().all(|pair| pair.a < pair.b));
}

#[test]
fn the_steady_state_allocates_nothing() {
    let mut random = Random::new(SEED);
    let world = World::of_count(2_000, &mut random);
    let mut index = MovingIndex::new();
    index.rebuild(&world.ids, &world.places);
    let view = index.view(&world.ids, &world.places);
    let rect = LatLngRect::from_degrees([-60.0, 60.0], [100.0, -100.0]).unwrap();
    let cell = CellId::from_direction(world.places[0].to_vec()).parent(1);
    let path = vec![world.places[0], world.places[1], world.places[2]];
    let corridor = Corridor::new(path, world.planet.radius_m() / 10.0).unwrap();
    let radius_m = world.planet.radius_m() / 100.0;
    let (mut rows, mut hits) = (Vec::new(), Vec::new());
    let (mut search, mut pairs) = (PairSearch::new(), Vec::new());
    let mut all = || {
        view.region_rows(&rect, &mut rows);
        view.cell_rows(cell, &mut rows);
        view.corridor(&corridor, &mut hits);
        search.pairs(view, radius_m, &mut pairs).unwrap();
        let mut found = rows.len() + hits.len() + pairs.len();
        let centers = &world.places[..50];
        view.radius(centers[0], radius_m, &mut hits).unwrap();
        view.nearest(centers[0], 100, &mut hits);
        view.rows_within_each(centers, radius_m, &mut rows, |_, rows| found += rows.len())
            .unwrap();
        view.rows_within_radii(centers, &[radius_m; 50], &mut rows, |_, rows| {
            found += rows.len()
        })
        .unwrap();
        for count in [8, 100] {
            view.nearest_each(centers, count, &mut hits, |_, hits| found += hits.len());
        }
        view.region_rows_each(&[rect, rect], &mut rows, |_, rows| found += rows.len());
        view.cell_rows_each(&[cell], &mut rows, |_, rows| found += rows.len());
        let corridors = core::slice::from_ref(&corridor);
        view.corridor_each(corridors, &mut hits, |_, hits| found += hits.len());
        found
    };
    let warm = all();
    let (count, again) = allocations::count(all);
    assert_eq!((count, again), (0, warm));
    assert!(warm > 10);
}

#[test]
fn a_planet_s_radius_does_not_matter() {
    // Twice the planet, twice the places: the same regions hold the same entities.
    let mut random = Random::new(SEED);
    let world = World::of_count(500, &mut random);
    let doubled: Vec<Ecef> = world
        .places
        .iter()
        .map(|p| ecef(p.to_vec() * 2.0))
        .collect();
    let (mut one, mut two) = (MovingIndex::new(), MovingIndex::new());
    one.rebuild(&world.ids, &world.places);
    two.rebuild(&world.ids, &doubled);
    let (mut rows, mut other) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        let cap = Cap::new(random.any_direction(), random.log_uniform(0.01, 2.0)).unwrap();
        one.view(&world.ids, &world.places)
            .region_rows(&cap, &mut rows);
        two.view(&world.ids, &doubled).region_rows(&cap, &mut other);
        assert_eq!(rows, other);
    }
    assert!(Planet::new(2.0 * world.planet.radius_m()).is_ok());
}
