//! Hosts on the simulated network.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, Connection, ConnectionError, Endpoint, UdpPoller};
use tokio::time::{sleep, timeout};

use super::{Host, Peer};
use crate::quic::simulated::{Link, Network, identity, run};
use crate::quic::{Identity, ReadHalf, WriteHalf, client_endpoint, connect, server_endpoint};

struct Stage {
    network: Network,
    identity: Identity,
    host: Host,
    clients: Vec<Endpoint>,
}

fn addr() -> SocketAddr {
    "10.0.0.1:4433".parse().unwrap()
}

impl Stage {
    fn new(seed: u64) -> Self {
        let (network, identity) = (Network::new(seed, Link::default()), identity(seed));
        let host = network.server_endpoint(addr(), &identity).unwrap();
        Self {
            network,
            identity,
            host,
            clients: Vec::new(),
        }
    }

    async fn pair(&mut self) -> (Connection, Peer) {
        let client = SocketAddr::from(([10, 0, 1, self.clients.len() as u8], 5_000));
        self.clients
            .push(self.network.client_endpoint(client).unwrap());
        let client = self.clients.last().unwrap();
        let accept = async { self.host.accept().await.unwrap().await.unwrap() };
        let connected = connect(client, addr(), self.identity.cert_sha256());
        let (client, peer) = tokio::join!(connected, accept);
        (client.unwrap(), peer)
    }
}

#[test]
fn a_listener_hears_what_had_come_and_what_comes() {
    run(async {
        let mut stage = Stage::new(1);
        let (client, peer) = stage.pair().await;
        let heard = Arc::new(AtomicU64::new(0));
        let say = |n: u64| {
            client
                .send_datagram(n.to_le_bytes().to_vec().into())
                .unwrap()
        };
        say(1);
        sleep(Duration::from_millis(10)).await;
        let sum = Arc::clone(&heard);
        peer.listen(move |datagram| {
            let n = u64::from_le_bytes(datagram[..].try_into().unwrap());
            sum.fetch_add(n, Ordering::Relaxed);
        });
        assert_eq!(heard.load(Ordering::Relaxed), 1);
        say(10);
        say(100);
        sleep(Duration::from_millis(10)).await;
        assert_eq!(heard.load(Ordering::Relaxed), 111);
    });
}

#[test]
fn a_panic_ends_one_connection() {
    run(async {
        let mut stage = Stage::new(2);
        let (broken, peer) = stage.pair().await;
        let (whole, other) = stage.pair().await;
        peer.listen(|_| panic!("as a defect of the protocol's code would"));
        broken.send_datagram(vec![1].into()).unwrap();
        assert_eq!(peer.closed().await, ConnectionError::Reset);
        assert!(!peer.send([vec![2].into()], usize::MAX));
        whole.send_datagram(vec![3].into()).unwrap();
        assert_eq!(other.read_datagram().await.unwrap(), vec![3]);
        assert_eq!(stage.host.open_connections(), 1);
        // Its client is told when it speaks next: here nobody knows of it any more.
        let end = timeout(Duration::from_secs(20), broken.closed()).await;
        assert!(matches!(
            end.unwrap(),
            ConnectionError::Reset | ConnectionError::TimedOut
        ));
    });
}

#[test]
fn who_is_held_by_nobody_ends_and_who_is_closed_knows_why() {
    run(async {
        let mut stage = Stage::new(3);
        let (client, peer) = stage.pair().await;
        let copy = peer.clone();
        drop(peer);
        sleep(Duration::from_millis(50)).await;
        assert!(client.close_reason().is_none());
        drop(copy);
        assert!(
            matches!(client.closed().await, ConnectionError::ApplicationClosed(end) if end.error_code == 0u32.into())
        );
        let (client, peer) = stage.pair().await;
        // A stream holds its connection.
        let stream = peer.open_uni().await.unwrap();
        drop(peer);
        sleep(Duration::from_millis(50)).await;
        assert!(client.close_reason().is_none());
        drop(stream);
        assert!(matches!(
            client.closed().await,
            ConnectionError::ApplicationClosed(_)
        ));
        let (client, peer) = stage.pair().await;
        peer.close(7u32.into(), b"enough");
        assert_eq!(peer.close_reason(), Some(ConnectionError::LocallyClosed));
        assert!(
            matches!(client.closed().await, ConnectionError::ApplicationClosed(end) if end.reason == b"enough"[..])
        );
        timeout(Duration::from_secs(5), stage.host.wait_idle())
            .await
            .unwrap();
    });
}

#[test]
fn a_host_that_is_closed_ends_all_and_lets_nobody_in() {
    run(async {
        let mut stage = Stage::new(4);
        let (first, peer) = stage.pair().await;
        let (second, _) = stage.pair().await;
        let waiting = tokio::spawn({
            let host = stage.host.clone();
            async move { host.accept().await.is_none() }
        });
        tokio::task::yield_now().await;
        stage.host.close(5u32.into(), b"night");
        assert!(waiting.await.unwrap());
        for client in [first, second] {
            assert!(matches!(
                client.closed().await,
                ConnectionError::ApplicationClosed(_)
            ));
        }
        assert_eq!(peer.closed().await, ConnectionError::LocallyClosed);
        let late = connect(&stage.clients[0], addr(), stage.identity.cert_sha256()).await;
        assert!(late.is_err());
        timeout(Duration::from_secs(5), stage.host.wait_idle())
            .await
            .unwrap();
    });
}

