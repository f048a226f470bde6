//! What the network threads count.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use net_proto::RefuseCode;

use super::cause::CauseCounts;
use super::table::lock;
use crate::clock;
use crate::histogram::Windowed;
use crate::status::Status;

/// By name: 0 for who was refused without being told why, and every [`RefuseCode`] that this server has.
const CODES: [&str; 18] = [
    "none",
    "version",
    "world",
    "token",
    "full",
    "malformed",
    "closing",
    "replaced",
    "flood",
    "slow",
    "unfair",
    "audience",
    "proof",
    "gone",
    "kicked",
    "banned",
    "denied",
    "unavailable",
];

/// What a session has a share of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Class {
    /// Datagrams of inputs: twice the tick rate.
    Input,
    /// Commands of all classes.
    Command,
    /// Of them the trades.
    Trade,
    /// What is said.
    Say,
    /// Bytes of ground.
    Tile,
}

/// In the order of [`Class`].
const CLASSES: [&str; 5] = ["input", "command", "trade", "say", "tile"];

/// What became of waiting for a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Waited {
    Joined,
    Entered,
    Left,
}

/// Since the start of the process.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    refusals: AtomicU64,
    refused: [AtomicU64; CODES.len()],
    datagrams_bad: AtomicU64,
    inputs_dropped: AtomicU64,
    snapshots_dropped: AtomicU64,
    chat_dropped: AtomicU64,
    limited: [AtomicU64; CLASSES.len()],
    waited: [AtomicU64; 3],
    /// From inputs to their effects.
    effects: Mutex<Windowed>,
    pub(super) causes: CauseCounts,
}

impl Counters {
    pub(super) fn refuse(&self, code: RefuseCode) {
        add(&self.refusals);
        if let Some(count) = self.refused.get(usize::from(code.0)) {
            add(count);
        }
    }

    /// Somebody is refused who is not told why.
    pub(super) fn refuse_unheard(&self) {
        self.refuse(RefuseCode(0));
    }

    /// What tells of the effects of inputs has been handed to the socket, so long after these came.
    pub(super) fn tell_effects(&self, passed: impl Iterator<Item = Duration>) {
        let mut effects = lock(&self.effects);
        passed.for_each(|passed| effects.record(passed));
    }

    pub(super) fn bad_datagram(&self) {
        add(&self.datagrams_bad);
    }

    pub(super) fn drop_input(&self) {
        add(&self.inputs_dropped);
    }

    pub(super) fn drop_chat(&self) {
        add(&self.chat_dropped);
    }

    pub(super) fn drop_snapshot(&self) {
        add(&self.snapshots_dropped);
    }

    /// Something was more than a session's share.
    pub(super) fn limit(&self, class: Class) {
        add(&self.limited[class as usize]);
    }

    pub(super) fn wait(&self, waited: Waited) {
        add(&self.waited[waited as usize]);
    }

    /// Writes all, with those of who never said to which world it wanted.
    pub(super) fn write(&self, strays: &Self, status: &mut Status) {
        status.refusals = read(&self.refusals) + read(&strays.refusals);
        let refused = |counters: &Self| named(&CODES, &counters.refused);
        status.refused = sum(refused(self), &refused(strays));
        status.logins_failed = sum(self.causes.read(), &strays.causes.read());
        status.resumes_refused = sum(self.causes.read_returns(), &strays.causes.read_returns());
        status.datagrams_bad = read(&self.datagrams_bad);
        status.inputs_dropped = read(&self.inputs_dropped);
        status.snapshots_dropped = read(&self.snapshots_dropped);
        status.chat_dropped = read(&self.chat_dropped);
        [status.effect_ms, status.effect_recent_ms] = lock(&self.effects).times(clock::now());
        status.limited = named(&CLASSES, &self.limited);
        let [joined, entered, left] = &self.waited;
        status.queue.joined = read(joined);
        status.queue.entered = read(entered);
        status.queue.left = read(left);
    }
}

fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

fn sum(mut counts: BTreeMap<String, u64>, more: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    for (name, count) in &mut counts {
        *count += more.get(name).copied().unwrap_or(0);
    }
    counts
}

/// All counts by name, those that are 0 too.
pub(super) fn named(names: &[&str], counts: &[AtomicU64]) -> BTreeMap<String, u64> {
    let pairs = names.iter().zip(counts);
    pairs
        .map(|(name, count)| ((*name).to_owned(), read(count)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_and_class_has_a_counter_of_its_own() {
        let counters = Counters::default();
        for code in 0..=CODES.len() as u16 {
            counters.refuse(RefuseCode(code)); // the last has no name
        }
        for class in [
            Class::Input,
            Class::Command,
            Class::Trade,
            Class::Say,
            Class::Tile,
        ] {
            (0..=class as usize).for_each(|_| counters.limit(class));
        }
        let mut status = Status::default();
        let strays = Counters::default();
        strays.refuse(RefuseCode::SLOW);
        counters.write(&strays, &mut status);
        assert_eq!(status.refusals, 20);
        assert_eq!(status.refused.remove("slow"), Some(2));
        assert!(status.refused.len() == 17 && status.refused.values().all(|n| *n == 1));
        let limited = ["input", "command", "trade", "say", "tile"].map(|c| status.limited[c]);
        assert_eq!(limited, [1, 2, 3, 4, 5]);
        assert_eq!(CODES[usize::from(RefuseCode::UNAVAILABLE.0)], "unavailable");
        assert_eq!(CODES[usize::from(RefuseCode::UNFAIR.0)], "unfair");
    }
}
