//! What bots count together.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use net_proto::Digest;
use serde::{Deserialize, Serialize};

use super::BotsArgs;
use super::check::Violations;
use crate::cli::out::say;
use crate::histogram::Histogram;

/// Bytes that QUIC, UDP and IP add to a datagram of ours, about: 28 + 1 + 8 + 2 + 16 + 2.
const PACKET_OVERHEAD_BYTES: u64 = 57;

/// One line of output.
#[derive(Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(in crate::cli) enum Line {
    /// How the bots are doing.
    Bots(Box<FleetReport>),
    /// A bot was told that everything up to a tick is on the disk.
    Durable {
        tick: u64,
        /// The hash of the state after the tick, where the message carried one.
        hash: Option<String>,
    },
    /// A bot was told that its avatar is in the world: the record is on the disk.
    Spawn { entity: u64 },
    /// A bot was told that an input of its own was used before a tick, and that the record is on the disk.
    Input { entity: u64, seq: u32, tick: u64 },
}

/// The bots at one moment, all together.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(in crate::cli) struct FleetReport {
    pub(in crate::cli) bots: u64,
    /// Connected at any time.
    pub(in crate::cli) connected: u64,
    pub(in crate::cli) connects_failed: u64,
    /// Sessions that ended before they were meant to.
    pub(in crate::cli) disconnects: u64,
    /// Messages that were not legal.
    pub(in crate::cli) protocol_errors: u64,
    pub(in crate::cli) snapshots: u64,
    /// Digests that agreed with what the bot had, that did not, and that were of an epoch it did not have.
    pub(in crate::cli) digests_matched: u64,
    pub(in crate::cli) digest_mismatches: u64,
    pub(in crate::cli) digests_unknown: u64,
    /// What must not be, of any kind.
    pub(in crate::cli) violations: u64,
    pub(in crate::cli) violation_kinds: Violations,
    /// The first failure of any kind, in words.
    pub(in crate::cli) first_failure: Option<String>,
    /// Entities in view besides the bot's own, mean over complete epochs.
    pub(in crate::cli) seen_mean: f64,
    /// What `seen_mean` must reach.
    pub(in crate::cli) seen_min: f64,
    /// Stretches that bots walked with one wish, and those that did not lead where the wish did.
    pub(in crate::cli) legs: u64,
    pub(in crate::cli) legs_astray: u64,
    /// Datagram payloads received, a bot and second, over the whole run.
    pub(in crate::cli) bytes_per_player_s: f64,
    /// The same with the headers of QUIC, UDP and IP, estimated.
    pub(in crate::cli) wire_bytes_per_player_s: f64,
    /// The newest durable tick that a bot was told of.
    pub(in crate::cli) durable_tick: u64,
    /// Own states that were as predicted, and that were not; and how far a prediction was ever off.
    pub(in crate::cli) predictions_agreed: u64,
    pub(in crate::cli) predictions_corrected: u64,
    pub(in crate::cli) correction_max_m: f64,
    /// Lines that bots cut, sessions that were taken up again after a lost line, whosever fault, and those that could not be.
    pub(in crate::cli) lines_dropped: u64,
    pub(in crate::cli) resumes: u64,
    pub(in crate::cli) resumes_failed: u64,
    /// Who came back as somebody else.
    pub(in crate::cli) entities_changed: u64,
    /// From the loss of a line to the first snapshot after it.
    pub(in crate::cli) resume_ms: ResumeTimes,
    /// Whether the bots cheat, and how many sessions were ended for it.
    pub(in crate::cli) cheats: bool,
    pub(in crate::cli) caught: u64,
    /// The last line of a run.
    pub(in crate::cli) has_summary: bool,
}

/// Quantiles, milliseconds.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(in crate::cli) struct ResumeTimes {
    pub(in crate::cli) p50: f64,
    pub(in crate::cli) p90: f64,
    pub(in crate::cli) p99: f64,
    pub(in crate::cli) max: f64,
    pub(in crate::cli) count: u64,
}

