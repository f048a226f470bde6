//! A few queries of each kind among many entities, a thousand among `BLUEMARBLE_QUERIES_AMONG`.

use spatial_core::{CellId, LatLngRect, MovingIndex};

use super::balls::{assert_nearest, random_query};
use super::corridors::{self, assert_corridor, random_corridor};
use super::pairs::assert_pairs_of;
use super::regions::{Shape, random_box, random_cap, slots_in_box, slots_in_cell};
use super::scene::Scene;
use super::{Progress, first_seed, number};
use crate::world::{Random, World};

struct Size {
    entities: u64,
    queries: u64,
}

impl Size {
    fn new() -> Self {
        match number("BLUEMARBLE_QUERIES_AMONG") {
            Some(entities) => Self {
                entities,
                queries: 1_000,
            },
            None => Self {
                entities: 20_000,
                queries: 20,
            },
        }
    }
}

/// A query tells how many it has found.
fn check(
    kind: &'static str,
    queries: u64,
    mut query: impl FnMut(&Scene<'_>, &mut Random) -> usize,
) {
    let mut progress = Progress::new(kind, queries);
    let seed = first_seed();
    let mut random = Random::new(seed);
    let world = World::of_count(Size::new().entities, &mut random);
    let mut index = MovingIndex::new();
    index.rebuild(&world.ids, &world.places);
    let scene = Scene::new(seed, &world, &index);
    let mut useful = 0;
    for done in 1..=queries {
        useful += u64::from(query(&scene, &mut random) > 0);
        progress.at(done);
    }
    assert!(
        useful * 3 > queries,
        "{kind}: {useful} of {queries} find somebody"
    );
}

#[test]
fn balls_equal_brute_force() {
    let mut hits = Vec::new();
    check("balls among many", Size::new().queries, |scene, random| {
        let query = random_query(scene, random);
        let (center, radius_m) = query;
        scene.view.radius(center, radius_m, &mut hits).unwrap();
        let rows: Vec<u32> = hits.iter().map(|hit| hit.row).collect();
        scene.assert_rows(&rows, &scene.slots_within(center, radius_m), &query);
        let count = random.log_uniform(1.0, 1_000.0) as usize;
        scene.view.nearest(center, count, &mut hits);
        assert_nearest(scene, center, count, &hits);
        rows.len()
    });
}

#[test]
fn regions_equal_brute_force() {
    let mut rows = Vec::new();
    check(
        "regions among many",
        Size::new().queries,
        |scene, random| {
            let mut found = 0;
            let [lat, lng] = random_box(scene, random);
            let rect = LatLngRect::from_degrees(lat, lng).unwrap();
            scene.view.region_rows(&rect, &mut rows);
            scene.assert_rows(&rows, &slots_in_box(scene, lat, lng), &(lat, lng));
            found += usize::from(!rows.is_empty());
            let cap = random_cap(scene, random);
            scene.view.region_rows(&cap, &mut rows);
            scene.assert_rows(&rows, &scene.slots_in_cap(&cap), &cap);
            found += usize::from(!rows.is_empty());
            let level = random.below(20) as u8;
            let cell = CellId::from_direction(scene.direction(random)).parent(level);
            scene.view.cell_rows(cell, &mut rows);
            scene.assert_rows(&rows, &slots_in_cell(scene, cell), &cell);
            found += usize::from(!rows.is_empty());
            let shape = Shape::random(scene, random);
            scene.view.region_rows(&shape.polygon, &mut rows);
            scene.assert_rows(&rows, &shape.slots(scene), &shape.polygon);
            found += usize::from(!rows.is_empty());
            found / 3 // most of the four
        },
    );
}

#[test]
fn corridors_equal_brute_force() {
    let mut hits = Vec::new();
    let mut force = corridors::Force::default();
    check(
        "corridors among many",
        Size::new().queries,
        |scene, random| {
            let corridor = random_corridor(scene, random);
            scene.view.corridor(&corridor, &mut hits);
            assert_corridor(scene, &corridor, &hits, &mut force);
            hits.len()
        },
    );
}

/// Each time all pairs are found, and those of a hundred entities looked at.
#[test]
fn pairs_equal_brute_force() {
    check(
        "pairs among many",
        Size::new().queries.div_ceil(100),
        |scene, random| {
            let some: std::collections::BTreeSet<usize> = (0..100)
                .map(|_| random.below(scene.ids.len() as u64) as usize)
                .collect();
            let some: Vec<usize> = some.into_iter().collect();
            let radius_m = random.log_uniform(0.1, 5_000.0);
            assert_pairs_of(scene, &some, radius_m)
        },
    );
}
