//! What players ask of the game and say to each other, and what they are told.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use net_proto::{Answer, Command, GameEvent, PlayerId, Said, Say, ServerMessage, ShortText};
use sim_core::{LedgerDraft, Record, World};
use spatial_core::{Ecef, EntityId};
use tokio::sync::mpsc;

use super::players::Players;
use super::views::Views;
use crate::game::{Game, Hearers, Outcome, Turn, Visitor};
use crate::gateway::{Asked, Message, SessionId, Spoken, ToSession, WorldLink};
use crate::host::Host;

/// Commands of a tick; the rest waits in its bounded queue.
const COMMANDS_A_TICK: usize = 1_024;
/// Says of a tick, likewise.
const SAYS_A_TICK: usize = 256;
/// Chat that a player hears in a tick, bytes; what is beyond is dropped and counted.
const HEARD_BYTES_MAX: usize = 4 << 10;

/// The game, and what waits to be told.
pub(super) struct Words {
    game: Box<dyn Game>,
    earshot_m: f64,
    /// What the transfers of the coming tick will come to.
    draft: LedgerDraft,
    /// Of the coming tick.
    told: Vec<(PlayerId, GameEvent)>,
    /// Whom the game sends away, and why; and those who go when that tick is on the disk.
    kicked: Vec<(PlayerId, String)>,
    going: VecDeque<(u64, PlayerId, String)>,
    /// Answers and events, oldest first: they go out when their tick is on the disk.
    waiting: VecDeque<(u64, SessionId, ServerMessage)>,
    /// Frames that are due, those of a session in one piece: its own queue is short.
    due: BTreeMap<SessionId, Vec<u8>>,
    /// What each player hears in this tick.
    heard: BTreeMap<SessionId, Vec<u8>>,
    pub(super) counts: WordCounts,
}

/// Since the start.
#[derive(Clone, Copy, Default)]
pub(super) struct WordCounts {
    pub(super) commands: u64,
    pub(super) says: u64,
    pub(super) unheard: u64,
}

/// What a call of the game needs of the loop.
pub(super) struct Stage<'a> {
    pub(super) world: &'a World,
    pub(super) host: &'a mut Host,
    pub(super) records: &'a mut Vec<Record>,
}

impl Words {
    pub(super) fn new(game: Box<dyn Game>, earshot_m: f64) -> Self {
        Self {
            game,
            earshot_m,
            draft: LedgerDraft::default(),
            told: Vec::new(),
            kicked: Vec::new(),
            going: VecDeque::new(),
            waiting: VecDeque::new(),
            due: BTreeMap::new(),
            heard: BTreeMap::new(),
            counts: WordCounts::default(),
        }
    }

    /// A player's spawn is recorded.
    pub(super) fn join(&mut self, stage: Stage<'_>, visitor: &Visitor) {
        self.with(stage, |game, turn| game.join(turn, visitor));
    }

    /// A player's despawn is.
    pub(super) fn leave(&mut self, stage: Stage<'_>, visitor: &Visitor) {
        self.with(stage, |game, turn| game.leave(turn, visitor));
    }

    /// What has come since the last tick, of what is said only when it is time for talk, then the game's own turn.
    pub(super) fn take(
        &mut self,
        mut stage: Stage<'_>,
        (link, talks): (&mut WorldLink, bool),
        (players, views): (&Players, &Views),
    ) {
        for _ in 0..COMMANDS_A_TICK {
            let Ok(Asked { session, command }) = link.commands.try_recv() else {
                break;
            };
            if let Some(visitor) = players.visitor(session) {
                self.counts.commands += 1;
                self.command(stage.again(), (session, visitor), &command);
            }
        }
        for _ in 0..if talks { SAYS_A_TICK } else { 0 } {
            let Ok(Spoken { session, say }) = link.says.try_recv() else {
                break;
            };
            if let Some(visitor) = players.visitor(session) {
                self.counts.says += 1;
                self.say(stage.again(), visitor, (&say, players, views));
            }
        }
        // Of tick 0 the durable tick says nothing: it is 0 from the start.
        let tick = stage.world.tick().max(1);
        self.with(stage, |game, turn| game.tick(turn));
        self.draft.clear();
        let kicked = self.kicked.drain(..);
        self.going
            .extend(kicked.map(|(player, why)| (tick, player, why)));
        for (player, event) in self.told.drain(..) {
            if let Some(session) = players.session(player) {
                let event = ServerMessage::Event(event);
                self.waiting.push_back((tick, session, event));
            }
        }
    }

