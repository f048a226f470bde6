//! Players who play by the rules, and those who do not.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use bluemarble_server::{Cheaters, Game, JudgedCounts, Server, Status, Turn, Visitor};
use client::Connection;
use net_proto::quic::client_endpoint;
use net_proto::{Input, InputDatagram, InputHead, RefuseCode};
use serde_json::Value;
use sim_core::{Agent, Kind, KindId, Record};
use spatial_core::EntityId;

use crate::relay::{Relay, Weather};
use crate::support::{Place, Raw, Reaped, program, runtime, wait_for};

/// Bots on a server; they predict over its planet.
fn bots(place: &Place, server: &Server, more: &[&str]) -> Reaped {
    bots_at(place, server.local_addr(), more)
}

fn bots_at(place: &Place, addr: SocketAddr, more: &[&str]) -> Reaped {
    let mut command = program();
    let addr = addr.to_string();
    command
        .args(["bots", "--json", "--addr", &addr, "--data"])
        .arg(place.data())
        .arg("--planet")
        .arg(place.planet())
        .args(more)
        .stdout(Stdio::piped());
    Reaped(command.spawn().unwrap())
}

/// The exit code and the last line.
fn end(bots: &mut Child) -> (Option<i32>, Value) {
    use std::io::Read;
    let mut text = String::new();
    bots.stdout
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    let last = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    (bots.wait().unwrap().code(), last)
}

fn number(line: &Value, key: &str) -> f64 {
    line[key]
        .as_f64()
        .unwrap_or_else(|| panic!("{key} in {line}"))
}

#[test]
fn honest_players_predict_right_and_are_not_suspected() {
    let place = Place::new();
    let server = Server::start(place.config(|s| s.agents = Some(20))).unwrap();
    let mut fleet = bots(&place, &server, &["--count", "10", "--seconds", "8"]);
    let (code, summary) = end(&mut fleet.0);
    assert_eq!(code, Some(0), "{summary}");
    // Each is told of its state fifteen times a second.
    assert!(number(&summary, "predictions_agreed") > 500.0, "{summary}");
    let wrong = number(&summary, "predictions_corrected");
    assert!(
        wrong < number(&summary, "predictions_agreed") / 5.0,
        "{summary}"
    );
    let status = wait_for(&server, "everybody gone", |s| s.players == 0);
    assert!(
        status.judged.findings.is_empty() && status.judged.kicked == 0,
        "{:?}",
        status.judged
    );
    assert!(status.shots.fired >= 10, "{:?}", status.shots);
    server.stop().unwrap();
}

/// Puts somebody where each player stands, for one tick, when the last time is long forgiven.
#[derive(Default)]
struct Intruders {
    players: BTreeSet<EntityId>,
    there: Vec<EntityId>,
}

impl Game for Intruders {
    fn join(&mut self, _: &mut Turn<'_>, visitor: &Visitor) {
        self.players.insert(visitor.entity);
    }

    fn leave(&mut self, _: &mut Turn<'_>, visitor: &Visitor) {
        self.players.remove(&visitor.entity);
    }

    fn tick(&mut self, turn: &mut Turn<'_>) {
        for entity in self.there.drain(..) {
            turn.record(Record::Despawn { entity });
        }
        if !turn.tick().is_multiple_of(151) {
            return;
        }
        let (id, kind) = (KindId(900), Kind::crowd(256));
        if turn.world().kind(id).is_none() {
            turn.record(Record::Kind { id, kind });
        }
        for player in &self.players {
            if let Some(agent) = turn.world().agent(*player)
                && let Some(entity) = turn.lease()
            {
                let agent = Agent { kind: id, ..agent };
                turn.record(Record::Spawn { entity, agent });
                self.there.push(entity);
            }
        }
    }
}

