//! A server's endpoint: all its connections on one task.
//!
//! [`quinn::Endpoint`] gives every connection a task, a channel and a timer of its own. With thousands of players, each of whom is heard or told
//! something forty times a second, that costs as much as the protocol itself, most of it in fetching what belongs to the connection into the caches
//! again and again. Here whatever is done with a connection is done in one visit:
//!
//! ```text
//! socket ──► packet ──► its connection: decrypt, hear ──► its listener       [Peer::listen]
//!            timers ──►                  └─ speak ──► packets ──► socket
//!  tasks: send ───────► its connection: queue, speak ──► packets ──► socket   [Peer::send]
//!  tasks: streams ────► queue; the driver visits it next
//! ```
//! The protocol is quinn-proto's in either case. Streams, and whatever else is rare, are for tasks to wait for: something that happens to a connection
//! but for a datagram wakes all tasks that wait for it, and they look.
//!
//! A panic within quinn-proto ends the connection that it was called for, or loses the packet, and nothing else.

mod arrival;
mod line;
mod peer;
mod state;
mod streams;
#[cfg(all(test, feature = "simulated"))]
#[expect(clippy::unwrap_used, reason = "a failed expectation is a failed test")]
mod tests;

use std::fmt;
use std::future::poll_fn;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use ::bytes::Bytes;
use quinn::udp::{BATCH_SIZE, RecvMeta};
use quinn::{AsyncUdpSocket, UdpPoller, VarInt};
use quinn_proto::{Endpoint, EndpointConfig, ServerConfig};
use tokio::time::Sleep;

use super::transport::UDP_PAYLOAD_MAX;
use state::State;

pub use arrival::{Connecting, Incoming};
pub use peer::{DatagramError, Peer};
pub use streams::{PeerReader, PeerWriter};

/// An endpoint that accepts clients; see the module. Clones are the same one. When the last is dropped, nobody new is let in, and connections go on for
/// as long as somebody holds them.
#[derive(Clone)]
pub struct Host(Arc<Owner>);

impl Host {
    /// On a socket. Must be called within a tokio runtime, which then drives it.
    pub(super) fn new(
        config: EndpointConfig,
        server: ServerConfig,
        socket: Arc<dyn AsyncUdpSocket>,
    ) -> Self {
        let endpoint = Endpoint::new(
            Arc::new(config),
            Some(Arc::new(server)),
            !socket.may_fragment(),
            None,
        );
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(endpoint, Arc::clone(&socket))),
            socket,
        });
        tokio::spawn(Driver::new(Arc::clone(&shared)));
        Self(Arc::new(Owner(shared)))
    }

    /// Waits for a client that knocks; none once it is closed.
    pub async fn accept(&self) -> Option<Incoming> {
        let shared = &self.0.0;
        let arrival = poll_fn(|cx| shared.lock().poll_arrival(cx)).await?;
        Some(Incoming::new(arrival, self.clone()))
    }

    /// Where it listens.
    ///
    /// # Errors
    /// That of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.0.socket.local_addr()
    }

    /// Connections that there are, those that are ending among them.
    pub fn open_connections(&self) -> usize {
        self.0.0.lock().open()
    }

    /// Clients that it has let in since its start.
    pub fn accepted(&self) -> u64 {
        self.0.0.lock().accepted()
    }

    /// Ends all connections, and lets nobody in any more.
    pub fn close(&self, code: VarInt, reason: &[u8]) {
        let reason = Bytes::copy_from_slice(reason);
        self.0.0.work(|state| state.close_all(now(), code, &reason));
    }

    /// Completes when no connection is left: each peer has heard that it is over, or has had time to.
    pub async fn wait_idle(&self) {
        poll_fn(|cx| self.0.0.lock().poll_idle(cx)).await;
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Host({:?})", self.0.0.socket)
    }
}

/// Who may let clients in.
struct Owner(Arc<Shared>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.work(State::orphan);
    }
}

