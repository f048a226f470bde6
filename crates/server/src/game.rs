//! Where a team puts its rules.
//!
//! The simulation moves and hits; what else a world has (trades, doors, quests) is a [`Game`]'s. What happens in every tick belongs into systems
//! ([`sim_core::System`]), which a game adds in [`Game::prepare`]; what players ask for beside moving comes to it as commands. A game changes the
//! world by records alone, so everything that it does is journalled, replayed and recovered like all else.
//!
//! ```no_run
//! use bluemarble_server::{Config, Game, Outcome, Server, Settings, Turn, Visitor};
//! use net_proto::{AnswerCode, Command};
//! use sim_core::{Holder, Item, Transfer};
//!
//! const APPLE: Item = Item(1);
//! const PICK: u16 = 1;
//!
//! /// Apples grow wherever somebody asks for one.
//! struct Orchard;
//!
//! impl Game for Orchard {
//!     fn command(&mut self, turn: &mut Turn<'_>, visitor: &Visitor, command: &Command) -> Outcome {
//!         if command.kind != PICK {
//!             return Outcome::refuse(AnswerCode::UNKNOWN);
//!         }
//!         let bag = Holder::Account(visitor.account());
//!         let pick = Transfer::of(APPLE, 1, (Holder::Mint, bag));
//!         // Asked for twice under one number, because an answer was lost, it is done once.
//!         let _ = turn.transfer(pick.asked_by(visitor.account(), command.operation));
//!         Outcome::done(turn.balance(bag, APPLE).to_le_bytes())
//!     }
//! }
//!
//! let server = Server::builder(Config::new(Settings::default())?).game(Orchard).start()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use core::fmt;

use net_proto::{
    Answer, AnswerCode, Command, EVENT_BYTES_MAX, GameEvent, PlayerId, PlayerName, Say,
};
use sim_core::{
    Account, Event, EventData, Holder, Item, LedgerDraft, Record, SystemError, Transfer,
    TransferError, World,
};
use spatial_core::{EntityId, RegisterError};

/// A game's rules. Everything but [`Game::prepare`] runs on the world's thread, between steps: a call that takes long is a tick that takes long.
pub trait Game: Send + 'static {
    /// Registers the game's columns and adds its systems; at every start and in every replay, before the world's next tick, always the same and in
    /// the same order.
    ///
    /// # Errors
    /// [`GameError`]: the server does not start.
    fn prepare(&self, world: &mut World) -> Result<(), GameError> {
        let _ = world;
        Ok(())
    }

    /// The class of a kind of command, by which players have shares of them (keys `commands_min`, `trades_min`). Asked once for each kind, before the
    /// server starts: it depends on nothing else.
    fn route(&self, kind: u16) -> Route {
        let _ = kind;
        Route::Command
    }

    /// A player enters: its entity is spawned in this tick.
    fn join(&mut self, turn: &mut Turn<'_>, visitor: &Visitor) {
        let _ = (turn, visitor);
    }

    /// A player asks for something. The answer goes out when this tick's records are on the disk.
    fn command(&mut self, turn: &mut Turn<'_>, visitor: &Visitor, command: &Command) -> Outcome {
        let _ = (turn, visitor, command);
        Outcome::refuse(AnswerCode::UNKNOWN)
    }

    /// A player says something: who hears it. On [`Say::NEAR`] those near do, if the game does not say otherwise.
    fn say(&mut self, turn: &mut Turn<'_>, visitor: &Visitor, say: &Say) -> Hearers {
        let _ = (turn, visitor);
        match say.channel {
            Say::NEAR => Hearers::Near,
            _ => Hearers::Nobody,
        }
    }

    /// A player leaves: its entity is taken away in this tick. Whose line is lost is in for as long as it may come back, and neither leaves nor joins if it does.
    fn leave(&mut self, turn: &mut Turn<'_>, visitor: &Visitor) {
        let _ = (turn, visitor);
    }

    /// Once a tick, after everything that players asked for and before the step: [`World::arrived`] is what has happened in the last one.
    fn tick(&mut self, turn: &mut Turn<'_>) {
        let _ = turn;
    }
}

/// No rules but those of the simulation: no command is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct NoGame;

impl Game for NoGame {}

/// What a kind of command is, where that has a limit of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Route {
    /// Nothing special: `commands_min`.
    #[default]
    Command,
    /// Goods change hands: `trades_min`, and `commands_min` too.
    Trade,
}

/// A player who is in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Visitor {
    /// The account.
    pub player: PlayerId,
    /// As its token says.
    pub name: PlayerName,
    /// What it steers.
    pub entity: EntityId,
}

