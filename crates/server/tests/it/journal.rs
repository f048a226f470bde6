//! What a player's tick takes in the journal.

use std::io::Write;
use std::process::Stdio;

use bluemarble_server::{Server, Status};

use crate::support::{Place, Reaped, program, wait_for};

const PLAYERS: u32 = 50;
/// Ticks that are counted: three seconds.
const TICKS: u64 = 90;

#[test]
fn a_players_tick_takes_eight_bytes_at_most() {
    let place = Place::new();
    let server = Server::start(place.config(|s| s.agents = Some(0))).unwrap();
    let mut bots = program();
    bots.args(["bots", "--leash", "--json", "--spread=16", "--rate=50"])
        .arg(format!("--count={PLAYERS}"))
        .args(["--addr", &server.local_addr().to_string(), "--data"])
        .arg(place.data())
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    let bots = Reaped(bots.spawn().unwrap());
    let all = wait_for(&server, "all players", |s| s.players == PLAYERS);
    // A second later each of them walks.
    let from = wait_for(&server, "a second", |s| s.tick > all.tick + 30);
    let to = wait_for(&server, "three more", |s| {
        s.durable_tick > from.tick + TICKS
    });
    drop(bots);
    assert_eq!(to.players, PLAYERS);
    let last = server.stop().unwrap();
    let player_ticks = (to.tick - from.tick) * u64::from(PLAYERS);
    let inputs = inputs_between(&place, (&from, &to));
    let bytes = (to.journal_bytes - from.journal_bytes) as f64 / player_ticks as f64;
    let _ = writeln!(
        std::io::stdout(),
        "journal | {bytes:.2} bytes a player-tick, frames and hashes with it | {PLAYERS} bots, {inputs} inputs in {player_ticks} player-ticks"
    );
    assert!(
        inputs * 10 > player_ticks * 8,
        "{inputs} inputs in {player_ticks} player-ticks"
    );
    assert!(bytes <= 8.0, "{bytes} bytes");
    // Nothing is lost by it: the state is the one that the server had.
    let mut replay = program();
    replay.args(["replay", "run", "--json", "--planet"]);
    let out = replay
        .arg(place.planet())
        .arg(place.data())
        .output()
        .unwrap();
    let again: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(again["hash"], last.state_hash.as_str());
    assert!(again["hashes_verified"].as_u64().unwrap() >= 12, "{again}");
}

/// Inputs that the journal holds of the ticks between two statuses.
fn inputs_between(place: &Place, (from, to): (&Status, &Status)) -> u64 {
    let mut show = program();
    let out = show.args(["replay", "show"]).arg(place.data());
    let text = String::from_utf8(out.output().unwrap().stdout).unwrap();
    let lines = text.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        (line["tick"].as_u64().unwrap(), line["record"] == "input")
    });
    let ticks = from.tick..to.tick;
    let inputs = lines.filter(|(tick, is_input)| *is_input && ticks.contains(tick));
    inputs.count() as u64
}