impl FleetReport {
    pub(in crate::cli) fn is_good(&self) -> bool {
        let bad = [
            self.connects_failed,
            self.disconnects,
            self.protocol_errors,
            self.digest_mismatches,
            self.violations,
            self.resumes_failed,
            self.entities_changed,
        ];
        let is_caught = !self.cheats || self.caught == self.connected;
        self.connected > 0 && bad == [0; 7] && is_caught && self.sees_enough() && self.obeys()
    }

    pub(in crate::cli) fn sees_enough(&self) -> bool {
        self.seen_mean >= self.seen_min
    }

    /// Whether avatars went where they were asked to go. In a crowd one in twenty may be held up.
    pub(in crate::cli) fn obeys(&self) -> bool {
        self.legs_astray <= self.legs / 20 + 1
    }

    /// What went wrong, for people: the kinds of violations and the first failure, a line each; nothing if nothing did.
    pub(in crate::cli) fn what_failed(&self) -> String {
        let kinds = match self.violations {
            0 => String::new(),
            _ => format!("\nviolations: {}", self.violation_kinds.words()),
        };
        let first = self.first_failure.as_ref();
        kinds + &first.map_or_else(String::new, |words| format!("\nfirst failure: {words}"))
    }

    pub(super) fn text(&self) -> String {
        let caught = match self.cheats {
            true => format!(" · {} caught", self.caught),
            false => String::new(),
        };
        let resumed = match self.resumes + self.resumes_failed {
            0 => String::new(),
            _ => format!(
                " · {} came back, {} not, {} as others, first seen after {:.0} ms, 99 of 100 within {:.0}, all within {:.0}",
                self.resumes,
                self.resumes_failed,
                self.entities_changed,
                self.resume_ms.p50,
                self.resume_ms.p99,
                self.resume_ms.max,
            ),
        };
        format!(
            "{} of {} bots connected · {} disconnects · {} protocol errors · {} digests matched, {} not, \
             {} unknown · {} violations · {} legs, {} astray · {} predictions agreed, {} not, {:.3} m off at most · \
             seen {:.0} · {:.1} kB/s each · durable {}{caught}{resumed}{}",
            self.connected,
            self.bots,
            self.disconnects,
            self.protocol_errors,
            self.digests_matched,
            self.digest_mismatches,
            self.digests_unknown,
            self.violations,
            self.legs,
            self.legs_astray,
            self.predictions_agreed,
            self.predictions_corrected,
            self.correction_max_m,
            self.seen_mean,
            self.bytes_per_player_s / 1e3,
            self.durable_tick,
            self.what_failed(),
        )
    }
}

/// The shared counters.
pub(super) struct Tally {
    bots: u32,
    seen_min: f64,
    prints_durable: bool,
    cheats: bool,
    seen: AtomicU64,
    epochs: AtomicU64,
    datagrams: AtomicU64,
    bytes: AtomicU64,
    bot_ms: AtomicU64,
    sums: Mutex<FleetReport>,
    told: Mutex<(u64, u64)>,
    resumed: Mutex<Histogram>,
}

impl Tally {
    pub(super) fn new(bots: u32, args: &BotsArgs) -> Self {
        Self {
            bots,
            seen_min: args.seen_min,
            prints_durable: args.durable,
            cheats: args.cheat.is_some(),
            seen: AtomicU64::new(0),
            epochs: AtomicU64::new(0),
            datagrams: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            bot_ms: AtomicU64::new(0),
            sums: Mutex::default(),
            told: Mutex::default(),
            resumed: Mutex::default(),
        }
    }

    /// Changes the sums.
    pub(super) fn add(&self, change: impl FnOnce(&mut FleetReport)) {
        change(&mut self.sums.lock().unwrap_or_else(|e| e.into_inner()));
    }

    /// Counts a failure of some kind and keeps the first one's words.
    pub(super) fn fail(
        &self,
        words: impl FnOnce() -> String,
        count: impl FnOnce(&mut FleetReport),
    ) {
        self.add(|sums| {
            count(sums);
            sums.first_failure.get_or_insert_with(words);
        });
    }

