//! What a running server says about itself.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

/// A server at one moment. Counters run since the start of the process.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Status {
    /// Ticks executed since the world's start.
    pub tick: u64,
    /// The state's hash before that tick (hexadecimal), as last journalled.
    pub state_hash: String,
    /// The tick of `state_hash`.
    pub state_hash_tick: u64,
    /// Every frame up to this tick is on the disk.
    pub durable_tick: u64,
    /// Players in the world, those who linger among them.
    pub players: u32,
    /// Players whose line is lost and who may come back to their avatars.
    pub lingering: u32,
    /// Entities in the world, players included.
    pub entities: u32,
    /// Entities that stand still because their ground is not resident.
    pub held: u32,
    /// Steps of what is left undone when ticks take too long that are in force; 0: everything is done.
    pub throttle: u8,
    /// How fast the world's time runs: 1 in full, less when nothing else suffices.
    pub pace: f64,
    /// Tiles of terrain that are resident.
    pub tiles: u32,
    /// Entities that a player sees, mean over the players.
    pub seen_mean: f64,
    /// Tick work time, milliseconds: from draining the inputs to handing the snapshots over.
    pub tick_ms: TickTimes,
    /// The same within ten seconds, the last that are over.
    pub tick_recent_ms: TickTimes,
    /// Mean time of each stage of a tick, milliseconds.
    pub stages_ms: StageTimes,
    /// From a datagram of inputs off a socket to the handing over to it of what tells its player of the first new one's effect, milliseconds.
    pub effect_ms: TickTimes,
    /// The same within ten seconds, the last that are over.
    pub effect_recent_ms: TickTimes,
    /// State that left for a player in the last second, bytes (datagram payloads), mean over the players.
    pub bytes_per_player_s: f64,
    /// Ticks that started late and were skipped over, because more than the catch-up limit had gathered.
    pub ticks_skipped: u64,
    /// Milliseconds in which the world stood still because the journal's queue was full.
    pub stalled_ms: u64,
    /// Journal: bytes written.
    pub journal_bytes: u64,
    /// Journal: sync groups.
    pub journal_syncs: u64,
    /// How much room the disk has for the journal: `ample`; `reserve`, and durable requests are refused; `out`, and the world stands still.
    pub room: String,
    /// Logins and commands that were refused because nothing can be stored.
    pub storage_refused: u64,
    /// Checkpoints that were not written for want of room.
    pub checkpoints_skipped: u64,
    /// Backups that the server has made by itself.
    pub backups: u64,
    /// Those that failed.
    pub backups_failed: u64,
    /// The last tick in the newest backup.
    pub backup_tick: u64,
    /// What that backup took, seconds.
    pub backup_s: f64,
    /// Connections accepted into the world.
    pub joins: u64,
    /// Sessions that ended.
    pub leaves: u64,
    /// Sessions that were taken up again after their lines were lost.
    pub resumed: u64,
    /// Of the connections refused those that wanted to, by why: `unknown` (there is no such secret), `used`, `over` (the session is, or there are newer
    /// secrets), `proof_wrong`.
    pub resumes_refused: BTreeMap<String, u64>,
    /// Connections refused, all reasons.
    pub refusals: u64,
    /// Of them those of logins whose token or proof was of no use, by why: `token_forged`, `token_expired`, `token_used`,
    /// `token_audience`, `token_world`, `proof_missing`, `proof_wrong` and so on.
    pub logins_failed: BTreeMap<String, u64>,
    /// Datagrams from clients that were no inputs.
    pub datagrams_bad: u64,
    /// Inputs dropped because the world's queue was full.
    pub inputs_dropped: u64,
    /// Batches of snapshots dropped because the network thread had not taken the ones before.
    pub batches_dropped: u64,
    /// Snapshots dropped because a client's own backlog was full.
    pub snapshots_dropped: u64,
    /// Commands that came to the game.
    pub commands: u64,
    /// What players said that came to the game.
    pub says: u64,
    /// What was said that somebody did not hear: queues or a player's share were full.
    pub chat_dropped: u64,
    /// Tiles of terrain that clients were sent.
    pub tiles_sent: u64,
    /// Their bytes, as they travelled.
    pub tile_bytes_sent: u64,
    /// Requests for tiles that were refused for now: a session had had its share, or too many asked.
    pub tiles_refused: u64,
    /// The same refusals by the code that was told: `full`, `flood`, `unfair` and so on; `none` before a handshake's end.
    pub refused: BTreeMap<String, u64>,
    /// Who waits for a place in a full world.
    pub queue: QueueCounts,
    /// What was more than a session's share, by class: `input`, `command`, `trade`, `say`, `tile`.
    pub limited: BTreeMap<String, u64>,
    /// What waits in the queues between network and world, by queue.
    pub queues: BTreeMap<String, u64>,
    /// What came of asking the account service, if there is one: `accepted`, `denied`, `failed`, `timed_out`, `skipped_refused`, `skipped_accepted`.
    pub auth: BTreeMap<String, u64>,
    /// Whether it is asked: 0 yes, 1 to find out whether it is well, 2 no.
    pub auth_breaker: u8,
    /// Players on the list of the kept out.
    pub banned: u32,
    /// What judging the players came to.
    pub judged: JudgedCounts,
    /// What shots came to.
    pub shots: ShotCounts,
    /// What the start found: the tick that was recovered and how many journal entries were replayed.
    pub recovered_tick: u64,
    /// Journal entries replayed at the start.
    pub recovered_entries: u64,
}

