//! The gateway: the QUIC endpoints, logins and sessions, each endpoint on a network thread of its own.
//!
//! ```text
//! incoming ──budget──► handshake ≤ 3 s ──► hello ≤ 2 s ──► token, bans, account service, slot or queue ──Join──► world
//!                                                                                  │ durable
//!            inputs ◄─datagrams── session ◄──Welcome, digests, snapshots───────────┘
//!            line lost ──Lose──► lingers (resume.rs) ──secret, Return──► a new session
//!            commands ─control stream─► session's own task ──bounded queue──► world
//!            chat   ──streams of its own─► session's own task ──bounded queue──► world
//!            tiles  ──bulk stream─► session's own task ──bounded queue──► tiles thread
//! ```
//! Whatever is wrong with a connection ends that connection with one clear refusal and is counted; nothing that a
//! peer does reaches further than its own session. Bounds of the queues: see `link.rs`.
//!
//! All endpoints share one port and one [`Lobby`], which knows a [`Gate`] for each world. The first one's thread takes what the worlds say; it gives the
//! others the snapshots of their sessions, for each thread sends its own.

mod arrival;
mod auth;
mod bans;
mod breaker;
mod bulk;
mod cause;
mod chat;
mod counts;
mod hear;
mod inside;
mod limits;
mod link;
mod lobby;
mod login;
mod queue;
mod resume;
mod rule;
mod session;
mod share;
mod sign;
mod table;
mod tiles;

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::Duration;

use net_proto::quic::{Admission, Host, Identity, Peer, Seat, Sockets, seats};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

pub use auth::{AuthFailed, Authenticator, Decision, Login};
pub use bans::BansError;

pub(crate) use auth::AuthDesk;
pub(crate) use bans::Bans;
pub(crate) use counts::Counters;
pub(crate) use inside::{Inside, News};
pub(crate) use limits::Limits;
pub(crate) use link::{
    Asked, Batch, COMMANDS_SINCE, Entrant, Event, Heard, Message, SessionId, Spoken, Tell,
    ToSession, WorldLink, link,
};
pub(crate) use lobby::Lobby;
pub(crate) use table::{Gate, GateOptions, depth};
pub(crate) use tiles::TileDesk;

use crate::clock;
use link::{BATCHES, NetLink};

/// Datagrams that may wait in one connection when a snapshot between epochs comes along.
const BACKLOG_BYTES_MAX: usize = 8 << 10;
/// Snapshots that are sent before others in the thread have a turn.
const SENDS_AT_ONCE: usize = 32;
/// How long a closing gateway waits for its sessions to say goodbye.
const GOODBYE: Duration = Duration::from_millis(1_500);

/// The running network threads.
#[derive(Debug)]
pub(crate) struct Gateway {
    local_addr: SocketAddr,
    threads: Vec<Thread>,
}

#[derive(Debug)]
struct Thread {
    stop: oneshot::Sender<()>,
    handle: JoinHandle<()>,
}

impl Gateway {
    /// Binds the address and starts a thread for each of so many endpoints.
    ///
    /// # Errors
    /// That of the system, naming the address: in use, not allowed, not there.
    pub(crate) fn start(
        (listen, endpoints): (SocketAddr, u8),
        identity: Identity,
        lobby: &Arc<Lobby>,
        net: Vec<NetLinkParts>,
    ) -> io::Result<Self> {
        let seats = seats(listen, endpoints)?;
        let local_addr = match seats.first() {
            Some(seat) => seat.local_addr()?,
            None => return Err(io::Error::other("no endpoint is asked for")),
        };
        let identity = Arc::new(identity);
        let mut this = Self {
            local_addr,
            threads: Vec::new(),
        };
        for (seat, work) in seats.into_iter().zip(divide(net, endpoints)) {
            this.open(seat, &identity, lobby, work)?;
        }
        Ok(this)
    }

