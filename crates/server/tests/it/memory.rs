//! What a connected player takes: transport, session, and a place in the world.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Place, Reaped, program};

const FIRST: u64 = 100;
const MORE: u64 = 300;

/// Three hundred players after a hundred, so that what a server takes once is not counted as theirs.
#[test]
fn a_connected_player_takes_at_most_64_kb() {
    let place = Place::new();
    let mut serve = program();
    serve
        .args(["serve", "--json", "--listen=127.0.0.1:0", "--threads=1"])
        .args(["--status-s=1", "--towns=20", "--agents=0", "--endpoints=2"])
        .args(["--checkpoint-s=3600", "--planet"])
        .arg(place.planet())
        .arg("--data")
        .arg(place.data())
        .stdout(Stdio::piped());
    let mut server = Reaped(serve.spawn().unwrap());
    let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let addr = next()["addr"].as_str().unwrap().to_owned();
    let mut players = |count: u64| {
        let deadline = Instant::now() + Duration::from_secs(60);
        while next()["status"]["players"] != count {
            assert!(Instant::now() < deadline, "{count} players do not come");
        }
        // Until everybody has been seen and acknowledged for a while.
        (0..4).for_each(|_| drop(next()));
    };
    let _some = bots(&place, &addr, 1, FIRST);
    players(FIRST);
    let Some(before) = resident_bytes(server.0.id()) else {
        println!("SKIPPED: this system does not say what a process has in memory");
        return;
    };
    let _more = bots(&place, &addr, 1 + FIRST, MORE);
    players(FIRST + MORE);
    let after = resident_bytes(server.0.id()).unwrap();
    let each = after.saturating_sub(before) / MORE;
    println!("{} KB a player, {} MB in all", each / 1_024, after >> 20);
    assert!(each <= 64 << 10, "{each} B a player");
}

fn bots(place: &Place, addr: &str, first: u64, count: u64) -> Reaped {
    let mut bots = program();
    bots.args(["bots", "--json", "--leash", "--nice=5", "--addr", addr])
        .args(["--first-player", &first.to_string()])
        .args(["--count", &count.to_string(), "--data"])
        .arg(place.data())
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    Reaped(bots.spawn().unwrap())
}

fn resident_bytes(process: u32) -> Option<u64> {
    let statm = std::fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4_096)
}
