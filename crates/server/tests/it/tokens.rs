//! Tokens that are forged, expired, reused, stolen or for somebody else: each is refused and counted under its name.

use std::net::SocketAddr;

use bluemarble_server::Server;
use net_proto::{
    Audience, Claims, ClientMessage, Hello, Holder, HolderKey, PROTOCOL_VERSION,
    PROTOCOL_VERSION_OLDEST, Proof, RefuseCode, Ticket, TokenKey, WorldId,
};

use crate::support::{Place, Raw, WORLD, claims, hello, holder_key, now_s, runtime, wait_for};

/// Shows a server a hello made for the connection, and gives the refusal.
fn refusal(
    place: &Place,
    addr: SocketAddr,
    bytes: impl FnOnce(&Raw) -> Vec<u8>,
) -> (RefuseCode, String) {
    runtime().block_on(async {
        let mut raw = Raw::open(addr, place.cert()).await;
        let bytes = bytes(&raw);
        raw.write(&bytes).await;
        let refuse = raw.refusal().await;
        (refuse.code, refuse.text.as_str().to_owned())
    })
}

/// A hello of any version, with any proof.
fn frame(version: u16, ticket: &Ticket, proof: Option<Proof>) -> Vec<u8> {
    let mut bytes = Vec::new();
    ClientMessage::Hello(Hello {
        version,
        world: WorldId(WORLD),
        token: ticket.token.clone(),
        proof,
    })
    .encode(&mut bytes);
    bytes
}

fn changed(place: &Place, change: impl FnOnce(&mut Claims)) -> Ticket {
    let mut claims = claims(1);
    change(&mut claims);
    place.ticket_of(&place.key(), &claims)
}

/// Tickets that do not hold, each with what its refusal is counted as.
fn bad_tickets(place: &Place) -> Vec<(Ticket, RefuseCode, &'static str)> {
    let other = TokenKey::from_seed(*b"somebody else's key, 32 bytes ok").unwrap();
    vec![
        (
            place.ticket_of(&other, &claims(1)),
            RefuseCode::TOKEN,
            "token_forged",
        ),
        (
            changed(place, |c| {
                (c.not_before_s, c.expires_s) = (now_s() - 60, now_s() - 1)
            }),
            RefuseCode::TOKEN,
            "token_expired",
        ),
        (
            changed(place, |c| {
                (c.not_before_s, c.expires_s) = (now_s() + 30, now_s() + 60)
            }),
            RefuseCode::TOKEN,
            "token_not_yet",
        ),
        (
            changed(place, |c| c.expires_s = c.not_before_s + 61),
            RefuseCode::TOKEN,
            "token_lifetime",
        ),
        (
            changed(place, |c| c.world = WorldId(5)),
            RefuseCode::TOKEN,
            "token_world",
        ),
        (
            changed(place, |c| {
                c.holder = Some(Holder {
                    key: holder_key().public(),
                    audience: Audience([1; 16]),
                });
            }),
            RefuseCode::AUDIENCE,
            "token_audience",
        ),
    ]
}

#[test]
fn tokens_that_do_not_hold_are_refused_and_counted() {
    let place = Place::new();
    let server = Server::start(place.config(|_| {})).unwrap();
    let addr = server.local_addr();
    for (ticket, code, name) in bad_tickets(&place) {
        let found = refusal(&place, addr, |raw| raw.hello(&ticket));
        assert_eq!(found.0, code, "{name}: {found:?}");
        let status = wait_for(&server, name, |s| s.logins_failed.get(name) == Some(&1));
        assert_eq!(status.joins, 0, "{name}");
    }
    let ticket = place.ticket(1);
    runtime().block_on(async {
        let (raw, _) = Raw::enter(addr, &ticket).await;
        raw.leave().await;
    });
    let found = refusal(&place, addr, |raw| raw.hello(&ticket));
    assert_eq!(found.0, RefuseCode::TOKEN, "{found:?}");
    wait_for(&server, "reuse", |s| {
        s.logins_failed.get("token_used") == Some(&1)
    });
    server.stop().unwrap();
}

