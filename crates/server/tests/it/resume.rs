//! Lines that are lost, and players who come back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bluemarble_server::{Server, Settings};
use net_proto::quic::export;
use net_proto::{
    ClientMessage, HolderKey, Input, InputDatagram, InputHead, PROTOCOL_VERSION, RefuseCode,
    Replica, Resume, ResumeSecret, Return, ServerMessage, Ticket, Welcome, WireColumns, WorldId,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use spatial_core::{EntityId, Position};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::support::{Place, Raw, WORLD, holder_key, runtime, wait_for};

/// A second of the world.
const SECOND: u64 = 30;

/// Nobody but players in a world where they see each other, and a line is given up after so short a silence that tests need not wait for long.
fn start(place: &Place, change: impl FnOnce(&mut Settings)) -> Server {
    Server::start(place.config(|s| {
        (s.agents, s.towns) = (Some(0), Some(1));
        s.interest_radius_m = Some(5_000.0);
        change(s);
    }))
    .unwrap()
}

/// A client on a runtime of its own: while nobody runs that, it is as silent as the dead.
struct Guest {
    runtime: Runtime,
    raw: Raw,
    welcome: Welcome,
    resume: Option<Resume>,
    replica: Replica,
    inputs: u32,
}

impl Guest {
    /// Comes in with a ticket of version 3.
    fn enter(place: &Place, server: &Server, player: u64) -> Self {
        let ticket = place.ticket(player);
        Self::with(place, server, |raw| raw.hello(&ticket)).unwrap()
    }

    /// Comes back.
    fn back(place: &Place, server: &Server, resume: Resume) -> Result<Self, RefuseCode> {
        Self::with(place, server, |raw| of_return(raw, resume, &holder_key()))
    }

    /// Begins with some message.
    fn with(
        place: &Place,
        server: &Server,
        first: impl FnOnce(&Raw) -> Vec<u8>,
    ) -> Result<Self, RefuseCode> {
        let line = async || frail(place, server.local_addr()).await;
        Self::over(line, first)
    }

    /// Comes in over a line that stands ten seconds of silence.
    fn watch(place: &Place, server: &Server, player: u64) -> Self {
        let ticket = place.ticket(player);
        let line = async || Raw::open(server.local_addr(), place.cert()).await;
        Self::over(line, |raw| raw.hello(&ticket)).unwrap()
    }

    fn over(
        line: impl AsyncFnOnce() -> Raw,
        first: impl FnOnce(&Raw) -> Vec<u8>,
    ) -> Result<Self, RefuseCode> {
        let runtime = runtime();
        let begun = runtime.block_on(async {
            let mut raw = line().await;
            let bytes = first(&raw);
            raw.write(&bytes).await;
            let mut columns = WireColumns::default();
            let welcome = loop {
                match raw.read().await {
                    ServerMessage::Columns(told) => columns = told,
                    ServerMessage::Welcome(welcome) => break welcome,
                    ServerMessage::Refuse(refuse) => return Err(refuse.code),
                    other => panic!("not welcome: {other:?}"),
                }
            };
            Ok((raw, welcome, columns))
        });
        let (raw, welcome, columns) = begun?;
        let mut guest = Self {
            runtime,
            raw,
            welcome,
            resume: None,
            replica: Replica::with_columns(Arc::new(columns)),
            inputs: 0,
        };
        guest.resume = guest.wait_for_secret();
        Ok(guest)
    }

    /// The secret that follows the welcome, if one does.
    fn wait_for_secret(&mut self) -> Option<Resume> {
        let raw = &mut self.raw;
        self.runtime.block_on(async {
            match timeout(Duration::from_millis(800), raw.read()).await {
                Ok(ServerMessage::Resume(resume)) => Some(resume),
                Ok(other) => panic!("not a secret: {other:?}"),
                Err(_) => None,
            }
        })
    }

    fn secret(&self) -> Resume {
        self.resume.expect("the server gives one")
    }

    /// Looks until so many ticks of snapshots have passed, walking as told if at all.
    fn look(&mut self, ticks: u64, east: Option<i16>) {
        let now = self.replica.newest().map_or(self.welcome.tick, |n| n.tick);
        self.look_to(now + ticks, east);
    }

    fn look_to(&mut self, until: u64, east: Option<i16>) {
        while self.replica.newest().is_none_or(|n| n.tick < until) {
            let connection = &self.raw.connection;
            let read = async { timeout(Duration::from_secs(10), connection.read_datagram()).await };
            let bytes = self.runtime.block_on(read).unwrap().unwrap();
            if bytes[0] != 4 {
                continue;
            }
            self.replica.handle_snapshot(&bytes).unwrap();
            // There is one in two ticks: no player of this pace is too fast.
            if let Some(east) = east {
                self.send(east);
            }
        }
    }

    /// One input, acknowledging what has been seen.
    fn send(&mut self, east: i16) {
        self.inputs += 1;
        let input = Input {
            east,
            ..Input::default()
        };
        let head = InputHead {
            acknowledged: self.replica.newest_complete(),
            ..InputHead::default()
        };
        let datagram = InputDatagram::new(head, self.inputs, [input]).unwrap();
        let mut bytes = Vec::new();
        datagram.encode(&mut bytes);
        self.raw.connection.send_datagram(bytes.into()).unwrap();
    }

    /// Where an entity is in the newest snapshot that tells of it.
    fn place_of(&self, entity: EntityId) -> Option<Position> {
        Some(self.replica.get(entity)?.state.position())
    }

    /// Is gone, without a word.
    fn cut(self) {
        drop(self);
    }

    fn leave(self) {
        self.runtime.block_on(self.raw.leave());
    }

    fn refusal(&mut self) -> RefuseCode {
        self.runtime.block_on(self.raw.refusal()).code
    }
}

/// A connection that the server gives up after a second of silence, as it does after ten with ordinary clients.
async fn frail(place: &Place, addr: SocketAddr) -> Raw {
    let pem = std::fs::read(place.data().join("server.pem")).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(&pem).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![net_proto::ALPN.to_vec()];
    let tls = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
    let mut transport = quinn::TransportConfig::default();
    let silence = quinn::IdleTimeout::try_from(Duration::from_secs(1)).unwrap();
    transport
        .max_idle_timeout(Some(silence))
        .keep_alive_interval(Some(Duration::from_millis(250)));
    let mut config = quinn::ClientConfig::new(Arc::new(tls));
    config.transport_config(Arc::new(transport));
    let endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into()).unwrap();
    let connecting = endpoint.connect_with(config, addr, "bluemarble").unwrap();
    let connection = connecting.await.unwrap();
    Raw::over(endpoint, connection).await
}

