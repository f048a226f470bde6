//! What a load came to, and whether the bots could tell.

use std::time::Duration;

use serde::Serialize;

use super::machine::CpuTime;
use crate::histogram::Histogram;

/// A thread that was busy for more than this share of the time was in nobody's time but its own.
const BUSY_MAX: f64 = 0.97;

/// What a thread's bots counted. Of the warm-up only what says so.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    /// Of the warm-up, too.
    pub(super) bots: u64,
    /// Of the warm-up, too: sessions that began, for the first time.
    pub(super) connected: u64,
    /// Sessions that are, and those of them that have been told of the world within a second.
    pub(super) inside: u64,
    pub(super) seeing: u64,
    /// Of the warm-up, too: bots that never got in.
    pub(super) connects_failed: u64,
    /// Of the warm-up, too: sessions that ended unasked.
    pub(super) disconnects: u64,
    /// Of the warm-up, too.
    pub(super) protocol_errors: u64,
    /// Of the warm-up, too: who asked for a line, and came in or back, again because of an end that nobody asked for.
    pub(super) resumed: u64,
    pub(super) resumes_failed: u64,
    /// Of the warm-up, too: who came back as somebody else.
    pub(super) entities_changed: u64,
    /// Of the warm-up, too.
    pub(super) digests_matched: u64,
    pub(super) digest_mismatches: u64,
    /// Packets, acknowledgements and all.
    pub(super) packets_sent: u64,
    pub(super) packets_received: u64,
    pub(super) datagrams_sent: u64,
    pub(super) datagrams_received: u64,
    pub(super) bytes_received: u64,
    pub(super) snapshots: u64,
    pub(super) epochs: u64,
    pub(super) seen: u64,
    /// From a datagram's time to what tells of its first new input.
    pub(super) effect: Histogram,
    /// How late sends were.
    pub(super) late: Histogram,
    /// Of the warm-up, too: from a bot's time to its welcome.
    pub(super) login: Histogram,
    /// Of the warm-up, too: from the loss of a line to the first snapshot after it.
    pub(super) back: Histogram,
    /// Time that bots spent in sessions.
    pub(super) bot_time: Duration,
    pub(super) cpu: CpuTime,
    /// The share of the time that the busiest thread ran.
    pub(super) busy: f64,
    pub(super) socket_drops: u64,
    pub(super) sends_blocked: u64,
    pub(super) first_failure: Option<String>,
}

impl Sums {
    /// Forgets what does not count of a warm-up.
    pub(super) fn begin_again(&mut self) {
        *self = Self {
            bots: self.bots,
            connected: self.connected,
            inside: self.inside,
            seeing: self.seeing,
            connects_failed: self.connects_failed,
            disconnects: self.disconnects,
            protocol_errors: self.protocol_errors,
            resumed: self.resumed,
            resumes_failed: self.resumes_failed,
            entities_changed: self.entities_changed,
            digests_matched: self.digests_matched,
            digest_mismatches: self.digest_mismatches,
            login: core::mem::take(&mut self.login),
            back: core::mem::take(&mut self.back),
            first_failure: self.first_failure.take(),
            ..Self::default()
        };
    }

    /// Notes a failure: its words, if it is the first.
    pub(super) fn fail(&mut self, words: impl FnOnce() -> String) {
        self.first_failure.get_or_insert_with(words);
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.bots += other.bots;
        self.connected += other.connected;
        self.inside += other.inside;
        self.seeing += other.seeing;
        self.connects_failed += other.connects_failed;
        self.disconnects += other.disconnects;
        self.protocol_errors += other.protocol_errors;
        self.resumed += other.resumed;
        self.resumes_failed += other.resumes_failed;
        self.entities_changed += other.entities_changed;
        self.digests_matched += other.digests_matched;
        self.digest_mismatches += other.digest_mismatches;
        self.packets_sent += other.packets_sent;
        self.packets_received += other.packets_received;
        self.datagrams_sent += other.datagrams_sent;
        self.datagrams_received += other.datagrams_received;
        self.bytes_received += other.bytes_received;
        self.snapshots += other.snapshots;
        self.epochs += other.epochs;
        self.seen += other.seen;
        self.effect.add(&other.effect);
        self.late.add(&other.late);
        self.login.add(&other.login);
        self.back.add(&other.back);
        self.bot_time += other.bot_time;
        self.cpu.user += other.cpu.user;
        self.cpu.system += other.cpu.system;
        self.busy = self.busy.max(other.busy);
        self.socket_drops += other.socket_drops;
        self.sends_blocked += other.sends_blocked;
        if self.first_failure.is_none() {
            self.first_failure.clone_from(&other.first_failure);
        }
    }
}

