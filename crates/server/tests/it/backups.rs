//! `bluemarble world`, as somebody uses it who has a world to lose, and backups that a server makes by itself.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{ChildStdout, Output, Stdio};

use bluemarble_server::Server;
use serde_json::Value;

use crate::support::{Place, Reaped, program, wait_for};

/// A server of a data directory, and what it says.
struct Served {
    server: Reaped,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Served {
    fn new(place: &Place, data: &Path) -> Self {
        let mut serve = program();
        serve
            .args(["serve", "--json", "--listen=127.0.0.1:0", "--threads=1"])
            .args(["--status-s=1", "--towns=2", "--agents=50"])
            .args(["--checkpoint-s=1", "--reserve-bytes=0", "--planet"])
            .arg(place.planet())
            .arg("--data")
            .arg(data);
        let mut server = Reaped(serve.stdout(Stdio::piped()).spawn().unwrap());
        let lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
        Self { server, lines }
    }

    /// The first status in which all up to this tick is on the disk.
    fn after(&mut self, tick: u64) -> Value {
        loop {
            let line = self.lines.next().expect("it goes on").unwrap();
            let status = serde_json::from_str::<Value>(&line).unwrap()["status"].take();
            if status["durable_tick"].as_u64().is_some_and(|at| at > tick) {
                return status;
            }
        }
    }

    fn kill(mut self) {
        self.server.0.kill().unwrap();
        self.server.0.wait().unwrap();
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn run(args: &[&str]) -> Output {
    program().args(args).output().unwrap()
}

/// What a command that must succeed says.
fn said(args: &[&str]) -> Value {
    let out = run(&[args, &["--json"]].concat());
    let error = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{args:?}: {error}");
    serde_json::from_slice(&out.stdout).unwrap()
}

fn number(value: &Value, key: &str) -> u64 {
    value[key]
        .as_u64()
        .unwrap_or_else(|| panic!("{key}: {value}"))
}

#[test]
fn a_served_world_is_backed_up_verified_restored_and_served_again() {
    let place = Place::new();
    let data = place.data();
    let at = |name| place.path().join(name);
    let backup = at("backup");
    let back_up = ["world", "backup", text(&data), "--out", text(&backup)];

    let mut served = Served::new(&place, &data);
    served.after(40);
    let full = said(&back_up);
    assert!(
        full["is_full"] == true && number(&full, "end_tick") > 40,
        "{full}"
    );
    served.after(number(&full, "end_tick") + 40);
    let more = said(&back_up);
    assert!(more["is_full"] == false, "{more}");
    let end = number(&more, "end_tick");
    assert!(end > number(&full, "end_tick") + 40, "{more}");
    served.kill();

    let (again, earlier) = (at("again"), at("earlier"));
    let (last, past) = restored(&place, &backup, (end, &again, &earlier));
    for (dir, last) in [(&again, last), (&earlier, past)] {
        let mut served = Served::new(&place, dir);
        let status = served.after(last + 5);
        assert_eq!(status["recovered_tick"], last + 1);
        served.kill();
    }
}

/// Restores a backup, as a whole and up to a moment of the past, each the same world as the directory that was left; their last ticks.
fn restored(
    place: &Place,
    backup: &Path,
    (end, again, earlier): (u64, &Path, &Path),
) -> (u64, u64) {
    let (data, planet) = (place.data(), place.planet());
    let (data, planet, backup) = (text(&data), text(&planet), text(backup));
    let replayed = |tick: u64| {
        let until = tick.to_string();
        said(&["replay", "run", data, "--planet", planet, "--until", &until])
    };
    let verified = said(&["world", "verify", backup, "--planet", planet]);
    assert_eq!(verified["end_tick"], end);
    assert_eq!(verified["drill"]["hash"], replayed(end)["hash"]);
    let left = said(&["world", "verify", data, "--planet", planet]);
    assert!(number(&left, "end_tick") >= end, "{left}");
    let restore = |to: &Path, more: &[&str]| {
        let args = [
            "world",
            "restore",
            backup,
            "--out",
            text(to),
            "--drill",
            "--planet",
            planet,
        ];
        said(&[&args, more].concat())
    };
    let whole = restore(again, &[]);
    assert_eq!(whole["drill"]["hash"], verified["drill"]["hash"]);
    assert!(whole["drill"]["seconds"].as_f64().unwrap() > 0.0, "{whole}");

    let tick = number(&whole, "from_tick") + 23;
    let past = restore(earlier, &["--to-tick", &tick.to_string()]);
    assert_eq!(past["drill"]["tick"], tick + 1);
    assert_eq!(past["drill"]["hash"], replayed(tick)["hash"]);
    assert_ne!(past["drill"]["hash"], whole["drill"]["hash"]);
    (end, number(&past, "end_tick"))
}

#[test]
fn what_cannot_be_restored_is_refused_and_named() {
    let place = Place::new();
    let server = Server::start(place.config(|s| s.reserve_bytes = Some(0))).unwrap();
    wait_for(&server, "ticks", |s| s.durable_tick > 20);
    server.stop().unwrap();
    let (backup, out) = (place.path().join("backup"), place.path().join("out"));
    let end = said(&[
        "world",
        "backup",
        text(&place.data()),
        "--out",
        text(&backup),
    ]);
    let later = (number(&end, "end_tick") + 1).to_string();
    let refused = |args: &[&str], code: i32, expected: &str| {
        let out = run(&[&["world"], args].concat());
        let error = String::from_utf8_lossy(&out.stderr);
        let found = (out.status.code(), error.contains(expected));
        assert_eq!(found, (Some(code), true), "{args:?}: {error}");
    };
    let restore = ["restore", text(&backup), "--out", text(&out)];
    refused(
        &[&restore[..], &["--to-tick", &later]].concat(),
        2,
        "does not hold this tick",
    );
    refused(&[&restore[..], &["--drill"]].concat(), 2, "--planet");
    refused(
        &["restore", text(&backup), "--out", text(&place.data())],
        2,
        "not empty",
    );
    refused(
        &[
            "backup",
            text(&backup),
            "--out",
            text(&place.path().join("other")),
        ],
        2,
        "no world",
    );
    refused(
        &["verify", text(&place.path().join("nowhere"))],
        1,
        "nowhere",
    );
    let journal = backup.join(format!("journal-{:020}.bmj", 0));
    let mut bytes = std::fs::read(&journal).unwrap();
    bytes[77] ^= 1;
    std::fs::write(&journal, bytes).unwrap();
    for args in [&["verify", text(&backup)][..], &restore] {
        refused(args, 70, text(&journal));
    }
    assert!(!out.exists(), "nothing that is half restored");
}

#[test]
fn a_server_backs_itself_up_and_says_when_it_cannot() {
    let place = Place::new();
    let backup = place.path().join("backup");
    let serve = |out: &Path| {
        let config = place.config(|s| {
            s.backup_dir = Some(out.to_owned());
            s.backup_every_s = Some(1);
        });
        Server::start(config).unwrap()
    };
    let server = serve(&backup);
    let status = wait_for(&server, "two backups", |s| s.backups >= 2);
    assert!(
        status.backup_tick > 30 && status.backups_failed == 0,
        "{status:?}"
    );
    server.stop().unwrap();
    let found = said(&[
        "world",
        "verify",
        text(&backup),
        "--planet",
        text(&place.planet()),
    ]);
    assert!(number(&found, "end_tick") >= status.backup_tick, "{found}");

    // A directory of other things: none of them is touched, and the world goes on.
    let other = place.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("letters"), "dear").unwrap();
    let server = serve(&other);
    let status = wait_for(&server, "a failure", |s| s.backups_failed >= 1);
    assert_eq!((status.backups, status.backup_tick), (0, 0));
    wait_for(&server, "more ticks", |s| {
        s.durable_tick > status.durable_tick
    });
    server.stop().unwrap();
    assert_eq!(std::fs::read_dir(&other).unwrap().count(), 1);
}
