//! Bytes that no honest peer sends: nothing panics, nothing is half applied, memory stays bounded.

use net_proto::{
    Audience, Avatar, Baselines, Claims, ClientMessage, Datagrams, Digest, ENTITIES_MAX,
    EntityState, Epoch, Hello, Holder, InputDatagram, Maintenance, OwnState, PROTOCOL_VERSION,
    PlayerId, PlayerName, Proof, Queued, Redirect, Refuse, RefuseCode, Replica, Replicator,
    ServerMessage, ShortText, SnapshotRequest, Ticket, TimeDilation, Token, TokenKey, UpdateCache,
    Welcome, WireError, WorldId,
};
use proptest::prelude::*;
use spatial_core::{EntityId, FrameId, Position};

use crate::walkers::{Random, Walkers};

/// Datagrams of a few snapshots to a client that acknowledges.
fn honest_datagrams() -> Vec<Vec<u8>> {
    let mut world = Walkers::new(31, 200, 3);
    let (mut baselines, mut cache) = (Baselines::new(), UpdateCache::new());
    let (mut client, mut out) = (Replicator::new(), Datagrams::new());
    let visible: Vec<u32> = (0..200).collect();
    let mut datagrams = Vec::new();
    for tick in (8..40u64).step_by(2) {
        (0..2).for_each(|_| world.walk());
        baselines.advance(tick, &world.states());
        let request = SnapshotRequest {
            visible: &visible,
            last_input_seq: 3,
            durable_tick: 5,
            datagrams_max: 8,
            ..SnapshotRequest::default()
        };
        client.pack(&baselines, &mut cache, &request, &mut out);
        datagrams.extend(out.iter().map(<[u8]>::to_vec));
        if let Some(epoch) = Epoch::starting_at(tick) {
            client.acknowledge(epoch);
        }
    }
    datagrams
}

fn token() -> Token {
    let key = TokenKey::from_seed(core::array::from_fn(|n| n as u8)).unwrap();
    key.sign(&Claims {
        world: WorldId(1),
        player: PlayerId(2),
        not_before_s: 3,
        expires_s: 4,
        name: PlayerName::new("n").unwrap(),
        nonce: [5; 16],
        holder: Some(Holder {
            key: [2; 32],
            audience: Audience([3; 16]),
        }),
    })
}

fn server_messages() -> Vec<ServerMessage> {
    let at = Position {
        frame: FrameId(1 << 36),
        x: -5 << 9,
        y: 6 << 9,
        z: 7 << 9,
    };
    let entity = EntityState::new(EntityId(9), at, 512);
    let ticket = Ticket {
        token: token(),
        cert_sha256: [6; 32],
        key: None,
    };
    vec![
        ServerMessage::Welcome(Welcome {
            world: WorldId(1),
            player: EntityId(2),
            tick: 3,
            tick_rate_hz: 30,
            snapshot_ticks: 2,
            radius_mm: 6_371_008_800,
            interest_dm: 2_000,
            speed_limit: 1_024,
            gravity: 2_511,
            avatar: Avatar {
                grade: 1,
                radius: 102,
                ..Avatar::default()
            },
            lattice: 7,
        }),
        ServerMessage::Refuse(Refuse {
            code: RefuseCode::FULL,
            text: ShortText::lossy("full"),
        }),
        ServerMessage::Digest(Digest {
            epoch: Epoch::new(4).unwrap(),
            durable_tick: 5,
            state_hash: 6,
            entities: vec![entity; 16],
        }),
        ServerMessage::Redirect(Redirect {
            address: ShortText::lossy("[::1]:4433"),
            ticket,
        }),
        ServerMessage::Maintenance(Maintenance {
            starts_in_s: 60,
            text: ShortText::lossy("soon"),
        }),
        ServerMessage::TimeDilation(TimeDilation { permille: 500 }),
        ServerMessage::Queued(Queued {
            place: 12,
            wait_s: Queued::UNKNOWN,
        }),
    ]
}

#[test]
fn every_message_comes_back_and_no_part_of_it_does() {
    for message in server_messages() {
        let mut frame = Vec::new();
        message.encode(&mut frame);
        let content = &frame[2..];
        assert_eq!(
            usize::from(u16::from_le_bytes([frame[0], frame[1]])),
            content.len()
        );
        assert_eq!(ServerMessage::decode(content), Ok(message.clone()));
        for end in 0..content.len() {
            assert!(
                ServerMessage::decode(&content[..end]).is_err(),
                "{message:?} cut at {end}"
            );
        }
        let longer = [content, &[0]].concat();
        assert_eq!(ServerMessage::decode(&longer), Err(WireError::Trailing));
    }
    let hello = ClientMessage::Hello(Hello {
        version: PROTOCOL_VERSION,
        world: WorldId(1),
        token: token(),
        proof: Some(Proof([7; 64])),
    });
    let mut frame = Vec::new();
    hello.encode(&mut frame);
    for end in 2..frame.len() {
        let cut = ClientMessage::decode(&frame[2..end]);
        let expected = match end {
            _ if end == frame.len() - 64 => WireError::Field("proof"),
            _ => WireError::Short,
        };
        assert_eq!(cut, Err(expected), "cut at {end}");
    }
    assert_eq!(ClientMessage::decode(&frame[2..]), Ok(hello));
    // Another version is named, whatever follows; another protocol is not asked for one.
    frame[7] = 1;
    assert_eq!(
        ClientMessage::decode(&frame[2..20]),
        Err(WireError::Version(1))
    );
    frame[3] ^= 1;
    assert_eq!(ClientMessage::decode(&frame[2..]), Err(WireError::Magic));
    assert_eq!(ClientMessage::decode(&[0x77]), Err(WireError::Kind(0x77)));
    assert_eq!(ServerMessage::decode(&[0x01]), Err(WireError::Kind(0x01)));
}

