//! Who has how much of what: the one place where things change hands.
//!
//! ```text
//! transfer   by an account, operation 7:   −3 wood  tree      one record: all of it happens, or nothing
//!                                          +3 wood  player
//! ```
//! A double-entry book. The legs of a transfer come to nothing for each item, and nobody has less than none of anything but the mint, which
//! all things come from and go back to: so over all holders, the mint among them, the amounts of an item are 0 at all times, and what is
//! in the world is what the mint lacks. A single thing (a sword with a history) is an item of which the mint has made one.
//!
//! Who asks for a transfer gives it a number, and the same number does nothing a second time. Of each asker the newest 64 numbers are
//! remembered, as IPsec remembers packets (RFC 4303, 3.4.3): what is older is refused without a look.

use std::collections::BTreeMap;

use spatial_core::EntityId;
use xxhash_rust::xxh3::xxh3_64;

use crate::record::{EntryError, Reader};

/// Who has things.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Holder {
    /// What all things come from and go back to: it may lack any amount.
    Mint,
    /// An account, which needs no entity: a player, a guild, a bank.
    Account(Account),
    /// An entity: a tree, a chest, a monster. Its things stay in the book when it leaves the world: a game moves them before.
    Entity(EntityId),
}

/// The name of an account: a player's, or one that the game chose.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Account(pub u64);

/// What is had, counted in its smallest unit. What it is is the game's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Item(pub u32);

/// One side of a transfer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leg {
    /// Who gains or loses.
    pub holder: Holder,
    /// Of what.
    pub item: Item,
    /// How much is gained; lost, if it is negative.
    pub amount: i64,
}

/// Things that change hands, together or not at all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transfer {
    /// Who asks.
    pub by: Account,
    /// The asker's number for it. It is done once; 0 is a transfer without a number, which nobody asks for twice (the game itself).
    pub operation: u64,
    /// All sides; at most [`Transfer::LEGS_MAX`].
    pub legs: Vec<Leg>,
}

impl Transfer {
    /// Most sides of one.
    pub const LEGS_MAX: usize = 32;

    /// So much of an item from one to another.
    pub fn of(item: Item, amount: i64, (from, to): (Holder, Holder)) -> Self {
        let leg = |holder, amount| Leg {
            holder,
            item,
            amount,
        };
        Self {
            by: Account(0),
            operation: 0,
            legs: vec![leg(from, amount.saturating_neg()), leg(to, amount)],
        }
    }

    /// The same, as an operation of an account.
    #[must_use]
    pub fn asked_by(mut self, by: Account, operation: u64) -> Self {
        (self.by, self.operation) = (by, operation);
        self
    }

    /// The same, and what another one moves.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.legs.extend(other.legs);
        self
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.by.0.to_le_bytes());
        out.extend(self.operation.to_le_bytes());
        // A transfer with more legs than there may be is refused in every world; as many as tell so are kept.
        let legs = &self.legs[..self.legs.len().min(Self::LEGS_MAX + 1)];
        out.push(legs.len() as u8);
        for leg in legs {
            leg.holder.encode(out);
            out.extend(leg.item.0.to_le_bytes());
            out.extend(leg.amount.to_le_bytes());
        }
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Result<Self, EntryError> {
        let (by, operation) = (Account(r.u64()?), r.u64()?);
        let mut legs = Vec::new(); // grows with the bytes there are
        for _ in 0..r.u8()? {
            legs.push(Leg {
                holder: Holder::decode(r)?,
                item: Item(r.u32()?),
                amount: r.u64()?.cast_signed(),
            });
        }
        Ok(Self {
            by,
            operation,
            legs,
        })
    }
}

impl Holder {
    fn encode(self, out: &mut Vec<u8>) {
        let (kind, name) = match self {
            Self::Mint => (0, 0),
            Self::Account(account) => (1, account.0),
            Self::Entity(entity) => (2, entity.0),
        };
        out.push(kind);
        out.extend(name.to_le_bytes());
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, EntryError> {
        Ok(match (r.u8()?, r.u64()?) {
            (0, 0) => Self::Mint,
            (1, name) => Self::Account(Account(name)),
            (2, name) => Self::Entity(EntityId(name)),
            (kind, _) => return Err(EntryError::Holder(kind)),
        })
    }
}

/// Why a transfer is not made; nothing has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TransferError {
    /// It was made before, under this number.
    #[error("operation {0} was done before")]
    Done(u64),
    /// Its number is so old that nobody knows whether it was made.
    #[error("operation {0} is older than what is remembered: number operations in rising order")]
    Old(u64),
    /// Somebody has not enough.
    #[error("{holder:?} has {has} of item {}, not {needs}", item.0)]
    Short {
        /// Who.
        holder: Holder,
        /// Of what.
        item: Item,
        /// How much there is.
        has: i64,
        /// How much is asked for.
        needs: i64,
    },
    /// What is gained of an item is not what is lost.
    #[error("the legs of item {} come to {sum}, not to nothing", item.0)]
    Unbalanced {
        /// The item.
        item: Item,
        /// What they come to.
        sum: i128,
    },
    /// Somebody would have more than can be counted.
    #[error("{holder:?} cannot have more than 2^63 of item {}", item.0)]
    Overflow {
        /// Who.
        holder: Holder,
        /// Of what.
        item: Item,
    },
    /// It has no legs, or too many.
    #[error("a transfer has 1 to {max} legs, not {0}", max = Transfer::LEGS_MAX)]
    Legs(usize),
}

