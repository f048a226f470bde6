//! Where a body's velocity leads.

/// What a coordinate's prediction is made of, along one axis; learnt, a small step each time. Whatever is off by much
/// teaches no more than what is off by little: the least sum of magnitudes is sought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Lead {
    /// In 1/4,096: of the ways since one, three and six frames before the baseline.
    ways: [i32; 3],
    /// In 1/4,096: of how far the neighbours' predictions were off.
    pull: i32,
}

/// What is known along one axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Known {
    pub(super) ways: [i32; 3],
    pub(super) pull: i32,
}

impl Default for Lead {
    /// Six frames at the last frame's speed, which is bent as it was between the baseline and six before.
    fn default() -> Self {
        Self {
            ways: [7 * ONE, ONE / 2, -ONE / 2],
            pull: ONE / 4,
        }
    }
}

const ONE: i32 = 4_096;

/// Steps of learning. Without any, ways cost 2.5 B a packet of the benchmark more; a third or three times of it change 0.4 B at most.
const WAY_STEP: i32 = 3;
const PULL_STEP: i32 = 16;

impl Lead {
    /// How far a body will come; without its neighbours, and how much these add.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "three ways of 16 bits, weights of 16: at most 2³⁰ when divided by 4,096"
    )]
    pub(super) fn predict(&self, known: &Known) -> (i32, i32) {
        let ways = known.ways.iter().zip(&self.ways);
        let sum: i64 = ways
            .map(|(way, weight)| i64::from(*way) * i64::from(*weight))
            .sum();
        let pull = i64::from(known.pull) * i64::from(self.pull);
        (((sum + 2_048) >> 12) as i32, (pull >> 12) as i32)
    }

    /// Learns how far the prediction was off.
    #[inline]
    pub(super) fn learn(&mut self, known: &Known, off: i32) {
        let off = off.signum();
        for (weight, way) in self.ways.iter_mut().zip(known.ways) {
            *weight = (*weight + off * way.signum() * WAY_STEP).clamp(-16 * ONE, 16 * ONE);
        }
        let step = off * known.pull.signum() * PULL_STEP;
        self.pull = (self.pull + step).clamp(0, ONE);
    }
}