/// Nobody can have known of who comes into the world beside it, and is gone before anybody looked.
#[test]
fn who_is_pushed_by_a_newcomer_is_not_suspected() {
    let place = Place::new();
    let config = place.config(|s| s.agents = Some(0));
    let server = Server::builder(config).game(Intruders::default());
    let server = server.start().unwrap();
    let mut fleet = bots(&place, &server, &["--count", "6", "--seconds", "18"]);
    let (_, summary) = end(&mut fleet.0);
    assert!(number(&summary, "predictions_agreed") > 500.0, "{summary}");
    assert!(number(&summary, "predictions_corrected") > 3.0, "{summary}");
    assert_fair(&server.status().judged, "pushed");
    server.stop().unwrap();
}

/// Nobody was found at anything but at inputs that came all at once after a silence, or did anything about anybody.
fn assert_fair(judged: &JudgedCounts, case: &str) {
    let mut others = judged.findings.keys().filter(|name| *name != "held");
    assert_eq!(others.next(), None, "{case}: {judged:?}");
    let sentences = (judged.corrected, judged.kicked, judged.banned);
    assert_eq!(sentences, (0, 0, 0), "{case}: {judged:?}");
}

#[test]
fn bad_lines_make_nobody_suspect() {
    let lines = [
        ("delays and loses", (60, 80), 5, (0.0, 0.0)),
        ("stands still for half a second", (20, 10), 0, (4.0, 4.5)),
        ("stands still for a second", (20, 10), 2, (4.0, 5.0)),
    ];
    let places: Vec<_> = lines
        .into_iter()
        .map(|(case, delay_ms, lost_per_100, held_s)| {
            let place = Place::new();
            let server = Server::start(place.config(|_| {})).unwrap();
            let weather = Weather {
                delay_ms,
                lost_per_100,
                held_s,
            };
            let relay = Relay::start(server.local_addr(), weather);
            let fleet = bots_at(&place, relay.addr, &["--count", "6", "--seconds", "9"]);
            (case, place, server, relay, fleet)
        })
        .collect();
    for (case, _place, server, relay, mut fleet) in places {
        let (_, summary) = end(&mut fleet.0);
        drop(relay);
        assert_fair(&server.status().judged, case);
        assert_eq!(number(&summary, "connected"), 6.0, "{case}: {summary}");
        assert_eq!(number(&summary, "disconnects"), 0.0, "{case}: {summary}");
        let agreed = number(&summary, "predictions_agreed");
        assert!(
            agreed > 300.0 && agreed > 5.0 * number(&summary, "predictions_corrected"),
            "{case}: {summary}"
        );
        server.stop().unwrap();
    }
}

