//! Commands, events and chat: a game's rules hear of what players ask, what they did is on the disk when it is answered, and nobody's talk is
//! in anybody's way.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bluemarble_server::{Game, Hearers, Outcome, Server, Turn, Visitor};
use client::{BlockingSession, Connection, Event, SayError};
use net_proto::quic::client_endpoint;
use net_proto::{
    Answer, AnswerCode, ClientMessage, Command, Hello, PROTOCOL_VERSION_OLDEST, PlayerId,
    RefuseCode, Say, ServerMessage, ShortText,
};
use sim_core::{Agent, Kind, KindId, Record};

use crate::support::{Place, Raw, runtime, wait_for};

const DOUBLE: u16 = 300;
const SUMMON: u16 = 301;
const CALL_ALL: u16 = 302;
const CALLED: u16 = 303;
/// A channel on which everybody hears everybody.
const ALL: u8 = 1;

/// Doubles numbers, puts somebody beside who asks for it, and tells all that one has called.
#[derive(Default)]
struct Parlour {
    players: BTreeSet<PlayerId>,
}

impl Game for Parlour {
    fn join(&mut self, _: &mut Turn<'_>, visitor: &Visitor) {
        assert!(self.players.insert(visitor.player));
    }

    fn leave(&mut self, _: &mut Turn<'_>, visitor: &Visitor) {
        assert!(self.players.remove(&visitor.player));
    }

    fn command(&mut self, turn: &mut Turn<'_>, visitor: &Visitor, command: &Command) -> Outcome {
        match command.kind {
            DOUBLE => match command.body.first_chunk() {
                Some(number) => {
                    Outcome::done(u32::from_le_bytes(*number).wrapping_mul(2).to_le_bytes())
                }
                None => Outcome::refuse(AnswerCode::MALFORMED),
            },
            SUMMON => {
                let Some(agent) = turn.world().agent(visitor.entity) else {
                    return Outcome::refuse(AnswerCode::GAME);
                };
                // Of a kind of its own: whoever is a player's leaves when the server starts again.
                let (entity, id) = (turn.lease().expect("few were taken"), KindId(900));
                let (kind, agent) = (Kind::crowd(256), Agent { kind: id, ..agent });
                if turn.world().kind(id).is_none() {
                    turn.record(Record::Kind { id, kind });
                }
                turn.record(Record::Spawn { entity, agent });
                Outcome::done(entity.0.to_le_bytes())
            }
            CALL_ALL => {
                for player in &self.players {
                    turn.tell(*player, CALLED, visitor.name.as_str());
                }
                Outcome::done([])
            }
            _ => Outcome::refuse(AnswerCode::UNKNOWN),
        }
    }

    fn say(&mut self, _: &mut Turn<'_>, _: &Visitor, say: &Say) -> Hearers {
        match say.channel {
            ALL => Hearers::These(self.players.iter().copied().collect()),
            _ => Hearers::Near,
        }
    }
}

fn open(place: &Place, towns: u16) -> Server {
    let config = place.config(|s| {
        s.agents = Some(0);
        s.towns = Some(towns);
    });
    Server::builder(config)
        .game(Parlour::default())
        .start()
        .unwrap()
}

/// What comes next that is an answer, an event of the game, or said.
async fn word(connection: &mut Connection) -> Event {
    let next = async {
        loop {
            let event = connection.next().await.unwrap();
            if let Event::Answer(_) | Event::Game(_) | Event::Said(_) = event {
                return event;
            }
        }
    };
    let next = tokio::time::timeout(Duration::from_secs(20), next).await;
    next.expect("an answer in time")
}

async fn answer(connection: &mut Connection) -> Answer {
    match word(connection).await {
        Event::Answer(answer) => answer,
        other => panic!("not an answer: {other:?}"),
    }
}