#[test]
fn a_token_is_worth_nothing_without_its_key() {
    let place = Place::new();
    let server = Server::start(place.config(|_| {})).unwrap();
    let addr = server.local_addr();
    let ticket = place.ticket(1);
    let thief = HolderKey::from_seed(*b"a thief's own key, of 32 bytes!!").unwrap();
    // As heard on another connection, and by another key.
    let overheard = hello(&ticket, &[9; 32]);
    let found = refusal(&place, addr, |_| overheard);
    assert_eq!(found.0, RefuseCode::PROOF, "{found:?}");
    let found = refusal(&place, addr, |raw| {
        let exported = net_proto::quic::export(&raw.connection).unwrap();
        frame(PROTOCOL_VERSION, &ticket, Some(thief.prove(&exported)))
    });
    assert_eq!(found.0, RefuseCode::PROOF, "{found:?}");
    wait_for(&server, "wrong proofs", |s| {
        s.logins_failed.get("proof_wrong") == Some(&2)
    });
    // Without a signature, of either version.
    for version in [PROTOCOL_VERSION, PROTOCOL_VERSION_OLDEST] {
        let found = refusal(&place, addr, |_| frame(version, &ticket, None));
        assert_eq!(found.0, RefuseCode::PROOF, "{found:?}");
    }
    wait_for(&server, "no proofs", |s| {
        s.logins_failed.get("proof_missing") == Some(&2)
    });
    // Whoever has the key comes in with it still: nothing of all that used it.
    runtime().block_on(async { Raw::enter(addr, &ticket).await.0.leave().await });
    server.stop().unwrap();
}

#[test]
fn tokens_without_a_key_are_for_the_previous_version_where_that_is_allowed() {
    let place = Place::new();
    for allowed in [true, false] {
        let server = Server::start(place.config(|s| s.previous_version = Some(allowed))).unwrap();
        let (addr, ticket) = (server.local_addr(), place.unbound_ticket(1));
        // In the newest version never.
        let found = refusal(&place, addr, |raw| {
            let exported = net_proto::quic::export(&raw.connection).unwrap();
            let proof = holder_key().prove(&exported);
            frame(PROTOCOL_VERSION, &ticket, Some(proof))
        });
        assert_eq!(found.0, RefuseCode::TOKEN, "{found:?}");
        let old = frame(PROTOCOL_VERSION_OLDEST, &ticket, None);
        if allowed {
            runtime().block_on(async {
                let mut raw = Raw::open(addr, place.cert()).await;
                raw.write(&old).await;
                assert!(matches!(
                    raw.read().await,
                    net_proto::ServerMessage::Welcome(_)
                ));
            });
        } else {
            let found = refusal(&place, addr, |_| old);
            assert_eq!(found.0, RefuseCode::TOKEN, "{found:?}");
        }
        let count = 1 + u64::from(!allowed);
        wait_for(&server, "unbound", |s| {
            s.logins_failed.get("token_unbound") == Some(&count)
        });
        server.stop().unwrap();
    }
}

#[test]
fn servers_of_one_audience_take_the_same_tickets() {
    let place = Place::new();
    let text = "00112233445566778899aabbccddeeff";
    let server = Server::start(place.config(|s| s.audience = Some(text.into()))).unwrap();
    let addr = server.local_addr();
    let own = place.ticket(1);
    let found = refusal(&place, addr, |raw| raw.hello(&own));
    assert_eq!(found.0, RefuseCode::AUDIENCE, "{found:?}");
    let ticket = changed(&place, |c| {
        c.holder = Some(Holder {
            key: holder_key().public(),
            audience: Audience::from_hex(text).unwrap(),
        });
    });
    runtime().block_on(async { Raw::enter(addr, &ticket).await.0.leave().await });
    server.stop().unwrap();
}
