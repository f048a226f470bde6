//! Who gets in, who waits, who is sent away: the queue, kicks and bans, classes of commands, a team's account service, names.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bluemarble_server::{
    AuthFailed, Authenticator, Config, Decision, Game, Login, Outcome, Route, Server, Turn, Visitor,
};
use client::{ConnectError, Connection};
use net_proto::quic::client_endpoint;
use net_proto::{
    AnswerCode, ClientMessage, Command, PlayerId, PlayerName, RefuseCode, Say, ServerMessage,
    ShortText, Ticket,
};

use crate::support::{Place, Raw, claims, runtime, wait_for};

/// Says hello, and gives what is answered first.
async fn knock(place: &Place, addr: SocketAddr, ticket: &Ticket) -> (Raw, ServerMessage) {
    let mut raw = Raw::open(addr, place.cert()).await;
    raw.show(ticket).await;
    let answer = raw.read().await;
    (raw, answer)
}

async fn place_of(raw: &mut Raw) -> u32 {
    match raw.read().await {
        ServerMessage::Queued(queued) => queued.place,
        other => panic!("not in the queue: {other:?}"),
    }
}

/// Reads until it is welcomed; the places that it is told before.
async fn until_welcome(raw: &mut Raw) -> Vec<u32> {
    let mut places = Vec::new();
    loop {
        match raw.read().await {
            ServerMessage::Queued(queued) => places.push(queued.place),
            ServerMessage::Columns(_) => {} // ahead of it
            ServerMessage::Welcome(_) => return places,
            other => panic!("neither a place nor a welcome: {other:?}"),
        }
    }
}

#[test]
fn who_finds_the_world_full_waits_in_order_and_nobody_overtakes() {
    let place = Place::new();
    let config = place.config(|s| (s.players_max, s.queue_max) = (Some(1), Some(3)));
    let server = Server::start(config).unwrap();
    let addr = server.local_addr();
    runtime().block_on(async {
        let (inside, _) = Raw::enter(addr, &place.ticket(1)).await;
        let mut waiting = Vec::new();
        for n in 1..=3 {
            let mut raw = Raw::open(addr, place.cert()).await;
            raw.show(&place.ticket(10 + u64::from(n))).await;
            assert_eq!(place_of(&mut raw).await, n);
            waiting.push(raw);
        }
        let (_, full) = knock(&place, addr, &place.ticket(20)).await;
        assert!(matches!(full, ServerMessage::Refuse(r) if r.code == RefuseCode::FULL));
        wait_for(&server, "three who wait", |s| s.queue.waiting == 3);
        // The second gives up, the first gets in, the third is next.
        let (mut third, second, mut first) = (
            waiting.pop().unwrap(),
            waiting.pop().unwrap(),
            waiting.pop().unwrap(),
        );
        second.leave().await;
        wait_for(&server, "two who wait", |s| s.queue.waiting == 2);
        while place_of(&mut third).await != 2 {}
        inside.leave().await;
        assert!(until_welcome(&mut first).await.iter().all(|n| *n == 1));
        // A place is free for nobody but who is next, also in between.
        first.leave().await;
        assert!(until_welcome(&mut third).await.iter().all(|n| *n < 3));
        third.leave().await;
    });
    let status = wait_for(&server, "an empty world", |s| s.players == 0);
    let queue = status.queue;
    assert_eq!(
        (queue.joined, queue.entered, queue.left, queue.waiting),
        (3, 2, 1, 0)
    );
    server.stop().unwrap();
}