    /// How far those near hear, from now on.
    pub(super) fn set_earshot(&mut self, earshot_m: f64) {
        self.earshot_m = earshot_m;
    }

    /// Whom the game has sent away, and why: when everything else that they are told of that tick has left.
    pub(super) fn next_to_go(&mut self, synced_tick: u64) -> Option<(PlayerId, String)> {
        if !self.due.is_empty() {
            return None;
        }
        let next = self.going.pop_front_if(|going| going.0 <= synced_tick);
        next.map(|(_, player, why)| (player, why))
    }

    fn command(
        &mut self,
        stage: Stage<'_>,
        (session, visitor): (SessionId, &Visitor),
        command: &Command,
    ) {
        let tick = stage.world.tick();
        let outcome: Outcome = self.with(stage, |game, turn| game.command(turn, visitor, command));
        let answer: Answer = outcome.answer(command.operation, tick);
        let answer = ServerMessage::Answer(answer);
        self.waiting.push_back((tick, session, answer));
    }

    fn say(
        &mut self,
        stage: Stage<'_>,
        visitor: &Visitor,
        (say, players, views): (&Say, &Players, &Views),
    ) {
        let at = stage.world.row_of(visitor.entity);
        let at = at.map(|row| stage.world.place(row));
        let hearers = self.with(stage, |game, turn| game.say(turn, visitor, say));
        let sessions: Vec<SessionId> = match (hearers, at) {
            (Hearers::Near, Some(at)) => near(at, self.earshot_m, (players, views)),
            (Hearers::These(these), _) => {
                let session = |player: PlayerId| players.session(player);
                these.into_iter().filter_map(session).collect()
            }
            (Hearers::Nobody | Hearers::Near, _) => Vec::new(),
        };
        let mut frame = Vec::new();
        Said {
            speaker: visitor.entity,
            name: ShortText::lossy(visitor.name.as_str()),
            channel: say.channel,
            text: say.text.clone(),
        }
        .encode(&mut frame);
        for session in sessions {
            let heard = self.heard.entry(session).or_default();
            if heard.len() + frame.len() <= HEARD_BYTES_MAX {
                heard.extend_from_slice(&frame);
            } else {
                self.counts.unheard += 1;
            }
        }
    }

    /// Hands over what is due; what finds no room waits, but for chat, which is dropped.
    pub(super) fn tell(&mut self, synced_tick: u64, to: &mpsc::Sender<ToSession>) {
        while let Some((_, session, message)) = self.waiting.pop_front_if(|w| w.0 <= synced_tick) {
            message.encode(self.due.entry(session).or_default());
        }
        while let Some(next) = self.due.first_entry()
            && let Ok(room) = to.try_reserve()
        {
            let (session, frames) = next.remove_entry();
            let what = Message::Frame(frames);
            room.send(ToSession { session, what });
        }
        for (session, frames) in core::mem::take(&mut self.heard) {
            let what = Message::Chat(Bytes::from(frames));
            if to.try_send(ToSession { session, what }).is_err() {
                self.counts.unheard += 1;
            }
        }
    }

    fn with<R>(
        &mut self,
        stage: Stage<'_>,
        call: impl FnOnce(&mut dyn Game, &mut Turn<'_>) -> R,
    ) -> R {
        let Stage {
            world,
            host,
            records,
        } = stage;
        let mut turn = Turn {
            world,
            records,
            draft: &mut self.draft,
            told: &mut self.told,
            kicked: &mut self.kicked,
            leased: &mut || host.lease(),
        };
        call(&mut *self.game, &mut turn)
    }
}

impl Stage<'_> {
    fn again(&mut self) -> Stage<'_> {
        Stage {
            world: self.world,
            host: self.host,
            records: self.records,
        }
    }
}

/// The sessions of players near a place, as they were in the newest snapshot.
fn near(at: Ecef, radius_m: f64, (players, views): (&Players, &Views)) -> Vec<SessionId> {
    let mut ids: Vec<EntityId> = Vec::new();
    views.near(at, radius_m, &mut ids);
    ids.iter().filter_map(|id| players.of_entity(*id)).collect()
}
