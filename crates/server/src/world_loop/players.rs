//! Players: a session, its avatar, its inputs and what it sees.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use net_proto::{
    InputBuffer, OwnValuesWriter, PlayerId, QueuedInput, RefuseCode, Replicator, SendBudget,
};
use sim_core::{Escalation, Input, Record, Validator, World};
use spatial_core::{EntityId, FrameId};

use super::judge::{Judge, Unknown};
use super::rhythm::{Quota, Rhythm};
use super::shots::{Shot, Shots};
use crate::game::Visitor;
use crate::gateway::{COMMANDS_SINCE, Heard, Message, SessionId, ToSession};

/// One player in the world.
pub(super) struct Player {
    pub(super) player: PlayerId,
    /// As the game knows it.
    visitor: Visitor,
    /// Of the protocol that its client speaks.
    pub(super) version: u16,
    pub(super) entity: EntityId,
    pub(super) inputs: InputBuffer,
    pub(super) replicator: Replicator,
    pub(super) budget: SendBudget,
    /// The tick of its spawn: it is welcomed when that is durable.
    pub(super) spawned_tick: u64,
    pub(super) is_welcome: bool,
    /// What it is judged by.
    pub(super) validator: Validator,
    pub(super) escalation: Escalation,
    /// The number of the last input that was used; 0 before the first.
    pub(super) used_seq: u32,
    /// The newest datagram of which an input was used, and the one after which the player was told its exact state.
    pub(super) datagram: u32,
    pub(super) told_datagram: u32,
    /// In which ticks it is told what it sees, and whether this is one of them.
    rhythm: Rhythm,
    pub(super) is_turn: bool,
    /// When datagrams came whose effect it has not been told, oldest first; as many as [`ARRIVALS_MAX`].
    arrivals: VecDeque<(u32, Instant)>,
    /// What its owner is told of its values.
    pub(super) own_values: OwnValuesWriter,
    /// Rows of those in view, ascending by id, as of a tick; 0: nobody has looked.
    pub(super) seen: Vec<u32>,
    pub(super) seen_tick: u64,
    /// Others were within reach when it was last looked at, or something hit it or came into the world beside it since its last input: its client cannot know better.
    pub(super) is_crowded: bool,
    pub(super) is_struck: bool,
    /// The tick in which something last happened that its client could not know.
    pub(super) surprised_tick: u64,
    /// Its inputs are not used; and it has been told to stand still.
    pub(super) is_halted: bool,
    /// Its line is lost: it stands still, is told nothing, and may come back.
    pub(super) is_lost: bool,
    stands: bool,
    buttons: u16, // of the last input
    heading: u16,
    frame: FrameId,
}

/// What players are to be told in a tick.
#[derive(Clone, Copy, Default)]
pub(super) struct Turns {
    /// Some have a snapshot; some are told their own state, with it or alone.
    pub(super) snapshots: bool,
    pub(super) own_states: bool,
}

/// Who comes in.
pub(super) struct Newcomer {
    pub(super) visitor: Visitor,
    pub(super) line: Line,
}

/// What begins anew with every connection.
pub(super) struct Line {
    /// Of the protocol that its client speaks.
    pub(super) version: u16,
    /// The tick now.
    pub(super) tick: u64,
    pub(super) budget: SendBudget,
    pub(super) own_values: OwnValuesWriter,
}

/// Inputs wait for a few ticks only, and so do the datagrams that brought them.
const ARRIVALS_MAX: usize = InputBuffer::WAITING_MAX + 1;

/// What a player is told who is sent away.
pub(super) const UNFAIR: Cow<'static, str> =
    Cow::Borrowed("your client does not play by the rules");

/// All players, by session.
#[derive(Default)]
pub(super) struct Players {
    all: BTreeMap<SessionId, Player>,
    sessions: BTreeMap<PlayerId, SessionId>,
    avatars: BTreeMap<EntityId, SessionId>,
    /// Whose entities were taken away since the game was last told.
    gone: Vec<Visitor>,
    /// Who is not known to be honest.
    suspects: BTreeSet<SessionId>,
    /// Who has not been welcomed; of those who have gone since then some may be among them.
    newcomers: BTreeSet<SessionId>,
    /// Messages that must not be lost, until the network thread takes them: at most a few for each session.
    outbox: VecDeque<ToSession>,
}

impl Players {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// How many may come back.
    pub(super) fn lingering(&self) -> usize {
        self.all.values().filter(|player| player.is_lost).count()
    }

