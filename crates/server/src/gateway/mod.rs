//! The gateway: the QUIC endpoint, logins and sessions, on a network thread of its own.
//!
//! ```text
//! incoming ──budget──► handshake ≤ 3 s ──► hello ≤ 2 s ──► token, slot ──Join──► world
//!                                                                                  │ durable
//!            inputs ◄─datagrams── session ◄──Welcome, digests, snapshots───────────┘
//! ```
//! Whatever is wrong with a connection ends that connection with one clear refusal and is counted; nothing that a
//! peer does reaches further than its own session. Bounds of the queues: see `link.rs`.

mod link;
mod login;
mod session;
mod table;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use net_proto::quic::{Admission, Identity, backlog_bytes, server_endpoint};
use quinn::Endpoint;
use tokio::sync::oneshot;

pub(crate) use link::{Batch, Event, Heard, Message, SessionId, ToSession, WorldLink, link};
pub(crate) use table::{Gate, GateOptions};

use link::NetLink;

/// Datagrams that may wait in one connection when a snapshot between epochs comes along.
const BACKLOG_BYTES_MAX: usize = 8 << 10;
/// How long a closing gateway waits for its sessions to say goodbye.
const GOODBYE: Duration = Duration::from_millis(1_500);

/// The running network thread.
#[derive(Debug)]
pub(crate) struct Gateway {
    local_addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Gateway {
    /// Binds the endpoint and starts the thread.
    ///
    /// # Errors
    /// That of the system, naming the address: in use, not allowed, not there.
    pub(crate) fn start(
        listen: SocketAddr,
        identity: Identity,
        gate: Arc<Gate>,
        net: NetLinkParts,
    ) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let (told, hears) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("gateway".into())
            .spawn(move || run_thread(listen, &identity, gate, net, stopped, &told))?;
        let local_addr = hears
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("the network thread did not start")))?;
        Ok(Self {
            local_addr,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where the endpoint listens.
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Closes every session with a reason, then the endpoint.
    pub(crate) fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(()); // fails only when the thread has ended already
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The network's receiving ends; the sending ones are in the [`Gate`].
#[derive(Debug)]
pub(crate) struct NetLinkParts {
    batches: tokio::sync::mpsc::Receiver<Batch>,
    messages: tokio::sync::mpsc::Receiver<ToSession>,
}

/// Makes the queues, the gate and the receiving ends.
pub(crate) fn open(options: GateOptions) -> (WorldLink, Arc<Gate>, NetLinkParts) {
    let (world, net) = link();
    let NetLink {
        events,
        inputs,
        batches,
        messages,
    } = net;
    let gate = Arc::new(Gate::new(options, events, inputs));
    (world, gate, NetLinkParts { batches, messages })
}

type Told = std::sync::mpsc::SyncSender<io::Result<SocketAddr>>;

fn run_thread(
    listen: SocketAddr,
    identity: &Identity,
    gate: Arc<Gate>,
    net: NetLinkParts,
    stopped: oneshot::Receiver<()>,
    told: &Told,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = told.send(Err(error));
            return;
        }
    };
    runtime.block_on(async {
        let bound = server_endpoint(listen, identity)
            .and_then(|endpoint| Ok((endpoint.local_addr()?, endpoint)));
        match bound {
            Ok((addr, endpoint)) => {
                let _ = told.send(Ok(addr));
                run(endpoint, gate, net, stopped).await;
            }
            Err(error) => {
                let _ = told.send(Err(error));
            }
        }
    });
}

async fn run(
    endpoint: Endpoint,
    gate: Arc<Gate>,
    net: NetLinkParts,
    stopped: oneshot::Receiver<()>,
) {
    let accepting = tokio::spawn(accept(endpoint.clone(), Arc::clone(&gate)));
    let fanning = tokio::spawn(fan_out(Arc::clone(&gate), net));
    let _ = stopped.await; // an error means that the owner is gone, which is the same
    accepting.abort();
    gate.close_all();
    let _ = tokio::time::timeout(GOODBYE, gate.emptied()).await;
    fanning.abort();
    endpoint.close(
        table::close_code(net_proto::RefuseCode::CLOSING),
        b"closing",
    );
    let _ = tokio::time::timeout(GOODBYE, endpoint.wait_idle()).await;
}

async fn accept(endpoint: Endpoint, gate: Arc<Gate>) {
    while let Some(incoming) = endpoint.accept().await {
        let from = incoming.remote_address();
        match gate.admit(incoming) {
            Admission::Accepted(connecting) => {
                tokio::spawn(session::run(Arc::clone(&gate), connecting, from));
            }
            Admission::Retried | Admission::Ignored => {}
            Admission::Refused => gate.counters.refuse(),
        }
    }
}

/// Hands the world's snapshots and messages to their sessions. Never waits for one.
async fn fan_out(gate: Arc<Gate>, mut net: NetLinkParts) {
    loop {
        tokio::select! {
            Some(batch) = net.batches.recv() => send_batch(&gate, batch),
            Some(message) = net.messages.recv() => gate.route(message),
            else => return,
        }
    }
}

fn send_batch(gate: &Gate, batch: Batch) {
    for (session, datagrams) in batch.snapshots {
        let Some(connection) = gate.connection(session) else {
            continue;
        };
        if !batch.is_epoch && backlog_bytes(&connection) > BACKLOG_BYTES_MAX {
            gate.counters.drop_snapshot();
            continue;
        }
        for datagram in datagrams {
            // A connection that is gone, or whose path is too narrow, ends by itself.
            if connection.send_datagram(datagram).is_err() {
                gate.counters.drop_snapshot();
                break;
            }
        }
    }
}
