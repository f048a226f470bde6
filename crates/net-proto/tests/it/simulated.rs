//! Real endpoints on a bad network, in virtual time.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use net_proto::quic::quinn::{Connection, ConnectionError, Endpoint, SendStream};
use net_proto::quic::simulated::{Link, Network, Trace, identity, run};
use net_proto::quic::{
    Admission, ConnectError, ControlReader, ControlWriter, Door, HANDSHAKE_DEADLINE, Host, Peer,
    ReadHalf, WriteHalf, connect,
};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

const FRAMES: u32 = 20;
const FRAME_BYTES: usize = 2_000;

fn server_addr() -> SocketAddr {
    "10.0.0.1:4433".parse().unwrap()
}

fn client_addr(n: usize) -> SocketAddr {
    format!("10.1.{}.{}:5000", n / 250, 1 + n % 250)
        .parse()
        .unwrap()
}

fn bad_link() -> Link {
    Link {
        loss: 0.3,
        duplication: 0.02,
        latency: Duration::from_millis(20)..Duration::from_millis(60),
        late: 0.05,
        late_by: Duration::from_millis(80),
        ..Link::default()
    }
}

fn frame(n: u32) -> Vec<u8> {
    let mut bytes = (FRAME_BYTES as u16).to_le_bytes().to_vec();
    bytes.extend(n.to_le_bytes().iter().cycle().take(FRAME_BYTES));
    bytes
}

/// Accepts for ever; tells every client the numbered frames, and datagrams beside them.
async fn serve(endpoint: Host) {
    let mut door = Door::new(Instant::now().into_std());
    while let Some(incoming) = endpoint.accept().await {
        let from = incoming.remote_address();
        if let Admission::Accepted(connecting) = door.admit(incoming, Instant::now().into_std()) {
            door.leave(from);
            tokio::spawn(async move {
                if let Ok(Ok(connection)) = timeout(HANDSHAKE_DEADLINE, connecting).await {
                    tell(connection).await;
                }
            });
        }
    }
}

async fn tell(connection: Peer) {
    let Ok((send, _recv)) = connection.accept_bi().await else {
        return;
    };
    let mut writer = ControlWriter::new(send);
    for n in 0..FRAMES {
        for _ in 0..2 {
            let _ = connection.send_datagram(vec![n as u8; 100].into());
            sleep(Duration::from_millis(50)).await;
        }
        if writer
            .send(&frame(n), Duration::from_secs(60))
            .await
            .is_err()
        {
            return;
        }
    }
    writer.finish(Duration::from_secs(60)).await;
    connection.closed().await;
}

/// What came of a crowd or of one of it: datagrams of the connections that heard everything, and connections that were lost before that.
#[derive(Clone, Copy, Default)]
struct Heard {
    datagrams: usize,
    lost: usize,
}

/// Why a client did not hear everything over a connection.
enum Ended {
    /// The server gave the handshake up that the client thought was over: its last packets were lost.
    Early,
    /// Nothing came through for ten seconds.
    Lost,
}

