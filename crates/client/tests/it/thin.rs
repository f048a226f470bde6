//! A line that ground fills: state and messages go on, in virtual time.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use client::{Connection, Event, Reach};
use net_proto::quic::simulated::{Link, Network, identity, run};
use net_proto::quic::{HELLO_DEADLINE, STREAM_DEADLINE, accept_bulk, accept_hello};
use net_proto::quic::{Host, Peer};
use net_proto::{
    BulkAnswer, BulkRequest, DigestVerdict, GroundInfo, Input, ServerMessage, Ticket, TileAnswer,
    Welcome,
};
use spatial_core::{CellId, HeightTile, LatticeSpec};
use tokio::time::Instant;

use crate::seeded::Seeded;
use crate::server::{Manner, holder_key, play, say, token, welcome};

const LINE_BYTES_S: u64 = 128 << 10;

fn lattice() -> LatticeSpec {
    LatticeSpec::new(18, 128, 0.0, 1.0).unwrap()
}

/// Ground that no codec makes smaller, 33 KB a tile, as fast as it is asked for.
async fn answer(connection: Peer) {
    let Ok((mut reader, mut writer)) = accept_bulk(&connection).await else {
        return;
    };
    while let Ok(Some(frame)) = reader.next().await {
        let mut out = Vec::new();
        match BulkRequest::decode(&frame).unwrap() {
            BulkRequest::Ground => {
                let info = GroundInfo {
                    planet: 1,
                    lattice: lattice(),
                };
                BulkAnswer::Ground(info).encode(&mut out);
            }
            BulkRequest::Tiles(asks) => {
                for ask in asks {
                    let bytes = noise(ask.cell);
                    BulkAnswer::Tile(ask.cell, TileAnswer::Plain(&bytes)).encode(&mut out);
                }
            }
        }
        if writer.send(&out, STREAM_DEADLINE).await.is_err() {
            return;
        }
    }
}

fn noise(cell: CellId) -> Vec<u8> {
    let mut seeded = Seeded(cell.to_u64());
    let samples = (0..129 * 129).map(|_| seeded.next() as i16).collect();
    HeightTile::new(cell, 128, samples).unwrap().encode_raw()
}

async fn serve(endpoint: Host, begun: Arc<OnceLock<Instant>>) {
    let connection = endpoint.accept().await.unwrap().await.unwrap();
    let hello = accept_hello(&connection, HELLO_DEADLINE).await;
    let (_, _reader, mut writer) = hello.unwrap();
    let welcome = Welcome {
        lattice: lattice().fingerprint(),
        ..welcome()
    };
    say(&mut writer, &ServerMessage::Welcome(welcome)).await;
    tokio::spawn(answer(connection.clone()));
    begun.set(Instant::now()).unwrap();
    play(&connection, writer, Manner::Good).await;
}

/// What came in twelve seconds: ages of snapshots and digests, ascending, seconds; and tiles.
struct Came {
    snapshots: Vec<f64>,
    digests: Vec<f64>,
    tiles: u64,
}

fn visit(downloads: bool) -> Came {
    run(async move {
        let link = Link {
            latency: Duration::from_millis(30)..Duration::from_millis(32),
            bytes_per_s: Some(LINE_BYTES_S),
            ..Link::default()
        };
        let (network, identity) = (Network::new(5, link), identity(5));
        let addr = "10.0.0.1:4433".parse().unwrap();
        let server = network.server_endpoint(addr, &identity).unwrap();
        let begun = Arc::new(OnceLock::new());
        tokio::spawn(serve(server, Arc::clone(&begun)));
        let endpoint = network
            .client_endpoint("10.0.1.1:1".parse().unwrap())
            .unwrap();
        let ticket = Ticket {
            token: token(),
            cert_sha256: identity.cert_sha256(),
            key: Some(holder_key()),
        };
        let mut connection = Connection::connect(&endpoint, addr, &ticket).await.unwrap();
        if downloads {
            connection.download_ground(None, Reach::default());
        }
        let begun = *begun.get().unwrap();
        let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / 60.0));
        let (mut snapshots, mut digests) = (Vec::new(), Vec::new());
        while begun.elapsed() < Duration::from_secs(12) {
            let event = tokio::select! {
                _ = ticks.tick() => {
                    if connection.push_input(Input::default()).is_multiple_of(2) {
                        connection.send_inputs().unwrap();
                    }
                    continue;
                }
                event = connection.next() => event.unwrap(),
            };
            let age = |tick: u64| begun.elapsed().as_secs_f64() - (tick - 1) as f64 / 60.0;
            match event {
                Event::Snapshot(info) => snapshots.push(age(info.tick)),
                Event::Digest(digest, verdict) => {
                    assert_eq!(verdict, DigestVerdict::Match);
                    digests.push(age(digest.durable_tick));
                }
                _ => {}
            }
        }
        snapshots.sort_by(f64::total_cmp);
        digests.sort_by(f64::total_cmp);
        let served = connection.core().served_ground();
        Came {
            snapshots,
            digests,
            tiles: served.map_or(0, |served| served.counts().came),
        }
    })
}

#[test]
fn ground_fills_what_is_left_of_a_line_and_state_goes_on() {
    let (without, with) = (visit(false), visit(true));
    let p99 = |ages: &[f64]| ages[ages.len() * 99 / 100] * 1e3;
    let [alone, beside] = [&without, &with].map(|came| {
        let (state, message) = (p99(&came.snapshots), p99(&came.digests));
        let count = came.snapshots.len();
        println!("{count} snapshots: 99 of 100 at most {state:.0} ms old, messages {message:.0} ms, {} tiles", came.tiles);
        (state, message)
    });
    assert!(alone.0 < 60.0 && alone.1 < 60.0);
    // Without the pace of `BulkWriter` state is 229 ms old, and 434 where losses alone tell of a queue.
    assert!(beside.0 < 200.0 && beside.1 < 200.0);
    assert!(with.snapshots.len() + 20 > without.snapshots.len());
    // Of what is left of the line, most.
    assert!(with.tiles as f64 * 33_322.0 > 0.6 * 12.0 * LINE_BYTES_S as f64);
}
