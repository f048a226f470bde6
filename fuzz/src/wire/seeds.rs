//! What clients and servers write.

use std::sync::Arc;

use net_proto::{
    Answer, AnswerCode, Avatar, Baselines, Body, BulkAnswer, BulkRequest, ClientMessage, Command,
    DATAGRAM_BYTES_MAX, Datagrams, Digest, EntityState, Epoch, GameEvent, GroundInfo, Hello, Input,
    InputDatagram, InputHead, Maintenance, Motion, OwnState, OwnValues, PROTOCOL_VERSION,
    PROTOCOL_VERSION_OLDEST, Queued, Redirect, Refuse, RefuseCode, Replicator, Resume,
    ResumeSecret, Return, SERVER_FRAME_BYTES_MAX, Said, Say, ServerMessage, ShortText,
    SnapshotRequest, Ticket, TileAnswer, TileAsk, TimeDilation, UpdateCache, Welcome, WireColumns,
    WorldId, pack,
};
use spatial_core::{
    Audience, CellId, Codec, ColumnSchema, Durability, EntityId, FrameId, HeightTile, Kind,
    LaneSchema, LaneType, LatticeSpec, Position, Replication, Wire, WireParts,
};

use super::{few_bodies, few_quick};
use crate::token::{client, genuine};

/// What clients and servers write.
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let mut hello = Vec::new();
    ClientMessage::Hello(Hello {
        version: PROTOCOL_VERSION,
        world: WorldId(1),
        token: genuine(),
        proof: Some(client().prove(&[8; 32])),
    })
    .encode(&mut hello);
    let mut seeds = vec![("hello", crate::seed(0, &hello[2..]))];
    let mut again = Vec::new();
    ClientMessage::Return(Return {
        version: PROTOCOL_VERSION,
        world: WorldId(1),
        secret: ResumeSecret([5; 32]),
        proof: client().prove_return(&[8; 32]),
    })
    .encode(&mut again);
    seeds.push(("return", crate::seed(0, &again[2..])));
    let (operation, kind, body) = (7, 300, b"door".to_vec());
    let mut command = Vec::new();
    ClientMessage::Command(Command {
        operation,
        kind,
        body,
    })
    .encode(&mut command);
    seeds.push(("command", crate::seed(0, &command[2..])));
    let text = ShortText::lossy("see you: 日本");
    let (channel, name, speaker) = (0, ShortText::lossy("ann"), EntityId(2));
    let (mut say, mut said) = (Vec::new(), Vec::new());
    Say {
        channel,
        text: text.clone(),
    }
    .encode(&mut say);
    Said {
        speaker,
        name,
        channel,
        text,
    }
    .encode(&mut said);
    seeds.push(("say", crate::seed(13, &say[2..])));
    seeds.push(("said", crate::seed(14, &said[2..])));
    let mut stream = hello;
    stream.extend(again);
    for (name, message) in server_messages() {
        let mut frame = Vec::new();
        message.encode(&mut frame);
        assert!(frame.len() <= SERVER_FRAME_BYTES_MAX);
        seeds.push((name, crate::seed(1, &frame[2..])));
        stream.extend(frame);
    }
    seeds.push(("inputs", crate::seed(2, &input_datagrams())));
    for (name, version) in [
        ("snapshots", PROTOCOL_VERSION),
        ("snapshots_2", PROTOCOL_VERSION_OLDEST),
    ] {
        seeds.push((name, crate::seed(3, &snapshot_datagrams(version))));
    }
    seeds.push(("told", crate::seed(12, &told_messages())));
    seeds.push(("stream", crate::seed(4, &stream)));
    let mut own = Vec::new();
    own_state().encode(&mut own);
    seeds.push(("own", crate::seed(5, &own)));
    seeds.push(("bodies", crate::seed(6, &body_packets())));
    seeds.push(("quick_bodies", crate::seed(7, &quick_packets())));
    seeds.extend(bulk_seeds());
    seeds
}