/// Connects, again if need be as a player would, and hears all frames.
async fn listen(network: Network, n: usize, cert: [u8; 32]) -> Heard {
    let endpoint = network.client_endpoint(client_addr(n)).unwrap();
    let mut lost = 0;
    for _ in 0..8 {
        match connect(&endpoint, server_addr(), cert).await {
            Ok(connection) => match hear(&connection).await {
                Ok(datagrams) => return Heard { datagrams, lost },
                Err(Ended::Early) => {}
                Err(Ended::Lost) => lost += 1,
            },
            Err(ConnectError::Timeout) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("client {n} does not get in");
}

/// All frames, in order; how many datagrams came meanwhile.
async fn hear(connection: &Connection) -> Result<usize, Ended> {
    let (mut send, recv) = connection.open_bi().await.unwrap();
    send.write_all(b"here").await.unwrap();
    let mut reader = ControlReader::new(recv, FRAME_BYTES);
    let mut datagrams = 0;
    let mut expected = 0;
    loop {
        tokio::select! {
            frame_or_end = reader.next() => match frame_or_end {
                Ok(Some(heard)) => {
                    assert_eq!(heard, frame(expected)[2..]);
                    expected += 1;
                }
                Ok(None) => break,
                Err(_) if expected == 0 && datagrams == 0 => return Err(Ended::Early),
                Err(error) => match connection.close_reason() {
                    Some(ConnectionError::TimedOut | ConnectionError::Reset) => return Err(Ended::Lost),
                    other => panic!("{error}, {other:?}, after {expected}"),
                },
            },
            datagram = connection.read_datagram() => datagrams += usize::from(datagram.is_ok()),
        }
    }
    assert_eq!(expected, FRAMES);
    Ok(datagrams)
}

/// All clients connect and hear all frames, in order; the trace, and what else they heard.
fn crowd(seed: u64, clients: usize, link: Link) -> (Trace, Heard) {
    run(async move {
        let (network, identity) = (Network::new(seed, link), identity(seed));
        let server = network.server_endpoint(server_addr(), &identity).unwrap();
        tokio::spawn(serve(server));
        let mut all = JoinSet::new();
        for n in 0..clients {
            all.spawn(listen(network.clone(), n, identity.cert_sha256()));
        }
        let heard = timeout(Duration::from_secs(600), all.join_all())
            .await
            .unwrap();
        let all = heard.into_iter().fold(Heard::default(), |all, one| Heard {
            datagrams: all.datagrams + one.datagrams,
            lost: all.lost + one.lost,
        });
        (network.trace(), all)
    })
}

#[test]
fn everybody_connects_and_hears_everything_through_a_third_lost() {
    let (trace, heard) = crowd(1, 20, bad_link());
    // A lost third is a lost third, and no datagram is repeated.
    let lost = trace.lost as f64 / trace.packets as f64;
    assert!((0.27..0.33).contains(&lost), "{trace:?}");
    assert!(trace.repeated > trace.packets / 100, "{trace:?}");
    let sent = 20 * 2 * FRAMES as usize;
    assert!(
        (sent / 2..=sent * 4 / 5).contains(&heard.datagrams),
        "{} of {sent}",
        heard.datagrams
    );
}

/// Also what the next test starts as another process.
#[test]
fn one_seed_is_one_trace() {
    let (first, _) = crowd(3, 6, bad_link());
    println!("trace {:016x} {}", first.hash, first.packets);
    assert_eq!(crowd(3, 6, bad_link()).0, first);
    assert_ne!(crowd(4, 6, bad_link()).0.hash, first.hash);
}

#[test]
fn one_seed_is_one_trace_in_every_process() {
    let (trace, _) = crowd(3, 6, bad_link());
    let expected = format!("trace {:016x} {}", trace.hash, trace.packets);
    for _ in 0..2 {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "simulated::one_seed_is_one_trace", "--nocapture"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(
            child.status.success() && said.contains(&expected),
            "{expected} is not in {said}"
        );
    }
}

/// `BLUEMARBLE_SEEDS` seeds (default 2) of 100 clients each, on lines from good to awful. Nobody is lost where a fifth of all packets is; where nearly a third is,
/// one of thousands hears nothing for ten seconds, is lost, and comes back.
#[test]
fn seeds_of_crowds() {
    let mut lost = 0;
    let seeds: u64 = std::env::var("BLUEMARBLE_SEEDS").map_or(2, |n| n.parse().unwrap());
    for seed in 0..seeds {
        let link = Link {
            loss: [0.0, 0.01, 0.05, 0.1, 0.2, 0.3][seed as usize % 6],
            latency: Duration::from_millis([0, 25, 75, 150][seed as usize % 4])
                ..Duration::from_millis([1, 50, 125, 200][seed as usize % 4]),
            ..bad_link()
        };
        let is_awful = link.loss > 0.2;
        let (trace, heard) = crowd(100 + seed, 100, link);
        assert!(
            heard.lost == 0 || is_awful,
            "seed {}: {} lost",
            100 + seed,
            heard.lost
        );
        lost += heard.lost as u64;
        if seeds > 2 {
            println!("seed {}: {trace:?}", 100 + seed);
        }
    }
    println!("{} players, {lost} of them lost and back", 100 * seeds);
    assert!(lost <= seeds.div_ceil(6) / 10 + 1, "{lost} lost");
}

struct Pair {
    client: Connection,
    server: Peer,
    _endpoints: (Endpoint, Host),
}

async fn pair(link: Link) -> Pair {
    let (network, identity) = (Network::new(9, link), identity(9));
    let server_endpoint = network.server_endpoint(server_addr(), &identity).unwrap();
    let client_endpoint = network.client_endpoint(client_addr(0)).unwrap();
    let accept = async { server_endpoint.accept().await.unwrap().await.unwrap() };
    let connect = connect(&client_endpoint, server_addr(), identity.cert_sha256());
    let (client, server) = tokio::join!(connect, accept);
    Pair {
        client: client.unwrap(),
        server,
        _endpoints: (client_endpoint, server_endpoint),
    }
}

fn dark(from_s: u64, to_s: u64) -> Link {
    Link {
        latency: Duration::from_millis(20)..Duration::from_millis(30),
        blackouts: vec![Duration::from_secs(from_s)..Duration::from_secs(to_s)],
        ..Link::default()
    }
}

#[test]
fn eight_dark_seconds_are_survived_and_eleven_are_not() {
    run(async {
        let pair = pair(dark(5, 13)).await;
        assert!(
            timeout(Duration::from_secs(60), pair.client.closed())
                .await
                .is_err()
        );
        pair.client.send_datagram(vec![1].into()).unwrap();
        assert_eq!(pair.server.read_datagram().await.unwrap(), vec![1]);
    });
    run(async {
        let pair = pair(dark(5, 30)).await;
        let start = Instant::now();
        let (client, server) = tokio::join!(pair.client.closed(), pair.server.closed());
        assert_eq!(
            (client, server),
            (ConnectionError::TimedOut, ConnectionError::TimedOut)
        );
        // The last sign of life is one from before the dark, or the first PING into it, 3 s later.
        let took = start.elapsed().as_secs_f64();
        assert!((11.5..18.5).contains(&took), "{took} s");
    });
}

/// Writes until nothing is taken any more; how much that is.
async fn stuff(mut stream: SendStream) -> usize {
    let mut taken = 0;
    while let Ok(n) = timeout(Duration::from_secs(2), stream.write(&[7; 4096])).await {
        taken += n.unwrap();
    }
    // It is not finished: what waits in it stays where it is.
    std::mem::forget(stream);
    taken
}

#[test]
fn a_peer_that_is_not_read_pins_no_more_than_its_windows() {
    run(async {
        let pair = pair(dark(1_000, 1_001)).await;
        let streams = async {
            let mut all = Vec::new();
            for _ in 0..4 {
                all.push(pair.client.open_bi().await.unwrap().0);
            }
            all
        };
        let streams = streams.await;
        let fifth = timeout(Duration::from_secs(5), pair.client.open_bi()).await;
        assert!(fifth.is_err(), "a fifth stream");
        let mut unis = Vec::new();
        for _ in 0..8 {
            unis.push(pair.client.open_uni().await.unwrap());
        }
        let ninth = timeout(Duration::from_secs(5), pair.client.open_uni()).await;
        assert!(ninth.is_err(), "a ninth stream");
        let mut total = 0;
        for stream in streams.into_iter().chain(unis) {
            total += stuff(stream).await;
        }
        // What the server holds for it, and what waits on the client's own side.
        let held = 256 << 10;
        assert!((held..=held + (256 << 10)).contains(&total), "{total}");
    });
}

#[test]
fn datagrams_that_nobody_reads_are_dropped_oldest_first() {
    run(async {
        let pair = pair(Link::default()).await; // in order
        for n in 0..200u32 {
            let mut bytes = vec![0; 1_000];
            bytes[..4].copy_from_slice(&n.to_le_bytes());
            pair.client.send_datagram_wait(bytes.into()).await.unwrap();
            sleep(Duration::from_millis(5)).await;
        }
        sleep(Duration::from_secs(1)).await;
        let mut numbers = Vec::new();
        while let Ok(datagram) =
            timeout(Duration::from_millis(10), pair.server.read_datagram()).await
        {
            numbers.push(u32::from_le_bytes(
                datagram.unwrap()[..4].try_into().unwrap(),
            ));
        }
        assert!((55..=65).contains(&numbers.len()), "{}", numbers.len());
        let newest = (200 - numbers.len() as u32..200).collect::<Vec<_>>();
        assert_eq!(numbers, newest);
    });
}

/// Echoes words of every connection of an endpoint.
async fn echo(endpoint: Host) {
    while let Some(incoming) = endpoint.accept().await {
        tokio::spawn(async move {
            let connection = incoming.await?;
            let (send, recv) = connection.accept_bi().await?;
            let (mut send, mut recv) = (WriteHalf::from(send), ReadHalf::from(recv));
            while let Ok(Some(bytes)) = recv.read(4).await {
                send.write_all(&bytes).await?;
            }
            Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
        });
    }
}

/// Of a server with three endpoints: most moves change the socket that the packets come to. On a line that loses nothing
/// an answer takes no longer than a second; on one that loses the packets of the move itself, as long as those take.
#[test]
fn sessions_go_on_when_clients_addresses_change() {
    for (loss, most) in [
        (0.0, Duration::from_secs(1)),
        (0.05, Duration::from_secs(6)),
    ] {
        let link = Link {
            loss,
            ..dark(1_000, 1_001)
        };
        run(async move {
            let (network, identity) = (Network::new(5, link), identity(5));
            let endpoints = network
                .server_endpoints(server_addr(), &identity, 3)
                .unwrap();
            for endpoint in &endpoints {
                tokio::spawn(echo(endpoint.clone()));
            }
            let mut all = JoinSet::new();
            for n in 0..12 {
                all.spawn(wander(network.clone(), n, identity.cert_sha256()));
            }
            let slowest = all.join_all().await.into_iter().max().unwrap();
            assert!(slowest <= most, "{slowest:?} with {loss} lost");
            // The system has spread them over all endpoints.
            for endpoint in endpoints {
                assert!((1..12).contains(&endpoint.accepted()));
            }
        });
    }
}

#[test]
fn who_is_unplugged_is_silent_and_the_address_is_free() {
    run(async {
        let (network, identity) = (Network::new(6, dark(1_000, 1_001)), identity(6));
        let serve = || {
            let endpoint = network.server_endpoint(server_addr(), &identity);
            endpoint.map(|endpoint| tokio::spawn(echo(endpoint)))
        };
        let endpoint = network.client_endpoint(client_addr(0)).unwrap();
        let first = serve().unwrap();
        assert!(serve().is_err(), "it is taken");
        let cert = identity.cert_sha256();
        let old = connect(&endpoint, server_addr(), cert).await.unwrap();
        network.unplug(server_addr());
        let second = serve().unwrap();
        let sent = network.trace().packets;
        // The first one is still there, and its end frees nothing that is not its own.
        first.abort();
        let new = connect(&endpoint, server_addr(), cert).await.unwrap();
        assert_eq!(old.closed().await, ConnectionError::TimedOut);
        assert!(network.trace().packets > sent);
        assert!(new.close_reason().is_none() && !second.is_finished());
    });
}

/// A client that moves every half second; how long it waited for an answer at most.
async fn wander(network: Network, n: usize, cert: [u8; 32]) -> Duration {
    let mut slowest = Duration::ZERO;
    let endpoint = network.client_endpoint(client_addr(100 * n)).unwrap();
    let connection = connect(&endpoint, server_addr(), cert).await.unwrap();
    let (mut send, mut recv) = connection.open_bi().await.unwrap();
    for word in 0..100u32 {
        if word % 10 == 9 {
            let moved = client_addr(100 * n + word as usize);
            network.rebind(&endpoint, moved).unwrap();
        }
        let start = Instant::now();
        send.write_all(&word.to_le_bytes()).await.unwrap();
        let mut back = [0; 4];
        recv.read_exact(&mut back).await.unwrap();
        assert_eq!(back, word.to_le_bytes());
        slowest = slowest.max(start.elapsed());
        sleep(Duration::from_millis(50)).await;
    }
    assert!(connection.close_reason().is_none());
    slowest
}
