//! The shell for tokio programs.

use std::time::Duration;

use client::{ConnectError, Connection, Event, SessionError};
use net_proto::quic::{client_endpoint, quinn::Endpoint};
use net_proto::{DigestVerdict, HolderKey, Input, RefuseCode, Token, WireError, WorldId};

use crate::server::{Manner, PLAYER, Server, WORLD};

fn run<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(async { tokio::time::timeout(Duration::from_secs(30), test).await })
        .unwrap()
}

/// Walks east until the predicate holds, or the session ends.
async fn walk(
    connection: &mut Connection,
    mut until: impl FnMut(&Connection, &Event) -> bool,
) -> Result<(), SessionError> {
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / 60.0));
    let input = Input {
        east: 2 * 256,
        heading: 0x4000,
        ..Input::default()
    };
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                if connection.push_input(input).is_multiple_of(2) {
                    connection.send_inputs()?;
                }
            }
            event = connection.next() => {
                let event = event?;
                if until(connection, &event) {
                    return Ok(());
                }
            }
        }
    }
}

#[test]
fn a_session_sees_moves_and_agrees() {
    let server = Server::start(Manner::Good);
    run(async {
        let endpoint = client_endpoint(server.addr).unwrap();
        let mut connection = Connection::connect(&endpoint, server.addr, &server.good_ticket())
            .await
            .unwrap();
        assert_eq!(
            (
                connection.core().welcome().world,
                connection.core().welcome().player
            ),
            (WORLD, PLAYER)
        );
        let mut last_tick = 0;
        let matched = |c: &Connection, event: &Event| {
            if let Event::Snapshot(info) = event {
                assert!(info.tick > last_tick && info.durable_tick == info.tick - 1);
                last_tick = info.tick;
            }
            c.core().digests().matched >= 3
        };
        walk(&mut connection, matched).await.unwrap();
        let core = connection.core();
        assert_eq!(
            (core.digests().mismatched, core.replica().tracked().len()),
            (0, 3)
        );
        assert!(core.replica().stats().completed > 5);
        let player = core.player().unwrap();
        assert_eq!(player.state.heading(), 0x40);
        assert!(core.replica().newest().unwrap().last_input_seq > 20);
        let traffic = core.traffic();
        assert!(
            traffic.datagram_bytes_in > 20 * traffic.datagrams_in && traffic.datagrams_out > 10
        );
        connection.close();
        endpoint.wait_idle().await;
    });
}

#[test]
fn many_sessions_share_an_endpoint() {
    let server = Server::start(Manner::Good);
    run(async {
        let endpoint = client_endpoint(server.addr).unwrap();
        let mut sessions = Vec::new();
        for _ in 0..20 {
            sessions.push(
                Connection::connect(&endpoint, server.addr, &server.good_ticket())
                    .await
                    .unwrap(),
            );
        }
        for session in &mut sessions {
            let seen = |c: &Connection, _: &Event| c.core().replica().tracked().len() == 3;
            walk(session, seen).await.unwrap();
        }
    });
}

#[test]
fn a_lie_is_counted() {
    let server = Server::start(Manner::Lies);
    run(async {
        let endpoint = client_endpoint(server.addr).unwrap();
        let mut connection = Connection::connect(&endpoint, server.addr, &server.good_ticket())
            .await
            .unwrap();
        let lied = |_: &Connection, event: &Event| {
            matches!(event, Event::Digest(_, DigestVerdict::Mismatch(1)))
        };
        walk(&mut connection, lied).await.unwrap();
        assert_eq!(connection.core().digests().mismatched, 1);
    });
}

#[test]
fn a_babbling_server_is_left() {
    let server = Server::start(Manner::Babbles);
    run(async {
        let endpoint = client_endpoint(server.addr).unwrap();
        let mut connection = Connection::connect(&endpoint, server.addr, &server.good_ticket())
            .await
            .unwrap();
        let end = walk(&mut connection, |_, _| false).await;
        assert!(
            matches!(end, Err(SessionError::Wire(WireError::Kind(b'b')))),
            "{end:?}"
        );
    });
}

#[test]
fn a_closing_server_says_so() {
    let server = Server::start(Manner::Closes);
    run(async {
        let endpoint = client_endpoint(server.addr).unwrap();
        let mut connection = Connection::connect(&endpoint, server.addr, &server.good_ticket())
            .await
            .unwrap();
        match walk(&mut connection, |_, _| false).await {
            Err(SessionError::Refused(refuse)) => {
                assert_eq!(
                    (refuse.code, refuse.text.as_str()),
                    (RefuseCode::CLOSING, "good night")
                );
            }
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_redirect_can_be_followed() {
    let server = Server::start(Manner::Redirects);
    run(async {
        let endpoint = client_endpoint(server.addr).unwrap();
        let ticket = server.good_ticket();
        let mut connection = Connection::connect(&endpoint, server.addr, &ticket)
            .await
            .unwrap();
        let redirect = loop {
            if let Event::Redirect(redirect) = connection.next().await.unwrap() {
                break redirect;
            }
        };
        assert_eq!(redirect.address.as_str(), "elsewhere:4433");
        let line = redirect.ticket.to_string();
        let followed = line.parse::<net_proto::Ticket>().unwrap();
        assert!(
            Connection::connect(&endpoint, server.addr, &followed)
                .await
                .is_ok()
        );
    });
}

async fn refusal(
    endpoint: &Endpoint,
    server: &Server,
    ticket: net_proto::Ticket,
) -> (RefuseCode, String) {
    match Connection::connect(endpoint, server.addr, &ticket).await {
        Err(ConnectError::Refused(refuse)) => (refuse.code, refuse.text.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn bad_tickets_are_refused_with_the_reason() {
    let server = Server::start(Manner::Good);
    run(async {
        let endpoint = client_endpoint(server.addr).unwrap();
        let (code, text) = refusal(&endpoint, &server, server.expired_ticket()).await;
        assert_eq!(code, RefuseCode::TOKEN);
        assert!(text.contains("expired 1 s ago"), "{text}");
        let other = server.ticket(WorldId(1), 1_000_030);
        assert!(
            refusal(&endpoint, &server, other)
                .await
                .1
                .contains("world w1")
        );
        let mut forged = server.good_ticket();
        let mut bytes = forged.token.as_bytes().to_vec();
        bytes[100] ^= 1;
        forged.token = Token::from_bytes(&bytes).unwrap();
        assert!(
            refusal(&endpoint, &server, forged)
                .await
                .1
                .contains("not signed")
        );
        let mut stolen = server.good_ticket();
        stolen.key = Some(HolderKey::from_seed(*b"a thief's own key, of 32 bytes!!").unwrap());
        let (code, _) = refusal(&endpoint, &server, stolen).await;
        assert_eq!(code, RefuseCode::PROOF);
        let mut elsewhere = server.good_ticket();
        elsewhere.cert_sha256[0] ^= 1;
        let result = Connection::connect(&endpoint, server.addr, &elsewhere).await;
        assert!(
            matches!(result, Err(ConnectError::Certificate)),
            "{result:?}"
        );
    });
}