fn bulk_seeds() -> Vec<(&'static str, Vec<u8>)> {
    let cell = CellId::from_face_ij(2, 0, 0, 3);
    let framed = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut frame = Vec::new();
        write(&mut frame);
        frame.split_off(2)
    };
    let heights = (0..81).map(|n| n * n % 200).collect();
    let tile = HeightTile::new(cell, 8, heights).expect("a legal tile");
    let kept = |codec| {
        let tile = tile.encode(codec, None).expect("alone");
        [&cell.to_u64().to_le_bytes()[..], &tile].concat()
    };
    let asks = vec![TileAsk { cell, known: 7 }, TileAsk { cell, known: 0 }];
    let asks = BulkRequest::Tiles(asks);
    let lattice = LatticeSpec::new(4, 128, -500.0, 0.5).expect("a legal lattice");
    let ground = BulkAnswer::Ground(GroundInfo { planet: 9, lattice });
    let plain: Vec<u8> = (0..600u32).map(|n| (n / 30) as u8).collect();
    let mut room = Vec::new();
    let mut seeds = vec![
        (
            "ground_request",
            crate::seed(8, &framed(&|out| BulkRequest::Ground.encode(out))),
        ),
        (
            "tiles_request",
            crate::seed(8, &framed(&|out| asks.encode(out))),
        ),
        ("ground", crate::seed(9, &framed(&|out| ground.encode(out)))),
        ("kept_raw", crate::seed(10, &kept(Codec::Raw))),
        ("kept_hot", crate::seed(11, &kept(Codec::Hot))),
        ("kept_wire", crate::seed(11, &kept(Codec::Wire))),
    ];
    let answers = [
        ("absent", TileAnswer::Absent),
        ("later", TileAnswer::Later(90)),
        ("plain", TileAnswer::Plain(&plain[..40])),
        (
            "packed",
            TileAnswer::Packed(pack(&plain, &mut room).expect("runs of one byte")),
        ),
    ];
    for (name, answer) in answers {
        let answer = BulkAnswer::Tile(cell, answer);
        seeds.push((name, crate::seed(9, &framed(&|out| answer.encode(out)))));
    }
    seeds
}

fn own_state() -> OwnState {
    OwnState {
        tick: 26,
        last_input_seq: 9,
        ground: 0x1234_5678,
        position: walker(5, 26).position(),
        velocity: [65_536, -3, 0],
        motion: Motion::Fall,
    }
}

fn server_messages() -> Vec<(&'static str, ServerMessage)> {
    let text = ShortText::lossy("see you: 日本");
    let welcome = Welcome {
        world: WorldId(1),
        player: EntityId(2),
        tick: 3,
        tick_rate_hz: 30,
        snapshot_ticks: 2,
        radius_mm: 6_371_008_800,
        interest_dm: 5_000,
        speed_limit: 1_024,
        gravity: 2_511,
        avatar: Avatar {
            grade: 1,
            radius: 102,
            height: 461,
            ..Avatar::default()
        },
        lattice: 0x1234_5678_9abc_def0,
    };
    let digest = Digest {
        epoch: Epoch::new(5).expect("not 0"),
        durable_tick: 39,
        state_hash: 0x1234_5678_9abc_def0,
        entities: (1..4).map(|n| walker(n, 8)).collect(),
    };
    let redirect = Redirect {
        address: ShortText::lossy("example.org:4433"),
        ticket: Ticket {
            token: genuine(),
            cert_sha256: [3; 32],
            key: None,
        },
    };
    let refuse = Refuse {
        code: RefuseCode::TOKEN,
        text: text.clone(),
    };
    let maintenance = Maintenance {
        starts_in_s: 60,
        text,
    };
    let resume = Resume {
        secret: ResumeSecret([5; 32]),
        good_for_s: 30,
    };
    let mut messages = vec![
        ("welcome", ServerMessage::Welcome(welcome)),
        ("resume", ServerMessage::Resume(resume)),
        ("refuse", ServerMessage::Refuse(refuse)),
        ("digest", ServerMessage::Digest(digest)),
        ("redirect", ServerMessage::Redirect(redirect)),
        ("maintenance", ServerMessage::Maintenance(maintenance)),
        (
            "time_dilation",
            ServerMessage::TimeDilation(TimeDilation { permille: 500 }),
        ),
        (
            "queued",
            ServerMessage::Queued(Queued {
                place: 12,
                wait_s: 90,
            }),
        ),
    ];
    messages.extend(told_by_the_game());
    messages
}

