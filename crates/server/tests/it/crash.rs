//! `kill -9` of a serving process at random moments: what was acknowledged is there, and replay gives the hashes that
//! clients were told.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::support::{Place, Reaped, program};

const ROUNDS: u32 = 20;
const AGENTS: &str = "200";

/// What clients were told before the server died.
#[derive(Default, Debug)]
struct Told {
    durable_tick: u64,
    hashes: Vec<(u64, String)>,
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let seed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_nanos() as u64;
    println!("seed {seed}");
    let mut random = seed | 1;
    let place = Place::new();
    let (mut compared, mut acknowledged) = (0, 0);
    for round in 0..ROUNDS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let told = one_life(&place, Duration::from_millis(300 + random % 900));
        let replayed = replay(&place, None);
        let end = replayed["journal_end"].as_u64().unwrap();
        assert!(
            end >= told.durable_tick,
            "round {round}: {told:?}, {replayed}"
        );
        assert!(end >= acknowledged, "round {round}: time went back");
        acknowledged = end;
        for (tick, hash) in &told.hashes {
            if *tick + 1 < replayed["from_tick"].as_u64().unwrap() {
                continue; // its checkpoint has been replaced
            }
            let again = replay(&place, Some(*tick));
            assert_eq!(
                (&again["tick"], &again["hash"]),
                (&(*tick).into(), &hash.as_str().into()),
                "round {round}"
            );
            compared += 1;
        }
    }
    println!("{compared} hashes compared, {acknowledged} ticks");
    assert!(compared >= 3, "too few hashes were told: {compared}");
    a_lost_tail_is_noticed(&place);
}

/// Serves under bots, kills the server after a while, and returns what the bots were told.
fn one_life(place: &Place, life: Duration) -> Told {
    let mut serve = program();
    serve
        .args([
            "serve",
            "--json",
            "--listen",
            "127.0.0.1:0",
            "--threads",
            "1",
            "--status-s",
            "0",
        ])
        .args([
            "--agents",
            AGENTS,
            "--towns",
            "2",
            "--checkpoint-s",
            "1",
            "--planet",
        ])
        .arg(place.planet())
        .arg("--data")
        .arg(place.data())
        .stdout(Stdio::piped());
    let mut server = Reaped(serve.spawn().unwrap());
    let addr = listening(&mut server.0);
    let mut bots = program();
    bots.args([
        "bots",
        "--json",
        "--durable",
        "--leash",
        "--count",
        "4",
        "--addr",
        &addr,
        "--data",
    ])
    .arg(place.data())
    .stdin(Stdio::piped())
    .stdout(Stdio::piped());
    let mut bots = Reaped(bots.spawn().unwrap());
    let out = BufReader::new(bots.0.stdout.take().unwrap());
    let reader = std::thread::spawn(move || read_told(out));
    std::thread::sleep(life);
    server.0.kill().unwrap();
    server.0.wait().unwrap();
    drop(bots.0.stdin.take()); // the leash
    let deadline = Instant::now() + Duration::from_secs(10);
    while bots.0.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "the bots do not end");
        std::thread::sleep(Duration::from_millis(10));
    }
    reader.join().unwrap()
}

fn listening(server: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let value: Value = serde_json::from_str(&line).expect("the server listens");
    value["addr"].as_str().unwrap().to_owned()
}

fn read_told(out: impl BufRead) -> Told {
    let mut told = Told::default();
    for line in out.lines().map_while(Result::ok) {
        let value: Value = serde_json::from_str(&line).unwrap();
        if value["event"] == "bots" {
            let wrong = ["digest_mismatches", "violations", "protocol_errors"];
            assert!(wrong.iter().all(|kind| value[kind] == 0), "{value}");
            continue;
        }
        let tick = value["tick"].as_u64().unwrap();
        told.durable_tick = told.durable_tick.max(tick);
        if let Some(hash) = value["hash"].as_str() {
            told.hashes.push((tick, hash.to_owned()));
        }
    }
    told
}

fn replay(place: &Place, until: Option<u64>) -> Value {
    let mut command = program();
    command
        .args(["replay", "run", "--json", "--planet"])
        .arg(place.planet())
        .args(until.map(|tick| format!("--until={tick}")))
        .arg(place.data());
    let out = command.output().unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    serde_json::from_slice(&out.stdout).unwrap()
}

/// The canary: this harness sees a journal that lost acknowledged frames.
fn a_lost_tail_is_noticed(place: &Place) {
    let newest = newest_journal(&place.data());
    let bytes = std::fs::read(&newest).unwrap();
    std::fs::write(&newest, &bytes[..bytes.len() - 1]).unwrap();
    let mut command = program();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--planet"])
        .arg(place.planet())
        .arg("--data")
        .arg(place.data());
    let out = command.output().unwrap();
    let text = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(70), "{text}");
    assert!(text.contains(newest.to_str().unwrap()), "{text}");
}

fn newest_journal(data: &Path) -> std::path::PathBuf {
    let files = std::fs::read_dir(data).unwrap().map(|e| e.unwrap().path());
    let journals = files
        .filter(|p| p.extension().is_some_and(|e| e == "bmj") && p.metadata().unwrap().len() > 40);
    journals.max().unwrap()
}
