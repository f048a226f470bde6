//! Every check, fed with what it is there to notice.

use net_proto::{Avatar, Epoch, WorldId};
use spatial_core::Position;

use super::*;

const OWN: EntityId = EntityId(5);

fn checks() -> Checks {
    let welcome = Welcome {
        world: WorldId(1),
        player: OWN,
        tick: 3,
        tick_rate_hz: 30,
        snapshot_ticks: 2,
        radius_mm: 6_371_008_800,
        interest_dm: 2_000,
        speed_limit: 8 * 256,
        gravity: 2_511,
        avatar: Avatar::default(),
        lattice: 0,
    };
    Checks::new((&welcome, Planet::EARTH), 10.0, None)
}

fn state(id: EntityId, [x, y, z]: [f64; 3]) -> EntityState {
    let at = |m: f64| (m * UNITS_PER_M) as i32;
    let place = Planet::EARTH.ecef(spatial_core::Geodetic::from_degrees(46.0, 7.7, 0.0).unwrap());
    let frame = Planet::EARTH.position(place).unwrap().frame;
    let position = Position {
        frame,
        x: at(x),
        y: at(y),
        z: at(z),
    };
    EntityState::new(id, position, 0)
}

/// Somebody who came from one place to another in two ticks.
fn moved(id: u64, tick: u64, from: [f64; 3], to: [f64; 3]) -> Tracked {
    Tracked {
        state: state(EntityId(id), to),
        tick,
        previous: state(EntityId(id), from),
        previous_tick: tick - 2,
    }
}

fn info(tick: u64) -> SnapshotInfo {
    SnapshotInfo {
        tick,
        last_input_seq: 0,
        durable_tick: 0,
        updates: 0,
        dropped: 0,
        repeated: 0,
        completed: None,
        is_newest: true,
    }
}

/// What is found in a view of the bot, who stands still, and one other.
fn with(other: Tracked) -> Violations {
    let own = moved(OWN.0, 100, [0.0; 3], [0.0; 3]);
    seen(&[own, other], &info(100))
}

fn seen(tracked: &[Tracked], info: &SnapshotInfo) -> Violations {
    checks().after(View {
        info,
        tracked,
        completed: None,
    })
}

const NONE: Violations = Violations {
    ids: 0,
    ticks: 0,
    interest: 0,
    speed: 0,
    height: 0,
    absent: 0,
    digests: 0,
};

#[test]
fn nothing_is_found_in_what_is_right() {
    let found = with(moved(9, 100, [200.0, 0.0, 4.0], [200.6, 0.0, 4.2]));
    assert_eq!(found, NONE);
    assert_eq!(
        with(moved(9, 98, [900.0, 0.0, 0.0], [0.0; 3])),
        NONE,
        "an old state"
    );
}

#[test]
fn who_is_out_of_reach_or_too_fast_is_found() {
    let far = [210.8, 0.0, 0.0]; // 200 and 10, and 0.67 that two walk in a tick
    assert_eq!(
        with(moved(9, 100, far, far)),
        Violations {
            interest: 1,
            ..NONE
        }
    );
    let above = [0.0, 0.0, 211.0];
    assert_eq!(with(moved(9, 100, above, above)).interest, 1);
    // Two ticks at 30 Hz, 10 m/s: 0.67 m.
    let fast = with(moved(9, 100, [0.0; 3], [0.5, 0.5, 0.0]));
    assert_eq!(fast, Violations { speed: 1, ..NONE });
    for climb in [2.1, -2.1] {
        let found = with(moved(9, 100, [0.0; 3], [0.0, 0.0, climb]));
        assert_eq!(found, Violations { height: 1, ..NONE });
    }
}

#[test]
fn ids_that_come_twice_are_found() {
    let still = |id| moved(id, 100, [0.0; 3], [0.0; 3]);
    assert_eq!(seen(&[still(5), still(5)], &info(100)).ids, 1);
    assert_eq!(seen(&[still(6), still(5)], &info(100)).ids, 1);
    let twice = SnapshotInfo {
        repeated: 2,
        ..info(100)
    };
    assert_eq!(seen(&[still(5)], &twice).ids, 2);
}

