//! A world's gate: who may come in, who is in, and the counters.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use bytes::Bytes;
use net_proto::quic::Peer;
use net_proto::{
    Audience, Command, InputDatagram, PlayerId, PlayerName, RefuseCode, Say, ShortText, TokenKey,
    TokenVerifier, WorldId, clean,
};
use quinn::VarInt;
use tokio::sync::{Notify, mpsc, oneshot};

use super::auth::AuthDesk;
use super::bans::Bans;
use super::cause::Cause;
use super::counts::Counters;
use super::limits::Limits;
use super::link::{
    Asked, CHAT, Event, Heard, Message, SESSION_MESSAGES, SessionId, Spoken, Tell, ToSession,
};
use super::login::{Comer, used};
use super::queue::Queue;
use super::resume::{Hash, Secrets};
use super::sign::DiskSign;
use super::tiles::TileDesk;
use crate::clock;
use crate::game::Route;
use crate::host::UsedToken;
use crate::operations::Measures;

/// Used tokens that are remembered until they expire, 24 B each; at the bound nobody enters until some have.
const USED_MAX: usize = 1 << 17;

/// What a gate is made of.
pub(crate) struct GateOptions {
    pub(crate) world: WorldId,
    pub(crate) verifier: TokenVerifier,
    /// Signs tickets for elsewhere, if anybody here can.
    pub(crate) signer: Option<TokenKey>,
    pub(crate) audience: Audience,
    pub(crate) limits: Limits,
    /// Of all worlds of a server.
    pub(crate) bans: Arc<Mutex<Bans>>,
    /// Who is asked about players, if anybody is; likewise.
    pub(crate) auth: Option<Arc<AuthDesk>>,
    /// The class of every kind of command.
    pub(crate) routes: Box<[Route]>,
    pub(crate) measures: Measures,
    pub(crate) tick_rate_hz: u16,
    /// Of who was refused before it said to which world it wanted: the worlds of a server share them.
    pub(crate) strays: Arc<Counters>,
    /// Tokens that were used before a restart.
    pub(crate) used: Vec<UsedToken>,
    /// Where clients get their ground, if they do.
    pub(crate) tiles: Option<TileDesk>,
    /// Bytes of ground that a session may have a second.
    pub(crate) tile_bytes_s: u32,
}

/// Shared by all tasks of the network threads; its locks are held for look-ups only.
pub(crate) struct Gate {
    pub(crate) world: WorldId,
    pub(crate) verifier: TokenVerifier,
    /// Whom tokens must be for.
    pub(crate) audience: Audience,
    pub(super) signer: Option<TokenKey>,
    pub(super) limits: RwLock<Arc<Limits>>,
    pub(super) bans: Arc<Mutex<Bans>>,
    pub(super) auth: Option<Arc<AuthDesk>>,
    pub(super) queue: Mutex<Queue>,
    pub(super) is_draining: AtomicBool,
    /// The world has no time for more players.
    is_busy: AtomicBool,
    routes: Box<[Route]>,
    pub(super) measures: Measures,
    pub(crate) tick_rate_hz: u16,
    pub(super) counters: Counters,
    pub(super) strays: Arc<Counters>,
    /// Whether the world's disk is full.
    pub(crate) disk: DiskSign,
    pub(crate) tiles: Option<TileDesk>,
    pub(super) tile_bytes_s: u32,
    pub(super) sessions: Mutex<Sessions>,
    used: Mutex<BTreeMap<[u8; 16], u64>>,
    next_session: AtomicU64,
    emptied: Notify,
    pub(super) events: mpsc::Sender<Event>,
    inputs: mpsc::Sender<Heard>,
    commands: mpsc::Sender<Asked>,
    says: mpsc::Sender<Spoken>,
}

/// Who is in: one session a player, those that linger among them.
#[derive(Default)]
pub(super) struct Sessions {
    pub(super) all: BTreeMap<SessionId, Entry>,
    of_player: BTreeMap<PlayerId, SessionId>,
    pub(super) secrets: Secrets,
    is_closing: bool,
}

pub(super) struct Entry {
    pub(super) player: PlayerId,
    pub(super) name: PlayerName,
    /// Whose private half comes back; none where nobody can.
    pub(super) key: Option<[u8; 32]>,
    /// Of the secrets that are good: the newest, and the one before.
    pub(super) hashes: [Option<Hash>; 2],
    /// Whether it lingers when its line is lost: its client has had a secret, now or before.
    pub(super) lingers: bool,
    /// None while it does.
    pub(super) line: Option<Line>,
    /// Dropped, with the entry or before, it ends the lingering.
    end: Option<oneshot::Sender<()>>,
}

pub(super) struct Line {
    connection: Peer,
    endpoint: usize,
    messages: mpsc::Sender<Message>,
    chat: mpsc::Sender<Bytes>,
}