#[test]
fn a_server_that_stands_still_sends_nobody_away() {
    use std::io::{BufRead, BufReader};
    let place = Place::new();
    let mut command = program();
    command
        .args(["serve", "--json", "--listen", "127.0.0.1:0"])
        .args(["--status-s", "1", "--agents", "20", "--towns", "2"]);
    command.arg("--planet").arg(place.planet());
    command.arg("--data").arg(place.data());
    let mut server = Reaped(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let started = next();
    let addr = started["addr"].as_str().unwrap().parse().unwrap();
    let mut fleet = bots_at(&place, addr, &["--count", "6", "--seconds", "10"]);
    let pid = rustix::process::Pid::from_child(&server.0);
    for still_s in [0.6, 2.0] {
        std::thread::sleep(Duration::from_secs(2));
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
        std::thread::sleep(Duration::from_secs_f64(still_s));
        rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    }
    let (_, summary) = end(&mut fleet.0);
    assert_eq!(number(&summary, "connected"), 6.0, "{summary}");
    assert_eq!(number(&summary, "disconnects"), 0.0, "{summary}");
    let last = loop {
        let status = next()["status"].take();
        if status["leaves"] == 6 {
            break status;
        }
    };
    let judged = serde_json::from_value(last["judged"].clone()).unwrap();
    assert_fair(&judged, "a server that was stopped");
}

#[test]
fn cheats_are_found_and_end_the_session() {
    const CHEATS: [(&str, &str); 8] = [
        ("sprint", "wish_too_long"),
        ("clock", "too_early"),
        ("replay", "stale"),
        ("contradict", "contradiction"),
        ("aim", "aim_snap"),
        ("flood", "flood"),
        ("buttons", "unknown_buttons"),
        ("forge", "mispredicted"),
    ];
    let place = Place::new();
    let server = Server::start(place.config(|s| s.agents = Some(0))).unwrap();
    let fleets: Vec<_> = (1u32..)
        .zip(CHEATS)
        .map(|(n, (cheat, _))| {
            let player = (n * 10).to_string();
            let more = ["--count", "1", "--seconds", "40", "--cheat", cheat];
            bots(
                &place,
                &server,
                &[&more[..], &["--first-player", &player]].concat(),
            )
        })
        .collect();
    for ((cheat, _), mut fleet) in CHEATS.into_iter().zip(fleets) {
        let (code, summary) = end(&mut fleet.0);
        assert_eq!(code, Some(0), "{cheat}: {summary}");
        assert_eq!(number(&summary, "caught"), 1.0, "{cheat}: {summary}");
    }
    let status = wait_for(&server, "everybody gone", |s| s.players == 0);
    for (cheat, finding) in CHEATS {
        let found = status.judged.findings.get(finding);
        // Datagrams of a flood may be dropped by the session before anybody judges them.
        assert!(
            found.is_some() || cheat == "flood",
            "{cheat}: {:?}",
            status.judged
        );
    }
    let (stopped, ended) = (status.judged.corrected, status.judged.kicked);
    assert!(stopped + ended >= 8 && ended > 0, "{:?}", status.judged);
    server.stop().unwrap();
}

#[test]
fn the_worst_stay_out_and_who_is_only_watched_stays_in() {
    let place = Place::new();
    let mut status = Vec::new();
    for cheaters in [Cheaters::Ban, Cheaters::Watch] {
        let server = Server::start(place.config(|s| {
            s.agents = Some(0);
            s.cheaters = Some(cheaters);
        }))
        .unwrap();
        let more = "--count 1 --seconds 5 --cheat contradict --first-player 7";
        let more: Vec<_> = more.split(' ').collect();
        let is_caught = cheaters == Cheaters::Ban;
        // Who is sent away may come back once.
        for _ in 0..if is_caught { 2 } else { 1 } {
            let (code, summary) = end(&mut bots(&place, &server, &more).0);
            assert_eq!(code == Some(0), is_caught, "{summary}");
        }
        if is_caught {
            runtime().block_on(async {
                let ticket = place.ticket(7);
                let mut raw = Raw::open(server.local_addr(), ticket.cert_sha256).await;
                raw.show(&ticket).await;
                assert_eq!(raw.refusal().await.code, RefuseCode::UNFAIR);
            });
        }
        status.push(wait_for(&server, "everybody gone", |s| s.players == 0));
        server.stop().unwrap();
    }
    let [banned, watched] = &status[..] else {
        panic!("two servers");
    };
    let counts = |s: &Status| (s.judged.kicked, s.judged.banned);
    assert_eq!(counts(banned), (1, 1), "{:?}", banned.judged);
    assert_eq!(counts(watched), (0, 0), "{:?}", watched.judged);
    assert!(watched.judged.findings["contradiction"] > 10);
}

/// Takes what comes for a time.
async fn listen(connection: &mut Connection, time: Duration) {
    let until = Instant::now() + time;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        if let Ok(event) = tokio::time::timeout(left, connection.next()).await {
            event.unwrap();
        }
    }
}

/// The heading from a client's avatar to somebody whom it sees.
fn heading_to(connection: &Connection, other: EntityId) -> Option<u16> {
    let core = connection.core();
    let (own, other) = (
        core.player()?.state.position(),
        core.replica().get(other)?.state.position(),
    );
    assert_eq!(own.frame, other.frame, "a town lies in one frame");
    let (east, north) = (f64::from(other.x - own.x), f64::from(other.y - own.y));
    let turns = east.atan2(north) / core::f64::consts::TAU;
    Some((turns.rem_euclid(1.0) * 65_536.0) as u32 as u16)
}

