//! Many seeds, one seed twice, and seeds with something planted in them.

use std::io::Write;

use crate::life::{Fault, Outcome, live};

/// A row of the table of bad days, also where the test harness keeps what is printed to itself.
fn day(row: &str, figure: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "bad day | {row} | {figure}");
}

fn number(variable: &str, otherwise: u64) -> u64 {
    let given = std::env::var(variable).ok();
    given.map_or(otherwise, |text| text.parse().expect("a number"))
}

fn lives(seed: u64) -> Outcome {
    live(seed, Fault::None).unwrap_or_else(|wrong| {
        panic!("seed {seed}: {wrong}\nreplay it: BLUEMARBLE_SIMNET_FROM={seed} BLUEMARBLE_SIMNET_SEEDS=1")
    })
}

#[test]
fn whatever_the_network_does_the_world_is_whole() {
    let from = number("BLUEMARBLE_SIMNET_FROM", 1);
    let seeds = number("BLUEMARBLE_SIMNET_SEEDS", 100);
    let (mut packets, mut lost) = (0, 0);
    let (mut logins, mut resumed, mut paid, mut cuts) = (0, 0, 0, 0);
    for seed in from..from + seeds {
        let outcome = lives(seed);
        if seeds == 1 {
            println!("{outcome:?}");
        }
        packets += outcome.trace.packets;
        lost += outcome.trace.lost;
        let counts = outcome.counts;
        logins += counts.logins;
        resumed += counts.resumed;
        paid += counts.paid;
        cuts += counts.cuts;
    }
    let last = from + seeds - 1;
    let figure = format!(
        "every invariant held: {packets} packets, {lost} of them lost; {cuts} power cuts, {logins} logins, {resumed} resumed, {paid} payments, each once"
    );
    day(
        &format!("the server in a simulated network, seeds {from} to {last}"),
        figure,
    );
    // Something has happened.
    assert!(
        seeds < 20
            || (lost * 200 > packets && resumed > seeds && paid > 20 * seeds && cuts > seeds / 4)
    );
}

#[test]
fn one_seed_is_one_life() {
    for seed in 1..4 {
        assert_eq!(lives(seed), lives(seed), "seed {seed}");
    }
    assert_ne!(lives(1).trace.hash, lives(2).trace.hash);
}

/// What the first seed says that finds a fault; a dozen suffice.
fn found(fault: Fault) -> String {
    let mut all = (1..=12).filter_map(|seed| live(seed, fault).err());
    all.next().expect("it is found")
}

#[test]
fn a_store_that_lies_is_found() {
    let wrong = found(Fault::Liar);
    let is_it = ["said to be durable", "was answered and is not there"];
    assert!(is_it.iter().any(|words| wrong.contains(words)), "{wrong}");
}

#[test]
fn a_game_that_pays_twice_is_found() {
    let wrong = found(Fault::PaysTwice);
    assert!(wrong.contains("coins, not"), "{wrong}");
}