    /// The session whose line a player has lost.
    pub(super) fn lost_by(&self, player: PlayerId) -> Option<SessionId> {
        let session = self.sessions.get(&player)?;
        self.all.get(session)?.is_lost.then_some(*session)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (SessionId, &mut Player)> {
        self.all.iter_mut().map(|(id, player)| (*id, player))
    }

    /// A session's player, as the game knows it.
    pub(super) fn visitor(&self, session: SessionId) -> Option<&Visitor> {
        self.all.get(&session).map(|player| &player.visitor)
    }

    /// Each player has one session, and each session an avatar of its own, which is in the world.
    ///
    /// # Panics
    /// When that is not so.
    #[cfg(feature = "simulated")]
    pub(super) fn assert_well_formed(&self, world: &World) {
        assert_eq!(self.all.len(), self.avatars.len());
        for (session, player) in &self.all {
            let of_entity = self.avatars.get(&player.entity);
            let of_player = self.sessions.get(&player.player);
            assert_eq!((of_entity, of_player), (Some(session), Some(session)));
            assert!(world.exact(player.entity).is_some(), "{}", player.entity);
            assert_eq!(player.visitor.entity, player.entity);
            assert!(player.arrivals.len() <= ARRIVALS_MAX);
        }
    }

    /// Welcomes those whose spawn is on the disk: their sessions, entities and versions.
    pub(super) fn welcome(&mut self, durable_tick: u64) -> Vec<(SessionId, EntityId, u16)> {
        let (all, mut welcomed) = (&mut self.all, Vec::new());
        self.newcomers.retain(|session| {
            let Some(player) = all.get_mut(session) else {
                return false;
            };
            if player.is_lost || player.spawned_tick > durable_tick {
                return true;
            }
            player.is_welcome = true;
            welcomed.push((*session, player.entity, player.version));
            false
        });
        welcomed
    }

    /// Whose entities were taken away since this was last asked.
    pub(super) fn take_gone(&mut self) -> Vec<Visitor> {
        core::mem::take(&mut self.gone)
    }

    /// Sends a player away: its session ends, and then its avatar.
    pub(super) fn kick(&mut self, player: PlayerId, why: String) {
        if let Some(session) = self.sessions.get(&player) {
            self.say(*session, Message::Close(RefuseCode::KICKED, why.into()));
        }
    }

    /// The session of a player who is in, and whose client knows events and chat.
    pub(super) fn session(&self, player: PlayerId) -> Option<SessionId> {
        self.who_hears(self.sessions.get(&player).copied()?)
    }

    /// The same of the player who steers an entity.
    pub(super) fn of_entity(&self, entity: EntityId) -> Option<SessionId> {
        self.who_hears(self.avatars.get(&entity).copied()?)
    }

    fn who_hears(&self, session: SessionId) -> Option<SessionId> {
        let hears = self.all.get(&session)?.version >= COMMANDS_SINCE;
        hears.then_some(session)
    }

    /// Adds a player; one who is in already, over another session, leaves that.
    pub(super) fn join(
        &mut self,
        session: SessionId,
        newcomer: Newcomer,
        (judge, records): (&mut Judge, &mut Vec<Record>),
    ) {
        let id = newcomer.visitor.player;
        if let Some(old) = self.sessions.insert(id, session) {
            let close = Message::Close(RefuseCode::REPLACED, "you entered again elsewhere".into());
            self.say(old, close);
            if let Some(gone) = self.remove(old, records) {
                judge.leave(id, &gone.validator);
            }
        }
        let validator = judge.admit(id);
        self.suspects.insert(session); // until its score is looked at
        self.newcomers.insert(session);
        self.avatars.insert(newcomer.visitor.entity, session);
        self.all.insert(session, Player::new(newcomer, validator));
    }

    /// The line of a session is lost: its avatar stands still.
    pub(super) fn lose(&mut self, session: SessionId, records: &mut Vec<Record>) {
        if let Some(player) = self.all.get_mut(&session) {
            player.is_lost = true;
            player.stop(records);
        }
    }

    /// Gives a session the avatar of another, which ends; whether there was one.
    pub(super) fn take_over(
        &mut self,
        (from, session): (SessionId, SessionId),
        line: Line,
        (judge, records): (&Judge, &mut Vec<Record>),
    ) -> bool {
        let Some(mut player) = self.all.remove(&from) else {
            return false;
        };
        player.stop(records);
        let validator = judge.resume(&player.validator);
        self.sessions.insert(player.player, session);
        self.avatars.insert(player.entity, session);
        self.suspects.insert(session); // until its score is looked at
        self.newcomers.insert(session);
        self.all.insert(session, player.again(line, validator));
        true
    }

    /// Takes a session's avatar out of the world.
    pub(super) fn leave(
        &mut self,
        session: SessionId,
        (judge, records): (&mut Judge, &mut Vec<Record>),
    ) {
        if let Some(gone) = self.remove(session, records) {
            judge.leave(gone.player, &gone.validator);
            self.forget(session, gone.player);
        }
    }

    /// Takes a session's avatar out of the world, who is sent away: what it was found at has been answered.
    fn expel(&mut self, session: SessionId, records: &mut Vec<Record>) {
        self.say(session, Message::Close(RefuseCode::UNFAIR, UNFAIR));
        if let Some(gone) = self.remove(session, records) {
            self.forget(session, gone.player);
        }
    }

    fn remove(&mut self, session: SessionId, records: &mut Vec<Record>) -> Option<Player> {
        let gone = self.all.remove(&session)?;
        self.avatars.remove(&gone.entity);
        self.gone.push(gone.visitor.clone());
        records.push(Record::Despawn {
            entity: gone.entity,
        });
        Some(gone)
    }

    fn forget(&mut self, session: SessionId, player: PlayerId) {
        if self.sessions.get(&player) == Some(&session) {
            self.sessions.remove(&player);
        }
    }

    /// Takes a datagram's acknowledgement, and the inputs that the judge lets through. `now` is the newest state that there is.
    pub(super) fn hear(&mut self, heard: &Heard, (judge, now): (&mut Judge, u64)) {
        let Some(player) = self.all.get_mut(&heard.session) else {
            return;
        };
        let used = judge.hear(heard, &mut player.validator, now);
        if player.inputs.push(&heard.datagram, used, now) > 0 {
            player.note_arrival(heard.at);
        }
        if let Some(epoch) = heard.datagram.head().acknowledged {
            player.replicator.acknowledge(epoch);
        }
    }

    /// One input of every player who has one for this tick.
    pub(super) fn inputs(
        &mut self,
        (judge, shots): (&mut Judge, &mut Shots),
        (world, unknown): (&World, Unknown),
        records: &mut Vec<Record>,
    ) {
        for (session, player) in &mut self.all {
            if player.is_lost {
                continue;
            }
            if player.is_halted {
                player.inputs.skip_all();
            }
            let next = player.inputs.take();
            if next.is_none() && player.used_seq == 0 {
                continue; // it has not begun
            }
            if player.is_halted && !player.stands {
                records.push(player.stand());
            }
            judge.compare(*session, player, next.as_ref(), (world, unknown));
            if let Some(next) = next {
                shots.fire(player.use_input(&next));
                records.push(Record::Input {
                    entity: player.entity,
                    input: asked(next.seq, &next.input, next.predicted),
                });
            }
        }
    }

    /// Does to suspects what the judge says, until they have behaved for long enough.
    pub(super) fn sentence(&mut self, judge: &mut Judge, records: &mut Vec<Record>) {
        self.suspects.extend(judge.suspects());
        for session in core::mem::take(&mut self.suspects) {
            let Some(player) = self.all.get_mut(&session) else {
                continue;
            };
            let sentence = judge.sentence(player);
            player.is_halted = sentence == Escalation::Correct;
            match sentence {
                Escalation::None => {}
                Escalation::Watch | Escalation::Correct => {
                    self.suspects.insert(session);
                }
                Escalation::Kick | Escalation::Ban => self.expel(session, records),
            }
        }
    }

    /// Finds out whose snapshot is due after the step to a tick.
    pub(super) fn take_turns(&mut self, tick: u64, quota: Quota) -> Turns {
        let mut turns = Turns::default();
        for player in self.all.values_mut() {
            let is_used = player.told_datagram != player.datagram;
            let is_told = player.is_welcome && !player.is_lost;
            player.is_turn = is_told && player.rhythm.is_turn((tick, quota), is_used);
            turns.snapshots |= player.is_turn;
            // Also where it has a snapshot, for whoever watches from the next look on has none yet.
            turns.own_states |= is_told && is_used;
        }
        turns
    }

    /// Notes who came into another frame, where headings are others.
    pub(super) fn cross(&mut self, world: &World) {
        for player in self.all.values_mut() {
            let Some(row) = world.row_of(player.entity) else {
                continue;
            };
            let frame = world.position(row).frame;
            if frame != player.frame {
                player.validator.cross();
                player.frame = frame;
            }
        }
    }

    /// Something hit an avatar, or came into the world beside it.
    pub(super) fn strike(&mut self, avatar: EntityId) {
        let session = self.avatars.get(&avatar);
        if let Some(player) = session.and_then(|session| self.all.get_mut(session)) {
            player.is_struck = true;
        }
    }

    /// Something happened that none of them can have known of.
    pub(super) fn strike_all(&mut self) {
        for player in self.all.values_mut() {
            player.is_struck = true;
        }
    }

    /// All avatars.
    pub(super) fn avatars(&self) -> impl Iterator<Item = EntityId> + '_ {
        self.avatars.keys().copied()
    }