/// Quantiles, milliseconds.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub(super) struct Times {
    p50: f64,
    p99: f64,
    p999: f64,
    max: f64,
    count: u64,
}

impl From<&Histogram> for Times {
    fn from(of: &Histogram) -> Self {
        Self {
            p50: of.quantile_ms(0.5),
            p99: of.quantile_ms(0.99),
            p999: of.quantile_ms(0.999),
            max: of.max_ms(),
            count: of.count(),
        }
    }
}

/// A load, at one moment or at its end. What is not said to be of all of it is of the time after the warm-up.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub(super) struct LoadReport {
    /// Since the warm-up.
    pub(super) seconds: f64,
    pub(super) bots: u64,
    /// Bots that came in, of all of it; those who are in, and of them those who saw something of the world within a second; and those who
    /// never got in.
    pub(super) connected: u64,
    pub(super) inside: u64,
    pub(super) seeing: u64,
    pub(super) connects_failed: u64,
    /// Of all of it: sessions that ended unasked.
    pub(super) disconnects: u64,
    pub(super) protocol_errors: u64,
    pub(super) resumed: u64,
    pub(super) resumes_failed: u64,
    pub(super) entities_changed: u64,
    pub(super) digests_matched: u64,
    pub(super) digest_mismatches: u64,
    /// A bot and second.
    pub(super) packets_sent_s: f64,
    pub(super) packets_received_s: f64,
    pub(super) datagrams_sent_s: f64,
    pub(super) datagrams_received_s: f64,
    pub(super) snapshots_s: f64,
    pub(super) bytes_received_s: f64,
    pub(super) seen_mean: f64,
    /// From the time at which a datagram was to be sent to the arrival of the own state after its first new input.
    pub(super) effect_ms: Times,
    /// How late datagrams were sent.
    pub(super) late_ms: Times,
    /// From the time at which a bot was to come to its welcome.
    pub(super) login_ms: Times,
    /// From the loss of a line to the first snapshot.
    pub(super) back_ms: Times,
    /// Processor time of the bots' threads, a bot and second, microseconds: their own, and the system's for them.
    pub(super) user_us: f64,
    pub(super) system_us: f64,
    /// The share of the time that the busiest thread ran.
    pub(super) busy: f64,
    pub(super) socket_drops: u64,
    pub(super) sends_blocked: u64,
    /// Why nothing of this says anything of the server.
    pub(super) void: Vec<String>,
    pub(super) first_failure: Option<String>,
    /// The last line of a run.
    pub(super) has_summary: bool,
}

impl LoadReport {
    pub(super) fn new(sums: &Sums, late_max_ms: f64, passed: Duration) -> Self {
        let bot_s = sums.bot_time.as_secs_f64().max(1e-3);
        let each = |count: u64| count as f64 / bot_s;
        let cpu_us = |time: Duration| time.as_secs_f64() * 1e6 / bot_s;
        let mut this = Self {
            seconds: passed.as_secs_f64(),
            bots: sums.bots,
            connected: sums.connected,
            inside: sums.inside,
            seeing: sums.seeing,
            connects_failed: sums.connects_failed,
            disconnects: sums.disconnects,
            protocol_errors: sums.protocol_errors,
            resumed: sums.resumed,
            resumes_failed: sums.resumes_failed,
            entities_changed: sums.entities_changed,
            digests_matched: sums.digests_matched,
            digest_mismatches: sums.digest_mismatches,
            packets_sent_s: each(sums.packets_sent),
            packets_received_s: each(sums.packets_received),
            datagrams_sent_s: each(sums.datagrams_sent),
            datagrams_received_s: each(sums.datagrams_received),
            snapshots_s: each(sums.snapshots),
            bytes_received_s: each(sums.bytes_received),
            seen_mean: sums.seen as f64 / sums.epochs.max(1) as f64,
            effect_ms: (&sums.effect).into(),
            late_ms: (&sums.late).into(),
            login_ms: (&sums.login).into(),
            back_ms: (&sums.back).into(),
            user_us: cpu_us(sums.cpu.user),
            system_us: cpu_us(sums.cpu.system),
            busy: sums.busy,
            socket_drops: sums.socket_drops,
            sends_blocked: sums.sends_blocked,
            void: Vec::new(),
            first_failure: sums.first_failure.clone(),
            has_summary: false,
        };
        this.void = this.faults(late_max_ms);
        this
    }

    /// In what the bots, not the server, were too slow.
    fn faults(&self, late_max_ms: f64) -> Vec<String> {
        let late = self.late_ms.p99;
        let faults = [
            (
                late > late_max_ms,
                format!(
                    "one in a hundred sends was more than {late:.1} ms late, {late_max_ms} allowed"
                ),
            ),
            (
                self.busy > BUSY_MAX,
                format!("a thread was busy {:.1} % of the time", self.busy * 1e2),
            ),
            (
                self.socket_drops > 0,
                format!("the bots' sockets dropped {} packets", self.socket_drops),
            ),
        ];
        let found = faults.into_iter().filter(|(is_so, _)| *is_so);
        found.map(|(_, words)| words).collect()
    }

