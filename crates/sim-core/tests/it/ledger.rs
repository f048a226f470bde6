//! Things change hands: whole or not at all, once, and nothing comes from nowhere.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use sim_core::{
    Account, Difference, Entry, Holder, Item, Ledger, LedgerDraft, Leg, Record, Snapshot, Transfer,
    TransferError, World,
};
use spatial_core::EntityId;

use crate::scene::{at, empty_world, lone_walker, tile};

const WOOD: Item = Item(1);
const GOLD: Item = Item(2);
const ANN: Holder = Holder::Account(Account(1));
const BEN: Holder = Holder::Account(Account(2));
const TREE: Holder = Holder::Entity(EntityId(77));

fn step(world: &mut World, records: &[Record]) -> u32 {
    let tick = world.tick();
    world.step(tick, records).expect("a step").refused
}

fn stocked() -> World {
    let mut world = empty_world();
    let stock = Transfer::of(WOOD, 10, (Holder::Mint, TREE));
    let stock = stock.and(Transfer::of(GOLD, 5, (Holder::Mint, BEN)));
    assert_eq!(step(&mut world, &[Record::Transfer(stock)]), 0);
    world
}

#[test]
fn both_sides_change_or_neither() {
    let mut world = stocked();
    let gather = Transfer::of(WOOD, 3, (TREE, ANN)).asked_by(Account(1), 1);
    let trade = Transfer::of(WOOD, 2, (ANN, BEN)).and(Transfer::of(GOLD, 5, (BEN, ANN)));
    let trade = trade.asked_by(Account(2), 1);
    assert_eq!(
        step(
            &mut world,
            &[Record::Transfer(gather), Record::Transfer(trade)]
        ),
        0
    );
    let has = |world: &World, holder| [WOOD, GOLD].map(|item| world.ledger().balance(holder, item));
    let all = |world: &World| [TREE, ANN, BEN, Holder::Mint].map(|holder| has(world, holder));
    let after = [[7, 0], [1, 5], [2, 0], [-10, -5]];
    assert_eq!(all(&world), after);
    // He has no gold any more: she keeps her wood.
    let again = Transfer::of(WOOD, 1, (ANN, BEN)).and(Transfer::of(GOLD, 1, (BEN, ANN)));
    assert_eq!(step(&mut world, &[Record::Transfer(again)]), 1);
    assert_eq!(all(&world), after);
    let holdings: Vec<_> = world.ledger().holdings(ANN).collect();
    assert_eq!(holdings, [(WOOD, 1), (GOLD, 5)]);
}

#[test]
fn an_operation_is_done_once() {
    let mut world = stocked();
    let gather = |n| Record::Transfer(Transfer::of(WOOD, 1, (TREE, ANN)).asked_by(Account(1), n));
    assert_eq!(step(&mut world, &[gather(7), gather(7), gather(5)]), 1);
    assert_eq!(step(&mut world, &[gather(5), gather(7)]), 2);
    // Another one's 7 is another operation.
    let other = Transfer::of(WOOD, 1, (TREE, BEN)).asked_by(Account(2), 7);
    assert_eq!(step(&mut world, &[Record::Transfer(other)]), 0);
    let ledger = world.ledger();
    assert_eq!(ledger.balance(TREE, WOOD), 7);
    assert_eq!(ledger.highest(Account(1)), 7);
    let known = [5, 6, 7, 8].map(|n| ledger.is_done(Account(1), n));
    assert_eq!(known, [Some(true), Some(false), Some(true), Some(false)]);
    assert_eq!(step(&mut world, &[gather(70), gather(6), gather(7)]), 2);
    assert_eq!(world.ledger().is_done(Account(1), 6), None);
    // What was refused has used no number up.
    let dear = Transfer::of(GOLD, 1, (ANN, BEN)).asked_by(Account(1), 71);
    assert_eq!(step(&mut world, &[Record::Transfer(dear), gather(71)]), 1);
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let world = stocked();
    let mut ledger = world.ledger().clone();
    let before = ledger.clone();
    let leg = |holder, amount| Leg {
        holder,
        item: WOOD,
        amount,
    };
    let of = |legs: Vec<Leg>| Transfer {
        by: Account(1),
        operation: 1,
        legs,
    };
    let mut refuse = |transfer: Transfer| ledger.transfer(&transfer).expect_err("refused");
    assert_eq!(refuse(of(vec![])), TransferError::Legs(0));
    assert_eq!(refuse(of(vec![leg(ANN, 0); 33])), TransferError::Legs(33));
    let (item, sum) = (WOOD, 1);
    assert_eq!(
        refuse(of(vec![leg(TREE, -1), leg(ANN, 2)])),
        TransferError::Unbalanced { item, sum }
    );
    let (holder, has, needs) = (TREE, 10, 11);
    assert_eq!(
        refuse(of(vec![leg(TREE, -6), leg(ANN, 11), leg(TREE, -5)])),
        TransferError::Short {
            holder,
            item,
            has,
            needs
        }
    );
    let holder = Holder::Mint;
    assert_eq!(
        refuse(of(vec![
            leg(holder, i64::MIN),
            leg(ANN, i64::MAX),
            leg(BEN, 1)
        ])),
        TransferError::Overflow { holder, item }
    );
    assert_eq!(ledger, before);
}