/// What a session is told.
pub(super) struct Ears {
    pub(super) messages: mpsc::Receiver<Message>,
    pub(super) chat: mpsc::Receiver<Bytes>,
}

/// Whose a session is: the account, its name, and the key that it has proven.
pub(super) type Owner = (PlayerId, PlayerName, Option<[u8; 32]>);

/// A session that has a place.
pub(super) struct Entered {
    pub(super) session: SessionId,
    pub(super) ears: Ears,
    /// Completes when it is not to linger any more.
    pub(super) ended: oneshot::Receiver<()>,
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
        (events, inputs): (mpsc::Sender<Event>, mpsc::Sender<Heard>),
        (commands, says): (mpsc::Sender<Asked>, mpsc::Sender<Spoken>),
    ) -> Self {
        let used = options.used.iter().map(|t| (t.nonce, t.expires_s));
        Self {
            world: options.world,
            verifier: options.verifier,
            audience: options.audience,
            signer: options.signer,
            limits: RwLock::new(Arc::new(options.limits)),
            bans: options.bans,
            auth: options.auth,
            queue: Mutex::default(),
            is_draining: AtomicBool::new(false),
            is_busy: AtomicBool::new(false),
            routes: options.routes,
            measures: options.measures,
            tick_rate_hz: options.tick_rate_hz,
            counters: Counters::default(),
            strays: options.strays,
            disk: DiskSign::default(),
            tiles: options.tiles,
            tile_bytes_s: options.tile_bytes_s,
            sessions: Mutex::default(),
            used: Mutex::new(used.collect()),
            next_session: AtomicU64::new(1),
            emptied: Notify::new(),
            events,
            inputs,
            commands,
            says,
        }
    }

    /// Gives a connection a session for a token, which is then used; a session that its player has already ends.
    ///
    /// The place is found before the token is used: who finds the world full can come back with the same ticket.
    pub(super) fn enter(&self, line: (&Peer, usize), comer: &Comer) -> Result<Entered, NoEntry> {
        let player = comer.claims.player;
        let mut sessions = lock(&self.sessions);
        let is_in = sessions.of_player.contains_key(&player);
        let overtakes = !is_in && !lock(&self.queue).is_empty();
        if overtakes || !self.has_place(&sessions, player) {
            return Err(NoEntry::Full);
        }
        // By the clock that the token was checked by: it cannot be forgotten as used while it holds.
        self.use_token(used(&comer.claims), comer.now_s)?;
        Ok(self.take_place(&mut sessions, line, comer))
    }

    /// Whether a player may have a session: another one, if it has one, or a place that is free in a world that has time for it.
    pub(super) fn has_place(&self, sessions: &Sessions, player: PlayerId) -> bool {
        let is_open = sessions.of(player).is_some() || !self.is_busy.load(Ordering::Relaxed);
        is_open && sessions.others(player) < self.limits().players_max
    }

    /// Whether the world has time for nobody new, from now on.
    pub(crate) fn set_busy(&self, is_busy: bool) {
        self.is_busy.store(is_busy, Ordering::Relaxed);
        if !is_busy {
            lock(&self.queue).wake_next();
        }
    }

    /// Marks a token as used.
    pub(super) fn use_token(&self, token: UsedToken, now_s: u64) -> Result<(), NoEntry> {
        if self.disk.refuses() {
            return Err(NoEntry::Storage);
        }
        use_token(&mut lock(&self.used), token, now_s)
    }

    /// Gives whose token has been used a session, in place of the one that the player has.
    pub(super) fn take_place(
        &self,
        sessions: &mut Sessions,
        line: (&Peer, usize),
        comer: &Comer,
    ) -> Entered {
        let claims = &comer.claims;
        if let Some(old) = sessions.of_player.get(&claims.player).copied() {
            sessions.replace(old);
        }
        let key = claims.holder.map(|holder| holder.key);
        let owner = (claims.player, claims.name.clone(), key);
        self.seat(sessions, line, owner)
    }

    /// Gives a connection a session.
    pub(super) fn seat(
        &self,
        sessions: &mut Sessions,
        (connection, endpoint): (&Peer, usize),
        (player, name, key): Owner,
    ) -> Entered {
        let session = SessionId(self.next_session.fetch_add(1, Ordering::Relaxed));
        let (messages, messages_out) = mpsc::channel(SESSION_MESSAGES);
        let (chat, chat_out) = mpsc::channel(CHAT);
        let (end, ended) = oneshot::channel();
        let line = Line {
            connection: connection.clone(),
            endpoint,
            messages,
            chat,
        };
        let entry = Entry {
            player,
            name,
            key,
            hashes: [None; 2],
            lingers: false,
            line: Some(line),
            end: Some(end),
        };
        sessions.all.insert(session, entry);
        sessions.of_player.insert(player, session);
        Entered {
            session,
            ears: Ears {
                messages: messages_out,
                chat: chat_out,
            },
            ended,
        }
    }

    /// Tells the world of a session. False when the world is gone.
    pub(super) async fn tell(&self, event: Event) -> bool {
        self.events.send(event).await.is_ok()
    }

    /// Ends a session.
    pub(super) async fn leave(&self, session: SessionId) {
        let is_replaced = !lock(&self.sessions).retire(session);
        let gone = Event::Leave {
            session,
            is_replaced,
        };
        let _ = self.events.send(gone).await; // without a world there is nobody to tell
        let mut sessions = lock(&self.sessions);
        let entry = sessions.remove(session);
        drop(entry);
        if sessions.all.is_empty() {
            self.emptied.notify_waiters();
        }
        lock(&self.queue).wake_next();
    }

    /// Passes inputs on; drops them when the world's queue is full.
    pub(super) fn input(&self, session: SessionId, datagram: InputDatagram) {
        let at = clock::now();
        let heard = Heard {
            session,
            at,
            datagram,
        };
        if self.inputs.try_send(heard).is_err() {
            self.counters.drop_input();
        }
    }

    /// Passes on what a player asks for; false when the world has no time for it.
    pub(super) fn command(&self, session: SessionId, command: Command) -> bool {
        self.commands.try_send(Asked { session, command }).is_ok()
    }

    /// The class of a kind of command.
    pub(super) fn route_of(&self, kind: u16) -> Route {
        let route = self.routes.get(usize::from(kind));
        route.copied().unwrap_or_default()
    }

    /// What waits in the queues to the world.
    pub(super) fn depths(&self, depths: &mut BTreeMap<String, u64>) {
        for (name, depth) in [
            ("events", depth(&self.events)),
            ("inputs", depth(&self.inputs)),
            ("commands", depth(&self.commands)),
            ("says", depth(&self.says)),
        ] {
            depths.insert(name.to_owned(), depth);
        }
    }

    /// Whether who is in fits together: what does not.
    #[cfg(feature = "simulated")]
    pub(crate) fn check(&self) -> Result<(), String> {
        let sessions = lock(&self.sessions);
        let bound = self.limits().players_max;
        if sessions.all.len() > bound {
            return Err(format!("{} sessions of {bound}", sessions.all.len()));
        }
        if sessions.all.len() != sessions.of_player.len() {
            return Err("a player has two sessions".into());
        }
        for (player, session) in &sessions.of_player {
            match sessions.all.get(session) {
                Some(entry) if entry.player == *player => {}
                _ => return Err(format!("the session of {player} is not its own")),
            }
        }
        Ok(())
    }

    /// Passes on what a player says, cleaned; drops it when nothing is left of it, or the world's queue is full.
    pub(super) fn say(&self, session: SessionId, say: Say) {
        let text = ShortText::lossy(&clean(say.text.as_str()));
        let say = Say { text, ..say };
        if say.text.as_str().is_empty() {
            return self.counters.drop_chat();
        }
        if self.says.try_send(Spoken { session, say }).is_err() {
            self.counters.drop_chat();
        }
    }

    /// Gives what sessions are told to where it goes, with their connections and the numbers of the endpoints that they came to; not where that is gone.
    pub(super) fn each_connection(
        &self,
        tells: Vec<Tell>,
        mut give: impl FnMut(Peer, usize, Tell),
    ) {
        let sessions = lock(&self.sessions);
        let mut entries = sessions.all.iter().peekable();
        for tell in tells {
            // Both ascend.
            while entries.next_if(|(id, _)| **id < tell.session).is_some() {}
            let found = entries.next_if(|(id, _)| **id == tell.session);
            let Some(line) = found.and_then(|(_, entry)| entry.line.as_ref()) else {
                continue;
            };
            give(line.connection.clone(), line.endpoint, tell);
        }
    }

    /// Hands a message to its session; a session whose queue is full is closed. One that lingers hears nothing, but can be ended.
    pub(super) fn route(&self, message: ToSession) {
        let mut sessions = lock(&self.sessions);
        let Some(entry) = sessions.all.get(&message.session) else {
            return;
        };
        let Some(line) = &entry.line else {
            if let Message::Close(..) = message.what {
                sessions.dismiss(message.session);
            }
            return;
        };
        if let Message::Chat(frames) = message.what {
            if line.chat.try_send(frames).is_err() {
                self.counters.drop_chat();
            }
            return;
        }
        if line.messages.try_send(message.what).is_err() {
            let code = close_code(RefuseCode::SLOW);
            line.connection.close(code, b"messages are not read");
        }
    }

    /// Asks every session to end.
    pub(super) fn close_all(&self) {
        let mut sessions = lock(&self.sessions);
        sessions.is_closing = true;
        for entry in sessions.all.values_mut() {
            let bye = Message::Close(RefuseCode::CLOSING, "the server is closing".into());
            match &entry.line {
                // The endpoint closes those that do not take it.
                Some(line) => drop(line.messages.try_send(bye)),
                None => drop(entry.end.take()),
            }
        }
    }

    /// Completes when no session is left.
    pub(super) async fn emptied(&self) {
        loop {
            let notified = self.emptied.notified();
            if lock(&self.sessions).all.is_empty() {
                return;
            }
            notified.await;
        }
    }
}