/// Which numbers an asker has used: the highest, and of the 64 up to it those that were done.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Window {
    highest: u64,
    done: u64, // bit n: highest − n
}

impl Window {
    const LENGTH: u64 = 64;

    fn check(self, operation: u64) -> Result<(), TransferError> {
        match self.highest.checked_sub(operation) {
            None => Ok(()),
            Some(age) if age >= Self::LENGTH => Err(TransferError::Old(operation)),
            Some(age) if self.done >> age & 1 == 1 => Err(TransferError::Done(operation)),
            Some(_) => Ok(()),
        }
    }

    fn with(self, operation: u64) -> Self {
        let Some(ahead) = operation.checked_sub(self.highest) else {
            let age = self.highest - operation;
            return Self {
                done: self.done | 1 << age,
                ..self
            };
        };
        let shifted = match ahead < Self::LENGTH {
            true => self.done << ahead,
            false => 0,
        };
        Self {
            highest: operation,
            done: shifted | 1,
        }
    }
}

type Place = (Holder, Item);

/// What a transfer changes.
struct Changes {
    balances: Vec<(Place, i64)>,
    window: Option<(Account, Window)>,
}

/// Finds out what a transfer changes, if it may be made.
fn changes(
    transfer: &Transfer,
    balance: impl Fn(Place) -> i64,
    window: impl Fn(Account) -> Window,
) -> Result<Changes, TransferError> {
    if !(1..=Transfer::LEGS_MAX).contains(&transfer.legs.len()) {
        return Err(TransferError::Legs(transfer.legs.len()));
    }
    let operation = transfer.operation;
    let window = match operation {
        0 => None,
        _ => {
            let known = window(transfer.by);
            known.check(operation)?;
            Some((transfer.by, known.with(operation)))
        }
    };
    let mut sums: BTreeMap<Item, i128> = BTreeMap::new();
    let mut moved: BTreeMap<Place, i128> = BTreeMap::new();
    for leg in &transfer.legs {
        *sums.entry(leg.item).or_default() += i128::from(leg.amount);
        *moved.entry((leg.holder, leg.item)).or_default() += i128::from(leg.amount);
    }
    if let Some((item, sum)) = sums.into_iter().find(|(_, sum)| *sum != 0) {
        return Err(TransferError::Unbalanced { item, sum });
    }
    let after = |(place, moved): (Place, i128)| {
        let (holder, item) = place;
        let has = balance(place);
        let after = i64::try_from(i128::from(has) + moved)
            .map_err(|_| TransferError::Overflow { holder, item })?;
        if after < 0 && moved < 0 && holder != Holder::Mint {
            let needs = i64::try_from(-moved).unwrap_or(i64::MAX);
            return Err(TransferError::Short {
                holder,
                item,
                has,
                needs,
            });
        }
        Ok((place, after))
    };
    let balances = moved.into_iter().map(after).collect::<Result<_, _>>()?;
    Ok(Changes { balances, window })
}

/// The book of a world: part of its state.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Ledger {
    balances: BTreeMap<Place, i64>, // none is 0
    windows: BTreeMap<Account, Window>,
    hash: u64, // the sum of all entries' hashes: changed with each
}

impl Ledger {
    /// How much somebody has; the mint has less than nothing of what there is.
    pub fn balance(&self, holder: Holder, item: Item) -> i64 {
        self.balances
            .get(&(holder, item))
            .copied()
            .unwrap_or_default()
    }