#[test]
fn a_ledger_is_part_of_the_state() {
    let mut world = stocked();
    let with_stock = world.hash();
    let mut bare = empty_world();
    step(&mut bare, &[]);
    assert_ne!(with_stock, bare.hash());
    let name = "the ledger";
    assert_eq!(world.difference(&bare), Some(Difference::Part { name }));

    let mut snapshot = Snapshot::default();
    world.snapshot(&mut snapshot);
    let saved = world.save();
    let gather = Transfer::of(WOOD, 4, (TREE, ANN)).asked_by(Account(1), 1);
    step(&mut world, &[Record::Transfer(gather.clone())]);
    let (ledger, hash) = (world.ledger().clone(), world.hash());
    world.restore(&snapshot).expect("its own");
    assert_eq!(world.hash(), with_stock);
    let mut loaded = World::load(&saved, &mut |cell, _| Some(tile(cell))).expect("what was saved");
    for world in [&mut world, &mut loaded] {
        assert_eq!(step(world, &[Record::Transfer(gather.clone())]), 0);
        assert_eq!((world.ledger(), world.hash()), (&ledger, hash));
    }
    let back = World::load(&loaded.save(), &mut |cell, _| Some(tile(cell))).expect("saved");
    assert_eq!((back.ledger(), back.hash()), (&ledger, hash));
}

/// A world that was saved before there were ledgers.
#[test]
fn a_checkpoint_of_the_version_before_is_read() {
    let bytes = include_bytes!("../golden/world-2.bmw");
    let tiles = &mut |cell, _| Some(tile(cell));
    let world = World::load(bytes, tiles).expect("version 2");
    let (now, _) = lone_walker(at(46.95, 7.44));
    assert_eq!(
        (world.hash(), world.ledger()),
        (now.hash(), &Ledger::default())
    );
    assert_eq!(world.difference(&now), None);
}

type Book = BTreeMap<(Holder, Item), i128>;

/// What a transfer comes to, told as plainly as can be.
fn plainly(book: &mut Book, done: &mut BTreeSet<(Account, u64)>, transfer: &Transfer) -> bool {
    let (key, legs) = ((transfer.by, transfer.operation), &transfer.legs);
    let highest = done
        .iter()
        .filter(|(by, _)| *by == key.0)
        .map(|(_, n)| *n)
        .max();
    let is_old = key.1 != 0 && highest.is_some_and(|highest| key.1 + 64 <= highest);
    if legs.is_empty() || legs.len() > 32 || done.contains(&key) || is_old {
        return false;
    }
    let mut after = book.clone();
    for leg in legs {
        *after.entry((leg.holder, leg.item)).or_default() += i128::from(leg.amount);
    }
    let sum = |item| {
        legs.iter()
            .filter(|l| l.item == item)
            .map(|l| i128::from(l.amount))
            .sum::<i128>()
    };
    let is_fair = legs.iter().all(|leg| sum(leg.item) == 0);
    let fits = |(place, amount): (&(Holder, Item), &i128)| {
        i64::try_from(*amount).is_ok() && (place.0 == Holder::Mint || *amount >= 0)
    };
    if !is_fair || !after.iter().all(fits) {
        return false;
    }
    if key.1 != 0 {
        done.insert(key);
    }
    *book = after;
    true
}

