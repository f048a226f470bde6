//! Records and journal entries from a hostile hand.

use proptest::prelude::*;
use sim_core::{Entry, EntryError, Record, StepError};
use spatial_core::{CellId, EntityId, FrameId, Position};

use crate::scene::{at, empty_world, lone_walker, tile, walker};

#[test]
fn what_cannot_be_obeyed_is_refused_and_counted() {
    let (mut world, entity) = lone_walker(at(0.0, 45.0));
    let before = world.len();
    let nowhere = walker(Position {
        frame: FrameId(12),
        ..Position::default()
    });
    let records = [
        Record::Despawn {
            entity: EntityId(99),
        },
        Record::Spawn {
            entity,
            agent: walker(at(1.0, 1.0)),
        },
        Record::Spawn {
            entity: EntityId(2),
            agent: nowhere,
        },
        Record::Input {
            entity: EntityId(98),
            seq: 0,
            east: 1,
            north: 1,
            heading: 1,
        },
    ];
    let report = world.step(1, &records).expect("a step");
    assert_eq!((report.refused, world.len()), (4, before));
}

#[test]
fn a_refused_step_changes_nothing() {
    let (mut world, _) = lone_walker(at(0.0, 45.0));
    let before = (world.tick(), world.hash());
    assert_eq!(
        world.step(9, &[]),
        Err(StepError::Tick { asked: 9, next: 1 })
    );
    let mut other = empty_world();
    let tile = tile(CellId::from_face_ij(0, 0, 0, 1));
    let record = Record::Resident {
        tile: tile.cell(),
        checksum: tile.checksum() ^ 1,
    };
    other.stage(tile);
    let empty = other.hash();
    assert!(matches!(
        other.step(0, &[record]),
        Err(StepError::NotStaged { .. })
    ));
    assert_eq!(other.hash(), empty);
    assert_eq!((world.tick(), world.hash()), before);
}

#[test]
fn extremes_stay_inside_the_grid() {
    // The corner of the integer range, the fastest wish, the widest agent: no panic, no escape.
    let (mut world, _) = lone_walker(at(0.0, 45.0));
    let mut agent = walker(at(10.0, 10.0));
    (agent.speed_max, agent.radius) = (u16::MAX, u16::MAX);
    let (x, y, z) = (i32::MAX, i32::MIN, i32::MAX);
    agent.position = Position {
        x,
        y,
        z,
        ..agent.position
    };
    let entity = EntityId(u64::MAX);
    let input = Record::Input {
        entity,
        seq: u32::MAX,
        east: i16::MIN,
        north: i16::MAX,
        heading: u16::MAX,
    };
    world
        .step(1, &[Record::Spawn { entity, agent }, input])
        .expect("a step");
    for tick in 2..100 {
        world.step(tick, &[]).expect("a step");
    }
    assert!(world.places()[1].to_vec().is_finite());
}

fn record() -> impl Strategy<Value = Record> {
    prop_oneof![
        (
            any::<u64>(),
            any::<[i32; 3]>(),
            any::<[u16; 3]>(),
            any::<u8>()
        )
            .prop_map(|(e, [x, y, z], [h, s, r], role)| {
                let position = Position {
                    frame: FrameId(e ^ 77),
                    x,
                    y,
                    z,
                };
                let (heading, speed_max, radius) = (h, s, r);
                let agent = sim_core::Agent {
                    position,
                    heading,
                    speed_max,
                    radius,
                    role,
                };
                Record::Spawn {
                    entity: EntityId(e),
                    agent,
                }
            }),
        any::<u64>().prop_map(|e| Record::Despawn {
            entity: EntityId(e)
        }),
        (
            any::<u64>(),
            any::<u32>(),
            any::<i16>(),
            any::<i16>(),
            any::<u16>()
        )
            .prop_map(|(e, seq, east, north, heading)| Record::Input {
                entity: EntityId(e),
                seq,
                east,
                north,
                heading
            }),
        (0..6u8, 0..1u32 << 30, 0..1u32 << 30, 0..=30u8, any::<u64>()).prop_map(
            |(face, i, j, level, checksum)| {
                Record::Resident {
                    tile: CellId::from_face_ij(face, i, j, level),
                    checksum,
                }
            }
        ),
    ]
}

proptest! {
    #[test]
    fn entries_survive_their_bytes(tick: u64, hash: u64, records in prop::collection::vec(record(), 0..20)) {
        for entry in [Entry::StateHash { tick, hash }, Entry::Records { tick, records }] {
            let mut bytes = Vec::new();
            entry.encode(&mut bytes);
            prop_assert_eq!(Entry::decode(&bytes), Ok(entry));
            for cut in 0..bytes.len() {
                prop_assert!(Entry::decode(&bytes[..cut]).is_err());
            }
            bytes.push(0);
            prop_assert_eq!(Entry::decode(&bytes), Err(EntryError::Trailing(1)));
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Entry::decode(&bytes);
    }
}