    pub(super) fn is_good(&self) -> bool {
        let bad = [
            self.connects_failed,
            self.disconnects,
            self.protocol_errors,
            self.digest_mismatches,
            self.resumes_failed,
            self.entities_changed,
        ];
        self.void.is_empty() && bad == [0; 6] && self.connected == self.bots
    }

    pub(super) fn json(&self) -> String {
        #[derive(Serialize)]
        #[serde(tag = "event", rename_all = "lowercase")]
        enum Line<'a> {
            Load(&'a LoadReport),
        }
        serde_json::to_string(&Line::Load(self)).unwrap_or_default()
    }

    pub(super) fn text(&self) -> String {
        let times =
            |of: &Times| format!("p50 {:.1} p99 {:.1} max {:.1} ms", of.p50, of.p99, of.max);
        let back = match self.back_ms.count {
            0 => String::new(),
            count => format!(
                "\n{count} came back, {} not, {} as others: first seen {}",
                self.resumes_failed,
                self.entities_changed,
                times(&self.back_ms)
            ),
        };
        let failure = self.first_failure.as_ref();
        let failure = failure.map_or(String::new(), |f| format!("\nfirst failure: {f}"));
        let void = match self.void.as_slice() {
            [] => String::new(),
            faults => format!("\nVOID: {}", faults.join("; ")),
        };
        format!(
            "{} of {} bots connected, {} in · {} never · {} disconnects · {} protocol errors · digests {} matched, {} not\n\
             a bot and second: {:.1} packets sent, {:.1} received · {:.1} datagrams sent, {:.1} received, {:.1} snapshots, {:.1} kB · seen {:.0}\n\
             input to effect {} · login {}\n\
             bots: {:.0} + {:.0} µs a bot and second, {:.0} % busy · sends late {} · {} dropped, {} blocked{back}{failure}{void}",
            self.connected,
            self.bots,
            self.inside,
            self.connects_failed,
            self.disconnects,
            self.protocol_errors,
            self.digests_matched,
            self.digest_mismatches,
            self.packets_sent_s,
            self.packets_received_s,
            self.datagrams_sent_s,
            self.datagrams_received_s,
            self.snapshots_s,
            self.bytes_received_s / 1e3,
            self.seen_mean,
            times(&self.effect_ms),
            times(&self.login_ms),
            self.user_us,
            self.system_us,
            self.busy * 1e2,
            times(&self.late_ms),
            self.socket_drops,
            self.sends_blocked,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Sums {
        let mut sums = Sums {
            bots: 3,
            connected: 3,
            busy: 0.5,
            bot_time: Duration::from_secs(3),
            ..Sums::default()
        };
        (0..1_000).for_each(|_| sums.late.record(Duration::from_micros(900)));
        sums
    }

    fn report(change: impl FnOnce(&mut Sums)) -> LoadReport {
        let mut sums = good();
        change(&mut sums);
        LoadReport::new(&sums, 5.0, Duration::from_secs(1))
    }

    #[test]
    fn a_run_is_void_when_the_bots_were_too_slow() {
        assert!(report(|_| {}).is_good());
        let late = |sums: &mut Sums| {
            (0..11).for_each(|_| sums.late.record(Duration::from_millis(6)));
        };
        let void = [
            report(late),
            report(|sums| sums.busy = 0.98),
            report(|sums| sums.socket_drops = 1),
        ];
        for report in void {
            assert!(report.void.len() == 1 && !report.is_good(), "{report:?}");
            assert!(report.text().contains("VOID") && report.json().contains("\"void\":[\""));
        }
    }

    #[test]
    fn a_run_fails_for_what_the_server_did() {
        assert!(!report(|sums| sums.disconnects = 1).is_good());
        assert!(!report(|sums| sums.connected = 2).is_good());
        assert!(!report(|sums| sums.digest_mismatches = 1).is_good());
    }

    #[test]
    fn threads_add_up_and_the_warm_up_is_forgotten() {
        let mut all = good();
        all.add(&good());
        all.digests_matched = 9;
        assert_eq!((all.bots, all.late.count()), (6, 2_000));
        all.begin_again();
        let kept = (all.bots, all.connected, all.digests_matched);
        assert_eq!((kept, all.late.count()), ((6, 6, 9), 0));
        assert_eq!((all.bot_time, all.busy), (Duration::ZERO, 0.0));
    }
}