    /// All that somebody has, by rising item.
    pub fn holdings(&self, holder: Holder) -> impl Iterator<Item = (Item, i64)> + '_ {
        let all = (holder, Item(0))..=(holder, Item(u32::MAX));
        let all = self.balances.range(all);
        all.map(|((_, item), amount)| (*item, *amount))
    }

    /// Everything that anybody has, by holder, then item.
    pub fn iter(&self) -> impl Iterator<Item = (Holder, Item, i64)> + '_ {
        let all = self.balances.iter();
        all.map(|((holder, item), amount)| (*holder, *item, *amount))
    }

    /// The highest number of an account's operations that were done; 0 before the first. A client goes on behind it.
    pub fn highest(&self, by: Account) -> u64 {
        self.windows
            .get(&by)
            .map_or(0, |window: &Window| window.highest)
    }

    /// Whether an operation was done, as far as that is remembered; `None` where it is too old to tell.
    pub fn is_done(&self, by: Account, operation: u64) -> Option<bool> {
        match self.window(by).check(operation) {
            Ok(()) => Some(false),
            Err(TransferError::Done(_)) => Some(true),
            Err(_) => None,
        }
    }

    /// Makes a transfer.
    ///
    /// # Errors
    /// [`TransferError`]; then nothing has changed.
    pub fn transfer(&mut self, transfer: &Transfer) -> Result<(), TransferError> {
        let balance = |(holder, item)| self.balance(holder, item);
        let Changes { balances, window } = changes(transfer, balance, |by| self.window(by))?;
        for (place, amount) in balances {
            self.set_balance(place, amount);
        }
        if let Some((by, window)) = window {
            self.set_window(by, window);
        }
        Ok(())
    }

    fn window(&self, by: Account) -> Window {
        self.windows.get(&by).copied().unwrap_or_default()
    }

    fn set_balance(&mut self, place: Place, amount: i64) {
        let before = match amount {
            0 => self.balances.remove(&place),
            _ => self.balances.insert(place, amount),
        };
        let before = before.map_or(0, |amount| hash_balance(place, amount));
        let after = match amount {
            0 => 0,
            _ => hash_balance(place, amount),
        };
        self.hash = self.hash.wrapping_sub(before).wrapping_add(after);
    }

    fn set_window(&mut self, by: Account, window: Window) {
        let before = self.windows.insert(by, window);
        let before = before.map_or(0, |window| hash_window(by, window));
        let after = hash_window(by, window);
        self.hash = self.hash.wrapping_sub(before).wrapping_add(after);
    }

    /// Of everything in it; 0 when there is nothing.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.balances.is_empty() && self.windows.is_empty()
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend((self.balances.len() as u64).to_le_bytes());
        for (place, amount) in &self.balances {
            encode_balance(*place, *amount, out);
        }
        out.extend((self.windows.len() as u64).to_le_bytes());
        for (by, window) in &self.windows {
            encode_window(*by, *window, out);
        }
    }

    /// Reads what [`Ledger::encode`] has written; anything else is refused: a balance below nothing, an item whose amounts do not come to
    /// nothing, what is there twice.
    pub(crate) fn decode(r: &mut Reader<'_>) -> Result<Self, EntryError> {
        let mut ledger = Self::default();
        let mut sums: BTreeMap<Item, i128> = BTreeMap::new();
        for _ in 0..r.u64()? {
            let (holder, item) = (Holder::decode(r)?, Item(r.u32()?));
            let amount = r.u64()?.cast_signed();
            let is_legal = amount != 0 && (amount > 0 || holder == Holder::Mint);
            if !is_legal || ledger.balance(holder, item) != 0 {
                return Err(EntryError::Ledger);
            }
            *sums.entry(item).or_default() += i128::from(amount);
            ledger.set_balance((holder, item), amount);
        }
        for _ in 0..r.u64()? {
            let (by, highest, done) = (Account(r.u64()?), r.u64()?, r.u64()?);
            if done & 1 == 0 || ledger.windows.contains_key(&by) {
                return Err(EntryError::Ledger);
            }
            ledger.set_window(by, Window { highest, done });
        }
        let is_whole = sums.values().all(|sum| *sum == 0);
        is_whole.then_some(ledger).ok_or(EntryError::Ledger)
    }
}

fn encode_balance((holder, item): Place, amount: i64, out: &mut Vec<u8>) {
    holder.encode(out);
    out.extend(item.0.to_le_bytes());
    out.extend(amount.to_le_bytes());
}

fn encode_window(by: Account, window: Window, out: &mut Vec<u8>) {
    out.extend(by.0.to_le_bytes());
    out.extend(window.highest.to_le_bytes());
    out.extend(window.done.to_le_bytes());
}

fn hash_balance(place: Place, amount: i64) -> u64 {
    let mut bytes = Vec::with_capacity(21);
    encode_balance(place, amount, &mut bytes);
    xxh3_64(&bytes)
}

fn hash_window(by: Account, window: Window) -> u64 {
    let mut bytes = Vec::with_capacity(24);
    encode_window(by, window, &mut bytes);
    xxh3_64(&bytes)
}

/// Transfers that are going to be made, on top of a ledger that is not changed by them: what comes of several in a row.
#[derive(Clone, Default, Debug)]
pub struct LedgerDraft {
    balances: BTreeMap<Place, i64>,
    windows: BTreeMap<Account, Window>,
}

impl LedgerDraft {
    /// Forgets them.
    pub fn clear(&mut self) {
        self.balances.clear();
        self.windows.clear();
    }

    /// How much somebody will have.
    pub fn balance(&self, over: &Ledger, holder: Holder, item: Item) -> i64 {
        let drafted = self.balances.get(&(holder, item)).copied();
        drafted.unwrap_or_else(|| over.balance(holder, item))
    }

    /// Adds a transfer.
    ///
    /// # Errors
    /// As [`Ledger::transfer`] will have it, after those before.
    pub fn transfer(&mut self, over: &Ledger, transfer: &Transfer) -> Result<(), TransferError> {
        let balance = |(holder, item)| self.balance(over, holder, item);
        let window = |by| match self.windows.get(&by) {
            Some(window) => *window,
            None => over.window(by),
        };
        let Changes { balances, window } = changes(transfer, balance, window)?;
        self.balances.extend(balances);
        self.windows.extend(window);
        Ok(())
    }
}
