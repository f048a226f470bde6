//! Journal entries and checkpoints.

use std::sync::Arc;

use sim_core::{
    Account, Agent, CarrierPose, Entry, Holder, Input, Item, JournalReader, JournalWriter, Kind,
    KindId, Record, Tier, Transfer, World, WorldStart, replay,
};
use spatial_core::{CellId, EntityId, Geodetic, HeightTile, LatticeSpec, Planet};

use crate::seal;

/// Entries of a journal that are replayed: the gaps between them may be long.
const ENTRIES_MAX: usize = 8;

/// First byte: 0 an entry, 1 a checkpoint as it is, 2 a checkpoint that is then sealed, 3 entries of a journal, each
/// with its length, 4 such whose inputs are told by what they change.
pub fn run(data: &[u8]) -> bool {
    let Some((kind, rest)) = data.split_first() else {
        return false;
    };
    let mut bytes = rest.to_vec();
    match kind {
        0 => entry(&bytes).is_some(),
        1 => load(&bytes),
        2 => {
            seal::checkpoint(&mut bytes);
            load(&bytes)
        }
        3 => replay_all(&bytes),
        4 => shortened(&bytes),
        _ => false,
    }
}

/// There is one spelling of every entry.
fn entry(bytes: &[u8]) -> Option<Entry> {
    let entry = Entry::decode(bytes).ok()?;
    let mut again = Vec::new();
    entry.encode(&mut again);
    assert_eq!(again, bytes);
    Some(entry)
}

/// A world that was loaded is restored from what it saves, and goes on. (It saves tiles in order, whatever order they
/// were loaded in.)
fn load(bytes: &[u8]) -> bool {
    let Ok(mut world) = World::load(bytes, &mut tile) else {
        return false;
    };
    let saved = world.save();
    let again = World::load(&saved, &mut tile).expect("just saved");
    assert_eq!((again.save(), again.hash()), (saved, world.hash()));
    world.step(world.tick(), &[]).is_ok()
}

fn replay_all(bytes: &[u8]) -> bool {
    let mut world = empty_world();
    crate::chunks(bytes)
        .filter_map(entry)
        .take(ENTRIES_MAX)
        .all(|entry| replay(&mut world, &entry, &mut tile).is_ok())
}

/// There is one spelling of every row of entries, and it is no shorter than two bytes a record: what is read takes memory in proportion to it.
fn shortened(bytes: &[u8]) -> bool {
    let (mut reader, mut writer) = (JournalReader::new(), JournalWriter::new());
    crate::chunks(bytes).fold(true, |so_far, bytes| {
        let mut again = Vec::new();
        match reader.entry(bytes) {
            Ok(Entry::Records { tick, records }) if bytes[0] == SHORTENED => {
                assert!(2 * records.len() <= bytes.len());
                if bytes[BEGINS] == 1 {
                    writer.begin();
                }
                writer.records(tick, &records, &mut again);
            }
            Ok(entry) => entry.encode(&mut again),
            Err(_) => {
                // Nothing more can be read of this one.
                (reader, writer) = (JournalReader::new(), JournalWriter::new());
                return false;
            }
        }
        assert_eq!(again, bytes);
        so_far
    })
}

/// The kind of such an entry, and where it says whether it begins.
const SHORTENED: u8 = 4;
const BEGINS: usize = 9;

/// What a server writes in its first ticks.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let mut world = empty_world();
    let mut journal = Vec::new();
    for (tick, records) in [(0, first_records()), (3, later_records())] {
        while world.tick() < tick {
            world.step(world.tick(), &[]).expect("an empty step");
        }
        for record in &records {
            if let Record::Resident { tile: cell, .. } = record {
                tile(*cell, 0).into_iter().for_each(|t| world.stage(t));
            }
        }
        world.step(tick, &records).expect("a step");
        journal.push(bytes_of(&Entry::Records { tick, records }));
    }
    let (tick, hash) = (world.tick(), world.hash());
    journal.push(bytes_of(&Entry::StateHash { tick, hash }));
    let all = crate::chunked(journal.iter().map(Vec::as_slice));
    vec![
        ("entry_first", crate::seed(0, &journal[0])),
        ("entry_later", crate::seed(0, &journal[1])),
        ("entry_hash", crate::seed(0, &journal[2])),
        ("checkpoint", crate::seed(1, &world.save())),
        ("checkpoint_sealed", crate::seed(2, &world.save())),
        ("journal", crate::seed(3, &all)),
        ("shortened", crate::seed(4, &shortened_entries())),
    ]
}

