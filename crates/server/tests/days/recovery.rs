//! How long a world that was killed takes to come back: a checkpoint and ten seconds of journal.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use bluemarble_server::{Server, Status};
use serde_json::Value;

use crate::support::{Place, Reaped, program};
use crate::{day, is_full, size};

/// Waits as long as a large world may take.
fn until(server: &Server, is: impl Fn(&Status) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(300);
    while !is(&server.status()) {
        assert!(server.is_running() && Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Serves until a status is as wanted and is killed then: from its start until it listened, and the first status.
fn serve(place: &Place, agents: u32, is_enough: impl Fn(&Value) -> bool) -> (Duration, Value) {
    let begun = Instant::now();
    let mut serve = program();
    serve
        .args(["serve", "--json", "--listen=127.0.0.1:0", "--towns=20"])
        .args(["--status-s=1", "--checkpoint-s=3600", "--reserve-bytes=0"])
        .arg(format!("--agents={agents}"))
        .arg("--planet")
        .arg(place.planet())
        .arg("--data")
        .arg(place.data())
        .stdout(Stdio::piped());
    let mut server = Reaped(serve.spawn().unwrap());
    let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert!(next()["addr"].is_string());
    let took = begun.elapsed();
    let first = next()["status"].take();
    let mut status = first.clone();
    while !is_enough(&status) {
        status = next()["status"].take();
    }
    server.0.kill().unwrap();
    (took, first)
}

#[test]
fn a_world_that_was_killed_is_soon_back() {
    let place = Place::new();
    let agents = size("BLUEMARBLE_RECOVERY_AGENTS", 2_000);
    let server = Server::start(place.config(|s| {
        (s.agents, s.towns, s.threads) = (Some(agents), Some(20), None);
        s.reserve_bytes = Some(0);
    }));
    let server = server.unwrap();
    until(&server, |s| s.entities >= agents);
    let last = server.stop().unwrap();
    // Time for the journal to hold ten seconds, or one.
    let ticks = if is_full() { 300 } else { 30 };
    let durable = |status: &Value| status["durable_tick"].as_u64().unwrap();
    serve(&place, agents, |status| durable(status) > last.tick + ticks);
    let (took, status) = serve(&place, agents, |_| true);
    let recovered = status["recovered_tick"].as_u64().unwrap();
    let replayed = recovered - last.tick;
    assert!(replayed > ticks, "{replayed} ticks: {status}");
    assert_eq!(status["entities"], agents, "{status}");
    let took_s = took.as_secs_f64();
    assert!(!is_full() || took_s <= 5.0, "{took_s} s");
    day(
        &format!("killed with {agents} entities"),
        format!("served again after {took_s:.2} s: a checkpoint and {replayed} ticks of journal"),
    );
}