    /// Starts a thread and waits until its endpoint is open.
    fn open(
        &mut self,
        seat: Seat,
        identity: &Arc<Identity>,
        lobby: &Arc<Lobby>,
        work: Work,
    ) -> io::Result<()> {
        let (stop, stopped) = oneshot::channel();
        let (told, hears) = std::sync::mpsc::sync_channel(1);
        let (identity, lobby) = (Arc::clone(identity), Arc::clone(lobby));
        let handle = std::thread::Builder::new()
            .name(format!("gateway {}", seat.number()))
            .spawn(move || run_thread(seat, &identity, lobby, work, (stopped, &told)))?;
        self.threads.push(Thread { stop, handle });
        hears
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("the network thread did not start")))
    }

    /// Where the endpoints listen.
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Closes every session with a reason, then the endpoints.
    pub(crate) fn stop(&mut self) {
        let threads = std::mem::take(&mut self.threads);
        let stop = |thread: Thread| {
            let _ = thread.stop.send(()); // fails only when the thread has ended already
            thread.handle
        };
        let handles: Vec<_> = threads.into_iter().map(stop).collect();
        for handle in handles {
            let _ = handle.join();
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Serves on endpoints that are open, each by a task of the runtime that this is called in: what stops it, and the task.
#[cfg(feature = "simulated")]
pub(crate) fn run_on(
    endpoints: Vec<Host>,
    lobby: &Arc<Lobby>,
    net: Vec<NetLinkParts>,
) -> Vec<(oneshot::Sender<()>, tokio::task::JoinHandle<()>)> {
    let count = u8::try_from(endpoints.len()).unwrap_or(u8::MAX);
    let works = divide(net, count);
    let serve = |(number, (endpoint, work))| {
        let (stop, stopped) = oneshot::channel();
        let serving = run((endpoint, number), Arc::clone(lobby), work, stopped);
        (stop, tokio::spawn(serving))
    };
    endpoints
        .into_iter()
        .zip(works)
        .enumerate()
        .map(serve)
        .collect()
}

/// The network's receiving ends of a world's queues; the sending ones are in its [`Gate`].
#[derive(Debug)]
pub(crate) struct NetLinkParts {
    gate: Arc<Gate>,
    batches: tokio::sync::mpsc::Receiver<Batch>,
    messages: tokio::sync::mpsc::Receiver<ToSession>,
}

/// Makes the queues, the gate and the receiving ends.
pub(crate) fn open(options: GateOptions) -> (WorldLink, Arc<Gate>, NetLinkParts) {
    let (world, net) = link();
    let NetLink {
        events,
        inputs,
        commands,
        says,
        batches,
        messages,
    } = net;
    let gate = Arc::new(Gate::new(options, (events, inputs), (commands, says)));
    let parts = NetLinkParts {
        gate: Arc::clone(&gate),
        batches,
        messages,
    };
    (world, gate, parts)
}

/// What a thread does beside its endpoint.
#[derive(Debug)]
enum Work {
    /// Takes what the worlds say, sends its own sessions theirs, and tells the others.
    All(Vec<NetLinkParts>, Vec<mpsc::Sender<Share>>),
    /// Sends its sessions what it is told.
    Its(mpsc::Receiver<Share>),
}

/// What one thread has of a tick's snapshots.
#[derive(Debug)]
struct Share {
    gate: Arc<Gate>,
    is_epoch: bool,
    snapshots: Vec<(Peer, Tell)>,
}

/// The work of so many threads.
fn divide(net: Vec<NetLinkParts>, threads: u8) -> Vec<Work> {
    let (tell, hear): (Vec<_>, Vec<_>) = (1..threads).map(|_| mpsc::channel(BATCHES)).unzip();
    let mut works = vec![Work::All(net, tell)];
    works.extend(hear.into_iter().map(Work::Its));
    works
}

type Told = std::sync::mpsc::SyncSender<io::Result<()>>;

fn run_thread(
    seat: Seat,
    identity: &Identity,
    lobby: Arc<Lobby>,
    work: Work,
    (stopped, told): (oneshot::Receiver<()>, &Told),
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
        let number = usize::from(seat.number());
        match seat.open(identity, Sockets::default()) {
            Ok(endpoint) => {
                let _ = told.send(Ok(()));
                run((endpoint, number), lobby, work, stopped).await;
            }
            Err(error) => {
                let _ = told.send(Err(error));
            }
        }
    });
}