    /// Adds what a bot saw that must not be.
    pub(super) fn blame(&self, found: Violations, when: impl FnOnce() -> String) {
        if found.count() > 0 {
            self.fail(
                || format!("{}: {found:?}", when()),
                |sums| {
                    sums.violations += found.count();
                    sums.violation_kinds.add(found);
                },
            );
        }
    }

    /// A bot was promised that this is on the disk.
    pub(super) fn promise(&self, line: &Line) {
        if self.prints_durable {
            print(line);
        }
    }

    pub(super) fn complete_epoch(&self, seen: u64) {
        self.epochs.fetch_add(1, Ordering::Relaxed);
        self.seen.fetch_add(seen, Ordering::Relaxed);
    }

    /// What a bot received in its life.
    pub(super) fn received(&self, datagrams: u64, bytes: u64, ms: u64) {
        self.datagrams.fetch_add(datagrams, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.bot_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// A bot sees the world again, so long after it lost its line.
    pub(super) fn resumed(&self, after: Duration) {
        let mut resumed = self.resumed.lock().unwrap_or_else(|e| e.into_inner());
        resumed.record(after);
    }

    fn resume_times(&self) -> ResumeTimes {
        let resumed = self.resumed.lock().unwrap_or_else(|e| e.into_inner());
        ResumeTimes {
            p50: resumed.quantile_ms(0.5),
            p90: resumed.quantile_ms(0.9),
            p99: resumed.quantile_ms(0.99),
            max: resumed.max_ms(),
            count: resumed.count(),
        }
    }

    /// A snapshot's word on what is durable.
    pub(super) fn told(&self, tick: u64) {
        let mut told = self.told.lock().unwrap_or_else(|e| e.into_inner());
        if tick > told.0 {
            told.0 = tick;
            self.promise(&Line::Durable { tick, hash: None });
        }
    }

    /// A digest's word.
    pub(super) fn told_hash(&self, digest: &Digest) {
        let mut told = self.told.lock().unwrap_or_else(|e| e.into_inner());
        if digest.durable_tick > told.1 {
            told.1 = digest.durable_tick;
            self.promise(&Line::Durable {
                tick: digest.durable_tick,
                hash: Some(format!("{:016x}", digest.state_hash)),
            });
        }
    }

    pub(super) fn report(&self, has_summary: bool) -> FleetReport {
        let mut report = self.sums.lock().unwrap_or_else(|e| e.into_inner()).clone();
        let (told, _) = *self.told.lock().unwrap_or_else(|e| e.into_inner());
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let seconds = (load(&self.bot_ms) as f64 / 1e3).max(1e-3);
        let (bytes, datagrams) = (load(&self.bytes), load(&self.datagrams));
        let wire = bytes + datagrams * PACKET_OVERHEAD_BYTES;
        report.bots = u64::from(self.bots);
        report.durable_tick = told;
        report.seen_min = self.seen_min;
        report.seen_mean = load(&self.seen) as f64 / load(&self.epochs).max(1) as f64;
        report.bytes_per_player_s = bytes as f64 / seconds;
        report.wire_bytes_per_player_s = wire as f64 / seconds;
        report.resume_ms = self.resume_times();
        report.cheats = self.cheats;
        report.has_summary = has_summary;
        report
    }
}

pub(super) fn print(line: &Line) {
    if let Ok(text) = serde_json::to_string(line) {
        say(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_is_said_by_kind() {
        let good = FleetReport::default();
        assert_eq!(good.what_failed(), "");
        assert_eq!(good.text().lines().count(), 1);

        let (speed, height, absent) = (2, 1, 4);
        let bad = FleetReport {
            violations: 7,
            violation_kinds: Violations {
                speed,
                height,
                absent,
                ..Violations::default()
            },
            first_failure: Some("bot 3 at tick 90".to_owned()),
            ..FleetReport::default()
        };
        let said = "violations: 2 speed, 1 height, 4 absent\nfirst failure: bot 3 at tick 90";
        assert!(bad.text().ends_with(said), "{}", bad.text());
        // A run may fail without anything that was seen: then only what happened is named.
        let lost = FleetReport {
            violations: 0,
            ..bad
        };
        assert_eq!(lost.what_failed(), "\nfirst failure: bot 3 at tick 90");
    }
}