#[test]
fn connections_outlive_the_host_that_let_them_in() {
    run(async {
        let mut stage = Stage::new(5);
        let (client, peer) = stage.pair().await;
        let Stage {
            host,
            clients,
            identity,
            network,
        } = stage;
        drop(host);
        client.send_datagram(vec![9].into()).unwrap();
        assert_eq!(peer.read_datagram().await.unwrap(), vec![9]);
        assert!(
            connect(&clients[0], addr(), identity.cert_sha256())
                .await
                .is_err()
        );
        drop(peer);
        assert!(matches!(
            client.closed().await,
            ConnectionError::ApplicationClosed(_)
        ));
        sleep(Duration::from_secs(1)).await;
        // The driver has ended, and its socket with it.
        network.server_endpoint(addr(), &identity).unwrap();
    });
}

#[test]
fn who_waits_hears_that_nobody_drives_the_host_any_more() {
    let runtime = || {
        let built = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        built.unwrap()
    };
    let (first, identity) = (runtime(), Identity::self_signed().unwrap());
    let (host, peer, heard) = first.block_on(async {
        let host = server_endpoint("127.0.0.1:0".parse().unwrap(), &identity).unwrap();
        let addr = host.local_addr().unwrap();
        let endpoint = client_endpoint(addr).unwrap();
        let accept = async { host.accept().await.unwrap().await.unwrap() };
        let (client, peer) = tokio::join!(connect(&endpoint, addr, identity.cert_sha256()), accept);
        client.unwrap();
        let heard = Arc::new(());
        let kept = Arc::clone(&heard);
        peer.listen(move |_| drop(Arc::clone(&kept)));
        (host, peer, heard)
    });
    drop(first);
    assert_eq!(peer.close_reason(), Some(ConnectionError::Reset));
    assert!(!peer.send([vec![1].into()], usize::MAX));
    assert_eq!(Arc::strong_count(&heard), 1, "the listener is gone");
    runtime().block_on(async {
        assert!(host.accept().await.is_none());
        host.wait_idle().await;
    });
}

/// Takes every third packet, and none in between until a millisecond has passed. It finds out with the first run of packets, which is lost, that it cannot
/// take such.
struct Narrow {
    socket: Arc<dyn AsyncUdpSocket>,
    tries: AtomicU64,
    has_lost: AtomicBool,
}

impl fmt::Debug for Narrow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket.fmt(f)
    }
}

#[derive(Debug)]
struct Soon(Pin<Box<tokio::time::Sleep>>);

impl UdpPoller for Soon {
    fn poll_writable(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        std::task::ready!(self.0.as_mut().poll(cx));
        let next = tokio::time::Instant::now() + Duration::from_millis(1);
        self.0.as_mut().reset(next);
        Poll::Ready(Ok(()))
    }
}

impl AsyncUdpSocket for Narrow {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Soon(Box::pin(sleep(Duration::from_millis(1)))))
    }
    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        if transmit
            .segment_size
            .is_some_and(|size| size < transmit.contents.len())
        {
            self.has_lost.store(true, Ordering::Relaxed);
            return Ok(());
        }
        match self.tries.fetch_add(1, Ordering::Relaxed) % 3 {
            0 => self.socket.try_send(transmit),
            _ => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.socket.poll_recv(cx, bufs, meta)
    }
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
    fn max_transmit_segments(&self) -> usize {
        match self.has_lost.load(Ordering::Relaxed) {
            true => 1,
            false => 10,
        }
    }
}

#[test]
fn what_the_system_does_not_take_at_once_leaves_later() {
    run(async {
        let (network, identity) = (Network::new(6, Link::default()), identity(6));
        let narrow = |socket| -> Arc<dyn AsyncUdpSocket> {
            Arc::new(Narrow {
                socket,
                tries: AtomicU64::new(0),
                has_lost: AtomicBool::new(false),
            })
        };
        let host = network
            .server_endpoint_through(addr(), &identity, narrow)
            .unwrap();
        let endpoint = network
            .client_endpoint("10.0.1.1:5".parse().unwrap())
            .unwrap();
        let accept = async { host.accept().await.unwrap().await.unwrap() };
        let (client, peer) =
            tokio::join!(connect(&endpoint, addr(), identity.cert_sha256()), accept);
        let client = client.unwrap();
        let mut writer = WriteHalf::from(peer.open_uni().await.unwrap());
        let sent: Vec<u8> = (0..200_000u32).map(|n| (n % 251) as u8).collect();
        let writing = async {
            writer.write_all(&sent).await.unwrap();
            writer.finish().await;
        };
        let reading = async {
            let mut reader = ReadHalf::from(client.accept_uni().await.unwrap());
            let mut read = Vec::new();
            while let Some(bytes) = reader.read(4_096).await.unwrap() {
                read.extend_from_slice(&bytes);
            }
            read
        };
        let talk = async { tokio::join!(writing, reading).1 };
        assert!(timeout(Duration::from_secs(60), talk).await.unwrap() == sent);
        for n in 0..50u8 {
            assert!(peer.send([vec![n; 300].into()], usize::MAX));
        }
        for n in 0..50u8 {
            let datagram = timeout(Duration::from_secs(5), client.read_datagram()).await;
            assert_eq!(datagram.unwrap().unwrap(), vec![n; 300]);
        }
    });
}
