//! Predicted states: hashes that must agree where nothing unknown was near.

use super::finding::Finding;
use super::limits::Limits;

/// What a client said of the state that it made an input in, and what the server found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Prediction {
    /// The hash that came with the input.
    pub predicted: u32,
    /// The hash of the player's state when the input was applied.
    pub actual: u32,
    /// Whether something acted on the player that its client could not know: others within reach, an input that came too late, a hit.
    pub is_disturbed: bool,
}

/// Until when a client may be wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Excuse {
    pub(super) until: u64, // this tick is none any more
}

impl Excuse {
    /// A disturbance excuses for as long as it takes to tell the client and hear from it again. (Not until states agree: one
    /// input applied twice and the next one never agree with inputs from before the client heard of it, and then no more.)
    pub(super) fn judge(
        &mut self,
        tick: u64,
        prediction: &Prediction,
        limits: &Limits,
    ) -> Option<Finding> {
        if prediction.is_disturbed {
            self.until = tick.saturating_add(u64::from(limits.excused_ticks));
            return None;
        }
        let is_wrong = prediction.predicted != prediction.actual;
        (is_wrong && tick >= self.until).then_some(Finding::Mispredicted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disturbance_excuses_for_its_time() {
        let limits = Limits::at(30);
        let mut excuse = Excuse::default();
        let mut judge = |tick, predicted, is_disturbed| {
            let prediction = Prediction {
                predicted,
                actual: 1,
                is_disturbed,
            };
            excuse.judge(tick, &prediction, &limits).is_some()
        };
        assert!(!judge(10, 1, false) && judge(11, 2, false));
        assert!(!judge(20, 2, true) && !judge(21, 2, false));
        assert!(!judge(22, 1, false) && !judge(79, 2, false) && judge(80, 2, false));
    }
}
