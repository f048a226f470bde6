//! Everybody within a distance, and the nearest.

use spatial_core::{Ecef, EntityId, Hit};

use super::scene::Scene;
use super::{Size, check};
use crate::world::{Random, ecef};

pub(super) fn random_query(scene: &Scene<'_>, random: &mut Random) -> (Ecef, f64) {
    let world = scene.world;
    let radius_m = random.log_uniform(0.1, 2e7);
    let friend = world.any_place(random);
    let center = match random.below(10) {
        0 | 1 => world.at(random.awkward_direction(), random.between(-100.0, 100.0)),
        2 | 3 => world.at(random.direction(), random.log_uniform(1.0, 1e6)),
        4 | 5 => friend,
        6 => ecef(friend.to_vec() * random.between(0.0, 2.0)),
        _ => world.near(friend, 0.1, radius_m.max(0.2), random),
    };
    match random.below(8) {
        0 => (center, center.distance_m(world.any_place(random))), // somebody exactly on the rim
        _ => (center, radius_m),
    }
}

#[test]
fn radius_queries_equal_brute_force() {
    let (mut hits, mut rows) = (Vec::new(), Vec::new());
    let mut many = 0;
    let size = Size::new();
    check("radius", size, |scene, random| {
        let query = random_query(scene, random);
        let (center, radius_m) = query;
        let want = scene.slots_within(center, radius_m);
        scene.view.rows_within(center, radius_m, &mut rows).unwrap();
        scene.assert_rows(&rows, &want, &query);
        // With ids and distances, in turn with rows alone.
        scene.view.radius(center, radius_m, &mut hits).unwrap();
        assert!(hits.iter().map(|hit| &hit.row).eq(&rows));
        assert!(hits.iter().all(|hit| is_true(scene, center, hit)));
        many += u64::from(rows.len() > 10 && rows.len() < scene.ids.len());
        rows.len()
    });
    assert!(many > size.queries / 5, "{many} with more than ten");
}

fn is_true(scene: &Scene<'_>, center: Ecef, hit: &Hit) -> bool {
    let (id, place) = (
        scene.world.ids[hit.row as usize],
        scene.world.places[hit.row as usize],
    );
    (hit.id, hit.distance_m) == (id, place.distance_m(center))
}

#[test]
fn the_nearest_equal_brute_force() {
    let mut hits = Vec::new();
    check("nearest", Size::new(), |scene, random| {
        let (center, _) = random_query(scene, random);
        let count = match random.below(200) {
            0 => scene.ids.len() - random.below(3) as usize,
            1 => random.below(2) as usize,
            _ => random.log_uniform(1.0, 100.0) as usize,
        };
        scene.view.nearest(center, count, &mut hits);
        assert_nearest(scene, center, count, &hits);
        hits.len()
    });
}

/// As many as were asked for, ascending by distance, then id; and there are no others before the last of them.
pub(super) fn assert_nearest(scene: &Scene<'_>, center: Ecef, count: usize, hits: &[Hit]) {
    let query = || format!("world of seed {}: {center:?} {count}", scene.seed);
    assert_eq!(hits.len(), count.min(scene.ids.len()), "{}", query());
    assert!(
        hits.iter().all(|hit| is_true(scene, center, hit)),
        "{}",
        query()
    );
    let ascends = hits.is_sorted_by(|a, b| (a.distance_m, a.id) < (b.distance_m, b.id));
    assert!(ascends, "{}", query());
    if let Some(last) = hits.last() {
        let distances = scene.places.distances_from(0, center.to_vec());
        let all = distances.iter().zip(&scene.ids);
        let before = |(distance_m, id): (&f64, &EntityId)| {
            usize::from(*distance_m < last.distance_m)
                + usize::from((*distance_m == last.distance_m) & (*id <= last.id))
        };
        assert_eq!(all.map(before).sum::<usize>(), hits.len(), "{}", query());
    }
}