impl Sessions {
    /// Sessions of everybody but one player.
    pub(super) fn others(&self, player: PlayerId) -> usize {
        self.all.len() - usize::from(self.of_player.contains_key(&player))
    }

    /// A player's session.
    pub(super) fn of(&self, player: PlayerId) -> Option<SessionId> {
        self.of_player.get(&player).copied()
    }

    /// Everybody who has one.
    pub(super) fn players(&self) -> impl Iterator<Item = PlayerId> + '_ {
        self.of_player.keys().copied()
    }

    /// Ends a session at once, dead or alive: its place is free, its own task goes as soon as it can.
    pub(super) fn replace(&mut self, session: SessionId) {
        let Some(old) = self.remove(session) else {
            return;
        };
        let Some(line) = old.line else {
            return;
        };
        let bye = Message::Close(RefuseCode::REPLACED, "you entered again elsewhere".into());
        if line.messages.try_send(bye).is_err() {
            let code = close_code(RefuseCode::REPLACED);
            line.connection.close(code, b"you entered again elsewhere");
        }
    }

    /// The line of a session that lingers from now on; none where it cannot.
    pub(super) fn lose(&mut self, session: SessionId) -> Option<Line> {
        let entry = self.all.get_mut(&session)?;
        let lingers = entry.lingers && !self.is_closing;
        entry.line.take_if(|_| lingers)
    }

    /// Nobody comes back to a session any more. Whether it is still there.
    fn retire(&mut self, session: SessionId) -> bool {
        let Some(entry) = self.all.get_mut(&session) else {
            return false;
        };
        for hash in core::mem::take(&mut entry.hashes).into_iter().flatten() {
            self.secrets.spend(hash, Cause::ReturnOver);
        }
        true
    }

    /// Ends the lingering of a session.
    fn dismiss(&mut self, session: SessionId) {
        if self.retire(session)
            && let Some(entry) = self.all.get_mut(&session)
        {
            entry.end = None;
        }
    }

    fn remove(&mut self, session: SessionId) -> Option<Entry> {
        self.retire(session);
        let entry = self.all.remove(&session)?;
        if self.of_player.get(&entry.player) == Some(&session) {
            self.of_player.remove(&entry.player);
        }
        Some(entry)
    }
}

