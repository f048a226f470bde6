//! How well a way to control congestion serves a game: measured on the simulated network.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::Connection;
use quinn::congestion::{BbrConfig, ControllerFactory, CubicConfig, NewRenoConfig};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::endpoint::server_tls;
use super::game_control::GameControlConfig;
use super::simulated::{Link, Network, identity, run};
use super::{Peer, WriteHalf, connect, transport};

/// What came of 60 seconds of a game: 20 times a second two datagrams, once a second a message of 2,000 bytes.
#[derive(Debug)]
struct Service {
    /// Of the datagrams that the game made.
    delivered: f64,
    /// From when they were made until they came, milliseconds: the median, and of 99 in 100.
    age_ms: [f64; 2],
    /// The same of messages: the median, and the latest.
    message_ms: [f64; 2],
    /// Bytes a second that the server sent.
    sent: f64,
}

fn serve(factory: Arc<dyn ControllerFactory + Send + Sync>, link: Link, seed: u64) -> Service {
    run(async move {
        let (network, identity) = (Network::new(seed, link), identity(seed));
        let mut config = transport::server(server_tls(&identity).unwrap());
        let mut ours = transport::server_transport();
        ours.congestion_controller_factory(factory);
        config.transport_config(Arc::new(ours));
        let addr: SocketAddr = "10.0.0.1:4433".parse().unwrap();
        let server = network.server_endpoint_of(addr, config).unwrap();
        let client = network
            .client_endpoint("10.0.1.1:5000".parse().unwrap())
            .unwrap();
        let (client, server) = loop {
            let accept = async { server.accept().await.unwrap().await };
            let pair = tokio::join!(connect(&client, addr, identity.cert_sha256()), accept);
            if let (Ok(client), Ok(server)) = pair {
                break (client, server);
            }
        };
        let began = Instant::now();
        let listening = tokio::spawn(listen(client.clone(), began));
        let reading = tokio::spawn(read(client, began));
        let before = server.stats().unwrap().udp_tx.bytes;
        let made = play(&server, began).await;
        let sent = (server.stats().unwrap().udp_tx.bytes - before) as f64 / SECONDS as f64;
        sleep(Duration::from_secs(3)).await;
        server.close(0u32.into(), b"");
        let (ages, messages) = (listening.await.unwrap(), reading.await.unwrap());
        Service {
            delivered: ages.len() as f64 / made as f64,
            age_ms: [share(&ages, 0.5), share(&ages, 0.99)],
            message_ms: [share(&messages, 0.5), share(&messages, 1.0)],
            sent,
        }
    })
}

/// The server's side, with the gateway's rule for what would be stale. How many datagrams the game made.
async fn play(server: &Peer, began: Instant) -> usize {
    let mut stream = WriteHalf::from(server.open_uni().await.unwrap());
    let mut ticks = interval(Duration::from_millis(50));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (messages, mut waiting) = tokio::sync::mpsc::unbounded_channel::<Vec<u8>>();
    let writing = tokio::spawn(async move {
        while let Some(message) = waiting.recv().await {
            stream.write_all(&message).await.ok();
        }
        stream.finish().await;
    });
    let mut made = 0;
    for tick in 0..20 * SECONDS {
        ticks.tick().await;
        let now = began.elapsed().as_micros() as u64;
        if tick % 20 == 0 {
            messages.send(now.to_le_bytes().repeat(250)).unwrap();
        }
        made += 2;
        let datagram = || now.to_le_bytes().repeat(137).into();
        server.send([datagram(), datagram()], 8 << 10);
    }
    drop(messages);
    let _ = tokio::time::timeout(Duration::from_secs(20), writing).await;
    made
}

async fn listen(client: Connection, began: Instant) -> Vec<f64> {
    let mut ages = Vec::new();
    while let Ok(datagram) = client.read_datagram().await {
        ages.push(age_ms(&datagram, began));
    }
    ages
}

async fn read(client: Connection, began: Instant) -> Vec<f64> {
    let mut ages = Vec::new();
    let Ok(mut stream) = client.accept_uni().await else {
        return ages;
    };
    let mut message = [0; 2_000];
    while stream.read_exact(&mut message).await.is_ok() {
        ages.push(age_ms(&message, began));
    }
    ages
}

fn age_ms(bytes: &[u8], began: Instant) -> f64 {
    let made = u64::from_le_bytes(bytes[..8].try_into().unwrap());
    (began.elapsed().as_micros() as u64 - made) as f64 / 1e3
}

fn share(ages: &[f64], share: f64) -> f64 {
    let mut ages = ages.to_vec();
    ages.sort_by(f64::total_cmp);
    let n = ((ages.len() as f64 * share) as usize).min(ages.len().saturating_sub(1));
    ages.get(n).copied().unwrap_or(f64::INFINITY)
}

const SECONDS: u64 = 60;

fn line(rtt_ms: u64, loss: f64) -> Link {
    let way = Duration::from_millis(rtt_ms / 2);
    Link {
        loss,
        latency: way..way + Duration::from_millis(rtt_ms / 10),
        ..Link::default()
    }
}

