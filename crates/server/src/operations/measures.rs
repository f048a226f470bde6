//! How long things take, as histograms that whoever does them fills.

use std::time::Duration;

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

/// Histograms that are one metric, by the value of one label.
pub(super) type ByStage = Family<[(&'static str, &'static str); 1], Histogram, fn() -> Histogram>;

/// All histograms of a server. Cheap to clone: clones share them.
#[derive(Clone)]
pub(crate) struct Measures {
    /// A tick's work, whole.
    pub(crate) tick: Histogram,
    /// Its stages, in the order of [`STAGES`].
    stages: [Histogram; 4],
    /// The same, as they are told.
    pub(super) by_stage: ByStage,
    /// From a group's first byte written to its witness.
    pub(crate) sync: Histogram,
    /// In the queue of logins, by who got in.
    pub(crate) queue: Histogram,
    /// The account service's answers.
    pub(crate) auth: Histogram,
}

impl Default for Measures {
    fn default() -> Self {
        let work = || Histogram::new(WORK_S);
        let by_stage = ByStage::new_with_constructor(work);
        Self {
            tick: work(),
            stages: STAGES.map(|stage| by_stage.get_or_create_owned(&[("stage", stage)])),
            by_stage,
            sync: work(),
            queue: Histogram::new(WAIT_S),
            auth: work(),
        }
    }
}

impl Measures {
    /// Notes the stages of a tick.
    pub(crate) fn tick(&self, stages: [Duration; 4]) {
        let whole: Duration = stages.iter().sum();
        self.tick.observe(whole.as_secs_f64());
        for (histogram, stage) in self.stages.iter().zip(stages) {
            histogram.observe(stage.as_secs_f64());
        }
    }
}

impl std::fmt::Debug for Measures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Measures").finish_non_exhaustive()
    }
}

/// Of a tick.
const STAGES: [&str; 4] = ["gather", "step", "journal", "show"];

/// What people set alarms to: periods of 120, 60, 30 and 20 Hz among them.
const WORK_S: [f64; 16] = [
    0.000_25, 0.000_5, 0.001, 0.002, 0.004, 0.008_333, 0.016_667, 0.025, 0.033_333, 0.05, 0.1,
    0.25, 0.5, 1.0, 2.5, 10.0,
];
const WAIT_S: [f64; 8] = [1.0, 5.0, 15.0, 60.0, 180.0, 600.0, 1_800.0, 7_200.0];