fn of_return(raw: &Raw, resume: Resume, key: &HolderKey) -> Vec<u8> {
    return_frame(
        PROTOCOL_VERSION,
        resume.secret,
        key,
        &export(&raw.connection).unwrap(),
    )
}

fn return_frame(
    version: u16,
    secret: ResumeSecret,
    key: &HolderKey,
    exported: &[u8; 32],
) -> Vec<u8> {
    let mut bytes = Vec::new();
    ClientMessage::Return(Return {
        version,
        world: WorldId(WORLD),
        secret,
        proof: key.prove_return(exported),
    })
    .encode(&mut bytes);
    bytes
}

fn is_near(a: Position, b: Position) -> bool {
    let near = |a: i32, b: i32| a.abs_diff(b) <= 1_024; // two roundings of the wire
    a.frame == b.frame && near(a.x, b.x) && near(a.y, b.y) && near(a.z, b.z)
}

fn resumes_refused(server: &Server, name: &str, count: u64) {
    wait_for(server, name, |s| {
        s.resumes_refused.get(name) == Some(&count)
    });
}

#[test]
fn who_comes_back_has_the_same_entity_and_goes_on() {
    let place = Place::new();
    let server = start(&place, |_| {});
    let mut guest = Guest::enter(&place, &server, 1);
    let (entity, secret) = (guest.welcome.player, guest.secret());
    assert_eq!(secret.good_for_s, 30);
    guest.look(2 * SECOND, Some(256));
    guest.cut();
    let status = wait_for(&server, "a lost line", |s| s.lingering == 1);
    assert_eq!((status.players, status.entities), (1, 1));

    let mut guest = Guest::back(&place, &server, secret).unwrap();
    assert_eq!(guest.welcome.player, entity);
    assert_ne!(guest.secret(), secret);
    // Within a second of the world everything is there again.
    guest.look(1, None);
    while guest.place_of(entity).is_none() {
        guest.look(2, None);
    }
    let newest = guest.replica.newest().unwrap().tick;
    assert!(newest <= guest.welcome.tick + SECOND, "{newest}");
    // It stands until it is told otherwise, and then goes where it is told.
    let before = guest.place_of(entity).unwrap();
    guest.look(SECOND / 2, None);
    assert!(is_near(before, guest.place_of(entity).unwrap()));
    guest.look(2 * SECOND, Some(512));
    assert!(!is_near(before, guest.place_of(entity).unwrap()));
    assert!(guest.replica.newest().unwrap().last_input_seq > 0);
    let status = wait_for(&server, "one who came back", |s| s.resumed == 1);
    assert_eq!(
        (status.players, status.entities, status.lingering),
        (1, 1, 0)
    );
    let found: Vec<_> = status.judged.findings.keys().collect();
    assert!(found.iter().all(|name| *name == "held"), "{found:?}");

    // As often as need be.
    let secret = guest.secret();
    guest.cut();
    let guest = Guest::back(&place, &server, secret).unwrap();
    assert_eq!(guest.welcome.player, entity);
    guest.leave();
    let status = wait_for(&server, "nobody", |s| s.players == 0);
    assert_eq!((status.entities, status.resumed), (0, 2));
    server.stop().unwrap();
}

