//! Acknowledgements travel with what there is to say anyway.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use net_proto::quic::connect;
use net_proto::quic::simulated::{Link, Network, identity, run};
use tokio::time::{MissedTickBehavior, interval, sleep};

const SECONDS: u64 = 60;
/// Datagrams a second: updates, and inputs.
const DOWN_HZ: u64 = 20;
const UP_HZ: u64 = 15;

/// A minute of a game over a line so long: the packets that server and client sent, and the round trips that they measured.
fn play(way: Duration) -> ([u64; 2], [Duration; 2]) {
    run(async move {
        let link = Link {
            latency: way..way,
            ..Link::default()
        };
        let (network, identity) = (Network::new(5, link), identity(5));
        let addr: SocketAddr = "10.0.0.1:4433".parse().unwrap();
        let server = network.server_endpoint(addr, &identity).unwrap();
        let client = network.client_endpoint("10.0.1.1:5000".parse().unwrap());
        let client = client.unwrap();
        let accept = async { server.accept().await.unwrap().await.unwrap() };
        let (client, server) = tokio::join!(connect(&client, addr, identity.cert_sha256()), accept);
        let client = client.unwrap();
        sleep(Duration::from_secs(3)).await; // what a connection begins with is over
        let sent = || {
            let stats = [server.stats().unwrap(), client.stats()];
            stats.map(|stats| stats.udp_tx.datagrams)
        };
        let before = sent();
        let (reader, hearer) = (client.clone(), server.clone());
        let reading = tokio::spawn(count(async move || reader.read_datagram().await.is_ok()));
        let hearing = tokio::spawn(count(async move || hearer.read_datagram().await.is_ok()));
        tokio::join!(
            say(
                |datagram| server.send_datagram(datagram).unwrap(),
                DOWN_HZ,
                200
            ),
            say(
                |datagram| client.send_datagram(datagram).unwrap(),
                UP_HZ,
                60
            )
        );
        let after = sent();
        let rtts = [server.rtt(), client.rtt()];
        server.close(0u32.into(), b"");
        assert_eq!(reading.await.unwrap(), DOWN_HZ * SECONDS);
        assert_eq!(hearing.await.unwrap(), UP_HZ * SECONDS);
        ([after[0] - before[0], after[1] - before[1]], rtts)
    })
}

async fn say(send: impl Fn(Bytes), hz: u64, bytes: usize) {
    let mut beats = interval(Duration::from_secs(1) / hz as u32);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..hz * SECONDS {
        beats.tick().await;
        send(vec![7; bytes].into());
    }
    sleep(Duration::from_millis(500)).await;
}

async fn count(hear: impl AsyncFn() -> bool) -> u64 {
    let mut count = 0;
    while hear().await {
        count += 1;
    }
    count
}

#[test]
fn hardly_a_packet_is_an_acknowledgement_alone() {
    for way_ms in [0, 5, 20, 80] {
        let way = Duration::from_millis(way_ms);
        let ([down, up], rtts) = play(way);
        for (packets, hz) in [(down, DOWN_HZ), (up, UP_HZ)] {
            let least = hz * SECONDS;
            assert!(packets <= least + least / 25, "{way_ms} ms: {down} {up}");
        }
        // What waits is not mistaken for the line.
        for rtt in rtts {
            let off = rtt.saturating_sub(2 * way);
            assert!(off < Duration::from_millis(8), "{way_ms} ms: {rtts:?}");
        }
    }
}
