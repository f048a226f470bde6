//! Clients that have no planet and get the ground from the server.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bluemarble_server::{Server, Settings, Status};
use client::{Agreement, BlockingSession, Connection, Event, Reach, TileCache};
use net_proto::quic::{BulkStream, client_endpoint};
use net_proto::{BulkAnswer, BulkRequest, Input, RefuseCode, TileAnswer, TileAsk};
use spatial_core::{
    CellId, HeightTile, LatticeSpec, Manifest, MissingTile, PackStore, PackWriter, Planet,
    TileStore,
};

use crate::support::{Place, Raw, program, runtime, wait_for};

const INTERVALS: u16 = 16;
/// The finest tiles are 150 m wide.
const LEVELS: u8 = 17;

/// Rolling hills, of which the six faces are known: whatever is finer is what they interpolate.
fn write_planet(path: &Path) {
    let lattice = LatticeSpec::new(LEVELS, INTERVALS, 0.0, 1.0).unwrap();
    let manifest = Manifest::new(Planet::EARTH, lattice, "drawn for a test", "CC0");
    let manifest = manifest.with_missing(MissingTile::Coarser).with_tiles(6);
    let mut pack = PackWriter::new(File::create(path).unwrap(), &manifest).unwrap();
    for face in 0..6 {
        let cell = CellId::from_face_ij(face, 0, 0, 0);
        let lines = lattice.tile_lines(cell);
        let side = usize::from(INTERVALS) + 1;
        let height = |n: usize| {
            let d = lines.direction(n % side, n / side);
            (400.0 + 2_000.0 * d.x * d.y + 3_000.0 * d.y * d.z - 1_000.0 * d.z) as i16
        };
        let tile = HeightTile::new(cell, INTERVALS, (0..side * side).map(height).collect());
        pack.push(cell, &tile.unwrap().encode_raw()).unwrap();
    }
    pack.finish().unwrap();
}

/// A server on that planet, and what `change` sets.
fn start(change: impl FnOnce(&mut Settings)) -> (Place, Server) {
    let place = Place::new();
    write_planet(&place.planet());
    let config = place.config(|settings| {
        settings.agents = Some(0);
        settings.towns = Some(1);
        settings.speed_max_mps = Some(40.0);
        change(settings);
    });
    let server = Server::start(config).unwrap();
    (place, server)
}

/// What a session came to.
#[derive(Default, Debug)]
struct Walk {
    agreed: u64,
    corrected: u64,
    snapshots: u64,
    grounds: u64,
    served: client::ServedCounts,
    /// Tiles that were stood on.
    stood_on: std::collections::BTreeSet<u64>,
}

/// Runs in circles until the walk is done, two minutes at most.
async fn walk(
    place: &Place,
    server: &Server,
    cache: Option<Arc<TileCache>>,
    done: impl Fn(&Walk) -> bool,
) -> Walk {
    let endpoint = client_endpoint(server.local_addr()).unwrap();
    let ticket = place.ticket(1);
    let mut connection = Connection::connect(&endpoint, server.local_addr(), &ticket)
        .await
        .unwrap();
    connection.download_ground(cache, Reach::default());
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / 30.0));
    let store = PackStore::open(place.planet()).unwrap();
    let (mut walk, started) = (Walk::default(), Instant::now());
    while !done(&walk) && started.elapsed() < Duration::from_secs(120) {
        tokio::select! {
            _ = ticks.tick() => {
                let angle = started.elapsed().as_secs_f64() / 12.0;
                let input = Input {
                    east: (9_000.0 * angle.cos()) as i16,
                    north: (9_000.0 * angle.sin()) as i16,
                    heading: 0,
                    ..Input::default()
                };
                if connection.push_input(input).is_multiple_of(2) {
                    connection.send_inputs().unwrap();
                }
            }
            event = connection.next() => match event.unwrap() {
                Event::Own(_, Agreement::Agreed) => walk.agreed += 1,
                Event::Own(_, Agreement::Corrected(_)) => walk.corrected += 1,
                Event::Snapshot(_) => walk.snapshots += 1,
                Event::Ground => walk.grounds += 1,
                _ => {}
            }
        }
        let core = connection.core();
        walk.served = core.served_ground().unwrap().counts();
        let predicted = core.prediction().and_then(|p| p.place());
        if let (Some(place), Some(served)) = (predicted, core.served_ground().unwrap().store()) {
            let cell = served.manifest().lattice().tile_at(place.to_vec());
            if walk.stood_on.insert(cell.to_u64()) {
                // To the bit what the world collides with.
                let theirs = store.load_refined(cell).unwrap();
                assert_eq!(served.load(cell).unwrap().samples(), theirs.samples());
            }
        }
    }
    connection.close();
    endpoint.wait_idle().await;
    walk
}

