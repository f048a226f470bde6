//! What the loop measures.

use std::time::{Duration, Instant};

use super::views::ShowTimes;
use crate::clock;
use crate::histogram::Windowed;
use crate::operations::Measures;
use crate::status::{StageTimes, Status};

/// Counters since the start of the process.
#[derive(Default)]
pub(super) struct Tally {
    work: Windowed,
    ticks: u64,
    measures: Measures,
    /// Gather, step, journal, show.
    stages: [Duration; 4],
    pub(super) held: u32,
    pub(super) joins: u64,
    pub(super) leaves: u64,
    pub(super) resumed: u64,
    pub(super) skipped: u64,
    pub(super) stalled: Duration,
    pub(super) batches_dropped: u64,
}

impl Tally {
    /// Tells the histograms too.
    pub(super) fn with(measures: Measures) -> Self {
        Self {
            measures,
            ..Self::default()
        }
    }

    /// Takes in a tick's stages.
    pub(super) fn add(&mut self, stages: [Duration; 4], period: Duration) {
        let work = stages.iter().sum();
        self.work.record(work);
        self.measures.tick(stages);
        self.ticks += 1;
        for (sum, stage) in self.stages.iter_mut().zip(stages) {
            *sum += stage;
        }
        if work > period {
            tracing::debug!(?work, ?stages, "a tick took longer than its period");
        }
    }

    /// Writes what is measured here into a status.
    pub(super) fn write(&mut self, shown: ShowTimes, status: &mut Status) {
        [status.tick_ms, status.tick_recent_ms] = self.work.times(clock::now());
        let ticks = self.ticks.max(1) as f64;
        let mean_ms = |sum: Duration| sum.as_secs_f64() * 1e3 / ticks;
        let [gather, step, journal, show] = self.stages.map(mean_ms);
        let (interest, encode) = (mean_ms(shown.interest), mean_ms(shown.encode));
        status.stages_ms = StageTimes {
            gather,
            step,
            journal,
            show,
            interest,
            encode,
        };
        status.held = self.held;
        status.joins = self.joins;
        status.leaves = self.leaves;
        status.resumed = self.resumed;
        status.ticks_skipped = self.skipped;
        status.stalled_ms = self.stalled.as_millis() as u64;
        status.batches_dropped = self.batches_dropped;
    }
}

/// Measures laps.
pub(super) struct StopWatch(Instant);

impl StopWatch {
    pub(super) fn start() -> Self {
        Self(clock::now())
    }

    /// The time since the start or the last lap.
    pub(super) fn lap(&mut self) -> Duration {
        let now = clock::now();
        let lap = now - self.0;
        self.0 = now;
        lap
    }
}
