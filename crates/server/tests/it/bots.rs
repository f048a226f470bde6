//! Real clients in a process of their own, and the demo.

use std::process::Output;

use bluemarble_server::Server;
use serde_json::Value;

use crate::support::{Place, Raw, program, runtime, wait_for};

fn last_line(out: &Output) -> Value {
    let text = String::from_utf8(out.stdout.clone()).unwrap();
    let line = text.lines().last().unwrap_or_else(|| {
        panic!(
            "no output; errors: {}",
            String::from_utf8_lossy(&out.stderr)
        );
    });
    serde_json::from_str(line).unwrap()
}

#[test]
fn bots_find_nothing_wrong() {
    let place = Place::new();
    let server = Server::start(place.config(|s| s.agents = Some(200))).unwrap();
    let mut command = program();
    command
        .args([
            "bots",
            "--json",
            "--count",
            "12",
            "--seconds",
            "3",
            "--threads",
            "2",
        ])
        .args(["--addr", &server.local_addr().to_string(), "--data"])
        .arg(place.data());
    let out = command.output().unwrap();
    let summary = last_line(&out);
    assert_eq!(out.status.code(), Some(0), "{summary}");
    assert_eq!(summary["connected"], 12);
    assert!(
        summary["digests_matched"].as_u64().unwrap() >= 12,
        "{summary}"
    );
    assert!(
        summary["snapshots"].as_u64().unwrap() > 12 * 15,
        "{summary}"
    );
    assert!(summary["seen_mean"].as_f64().unwrap() > 20.0, "{summary}");
    assert!(summary["durable_tick"].as_u64().unwrap() > 30, "{summary}");
    let status = wait_for(&server, "everybody gone", |s| s.players == 0);
    assert_eq!(
        (status.joins, status.refusals, status.datagrams_bad),
        (12, 0, 0)
    );
    server.stop().unwrap();
}

