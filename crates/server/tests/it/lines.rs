//! Whole programs whose lines break: a game on a polled session, and bots.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bluemarble_server::Server;
use client::{BlockingSession, Coming, Event, SessionError};
use net_proto::RefuseCode;
use spatial_core::EntityId;

use crate::support::{Place, Reaped, program, wait_for};

/// Carries the datagrams of any number of clients to a server and back, until those of now are cut off for good.
struct Cable {
    addr: SocketAddr,
    cuts: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Cable {
    fn start(server: SocketAddr) -> Self {
        let down = socket();
        let addr = down.local_addr().unwrap();
        let (cuts, stop) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let (cut, stopped) = (Arc::clone(&cuts), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut lines: BTreeMap<SocketAddr, Option<UdpSocket>> = BTreeMap::new();
            while !stopped.load(Ordering::Relaxed) {
                if cut.swap(false, Ordering::Relaxed) {
                    lines.values_mut().for_each(|line| *line = None);
                }
                carry(&down, &mut lines, server);
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Self {
            addr,
            cuts,
            stop,
            thread: Some(thread),
        }
    }

    /// Nothing of clients whose addresses are known passes any more, either way.
    fn cut(&self) {
        self.cuts.store(true, Ordering::Relaxed);
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

/// What has come, both ways.
fn carry(
    down: &UdpSocket,
    lines: &mut BTreeMap<SocketAddr, Option<UdpSocket>>,
    server: SocketAddr,
) {
    let mut bytes = [0; 2_048];
    while let Ok((length, from)) = down.recv_from(&mut bytes) {
        let line = lines.entry(from).or_insert_with(|| {
            let up = socket();
            up.connect(server).unwrap();
            Some(up)
        });
        // What a full buffer refuses is lost, as on any line.
        let _ = line.as_ref().map(|up| up.send(&bytes[..length]));
    }
    for (client, up) in lines {
        while let Some(Ok(length)) = up.as_ref().map(|up| up.recv(&mut bytes)) {
            let _ = down.send_to(&bytes[..length], client);
        }
    }
}

/// A game's loop, which believes what it is told of comings and goings.
struct Game {
    session: BlockingSession,
    events: Vec<Event>,
    in_view: BTreeSet<EntityId>,
}

impl Game {
    /// Goes on until something holds.
    fn run(
        &mut self,
        what: &str,
        mut until: impl FnMut(&Self) -> bool,
    ) -> Result<(), SessionError> {
        let deadline = Instant::now() + Duration::from_secs(40);
        let mut comings = Vec::new();
        while !until(self) {
            let view = self.in_view.len();
            assert!(Instant::now() < deadline, "no {what}, {view} in view");
            self.session.poll(&mut self.events)?;
            comings.clear();
            self.session.take_comings(&mut comings);
            for coming in &comings {
                let is_new = match coming {
                    Coming::Entered { id, .. } => self.in_view.insert(*id),
                    Coming::Left { id, .. } => self.in_view.remove(id),
                };
                assert!(is_new, "{coming:?}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn has(&self, wanted: impl Fn(&Event) -> bool) -> bool {
        self.events.iter().any(wanted)
    }
}

#[test]
fn a_game_goes_on_after_its_line_was_lost_and_ends_when_it_cannot() {
    let place = Place::new();
    let server = Server::start(place.config(|s| {
        (s.towns, s.interest_radius_m) = (Some(1), Some(5_000.0));
    }))
    .unwrap();
    let cable = Cable::start(server.local_addr());
    let patience = Duration::from_secs(10);
    let session = BlockingSession::connect(cable.addr, &place.ticket(1), patience).unwrap();
    let entity = session.welcome().player;
    let mut game = Game {
        session,
        events: Vec::new(),
        in_view: BTreeSet::new(),
    };
    game.run("view", |game| {
        game.in_view.len() > 10 && game.has(|e| matches!(e, Event::Resumable(_)))
    })
    .unwrap();
    let before = game.session.traffic();
    game.session.set_velocity(1.0, 0.0, 0.0).unwrap();
    cable.cut();
    game.run("loss", |game| game.has(|e| *e == Event::Lost))
        .unwrap();
    // What is asked meanwhile is asked when it can be.
    game.session.command(7, 300, b"door").unwrap();
    game.run("resumption", |game| {
        game.has(|e| matches!(e, Event::Resumed(_)))
    })
    .unwrap();
    let answer = |e: &Event| matches!(e, Event::Answer(answer) if answer.operation == 7);
    game.run("answer", |game| game.has(answer)).unwrap();
    game.events.clear();
    game.run("second view", |game| {
        game.in_view.contains(&entity) && game.in_view.len() > 10
    })
    .unwrap();
    // Those in view are those that are drawn, and no others.
    let mut seen = Vec::new();
    game.run("agreement", |game| {
        game.session.entities(&mut seen);
        seen.iter()
            .map(|seen| seen.id)
            .eq(game.in_view.iter().copied())
    })
    .unwrap();
    game.run("digest", |game| {
        game.has(|e| matches!(e, Event::Digest(..)))
    })
    .unwrap();
    assert_eq!(game.session.digests().mismatched, 0);
    assert!(game.session.traffic().datagrams_in > before.datagrams_in);
    let status = wait_for(&server, "one who came back", |s| s.resumed == 1);
    assert_eq!(
        (status.players, status.entities, status.lingering),
        (1, 51, 0)
    );

    // The server closes: there is nothing to come back to, and nobody tries.
    server.stop().unwrap();
    game.events.clear();
    let ended = game.run("end", |game| game.has(|e| *e == Event::Lost));
    match ended {
        Err(SessionError::Refused(refuse)) => assert_eq!(refuse.code, RefuseCode::CLOSING),
        other => panic!("{other:?}"),
    }
}

#[test]
fn bots_that_lose_their_lines_come_back_to_their_avatars() {
    use std::io::Read;
    let place = Place::new();
    let server = Server::start(place.config(|_| {})).unwrap();
    let addr = server.local_addr().to_string();
    let mut bots = program();
    bots.args(["bots", "--json", "--addr", &addr, "--count", "20"])
        .args([
            "--seconds",
            "10",
            "--drop-every",
            "2",
            "--drop-percent",
            "50",
        ])
        .arg("--data")
        .arg(place.data())
        .stdout(Stdio::piped());
    let mut bots = Reaped(bots.spawn().unwrap());
    let mut text = String::new();
    let mut out = bots.0.stdout.take().unwrap();
    out.read_to_string(&mut text).unwrap();
    let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(bots.0.wait().unwrap().code(), Some(0), "{last}");
    let number = |key: &str| {
        last[key]
            .as_u64()
            .unwrap_or_else(|| panic!("{key} in {last}"))
    };
    assert!(number("resumes") >= 15, "{last}");
    assert!(number("lines_dropped") >= number("resumes"), "{last}");
    assert_eq!(
        (number("resumes_failed"), number("entities_changed")),
        (0, 0)
    );
    let counted = last["resume_ms"]["count"].as_u64().unwrap();
    assert!(counted + 10 >= number("resumes"), "{last}");
    assert!(last["resume_ms"]["p50"].as_f64().unwrap() > 0.0, "{last}");
    let status = wait_for(&server, "an empty world", |s| s.players == 0);
    assert_eq!((status.joins, status.entities), (20, 50));
    assert!(status.resumed >= number("resumes"), "{status:?}");
    server.stop().unwrap();
}