#[test]
fn a_view_without_the_own_avatar_is_found() {
    let mut checks = checks();
    let (info, others) = (info(96), [state(EntityId(4), [0.0; 3])]);
    let mut absent = |set| {
        let view = View {
            info: &info,
            tracked: &[],
            completed: Some(set),
        };
        checks.after(view).absent
    };
    assert_eq!((absent(&others), absent(&[])), (1, 1));
    assert_eq!(absent(&[state(OWN, [0.0; 3])]), 0);
}

#[test]
fn ticks_that_do_not_rise_are_found() {
    let visit = |ticks: &mut dyn Iterator<Item = u64>| {
        let mut checks = checks();
        checks.matched = 1;
        for tick in ticks {
            checks.after(View {
                info: &info(tick),
                tracked: &[],
                completed: None,
            });
        }
        checks.finish()
    };
    assert_eq!(visit(&mut (0..100).map(|n| 2 * n)), NONE);
    // Parts of one snapshot, and a few that were overtaken.
    let overtaken = |n: u64| if n == 50 { 40 } else { n };
    assert_eq!(visit(&mut (0..100).map(overtaken)), NONE);
    // Every second one late, and time running backwards.
    let swapped = |n: u64| 2 * (n ^ 1);
    assert_eq!(visit(&mut (0..100).map(swapped)).ticks, 1);
    assert_eq!(visit(&mut (0..100).rev()).ticks, 1);
}

fn digest(ids: impl Iterator<Item = u64>) -> Digest {
    Digest {
        epoch: Epoch::new(9).unwrap(),
        durable_tick: 0,
        state_hash: 0,
        entities: ids.map(|id| state(EntityId(id), [0.0; 3])).collect(),
    }
}

#[test]
fn digests_that_say_too_little_are_found() {
    let judge = |ids: &[u64], known| {
        let digest = digest(ids.iter().copied());
        checks().digest(&digest, DigestVerdict::Match, known)
    };
    let sixteen: Vec<u64> = (1..=16).rev().collect();
    assert_eq!(judge(&sixteen, Some(70)), NONE);
    assert_eq!(judge(&sixteen[..3], Some(3)), NONE);
    assert_eq!(judge(&sixteen[..15], Some(70)).digests, 1);
    assert_eq!(judge(&[], Some(1)).digests, 1);
    assert_eq!(judge(&[1, 2, 1], Some(3)).ids, 1);
}

#[test]
fn visits_without_digests_that_agree_are_found() {
    let visit = |last_tick, verdicts: &[(DigestVerdict, usize)]| {
        let mut checks = checks();
        for tick in [1, last_tick] {
            checks.after(View {
                info: &info(tick),
                tracked: &[],
                completed: None,
            });
        }
        for &(verdict, times) in verdicts {
            for _ in 0..times {
                checks.digest(&digest(1..2), verdict, None);
            }
        }
        checks.finish().digests
    };
    use DigestVerdict::{Match, Unknown};
    assert_eq!(visit(60, &[]), 0, "too short to say");
    assert_eq!(visit(600, &[(Match, 20), (Unknown, 3)]), 0);
    assert_eq!(visit(600, &[]), 1);
    assert_eq!(visit(600, &[(Match, 20), (Unknown, 20)]), 1);
    assert_eq!(visit(600, &[(Unknown, 20)]), 2);
}

#[test]
fn who_is_not_on_the_ground_is_found() {
    let lattice = spatial_core::LatticeSpec::new(1, 16, 100.0, 1.0).unwrap();
    let manifest = spatial_core::Manifest::new(Planet::EARTH, lattice, "flat", "CC0");
    let tiles = (0..6).map(|face| {
        let cell = spatial_core::CellId::from_face_ij(face, 0, 0, 0);
        spatial_core::HeightTile::new(cell, 16, vec![0; 289]).unwrap()
    });
    let store = spatial_core::MemoryStore::new(manifest, tiles).unwrap();
    let mut checks = checks();
    checks.terrain = Some(Arc::new(Terrain::new(Arc::new(store))));
    for (height, expected) in [(100.0, 0), (99.0, 0), (120.0, 1), (80.0, 1)] {
        let place =
            Planet::EARTH.ecef(spatial_core::Geodetic::from_degrees(46.0, 7.7, height).unwrap());
        let own = EntityState::new(OWN, Planet::EARTH.position(place).unwrap(), 0);
        let view = View {
            info: &info(96),
            tracked: &[],
            completed: Some(&[own]),
        };
        assert_eq!(checks.after(view).height, expected, "at {height} m");
    }
}
