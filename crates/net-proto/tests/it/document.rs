//! docs/wire.md says what the code does.

use std::sync::Arc;

use net_proto::{
    ALPN, Answer, AnswerCode, Audience, Avatar, Baselines, BulkAnswer, BulkRequest,
    CLIENT_FRAME_BYTES_MAX, COLUMN_BITS_MAX, COLUMNS_MAX, COMMAND_BYTES_MAX, Claims, ClientMessage,
    Command, DATAGRAM_BYTES_MAX, DIGEST_ENTITIES_MAX, Datagrams, Digest, ENTITIES_MAX, EPOCH_TICKS,
    EPOCHS_ALIVE, EVENT_BYTES_MAX, EntityState, Epoch, GameEvent, GroundInfo, Hello, Holder,
    HolderKey, INPUTS_MAX, INPUTS_REPEATED, Input, InputDatagram, InputHead, LANES_SENT_MAX,
    Maintenance, Motion, OwnState, OwnValues, PROTOCOL_VERSION, PROTOCOL_VERSION_OLDEST, PlayerId,
    PlayerName, Queued, Redirect, Refuse, RefuseCode, Replica, Replicator, Resume, ResumeSecret,
    Return, SERVER_FRAME_BYTES_MAX, Said, Say, ServerMessage, ShortText, SnapshotRequest,
    TEXT_BYTES_MAX, TILE_ASKS_MAX, TILE_BYTES_MAX, TILE_PACKING_MAX, Ticket, TileAnswer, TileAsk,
    TimeDilation, Token, TokenKey, UpdateCache, Welcome, WireColumns, WorldId, pack,
};
use spatial_core::{CellId, Component, EntityId, FrameId, LatticeSpec, Position};

const DOCUMENT: &str = include_str!("../../../../docs/wire.md");

#[test]
fn limits_are_as_written() {
    let limits = [
        ("PROTOCOL_VERSION", usize::from(PROTOCOL_VERSION)),
        (
            "PROTOCOL_VERSION_OLDEST",
            usize::from(PROTOCOL_VERSION_OLDEST),
        ),
        ("DATAGRAM_BYTES_MAX", DATAGRAM_BYTES_MAX),
        ("EPOCH_TICKS", EPOCH_TICKS as usize),
        ("EPOCHS_ALIVE", EPOCHS_ALIVE),
        ("ENTITIES_MAX", ENTITIES_MAX),
        ("INPUTS_MAX", INPUTS_MAX),
        ("INPUTS_REPEATED", INPUTS_REPEATED),
        ("DIGEST_ENTITIES_MAX", DIGEST_ENTITIES_MAX),
        ("COLUMNS_MAX", COLUMNS_MAX),
        ("COMMAND_BYTES_MAX", COMMAND_BYTES_MAX),
        ("EVENT_BYTES_MAX", EVENT_BYTES_MAX),
        ("LANES_SENT_MAX", LANES_SENT_MAX),
        ("COLUMN_BITS_MAX", COLUMN_BITS_MAX as usize),
        ("TEXT_BYTES_MAX", TEXT_BYTES_MAX),
        ("CLIENT_FRAME_BYTES_MAX", CLIENT_FRAME_BYTES_MAX),
        ("SERVER_FRAME_BYTES_MAX", SERVER_FRAME_BYTES_MAX),
        ("TILE_ASKS_MAX", TILE_ASKS_MAX),
        ("TILE_BYTES_MAX", TILE_BYTES_MAX),
        ("TILE_PACKING_MAX", TILE_PACKING_MAX),
    ];
    for (name, value) in limits {
        let row = format!("| {name} | {value} |");
        assert!(DOCUMENT.contains(&row), "no row {row}");
    }
    let alpn = format!("`{}`", core::str::from_utf8(ALPN).unwrap());
    assert!(DOCUMENT.contains(&alpn));
}

#[test]
fn examples_are_what_the_code_writes() {
    let mut wrong = Vec::new();
    let all = messages().into_iter().chain(resumption());
    let all = all.chain(datagrams()).chain(bulk());
    for (name, bytes) in all.chain(notices()).chain(with_values()).chain(words()) {
        let text = hex(&bytes);
        if example(name) != Some(text.trim_end()) {
            wrong.push(format!("<!-- example: {name} -->\n```text\n{text}```\n"));
        }
    }
    assert!(
        wrong.is_empty(),
        "docs/wire.md should say\n{}",
        wrong.concat()
    );
}

/// The hexadecimal block of a name.
fn example(name: &str) -> Option<&str> {
    let (_, rest) = DOCUMENT.split_once(&format!("<!-- example: {name} -->\n```text\n"))?;
    let (block, _) = rest.split_once("```")?;
    Some(block.trim_end())
}

