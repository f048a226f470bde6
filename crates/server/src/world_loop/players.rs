//! Players: a session, its avatar, its inputs and what it sees.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use net_proto::{InputBuffer, InputDatagram, PlayerId, RefuseCode, Replicator};
use sim_core::{Input, Record};
use spatial_core::EntityId;

use crate::gateway::{Message, SessionId, ToSession};

/// One player in the world.
pub(super) struct Player {
    pub(super) player: PlayerId,
    pub(super) entity: EntityId,
    pub(super) inputs: InputBuffer,
    pub(super) replicator: Replicator,
    /// The tick of its spawn: it is welcomed when that is durable.
    pub(super) spawned_tick: u64,
    pub(super) is_welcome: bool,
}

/// All players, by session.
#[derive(Default)]
pub(super) struct Players {
    all: BTreeMap<SessionId, Player>,
    sessions: BTreeMap<PlayerId, SessionId>,
    /// Messages that must not be lost, until the network thread takes them: at most a few for each session.
    outbox: VecDeque<ToSession>,
}

impl Players {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (SessionId, &mut Player)> {
        self.all.iter_mut().map(|(id, player)| (*id, player))
    }

    /// Adds a player; one who is in already, over another session, leaves that.
    pub(super) fn join(&mut self, session: SessionId, player: Player, records: &mut Vec<Record>) {
        if let Some(old) = self.sessions.insert(player.player, session) {
            self.say(
                old,
                Message::Close(RefuseCode::REPLACED, "you entered again elsewhere"),
            );
            self.remove(old, records);
        }
        self.all.insert(session, player);
    }

    /// Takes a session's avatar out of the world.
    pub(super) fn leave(&mut self, session: SessionId, records: &mut Vec<Record>) {
        if let Some(player) = self.remove(session, records)
            && self.sessions.get(&player) == Some(&session)
        {
            self.sessions.remove(&player);
        }
    }

    fn remove(&mut self, session: SessionId, records: &mut Vec<Record>) -> Option<PlayerId> {
        let gone = self.all.remove(&session)?;
        records.push(Record::Despawn {
            entity: gone.entity,
        });
        Some(gone.player)
    }

    /// Takes a datagram's inputs and acknowledgement.
    pub(super) fn hear(&mut self, session: SessionId, datagram: &InputDatagram, now: u64) {
        let Some(player) = self.all.get_mut(&session) else {
            return;
        };
        player.inputs.push(datagram, u16::MAX, now);
        if let Some(epoch) = datagram.head().acknowledged {
            player.replicator.acknowledge(epoch);
        }
    }

    /// One input of every player who has one for this tick.
    pub(super) fn inputs(&mut self, records: &mut Vec<Record>) {
        for player in self.all.values_mut() {
            if let Some(next) = player.inputs.take() {
                let input = next.input;
                records.push(Record::Input {
                    entity: player.entity,
                    input: Input {
                        seq: next.seq,
                        east: input.east,
                        north: input.north,
                        up: input.up,
                        heading: input.heading,
                        buttons: input.buttons,
                        predicted: next.predicted,
                    },
                });
            }
        }
    }

    /// Queues a message that must arrive.
    pub(super) fn say(&mut self, session: SessionId, what: Message) {
        self.outbox.push_back(ToSession { session, what });
    }

    /// Hands queued messages over as long as there is room.
    pub(super) fn flush(&mut self, to: &tokio::sync::mpsc::Sender<ToSession>) {
        while let Some(message) = self.outbox.pop_front() {
            if let Err(tokio::sync::mpsc::error::TrySendError::Full(message)) = to.try_send(message)
            {
                self.outbox.push_front(message);
                return;
            }
        }
    }
}

impl Player {
    pub(super) fn new(player: PlayerId, entity: EntityId, tick: u64) -> Self {
        Self {
            player,
            entity,
            inputs: InputBuffer::new(),
            replicator: Replicator::of(entity),
            spawned_tick: tick,
            is_welcome: false,
        }
    }
}