impl Visitor {
    /// The account that has the player's things, whether the player is in or not.
    pub fn account(&self) -> Account {
        Account(self.player.0)
    }
}

/// What became of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Done, or why not; a game's own reasons begin at [`AnswerCode::GAME`].
    pub code: AnswerCode,
    /// For the client; at most [`EVENT_BYTES_MAX`], what is longer is cut.
    pub body: Vec<u8>,
}

impl Outcome {
    /// It was done.
    pub fn done(body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let code = AnswerCode::DONE;
        Self { code, body }
    }

    /// It was not.
    pub fn refuse(code: AnswerCode) -> Self {
        let body = Vec::new();
        Self { code, body }
    }

    pub(crate) fn answer(mut self, operation: u64, tick: u64) -> Answer {
        self.body.truncate(EVENT_BYTES_MAX);
        Answer {
            operation,
            tick,
            code: self.code,
            body: self.body,
        }
    }
}

/// Who hears what a player says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Hearers {
    /// Nobody.
    Nobody,
    /// Who is within earshot (key `earshot_m`), the speaker among them.
    Near,
    /// These, wherever they are.
    These(Vec<PlayerId>),
}

/// What a game sees and does before a step.
pub struct Turn<'a> {
    pub(crate) world: &'a World,
    pub(crate) records: &'a mut Vec<Record>,
    /// What the transfers among them will come to.
    pub(crate) draft: &'a mut LedgerDraft,
    pub(crate) told: &'a mut Vec<(PlayerId, GameEvent)>,
    pub(crate) kicked: &'a mut Vec<(PlayerId, String)>,
    pub(crate) leased: &'a mut dyn FnMut() -> Option<EntityId>,
}

impl Turn<'_> {
    /// The world as the last step left it.
    pub fn world(&self) -> &World {
        self.world
    }

    /// The tick of the coming step, to which everything that is recorded belongs.
    pub fn tick(&self) -> u64 {
        self.world.tick()
    }

    /// Has the coming step consume a record. It is journalled with it. A record that means nothing to the world is counted and passed over.
    pub fn record(&mut self, record: Record) {
        if let Record::Transfer(transfer) = &record {
            // One that cannot be made will be refused in the step as well.
            let _ = self.draft.transfer(self.world.ledger(), transfer);
        }
        self.records.push(record);
    }

    /// How much of an item somebody has, after the transfers that were asked for in this turn.
    pub fn balance(&self, holder: Holder, item: Item) -> i64 {
        self.draft.balance(self.world.ledger(), holder, item)
    }

    /// Has things change hands in the coming step: all legs or none, in one record, which is on the disk when the answer to the command goes out.
    ///
    /// An operation that was done before ([`TransferError::Done`]) is to be answered as done: its client did not hear so. Take
    /// [`Command::operation`] for the number, and the numbers mean the same after a lost line or a restart; a client goes on behind
    /// [`sim_core::Ledger::highest`].
    ///
    /// # Errors
    /// [`TransferError`]; then nothing is recorded.
    pub fn transfer(&mut self, transfer: Transfer) -> Result<(), TransferError> {
        self.draft.transfer(self.world.ledger(), &transfer)?;
        self.records.push(Record::Transfer(transfer));
        Ok(())
    }

    /// Has something happen to an entity in the coming step.
    pub fn happen<T: EventData>(&mut self, target: EntityId, source: EntityId, data: T) {
        let event = Event::new(target, source, data);
        self.record(Record::Event { event });
    }

    /// A name for an entity to spawn, never used before; `None` while more names are on their way to the disk: try again in a later tick.
    pub fn lease(&mut self) -> Option<EntityId> {
        (self.leased)()
    }

    /// Tells a player something, reliably and in order; nothing when it is not in. A body longer than [`EVENT_BYTES_MAX`] is cut.
    pub fn tell(&mut self, player: PlayerId, kind: u16, body: impl Into<Vec<u8>>) {
        let mut body = body.into();
        body.truncate(EVENT_BYTES_MAX);
        let tick = self.tick();
        self.told.push((player, GameEvent { tick, kind, body }));
    }

    /// Sends a player away and tells it why, when everything else that it is told of this tick has left; nothing when it is not in. It does not linger. A long text is cut.
    pub fn kick(&mut self, player: PlayerId, why: impl Into<String>) {
        self.kicked.push((player, why.into()));
    }
}

impl fmt::Debug for Turn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn")
            .field("tick", &self.tick())
            .finish_non_exhaustive()
    }
}

/// Why a game's rules cannot be added to a world.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GameError {
    /// A column.
    #[error("a column of the game: {0}")]
    Column(#[from] RegisterError),
    /// A system.
    #[error("a system of the game: {0}")]
    System(#[from] SystemError),
}
