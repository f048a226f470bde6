//! The metrics: every number of the [`crate::Status`], and the histograms, in the text format of OpenMetrics.
//!
//! [`ROWS`] is the one place that says what a number of the status is called here; a test finds those that it forgets.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use serde_json::Value;

use super::health::free_bytes;
use super::http::Boards;
use super::measures::Measures;
use super::vitals::Vitals;
use crate::gateway::Lobby;

/// Everything that is measured.
#[derive(Debug)]
pub(crate) struct Exposition(Registry);

impl Exposition {
    pub(crate) fn new(boards: Boards, now: OfNow, measures: &Measures) -> Self {
        let mut all = Registry::with_prefix("bluemarble");
        let work =
            "Work of a tick, from draining the inputs to handing the snapshots over, seconds";
        all.register("tick_seconds", work, measures.tick.clone());
        let stages = "Of a tick's work each stage, seconds";
        all.register("tick_stage_seconds", stages, measures.by_stage.clone());
        let sync = "Of the journal's groups, from the first byte written to the witness, seconds";
        all.register("journal_sync_seconds", sync, measures.sync.clone());
        let queue = "What who got in had waited in the queue of logins, seconds";
        all.register("login_queue_seconds", queue, measures.queue.clone());
        let auth = "What answers of the account service took, seconds";
        all.register("auth_seconds", auth, measures.auth.clone());
        all.register_collector(Box::new(OfStatus(boards)));
        all.register_collector(Box::new(now));
        Self(all)
    }

    /// All of it.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut all = String::new();
        encode(&mut all, &self.0)?;
        Ok(all)
    }
}