fn unsuspected(status: &Status) -> bool {
    status.judged.findings.keys().all(|name| name == "held")
}

#[test]
fn a_client_without_a_planet_predicts_right() {
    let (place, server) = start(|_| {});
    let folder = tempfile::tempdir().unwrap();
    let cache = || Some(Arc::new(TileCache::open(folder.path(), 64 << 20).unwrap()));
    let enough = |walk: &Walk| walk.agreed > 120 && walk.stood_on.len() >= 4;
    let first = runtime().block_on(walk(&place, &server, cache(), enough));
    println!("{first:?}");
    assert!(enough(&first), "{first:?}");
    assert!(first.corrected < first.agreed / 5, "{first:?}");
    assert!(first.served.came >= 10 && first.grounds >= first.served.came);
    let status = wait_for(&server, "gone", |s| s.players == 0 && s.tiles_sent > 0);
    assert!(unsuspected(&status), "{:?}", status.judged);
    assert!(
        status.tile_bytes_sent > 10 * status.tiles_sent,
        "{status:?}"
    );
    // Somebody else with the same folder: what was here is right, and nothing of it comes again.
    let again = |walk: &Walk| walk.agreed > 30 && walk.served.unchanged >= 5;
    let second = runtime().block_on(walk(&place, &server, cache(), again));
    println!("{second:?}");
    assert!(again(&second), "{second:?}");
    assert!(second.served.came < first.served.came / 2, "{second:?}");
    server.stop().unwrap();
}

#[test]
fn a_damaged_cache_is_no_ground() {
    let (place, server) = start(|_| {});
    let folder = tempfile::tempdir().unwrap();
    let open = || Arc::new(TileCache::open(folder.path(), 64 << 20).unwrap());
    let some = |walk: &Walk| walk.agreed > 20 && walk.served.came >= 5;
    runtime().block_on(walk(&place, &server, Some(open()), some));
    let planet = std::fs::read_dir(folder.path()).unwrap().next().unwrap();
    let mut damaged = 0;
    for (n, file) in std::fs::read_dir(planet.unwrap().path())
        .unwrap()
        .enumerate()
    {
        let path = file.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        match n % 3 {
            0 => bytes.truncate(bytes.len() / 2),
            1 => bytes[60] ^= 1,
            _ => bytes.clear(),
        }
        std::fs::write(&path, bytes).unwrap();
        damaged += 1;
    }
    assert!(damaged >= 5);
    let cache = open();
    let second = runtime().block_on(walk(&place, &server, Some(Arc::clone(&cache)), some));
    assert!(some(&second), "{second:?}");
    assert!(second.corrected < second.agreed / 2, "{second:?}");
    let counts = cache.counts();
    assert!(
        counts.damaged >= 5 && second.served.unchanged == 0,
        "{counts:?} {second:?}"
    );
    assert!(unsuspected(&server.status()));
    server.stop().unwrap();
}

#[test]
fn programs_that_poll_and_bots_get_their_ground_too() {
    let (place, server) = start(|_| {});
    let mut session = BlockingSession::connect(
        server.local_addr(),
        &place.ticket(1),
        Duration::from_secs(10),
    )
    .unwrap();
    session.download_ground(None, Reach::default());
    session.set_velocity(3.0, 1.0, 0.0).unwrap();
    let (mut events, mut comings, started) = (Vec::new(), Vec::new(), Instant::now());
    while session.predictions().agreed < 30 {
        assert!(
            started.elapsed() < Duration::from_secs(90),
            "{:?}",
            session.predictions()
        );
        session.poll(&mut events).unwrap();
        session.take_comings(&mut comings);
        std::thread::sleep(Duration::from_millis(10));
    }
    let player = session.welcome().player;
    assert!(comings.iter().any(|coming| coming.id() == player));
    let predicted = session.predicted().unwrap();
    let ground = session.ground().unwrap();
    let cell = ground.manifest().lattice().tile_at(predicted.to_vec());
    assert!(ground.load(cell).is_ok());
    let mut seen = Vec::new();
    session.entities(&mut seen);
    let shown = seen.iter().find(|seen| seen.id == player).unwrap();
    // What is shown is what was, some tenths of a second ago; a slow machine's may be older.
    assert!(shown.place.distance_m(predicted) < 40.0);
    session.close();
    let mut bots = program();
    bots.args(["bots", "--json", "--count=4", "--seconds=5", "--download"]);
    bots.args(["--addr", &server.local_addr().to_string(), "--data"]);
    let out = bots.arg(place.data()).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let summary: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(out.status.code(), Some(0), "{summary}");
    let count = |key: &str| summary[key].as_u64().unwrap();
    assert!(count("predictions_agreed") > 60, "{summary}");
    assert!(
        count("predictions_corrected") < count("predictions_agreed") / 5,
        "{summary}"
    );
    assert!(unsuspected(&server.status()));
    server.stop().unwrap();
}

