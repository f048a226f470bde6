//! The game that is played: everybody is given coins once, and pays others. In every tick it looks whether all is there.

use std::collections::BTreeMap;
use std::sync::Arc;

use bluemarble_server::{Game, Outcome, Turn, Visitor};
use net_proto::{AnswerCode, Command, PlayerId};
use sim_core::{Account, Holder, Item, Ledger, Transfer, TransferError};
use spatial_core::EntityId;

use crate::told::Book;

pub(crate) const COIN: Item = Item(1);
/// What everybody is given.
pub(crate) const GIFT: i64 = 10;
/// Its number among everybody's operations.
pub(crate) const GIFT_OPERATION: u64 = 1;
/// Kinds of commands: pay somebody (8 bytes: whom; 1 byte: how much), and count what one has.
pub(crate) const PAY: u16 = 1;
pub(crate) const COUNT: u16 = 2;

pub(crate) struct Market {
    book: Arc<Book>,
    /// A planted fault: who asks again whether it has paid pays again.
    pays_twice: bool,
    /// Who is in, and what it steers.
    inside: BTreeMap<PlayerId, EntityId>,
    tick: u64,
}

pub(crate) fn purse(player: u64) -> Holder {
    Holder::Account(Account(player))
}

impl Market {
    pub(crate) fn new(book: Arc<Book>, pays_twice: bool) -> Self {
        Self {
            book,
            pays_twice,
            inside: BTreeMap::new(),
            tick: 0,
        }
    }

    fn pay(&self, turn: &mut Turn<'_>, visitor: &Visitor, command: &Command) -> Outcome {
        let Some((to, [amount])) = command.body.split_first_chunk() else {
            return Outcome::refuse(AnswerCode::MALFORMED);
        };
        let (mine, theirs) = (purse(visitor.player.0), purse(u64::from_le_bytes(*to)));
        let pay = Transfer::of(COIN, i64::from(*amount), (mine, theirs));
        match turn.transfer(pay.clone().asked_by(visitor.account(), command.operation)) {
            Err(TransferError::Done(_)) if self.pays_twice => {
                let _ = turn.transfer(pay);
                Outcome::done([])
            }
            Ok(()) | Err(TransferError::Done(_)) => Outcome::done([]),
            Err(_) => Outcome::refuse(AnswerCode::GAME),
        }
    }
}

impl Game for Market {
    fn join(&mut self, turn: &mut Turn<'_>, visitor: &Visitor) {
        let before = self.inside.insert(visitor.player, visitor.entity);
        if let Some(entity) = before {
            self.book.complain(format!(
                "{} is in, as {entity}, and comes in again",
                visitor.player
            ));
        }
        let gift = Transfer::of(COIN, GIFT, (Holder::Mint, purse(visitor.player.0)));
        let _ = turn.transfer(gift.asked_by(visitor.account(), GIFT_OPERATION));
    }

    fn leave(&mut self, _: &mut Turn<'_>, visitor: &Visitor) {
        if self.inside.remove(&visitor.player) != Some(visitor.entity) {
            self.book
                .complain(format!("{} leaves and was not in", visitor.player));
        }
    }

    fn command(&mut self, turn: &mut Turn<'_>, visitor: &Visitor, command: &Command) -> Outcome {
        if self.inside.get(&visitor.player) != Some(&visitor.entity) {
            self.book
                .complain(format!("{} asks and is not in", visitor.player));
        }
        match command.kind {
            PAY => self.pay(turn, visitor, command),
            COUNT => {
                let coins = turn.balance(purse(visitor.player.0), COIN);
                Outcome::done(coins.to_le_bytes())
            }
            _ => Outcome::refuse(AnswerCode::UNKNOWN),
        }
    }

    fn tick(&mut self, turn: &mut Turn<'_>) {
        if turn.tick() < self.tick {
            self.book.complain(format!(
                "tick {} comes after tick {}",
                turn.tick(),
                self.tick
            ));
        }
        self.tick = turn.tick();
        if let Err(wrong) = all_there(turn.world().ledger()) {
            self.book.complain(format!("tick {}: {wrong}", turn.tick()));
        }
    }
}

/// Whether there are as many coins as were given, and nobody has less than none.
pub(crate) fn all_there(ledger: &Ledger) -> Result<(), String> {
    let mut coins = 0;
    for (holder, _, amount) in ledger.iter().filter(|(_, item, _)| *item == COIN) {
        if holder == Holder::Mint {
            continue;
        }
        coins += amount;
        if amount < 0 {
            return Err(format!("{holder:?} has {amount} coins"));
        }
    }
    let given = -ledger.balance(Holder::Mint, COIN);
    match coins == given && given % GIFT == 0 {
        true => Ok(()),
        false => Err(format!("there are {coins} coins of {given}")),
    }
}