#[test]
fn a_client_that_notices_first_takes_over() {
    let place = Place::new();
    let server = start(&place, |_| {});
    let mut before = Guest::enter(&place, &server, 1);
    let after = Guest::back(&place, &server, before.secret()).unwrap();
    assert_eq!(after.welcome.player, before.welcome.player);
    assert_eq!(before.refusal(), RefuseCode::REPLACED);
    before.cut();
    let status = wait_for(&server, "the end of the old", |s| s.leaves == 1);
    assert_eq!(
        (status.players, status.entities, status.lingering),
        (1, 1, 0)
    );
    after.leave();
    let status = wait_for(&server, "nobody", |s| s.entities == 0);
    assert_eq!((status.joins, status.leaves, status.resumed), (1, 2, 1));
    server.stop().unwrap();
}

#[test]
fn secrets_are_good_once_and_for_whom_they_were_given() {
    let place = Place::new();
    let server = start(&place, |_| {});
    let guest = Guest::enter(&place, &server, 1);
    let (entity, secret) = (guest.welcome.player, guest.secret());
    guest.cut();
    let refused = |first: &dyn Fn(&Raw) -> Vec<u8>| {
        let begun = Guest::with(&place, &server, first);
        begun.err().expect("it is refused")
    };
    let other = HolderKey::from_seed(*b"a thief's own key, of 32 bytes!!").unwrap();
    assert_eq!(
        refused(&|raw| of_return(raw, secret, &other)),
        RefuseCode::PROOF
    );
    // Overheard on another connection; and a proof of coming in.
    let overheard = return_frame(PROTOCOL_VERSION, secret.secret, &holder_key(), &[9; 32]);
    assert_eq!(refused(&|_| overheard.clone()), RefuseCode::PROOF);
    let mixed = |raw: &Raw| {
        let mut frame = of_return(raw, secret, &holder_key());
        let proof = holder_key().prove(&export(&raw.connection).unwrap());
        let at = frame.len() - 64;
        frame[at..].copy_from_slice(&proof.0);
        frame
    };
    assert_eq!(refused(&mixed), RefuseCode::PROOF);
    resumes_refused(&server, "proof_wrong", 3);
    let unknown = Resume {
        secret: ResumeSecret([4; 32]),
        ..secret
    };
    assert_eq!(
        refused(&|raw| of_return(raw, unknown, &holder_key())),
        RefuseCode::GONE
    );
    resumes_refused(&server, "unknown", 1);
    let old = |raw: &Raw| {
        return_frame(
            2,
            secret.secret,
            &holder_key(),
            &export(&raw.connection).unwrap(),
        )
    };
    assert_eq!(refused(&old), RefuseCode::VERSION);
    // None of that has used it up.
    let guest = Guest::back(&place, &server, secret).unwrap();
    assert_eq!(guest.welcome.player, entity);
    assert_eq!(
        refused(&|raw| of_return(raw, secret, &holder_key())),
        RefuseCode::GONE
    );
    resumes_refused(&server, "used", 1);
    guest.leave();
    server.stop().unwrap();
}

