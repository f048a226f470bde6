//! What whoever runs the server does to it while it runs: sends players away, keeps them out, closes the door, changes limits.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use net_proto::{
    Claims, Holder, Maintenance, PlayerId, PlayerName, Redirect, RefuseCode, ServerMessage,
    ShortText, Ticket,
};

use super::limits::{Elsewhere, Limits};
use super::link::{Message, SessionId, ToSession};
use super::login::Refusal;
use super::table::{Gate, lock};
use crate::clock::now_s;
use crate::keys::random_bytes;
use crate::status::Status;

/// Who is told where to go on.
type Told = (SessionId, PlayerId, PlayerName, Option<[u8; 32]>);

impl Gate {
    /// What is in force now.
    pub(super) fn limits(&self) -> Arc<Limits> {
        let limits = self.limits.read();
        Arc::clone(&limits.unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Puts other limits in force, for sessions that there are too.
    pub(crate) fn limit(&self, limits: Limits) {
        let mut now = self
            .limits
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *now = Arc::new(limits);
        drop(now);
        lock(&self.queue).wake_next(); // there may be more places
    }

    /// Why somebody whose ticket holds may not come in whatever else is the case.
    pub(super) fn shut(&self, player: PlayerId, now_s: u64) -> Option<Refusal> {
        if self.is_draining() {
            let text = self.limits().maintenance_text.clone();
            return Some(Refusal::new(RefuseCode::CLOSING, text));
        }
        let is_banned = lock(&self.bans).has(player, now_s);
        is_banned.then(|| Refusal::new(RefuseCode::BANNED, "you are kept out of this server"))
    }

    pub(super) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Acquire)
    }

    /// Lets nobody in any more, and tells everybody who is in where to go on, or that the server stops.
    pub(crate) fn drain(&self) {
        self.is_draining.store(true, Ordering::Release);
        lock(&self.queue).wake_all();
        let limits = self.limits();
        for told in self.everybody() {
            let session = told.0;
            let farewell = limits.redirect.as_ref();
            let farewell = farewell.and_then(|there| self.redirect(there, told));
            let farewell = farewell.unwrap_or_else(|| {
                ServerMessage::Maintenance(Maintenance {
                    starts_in_s: u32::from(limits.drain_s),
                    text: ShortText::lossy(&limits.maintenance_text),
                })
            });
            let mut frame = Vec::new();
            farewell.encode(&mut frame);
            let what = Message::Frame(frame);
            self.route(ToSession { session, what });
        }
    }

    /// Everybody who has a line.
    fn everybody(&self) -> Vec<Told> {
        let sessions = lock(&self.sessions);
        let all = sessions
            .all
            .iter()
            .filter(|(_, entry)| entry.line.is_some());
        all.map(|(session, e)| (*session, e.player, e.name.clone(), e.key))
            .collect()
    }

    /// A ticket for elsewhere; none where nobody here can sign one, or the player has proven no key.
    fn redirect(&self, there: &Elsewhere, (_, player, name, key): Told) -> Option<ServerMessage> {
        let signer = self.signer.as_ref()?;
        let now = now_s();
        let token = signer.sign(&Claims {
            world: self.world,
            player,
            not_before_s: now.saturating_sub(CLOCK_SLACK_S),
            expires_s: now + Claims::LIFETIME_MAX_S - CLOCK_SLACK_S,
            name,
            nonce: random_bytes().ok()?,
            holder: Some(Holder {
                key: key?,
                audience: there.audience,
            }),
        });
        let ticket = Ticket {
            token,
            cert_sha256: there.cert_sha256,
            key: None,
        };
        let address = ShortText::lossy(&there.address);
        Some(ServerMessage::Redirect(Redirect { address, ticket }))
    }

    /// Whether nobody is in any more, those who linger apart.
    pub(crate) fn is_deserted(&self) -> bool {
        let sessions = lock(&self.sessions);
        sessions.all.values().all(|entry| entry.line.is_none())
    }

    /// Ends a player's session, also one that lingers, and its wait; whether there was one.
    pub(crate) fn kick(
        &self,
        player: PlayerId,
        (code, why): (RefuseCode, Cow<'static, str>),
    ) -> bool {
        let waited = lock(&self.queue).expel(player);
        let session = lock(&self.sessions).of(player);
        if let Some(session) = session {
            let what = Message::Close(code, why);
            self.route(ToSession { session, what });
        }
        waited || session.is_some()
    }

    /// Sends away who is on the list.
    pub(crate) fn enforce_bans(&self) {
        let now = now_s();
        let here: Vec<PlayerId> = lock(&self.sessions).players().collect();
        for player in here {
            if lock(&self.bans).has(player, now) {
                let why = Cow::Borrowed("you are kept out of this server");
                self.kick(player, (RefuseCode::BANNED, why));
            }
        }
        lock(&self.queue).wake_all();
    }

    /// Writes what the gateway knows into a status.
    pub(crate) fn write(&self, status: &mut Status) {
        self.counters.write(&self.strays, status);
        lock(&self.queue).write(&mut status.queue);
        status.banned = lock(&self.bans).len() as u32;
        if let Some(auth) = &self.auth {
            auth.write(status);
        }
        if let Some(tiles) = &self.tiles {
            [
                status.tiles_sent,
                status.tile_bytes_sent,
                status.tiles_refused,
            ] = tiles.counts();
        }
        self.depths(&mut status.queues);
    }
}

/// A clock there that is a little behind must find the ticket valid.
const CLOCK_SLACK_S: u64 = 10;