/// Who waits for a place in a full world.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct QueueCounts {
    /// Now.
    pub waiting: u32,
    /// Who began to.
    pub joined: u64,
    /// Of them those who got a place.
    pub entered: u64,
    /// Of them those who went away before.
    pub left: u64,
    /// How long who comes now is going to wait, as things go; 0 with no queue, 65535 where nobody can tell.
    pub wait_s: u16,
}

/// What players were found at, and what became of them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JudgedCounts {
    /// Findings by name: [`sim_core::Finding::name`].
    pub findings: BTreeMap<String, u64>,
    /// How often a player's inputs were no more used.
    pub corrected: u64,
    /// Sessions that were ended.
    pub kicked: u64,
    /// Players who were banned.
    pub banned: u64,
}

/// What shots came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ShotCounts {
    /// Shots fired.
    pub fired: u64,
    /// Of them those that hit somebody.
    pub hits: u64,
    /// Of them those of a moment that was not remembered, judged by the newest one.
    pub forgotten: u64,
    /// Players who could not be remembered for a tick, summed over ticks: nobody hits them in it. They come and go faster than room is made for.
    pub left_out: u64,
}

/// Quantiles of times, milliseconds.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TickTimes {
    /// Median.
    pub p50: f64,
    /// 99 of 100 are not longer.
    pub p99: f64,
    /// The longest.
    pub max: f64,
    /// How many were measured.
    pub count: u64,
}

/// Where a tick's time goes: means over all ticks, milliseconds.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StageTimes {
    /// Draining queues, agents' choices, terrain.
    pub gather: f64,
    /// `World::step`.
    pub step: f64,
    /// Encoding records, state hash, checkpoint bytes.
    pub journal: f64,
    /// Index, interest, snapshots, digests.
    pub show: f64,
    /// Of that the index, and who sees whom.
    pub interest: f64,
    /// Of that baselines and snapshots.
    pub encode: f64,
}

impl Status {
    /// One line for people.
    pub fn line(&self) -> String {
        format!(
            "tick {} · {} players · {} entities · tick work p50 {:.2} p99 {:.2} max {:.2} ms · seen {:.0} · \
             {:.1} kB/s a player · durable {} · held {} · refused {} · findings {} · kicked {}",
            self.tick,
            self.players,
            self.entities,
            self.tick_ms.p50,
            self.tick_ms.p99,
            self.tick_ms.max,
            self.seen_mean,
            self.bytes_per_player_s / 1e3,
            self.durable_tick,
            self.held,
            self.refusals,
            self.judged.findings.values().sum::<u64>(),
            self.judged.kicked + self.judged.banned,
        )
    }
}

/// The latest status, written by the world thread.
#[derive(Debug, Default)]
pub(crate) struct StatusBoard(Mutex<Status>);

impl StatusBoard {
    pub(crate) fn update(&self, change: impl FnOnce(&mut Status)) {
        // Nothing that holds the lock can panic half-way: a poisoned status is still a status.
        change(&mut self.0.lock().unwrap_or_else(|e| e.into_inner()));
    }

    pub(crate) fn read(&self) -> Status {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }
}