    /// Queues a message that must arrive.
    pub(super) fn say(&mut self, session: SessionId, what: Message) {
        self.outbox.push_back(ToSession { session, what });
    }

    /// Hands queued messages over as long as there is room; whether none is left.
    pub(super) fn flush(&mut self, to: &tokio::sync::mpsc::Sender<ToSession>) -> bool {
        while let Some(message) = self.outbox.pop_front() {
            if let Err(tokio::sync::mpsc::error::TrySendError::Full(message)) = to.try_send(message)
            {
                self.outbox.push_front(message);
                return false;
            }
        }
        true
    }
}

impl Player {
    fn new(newcomer: Newcomer, validator: Validator) -> Self {
        let Newcomer { visitor, line } = newcomer;
        let entity = visitor.entity;
        let Line {
            version,
            tick,
            budget,
            own_values,
        } = line;
        Self {
            player: visitor.player,
            visitor,
            version,
            entity,
            inputs: InputBuffer::new(),
            budget,
            replicator: Replicator::of(entity).speaking(version),
            spawned_tick: tick,
            is_welcome: false,
            validator,
            escalation: Escalation::None,
            used_seq: 0,
            datagram: 0,
            told_datagram: 0,
            rhythm: Rhythm::default(),
            is_turn: false,
            arrivals: VecDeque::new(),
            own_values,
            seen: Vec::new(),
            seen_tick: 0,
            is_crowded: true, // until somebody has looked
            is_struck: false,
            surprised_tick: tick,
            is_halted: false,
            is_lost: false,
            stands: false,
            buttons: 0,
            heading: 0,
            frame: FrameId(0),
        }
    }