#[test]
fn bots_take_tickets_from_standard_input_and_report_failures() {
    use std::io::Write;
    use std::process::Stdio;
    let place = Place::new();
    let server = Server::start(place.config(|_| {})).unwrap();
    let tickets = [place.ticket(1), place.ticket(2)];
    // The second ticket is used up before the bot shows it.
    runtime().block_on(async {
        let (raw, _) = Raw::enter(server.local_addr(), &tickets[1]).await;
        raw.leave().await;
    });
    let mut command = program();
    command
        .args([
            "bots",
            "--json",
            "--seconds",
            "2",
            "--addr",
            &server.local_addr().to_string(),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{}\n{}", tickets[0], tickets[1]).unwrap();
    drop(stdin);
    let out = child.wait_with_output().unwrap();
    let summary = last_line(&out);
    assert_eq!(out.status.code(), Some(1), "{summary}");
    assert_eq!(
        (&summary["connected"], &summary["connects_failed"]),
        (&1.into(), &1.into())
    );
    assert!(
        summary["first_failure"]
            .as_str()
            .unwrap()
            .contains("used before"),
        "{summary}"
    );
    server.stop().unwrap();
}

#[test]
fn the_demo_ends_by_itself_with_a_summary() {
    let place = Place::new();
    let mut command = program();
    command
        .args([
            "demo",
            "--json",
            "--seconds",
            "2",
            "--agents",
            "300",
            "--bots",
            "6",
            "--planet",
        ])
        .arg(place.planet());
    let out = command.output().unwrap();
    let summary = last_line(&out);
    let failures = summary["failures"].as_array().unwrap();
    // On a machine that does a hundred other things the tick may be late; everything else must hold.
    let others: Vec<_> = failures
        .iter()
        .filter(|f| !f.as_str().unwrap().contains("p99"))
        .collect();
    assert!(others.is_empty(), "{summary}");
    assert_eq!(out.status.code(), Some(i32::from(!failures.is_empty())));
    assert_eq!(summary["bots"]["connected"], 6);
}

#[test]
fn a_demo_without_bots_keeps_its_promises() {
    let place = Place::new();
    let mut command = program();
    command.args([
        "demo",
        "--json",
        "--seconds=1",
        "--agents=50",
        "--bots=0",
        "--planet",
    ]);
    let out = command.arg(place.planet()).output().unwrap();
    let summary = last_line(&out);
    let failures = summary["failures"].as_array().unwrap();
    let is_late = |f: &Value| f.as_str().unwrap().contains("p99");
    assert!(failures.iter().all(is_late), "{summary}");
}

#[test]
fn bots_that_see_too_few_others_fail() {
    let place = Place::new();
    let server = Server::start(place.config(|_| {})).unwrap();
    let mut command = program();
    command.args([
        "bots",
        "--json",
        "--count=2",
        "--seconds=2",
        "--seen-min=1000",
    ]);
    command.args(["--addr", &server.local_addr().to_string(), "--data"]);
    let out = command.arg(place.data()).output().unwrap();
    let summary = last_line(&out);
    assert_eq!(out.status.code(), Some(1), "{summary}");
    assert_eq!(summary["violations"], 0, "{summary}");
    server.stop().unwrap();
}

/// Forty bots for three seconds; what they say last, and how they end.
#[cfg(target_os = "linux")]
fn load(pattern: &str, more: &[&str]) -> (Value, Option<i32>) {
    let place = Place::new();
    let server = Server::start(place.config(|s| s.resume_s = Some(30))).unwrap();
    let mut command = program();
    command.args([
        "bots",
        "--json",
        "--count=40",
        "--seconds=4",
        "--rate=200",
        "--spread=3",
    ]);
    // The machine may do a hundred other things.
    command.args(["--pattern", pattern, "--warm-up=1"]);
    command.args(["--addr", &server.local_addr().to_string(), "--data"]);
    let out = command.arg(place.data()).args(more).output().unwrap();
    let status = server.stop().unwrap();
    assert_eq!((status.datagrams_bad, status.judged.kicked), (0, 0));
    (last_line(&out), out.status.code())
}

#[cfg(target_os = "linux")]
#[test]
fn a_load_is_carried_and_measured() {
    let (summary, code) = load("star", &["--within-m=10", "--late-max-ms=2000"]);
    assert_eq!(code, Some(0), "{summary}");
    let number = |key: &str| summary[key].as_f64().unwrap();
    assert_eq!((number("connected"), number("inside")), (40.0, 40.0));
    // Fifteen a second, for three seconds; each tells of an effect, but the last.
    let sent = summary["late_ms"]["count"].as_f64().unwrap();
    let told = summary["effect_ms"]["count"].as_f64().unwrap();
    assert!((40.0 * 30.0..40.0 * 60.0).contains(&sent), "{summary}");
    assert!(told > 0.9 * sent - 80.0, "{summary}");
    assert!(
        summary["effect_ms"]["p50"].as_f64().unwrap() > 1.0,
        "{summary}"
    );
    assert!(number("digests_matched") > 40.0, "{summary}");
    assert!(number("seen_mean") > 19.0, "{summary}");
    assert_eq!(summary["void"], serde_json::json!([]));
}

#[cfg(target_os = "linux")]
#[test]
fn a_load_that_bots_could_not_keep_is_void() {
    let (summary, code) = load("even", &["--late-max-ms=0.000001"]);
    assert_eq!(code, Some(1), "{summary}");
    assert!(
        summary["void"][0].as_str().unwrap().contains("late"),
        "{summary}"
    );
    assert_eq!(summary["disconnects"], 0, "{summary}");
}

#[cfg(target_os = "linux")]
#[test]
fn after_a_storm_everybody_is_back_on_the_same_entity() {
    let (summary, code) = load("reconnect-storm", &["--storm-at=1", "--late-max-ms=2000"]);
    assert_eq!(code, Some(0), "{summary}");
    let figures = ["resumed", "resumes_failed", "entities_changed"];
    let figures = figures.map(|key| summary[key].as_u64().unwrap());
    assert_eq!(figures, [40, 0, 0], "{summary}");
    assert_eq!(summary["back_ms"]["count"], 40, "{summary}");
}

/// Without sockets, on two threads: snapshots that another thread packed are as good.
#[test]
fn bots_in_the_process_of_the_world_find_nothing_wrong() {
    let place = Place::new();
    let file = place.path().join("world.toml");
    let keys = [
        format!("planet = {:?}", place.planet()),
        format!("data_dir = {:?}", place.data()),
        "agents = 200\ntowns = 1\nthreads = 2".to_owned(),
    ];
    std::fs::write(&file, keys.join("\n")).unwrap();
    let mut command = program();
    command
        .args(["bots", "--json", "--pattern", "even", "--in-process"])
        .arg(&file)
        .args(["--count", "150", "--seconds", "5"]);
    let out = command.output().unwrap();
    let said = last_line(&out);
    assert_eq!(said["players"], 150, "{said}");
    assert_eq!(
        (said["digest_mismatches"].as_u64(), said["closed"].as_u64()),
        (Some(0), Some(0)),
        "{said}"
    );
    assert!(said["digests_matched"].as_u64().unwrap() >= 2, "{said}");
    assert!(said["tells_s"].as_f64().unwrap() > 5.0, "{said}");
    // No window of ten seconds has passed: that says nothing of how fast the world is.
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(!said["void"].as_array().unwrap().is_empty(), "{said}");
}