#[test]
fn a_shot_hits_whom_its_shooter_aims_at() {
    let place = Place::new();
    let server = Server::start(place.config(|s| {
        s.agents = Some(0);
        s.towns = Some(1);
        s.interest_radius_m = Some(1_000.0);
    }))
    .unwrap();
    runtime().block_on(async {
        let endpoint = client_endpoint(server.local_addr()).unwrap();
        let enter = async |player| {
            let ticket = place.ticket(player);
            Connection::connect(&endpoint, server.local_addr(), &ticket).await
        };
        let (mut shooter, target) = (enter(1).await.unwrap(), enter(2).await.unwrap());
        listen(&mut shooter, Duration::from_millis(500)).await;
        let aim = heading_to(&shooter, target.core().welcome().player).unwrap();
        // Half a turn away nobody is hit; a button that stays down shoots once.
        for (heading, hits) in [(aim.wrapping_add(0x8000), 0), (aim, 1)] {
            for buttons in [0, Input::SHOOT, Input::SHOOT] {
                shooter.push_input(Input {
                    heading,
                    buttons,
                    ..Input::default()
                });
                shooter.send_inputs().unwrap();
                listen(&mut shooter, Duration::from_millis(40)).await;
            }
            let status = wait_for(&server, "the shot", |s| s.shots.fired == 1 + hits);
            assert_eq!(status.shots.hits, hits, "{:?}", status.shots);
        }
    });
    server.stop().unwrap();
}

fn datagram(first: u32, inputs: impl IntoIterator<Item = Input>) -> bytes::Bytes {
    let mut bytes = Vec::new();
    InputDatagram::new(InputHead::default(), first, inputs)
        .unwrap()
        .encode(&mut bytes);
    bytes.into()
}

fn looking(heading: u16) -> Input {
    Input {
        heading,
        ..Input::default()
    }
}

/// Sends eight inputs, and then some of them again with other contents: 150 points each.
async fn contradict(raw: &Raw, count: usize) {
    let said = [
        datagram(1, [looking(1); 8]),
        datagram(1, vec![looking(2); count]),
    ];
    for bytes in said {
        raw.connection.send_datagram(bytes).unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[test]
fn who_was_sent_away_long_ago_is_forgotten() {
    let place = Place::new();
    let server = Server::start(place.config(|s| {
        s.agents = Some(0);
        s.ban_s = Some(1);
    }))
    .unwrap();
    runtime().block_on(async {
        for _ in 0..2 {
            let (mut raw, _) = Raw::enter(server.local_addr(), &place.ticket(1)).await;
            contradict(&raw, 8).await;
            assert_eq!(raw.refusal().await.code, RefuseCode::UNFAIR);
            tokio::time::sleep(Duration::from_millis(1_500)).await;
        }
    });
    let status = wait_for(&server, "everybody gone", |s| s.leaves == 2);
    assert_eq!((status.judged.kicked, status.judged.banned), (2, 0));
    server.stop().unwrap();
}

#[test]
fn who_comes_back_at_once_is_not_as_good_as_new() {
    let place = Place::new();
    let server = Server::start(place.config(|s| s.agents = Some(0))).unwrap();
    runtime().block_on(async {
        let (raw, _) = Raw::enter(server.local_addr(), &place.ticket(1)).await;
        contradict(&raw, 6).await; // 900 points: not enough to be sent away
        raw.leave().await;
        let (mut raw, _) = Raw::enter(server.local_addr(), &place.ticket(1)).await;
        contradict(&raw, 6).await;
        assert_eq!(raw.refusal().await.code, RefuseCode::UNFAIR);
    });
    let status = wait_for(&server, "everybody gone", |s| s.leaves == 2);
    assert_eq!((status.judged.kicked, status.judged.banned), (1, 0));
    server.stop().unwrap();
}
