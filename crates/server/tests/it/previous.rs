//! A client of the previous version of the protocol is served.

use std::time::{Duration, Instant};

use bluemarble_server::Server;
use net_proto::{
    ClientMessage, Hello, Input, InputDatagram, InputHead, OwnState, PROTOCOL_VERSION_OLDEST,
    Replica, ServerMessage, WorldId,
};

use crate::support::{Place, Raw, WORLD, runtime};

/// The kind of its snapshots.
const SNAPSHOT: u8 = 0x02;

#[test]
fn the_previous_version_is_served() {
    let place = Place::new();
    let server = Server::start(place.config(|s| {
        s.agents = Some(20);
        s.towns = Some(1);
    }))
    .unwrap();
    runtime().block_on(async {
        let ticket = place.unbound_ticket(1);
        let mut raw = Raw::open(server.local_addr(), ticket.cert_sha256).await;
        let mut hello = Vec::new();
        ClientMessage::Hello(Hello {
            version: PROTOCOL_VERSION_OLDEST,
            world: WorldId(WORLD),
            token: ticket.token.clone(),
            proof: None,
        })
        .encode(&mut hello);
        raw.write(&hello).await;
        let ServerMessage::Welcome(welcome) = raw.read().await else {
            panic!("not welcome");
        };
        let replica = see(&raw, Duration::from_secs(3)).await;
        assert!(
            replica.stats().completed >= 3,
            "deltas need acknowledged epochs: {:?}",
            replica.stats()
        );
        assert!(replica.get(welcome.player).is_some() && replica.tracked().len() > 10);
        assert!(replica.newest().unwrap().last_input_seq > 0);
        raw.leave().await;
    });
    server.stop().unwrap();
}

/// What is seen for a time of who walks and acknowledges.
async fn see(raw: &Raw, time: Duration) -> Replica {
    let (mut replica, until, mut seq) = (
        Replica::new().speaking(PROTOCOL_VERSION_OLDEST),
        Instant::now() + time,
        0,
    );
    while Instant::now() < until {
        let bytes = raw.connection.read_datagram().await.unwrap();
        match bytes[0] {
            SNAPSHOT => {
                replica.handle_snapshot(&bytes).unwrap();
                seq += 2;
            }
            _ => {
                OwnState::decode(&bytes).unwrap();
                continue;
            }
        }
        let head = InputHead {
            acknowledged: replica.newest_complete(),
            ..InputHead::default()
        };
        let east = Input {
            east: 256,
            ..Input::default()
        };
        let datagram = InputDatagram::new(head, seq - 1, [east; 2]).unwrap();
        let mut out = Vec::new();
        datagram.encode(&mut out);
        raw.connection.send_datagram(out.into()).unwrap();
    }
    replica
}

/// What a server left that was killed, of the version that began a segment with every checkpoint and wrote every input whole. Its own program made
/// `tests/data/world-journal-2`: `serve --planet assets/earth-1024.pack --agents 6 --towns 1 --tick-rate-hz 20 --checkpoint-s 3` under
/// `bots --count 2`, `kill -9` after five seconds; the hash is that of its own `replay run`.
#[test]
fn a_world_of_the_previous_version_opens() {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/world-journal-2");
    let planet = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/earth-1024.pack");
    let place = Place::new();
    std::fs::create_dir(place.data()).unwrap();
    for file in std::fs::read_dir(data).unwrap() {
        let path = file.unwrap().path();
        std::fs::copy(&path, place.data().join(path.file_name().unwrap())).unwrap();
    }
    let replayed = || {
        let mut command = crate::support::program();
        command.args(["replay", "run", "--json", "--until=104", "--planet", planet]);
        let out = command.arg(place.data()).output().unwrap();
        let text = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success(), "{text}");
        serde_json::from_slice::<serde_json::Value>(&out.stdout).unwrap()
    };
    let said = replayed();
    let found = ["tick", "hash", "from_tick", "hashes_verified"].map(|key| &said[key]);
    let expected = serde_json::json!([104, "2a103e6cfb6a8440", 0, 10]);
    assert_eq!(serde_json::json!(found), expected);
    let server = Server::start(place.config(|s| {
        s.planet = Some(planet.into());
        s.tick_rate_hz = Some(20);
    }))
    .unwrap();
    let status = crate::support::wait_for(&server, "ticks", |s| s.durable_tick > 120);
    assert_eq!(status.recovered_tick, 105);
    server.stop().unwrap();
    // It went on in the same journal.
    assert_eq!(replayed()["hash"], said["hash"]);
}
