//! Bad clients: each gets one clear refusal, and the server goes on.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use bluemarble_server::{Cheaters, Server};
use net_proto::{RefuseCode, TokenKey, WorldId};

use crate::support::{Place, Raw, claims, hello, now_s, runtime, wait_for};

/// What another connection exports.
const ELSEWHERE: [u8; 32] = [9; 32];

/// Writes bytes in place of a hello and returns the refusal's code and text.
fn refused(place: &Place, addr: SocketAddr, bytes: &[u8]) -> (RefuseCode, String) {
    refused_with(place, addr, |_| bytes.to_vec())
}

/// The same of bytes that are made for the connection.
fn refused_with(
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

fn assert_welcome(place: &Place, addr: SocketAddr, player: u64) {
    runtime().block_on(async {
        let (_, welcome) = Raw::enter(addr, &place.ticket(player)).await;
        assert_eq!(welcome.world, WorldId(1));
    });
}

#[test]
fn bad_hellos_are_refused_one_by_one() {
    let place = Place::new();
    let server = Server::start(place.config(|_| {})).unwrap();
    let addr = server.local_addr();
    let good = hello(&place.ticket(1), &ELSEWHERE);
    let mut random: Vec<u8> = (0..60u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    random[..2].copy_from_slice(&58u16.to_le_bytes());
    let version_at = 2 + 1 + 4;
    let mut version = good.clone();
    version[version_at] = 9;
    let mut world = good.clone();
    world[version_at + 2] = 77;
    // Length of the frame and of the token set to none.
    let without_token = version_at + 2 + 8;
    let mut missing = good[..without_token].to_vec();
    missing.extend([0, 0]);
    let length = (missing.len() - 2) as u16;
    missing[..2].copy_from_slice(&length.to_le_bytes());
    let mut trailing = good.clone();
    trailing.push(0);
    let length = (trailing.len() - 2) as u16;
    trailing[..2].copy_from_slice(&length.to_le_bytes());
    let forged = place.ticket_of(
        &TokenKey::from_seed(*b"somebody else's key, 32 bytes ok").unwrap(),
        &claims(2),
    );
    let mut old = claims(3);
    (old.not_before_s, old.expires_s) = (now_s() - 100, now_s() - 50);
    let expired = place.ticket_of(&place.key(), &old);
    let mut elsewhere = claims(4);
    elsewhere.world = WorldId(5);
    let elsewhere = place.ticket_of(&place.key(), &elsewhere);
    let cases = [
        (random, RefuseCode::MALFORMED, "not a hello"),
        (vec![0xff, 0xff, 1, 2, 3], RefuseCode::MALFORMED, "65535"),
        (trailing, RefuseCode::MALFORMED, "not a hello"),
        (version, RefuseCode::VERSION, "versions 2 to 3"),
        (world, RefuseCode::WORLD, "world w1"),
        (missing, RefuseCode::TOKEN, "token"),
        (hello(&forged, &ELSEWHERE), RefuseCode::TOKEN, "ticket"),
        (hello(&expired, &ELSEWHERE), RefuseCode::TOKEN, "ticket"),
        (hello(&elsewhere, &ELSEWHERE), RefuseCode::TOKEN, "ticket"),
    ];
    let count = cases.len() as u64;
    for (n, (bytes, code, text)) in cases.into_iter().enumerate() {
        let found = refused(&place, addr, &bytes);
        assert_eq!(found.0, code, "case {n}: {found:?}");
        assert!(found.1.contains(text), "case {n}: {found:?}");
    }
    let status = wait_for(&server, "refusals", |s| s.refusals >= count);
    assert_eq!((status.refusals, status.joins), (count, 0));
    assert_welcome(&place, addr, 1);
    server.stop().unwrap();
}

#[test]
fn a_ticket_opens_once_even_after_a_restart() {
    let place = Place::new();
    let ticket;
    {
        let server = Server::start(place.config(|_| {})).unwrap();
        ticket = place.ticket(1);
        runtime().block_on(async {
            let (_raw, _) = Raw::enter(server.local_addr(), &ticket).await;
            let again = refused_now(&place, server.local_addr(), &ticket).await;
            assert_eq!(again, RefuseCode::TOKEN);
        });
        server.stop().unwrap();
    }
    let server = Server::start(place.config(|_| {})).unwrap();
    let again = refused_with(&place, server.local_addr(), |raw| raw.hello(&ticket));
    assert_eq!(again.0, RefuseCode::TOKEN);
    assert!(again.1.contains("used before"), "{again:?}");
    server.stop().unwrap();
}

async fn refused_now(place: &Place, addr: SocketAddr, ticket: &net_proto::Ticket) -> RefuseCode {
    let mut raw = Raw::open(addr, place.cert()).await;
    raw.show(ticket).await;
    raw.refusal().await.code
}

#[test]
fn garbage_silence_and_other_protocols_leave_the_server_alone() {
    let place = Place::new();
    let server = Server::start(place.config(|_| {})).unwrap();
    let addr = server.local_addr();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for n in 0..500u32 {
        let bytes: Vec<u8> = (0..n % 1_400)
            .map(|b| (b.wrapping_mul(n) >> 3) as u8 | 0x80)
            .collect();
        socket.send_to(&bytes, addr).unwrap();
    }
    runtime().block_on(async {
        // A peer that speaks another protocol does not get past the handshake.
        let endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into()).unwrap();
        let error = endpoint
            .connect_with(other_protocol(), addr, "bluemarble")
            .unwrap()
            .await
            .unwrap_err();
        assert!(error.to_string().contains("error 120"), "{error}");
        // One that opens nothing is sent away.
        let quiet = net_proto::quic::client_endpoint(addr).unwrap();
        let quiet = net_proto::quic::connect(&quiet, addr, place.cert())
            .await
            .unwrap();
        let closed = tokio::time::timeout(Duration::from_secs(8), quiet.closed()).await;
        assert!(closed.unwrap().to_string().contains("no hello"));
    });
    assert_welcome(&place, addr, 1);
    server.stop().unwrap();
}

fn other_protocol() -> quinn::ClientConfig {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h3".to_vec()];
    let tls = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
    quinn::ClientConfig::new(std::sync::Arc::new(tls))
}

#[test]
fn logged_in_clients_that_misbehave_are_sent_away() {
    let place = Place::new();
    let server = Server::start(place.config(|s| s.players_max = Some(2))).unwrap();
    let addr = server.local_addr();
    runtime().block_on(async {
        let (mut bad, _) = Raw::enter(addr, &place.ticket(1)).await;
        for n in 0..40u8 {
            bad.connection.send_datagram(vec![n; 30].into()).unwrap();
        }
        assert_eq!(bad.refusal().await.code, RefuseCode::MALFORMED);

        let (mut chatty, _) = Raw::enter(addr, &place.ticket(2)).await;
        chatty.show(&place.ticket(2)).await;
        assert_eq!(chatty.refusal().await.code, RefuseCode::MALFORMED);

        // Their places are free when they have acknowledged that they were sent away, and that may wait.
        wait_for(&server, "both gone", |s| s.leaves >= 2);
        let (mut first, a) = Raw::enter(addr, &place.ticket(3)).await;
        let (second, b) = Raw::enter(addr, &place.ticket(3)).await;
        assert_ne!(a.player, b.player);
        assert_eq!(first.refusal().await.code, RefuseCode::REPLACED);
        drop(first);

        wait_for(&server, "leavers gone", |s| s.leaves >= 3);
        let (third, _) = Raw::enter(addr, &place.ticket(4)).await;
        let mut full = Raw::open(addr, place.cert()).await;
        full.show(&place.ticket(5)).await;
        assert_eq!(full.refusal().await.code, RefuseCode::FULL);
        second.leave().await;
        third.leave().await;
    });
    let status = wait_for(&server, "everybody gone", |s| s.players == 0);
    assert!(status.datagrams_bad >= 20, "{status:?}");
    server.stop().unwrap();
}

#[test]
fn a_flood_of_datagrams_ends_the_session() {
    for (cheaters, code) in [
        // The judge, who counts what is heard, is quicker than the session, which counts what comes.
        (Cheaters::Ban, RefuseCode::UNFAIR),
        (Cheaters::Watch, RefuseCode::FLOOD),
    ] {
        flood(cheaters, code);
    }
}

/// A client that floods a server is sent away with a code.
fn flood(cheaters: Cheaters, code: RefuseCode) {
    let place = Place::new();
    let server = Server::start(place.config(|s| s.cheaters = Some(cheaters))).unwrap();
    runtime().block_on(async {
        let (mut flood, _) = Raw::enter(server.local_addr(), &place.ticket(1)).await;
        let mut bytes = Vec::new();
        net_proto::InputDatagram::new(
            net_proto::InputHead::default(),
            1,
            [net_proto::Input::default()],
        )
        .unwrap()
        .encode(&mut bytes);
        let bytes = bytes::Bytes::from(bytes);
        for _ in 0..200 {
            for _ in 0..10 {
                let _ = flood.connection.send_datagram(bytes.clone());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(flood.refusal().await.code, code);
    });
    let status = wait_for(&server, "the end of the flood", |s| s.leaves == 1);
    assert!(status.judged.findings["flood"] > 0, "{:?}", status.judged);
    server.stop().unwrap();
}
