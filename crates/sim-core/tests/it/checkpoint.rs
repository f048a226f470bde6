//! Checkpoints from a hostile disk.

use sim_core::{LoadError, World};

use crate::scene::{at, lone_walker, tile};

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
