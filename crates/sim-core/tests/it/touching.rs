//! The list of who touches whom, against brute force and against what a step feels.

use sim_core::{Kind, Record, SimLevel, Snapshot, Tier, World};
use spatial_core::{EntityId, Planet};

use crate::contacts::{DOUBT_M, crowd, distance_m};
use crate::scene::{PLACES_DEG, tile};

fn sorted(world: &mut World) -> Vec<[EntityId; 2]> {
    let mut pairs = Vec::new();
    world.touching(&mut pairs);
    pairs.sort_unstable();
    pairs
}

fn is_awake(world: &World, id: EntityId) -> bool {
    world.tier(id) != Some(Tier::ASLEEP)
}

/// Pairs of whom one is awake, ascending, and by how much they are apart or overlap.
fn brute_force(world: &World, agents: &[(EntityId, Kind)]) -> Vec<([EntityId; 2], f64)> {
    let place = |id| world.place(world.row_of(id).expect("it is there")).to_vec();
    let mut pairs = Vec::new();
    for (n, (a, kind_a)) in agents.iter().enumerate() {
        for (b, kind_b) in &agents[..n] {
            if is_awake(world, *a) || is_awake(world, *b) {
                let both = ((place(*a), kind_a), (place(*b), kind_b));
                let gap = distance_m(Planet::EARTH, both.0, both.1);
                pairs.push((
                    [*a.min(b), *a.max(b)],
                    gap - kind_a.radius_m() - kind_b.radius_m(),
                ));
            }
        }
    }
    pairs.sort_unstable_by_key(|(pair, _)| *pair);
    pairs
}

#[test]
fn pairs_are_those_of_brute_force_and_what_a_step_feels() {
    let mut total = 0;
    for (n, place) in (0..).zip(PLACES_DEG) {
        for seed in n * 3..n * 3 + 3 {
            let (mut world, agents) = crowd(Planet::EARTH, place, seed);
            let pairs = sorted(&mut world);
            for (pair, gap_m) in brute_force(&world, &agents) {
                let is_listed = pairs.binary_search(&pair).is_ok();
                assert!(
                    is_listed == (gap_m < 0.0) || gap_m.abs() < DOUBT_M,
                    "{pair:?}, {gap_m} m, at {place:?}, seed {seed}"
                );
            }
            let is_told_twice = pairs.windows(2).any(|pair| pair[0] == pair[1]);
            assert!(!is_told_twice, "at {place:?}, seed {seed}");
            let sides = pairs.iter().flatten().filter(|id| is_awake(&world, **id));
            let sides = sides.count() as u64;
            assert_eq!(world.step(4, &[]).expect("a step").contacts, sides);
            total += pairs.len();
        }
    }
    assert!(total > 2_000, "{total}");
}

#[test]
fn asking_changes_nothing_and_is_answered_alike_at_all_levels_on_all_threads() {
    let place = PLACES_DEG[3];
    let (mut silent, _) = crowd(Planet::EARTH, place, 4);
    let (mut asked, agents) = crowd(Planet::EARTH, place, 4);
    let mut snapshot = Snapshot::default();
    for tick in 4..40 {
        let pairs = sorted(&mut asked);
        assert_eq!(pairs, sorted(&mut asked), "asked twice in tick {tick}");
        for level in [SimLevel::Scalar, SimLevel::Sse2, SimLevel::Avx2] {
            for threads in [1, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                let pool = pool.expect("a few threads");
                if asked.set_level(level) {
                    assert_eq!(pool.install(|| sorted(&mut asked)), pairs);
                }
            }
        }
        let records = [Record::Tier {
            entity: agents[tick as usize % agents.len()].0,
            tier: [Tier::ASLEEP, Tier::EVERY_TICK][tick as usize % 2],
        }];
        for world in [&mut silent, &mut asked] {
            world.step(tick, &records).expect("a step");
        }
        assert_eq!(silent.hash(), asked.hash(), "tick {tick}");
        if tick == 20 {
            asked.snapshot(&mut snapshot);
        }
    }
    asked.restore(&snapshot).expect("its own snapshot");
    let after = sorted(&mut asked);
    let mut tiles = |cell, _| Some(tile(cell));
    let mut loaded = World::load(&asked.save(), &mut tiles).expect("a checkpoint");
    assert_eq!(sorted(&mut loaded), after);
}