    /// The same player over another connection: the client knows nothing yet, and its inputs begin with number 1.
    fn again(self, line: Line, validator: Validator) -> Self {
        Self {
            version: line.version,
            inputs: InputBuffer::new(),
            replicator: Replicator::of(self.entity).speaking(line.version),
            budget: line.budget,
            is_welcome: false,
            validator,
            used_seq: 0,
            datagram: 0,
            told_datagram: 0,
            arrivals: VecDeque::new(),
            own_values: line.own_values,
            is_crowded: true, // until somebody has looked
            surprised_tick: line.tick,
            is_lost: false,
            buttons: 0,
            ..self
        }
    }

    /// A datagram came that brought something new.
    fn note_arrival(&mut self, at: Instant) {
        if self.arrivals.len() == ARRIVALS_MAX {
            self.arrivals.pop_front();
        }
        let datagram = self.inputs.newest_datagram();
        self.arrivals.push_back((datagram, at));
    }

    /// When the first of the datagrams came that it is told the effects of now.
    pub(super) fn take_arrival(&mut self) -> Option<Instant> {
        let told = self.datagram;
        // Numbers wrap.
        let is_told = |datagram: u32| told.wrapping_sub(datagram) < u32::MAX / 2;
        let mut first = None;
        while let Some((_, at)) = self
            .arrivals
            .pop_front_if(|(datagram, _)| is_told(*datagram))
        {
            first.get_or_insert(at);
        }
        first
    }

    /// Ends the last wish, if there is one.
    fn stop(&mut self, records: &mut Vec<Record>) {
        if self.used_seq != 0 && !self.stands {
            records.push(self.stand());
        }
    }

    /// Notes the input of this tick; the shot that it fires, if it does.
    fn use_input(&mut self, next: &QueuedInput) -> Option<Shot> {
        let pressed = next.input.buttons & !self.buttons;
        self.used_seq = next.seq;
        self.datagram = next.datagram;
        self.buttons = next.input.buttons;
        self.heading = next.input.heading;
        self.stands = false;
        (pressed & net_proto::Input::SHOOT != 0).then_some(Shot {
            shooter: self.entity,
            heading: next.input.heading,
            shown: next.shown,
        })
    }

    /// Without an input the last wish stands: this one ends it.
    fn stand(&mut self) -> Record {
        self.stands = true;
        Record::Input {
            entity: self.entity,
            input: Input {
                seq: self.inputs.applied_seq(),
                heading: self.heading,
                ..Input::default()
            },
        }
    }
}

/// An input of the wire in the simulation's words.
pub(super) fn asked(seq: u32, input: &net_proto::Input, predicted: u32) -> Input {
    Input {
        seq,
        east: input.east,
        north: input.north,
        up: input.up,
        heading: input.heading,
        buttons: input.buttons,
        predicted,
    }
}