/// Some who walk on, turn, press and stop, one who leaves and comes again, and a new beginning; between them an entry of another kind.
fn shortened_entries() -> Vec<u8> {
    let mut writer = JournalWriter::new();
    let entries = (1..=9u64).map(|tick| {
        if tick == 5 {
            let hash = 0x1234_5678;
            return bytes_of(&Entry::StateHash { tick, hash });
        }
        if tick == 7 {
            writer.begin();
        }
        let mut records: Vec<_> = (1..=4).map(|n| input(n * n * 100, tick)).collect();
        if tick == 3 {
            let entity = EntityId(400);
            records.insert(2, Record::Despawn { entity });
        }
        let mut out = Vec::new();
        writer.records(tick, &records, &mut out);
        out
    });
    let entries: Vec<_> = entries.collect();
    crate::chunked(entries.iter().map(Vec::as_slice))
}

/// What somebody wishes at a tick: the more of it changes the larger its number is.
fn input(n: u64, tick: u64) -> Record {
    let turns = (n / 400 * tick / 2) as i16;
    Record::Input {
        entity: EntityId(n),
        input: Input {
            seq: tick as u32 + u32::from(tick > 7),
            east: 300 - 40 * turns,
            north: i16::MIN * (turns % 2),
            up: turns,
            heading: turns.cast_unsigned().wrapping_mul(0x1000),
            buttons: (tick % 3 / 2) as u16,
            predicted: 0,
        },
    }
}

fn bytes_of(entry: &Entry) -> Vec<u8> {
    let mut out = Vec::new();
    entry.encode(&mut out);
    out
}

/// Ground, two agents who overlap, and one in a far frame.
fn first_records() -> Vec<Record> {
    let ground = lattice().tile_at(Geodetic::direction(at(46.0)));
    let checksum = tile(ground, 0).expect("there is always one").checksum();
    let mut records = vec![
        Record::Resident {
            tile: ground,
            checksum,
        },
        Record::Kind {
            id: KindId(2),
            kind: Kind::crowd(512),
        },
    ];
    for (n, lat_deg) in [(1, 46.0), (2, 46.000_001), (3, -89.0)] {
        records.push(Record::Spawn {
            entity: EntityId(n),
            agent: walker(lat_deg),
        });
    }
    records
}

fn later_records() -> Vec<Record> {
    let [entity, other, carrier] = [1, 3, 9].map(EntityId);
    let turn = [0, 0, 0, CarrierPose::TURN_ONE as i32];
    let pose = CarrierPose {
        at: [6_400_000 << 16, 0, 0],
        turn,
    };
    let (tree, player) = (Holder::Entity(other), Holder::Account(Account(7)));
    let stock = Transfer::of(Item(1), 10, (Holder::Mint, tree));
    let gather = Transfer::of(Item(1), 3, (tree, player)).asked_by(Account(7), 1);
    vec![
        Record::Input {
            entity,
            input: Input {
                seq: 1,
                east: 300,
                north: -200,
                heading: 0x4000,
                ..Input::default()
            },
        },
        Record::Tier {
            entity,
            tier: Tier::RAREST,
        },
        Record::Despawn { entity: other },
        Record::Carrier {
            entity: carrier,
            pose,
        },
        Record::Board { entity, carrier },
        Record::Leave { entity },
        Record::CarrierGone { entity: carrier },
        Record::Transfer(stock),
        Record::Transfer(gather),
    ]
}

fn walker(lat_deg: f64) -> Agent {
    let place = Planet::EARTH.ecef(at(lat_deg));
    Agent {
        position: Planet::EARTH.position(place).expect("on the datum"),
        kind: KindId(2),
        ..Agent::default()
    }
}

fn at(lat_deg: f64) -> Geodetic {
    Geodetic::from_degrees(lat_deg, 7.0, 0.0).expect("a legal place")
}

fn lattice() -> LatticeSpec {
    LatticeSpec::new(2, 8, 0.0, 1.0).expect("a legal lattice")
}

/// Everywhere the same ground, whatever its checksum should be.
fn tile(cell: CellId, _checksum: u64) -> Option<Arc<HeightTile>> {
    let samples = (0..81i16).map(|k| 10 * (k % 9) - 7 * (k / 9)).collect();
    HeightTile::new(cell, 8, samples).ok().map(Arc::new)
}

fn empty_world() -> World {
    World::new(WorldStart {
        world_id: 7,
        planet: Planet::EARTH,
        tick_rate_hz: 30,
        gravity: WorldStart::EARTH_GRAVITY,
        lattice: lattice(),
    })
    .expect("a legal start")
}
