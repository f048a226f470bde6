//! The index's order, places by the thousand, crowds, batches, bounds, the planet's centre.

use spatial_core::{
    DVec3, Ecef, EntityId, Hit, IndexView, InvalidRadius, MovingIndex, Planet, SimdLevel,
};

use crate::allocations;
use crate::world::{Random, World, ecef};

const SEED: u64 = 20_214;

/// The specification: a look at everybody, in iteration order.
fn radius_by_force(view: IndexView<'_>, world: &World, center: Ecef, radius_m: f64) -> Vec<Hit> {
    let hits = view.rows().iter().map(|row| Hit {
        id: world.ids[*row as usize],
        row: *row,
        distance_m: world.places[*row as usize].distance_m(center),
    });
    hits.filter(|hit| hit.distance_m <= radius_m).collect()
}

/// The same for the nearest.
fn nearest_by_force(world: &World, center: Ecef, count: usize) -> Vec<(f64, EntityId)> {
    let all = world.ids.iter().zip(&world.places);
    let mut all: Vec<_> = all.map(|(id, p)| (p.distance_m(center), *id)).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    all.truncate(count);
    all
}

/// A world, and an index over it for each SIMD level.
fn indexes(world: &World) -> Vec<MovingIndex> {
    let index = |level| {
        let mut index = MovingIndex::with_simd(level);
        index.rebuild(&world.ids, &world.places);
        index.view(&world.ids, &world.places).assert_well_formed();
        index
    };
    SimdLevel::available().map(index).collect()
}

/// The order of everybody does not depend on rows, on the index's past or on the SIMD level.
#[test]
fn the_order_is_a_function_of_places_and_ids() {
    println!("seed {SEED}");
    let mut random = Random::new(SEED + 2);
    for _ in 0..10 {
        let mut world = World::random(&mut random);
        let mut old = indexes(&world);
        for step in 0..10 {
            let step_m = [10.0, 1e4, 1e7][step % 3];
            move_all(&mut world, step_m, &mut random);
            let mut fresh = MovingIndex::with_simd(SimdLevel::Scalar);
            let mixed = mixed_rows(&world, &mut random);
            fresh.rebuild(&mixed.ids, &mixed.places);
            let want = ids_in_order(fresh.view(&mixed.ids, &mixed.places), &mixed);
            for index in &mut old {
                index.rebuild(&world.ids, &world.places);
                let view = index.view(&world.ids, &world.places);
                view.assert_well_formed();
                assert_eq!(ids_in_order(view, &world), want);
            }
        }
    }
}

fn ids_in_order(view: IndexView<'_>, world: &World) -> Vec<EntityId> {
    let id = |row: &u32| world.ids[*row as usize];
    view.rows().iter().map(id).collect()
}

fn mixed_rows(world: &World, random: &mut Random) -> World {
    let mut rows: Vec<usize> = (0..world.ids.len()).collect();
    rows.sort_by_cached_key(|_| random.next());
    World {
        planet: world.planet,
        ids: rows.iter().map(|row| world.ids[*row]).collect(),
        places: rows.iter().map(|row| world.places[*row]).collect(),
    }
}

/// Everybody in one place, one above the other, and in two places: as many as an entity a leaf cannot be.
#[test]
fn equal_places_by_the_thousand() {
    let pole = DVec3::new(0.0, 0.0, 6_371_008.8);
    let stack = |n: u32| ecef(pole + DVec3::Z * f64::from(n));
    let pair = |n: u32| ecef(pole + DVec3::X * f64::from(n % 2) * 1e-3);
    for place in [&|_| ecef(pole), &stack, &pair] as [&dyn Fn(u32) -> Ecef; 3] {
        let count = 20_000u32;
        let world = World {
            planet: Planet::EARTH,
            ids: (0..count).rev().map(|n| EntityId(n.into())).collect(),
            places: (0..count).map(place).collect(),
        };
        for index in indexes(&world) {
            let view = index.view(&world.ids, &world.places);
            let mut hits = Vec::new();
            view.nearest(ecef(pole), 5, &mut hits);
            let want = nearest_by_force(&world, ecef(pole), 5);
            let got = hits.iter().map(|hit| (hit.distance_m, hit.id));
            assert!(got.eq(want.iter().copied()));
            for radius_m in [0.0, 1e-3, 7.5, 1e9] {
                view.radius(ecef(pole), radius_m, &mut hits).unwrap();
                let want = radius_by_force(view, &world, ecef(pole), radius_m);
                assert_eq!(hits, want);
            }
        }
    }
}