/// Why a player with a valid token may not come in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NoEntry {
    /// No place is free.
    Full,
    /// It could not be stored that the token was used.
    Storage,
    /// The token was used before.
    Used,
    /// More tokens are in use than can be remembered.
    Busy,
}

/// What waits in a queue.
pub(crate) fn depth<T>(queue: &mpsc::Sender<T>) -> u64 {
    (queue.max_capacity() - queue.capacity()) as u64
}

/// Marks a token as used.
fn use_token(
    used: &mut BTreeMap<[u8; 16], u64>,
    token: UsedToken,
    now_s: u64,
) -> Result<(), NoEntry> {
    if used.contains_key(&token.nonce) {
        return Err(NoEntry::Used);
    }
    if used.len() >= USED_MAX {
        used.retain(|_, expires_s| *expires_s > now_s);
    }
    if used.len() >= USED_MAX {
        return Err(NoEntry::Busy);
    }
    used.insert(token.nonce, token.expires_s);
    Ok(())
}

/// The application error code that closes a connection for a reason.
pub(super) fn close_code(code: RefuseCode) -> VarInt {
    VarInt::from_u32(u32::from(code.0))
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in a critical section panics half way: a panic elsewhere leaves the maps whole.
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(n: usize, expires_s: u64) -> UsedToken {
        let nonce = (n as u128).to_le_bytes();
        UsedToken { nonce, expires_s }
    }

    #[test]
    fn at_the_bound_new_tokens_wait_and_are_not_called_used() {
        let mut used = (0..USED_MAX).map(|n| (token(n, 0).nonce, 100)).collect();
        assert_eq!(use_token(&mut used, token(5, 100), 99), Err(NoEntry::Used));
        let fresh = token(USED_MAX, 160);
        assert_eq!(use_token(&mut used, fresh, 99), Err(NoEntry::Busy));
        assert_eq!(use_token(&mut used, fresh, 100), Ok(()));
        assert_eq!(use_token(&mut used, fresh, 100), Err(NoEntry::Used));
        assert_eq!(used.len(), 1);
    }
}
