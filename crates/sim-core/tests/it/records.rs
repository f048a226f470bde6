//! Records and journal entries from a hostile hand.

use proptest::prelude::*;
use std::sync::Arc;

use sim_core::{
    Agent, CarrierPose, Entry, EntryError, Event, EventData, EventKind, GAP_TICKS_MAX, Grade,
    Input, JournalReader, JournalWriter, Kind, KindId, Record, ReplayError, StepError, Tier,
    replay,
};
use spatial_core::{CellId, EntityId, FrameId, HeightTile, Planet, Position};

use crate::scene::{RACER, at, empty_world, ground_m, lone_walker, tile, walker};

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
            input: Input::default(),
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
fn a_spawn_far_outside_its_frame_or_of_no_kind_is_refused() {
    let (mut world, _) = lone_walker(at(0.0, 45.0));
    let legal = walker(at(10.0, 10.0));
    let far = Position {
        x: i32::MAX,
        y: i32::MIN,
        ..legal.position
    };
    let unknown = Agent {
        kind: KindId(77),
        ..legal
    };
    let spawn = |n, agent| Record::Spawn {
        entity: EntityId(n),
        agent,
    };
    let records = [spawn(2, walker(far)), spawn(3, unknown), spawn(4, legal)];
    let report = world.step(1, &records).expect("a step");
    assert_eq!((report.refused, report.entities), (2, 2));
}

#[test]
fn extreme_wishes_and_heights_come_down_to_the_ground() {
    let (mut world, _) = lone_walker(at(0.0, 45.0));
    let mut agent = walker(at(10.0, 10.0));
    agent.kind = RACER;
    agent.position.z = i32::MAX;
    let entity = EntityId(u64::MAX);
    let input = Record::Input {
        entity,
        input: Input {
            seq: u32::MAX,
            east: i16::MIN,
            north: i16::MAX,
            heading: u16::MAX,
            ..Input::default()
        },
    };
    world
        .step(1, &[Record::Spawn { entity, agent }, input])
        .expect("a step");
    for tick in 2..100 {
        let report = world.step(tick, &[]).expect("a step");
        assert_eq!(report.held, 0);
        let place = world.places()[1];
        let height = Planet::EARTH.geodetic(place).height_m();
        assert!((height - ground_m(place)).abs() < 1e-3, "{height}");
    }
}

#[test]
fn resident_ground_is_never_exchanged() {
    let cell = CellId::from_face_ij(0, 0, 0, 1);
    let ground = tile(cell);
    let samples = vec![77; ground.samples().len()];
    let other = HeightTile::new(cell, ground.intervals(), samples).expect("a tile");
    let resident = |checksum| Record::Resident {
        tile: cell,
        checksum,
    };
    let (mut world, mut twin) = (empty_world(), empty_world());
    for world in [&mut world, &mut twin] {
        world.stage(ground.clone());
        world
            .step(0, &[resident(ground.checksum())])
            .expect("a step");
    }
    twin.stage(Arc::new(other.clone())); // an offer is no part of the state
    for world in [&mut world, &mut twin] {
        world
            .step(1, &[resident(ground.checksum())])
            .expect("a step");
    }
    assert_eq!(world.hash(), twin.hash());
    let outcome = twin.step(2, &[resident(other.checksum())]);
    assert!(matches!(outcome, Err(StepError::OtherTile { .. })));
    let mut fresh = empty_world();
    fresh.stage(ground.clone());
    let both = [resident(ground.checksum()), resident(other.checksum())];
    assert!(matches!(
        fresh.step(0, &both),
        Err(StepError::OtherTile { .. })
    ));
}

#[test]
fn tiles_of_another_size_or_level_are_not_taken() {
    let mut world = empty_world();
    let small = HeightTile::new(CellId::from_face_ij(0, 0, 0, 1), 16, vec![0; 17 * 17]);
    let coarse = HeightTile::new(CellId::from_face_ij(0, 0, 0, 0), 32, vec![0; 33 * 33]);
    for unfit in [small, coarse] {
        let unfit = Arc::new(unfit.expect("a tile"));
        let (tile, checksum) = (unfit.cell(), unfit.checksum());
        world.stage(unfit);
        let outcome = world.step(0, &[Record::Resident { tile, checksum }]);
        assert_eq!(outcome, Err(StepError::NotStaged { tile, checksum }));
    }
}

#[test]
fn a_gap_that_would_take_for_ever_is_refused() {
    let mut world = empty_world();
    let tick = u64::MAX;
    let entry = Entry::StateHash { tick, hash: 0 };
    let gap = ReplayError::Gap { tick, next: 0 };
    assert_eq!(replay(&mut world, &entry, &mut |_, _| None), Err(gap));
    let (tick, hash) = (GAP_TICKS_MAX, 0);
    let near = replay(&mut world, &Entry::StateHash { tick, hash }, &mut |_, _| {
        None
    });
    assert!(matches!(near, Err(ReplayError::Diverged { .. })));
}

#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Data([u64; 6]);

impl EventData for Data {
    const KIND: EventKind = EventKind(999);
}

