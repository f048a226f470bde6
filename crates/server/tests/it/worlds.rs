//! Several worlds behind one port: each has its own players, rules, journal and end.

use bluemarble_server::{Game, NoGame, Outcome, Server, ServerError, Status, Turn, Visitor};
use client::{ConnectError, Connection, Event};
use net_proto::quic::client_endpoint;
use net_proto::{Claims, Command, RefuseCode, WorldId};

use crate::support::{Place, claims, runtime, wait_for};

/// Answers every command with the number of its world.
struct Telling;

impl Game for Telling {
    fn command(&mut self, turn: &mut Turn<'_>, _: &Visitor, _: &Command) -> Outcome {
        Outcome::done(turn.world().start().world_id.to_le_bytes())
    }
}

fn open(place: &Place) -> Server {
    let config = |world: u16, dir: &str| {
        place.config(|s| {
            (s.world, s.agents) = (Some(world), Some(u32::from(world)));
            s.data_dir = Some(place.path().join(dir));
        })
    };
    let builder = Server::builder(config(1, "data")).game(Telling);
    builder.world(config(2, "two"), Telling).start().unwrap()
}

#[test]
fn a_ticket_leads_to_its_world() {
    let place = Place::new();
    let server = open(&place);
    assert_eq!(
        server.worlds().collect::<Vec<_>>(),
        [WorldId(1), WorldId(2)]
    );
    let addr = server.local_addr();
    let ticket = |world| {
        let claims = Claims {
            world: WorldId(world),
            ..claims(7)
        };
        place.ticket_of(&place.key(), &claims)
    };
    runtime().block_on(async {
        let endpoint = client_endpoint(addr).unwrap();
        // The same player may be in both.
        let mut lines = Vec::new();
        for world in [1, 2] {
            let line = Connection::connect(&endpoint, addr, &ticket(world)).await;
            lines.push((world, line.unwrap()));
        }
        for (world, line) in &mut lines {
            line.command(1, 300, &[]).unwrap();
            let answer = loop {
                if let Event::Answer(answer) = line.next().await.unwrap() {
                    break answer;
                }
            };
            assert_eq!(answer.body, world.to_le_bytes());
        }
        let refused = Connection::connect(&endpoint, addr, &ticket(3)).await;
        let Err(ConnectError::Refused(refusal)) = refused else {
            panic!("it is not refused");
        };
        assert_eq!(refusal.code, RefuseCode::WORLD);
        assert_eq!(refusal.text.as_str(), "this is world w1, w2, not world w3");
        for world in [1, 2] {
            // Wanderers and the player.
            let is_full = |s: &Status| (s.players, u64::from(s.entities)) == (1, world + 1);
            wait_world(&server, world, is_full);
        }
    });
    let one = wait_for(&server, "who strayed", |s| s.refusals == 1);
    let two = server.status_of(WorldId(2)).unwrap();
    assert_eq!(
        (one.refusals, server.status_of(WorldId(3)).is_none()),
        (1, true)
    );
    assert_eq!((one.commands, two.commands), (1, 1));
    server.stop().unwrap();

    // Each has been saved by itself.
    let again = open(&place);
    for world in [1, 2] {
        let status = wait_world(&again, world, |s| s.tick > s.recovered_tick);
        assert!(status.recovered_tick > 0, "world {world}: {status:?}");
    }
    again.stop().unwrap();
}

fn wait_world(server: &Server, world: u64, is_so: impl Fn(&Status) -> bool) -> Status {
    for _ in 0..400 {
        let status = server.status_of(WorldId(world)).unwrap();
        if is_so(&status) {
            return status;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("world {world}: {:?}", server.status_of(WorldId(world)));
}

#[test]
fn worlds_need_numbers_and_directories_of_their_own() {
    let place = Place::new();
    let first = || Server::builder(place.config(|_| {}));
    let same = first().world(
        place.config(|s| s.data_dir = Some(place.path().join("b"))),
        NoGame,
    );
    assert!(matches!(same.start(), Err(ServerError::SameWorld(1))));
    let shared = first().world(place.config(|s| s.world = Some(2)), NoGame);
    let error = shared.start().unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
}
