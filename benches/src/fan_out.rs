//! A server that sends everybody a datagram every tick, over real sockets of this machine.
//!
//! The server is one thread with one endpoint; its peers are real connections, on another thread. What counts is the
//! CPU time of the server's thread, everything in it: making packets, encrypting, the system's sending and, on this
//! machine, its delivering, and what the peers acknowledge.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cpu_time::ThreadTime;
use net_proto::quic::{
    Host, Identity, Peer, Sockets, client_endpoint, connect, server_endpoint_on,
};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// How much is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FanOut {
    /// Peers.
    pub(crate) peers: usize,
    /// Bytes of a datagram.
    pub(crate) bytes: usize,
    /// Ticks a second.
    pub(crate) rate_hz: u32,
    /// Ticks that are measured.
    pub(crate) ticks: u32,
}

/// What it took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Datagrams that the server sent.
    pub(crate) sent: u64,
    /// Datagrams that came to the peers.
    pub(crate) received: u64,
    /// CPU time of the server's thread, nanoseconds a datagram.
    pub(crate) cpu_ns: f64,
}

impl Cost {
    /// Datagrams a second that one core sends.
    pub(crate) fn rate(&self) -> f64 {
        1e9 / self.cpu_ns
    }
}

/// Connects all peers and measures.
///
/// # Errors
/// When the system gives no sockets, or a peer does not get in.
pub(crate) fn fan_out(options: FanOut, sockets: Sockets) -> Result<Cost> {
    let identity = Identity::self_signed()?;
    let runtime = runtime()?;
    let server = runtime.block_on(async {
        server_endpoint_on(SocketAddr::from(([127, 0, 0, 1], 0)), &identity, sockets)
    })?;
    let (addr, cert) = (server.local_addr()?, identity.cert_sha256());
    let received = Arc::new(AtomicU64::new(0));
    let heard = received.clone();
    let (stop, stopped) = oneshot::channel();
    let peers = std::thread::spawn(move || {
        self::runtime()?.block_on(listen(addr, cert, options.peers, &heard, stopped))
    });
    let (sent, cpu) = runtime.block_on(serve(&server, options))?;
    // What is under way arrives.
    runtime.block_on(async { sleep(Duration::from_millis(300)).await });
    let came = received.load(Ordering::Relaxed);
    let _ = stop.send(());
    peers.join().expect("the peers' thread returns")?;
    Ok(Cost {
        sent,
        received: came,
        cpu_ns: cpu.as_nanos() as f64 / sent as f64,
    })
}

fn runtime() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

async fn serve(server: &Host, options: FanOut) -> Result<(u64, Duration)> {
    let mut connections = Vec::new();
    while connections.len() < options.peers {
        let incoming = timeout(PATIENCE, server.accept())
            .await?
            .context("the endpoint is open")?;
        connections.push(incoming.await?);
    }
    let payload: Arc<[u8]> = (0..options.bytes).map(|n| n as u8).collect();
    let mut ticks = interval(Duration::from_secs(1) / options.rate_hz);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Until paths are known and memory has grown.
    for _ in 0..options.ticks / 4 {
        ticks.tick().await;
        send(&connections, &payload);
    }
    ticks.tick().await;
    let (before, start) = (sent(&connections), ThreadTime::now());
    for _ in 0..options.ticks {
        send(&connections, &payload);
        ticks.tick().await;
    }
    let cpu = start.elapsed();
    Ok((sent(&connections) - before, cpu))
}

fn send(connections: &[Peer], payload: &Arc<[u8]>) {
    for connection in connections {
        let datagram = payload.to_vec().into();
        // What is closed shows in what arrives.
        let _ = connection.send([datagram], usize::MAX);
    }
}

fn sent(connections: &[Peer]) -> u64 {
    let stats = connections.iter().filter_map(Peer::stats);
    stats.map(|stats| stats.frame_tx.datagram).sum()
}

/// Peers of a few endpoints, as many as there are neighbours behind one router.
async fn listen(
    addr: SocketAddr,
    cert: [u8; 32],
    peers: usize,
    received: &Arc<AtomicU64>,
    stopped: oneshot::Receiver<()>,
) -> Result<()> {
    let mut endpoints = Vec::new();
    for n in 0..peers {
        if n % PEERS_OF_ENDPOINT == 0 {
            endpoints.push(client_endpoint(addr)?);
        }
        let endpoint = &endpoints[n / PEERS_OF_ENDPOINT];
        let connection = connect(endpoint, addr, cert).await?;
        let received = received.clone();
        tokio::spawn(async move {
            while connection.read_datagram().await.is_ok() {
                received.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    ensure!(stopped.await.is_ok(), "the server gave up");
    Ok(())
}

const PATIENCE: Duration = Duration::from_secs(10);
const PEERS_OF_ENDPOINT: usize = 50;