#[test]
fn a_player_who_waits_can_come_again_and_keeps_its_place_and_nobody_waits_with_a_used_ticket() {
    let place = Place::new();
    let config = place.config(|s| (s.players_max, s.queue_max) = (Some(1), Some(2)));
    let server = Server::start(config).unwrap();
    let addr = server.local_addr();
    runtime().block_on(async {
        let (inside, _) = Raw::enter(addr, &place.ticket(1)).await;
        let ticket = place.ticket(2);
        let (mut old, _) = knock(&place, addr, &ticket).await;
        let (_behind, _) = knock(&place, addr, &place.ticket(3)).await;
        // The queue is full: for strangers, not for who stands in it.
        let (_, full) = knock(&place, addr, &place.ticket(4)).await;
        assert!(matches!(full, ServerMessage::Refuse(r) if r.code == RefuseCode::FULL));
        let (_, again) = knock(&place, addr, &ticket).await;
        assert!(matches!(again, ServerMessage::Refuse(r) if r.code == RefuseCode::TOKEN));
        let (mut new, answer) = knock(&place, addr, &place.ticket(2)).await;
        assert!(
            matches!(answer, ServerMessage::Queued(q) if q.place == 1),
            "{answer:?}"
        );
        assert_eq!(refusal(&mut old).await, RefuseCode::REPLACED);
        // Who has a place needs none: it comes in again over another line at once.
        let (_again, _) = Raw::enter(addr, &place.ticket(1)).await;
        drop(inside);
        // Who waits and speaks breaks the protocol.
        new.show(&place.ticket(2)).await;
        assert_eq!(refusal(&mut new).await, RefuseCode::MALFORMED);
    });
    server.stop().unwrap();
}

/// The code that a wait ends with.
async fn refusal(raw: &mut Raw) -> RefuseCode {
    loop {
        match raw.read().await {
            ServerMessage::Queued(_) => {}
            ServerMessage::Refuse(refuse) => return refuse.code,
            other => panic!("neither a place nor a refusal: {other:?}"),
        }
    }
}

#[test]
fn our_client_waits_as_long_as_it_wants_to() {
    let place = Place::new();
    let config = place.config(|s| (s.players_max, s.queue_max) = (Some(1), Some(9)));
    let server = Server::start(config).unwrap();
    let addr = server.local_addr();
    runtime().block_on(async {
        let endpoint = client_endpoint(addr).unwrap();
        let (inside, _) = Raw::enter(addr, &place.ticket(1)).await;
        let refused = Connection::connect(&endpoint, addr, &place.ticket(2)).await;
        assert!(matches!(refused, Err(ConnectError::Queued(q)) if q.place == 1));
        let ticket = place.ticket(3);
        let mut inside = Some(inside);
        let (told, tell) = (AtomicU32::new(0), tokio::sync::Notify::new());
        let waiting = Connection::connect_queued(&endpoint, addr, &ticket, |_| {
            told.fetch_add(1, Ordering::Relaxed);
            tell.notify_one();
            true
        });
        let leaving = async {
            tell.notified().await;
            inside.take().unwrap().leave().await;
        };
        let (connection, ()) = tokio::join!(waiting, leaving);
        connection.unwrap().close();
        assert!(told.load(Ordering::Relaxed) >= 1);
    });
    server.stop().unwrap();
}

#[test]
fn kicked_is_for_now_and_banned_until_it_is_over() {
    let place = Place::new();
    let config = place.config(|s| s.queue_max = Some(9));
    let server = Server::start(config.clone()).unwrap();
    let addr = server.local_addr();
    let player = PlayerId(5);
    runtime().block_on(async {
        assert!(!server.kick(player, "nobody is there"));
        let (mut raw, _) = Raw::enter(addr, &place.ticket(5)).await;
        assert!(server.kick(player, "be nice\u{1b}[2J"));
        let refuse = raw.refusal().await;
        assert_eq!(
            (refuse.code, refuse.text.as_str()),
            (RefuseCode::KICKED, "be nice?[2J")
        );
        wait_for(&server, "the end of the avatar", |s| s.players == 0);
        let (mut raw, _) = Raw::enter(addr, &place.ticket(5)).await;
        server
            .ban(player, Some(Duration::from_secs(3_600)))
            .unwrap();
        assert_eq!(raw.refusal().await.code, RefuseCode::BANNED);
        let (_, answer) = knock(&place, addr, &place.ticket(5)).await;
        assert!(matches!(answer, ServerMessage::Refuse(r) if r.code == RefuseCode::BANNED));
    });
    let status = wait_for(&server, "the counts", |s| {
        s.refused.get("banned") == Some(&2)
    });
    assert_eq!((status.refused["kicked"], status.banned), (1, 1));
    server.stop().unwrap();
    // It outlives the process.
    let server = Server::start(config).unwrap();
    let addr = server.local_addr();
    runtime().block_on(async {
        let ticket = place.ticket(5);
        let (_, answer) = knock(&place, addr, &ticket).await;
        assert!(matches!(answer, ServerMessage::Refuse(r) if r.code == RefuseCode::BANNED));
        assert!(server.unban(player).unwrap() && !server.unban(player).unwrap());
        // The ticket was not used.
        Raw::enter(addr, &ticket).await;
    });
    server.stop().unwrap();
}