fn legs() -> impl Strategy<Value = Vec<Leg>> {
    let holder = prop_oneof![
        Just(Holder::Mint),
        (1..4u64).prop_map(|n| Holder::Account(Account(n))),
        (1..3u64).prop_map(|n| Holder::Entity(EntityId(n))),
    ];
    let amount = prop_oneof![8 => -5..=5i64, 1 => any::<i64>()];
    let pair = (holder.clone(), holder, 1..3u32, amount, 0..20u8);
    vec(pair, 0..6).prop_map(|pairs| {
        let both = |(from, to, item, amount, odd): (Holder, Holder, u32, i64, u8)| {
            let lost = amount.saturating_neg().saturating_add(i64::from(odd == 0));
            let item = Item(item);
            [(from, lost), (to, amount)].map(|(holder, amount)| Leg {
                holder,
                item,
                amount,
            })
        };
        pairs.into_iter().flat_map(both).collect()
    })
}

proptest! {
    #[test]
    fn any_transfers_come_to_what_a_plain_book_says(
        wanted in vec((1..3u64, prop_oneof![Just(0u64), 1..200u64], legs()), 1..60)
    ) {
        let (mut book, mut done) = (Book::new(), BTreeSet::new());
        let (mut ledger, base, mut draft) = (Ledger::default(), Ledger::default(), LedgerDraft::default());
        for (by, operation, legs) in wanted {
            let transfer = Transfer { by: Account(by), operation, legs };
            let is_made = plainly(&mut book, &mut done, &transfer);
            let made = ledger.transfer(&transfer);
            prop_assert_eq!(made.is_ok(), is_made, "{:?}: {:?}", &transfer, made);
            prop_assert_eq!(draft.transfer(&base, &transfer), made);
            for ((holder, item), amount) in &book {
                prop_assert_eq!(i128::from(ledger.balance(*holder, *item)), *amount);
                prop_assert_eq!(i128::from(draft.balance(&base, *holder, *item)), *amount);
            }
            let mut sums: BTreeMap<Item, i128> = BTreeMap::new();
            ledger.iter().for_each(|(_, item, amount)| *sums.entry(item).or_default() += i128::from(amount));
            prop_assert!(sums.values().all(|sum| *sum == 0));
        }
    }

    #[test]
    fn the_bytes_of_a_transfer_are_read_back(by in any::<u64>(), operation in any::<u64>(), legs in legs()) {
        let record = Record::Transfer(Transfer { by: Account(by), operation, legs });
        let entry = Entry::Records { tick: 9, records: vec![record] };
        let mut bytes = Vec::new();
        entry.encode(&mut bytes);
        prop_assert_eq!(Entry::decode(&bytes), Ok(entry));
        for n in 0..bytes.len() {
            prop_assert!(Entry::decode(&bytes[..n]).is_err());
        }
    }
}

#[test]
fn snapshots_do_not_see_what_changes_hands_later() {
    let world = stocked();
    let (mut one, mut two) = (Snapshot::default(), Snapshot::default());
    world.snapshot(&mut one);
    world.snapshot(&mut two);
    let before = Arc::new(world.ledger().clone());
    let mut other = stocked();
    other.restore(&two).expect("its own");
    step(
        &mut other,
        &[Record::Transfer(Transfer::of(WOOD, 1, (TREE, BEN)))],
    );
    assert_eq!(world.ledger(), &*before);
    other.restore(&one).expect("its own");
    assert_eq!(other.ledger(), &*before);
}