#[test]
fn commands_are_done_once_they_are_on_the_disk() {
    let place = Place::new();
    let server = open(&place, 1);
    let addr = server.local_addr();
    let (spawned, done_tick) = runtime().block_on(async {
        let endpoint = client_endpoint(addr).unwrap();
        let ticket = place.ticket(1);
        let mut one = Connection::connect(&endpoint, addr, &ticket).await.unwrap();
        one.command(1, DOUBLE, &21u32.to_le_bytes()).unwrap();
        one.command(2, DOUBLE, &[1]).unwrap();
        one.command(3, 999, &[]).unwrap();
        assert_eq!(one.command(3, 999, &[]), Err(SayError::Operation(3)));
        let first = answer(&mut one).await;
        assert_eq!((first.operation, first.code), (1, AnswerCode::DONE));
        assert_eq!(first.body, 42u32.to_le_bytes());
        let codes = [answer(&mut one).await, answer(&mut one).await].map(|a| a.code);
        assert_eq!(codes, [AnswerCode::MALFORMED, AnswerCode::UNKNOWN]);
        one.command(4, SUMMON, &[]).unwrap();
        let summoned = answer(&mut one).await;
        assert_eq!(summoned.code, AnswerCode::DONE);
        let name = u64::from_le_bytes(summoned.body.try_into().unwrap());
        (name, summoned.tick)
    });
    let status = wait_for(&server, "the durable tick", |s| s.durable_tick >= done_tick);
    assert_eq!(status.commands, 4);
    // The journal has it, whatever becomes of the server: it runs on.
    let copy = tempfile::tempdir().unwrap();
    let copy_file = |name: std::ffi::OsString| {
        let from = place.data().join(&name);
        if from.is_file() {
            std::fs::copy(from, copy.path().join(name)).unwrap();
        }
    };
    // What it has witnessed goes first: all of that is in what is copied after it.
    copy_file("witness".into());
    for file in std::fs::read_dir(place.data()).unwrap() {
        let name = file.unwrap().file_name();
        if name != "witness" {
            copy_file(name);
        }
    }
    let config = place.config(|s| {
        s.data_dir = Some(copy.path().to_owned());
        s.agents = Some(0);
    });
    let again = Server::builder(config)
        .game(Parlour::default())
        .start()
        .unwrap();
    // The player's entity has left by then, so what is there is what was summoned.
    let later = again.status().recovered_tick + 70;
    let status = wait_for(&again, "the world", |s| s.tick > later);
    assert_eq!(status.entities, 1, "{spawned} is there: {status:?}");
    again.stop().unwrap();
    server.stop().unwrap();
}

