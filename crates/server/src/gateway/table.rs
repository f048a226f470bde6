//! The gate: who may come in, who is in, and the counters.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use net_proto::{InputDatagram, PlayerId, RefuseCode, TokenVerifier, WorldId};
use quinn::{Connection, VarInt};
use tokio::sync::{Notify, mpsc};

use super::link::{Event, Message, SESSION_MESSAGES, SessionId, ToSession};
use crate::host::UsedToken;

/// Used tokens that are remembered; more cannot be valid at once without the key.
const USED_MAX: usize = 1 << 17;

/// What a gate is made of.
pub(crate) struct GateOptions {
    pub(crate) world: WorldId,
    pub(crate) verifier: TokenVerifier,
    pub(crate) players_max: usize,
    pub(crate) tick_rate_hz: u16,
    /// Tokens that were used before a restart.
    pub(crate) used: Vec<UsedToken>,
}

/// Shared by all tasks of the network thread; its locks are held for look-ups only.
pub(crate) struct Gate {
    pub(crate) world: WorldId,
    pub(crate) verifier: TokenVerifier,
    pub(crate) tick_rate_hz: u16,
    pub(crate) counters: Counters,
    players_max: usize,
    sessions: Mutex<BTreeMap<SessionId, Entry>>,
    used: Mutex<BTreeMap<[u8; 16], u64>>,
    next_session: AtomicU64,
    in_flight: AtomicUsize,
    emptied: Notify,
    events: mpsc::Sender<Event>,
    inputs: mpsc::Sender<(SessionId, InputDatagram)>,
}

struct Entry {
    connection: Connection,
    messages: mpsc::Sender<Message>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate")
            .field("world", &self.world)
            .finish_non_exhaustive()
    }
}

impl Gate {
    pub(super) fn new(
        options: GateOptions,
        events: mpsc::Sender<Event>,
        inputs: mpsc::Sender<(SessionId, InputDatagram)>,
    ) -> Self {
        let used = options.used.iter().map(|t| (t.nonce, t.expires_s));
        Self {
            world: options.world,
            verifier: options.verifier,
            tick_rate_hz: options.tick_rate_hz,
            counters: Counters::default(),
            players_max: options.players_max,
            sessions: Mutex::default(),
            used: Mutex::new(used.collect()),
            next_session: AtomicU64::new(1),
            in_flight: AtomicUsize::new(0),
            emptied: Notify::new(),
            events,
            inputs,
        }
    }

    /// Connections that have not logged in yet.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Counts a connection until it has logged in or failed to.
    pub(super) fn begin(&self) -> Flight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Flight(&self.in_flight)
    }

    /// Marks a token as used. False when it was before, within its lifetime.
    pub(super) fn use_token(&self, token: UsedToken, now_s: u64) -> bool {
        let mut used = lock(&self.used);
        if used.len() >= USED_MAX {
            used.retain(|_, expires_s| *expires_s > now_s);
        }
        if used.len() >= USED_MAX || used.contains_key(&token.nonce) {
            return false;
        }
        used.insert(token.nonce, token.expires_s);
        true
    }

    /// Gives a connection a session; `None` when the world is full.
    pub(super) fn enter(
        &self,
        connection: &Connection,
    ) -> Option<(SessionId, mpsc::Receiver<Message>)> {
        let mut sessions = lock(&self.sessions);
        if sessions.len() >= self.players_max {
            return None;
        }
        let id = SessionId(self.next_session.fetch_add(1, Ordering::Relaxed));
        let (messages, receiver) = mpsc::channel(SESSION_MESSAGES);
        let entry = Entry {
            connection: connection.clone(),
            messages,
        };
        sessions.insert(id, entry);
        Some((id, receiver))
    }

    /// Tells the world of a session. False when the world is gone.
    pub(super) async fn join(
        &self,
        session: SessionId,
        player: PlayerId,
        token: UsedToken,
    ) -> bool {
        let join = Event::Join {
            session,
            player,
            token,
        };
        self.events.send(join).await.is_ok()
    }

    /// Ends a session.
    pub(super) async fn leave(&self, session: SessionId) {
        let _ = self.events.send(Event::Leave { session }).await; // without a world there is nobody to tell
        let mut sessions = lock(&self.sessions);
        sessions.remove(&session);
        if sessions.is_empty() {
            self.emptied.notify_waiters();
        }
    }

    /// Passes inputs on; drops them when the world's queue is full.
    pub(super) fn input(&self, session: SessionId, datagram: InputDatagram) {
        if self.inputs.try_send((session, datagram)).is_err() {
            self.counters.inputs_dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn connection(&self, session: SessionId) -> Option<Connection> {
        lock(&self.sessions)
            .get(&session)
            .map(|entry| entry.connection.clone())
    }

    /// Hands a message to its session; a session whose queue is full is closed.
    pub(super) fn route(&self, message: ToSession) {
        let sessions = lock(&self.sessions);
        let Some(entry) = sessions.get(&message.session) else {
            return;
        };
        if entry.messages.try_send(message.what).is_err() {
            entry
                .connection
                .close(close_code(RefuseCode::SLOW), b"messages are not read");
        }
    }

    /// Asks every session to end.
    pub(super) fn close_all(&self) {
        for entry in lock(&self.sessions).values() {
            let bye = Message::Close(RefuseCode::CLOSING, "the server is closing");
            let _ = entry.messages.try_send(bye); // the endpoint closes those that do not take it
        }
    }

    /// Completes when no session is left.
    pub(super) async fn emptied(&self) {
        loop {
            let notified = self.emptied.notified();
            if lock(&self.sessions).is_empty() {
                return;
            }
            notified.await;
        }
    }
}

/// The application error code that closes a connection for a reason.
pub(super) fn close_code(code: RefuseCode) -> VarInt {
    VarInt::from_u32(u32::from(code.0))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every critical section is a single map operation: a panic elsewhere leaves the map whole.
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A connection that is logging in.
pub(super) struct Flight<'a>(&'a AtomicUsize);

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the network thread counts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    refusals: AtomicU64,
    datagrams_bad: AtomicU64,
    inputs_dropped: AtomicU64,
    snapshots_dropped: AtomicU64,
}

impl Counters {
    pub(super) fn refuse(&self) {
        self.refusals.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn bad_datagram(&self) {
        self.datagrams_bad.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn drop_snapshot(&self) {
        self.snapshots_dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Refusals, bad datagrams, dropped inputs, dropped snapshots.
    pub(crate) fn read(&self) -> [u64; 4] {
        [
            &self.refusals,
            &self.datagrams_bad,
            &self.inputs_dropped,
            &self.snapshots_dropped,
        ]
        .map(|counter| counter.load(Ordering::Relaxed))
    }
}