/// A crowd within an even spread: its cells are split again and again.
#[test]
fn crowds_equal_brute_force() {
    println!("seed {SEED}");
    let mut random = Random::new(SEED + 3);
    let planet = Planet::EARTH;
    let mut world = World {
        planet,
        ids: Vec::new(),
        places: Vec::new(),
    };
    for n in 0..20_000u64 {
        let friend = match n {
            0..10 => world.at(random.any_direction(), 0.0),
            _ => world.places[n as usize % 10],
        };
        world
            .places
            .push(world.near(friend, 0.05, 1e5, &mut random));
        world.ids.push(EntityId(n * 7919 % 20_000));
    }
    let (mut hits, mut numbers, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for index in indexes(&world) {
        let view = index.view(&world.ids, &world.places);
        for _ in 0..300 {
            let center = world.any_place(&mut random);
            let radius_m = random.log_uniform(1e-3, 1e6);
            view.radius(center, radius_m, &mut hits).unwrap();
            assert_eq!(hits, radius_by_force(view, &world, center, radius_m));
            view.nearest(center, 20, &mut hits);
            let want = nearest_by_force(&world, center, 20);
            let got = hits.iter().map(|hit| (hit.distance_m, hit.id));
            assert!(got.eq(want.iter().copied()));
        }
        // Sorted by cell, places come in the order of rows, but for those that share a cell.
        index.sort_by_cell(&world.places, &mut keys, &mut numbers);
        let slots: Vec<_> = {
            let mut slots = vec![0; world.ids.len()];
            for (slot, row) in view.rows().iter().enumerate() {
                slots[*row as usize] = slot;
            }
            numbers.iter().map(|n| slots[*n as usize]).collect()
        };
        let drift = slots.iter().enumerate().map(|(n, slot)| n.abs_diff(*slot));
        assert!(drift.max().unwrap() <= 32);
    }
}

#[test]
fn batches_equal_single_queries() {
    let mut random = Random::new(SEED + 4);
    let world = World::random(&mut random);
    let mut index = MovingIndex::new();
    index.rebuild(&world.ids, &world.places);
    let view = index.view(&world.ids, &world.places);
    let (mut rows, mut want) = (Vec::new(), Vec::new());
    let mut next = 0;
    let tell = |n: usize, rows: &[u32]| {
        assert_eq!(n, next);
        next += 1;
        view.rows_within(world.places[n], 1e6, &mut want).unwrap();
        assert_eq!(rows, want);
    };
    view.rows_within_each(&world.places, 1e6, &mut rows, tell)
        .unwrap();
    assert_eq!(next, world.places.len());
    let nobody = |_: usize, _: &[u32]| panic!("called in spite of the error");
    let nonsense = view.rows_within_each(&world.places, -1.0, &mut rows, nobody);
    assert_eq!(nonsense, Err(InvalidRadius(-1.0)));
}

#[test]
fn the_bound_is_included_and_the_edge_is_not_crossed() {
    let planet = Planet::EARTH;
    let mut index = MovingIndex::new();
    let pole = ecef(DVec3::new(0.0, 0.0, planet.radius_m()));
    let beside = ecef(DVec3::new(30.0, 40.0, planet.radius_m()));
    let (ids, places) = ([EntityId(9), EntityId(3)], [pole, beside]);
    index.rebuild(&ids, &places);
    let view = index.view(&ids, &places);
    let mut found = Vec::new();
    let mut within = |radius_m| {
        found.clear();
        view.for_each_within(pole, radius_m, |hit| found.push((hit.id.0, hit.row)))
            .unwrap();
        found.sort_unstable();
        found.clone()
    };
    assert_eq!(within(0.0), [(9, 0)]);
    assert_eq!(within(50.0), [(3, 1), (9, 0)]);
    assert_eq!(within(50.0f64.next_down()), [(9, 0)]);
    assert_eq!(within(f64::INFINITY), [(3, 1), (9, 0)]);
}

#[test]
fn nonsense_is_refused() {
    let index = MovingIndex::new();
    let view = index.view(&[], &[]);
    view.assert_well_formed();
    let center = ecef(DVec3::new(1.0, 2.0, 3.0));
    let mut hits = vec![Hit {
        id: EntityId(1),
        row: 0,
        distance_m: 0.0,
    }];
    let refused = view.radius(center, -0.1, &mut hits);
    assert_eq!((refused, hits.len()), (Err(InvalidRadius(-0.1)), 1));
    assert!(view.radius(center, f64::NAN, &mut hits).is_err());
    let mut rows = vec![5];
    assert!(view.rows_within(center, -1.0, &mut rows).is_err());
    assert_eq!(rows, [5]);
    assert_eq!(view.radius(center, 1e9, &mut hits), Ok(()));
    assert_eq!((hits.len(), index.len(), index.is_empty()), (0, 0, true));
    view.nearest(center, 3, &mut hits);
    assert!(hits.is_empty());
}

#[test]
fn counts_of_nearest_beyond_all_and_none() {
    let places = [1.0, 2.0, 2.0].map(|x| ecef(DVec3::X * x * 1e6));
    let ids = [EntityId(5), EntityId(4), EntityId(3)];
    let mut index = MovingIndex::new();
    index.rebuild(&ids, &places);
    let view = index.view(&ids, &places);
    let mut hits = Vec::new();
    let mut nearest = |count| {
        view.nearest(ecef(DVec3::ZERO), count, &mut hits);
        hits.iter().map(|hit| hit.id.0).collect::<Vec<_>>()
    };
    assert!(nearest(0).is_empty());
    assert_eq!(nearest(2), [5, 3]);
    assert_eq!(nearest(usize::MAX), [5, 3, 4]);
}

/// Everything at or near the planet's centre, where directions mean nothing.
#[test]
fn the_centre_of_the_planet_is_an_ordinary_place() {
    let planet = Planet::new(10_000.0).unwrap();
    let coordinates = [0.0, -0.0, 1e-300, -1e-160, 0.25, -3.0, 9_000.0];
    let mut world = World {
        planet,
        ids: Vec::new(),
        places: Vec::new(),
    };
    for x in coordinates {
        for y in coordinates {
            for z in coordinates {
                world.ids.push(EntityId(world.ids.len() as u64 + 1));
                world.places.push(Ecef::new(x, y, z).unwrap());
            }
        }
    }
    let mut index = MovingIndex::new();
    index.rebuild(&world.ids, &world.places);
    let view = index.view(&world.ids, &world.places);
    view.assert_well_formed();
    let mut hits = Vec::new();
    for center in &world.places {
        for radius_m in [0.0, 1e-300, 0.25, 3.5, 5.0, 9_000.0, 1e5] {
            view.radius(*center, radius_m, &mut hits).unwrap();
            let want = radius_by_force(view, &world, *center, radius_m);
            assert_eq!(hits, want, "{center:?} {radius_m}");
        }
    }
}

/// Moves everybody; now and then one is gone and the last takes its row.
fn move_all(world: &mut World, step_m: f64, random: &mut Random) {
    for n in 0..world.places.len() {
        world.places[n] = world.near(world.places[n], step_m / 100.0, step_m, random);
    }
    if world.ids.len() > 100 {
        let gone = random.below(world.ids.len() as u64) as usize;
        world.ids.swap_remove(gone);
        world.places.swap_remove(gone);
    }
}

#[test]
fn the_steady_state_allocates_nothing() {
    let mut random = Random::new(SEED);
    let mut world = World::random(&mut random);
    let reach_m = world.planet.radius_m() / 5.0;
    let mut index = MovingIndex::new();
    let mut hits = Vec::new();
    let center = world.places[0];
    let mut tick = |places: &[Ecef]| {
        index.rebuild(&world.ids, places);
        let view = index.view(&world.ids, places);
        view.nearest(center, 10, &mut hits);
        view.radius(center, reach_m, &mut hits).unwrap();
        hits.len()
    };
    // Every buffer grows to its largest while everybody comes to one place and leaves it.
    let (here, away) = (center, ecef(-center.to_vec()));
    for place in [here, here, away, here] {
        tick(&vec![place; world.places.len()]);
    }
    for step in 0..30 {
        for place in &mut world.places {
            *place = ecef(place.to_vec() + random.direction() * reach_m / 10.0);
        }
        let (count, found) = allocations::count(|| tick(&world.places));
        assert!(
            count == 0 || step < 10,
            "the directory has grown to its size"
        );
        assert!(found > 0 && found < world.ids.len());
    }
}