fn kind() -> impl Strategy<Value = Record> {
    (any::<[u16; 9]>(), 0..3u8, any::<u8>(), any::<u16>()).prop_map(|(n, grade, role, id)| {
        Record::Kind {
            id: KindId(id),
            kind: Kind {
                grade: [Grade::Crowd, Grade::Character, Grade::Flyer][usize::from(grade)],
                role,
                radius: n[0],
                height: n[1],
                speed_max: n[2],
                acceleration: n[3],
                slope_max: n[4],
                step_max: n[5],
                jump_speed: n[6],
                drag: n[7],
                weight: n[8],
            },
        }
    })
}

fn record() -> impl Strategy<Value = Record> {
    let entity = || any::<u64>().prop_map(EntityId);
    prop_oneof![
        (entity(), any::<[i32; 6]>(), any::<[u16; 2]>()).prop_map(
            |(entity, [x, y, z, velocity @ ..], [heading, kind])| {
                let frame = FrameId(entity.0 ^ 77);
                let agent = Agent {
                    position: Position { frame, x, y, z },
                    heading,
                    kind: KindId(kind),
                    velocity,
                };
                Record::Spawn { entity, agent }
            }
        ),
        entity().prop_map(|entity| Record::Despawn { entity }),
        entity().prop_map(|entity| Record::Leave { entity }),
        entity().prop_map(|entity| Record::CarrierGone { entity }),
        (entity(), any::<u64>()).prop_map(|(first, count)| Record::Lease { first, count }),
        (entity(), entity(), any::<[u64; 6]>()).prop_map(|(target, source, data)| {
            let event = Event::new(target, source, Data(data));
            Record::Event { event }
        }),
        (entity(), entity()).prop_map(|(entity, carrier)| Record::Board { entity, carrier }),
        (entity(), any::<[i64; 3]>(), any::<[i32; 4]>()).prop_map(|(entity, at, turn)| {
            Record::Carrier {
                entity,
                pose: CarrierPose { at, turn },
            }
        }),
        (entity(), 0..4u8).prop_map(|(entity, k)| Record::Tier {
            entity,
            tier: Tier::every_power_of_two(k).unwrap_or(Tier::ASLEEP),
        }),
        kind(),
        (
            entity(),
            any::<[u32; 2]>(),
            any::<[i16; 3]>(),
            any::<[u16; 2]>()
        )
            .prop_map(
                |(entity, [seq, predicted], [east, north, up], [heading, buttons])| Record::Input {
                    entity,
                    input: Input {
                        seq,
                        east,
                        north,
                        up,
                        heading,
                        buttons,
                        predicted,
                    },
                }
            ),
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

    #[test]
    fn shortened_entries_survive_their_bytes(
        ticks in prop::collection::vec(prop::collection::vec(few(), 0..20), 1..6),
        anew in 0..6usize,
    ) {
        let (mut writer, mut reader) = (JournalWriter::new(), JournalReader::new());
        for (tick, records) in (0u64..).zip(ticks) {
            if tick as usize == anew {
                writer.begin();
            }
            let mut bytes = Vec::new();
            writer.records(tick, &records, &mut bytes);
            for cut in 0..bytes.len() {
                prop_assert!(reader.clone().entry(&bytes[..cut]).is_err());
            }
            let told = Entry::Records { tick, records: records.iter().map(unpredicted).collect() };
            // From where it begins anew nothing before it counts.
            if tick as usize == anew {
                reader = JournalReader::new();
            }
            prop_assert_eq!(reader.entry(&bytes), Ok(told));
            bytes.push(0);
            prop_assert!(reader.clone().entry(&bytes).is_err());
        }
    }

    #[test]
    fn what_is_read_has_one_spelling(mut bytes in prop::collection::vec(0..6u8, 0..12)) {
        let head = [&[4u8][..], &7u64.to_le_bytes(), &[1], &1u32.to_le_bytes(), &[18]].concat();
        bytes.splice(0..0, head);
        if let Ok(Entry::Records { tick, records }) = JournalReader::new().entry(&bytes) {
            let mut again = Vec::new();
            JournalWriter::new().records(tick, &records, &mut again);
            prop_assert_eq!(again, bytes);
        }
    }
}

/// Records of few entities, most of them inputs.
fn few() -> impl Strategy<Value = Record> {
    let small = || prop_oneof![-3..3i16, any::<i16>()];
    let input = (
        0..5u64,
        prop_oneof![0..4u32, any::<u32>()],
        [small(), small(), small()],
        any::<[u16; 2]>(),
    );
    let input =
        input.prop_map(
            |(name, seq, [east, north, up], [heading, buttons])| Record::Input {
                entity: EntityId(name.wrapping_mul(u64::MAX / 3)),
                input: Input {
                    seq,
                    east,
                    north,
                    up,
                    heading,
                    buttons: buttons & 3,
                    predicted: seq,
                },
            },
        );
    let gone = (0..5u64).prop_map(|name| Record::Despawn {
        entity: EntityId(name.wrapping_mul(u64::MAX / 3)),
    });
    prop_oneof![8 => input, 1 => gone, 1 => record()]
}

fn unpredicted(record: &Record) -> Record {
    match record.clone() {
        Record::Input { entity, input } => Record::Input {
            entity,
            input: Input {
                predicted: 0,
                ..input
            },
        },
        other => other,
    }
}