fn hex(bytes: &[u8]) -> String {
    let line = |line: &[u8]| {
        line.iter()
            .map(|b| format!("{b:02x}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    bytes.chunks(24).map(|chunk| line(chunk) + "\n").collect()
}

fn state(id: u64, xyz_m: [f64; 3], heading: u16) -> EntityState {
    let [x, y, z] = xyz_m.map(|m| (m * 65_536.0) as i32);
    let frame = FrameId(0x4000_0010_0000_0000);
    EntityState::new(EntityId(id), Position { frame, x, y, z }, heading)
}

#[derive(Clone, Copy, Component)]
#[component(name = "health", kind = scalar, version = 2, replicate = all, rate = 5, priority = 4)]
struct Health {
    #[lane(bits = 10)]
    points: u16,
    #[lane(bits = 7, quantum = 0.5, min = -10, max = 50)]
    heat: f32,
}

fn client() -> HolderKey {
    HolderKey::from_seed(core::array::from_fn(|n| 0x20 + n as u8)).unwrap()
}

fn token() -> Token {
    let key = TokenKey::from_seed(core::array::from_fn(|n| n as u8)).unwrap();
    key.sign(&Claims {
        world: WorldId(77),
        player: PlayerId(5),
        not_before_s: 1_000,
        expires_s: 1_060,
        name: PlayerName::new("Ada").unwrap(),
        nonce: [7; 16],
        holder: Some(Holder {
            key: client().public(),
            audience: Audience([0x0a; 16]),
        }),
    })
}

fn own_state() -> Vec<u8> {
    let own = OwnState {
        tick: 242,
        last_input_seq: 17,
        ground: 0x1234_5678,
        position: Position {
            frame: FrameId(0x4000_0010_0000_0000),
            x: 1,
            y: -2,
            z: 3 << 16,
        },
        velocity: [4, -5, 6],
        motion: Motion::Swim,
    };
    let mut bytes = Vec::new();
    own.encode(&mut bytes);
    bytes
}

/// A session that can be taken up again, and who does.
fn resumption() -> [(&'static str, Vec<u8>); 2] {
    let secret = ResumeSecret([0x0c; 32]);
    let (mut resume, mut again) = (Vec::new(), Vec::new());
    ServerMessage::Resume(Resume {
        secret,
        good_for_s: 30,
    })
    .encode(&mut resume);
    ClientMessage::Return(Return {
        version: PROTOCOL_VERSION,
        world: WorldId(77),
        secret,
        proof: client().prove_return(&[0x0b; 32]),
    })
    .encode(&mut again);
    [("resume", resume), ("return", again)]
}

fn messages() -> [(&'static str, Vec<u8>); 6] {
    let (client, token) = (client(), token());
    let mut hello = Vec::new();
    ClientMessage::Hello(Hello {
        version: PROTOCOL_VERSION,
        world: WorldId(77),
        token: token.clone(),
        proof: Some(client.prove(&[0x0b; 32])),
    })
    .encode(&mut hello);
    let welcome = Welcome {
        world: WorldId(77),
        player: EntityId(1_000),
        tick: 240,
        tick_rate_hz: 30,
        snapshot_ticks: 2,
        radius_mm: 6_371_008_800,
        interest_dm: 2_000,
        speed_limit: 4 * 256,
        gravity: 2_511,
        avatar: Avatar {
            grade: 1,
            radius: 102,
            height: 461,
            acceleration: 10_240,
            slope_max: 305,
            step_max: 102,
            jump_speed: 1_134,
            drag: 0,
            weight: 256,
        },
        lattice: 0xfedc_ba98_7654_3210,
    };
    let redirect = Redirect {
        address: ShortText::lossy("example.org:4433"),
        ticket: Ticket {
            token,
            cert_sha256: [0xaa; 32],
            key: None,
        },
    };
    let columns = WireColumns::new(&[Health::schema()]).unwrap();
    let refuse = Refuse {
        code: RefuseCode::FULL,
        text: ShortText::lossy("full"),
    };
    let digest = Digest {
        epoch: Epoch::new(30).unwrap(),
        durable_tick: 238,
        state_hash: 0x0123_4567_89ab_cdef,
        entities: vec![state(1_000, [1.0, -2.0, 3.0], 0x4000)],
    };
    let frame = |message: ServerMessage| {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        bytes
    };
    [
        ("hello", hello),
        ("welcome", frame(ServerMessage::Welcome(welcome))),
        ("refuse", frame(ServerMessage::Refuse(refuse))),
        ("columns", frame(ServerMessage::Columns(columns))),
        ("redirect", frame(ServerMessage::Redirect(redirect))),
        ("digest", frame(ServerMessage::Digest(digest))),
    ]
}

fn notices() -> [(&'static str, Vec<u8>); 3] {
    let stops = ServerMessage::Maintenance(Maintenance {
        starts_in_s: 60,
        text: ShortText::lossy("back soon"),
    });
    let slower = ServerMessage::TimeDilation(TimeDilation { permille: 500 });
    let waits = ServerMessage::Queued(Queued {
        place: 12,
        wait_s: 90,
    });
    let all = [
        ("maintenance", stops),
        ("time_dilation", slower),
        ("queued", waits),
    ];
    all.map(|(name, message)| {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        (name, bytes)
    })
}

#[derive(Clone, Copy, Component)]
#[component(name = "purse", kind = raw, version = 1, replicate = owner)]
struct Purse {
    #[lane(bits = 10)]
    coins: u16,
    #[lane(bits = 3)]
    keys: u8,
}

fn own_values() -> Vec<u8> {
    let columns = WireColumns::new(&[Purse::schema()]).unwrap();
    let values = OwnValues {
        tick: 242,
        codes: vec![700, 5],
    };
    let mut bytes = Vec::new();
    values.encode(&columns, &mut bytes);
    bytes
}

/// A client that has all datagrams sees what the document says of them.
#[test]
fn examples_are_read_as_described() {
    let all = datagrams();
    let mut replica = Replica::new();
    for name in ["absolute", "moved", "next_set", "predicted"] {
        let (_, bytes) = all.iter().find(|(found, _)| *found == name).unwrap();
        assert_eq!(replica.handle_snapshot(bytes).unwrap().dropped, 0, "{name}");
    }
    let at = |id| replica.get(EntityId(id)).unwrap().state.xyz();
    assert_eq!(at(1_000), [64 - 24 - 1, -288 - 12, 448 + 24]);
    assert_eq!((at(1_003), at(1_004)), ([256, 0, 0], [0, 40, 0]));
}

fn datagrams() -> [(&'static str, Vec<u8>); 7] {
    let go = |east, buttons| Input {
        east,
        heading: 0x4000,
        buttons,
        ..Input::default()
    };
    let head = InputHead {
        acknowledged: Epoch::new(30),
        predicted: 0xbb04_4c8d,
        ..InputHead::default()
    };
    let head = head.seeing(242, Some(240 * 256 + 128));
    let input = InputDatagram::new(head, 17, [go(256, 0), go(-256, Input::JUMP)]).unwrap();
    let mut input_bytes = Vec::new();
    input.encode(&mut input_bytes);
    let (mut world, mut cache) = (Baselines::new(), UpdateCache::new());
    let (mut client, mut out) = (Replicator::new(), Datagrams::new());
    let mut snapshot = |tick, states: &[EntityState]| {
        world.advance(tick, states);
        let visible: Vec<u32> = (0..states.len() as u32).collect();
        let request = SnapshotRequest {
            visible: &visible,
            last_input_seq: 17,
            durable_tick: tick - 2,
            datagrams_max: 1,
            ..SnapshotRequest::default()
        };
        client.pack(&world, &mut cache, &request, &mut out);
        Epoch::starting_at(tick).map(|epoch| client.acknowledge(epoch));
        out.iter().next().unwrap().to_vec()
    };
    let standing = state(1_003, [2.0, 0.0, 0.0], 0);
    let absolute = snapshot(240, &[state(1_000, [1.0, -2.0, 3.0], 0x4000), standing]);
    let moved = snapshot(
        242,
        &[
            state(1_000, [1.5, -2.0, 3.0], 0x4000),
            standing,
            state(1_004, [0.0; 3], 0),
        ],
    );
    let next_set = snapshot(
        248,
        &[
            state(1_000, [0.5, -2.25, 3.5], 61 << 8),
            standing,
            state(1_004, [0.0; 3], 0),
        ],
    );
    let units = |xyz: [f64; 3]| xyz.map(|units| units / 128.0);
    let predicted = snapshot(
        251,
        &[
            state(1_000, units([39.0, -300.0, 472.0]), 61 << 8),
            standing,
            state(1_004, units([0.0, 40.0, 0.0]), 0),
        ],
    );
    [
        ("input", input_bytes),
        ("own", own_state()),
        ("absolute", absolute),
        ("moved", moved),
        ("next_set", next_set),
        ("predicted", predicted),
        ("own_values", own_values()),
    ]
}

/// Snapshots of a world with a column for all.
fn with_values() -> [(&'static str, Vec<u8>); 2] {
    let columns = Arc::new(WireColumns::new(&[Health::schema()]).unwrap());
    let mut world = Baselines::with_columns(columns, 30);
    let (mut cache, mut client, mut out) =
        (UpdateCache::new(), Replicator::new(), Datagrams::new());
    let mut snapshot = |tick, states: &[EntityState], codes: &[u64]| {
        world.advance_with(tick, states, codes);
        let visible: Vec<u32> = (0..states.len() as u32).collect();
        let request = SnapshotRequest {
            visible: &visible,
            last_input_seq: 17,
            durable_tick: tick - 2,
            datagrams_max: 1,
            ..SnapshotRequest::default()
        };
        client.pack(&world, &mut cache, &request, &mut out);
        Epoch::starting_at(tick).map(|epoch| client.acknowledge(epoch));
        out.iter().next().unwrap().to_vec()
    };
    let standing = state(1_003, [2.0, 0.0, 0.0], 0);
    let (here, there) = ([1.0, -2.0, 3.0], [1.5, -2.0, 3.0]);
    let before = [state(1_000, here, 0x4000), standing];
    let after = [state(1_000, there, 0x4000), standing];
    // Codes of points, and of half degrees above −10.
    let values_set = snapshot(240, &before, &[700, 60, 1, 0]);
    let values = snapshot(246, &after, &[700, 60, 2, 0]);
    [("values_set", values_set), ("values", values)]
}

/// What is said to the game and to others.
fn words() -> [(&'static str, Vec<u8>); 5] {
    let mut command = Vec::new();
    ClientMessage::Command(Command {
        operation: 7,
        kind: 300,
        body: b"door".to_vec(),
    })
    .encode(&mut command);
    let answer = ServerMessage::Answer(Answer {
        operation: 7,
        tick: 250,
        code: AnswerCode::DONE,
        body: b"open".to_vec(),
    });
    let event = ServerMessage::Event(GameEvent {
        tick: 250,
        kind: 301,
        body: Vec::new(),
    });
    let text = ShortText::lossy("hello there");
    let (mut say, mut said) = (Vec::new(), Vec::new());
    Say {
        channel: Say::NEAR,
        text: text.clone(),
    }
    .encode(&mut say);
    Said {
        speaker: EntityId(1_000),
        name: ShortText::lossy("Ada"),
        channel: Say::NEAR,
        text,
    }
    .encode(&mut said);
    let framed = |message: &ServerMessage| {
        let mut frame = Vec::new();
        message.encode(&mut frame);
        frame
    };
    [
        ("command", command),
        ("answer", framed(&answer)),
        ("event", framed(&event)),
        ("say", say),
        ("said", said),
    ]
}

fn bulk() -> Vec<(&'static str, Vec<u8>)> {
    let face = CellId::from_face_ij(1, 0, 0, 0);
    let quarter = CellId::from_face_ij(1, 0, 0, 1);
    let ask = |cell, known| TileAsk { cell, known };
    let asks = vec![ask(face, 0), ask(quarter, 0x1122_3344_5566_7788)];
    let info = GroundInfo {
        planet: 0x0123_4567_89ab_cdef,
        lattice: LatticeSpec::new(4, 128, 0.0, 1.0).unwrap(),
    };
    let mut room = Vec::new();
    let packed = pack(&[0; 64], &mut room).unwrap();
    let requests = [
        ("ground_request", BulkRequest::Ground),
        ("tiles_request", BulkRequest::Tiles(asks)),
    ];
    let answers = [
        ("ground", BulkAnswer::Ground(info)),
        (
            "tile_unchanged",
            BulkAnswer::Tile(quarter, TileAnswer::Unchanged),
        ),
        ("tile_later", BulkAnswer::Tile(face, TileAnswer::Later(250))),
        (
            "tile_plain",
            BulkAnswer::Tile(face, TileAnswer::Plain(&[1, 2, 3])),
        ),
        (
            "tile_packed",
            BulkAnswer::Tile(face, TileAnswer::Packed(packed)),
        ),
    ];
    let mut all = Vec::new();
    for (name, request) in requests {
        let mut bytes = Vec::new();
        request.encode(&mut bytes);
        assert_eq!(BulkRequest::decode(&bytes[2..]), Ok(request));
        all.push((name, bytes));
    }
    for (name, answer) in answers {
        let mut bytes = Vec::new();
        answer.encode(&mut bytes);
        assert_eq!(BulkAnswer::decode(&bytes[2..]), Ok(answer));
        all.push((name, bytes));
    }
    all
}
