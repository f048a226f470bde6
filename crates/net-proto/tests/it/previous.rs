//! Version 2, as it was spoken: bytes that were written when it was the newest.

use net_proto::{
    Baselines, ClientMessage, Datagrams, EntityState, Epoch, InputDatagram, OwnState, Replica,
    Replicator, ServerMessage, SnapshotRequest, UpdateCache, Welcome,
};

use crate::walkers::Walkers;

/// A message of each kind; what they say is in docs/wire.md, whose examples they were.
const MESSAGES: &str = include_str!("../golden/messages-2.txt");
/// The snapshots of four seconds, each behind its length (u16).
const SNAPSHOTS: &[u8] = include_bytes!("../golden/snapshots-2.bin");

/// The bytes of a message.
fn message(name: &str) -> Vec<u8> {
    let blocks = MESSAGES.split("\n\n").map(|block| block.split_once('\n'));
    let mut blocks = blocks.map(|block| block.expect("a name and bytes"));
    let (_, hex) = blocks.find(|(found, _)| *found == name).unwrap();
    let byte = |text| u8::from_str_radix(text, 16).unwrap();
    hex.split_whitespace().map(byte).collect()
}

fn snapshots() -> Vec<&'static [u8]> {
    let (mut rest, mut all) = (SNAPSHOTS, Vec::new());
    while let Some((length, after)) = rest.split_first_chunk() {
        let (bytes, after) = after.split_at(usize::from(u16::from_le_bytes(*length)));
        all.push(bytes);
        rest = after;
    }
    all
}

#[test]
fn what_clients_said_is_understood() {
    let decoded = ClientMessage::decode(&message("hello")[2..]).unwrap();
    let ClientMessage::Hello(hello) = decoded else {
        panic!("{decoded:?}");
    };
    assert_eq!((hello.version, hello.world.0), (2, 77));
    let mut again = Vec::new();
    ClientMessage::Hello(hello).encode(&mut again);
    assert_eq!(again, message("hello"));
    let input = InputDatagram::decode(&message("input")).unwrap();
    assert_eq!((input.first_seq(), input.inputs().len()), (17, 2));
    assert_eq!(input.head().acknowledged, Epoch::new(30));
}

#[test]
fn what_servers_said_is_written_as_it_was() {
    let welcome = ServerMessage::decode(&message("welcome")[2..]).unwrap();
    let ServerMessage::Welcome(Welcome { tick: 240, .. }) = welcome else {
        panic!("{welcome:?}");
    };
    for name in ["welcome", "refuse", "digest"] {
        let bytes = message(name);
        let mut again = Vec::new();
        ServerMessage::decode(&bytes[2..])
            .unwrap()
            .encode(&mut again);
        assert_eq!(again, bytes, "{name}");
    }
    let mut own = Vec::new();
    OwnState::decode(&message("own")).unwrap().encode(&mut own);
    assert_eq!(own, message("own"));
}

#[test]
fn snapshots_are_written_and_read_as_they_were() {
    let mut world = Walkers::new(77, 40, 3);
    let (mut baselines, mut cache) = (Baselines::new(), UpdateCache::new());
    let (mut client, mut out) = (Replicator::new().speaking(2), Datagrams::new());
    let (mut expected, mut replica) = (snapshots().into_iter(), Replica::new().speaking(2));
    for tick in 1..=120u64 {
        world.walk();
        world.stir();
        if let Some(epoch) = tick.checked_sub(5).and_then(Epoch::starting_at) {
            client.acknowledge(epoch);
        }
        if !tick.is_multiple_of(2) {
            continue;
        }
        let states = world.states();
        baselines.advance(tick, &states);
        let is_seen = |row: &u32| !(u64::from(*row) + tick / 10).is_multiple_of(3);
        let visible: Vec<u32> = (0..states.len() as u32).filter(is_seen).collect();
        let request = SnapshotRequest {
            visible: &visible,
            last_input_seq: tick as u32,
            durable_tick: tick - 1,
            ..SnapshotRequest::default()
        };
        client.pack(&baselines, &mut cache, &request, &mut out);
        for datagram in out.iter() {
            assert_eq!(Some(datagram), expected.next(), "tick {tick}");
            assert_eq!(replica.handle_snapshot(datagram).unwrap().dropped, 0);
        }
        if let Some(epoch) = Epoch::starting_at(tick) {
            let seen = visible.iter().map(|row| states[*row as usize]);
            let seen: Vec<EntityState> = seen.collect();
            assert_eq!(replica.epoch_set(epoch), Some(&seen[..]), "{epoch}");
        }
    }
    assert_eq!(expected.next(), None);
    assert_eq!(replica.stats().completed, 15);
}