#[test]
fn datagrams_are_refused_when_cut_or_extended() {
    for datagram in honest_datagrams() {
        let (mut bad, mut good) = (Replica::new(), Replica::new());
        for end in 0..datagram.len() {
            assert!(bad.handle_snapshot(&datagram[..end]).is_err());
        }
        let longer = [&datagram[..], &[0]].concat();
        assert!(bad.handle_snapshot(&longer).is_err());
        assert!(bad.tracked().is_empty() && bad.newest().is_none());
        assert!(good.handle_snapshot(&datagram).is_ok());
    }
}

#[test]
fn changed_datagrams_never_panic() {
    let (seed, datagrams) = (32, honest_datagrams());
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut refused = 0;
    for _ in 0..300 {
        let mut replica = Replica::new();
        for datagram in &datagrams {
            let mut bytes = datagram.clone();
            if random.chance(40) {
                for _ in 0..1 + random.below(4) {
                    let bit = random.below(8 * bytes.len() as u64) as usize;
                    bytes[bit / 8] ^= 1 << (bit % 8);
                }
            }
            let before: Vec<_> = replica.tracked().to_vec();
            if replica.handle_snapshot(&bytes).is_err() {
                assert_eq!(replica.tracked(), before);
                refused += 1;
            }
            assert!(replica.tracked().len() <= ENTITIES_MAX);
            let ids = replica.tracked().iter().map(|t| t.state.id());
            assert!(ids.is_sorted_by(|a, b| a < b));
        }
    }
    assert!(refused > 500, "{refused}");
}

#[test]
fn a_view_never_outgrows_its_bound() {
    // Each snapshot shows other entities, no epoch ever completes: a server that never lets go.
    let (mut replica, mut cache) = (Replica::new(), UpdateCache::new());
    let mut refused = None;
    for round in 0..40u64 {
        let state = |n| EntityState::new(EntityId(round * 1_000 + n + 1), Position::default(), 0);
        let states: Vec<_> = (0..900).map(state).collect();
        let mut baselines = Baselines::new();
        baselines.advance(round * 8 + 1, &states);
        let visible: Vec<u32> = (0..900).collect();
        let request = SnapshotRequest {
            visible: &visible,
            last_input_seq: 0,
            durable_tick: 0,
            datagrams_max: 255,
            ..SnapshotRequest::default()
        };
        let mut out = Datagrams::new();
        Replicator::new().pack(&baselines, &mut cache, &request, &mut out);
        for datagram in out.iter() {
            if let Err(error) = replica.handle_snapshot(datagram) {
                refused = Some(error);
            }
        }
    }
    assert_eq!(refused, Some(WireError::TooManyEntities));
    assert!(
        replica.tracked().len() <= ENTITIES_MAX && replica.tracked().len() > ENTITIES_MAX - 200
    );
}

/// An epoch's part in which nobody is.
fn empty_part(tick: u64, baseline: u8, (part, parts): (u8, u8)) -> [u8; 22] {
    let mut bytes = [0; 22];
    (bytes[0], bytes[1], bytes[10], bytes[11]) = (4, baseline, part, parts);
    bytes[2..10].copy_from_slice(&tick.to_le_bytes());
    bytes
}

#[test]
fn parts_of_an_epoch_agree_on_their_number_and_baseline() {
    let (none, before) = (255, 1);
    let mut replica = Replica::new();
    let mut take = |bytes: [u8; 22]| replica.handle_snapshot(&bytes).map(|info| info.completed);
    assert_eq!(take(empty_part(80, none, (0, 2))), Ok(None));
    let refused = Err(WireError::Field("parts"));
    assert_eq!(take(empty_part(80, none, (1, 3))), refused);
    assert_eq!(take(empty_part(80, before, (1, 2))), refused);
    assert_eq!(take(empty_part(80, none, (1, 2))), Ok(Epoch::new(10)));
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..1_300), kind in any::<u8>()) {
        let _ = ClientMessage::decode(&bytes);
        let _ = ServerMessage::decode(&bytes);
        let _ = InputDatagram::decode(&bytes);
        let _ = OwnState::decode(&bytes);
        let _ = Replica::new().handle_snapshot(&bytes);
        let mut bytes = bytes;
        if let Some(first) = bytes.first_mut() {
            *first = 0x80 | (kind & 7);
        }
        if let Ok(message) = ServerMessage::decode(&bytes) {
            let mut frame = Vec::new();
            message.encode(&mut frame);
            prop_assert_eq!(&frame[2..], bytes);
        }
    }

    #[test]
    fn changed_messages_never_panic(which in 0usize..6, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut frame = Vec::new();
        server_messages()[which].encode(&mut frame);
        let content = &mut frame[2..];
        for (index, value) in changes {
            let at = index.index(content.len());
            content[at] = value;
        }
        if let Ok(message) = ServerMessage::decode(content) {
            let mut again = Vec::new();
            message.encode(&mut again);
            prop_assert_eq!(&again[2..], &*content);
        }
    }
}