fn told_by_the_game() -> [(&'static str, ServerMessage); 2] {
    [
        (
            "answer",
            ServerMessage::Answer(Answer {
                operation: 7,
                tick: 250,
                code: AnswerCode::GAME,
                body: b"no key".to_vec(),
            }),
        ),
        (
            "event",
            ServerMessage::Event(GameEvent {
                tick: 250,
                kind: 301,
                body: vec![1, 2, 3],
            }),
        ),
    ]
}

fn input_datagrams() -> Vec<u8> {
    let datagram = |first_seq: u32, count: i16| {
        let input = |n: i16| Input {
            east: 100 * n,
            north: -50,
            heading: 7,
            buttons: Input::SHOOT,
            ..Input::default()
        };
        let head = InputHead {
            acknowledged: Epoch::new(first_seq),
            predicted: 77,
            ..InputHead::default()
        };
        let head = head.seeing(u64::from(first_seq), Some(100));
        let datagram = InputDatagram::new(head, first_seq, (0..count).map(input));
        let mut bytes = Vec::new();
        datagram.expect("1 to 16 inputs").encode(&mut bytes);
        bytes
    };
    let last = datagram(u32::MAX - 1, 1);
    let datagrams = [datagram(1, 1), datagram(1, 4), datagram(3, 16), last];
    crate::chunked(datagrams.iter().map(Vec::as_slice))
}

/// A complete set, one relative to it, and changes between: of a few walkers, one of whom leaves.
fn snapshot_datagrams(version: u16) -> Vec<u8> {
    let (mut world, mut cache) = (Baselines::new(), UpdateCache::new());
    let (mut client, mut out) = (Replicator::new().speaking(version), Datagrams::new());
    let mut datagrams = Vec::new();
    for tick in (8..=26).step_by(2) {
        let states: Vec<_> = (1..=12).map(|n| walker(n, tick)).collect();
        world.advance(tick, &states);
        let visible: Vec<u32> = (0..12).filter(|n| tick < 16 || *n != 5).collect();
        let request = SnapshotRequest {
            visible: &visible,
            last_input_seq: 9,
            durable_tick: tick - 4,
            datagrams_max: 4,
            ..SnapshotRequest::default()
        };
        client.pack(&world, &mut cache, &request, &mut out);
        datagrams.extend(out.iter().map(<[u8]>::to_vec));
        Epoch::starting_at(tick).map(|epoch| client.acknowledge(epoch));
    }
    assert!(datagrams.iter().all(|d| d.len() <= DATAGRAM_BYTES_MAX));
    crate::chunked(datagrams.iter().map(Vec::as_slice))
}

/// What is told of somebody's health to all, and of its purse to itself.
fn columns() -> WireColumns {
    let lane = |name: &str, lane_type, parts| LaneSchema {
        name: name.to_owned(),
        lane_type,
        wire: Wire::new(lane_type, parts).expect("a legal lane"),
    };
    let steps = WireParts {
        bits: Some(7),
        quantum: Some(0.5),
        min: Some(-10.0),
        max: Some(50.0),
    };
    let column = |name: &str, audience, lanes| ColumnSchema {
        name: name.to_owned(),
        kind: Kind::Scalar,
        version: 2,
        durability: Durability::Durable,
        replication: Replication {
            audience,
            rate_hz: 5,
            priority: 3,
        },
        lanes,
    };
    let health = vec![
        lane("points", LaneType::U16, WireParts::default()),
        lane("heat", LaneType::F32, steps),
    ];
    let purse = vec![lane("coins", LaneType::U64, WireParts::default())];
    WireColumns::new(&[
        column("health", Audience::All, health),
        column("purse", Audience::Owner, purse),
    ])
    .expect("few and short")
}

fn told_messages() -> Vec<u8> {
    let columns = Arc::new(columns());
    let mut frame = Vec::new();
    ServerMessage::Columns(columns.as_ref().clone()).encode(&mut frame);
    let mut messages = vec![frame[2..].to_vec()];
    let mut world = Baselines::with_columns(Arc::clone(&columns), 30);
    let (mut cache, mut client, mut out) =
        (UpdateCache::new(), Replicator::new(), Datagrams::new());
    for tick in (8..=26).step_by(2) {
        let states: Vec<_> = (1..=6).map(|n| walker(n, tick)).collect();
        let codes = (1..=6).flat_map(|n| [n * tick % 30, n + tick / 8]);
        let codes: Vec<u64> = codes.collect();
        world.advance_with(tick, &states, &codes);
        let request = SnapshotRequest {
            visible: &[0, 1, 2, 3, 4, 5],
            ..SnapshotRequest::default()
        };
        client.pack(&world, &mut cache, &request, &mut out);
        messages.extend(out.iter().map(<[u8]>::to_vec));
        Epoch::starting_at(tick).map(|epoch| client.acknowledge(epoch));
        let codes = vec![tick << 40];
        let mut own = Vec::new();
        OwnValues { tick, codes }.encode(&columns, &mut own);
        messages.push(own);
    }
    crate::chunked(messages.iter().map(Vec::as_slice))
}

fn body_packets() -> Vec<u8> {
    let mut sender = few_bodies();
    let mut packet = |number: u64| {
        let mut bytes = vec![0; 512];
        let count = sender
            .encode(number, number - 1, &tumbling(number), &mut bytes)
            .expect("legal, and few");
        bytes.truncate(count);
        bytes
    };
    let packets: Vec<_> = (1..20).map(&mut packet).collect();
    crate::chunked(packets.iter().map(Vec::as_slice))
}

fn quick_packets() -> Vec<u8> {
    let mut sender = few_quick();
    let mut packet = |number: u64| {
        let mut bytes = vec![0; 512];
        sender.keep(number, &tumbling(number)).expect("as many");
        let count = sender
            .encode(number, number - 1, &mut bytes)
            .expect("kept, and few");
        bytes.truncate(count);
        bytes
    };
    let packets: Vec<_> = (1..20).map(&mut packet).collect();
    crate::chunked(packets.iter().map(Vec::as_slice))
}

/// Some lie, some slide, some tumble, one jumps.
pub(super) fn tumbling(number: u64) -> Vec<Body> {
    let body = |n: u64| {
        let pace = (n % 4 * number) as i16;
        let position = [40 * n as i16 + 5 * pace, -9 * pace, 100];
        let largest = ((n + u64::from(n == 3) * number / 9) % 4) as u8;
        let components = [256, (200 + 3 * pace) as u16, 300];
        Body::new(position, largest, components, n == 2 && number > 7).expect("legal")
    };
    (0..9).map(body).collect()
}

/// Some stand, some walk, one changes its frame.
fn walker(n: u64, tick: u64) -> EntityState {
    let pace = (n % 4) as i32 * tick as i32;
    let at = Position {
        frame: FrameId((1 << 36) + (u64::from(n == 7 && tick > 20) << 37)),
        x: ((n as i32 * 40) << 16) + (pace << 10),
        y: -(pace << 12),
        z: 100 << 16,
    };
    EntityState::new(EntityId(n * n), at, (n * 900 + tick) as u16)
}