#[test]
fn who_left_was_sent_away_or_is_too_late_has_nothing_to_come_back_to() {
    let place = Place::new();
    let server = start(&place, |s| s.resume_s = Some(1));
    // Farewells.
    let guest = Guest::enter(&place, &server, 1);
    let secret = guest.secret();
    guest.leave();
    let status = wait_for(&server, "a farewell", |s| s.leaves == 1);
    assert_eq!(
        (status.players, status.entities, status.lingering),
        (0, 0, 0)
    );
    assert_eq!(
        Guest::back(&place, &server, secret).err(),
        Some(RefuseCode::GONE)
    );
    // Time.
    let guest = Guest::enter(&place, &server, 1);
    let secret = guest.secret();
    assert_eq!(secret.good_for_s, 1);
    guest.cut();
    wait_for(&server, "the end of its time", |s| {
        s.leaves == 2 && s.entities == 0
    });
    assert_eq!(
        Guest::back(&place, &server, secret).err(),
        Some(RefuseCode::GONE)
    );
    // Unfair play.
    let mut guest = Guest::enter(&place, &server, 1);
    let secret = guest.secret();
    cheat(&mut guest, 40);
    assert_eq!(guest.refusal(), RefuseCode::UNFAIR);
    guest.cut();
    assert_eq!(
        Guest::back(&place, &server, secret).err(),
        Some(RefuseCode::GONE)
    );
    resumes_refused(&server, "over", 3);
    let status = wait_for(&server, "nobody", |s| s.players == 0);
    assert_eq!((status.resumed, status.entities), (0, 0));
    server.stop().unwrap();
}

/// Wishes for what nobody can have, so many times at the pace of the world.
fn cheat(guest: &mut Guest, times: u32) {
    for _ in 0..times {
        guest.send(i16::MAX);
        let pause = async { tokio::time::sleep(Duration::from_millis(40)).await };
        guest.runtime.block_on(pause);
        if guest.raw.connection.close_reason().is_some() {
            return;
        }
    }
}

#[test]
fn coming_back_washes_no_points_away() {
    let place = Place::new();
    let server = start(&place, |_| {});
    let mut guest = Guest::enter(&place, &server, 1);
    // 50 points each of the 1,000 that it takes; 30 fade in a second.
    cheat(&mut guest, 13);
    let status = wait_for(&server, "findings", |s| {
        s.judged.findings.get("wish_too_long") == Some(&13)
    });
    assert_eq!((status.judged.corrected, status.judged.kicked), (1, 0));
    let mut guest = Guest::back(&place, &server, guest.secret()).unwrap();
    cheat(&mut guest, 13);
    assert_eq!(guest.refusal(), RefuseCode::UNFAIR);
    let status = wait_for(&server, "a kick", |s| s.judged.kicked == 1);
    assert_eq!((status.resumed, status.players, status.entities), (1, 0, 0));
    server.stop().unwrap();
}

#[test]
fn who_lingers_keeps_its_place_and_is_seen_standing() {
    let place = Place::new();
    let server = start(&place, |s| {
        (s.players_max, s.resume_s) = (Some(2), Some(6));
    });
    let mut watcher = Guest::watch(&place, &server, 1);
    let mut guest = Guest::enter(&place, &server, 2);
    let (entity, ticket) = (guest.welcome.player, place.ticket(3));
    guest.look(2 * SECOND, Some(256));
    watcher.look(1, Some(0));
    guest.cut();
    let deadline = Instant::now() + Duration::from_secs(10);
    let lost = loop {
        let status = server.status();
        if status.lingering == 1 {
            break status.tick;
        }
        assert!(Instant::now() < deadline, "no lost line");
        watcher.look(2, Some(0));
    };
    // What is in view may be as old as the last epoch.
    watcher.look_to(lost + 12, Some(0));
    let there = watcher.place_of(entity).expect("it is in view");
    let third = Guest::with(&place, &server, |raw| raw.hello(&ticket));
    assert_eq!(third.err(), Some(RefuseCode::FULL));
    watcher.look(SECOND / 2, Some(0));
    assert!(is_near(
        there,
        watcher.place_of(entity).expect("it is still")
    ));
    assert_eq!(server.status().entities, 2);
    // Its time is over: it is gone from the view, and its place is free.
    while watcher.place_of(entity).is_some() {
        assert!(Instant::now() < deadline + Duration::from_secs(10));
        watcher.look(2, Some(0));
    }
    let third = Guest::with(&place, &server, |raw| raw.hello(&ticket)).unwrap();
    assert_ne!(third.welcome.player, entity);
    drop((watcher, third));
    server.stop().unwrap();
}

