//! All pairs within a distance of each other.

use spatial_core::{EntityId, InvalidRadius, MovingIndex, Pair, PairSearch};

use super::scene::{Scene, slots_where};
use super::{Size, check};
use crate::world::Random;

#[test]
fn pairs_equal_brute_force() {
    // Each answers for every entity of a world, of which there are 6,342 on average, or 317 in small ones.
    let size = Size::new();
    let mean = if size.entities[0] < 1_000 { 317 } else { 6_342 };
    let size = Size {
        queries: size.queries.div_ceil(mean),
        a_world: 5,
        ..size
    };
    let (mut search, mut pairs) = (PairSearch::new(), Vec::new());
    check("pairs", size, |scene, random| {
        let radius_m = random_radius(scene, random);
        search.pairs(scene.view, radius_m, &mut pairs).unwrap();
        assert_pairs(scene, radius_m, &pairs);
        pairs.len().min(scene.ids.len() - 1)
    });
}

/// From none to a twentieth of a planet; often so that two are exactly as far apart.
fn random_radius(scene: &Scene<'_>, random: &mut Random) -> f64 {
    let a = random.below(scene.ids.len() as u64 - 1) as usize;
    match random.below(8) {
        0 => 0.0,
        // Of two that are near each other in the index, hence in space.
        1 => {
            let b = (a + 1 + random.below(8) as usize).min(scene.ids.len() - 1);
            let distance_m = scene.places.distances_from(b, scene.places.get(a))[0];
            distance_m.min(0.1 * scene.world.planet.radius_m())
        }
        _ => random.log_uniform(0.1, scene.world.planet.radius_m() / 10.0),
    }
}

/// Every pair once, from its earlier entity in iteration order, then of the later one.
fn assert_pairs(scene: &Scene<'_>, radius_m: f64, pairs: &[Pair]) {
    let query = || format!("world of seed {}: {radius_m}", scene.seed);
    let mut next = pairs.iter();
    for slot in 0..scene.ids.len() {
        let distances = scene
            .places
            .distances_from(slot + 1, scene.places.get(slot));
        for later in slots_where(&distances, |_, distance_m| distance_m <= radius_m) {
            let want = pair_of(scene, [slot, slot + 1 + later as usize]);
            assert_eq!(next.next(), Some(&want), "{}", query());
        }
    }
    assert_eq!(next.next(), None, "{}", query());
}

fn pair_of(scene: &Scene<'_>, slots: [usize; 2]) -> Pair {
    let mut pair = slots.map(|slot| (scene.ids[slot], scene.rows[slot]));
    pair.sort_unstable();
    Pair {
        a: pair[0].0,
        b: pair[1].0,
        rows: pair.map(|(_, row)| row),
    }
}

/// Of a few entities among many: who is paired with them, all told.
pub(super) fn assert_pairs_of(scene: &Scene<'_>, some: &[usize], radius_m: f64) -> usize {
    let asked: std::collections::BTreeSet<EntityId> = some.iter().map(|s| scene.ids[*s]).collect();
    let mut is_asked = vec![false; scene.ids.len()];
    for slot in some {
        is_asked[scene.rows[*slot] as usize] = true;
    }
    let mut found = Vec::new();
    let take = |pair: Pair| {
        if pair.rows.iter().any(|row| is_asked[*row as usize]) {
            found.push(pair);
        }
    };
    PairSearch::new()
        .for_each(scene.view, radius_m, take)
        .unwrap();
    let mut want = Vec::new();
    for slot in some {
        for other in scene.slots_within(scene.world.places[scene.rows[*slot] as usize], radius_m) {
            let other = other as usize;
            // Of two that were both asked about, the lesser slot tells.
            let is_told = asked.contains(&scene.ids[other]) && other < *slot;
            if other != *slot && !is_told {
                want.push(pair_of(scene, [*slot, other]));
            }
        }
    }
    found.sort_unstable();
    want.sort_unstable();
    assert!(
        found == want,
        "seed {}: pairs within {radius_m} m",
        scene.seed
    );
    found.len()
}

#[test]
fn nonsense_is_refused() {
    let index = MovingIndex::new();
    let view = index.view(&[], &[]);
    let mut pairs = vec![Pair {
        a: EntityId(1),
        b: EntityId(2),
        rows: [0, 1],
    }];
    let mut search = PairSearch::new();
    assert_eq!(
        search.pairs(view, -2.0, &mut pairs),
        Err(InvalidRadius(-2.0))
    );
    assert!(search.pairs(view, f64::NAN, &mut pairs).is_err());
    assert_eq!(pairs.len(), 1);
    assert_eq!(search.pairs(view, 1.0, &mut pairs), Ok(()));
    assert!(pairs.is_empty());
}