/// How a number of the status is told.
struct Row {
    /// Where it is in the status, as JSON has it.
    at: &'static str,
    name: &'static str,
    help: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Gauge,
    Counter,
    /// As many as a map has, by this label.
    Gauges(&'static str),
    Counters(&'static str),
}

const fn gauge(at: &'static str, name: &'static str, help: &'static str) -> Row {
    let kind = Kind::Gauge;
    Row {
        at,
        name,
        help,
        kind,
    }
}

const fn counter(at: &'static str, name: &'static str, help: &'static str) -> Row {
    let kind = Kind::Counter;
    Row {
        at,
        name,
        help,
        kind,
    }
}

const fn map(at: &'static str, name: &'static str, help: &'static str, kind: Kind) -> Row {
    Row {
        at,
        name,
        help,
        kind,
    }
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    gauge("/tick", "tick", "Ticks executed since the world's start"),
    gauge("/state_hash_tick", "state_hash_tick", "The tick of the newest state hash"),
    gauge("/durable_tick", "durable_tick", "Every frame up to this tick is on the disk"),
    gauge("/players", "players", "Players in the world, those who linger among them"),
    gauge("/lingering", "lingering", "Players whose line is lost and who may come back"),
    gauge("/entities", "entities", "Entities in the world"),
    gauge("/held", "held", "Entities that stand still because their ground is not resident"),
    gauge("/throttle", "throttle_level", "Steps of what is left undone that are in force; 0: everything is done"),
    gauge("/pace", "pace", "How fast the world's time runs; 1 in full"),
    gauge("/tiles", "tiles", "Tiles of terrain that are resident"),
    gauge("/seen_mean", "seen_mean", "Entities that a player sees, mean"),
    gauge("/tick_ms/p50", "tick_p50_milliseconds", "Median of the work of all ticks"),
    gauge("/tick_ms/p99", "tick_p99_milliseconds", "What 99 of 100 ticks do not exceed"),
    gauge("/tick_ms/max", "tick_max_milliseconds", "The longest tick"),
    counter("/tick_ms/count", "ticks", "Ticks of this process"),
    gauge("/stages_ms/gather", "stage_gather_mean_milliseconds", "Draining queues, agents' choices, terrain; mean"),
    gauge("/stages_ms/step", "stage_step_mean_milliseconds", "The step; mean"),
    gauge("/stages_ms/journal", "stage_journal_mean_milliseconds", "Records, hash, checkpoint; mean"),
    gauge("/stages_ms/show", "stage_show_mean_milliseconds", "Interest, snapshots, digests; mean"),
    gauge("/tick_recent_ms/p50", "tick_recent_p50_milliseconds", "Work of the ticks of the last ten seconds, median"),
    gauge("/tick_recent_ms/p99", "tick_recent_p99_milliseconds", "Work of the ticks of the last ten seconds, what 99 of 100 do not exceed"),
    gauge("/tick_recent_ms/max", "tick_recent_max_milliseconds", "Work of the ticks of the last ten seconds, the longest"),
    gauge("/tick_recent_ms/count", "tick_recent_count", "Work of the ticks of the last ten seconds: how many"),
    gauge("/effect_ms/p50", "effect_p50_milliseconds", "From inputs to their effects, server side, median"),
    gauge("/effect_ms/p99", "effect_p99_milliseconds", "From inputs to their effects, server side, what 99 of 100 do not exceed"),
    gauge("/effect_ms/max", "effect_max_milliseconds", "From inputs to their effects, server side, the longest"),
    counter("/effect_ms/count", "effects", "Inputs whose effects were timed"),
    gauge("/effect_recent_ms/p50", "effect_recent_p50_milliseconds", "The same in the last ten seconds, median"),
    gauge("/effect_recent_ms/p99", "effect_recent_p99_milliseconds", "The same in the last ten seconds, what 99 of 100 do not exceed"),
    gauge("/effect_recent_ms/max", "effect_recent_max_milliseconds", "The same in the last ten seconds, the longest"),
    gauge("/effect_recent_ms/count", "effect_recent_count", "The same in the last ten seconds: how many"),
    gauge("/stages_ms/interest", "stage_interest_mean_milliseconds", "Of the last stage the interest; mean"),
    gauge("/stages_ms/encode", "stage_encode_mean_milliseconds", "Of the last stage the encoding; mean"),
    gauge("/bytes_per_player_s", "player_bytes_second", "Bytes of state to a player in the last second, mean"),
    counter("/ticks_skipped", "ticks_skipped", "Ticks that were let go because the world was too late"),
    counter("/stalled_ms", "stalled_milliseconds", "Time in which the world stood still for the disk"),
    counter("/journal_bytes", "journal_bytes", "Bytes written to the journal"),
    counter("/journal_syncs", "journal_syncs", "Groups of ticks synced"),
    counter("/storage_refused", "storage_refused", "Logins and commands refused because the disk is full"),
    counter("/checkpoints_skipped", "checkpoints_skipped", "Checkpoints that were not written for want of room"),
    counter("/backups", "backups", "Backups that the server made by itself"),
    counter("/backups_failed", "backups_failed", "Backups that failed"),
    gauge("/backup_tick", "backup_tick", "The last tick in the newest backup"),
    gauge("/backup_s", "backup_seconds", "What the newest backup took"),
    counter("/joins", "joins", "Players let in"),
    counter("/leaves", "leaves", "Sessions that ended"),
    counter("/resumed", "resumed", "Sessions taken up again after their lines were lost"),
    map("/resumes_refused", "resumes_refused", "Of the refused those who wanted to come back, by why", Kind::Counters("why")),
    counter("/refusals", "refusals", "Connections refused or ended, all reasons"),
    map("/refused", "refused", "The same by the code that was told; none before a handshake's end", Kind::Counters("code")),
    map("/logins_failed", "logins_failed", "Of the refused those whose token or proof was of no use, by why", Kind::Counters("why")),
    counter("/datagrams_bad", "datagrams_bad", "Datagrams from clients that were no inputs"),
    counter("/inputs_dropped", "inputs_dropped", "Inputs dropped because the world's queue was full"),
    counter("/batches_dropped", "batches_dropped", "Ticks' snapshots dropped because the network had not taken those before"),
    counter("/snapshots_dropped", "snapshots_dropped", "Snapshots dropped because a client's backlog was full"),
    counter("/commands", "commands", "Commands that came to the game"),
    counter("/says", "says", "What players said that came to the game"),
    counter("/chat_dropped", "chat_dropped", "What was said that somebody did not hear"),
    counter("/tiles_sent", "tiles_sent", "Tiles of terrain that clients were sent"),
    counter("/tile_bytes_sent", "tile_bytes_sent", "Their bytes"),
    counter("/tiles_refused", "tiles_refused", "Requests for tiles that were refused for now"),
    map("/judged/findings", "findings", "What players were found at", Kind::Counters("finding")),
    counter("/judged/corrected", "corrected", "How often a player's inputs were no more used"),
    counter("/judged/kicked", "unfair_kicked", "Players sent away for playing unfair"),
    counter("/judged/banned", "unfair_banned", "Players kept out for it"),
    counter("/shots/fired", "shots_fired", "Shots fired"),
    counter("/shots/hits", "shots_hits", "Of them those that hit somebody"),
    counter("/shots/forgotten", "shots_forgotten", "Of them those of a moment that was not remembered"),
    counter("/shots/left_out", "shots_left_out", "Players who could not be remembered for a tick, summed over ticks"),
    gauge("/recovered_tick", "recovered_tick", "The tick that the start found"),
    gauge("/recovered_entries", "recovered_entries", "Journal entries replayed at the start"),
    gauge("/queue/waiting", "login_queue_waiting", "Players who wait for a place"),
    counter("/queue/joined", "login_queue_joined", "Players who began to wait"),
    counter("/queue/entered", "login_queue_entered", "Of them those who got a place"),
    counter("/queue/left", "login_queue_left", "Of them those who went away before"),
    gauge("/queue/wait_s", "login_queue_wait_seconds", "How long who comes now is going to wait; 0 with no queue"),
    map("/limited", "limited", "What was too much for a session's share, by class", Kind::Counters("class")),
    map("/queues", "queue_depth", "What waits in the queues between network and world", Kind::Gauges("queue")),
    map("/auth", "auth", "What came of asking the account service", Kind::Counters("outcome")),
    gauge("/auth_breaker", "auth_breaker", "Whether the account service is asked: 0 yes, 1 probed, 2 no"),
    gauge("/banned", "banned", "Players on the list of the kept out"),
];

/// The numbers of the status of every world.
#[derive(Debug)]
struct OfStatus(Boards);

impl Collector for OfStatus {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut worlds = Vec::new();
        for (id, board) in &self.0 {
            let status = serde_json::to_value(board.read()).map_err(|_| fmt::Error)?;
            worlds.push((id.0.to_string(), status));
        }
        for row in ROWS {
            let (kind, label) = match row.kind {
                Kind::Gauge => (MetricType::Gauge, None),
                Kind::Counter => (MetricType::Counter, None),
                Kind::Gauges(label) => (MetricType::Gauge, Some(label)),
                Kind::Counters(label) => (MetricType::Counter, Some(label)),
            };
            let mut metric = encoder.encode_descriptor(row.name, row.help, None, kind)?;
            for (world, status) in &worlds {
                let found = status.pointer(row.at).unwrap_or(&Value::Null);
                let of_world = ("world", world.as_str());
                let Some(label) = label else {
                    tell(kind, found, metric.encode_family(&[of_world])?)?;
                    continue;
                };
                for (value, count) in found.as_object().into_iter().flatten() {
                    let labels = [of_world, (label, value.as_str())];
                    tell(kind, count, metric.encode_family(&labels)?)?;
                }
            }
        }
        Ok(())
    }
}

fn tell(kind: MetricType, number: &Value, metric: MetricEncoder<'_>) -> fmt::Result {
    match kind {
        MetricType::Counter => ConstCounter::new(number.as_u64().unwrap_or(0)).encode(metric),
        _ => ConstGauge::new(number.as_f64().unwrap_or(0.0)).encode(metric),
    }
}

/// What is true at the moment of asking.
#[derive(Debug)]
pub(super) struct OfNow {
    pub(super) vitals: Arc<Vitals>,
    pub(super) lobby: Arc<Lobby>,
    pub(super) data_dir: PathBuf,
}

impl Collector for OfNow {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let free = free_bytes(&self.data_dir).unwrap_or(0);
        let waiting = self.vitals.worlds().iter().map(|world| world.waiting());
        let rows = [
            (
                "ready",
                "Whether players may come",
                f64::from(self.vitals.is_ready()),
            ),
            (
                "draining",
                "Whether the server is about to end",
                f64::from(self.vitals.is_draining()),
            ),
            (
                "journal_waiting_ticks",
                "Ticks that wait for the disk",
                waiting.sum::<u64>() as f64,
            ),
            (
                "logging_in",
                "Connections between their handshake and their login",
                self.lobby.logging_in() as f64,
            ),
            (
                "disk_free_bytes",
                "What the data directory's disk has left",
                free as f64,
            ),
        ];
        for (name, help, number) in rows {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(number).encode(metric)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::status::Status;

    /// Where all numbers and maps of a status are.
    fn places(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                for (name, value) in fields {
                    places(value, &format!("{at}/{name}"), found);
                }
            }
            Value::String(_) => {} // a hash is no number
            _ => found.push(at.to_owned()),
        }
    }

    #[test]
    fn every_number_of_the_status_has_a_metric_of_its_own() {
        let status = serde_json::to_value(Status::default()).unwrap();
        let mut found = Vec::new();
        places(&status, "", &mut found);
        let told: BTreeSet<&str> = ROWS.iter().map(|row| row.at).collect();
        let missing: Vec<_> = found
            .iter()
            .filter(|at| !told.contains(at.as_str()))
            .collect();
        assert!(missing.is_empty(), "give them rows: {missing:?}");
        assert_eq!(found.len(), ROWS.len(), "a row of what is not there");
        let names: BTreeSet<&str> = ROWS.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), ROWS.len(), "a name is used twice");
    }

    #[test]
    fn every_metric_is_explained_to_operators() {
        let document = include_str!("../../../../docs/operations.md");
        for row in ROWS {
            let name = format!("`bluemarble_{}", row.name);
            assert!(
                document.contains(&name),
                "docs/operations.md does not know {name}`"
            );
        }
    }
}
