//! The server's process stands still, and goes on.

use std::io::{BufRead, BufReader, Lines};
use std::process::{ChildStdout, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Place, Reaped, program};

/// How long everybody may take to be back.
const BACK: Duration = Duration::from_secs(5);

/// A day on which the server stops.
#[derive(Clone, Copy)]
struct Stop {
    players: u32,
    seconds: u64,
    resume_s: u16,
    /// Whether it goes on.
    continues: bool,
}

fn size(variable: &str, small: u32) -> u32 {
    let given = std::env::var(variable).ok();
    given.map_or(small, |text| text.parse().expect("a number"))
}

fn lines(child: &mut Reaped) -> Lines<BufReader<ChildStdout>> {
    BufReader::new(child.0.stdout.take().unwrap()).lines()
}

fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> Value {
    serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap()
}

/// Bots' lines until one is as wanted, or the time is up: the last.
fn wait_for(
    lines: &mut Lines<BufReader<ChildStdout>>,
    time: Duration,
    wanted: impl Fn(&Value) -> bool,
) -> Value {
    let deadline = Instant::now() + time;
    loop {
        let line = next(lines);
        if wanted(&line) || Instant::now() >= deadline {
            return line;
        }
    }
}

fn count(line: &Value, key: &str) -> u64 {
    line[key].as_u64().unwrap()
}

/// Has the server stop while bots play; how long it took them to be back, or what went wrong.
fn live_through(stop: Stop) -> Result<String, String> {
    let place = Place::new();
    let mut serve = program();
    serve.args([
        "serve",
        "--json",
        "--listen=127.0.0.1:0",
        "--threads=1",
        "--agents=0",
        "--towns=20",
    ]);
    serve
        .args(["--endpoints=1", "--planet"])
        .arg(place.planet())
        .arg("--data")
        .arg(place.data());
    serve
        .arg(format!("--resume-s={}", stop.resume_s))
        .stdout(Stdio::piped());
    let mut server = Reaped(serve.spawn().unwrap());
    let addr = next(&mut lines(&mut server))["addr"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut bots = program();
    bots.args([
        "bots",
        "--json",
        "--leash",
        "--pattern=even",
        "--spread=48",
        "--rate=200",
        "--addr",
        &addr,
    ]);
    bots.arg(format!("--count={}", stop.players))
        .arg("--data")
        .arg(place.data());
    let mut bots = Reaped(
        bots.stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut heard = lines(&mut bots);
    let all = u64::from(stop.players);
    // Somebody new has a secret to come back with a moment after the welcome.
    let before = wait_for(&mut heard, Duration::from_secs(60), |line| {
        count(line, "seeing") == all
    });
    if count(&before, "seeing") != all {
        return Err(format!("not all came in: {before}"));
    }
    let process = Pid::from_raw(server.0.id().cast_signed()).unwrap();
    kill_process(process, Signal::STOP).unwrap();
    let stopped = Instant::now();
    let during = wait_for(&mut heard, Duration::from_secs(stop.seconds), |_| false);
    std::thread::sleep(
        (stopped + Duration::from_secs(stop.seconds)).saturating_duration_since(Instant::now()),
    );
    if count(&during, "seeing") != 0 {
        return Err(format!("the server did not stop: {during}"));
    }
    if stop.continues {
        kill_process(process, Signal::CONT).unwrap();
    }
    judge(stop, &mut heard, (&before, &during))
}

fn judge(
    stop: Stop,
    heard: &mut Lines<BufReader<ChildStdout>>,
    (before, during): (&Value, &Value),
) -> Result<String, String> {
    let all = u64::from(stop.players);
    let went_on = Instant::now();
    let enough = |line: &Value| 100 * count(line, "seeing") >= 99 * all;
    let after = wait_for(heard, BACK, enough);
    let took = went_on.elapsed();
    let others = count(&after, "entities_changed");
    let again = count(&after, "connected") - count(before, "connected");
    if !enough(&after) || 100 * (others + again) > all {
        return Err(format!("not back on their entities: {after}"));
    }
    let told = count(during, "disconnects");
    Ok(format!(
        "{} of {all} players saw the world again, {others} of them as others, {:.1} s after the server went on; {told} had been told that their line was lost",
        count(&after, "seeing"),
        took.as_secs_f64(),
    ))
}

#[test]
fn who_was_in_when_the_server_stood_still_is_back() {
    let stop = Stop {
        players: size("BLUEMARBLE_STOP_PLAYERS", 12),
        seconds: size("BLUEMARBLE_STOP_SECONDS", 4).into(),
        resume_s: 60,
        continues: true,
    };
    let row = format!("the server stands still for {} s", stop.seconds);
    match live_through(stop) {
        Ok(figure) => crate::day(&row, &figure),
        Err(wrong) => panic!("{row}: {wrong}"),
    }
}

/// With a server that does not go on, and, in full size, with one that lets nobody come back.
#[test]
fn who_is_not_back_is_noticed() {
    let seconds = size("BLUEMARBLE_STOP_SECONDS", 2).into();
    let stop = Stop {
        players: 4,
        seconds,
        resume_s: 60,
        continues: false,
    };
    assert!(live_through(stop).is_err());
    if seconds > 10 {
        let alone = Stop {
            resume_s: 0,
            continues: true,
            ..stop
        };
        assert!(live_through(alone).is_err());
    }
}