fn narrow(rtt_ms: u64, bytes_per_s: u64, queue_bytes: u64) -> Link {
    Link {
        bytes_per_s: Some(bytes_per_s),
        queue_bytes,
        ..line(rtt_ms, 0.0)
    }
}

fn cubic() -> Arc<dyn ControllerFactory + Send + Sync> {
    let mut cubic = CubicConfig::default();
    cubic.initial_window(64 * 1_200);
    Arc::new(cubic)
}

/// `BLUEMARBLE_CONTROL=1` prints all of them.
fn both(name: &str, link: &Link) -> [Service; 2] {
    let serve = |who, factory| {
        let service = serve(factory, link.clone(), 11);
        if std::env::var("BLUEMARBLE_CONTROL").is_ok() {
            println!("{name:>24} {who:>6}: {service:.3?}");
        }
        service
    };
    if std::env::var("BLUEMARBLE_CONTROL").is_ok() {
        let (mut reno, mut bbr) = (NewRenoConfig::default(), BbrConfig::default());
        reno.initial_window(64 * 1_200);
        bbr.initial_window(64 * 1_200);
        serve("reno", Arc::new(reno));
        serve("bbr", Arc::new(bbr));
    }
    [
        serve("ours", Arc::new(GameControlConfig)),
        serve("cubic", cubic()),
    ]
}

#[test]
fn lines_that_lose_delay_nothing() {
    for rtt_ms in [20, 50, 100, 300] {
        for loss in [0.0, 0.01, 0.05, 0.1, 0.2] {
            let [ours, cubic] = both(&format!("rtt {rtt_ms}, loss {loss}"), &line(rtt_ms, loss));
            assert!(
                ours.delivered > 0.96 * (1.0 - loss),
                "{rtt_ms} ms, {loss}: {ours:?}"
            );
            assert!(
                ours.age_ms[1] < 0.65 * rtt_ms as f64 + 15.0,
                "{rtt_ms} ms, {loss}: {ours:?}"
            );
            assert!(
                ours.delivered > cubic.delivered - 0.01,
                "{ours:?} against {cubic:?}"
            );
            assert!(
                ours.message_ms[0] < 1.1 * cubic.message_ms[0],
                "{ours:?} against {cubic:?}"
            );
        }
    }
}

/// What a line cannot carry is not sent, and does not wait long.
#[test]
fn narrow_lines_are_not_flooded() {
    for (kb_s, queue_kb) in [(100, 32), (30, 32), (30, 8), (30, 4), (15, 16)] {
        let capacity = kb_s as f64 * 1e3;
        let link = narrow(50, kb_s * 1_000, queue_kb << 10);
        let [ours, cubic] = both(&format!("{kb_s} KB/s, {queue_kb} KB queue"), &link);
        assert!(ours.sent < 1.4 * capacity, "{kb_s}, {queue_kb}: {ours:?}");
        assert!(
            ours.age_ms[0] < 1.1 * cubic.age_ms[0],
            "{ours:?} against {cubic:?}"
        );
        assert!(
            ours.delivered > 0.9 * cubic.delivered,
            "{ours:?} against {cubic:?}"
        );
    }
}

/// Five seconds in which nothing arrives: persistent congestion for all that anybody knows. Afterwards it is the next
/// probe that everybody waits for, up to as long again.
#[test]
fn after_the_dark_all_is_as_before() {
    let link = Link {
        blackouts: vec![Duration::from_secs(20)..Duration::from_secs(25)],
        ..line(100, 0.01)
    };
    let [ours, cubic] = both("dark from 20 to 25 s", &link);
    assert!(
        ours.delivered > 0.8 && ours.delivered > cubic.delivered,
        "{ours:?} against {cubic:?}"
    );
    assert!(ours.age_ms[1] < 80.0, "{ours:?}");
}

/// A way that becomes longer looks like a queue at first.
#[test]
fn a_longer_way_is_found_out() {
    let share = run(async {
        let (network, identity) = (Network::new(3, line(40, 0.0)), identity(3));
        let addr: SocketAddr = "10.0.0.1:4433".parse().unwrap();
        let server = network.server_endpoint(addr, &identity).unwrap();
        let at = "10.0.1.1:5000".parse().unwrap();
        let client = network.client_endpoint(at).unwrap();
        let accept = async { server.accept().await.unwrap().await.unwrap() };
        let (client, server) = tokio::join!(connect(&client, addr, identity.cert_sha256()), accept);
        let (client, began) = (client.unwrap(), Instant::now());
        play(&server, began).await;
        while tokio::time::timeout(Duration::from_millis(500), client.read_datagram())
            .await
            .is_ok()
        {}
        network.set_link(at, line(250, 0.0));
        play(&server, began).await;
        let listening = tokio::spawn(listen(client, began));
        let made = play(&server, began).await;
        sleep(Duration::from_secs(1)).await;
        server.close(0u32.into(), b"");
        let came = listening.await.unwrap();
        came.iter().filter(|age| **age < 250.0).count() as f64 / made as f64
    });
    assert!(share > 0.9, "{share}");
}