/// What the driver and all who hold something of it share.
struct Shared {
    socket: Arc<dyn AsyncUdpSocket>,
    state: Mutex<State>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // What may panic while it is held is caught, and ends its connection.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works on the state, and then, when it is free again, wakes who has something to see.
    fn work<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        let result = work(&mut state);
        let woken = state.take_woken();
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        result
    }
}

/// The task.
struct Driver {
    shared: Arc<Shared>,
    buffers: Vec<u8>,
    poller: Pin<Box<dyn UdpPoller>>,
    sleep: Pin<Box<Sleep>>,
}

impl Driver {
    fn new(shared: Arc<Shared>) -> Self {
        let stride = usize::from(UDP_PAYLOAD_MAX) * shared.socket.max_receive_segments();
        Self {
            buffers: vec![0; stride * BATCH_SIZE],
            poller: Arc::clone(&shared.socket).create_io_poller(),
            sleep: Box::pin(tokio::time::sleep(Duration::ZERO)),
            shared,
        }
    }

    /// Takes what has arrived, some at a time: whether there may be more.
    fn receive(&mut self, cx: &mut Context<'_>, state: &mut State) -> Received {
        let stride = self.buffers.len() / BATCH_SIZE;
        let begun = clock();
        for _ in 0..RECEIVES_A_TURN {
            if begun.elapsed() > RECEIVE_TIME {
                break;
            }
            let mut metas = [RecvMeta::default(); BATCH_SIZE];
            let mut slices = self.buffers.chunks_exact_mut(stride).map(IoSliceMut::new);
            let mut slices: [_; BATCH_SIZE] =
                core::array::from_fn(|_| slices.next().expect("there is a slice for each"));
            match self.shared.socket.poll_recv(cx, &mut slices, &mut metas) {
                Poll::Pending => return Received::All,
                Poll::Ready(Ok(count)) => {
                    let now = now();
                    for (meta, slice) in metas.iter().zip(&slices).take(count) {
                        state.receive(now, meta, &slice[..meta.len]);
                    }
                }
                // An answer of the network to a packet before: that one is lost.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => {}
                Poll::Ready(Err(_)) => return Received::Failed,
            }
        }
        Received::Some
    }

    /// Has itself woken when the next connection is due.
    fn rest(&mut self, cx: &mut Context<'_>, state: &mut State, received: Received) {
        let due = match received {
            Received::Failed => Some(now() + RETRY),
            Received::Some | Received::All => state.next_due(),
        };
        state.sleeps_until = due;
        let is_more = matches!(received, Received::Some) || state.has_touched();
        if is_more {
            return cx.waker().wake_by_ref(); // when others have had a turn
        }
        let Some(due) = due else {
            return;
        };
        if self.sleep.deadline() != due.into() {
            self.sleep.as_mut().reset(due.into());
        }
        if self.sleep.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.work(State::abandon);
    }
}

enum Received {
    All,
    Some,
    Failed,
}

impl Future for Driver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let shared = Arc::clone(&this.shared);
        shared.work(|state| {
            state.set_driver(cx.waker());
            if state.is_stuck() && this.poller.as_mut().poll_writable(cx).is_ready() {
                state.go_on_sending();
            }
            let received = this.receive(cx, state);
            state.visit_due(now());
            state.visit_touched(now());
            if state.is_stuck() && this.poller.as_mut().poll_writable(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
            if state.is_over() {
                return Poll::Ready(());
            }
            this.rest(cx, state, received);
            Poll::Pending
        })
    }
}

/// The time of this machine, in tests too: how long something took.
#[expect(clippy::disallowed_methods, reason = "no result depends on it")]
fn clock() -> Instant {
    Instant::now()
}

/// The time as connections have it: it stands still where a test makes it.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Calls that receive packets, and how long they may take, before others in the thread have a turn.
const RECEIVES_A_TURN: usize = 4;
const RECEIVE_TIME: Duration = Duration::from_micros(500);
/// After so long a socket that has failed is tried again.
const RETRY: Duration = Duration::from_millis(10);
