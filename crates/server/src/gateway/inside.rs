//! The gateway of a world whose players are in the same process: its queues, without sockets, handshakes and tickets.

use std::sync::Arc;

use bytes::Bytes;
use net_proto::{InputDatagram, PROTOCOL_VERSION, PlayerId, PlayerName};
use tokio::sync::mpsc::Receiver;

use super::NetLinkParts;
use super::link::{Batch, Entrant, Event, Message, SessionId, ToSession};
use super::table::Gate;
use crate::host::UsedToken;

/// See the module. Whoever drives it numbers the sessions.
#[derive(Debug)]
pub(crate) struct Inside {
    gate: Arc<Gate>,
    batches: Receiver<Batch>,
    messages: Receiver<ToSession>,
}

/// What a session is told.
#[derive(Debug)]
pub(crate) enum News {
    Datagrams(Vec<Bytes>),
    Message(Message),
}

impl Inside {
    pub(crate) fn of(parts: NetLinkParts) -> Self {
        let NetLinkParts {
            gate,
            batches,
            messages,
        } = parts;
        Self {
            gate,
            batches,
            messages,
        }
    }

    /// Lets a player in, who is its own session; false when the queue to the world is full.
    pub(crate) fn join(&self, player: u64, name: PlayerName) -> bool {
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&player.to_le_bytes());
        let who = Entrant {
            player: PlayerId(player),
            name,
            token: UsedToken {
                nonce,
                expires_s: 0, // a ticket that there was not need not be remembered
            },
            version: PROTOCOL_VERSION,
        };
        let session = SessionId(player);
        let join = Event::Join { session, who };
        self.gate.events.try_send(join).is_ok()
    }

    /// What a player asks for.
    pub(crate) fn input(&self, player: u64, datagram: InputDatagram) {
        self.gate.input(SessionId(player), datagram);
    }

    /// Takes all that players have been told since the last time.
    pub(crate) fn hear(&mut self, mut on: impl FnMut(u64, News)) {
        while let Ok(ToSession { session, what }) = self.messages.try_recv() {
            on(session.0, News::Message(what));
        }
        while let Ok(batch) = self.batches.try_recv() {
            for tell in batch.snapshots {
                on(tell.session.0, News::Datagrams(tell.datagrams));
            }
        }
    }
}
