//! Checkpoints from a hostile disk.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use sim_core::{LoadError, World, WorldStart};
use spatial_core::Planet;

use crate::scene::{at, empty_world, lone_walker, tile};

#[test]
fn every_changed_or_missing_byte_is_noticed() {
    let (world, _) = lone_walker(at(46.95, 7.44));
    let saved = world.save();
    let load = |bytes: &[u8]| World::load(bytes, &mut |cell, _| Some(tile(cell))).map(|w| w.hash());
    assert_eq!(load(&saved).expect("what was saved"), world.hash());
    for n in 0..saved.len() {
        let mut damaged = saved.clone();
        damaged[n] ^= 0x10;
        assert!(load(&damaged).is_err(), "byte {n}");
        assert!(load(&saved[..n]).is_err(), "cut at {n}");
    }
    let mut long = saved.clone();
    long.push(0);
    assert!(load(&long).is_err());
}

#[test]
fn another_planet_is_refused() {
    let (world, _) = lone_walker(at(46.95, 7.44));
    let none = World::load(&world.save(), &mut |_, _| None);
    assert!(matches!(none, Err(LoadError::Tile { .. })));
    let wrong = World::load(&world.save(), &mut |cell, _| {
        Some(tile(cell.range_min().parent(0)))
    });
    assert!(matches!(wrong, Err(LoadError::Tile { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn damage_under_a_valid_checksum_never_panics(changes in vec((any::<Index>(), any::<u8>()), 1..6)) {
        let (world, _) = lone_walker(at(46.95, 7.44));
        let mut damaged = world.save();
        for (at, value) in changes {
            let body = &mut damaged[16..];
            let at = at.index(body.len());
            body[at] = value;
        }
        let sum = xxhash_rust::xxh3::xxh3_64(&damaged[16..]);
        damaged[8..16].copy_from_slice(&sum.to_le_bytes());
        if let Ok(mut world) = World::load(&damaged, &mut |cell, _| (cell.level() == 1).then(|| tile(cell))) {
            let tick = world.tick();
            let outcome = world.step(tick, &[]);
            prop_assert_eq!(outcome.is_err(), tick == u64::MAX);
        }
    }
}

#[test]
fn the_hash_tells_planets_and_rates_apart() {
    let start = empty_world().start().clone();
    let hash = |start: WorldStart| World::new(start).expect("a legal start").hash();
    let base = hash(start.clone());
    assert_eq!(hash(start.clone()), base);
    let moon = Planet::new(10_000.0).expect("a legal radius");
    assert_ne!(
        hash(WorldStart {
            planet: moon,
            ..start.clone()
        }),
        base
    );
    assert_ne!(
        hash(WorldStart {
            tick_rate_hz: 60,
            ..start.clone()
        }),
        base
    );
    assert_ne!(
        hash(WorldStart {
            world_id: 8,
            ..start
        }),
        base
    );
}