const TRADE: u16 = 900;
const LEAVE: u16 = 901;

/// Knows two commands: a trade, and one whose asker it sends away.
struct Market;

impl Game for Market {
    fn route(&self, kind: u16) -> Route {
        match kind {
            TRADE => Route::Trade,
            _ => Route::Command,
        }
    }

    fn command(&mut self, turn: &mut Turn<'_>, visitor: &Visitor, command: &Command) -> Outcome {
        if command.kind == LEAVE {
            turn.kick(visitor.player, "you asked for it");
        }
        Outcome::done(visitor.name.as_str())
    }
}

/// Asks a number of times, and gives the codes of the answers in the order of the questions.
async fn ask(raw: &mut Raw, kind: u16, first: u64, times: u64) -> Vec<AnswerCode> {
    let mut frames = Vec::new();
    for operation in first..first + times {
        let body = Vec::new();
        ClientMessage::Command(Command {
            operation,
            kind,
            body,
        })
        .encode(&mut frames);
    }
    raw.write(&frames).await;
    let mut codes = std::collections::BTreeMap::new();
    while (codes.len() as u64) < times {
        if let ServerMessage::Answer(answer) = raw.read().await {
            codes.insert(answer.operation, answer.code);
        }
    }
    codes.into_values().collect()
}

#[test]
fn trades_have_a_share_of_their_own_and_a_game_sends_away() {
    let place = Place::new();
    let server = Server::builder(place.config(|_| {}))
        .game(Market)
        .start()
        .unwrap();
    runtime().block_on(async {
        let (mut raw, _) = Raw::enter(server.local_addr(), &place.ticket(1)).await;
        let codes = ask(&mut raw, TRADE, 1, 8).await;
        assert_eq!(codes[..5], [AnswerCode::DONE; 5]);
        assert_eq!(codes[5..], [AnswerCode::TOO_MANY; 3]);
        // Other commands are not touched by that: fifteen are left of the twenty at once.
        let codes = ask(&mut raw, 7, 100, 14).await;
        assert_eq!(codes, [AnswerCode::DONE; 14]);
        let status = wait_for(&server, "the counts", |s| {
            s.limited.get("trade") == Some(&3)
        });
        assert_eq!(status.limited["command"], 0);
        ask(&mut raw, LEAVE, 200, 1).await;
        let refuse = raw.refusal().await;
        assert_eq!(
            (refuse.code, refuse.text.as_str()),
            (RefuseCode::KICKED, "you asked for it")
        );
        wait_for(&server, "the end of the avatar", |s| s.players == 0);
    });
    server.stop().unwrap();
}

/// Even players may come in. It counts who asks.
struct Even(Arc<AtomicU32>);

impl Authenticator for Even {
    fn authenticate(&self, login: &Login) -> Result<Decision, AuthFailed> {
        self.0.fetch_add(1, Ordering::Relaxed);
        match login.player.0 {
            7 => Err(AuthFailed("the accounts are away".into())),
            even if even % 2 == 0 => Ok(Decision::Accept),
            _ => Ok(Decision::Deny("you have not paid".into())),
        }
    }
}