#[test]
fn events_and_talk_reach_those_whom_they_are_for() {
    let place = Place::new();
    let server = open(&place, 2);
    let addr = server.local_addr();
    runtime().block_on(async {
        let endpoint = client_endpoint(addr).unwrap();
        let enter = async |player| {
            let ticket = place.ticket(player);
            Connection::connect(&endpoint, addr, &ticket).await.unwrap()
        };
        // The towns of odd and even players are far apart.
        let (mut one, mut two, mut far) = (enter(1).await, enter(3).await, enter(2).await);
        let mut before = enter_as_before(addr, &place, 5).await;
        one.command(9, CALL_ALL, &[]).unwrap();
        for _ in 0..2 {
            match word(&mut one).await {
                Event::Answer(answer) => assert_eq!(answer.operation, 9),
                Event::Game(event) => {
                    assert_eq!((event.kind, &event.body[..]), (CALLED, &b"tester"[..]));
                }
                other => panic!("{other:?}"),
            }
        }
        for other in [&mut two, &mut far] {
            assert!(matches!(word(other).await, Event::Game(event) if event.kind == CALLED));
        }

        one.say(ALL, "line\nfeed").unwrap();
        for listener in [&mut one, &mut two, &mut far] {
            let Event::Said(said) = word(listener).await else {
                panic!("nothing was said")
            };
            assert_eq!((said.channel, said.text.as_str()), (ALL, "line?feed"));
            assert_eq!(said.name.as_str(), "tester");
        }
        // Two is in the same town, but a town is larger than a voice carries: only the speaker is sure to hear itself.
        one.say(Say::NEAR, "near").unwrap();
        let Event::Said(said) = word(&mut one).await else {
            panic!("nothing was said")
        };
        assert_eq!(said.speaker, one.core().welcome().player);
        far.say(ALL, "after").unwrap();
        let Event::Said(said) = word(&mut far).await else {
            panic!("nothing was said")
        };
        assert_eq!(said.text.as_str(), "after"); // not "near"
        // Who knows nothing of events and chat is told of none.
        let connection = before.connection.clone();
        tokio::select! {
            message = before.read() => panic!("{message:?}"),
            stream = connection.accept_uni() => panic!("{stream:?}"),
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    });
    let status = wait_for(&server, "the words", |s| s.says >= 3);
    assert_eq!(
        (status.says, status.commands, status.chat_dropped),
        (3, 1, 0)
    );
    server.stop().unwrap();
}

#[test]
fn who_commands_too_much_is_told_and_then_sent_away() {
    let place = Place::new();
    let server = open(&place, 1);
    runtime().block_on(async {
        let (mut raw, _) = Raw::enter(server.local_addr(), &place.ticket(1)).await;
        let mut bytes = Vec::new();
        for operation in 1..=400u64 {
            ClientMessage::Command(Command {
                operation,
                kind: 999,
                body: Vec::new(),
            })
            .encode(&mut bytes);
        }
        raw.write(&bytes).await;
        let mut codes = Vec::new();
        let refuse = loop {
            match raw.read().await {
                ServerMessage::Answer(answer) => codes.push(answer.code),
                ServerMessage::Refuse(refuse) => break refuse,
                _ => {}
            }
        };
        assert_eq!(refuse.code, RefuseCode::FLOOD);
        // Those that the game saw are answered when they are on the disk, if the session lives until then.
        let refused = codes.iter().filter(|c| **c == AnswerCode::TOO_MANY).count();
        assert!((100..400 - 20).contains(&refused), "{codes:?}");
    });
    server.stop().unwrap();
}

#[test]
fn who_talks_too_much_is_not_heard_for_a_moment_and_nobody_else_waits() {
    let place = Place::new();
    let server = open(&place, 1);
    let addr = server.local_addr();
    runtime().block_on(async {
        let endpoint = client_endpoint(addr).unwrap();
        let ticket = place.ticket(1);
        let mut one = Connection::connect(&endpoint, addr, &ticket).await.unwrap();
        let began = Instant::now();
        for n in 0..40 {
            one.say(ALL, &format!("{n}")).unwrap();
        }
        one.command(1, DOUBLE, &1u32.to_le_bytes()).unwrap();
        let mut heard = 0;
        let mut answered = None;
        while heard < 40 {
            match word(&mut one).await {
                Event::Said(said) => {
                    assert_eq!(said.text.as_str(), format!("{heard}"));
                    heard += 1;
                }
                Event::Answer(_) => answered = Some((began.elapsed(), heard)),
                other => panic!("{other:?}"),
            }
        }
        // Twenty at once, the others ten a second.
        assert!(began.elapsed() > Duration::from_millis(1_900));
        let (_, heard_before) = answered.expect("the command was answered before the talk ended");
        assert!(heard_before < 40, "{answered:?}");
    });
    server.stop().unwrap();
}

/// A client of the version that has neither commands nor chat.
async fn enter_as_before(addr: SocketAddr, place: &Place, player: u64) -> Raw {
    let ticket = place.unbound_ticket(player);
    let mut raw = Raw::open(addr, place.cert()).await;
    let mut bytes = Vec::new();
    ClientMessage::Hello(Hello {
        version: PROTOCOL_VERSION_OLDEST,
        world: ticket.token.world(),
        token: ticket.token.clone(),
        proof: None,
    })
    .encode(&mut bytes);
    raw.write(&bytes).await;
    assert!(matches!(raw.read().await, ServerMessage::Welcome(_)));
    raw
}

#[test]
fn what_is_not_legal_there_ends_the_session() {
    let place = Place::new();
    let server = open(&place, 1);
    let addr = server.local_addr();
    runtime().block_on(async {
        // On the stream of chat.
        let (raw, _) = Raw::enter(addr, &place.ticket(1)).await;
        let mut stream = raw.connection.open_uni().await.unwrap();
        stream.write_all(&[3, 0, 0x01, 0, 9]).await.unwrap();
        let end = tokio::time::timeout(Duration::from_secs(10), raw.connection.closed()).await;
        assert!(end.unwrap().to_string().contains("message ends before"));
        // A second hello, and a command of a client that speaks the version before commands.
        let (mut raw, _) = Raw::enter(addr, &place.ticket(2)).await;
        let hello = raw.hello(&place.ticket(2));
        raw.write(&hello).await;
        assert_eq!(raw.refusal().await.code, RefuseCode::MALFORMED);
        let mut raw = enter_as_before(addr, &place, 3).await;
        let mut bytes = Vec::new();
        ClientMessage::Command(Command {
            operation: 1,
            kind: DOUBLE,
            body: Vec::new(),
        })
        .encode(&mut bytes);
        raw.write(&bytes).await;
        assert_eq!(raw.refusal().await.code, RefuseCode::MALFORMED);
    });
    server.stop().unwrap();
}

#[test]
fn a_program_that_polls_asks_and_talks_too() {
    let place = Place::new();
    let server = open(&place, 1);
    let ticket = place.ticket(1);
    let timeout = Duration::from_secs(5);
    let mut session = BlockingSession::connect(server.local_addr(), &ticket, timeout).unwrap();
    session.command(5, DOUBLE, &4u32.to_le_bytes()).unwrap();
    assert_eq!(session.command(5, DOUBLE, &[]), Err(SayError::Operation(5)));
    session.say(ALL, "hello").unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    let (mut events, mut answers, mut said) = (Vec::new(), Vec::new(), Vec::new());
    while answers.is_empty() || said.is_empty() {
        assert!(Instant::now() < deadline, "no answer");
        std::thread::sleep(Duration::from_millis(10));
        session.poll(&mut events).unwrap();
        for event in events.drain(..) {
            match event {
                Event::Answer(answer) => answers.push((answer.operation, answer.body)),
                Event::Said(word) => said.push(word.text),
                _ => {}
            }
        }
    }
    assert_eq!(answers, [(5, 8u32.to_le_bytes().to_vec())]);
    assert_eq!(said, [ShortText::lossy("hello")]);
    session.command(5, DOUBLE, &4u32.to_le_bytes()).unwrap();
    drop(session);
    server.stop().unwrap();
}
