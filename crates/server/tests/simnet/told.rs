//! What players did and were told: what a world must be like that is recovered.

use std::collections::BTreeMap;
use std::sync::Mutex;

use sim_core::{Account, World};
use spatial_core::EntityId;

use crate::lots::mix;
use crate::rules::{COIN, GIFT, GIFT_OPERATION, all_there, purse};

/// Complaints that are kept.
const COMPLAINTS: usize = 8;

/// Shared by all who see something.
#[derive(Default)]
pub(crate) struct Book(Mutex<Told>);

/// A payment that somebody asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Payment {
    pub(crate) to: u64,
    pub(crate) amount: u8,
    /// Whether it was answered as done.
    pub(crate) is_answered: bool,
}

#[derive(Default)]
pub(crate) struct Told {
    complaints: Vec<String>,
    /// By payer and number.
    pub(crate) payments: BTreeMap<(u64, u64), Payment>,
    /// The newest state that was said to be durable: tick and hash.
    pub(crate) durable: (u64, u64),
    owners: BTreeMap<EntityId, u64>,
    pub(crate) counts: Counts,
    /// Of all that was told, in the order in which it was.
    hash: u64,
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) logins: u64,
    pub(crate) resumed: u64,
    pub(crate) moved: u64,
    pub(crate) lost: u64,
    pub(crate) refused: u64,
    pub(crate) queued: u64,
    pub(crate) paid: u64,
    pub(crate) asked_again: u64,
    pub(crate) heard: u64,
    pub(crate) digests: u64,
    pub(crate) agreed: u64,
    pub(crate) corrected: u64,
    pub(crate) cuts: u64,
    pub(crate) lost_bytes: u64,
}

impl Book {
    /// Notes that something does not hold.
    pub(crate) fn complain(&self, what: String) {
        let told = &mut *self.0.lock().unwrap();
        if told.complaints.len() < COMPLAINTS {
            told.complaints.push(what);
        }
    }

    /// The first complaints.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        let told = self.0.lock().unwrap();
        match told.complaints.is_empty() {
            true => Ok(()),
            false => Err(told.complaints.join("; ")),
        }
    }

    pub(crate) fn with<R>(&self, look: impl FnOnce(&mut Told) -> R) -> R {
        look(&mut self.0.lock().unwrap())
    }

    /// Folds words into the hash of what was told.
    pub(crate) fn note(&self, words: &[u64]) {
        let told = &mut *self.0.lock().unwrap();
        for word in words {
            told.hash = mix(told.hash ^ word);
        }
    }

    pub(crate) fn hash(&self) -> u64 {
        self.0.lock().unwrap().hash
    }

    pub(crate) fn counts(&self) -> Counts {
        self.0.lock().unwrap().counts
    }

    /// Notes whose an entity is: one and the same player's for ever.
    pub(crate) fn own(&self, entity: EntityId, player: u64) {
        let owner = self.with(|told| *told.owners.entry(entity).or_insert(player));
        if owner != player {
            self.complain(format!(
                "{entity} is player {owner}'s and player {player}'s"
            ));
        }
    }
}

impl Told {
    /// Whether everything that was acknowledged is in a recovered world, once.
    pub(crate) fn is_in(&self, world: &World) -> Result<(), String> {
        let (tick, ledger) = (world.tick(), world.ledger());
        let (durable, _) = self.durable;
        if tick <= durable {
            return Err(format!(
                "tick {durable} was said to be durable, and the journal ends before tick {tick}"
            ));
        }
        all_there(ledger)?;
        let mut coins: BTreeMap<u64, i64> = BTreeMap::new();
        for player in 0..crate::plan::PLAYERS as u64 {
            let given = ledger.is_done(Account(player), GIFT_OPERATION) == Some(true);
            coins.insert(player, if given { GIFT } else { 0 });
        }
        for ((by, operation), payment) in &self.payments {
            let is_done = ledger.is_done(Account(*by), *operation) == Some(true);
            if payment.is_answered && !is_done {
                return Err(format!(
                    "operation {operation} of player {by} was answered and is not there"
                ));
            }
            if is_done {
                let amount = i64::from(payment.amount);
                *coins.entry(*by).or_default() -= amount;
                *coins.entry(payment.to).or_default() += amount;
            }
        }
        for (player, expected) in coins {
            let found = ledger.balance(purse(player), COIN);
            if found != expected {
                return Err(format!("player {player} has {found} coins, not {expected}"));
            }
        }
        Ok(())
    }
}