async fn run(
    (endpoint, number): (Host, usize),
    lobby: Arc<Lobby>,
    work: Work,
    stopped: oneshot::Receiver<()>,
) {
    let accepting = tokio::spawn(accept(endpoint.clone(), Arc::clone(&lobby), number));
    let mut working = JoinSet::new();
    match work {
        Work::All(worlds, others) => {
            for net in worlds {
                working.spawn(fan_out(net, others.clone()));
            }
        }
        Work::Its(shares) => drop(working.spawn(send_shares(shares))),
    }
    let _ = stopped.await; // an error means that the owner is gone, which is the same
    accepting.abort();
    lobby.close_all();
    let _ = tokio::time::timeout(GOODBYE, lobby.emptied()).await;
    working.abort_all();
    endpoint.close(
        table::close_code(net_proto::RefuseCode::CLOSING),
        b"closing",
    );
    let _ = tokio::time::timeout(GOODBYE, endpoint.wait_idle()).await;
}

async fn accept(endpoint: Host, lobby: Arc<Lobby>, number: usize) {
    while let Some(incoming) = endpoint.accept().await {
        let from = incoming.remote_address();
        match lobby.admit(incoming) {
            Admission::Accepted(connecting) => {
                tokio::spawn(arrival::run(Arc::clone(&lobby), connecting, (from, number)));
            }
            Admission::Retried | Admission::Ignored => {}
            Admission::Refused => lobby.strays.refuse_unheard(),
        }
    }
}

/// Hands a world's snapshots and messages to their sessions. Never waits for one.
async fn fan_out(mut net: NetLinkParts, others: Vec<mpsc::Sender<Share>>) {
    let gate = net.gate;
    loop {
        tokio::select! {
            biased; // both come at the world's pace: neither starves
            Some(batch) = net.batches.recv() => send_batch(&gate, batch, &others).await,
            Some(message) = net.messages.recv() => gate.route(message),
            else => return,
        }
    }
}

async fn send_shares(mut shares: mpsc::Receiver<Share>) {
    while let Some(share) = shares.recv().await {
        send_share(share).await;
    }
}

async fn send_batch(gate: &Arc<Gate>, batch: Batch, others: &[mpsc::Sender<Share>]) {
    let is_epoch = batch.is_epoch;
    let share = |_| Share {
        gate: Arc::clone(gate),
        is_epoch,
        snapshots: Vec::new(),
    };
    let mut shares: Vec<Share> = (0..=others.len()).map(share).collect();
    gate.each_connection(batch.snapshots, |connection, number, tell| {
        let number = number.min(shares.len() - 1);
        shares[number].snapshots.push((connection, tell));
    });
    let own = shares.remove(0); // there is one more than there are others
    for (other, share) in others.iter().zip(shares) {
        if share.snapshots.is_empty() {
            continue;
        }
        let Err(TrySendError::Full(share) | TrySendError::Closed(share)) = other.try_send(share)
        else {
            continue;
        };
        for _ in share.snapshots {
            gate.counters.drop_snapshot();
        }
    }
    send_share(own).await;
}

/// Sends snapshots, some at a time: whoever else has something to do in this thread need not wait for all.
async fn send_share(share: Share) {
    let (gate, is_epoch) = (share.gate, share.is_epoch);
    let mut snapshots = share.snapshots.into_iter();
    let mut heard = Vec::with_capacity(SENDS_AT_ONCE);
    while snapshots.len() > 0 {
        for (peer, tell) in snapshots.by_ref().take(SENDS_AT_ONCE) {
            heard.extend(tell.heard);
            // Between epochs a snapshot that must wait would be stale when it leaves.
            let backlog_max = if is_epoch {
                usize::MAX
            } else {
                BACKLOG_BYTES_MAX
            };
            if !peer.send(tell.datagrams, backlog_max) {
                gate.counters.drop_snapshot();
            }
        }
        give_way().await;
        let now = clock::now();
        let passed = heard.drain(..).map(|at| now.saturating_duration_since(at));
        gate.counters.tell_effects(passed);
    }
}

/// Lets everybody have a turn who was woken before.
async fn give_way() {
    let mut has_given = false;
    poll_fn(|cx| match core::mem::replace(&mut has_given, true) {
        true => Poll::Ready(()),
        false => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}