/// Asks for tiles as fast as it can; how many came, and how many are to be asked for later.
async fn greed(place: &Place, server: &Server, seconds: u64) -> (u64, u64, u64) {
    let (raw, _) = Raw::enter(server.local_addr(), &place.ticket(3)).await;
    let mut stream = BulkStream::open(&raw.connection).await.unwrap();
    let started = Instant::now();
    let (mut came, mut later, mut bytes, mut n) = (0, 0, 0, 0u32);
    while started.elapsed() < Duration::from_secs(seconds) {
        let ask = |n: u32| TileAsk {
            cell: CellId::from_face_ij(2, (n % 4_096) << 14, (n / 4_096) << 14, 16),
            known: 0,
        };
        let asks: Vec<_> = (n..n + 16).map(ask).collect();
        n += 16;
        stream.ask(&BulkRequest::Tiles(asks.clone()));
        for ask in asks {
            let frame = stream.next().await.unwrap().unwrap();
            match BulkAnswer::decode(&frame).unwrap() {
                BulkAnswer::Tile(cell, TileAnswer::Later(after_ms)) => {
                    assert!(cell == ask.cell && after_ms > 0);
                    later += 1;
                }
                BulkAnswer::Tile(cell, TileAnswer::Plain(_) | TileAnswer::Packed(_)) => {
                    assert_eq!(cell, ask.cell);
                    came += 1;
                    bytes += frame.len() as u64;
                }
                other => panic!("{other:?}"),
            }
        }
    }
    raw.leave().await;
    (came, later, bytes)
}

#[test]
fn nobody_gets_more_than_its_share_and_others_play_on() {
    let (place, server) = start(|settings| settings.tile_bytes_s = Some(32_768));
    let (greedy, walker) = runtime().block_on(async {
        let some = |walk: &Walk| walk.agreed > 60;
        tokio::join!(greed(&place, &server, 4), walk(&place, &server, None, some))
    });
    let (came, later, bytes) = greedy;
    println!("{came} tiles came, {bytes} B, {later} refused; {walker:?}");
    assert!(came > 20 && later > 20);
    // Of what a question costs at least, much is not the tile's. A slow machine takes longer, so gets more.
    assert!(bytes < 32_768 * 60, "{bytes} B");
    assert!(walker.agreed > 60 && walker.snapshots > 60, "{walker:?}");
    let status = wait_for(&server, "gone", |s| s.players == 0 && s.tiles_refused > 0);
    assert!(status.tiles_refused >= later && unsuspected(&status));
    server.stop().unwrap();
}

#[test]
fn a_server_that_serves_none_is_played_on_without() {
    let (place, server) = start(|settings| settings.tile_bytes_s = Some(0));
    let enough = |walk: &Walk| walk.snapshots > 60;
    let walked = runtime().block_on(walk(&place, &server, None, enough));
    assert!(walked.snapshots > 60, "{walked:?}");
    assert_eq!((walked.agreed, walked.served.came), (0, 0));
    server.stop().unwrap();
}

#[test]
fn nonsense_on_the_bulk_stream_ends_the_session_alone() {
    let (place, server) = start(|_| {});
    runtime().block_on(async {
        let (mut other, _) = Raw::enter(server.local_addr(), &place.ticket(2)).await;
        for nonsense in [&[1, 0, 9][..], &[3, 0, 2, 1, 1], &[0, 0], &[0xff, 0xff, 1]] {
            let (raw, _) = Raw::enter(server.local_addr(), &place.ticket(1)).await;
            let (mut send, _receive) = raw.connection.open_bi().await.unwrap();
            send.write_all(nonsense).await.unwrap();
            let end = tokio::time::timeout(Duration::from_secs(10), raw.connection.closed()).await;
            let quinn::ConnectionError::ApplicationClosed(end) = end.unwrap() else {
                panic!("{nonsense:?}");
            };
            assert_eq!(
                end.error_code.into_inner(),
                u64::from(RefuseCode::MALFORMED.0)
            );
        }
        assert!(other.connection.close_reason().is_none());
        other.write(&[]).await;
        other.leave().await;
    });
    server.stop().unwrap();
}