#[test]
fn a_new_ticket_gets_the_lingering_entity() {
    let place = Place::new();
    let server = start(&place, |s| s.players_max = Some(1));
    let guest = Guest::enter(&place, &server, 1);
    let (entity, secret) = (guest.welcome.player, guest.secret());
    guest.cut();
    wait_for(&server, "a lost line", |s| s.lingering == 1);
    let mut guest = Guest::enter(&place, &server, 1);
    assert_eq!(guest.welcome.player, entity);
    guest.look(SECOND, Some(256));
    assert!(guest.place_of(entity).is_some());
    let status = wait_for(&server, "one player", |s| s.joins == 2 && s.lingering == 0);
    assert_eq!((status.players, status.entities, status.resumed), (1, 1, 0));
    // The secret of the session that was is worthless.
    assert_eq!(
        Guest::back(&place, &server, secret).err(),
        Some(RefuseCode::GONE)
    );
    guest.leave();
    wait_for(&server, "nobody", |s| s.entities == 0 && s.players == 0);
    server.stop().unwrap();
}

#[test]
fn who_cannot_come_back_does_not_linger() {
    let place = Place::new();
    // Where it is switched off.
    let server = start(&place, |s| s.resume_s = Some(0));
    let guest = Guest::enter(&place, &server, 1);
    assert_eq!(guest.resume, None);
    guest.cut();
    let status = wait_for(&server, "the end", |s| s.leaves == 1 && s.entities == 0);
    assert_eq!(status.lingering, 0);
    server.stop().unwrap();
    // With a ticket that is bound to no key.
    let server = start(&place, |_| {});
    let ticket = place.unbound_ticket(1);
    let guest = Guest::with(&place, &server, |_| unbound_hello(&ticket)).unwrap();
    assert_eq!(guest.resume, None);
    guest.cut();
    let status = wait_for(&server, "the end", |s| s.leaves == 1 && s.entities == 0);
    assert_eq!(status.lingering, 0);
    server.stop().unwrap();
}

fn unbound_hello(ticket: &Ticket) -> Vec<u8> {
    let mut bytes = Vec::new();
    ClientMessage::Hello(net_proto::Hello {
        version: net_proto::PROTOCOL_VERSION_OLDEST,
        world: WorldId(WORLD),
        token: ticket.token.clone(),
        proof: None,
    })
    .encode(&mut bytes);
    bytes
}

#[test]
fn a_server_stops_and_starts_with_players_who_linger() {
    let place = Place::new();
    let server = start(&place, |_| {});
    let guests: Vec<_> = (1..=3)
        .map(|player| Guest::enter(&place, &server, player))
        .collect();
    let secret = guests[0].secret();
    guests.into_iter().for_each(Guest::cut);
    let status = wait_for(&server, "lost lines", |s| s.lingering == 3);
    assert_eq!((status.players, status.entities), (3, 3));
    let began = Instant::now();
    let last = server.stop().unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "it waits for them"
    );
    assert_eq!(last.state_hash_tick, last.tick);
    // Nobody is left over, and nobody can come back.
    let server = start(&place, |_| {});
    assert_eq!(
        Guest::back(&place, &server, secret).err(),
        Some(RefuseCode::GONE)
    );
    let status = wait_for(&server, "an empty world", |s| s.tick > last.tick + SECOND);
    assert_eq!((status.players, status.entities), (0, 0));
    server.stop().unwrap();
}
