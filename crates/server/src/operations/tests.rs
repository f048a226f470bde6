//! The listener, asked over real sockets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use net_proto::WorldId;

use super::Measures;
use super::http::{Desk, Listener};
use super::vitals::{Beat, Vitals, WorldVitals};
use crate::gateway::Lobby;
use crate::status::StatusBoard;

struct Bench {
    board: Arc<StatusBoard>,
    vitals: Arc<Vitals>,
    world: Arc<WorldVitals>,
    listener: Listener,
    _dir: tempfile::TempDir,
}

fn bench() -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let world = Arc::new(WorldVitals::new(1));
    let vitals = Arc::new(Vitals::new(vec![Arc::clone(&world)]));
    let board = Arc::new(StatusBoard::default());
    let data_dir = dir.path().to_owned();
    let lobby = Arc::new(Lobby::new([], Arc::default(), 1));
    let boards = vec![(WorldId(1), Arc::clone(&board))];
    let seen = (boards, Arc::clone(&vitals), lobby);
    let desk = Desk::new(seen, data_dir, &Measures::default());
    let listener = Listener::start(SocketAddr::from(([127, 0, 0, 1], 0)), desk).unwrap();
    Bench {
        board,
        vitals,
        world,
        listener,
        _dir: dir,
    }
}

const BEAT: Beat = Beat {
    tick: 40,
    durable_tick: 39,
    waiting: 1,
    has_ticked: true,
    has_failed: false,
};

impl Bench {
    fn send(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.listener.local_addr()).unwrap();
        let patience = Some(Duration::from_secs(10));
        stream.set_read_timeout(patience).unwrap();
        stream.write_all(bytes).unwrap();
        stream
    }

    /// The code and the body.
    fn ask(&self, line: &str) -> (u16, String) {
        let mut all = String::new();
        let mut stream = self.send(format!("{line} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes());
        stream.read_to_string(&mut all).unwrap();
        let code = all.split(' ').nth(1).unwrap().parse().unwrap();
        let body = all.split_once("\r\n\r\n").unwrap().1;
        (code, body.to_owned())
    }

    fn code(&self, path: &str) -> u16 {
        self.ask(&format!("GET {path}")).0
    }
}

#[test]
fn a_server_is_live_then_ready_then_draining() {
    let bench = bench();
    assert_eq!(bench.code("/health/live"), 200);
    assert_eq!(bench.code("/health/ready"), 503, "no tick yet");
    bench.world.beat(BEAT);
    assert_eq!(bench.code("/health/ready"), 200);
    let (code, body) = bench.ask("GET /health");
    let found: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((code, &found["status"]), (200, &"ok".into()), "{body}");
    assert_eq!(found["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(found["checks"]["worlds"][0]["ticking"]["tick"], 40);
    assert!(found["checks"]["disk"]["free_bytes"].as_u64().unwrap() > 0);
    assert!(found["timestamp_s"].as_u64().unwrap() > 1_700_000_000);
    bench.world.beat(Beat {
        waiting: 100,
        ..BEAT
    });
    let (code, body) = bench.ask("GET /health");
    assert!(code == 503 && body.contains("failing"), "{body}");
    bench.vitals.drain();
    assert_eq!(bench.code("/health/ready"), 503);
    assert!(bench.ask("GET /health").1.contains("draining"));
    assert_eq!(bench.code("/health/live"), 200);
    bench.world.end();
    assert_eq!(bench.code("/health/live"), 503);
}

#[test]
fn nobody_who_holds_the_status_keeps_health_waiting() {
    let bench = bench();
    bench.world.beat(BEAT);
    // As a tick that takes for ever while it writes its status: an answer that needed the lock would never come.
    bench.board.update(|_| {
        assert_eq!(bench.code("/health/live"), 200);
        assert_eq!(bench.code("/health/ready"), 200);
    });
}

#[test]
fn other_questions_are_refused() {
    let bench = bench();
    assert_eq!(bench.code("/"), 404);
    assert_eq!(bench.code("/metrics/x"), 404);
    assert_eq!(bench.ask("POST /metrics").0, 405);
    assert_eq!(bench.ask("HEAD /health/live"), (200, String::new()));
    let mut answer = Vec::new();
    let mut garbage = bench.send(&[0x16, 3, 1, 0, 0xff, b'\r', b'\n', b'\r', b'\n']);
    garbage.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 400"), "{answer:?}");
    let mut endless = bench.send(b"GET /health/live HTTP/1.1\r\nx: ");
    let written = (0..64).try_for_each(|_| endless.write_all(&[b'a'; 1_024]));
    let mut answer = Vec::new();
    let read = endless.read_to_end(&mut answer);
    assert!(
        written.is_err() || read.is_err() || answer.starts_with(b"HTTP/1.1 431"),
        "{answer:?}"
    );
}

#[test]
fn who_says_nothing_has_two_seconds_and_a_bounded_number_of_places() {
    let bench = bench();
    let begun = Instant::now();
    let mut idle: Vec<TcpStream> = (0..64).map(|_| bench.send(b"GET /he")).collect();
    // All places are taken: who comes now is sent away without an answer.
    let mut late = bench.send(b"");
    let mut answer = Vec::new();
    let read = late.read_to_end(&mut answer);
    assert!(answer.is_empty(), "{read:?} {answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(2), "not at once");
    for stream in &mut idle {
        let _ = stream.read_to_end(&mut Vec::new()); // an answer, 408, or none
    }
    assert!(begun.elapsed() >= Duration::from_millis(1_900), "too early");
    assert_eq!(bench.code("/health/live"), 200);
}