#[test]
fn an_account_service_says_who_comes_in() {
    let place = Place::new();
    let asked = Arc::new(AtomicU32::new(0));
    let server = Server::builder(place.config(|_| {})).authenticator(Even(asked.clone()));
    let server = server.start().unwrap();
    let addr = server.local_addr();
    runtime().block_on(async {
        let (raw, _) = Raw::enter(addr, &place.ticket(2)).await;
        let denied = place.ticket(3);
        let (_, answer) = knock(&place, addr, &denied).await;
        let ServerMessage::Refuse(refuse) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(
            (refuse.code, refuse.text.as_str()),
            (RefuseCode::DENIED, "you have not paid")
        );
        for n in 0..12 {
            let (_, answer) = knock(&place, addr, &place.ticket(7)).await;
            let is_away =
                matches!(&answer, ServerMessage::Refuse(r) if r.code == RefuseCode::UNAVAILABLE);
            assert!(is_away, "{n}: {answer:?}");
        }
        // Nobody whose ticket does not hold is asked about, nor anybody once it is open.
        let forged = place.ticket_of(
            &net_proto::TokenKey::from_seed([3, 4].repeat(16).try_into().unwrap()).unwrap(),
            &claims(2),
        );
        let (_, answer) = knock(&place, addr, &forged).await;
        assert!(matches!(answer, ServerMessage::Refuse(r) if r.code == RefuseCode::TOKEN));
        raw.leave().await;
    });
    let status = wait_for(&server, "the breaker", |s| s.auth_breaker == 2);
    assert_eq!((status.auth["accepted"], status.auth["denied"]), (1, 1));
    assert_eq!(status.auth["failed"], 10, "half of the last twenty open it");
    assert_eq!(status.auth["skipped_refused"], 2);
    assert_eq!(asked.load(Ordering::Relaxed), 12);
    server.stop().unwrap();
}

#[test]
fn names_and_talk_are_cleaned_at_the_border() {
    let place = Place::new();
    let server = Server::builder(place.config(|_| {}))
        .game(Market)
        .start()
        .unwrap();
    let addr = server.local_addr();
    let named = |name: &str, player| {
        let mut claims = claims(player);
        claims.name = PlayerName::new(name).unwrap();
        place.ticket_of(&place.key(), &claims)
    };
    runtime().block_on(async {
        for (name, shown, player) in [
            ("\u{3000} ann\u{a0}\u{a0}b\u{ad}", "ann b", 1),
            ("\u{3164}\u{115f}", "p2", 2),
            ("Zoë ☃", "Zoë ☃", 3),
        ] {
            let (mut raw, _) = Raw::enter(addr, &named(name, player)).await;
            raw.write(&command(1)).await;
            let body = loop {
                if let ServerMessage::Answer(answer) = raw.read().await {
                    break answer.body;
                }
            };
            assert_eq!(String::from_utf8(body).unwrap(), shown);
            raw.leave().await;
        }
        let (raw, _) = Raw::enter(addr, &place.ticket(4)).await;
        let mut frames = Vec::new();
        for text in ["  hallo\u{2003}du ", "\u{3164} \u{ad}"] {
            let (channel, text) = (Say::NEAR, ShortText::lossy(text));
            Say { channel, text }.encode(&mut frames);
        }
        let mut stream = raw.connection.open_uni().await.unwrap();
        stream.write_all(&frames).await.unwrap();
        let heard = raw.connection.accept_uni().await.unwrap();
        let mut heard = net_proto::quic::ControlReader::new(heard, 1_024);
        let said = net_proto::Said::decode(&heard.next().await.unwrap().unwrap()).unwrap();
        assert_eq!(said.text.as_str(), "hallo du");
        // Of the other nothing is left.
        let status = wait_for(&server, "what was dropped", |s| s.chat_dropped == 1);
        assert_eq!(status.says, 1);
    });
    server.stop().unwrap();
}

fn command(operation: u64) -> Vec<u8> {
    let (kind, body) = (1, Vec::new());
    let mut frame = Vec::new();
    ClientMessage::Command(Command {
        operation,
        kind,
        body,
    })
    .encode(&mut frame);
    frame
}

#[test]
fn limits_change_for_sessions_that_there_are() {
    let place = Place::new();
    let config = place.config(|s| (s.players_max, s.queue_max) = (Some(1), Some(9)));
    let server = Server::builder(config.clone())
        .game(Market)
        .start()
        .unwrap();
    let addr = server.local_addr();
    runtime().block_on(async {
        let (_inside, _) = Raw::enter(addr, &place.ticket(1)).await;
        let (mut waiting, _) = knock(&place, addr, &place.ticket(2)).await;
        let mut wanted = Config::clone(&config);
        (wanted.players_max, wanted.world, wanted.player_bytes_s) = (2, 5, 64_000);
        assert_eq!(server.reload(&wanted), ["world"]);
        until_welcome(&mut waiting).await; // there is room now
    });
    server.stop().unwrap();
}
