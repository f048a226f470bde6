//! A world whose ticks take too long: what is left undone, in which order, who is told, and that it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bluemarble_server::{Game, Outcome, Server, Turn, Visitor};
use client::{Connection, Event};
use net_proto::quic::client_endpoint;
use net_proto::{AnswerCode, Command};

use crate::support::{Place, program, runtime, wait_for};

const RATE_HZ: u16 = 20;

/// A game that takes its time, milliseconds a tick.
struct Slow(Arc<AtomicU64>);

impl Game for Slow {
    fn tick(&mut self, _: &mut Turn<'_>) {
        std::thread::sleep(Duration::from_millis(self.0.load(Ordering::Relaxed)));
    }

    fn command(&mut self, _: &mut Turn<'_>, _: &Visitor, command: &Command) -> Outcome {
        Outcome::done(command.body.clone())
    }
}

/// Waits until the server has said that time runs at such a pace.
async fn told(line: &mut Connection, what: &str, is_it: impl Fn(f64) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(40);
    while !is_it(line.core().pace()) {
        assert!(Instant::now() < deadline, "not told of {what}");
        let event = tokio::time::timeout(Duration::from_secs(10), line.next()).await;
        event
            .expect("something in time")
            .expect("a session that goes on");
    }
}

async fn ask(line: &mut Connection, operation: u64) {
    line.command(operation, 400, b"are you there?").unwrap();
    loop {
        if let Event::Answer(answer) = line.next().await.unwrap() {
            assert_eq!(
                (answer.operation, answer.code),
                (operation, AnswerCode::DONE)
            );
            return;
        }
    }
}

#[test]
fn the_least_goes_first_time_last_and_nobody_leaves() {
    let (place, slowness) = (Place::new(), Arc::new(AtomicU64::new(0)));
    let config = place.config(|s| {
        (s.tick_rate_hz, s.agents) = (Some(RATE_HZ), Some(200));
        s.checkpoint_s = Some(3_600); // what is journalled stays
    });
    let game = Slow(Arc::clone(&slowness));
    let server = Server::builder(config).game(game).start().unwrap();
    let addr = server.local_addr();
    wait_for(&server, "agents", |s| s.entities == 200);
    runtime().block_on(async {
        let endpoint = client_endpoint(addr).unwrap();
        let enter = async |player| {
            let ticket = place.ticket(player);
            Connection::connect(&endpoint, addr, &ticket).await.unwrap()
        };
        let mut one = enter(1).await;
        assert_eq!(one.core().pace(), 1.0);
        slowness.store(64, Ordering::Relaxed); // of the 50 that a tick has
        told(&mut one, "slower time", |pace| pace < 0.65).await;
        // 0.8 of a period, in steps of 5 %, or as slow as it may be where the machine is busy too.
        assert!(
            (0.5..=0.6).contains(&one.core().pace()),
            "{}",
            one.core().pace()
        );
        assert!(one.core().tick_period() > Duration::from_millis(80));
        // Who comes now is told as well.
        let mut two = enter(2).await;
        told(&mut two, "slower time", |pace| pace < 0.65).await;
        let status = wait_for(&server, "the whole order", |s| s.throttle == 4);
        assert_eq!(status.pace, one.core().pace());
        ask(&mut one, 1).await;
        ask(&mut two, 1).await;
        slowness.store(0, Ordering::Relaxed);
        for line in [&mut one, &mut two] {
            told(line, "time as it should be", |pace| pace == 1.0).await;
        }
        ask(&mut two, 2).await;
    });
    let status = server.status();
    assert_eq!((status.joins, status.leaves), (2, 0), "{status:?}");
    server.stop().unwrap();
    the_journal_tells(&place);
}

/// Of every step, and what was left undone makes no other world.
fn the_journal_tells(place: &Place) {
    let replay = |args: &[&str]| {
        let out = program()
            .arg("replay")
            .args(args)
            .arg(place.data())
            .output()
            .unwrap();
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8(out.stdout).unwrap()
    };
    let shown = replay(&["show"]);
    let lines = shown
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let (mut levels, mut sleepers) = (Vec::new(), 0);
    for line in lines {
        if let Some(level) = line.get("throttle") {
            levels.push((level.as_u64().unwrap(), line["pace"].as_u64().unwrap()));
        }
        sleepers += u32::from(line["record"] == "tier");
    }
    assert_eq!(levels[..3], [(1, 1_000), (2, 1_000), (3, 1_000)]);
    assert!(levels[3].0 == 4 && levels[3].1 <= 600, "{levels:?}");
    assert!(
        levels.ends_with(&[(4, 1_000)]) || levels.last().unwrap().0 < 4,
        "{levels:?}"
    );
    assert!(sleepers > 0, "agents whom nobody sees sleep");
    let planet = place.planet();
    replay(&["run", "--planet", planet.to_str().unwrap()]);
}
