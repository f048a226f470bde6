//! Where a body's velocity leads.

/// What a coordinate's prediction is made of, along one axis; learnt, a small step each time. Whatever is off by much
/// teaches no more than what is off by little: the least sum of magnitudes is sought.
///
/// In f32, of which nothing is ever sent: + − × in a written order, which IEEE 754 rounds alike everywhere.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Lead {
    /// Of the ways since one, three and six frames before the baseline, and of how far the neighbours' predictions were off.
    weights: Known,
}

/// What is known along one axis: the ways since one, three and six frames before the baseline, and how far the neighbours'
/// predictions were off.
pub(super) type Known = [f32; 4];

/// Steps of learning. Without any, ways cost 2.5 B a packet of the benchmark more; a third or three times of it change 0.4 B at most.
const STEPS: Known = [WAY_STEP, WAY_STEP, WAY_STEP, 16.0 / 4_096.0];
const WAY_STEP: f32 = 3.0 / 4_096.0;

const LEAST: Known = [-16.0, -16.0, -16.0, 0.0];
const MOST: Known = [16.0, 16.0, 16.0, 1.0];

impl Default for Lead {
    /// Six frames at the last frame's speed, which is bent as it was between the baseline and six before.
    fn default() -> Self {
        Self {
            weights: [7.0, 0.5, -0.5, 0.25],
        }
    }
}

impl Lead {
    /// How far a body will come; without its neighbours, and how much these add.
    #[inline]
    pub(super) fn predict(&self, known: &Known) -> (i32, i32) {
        let part = |n: usize| self.weights[n] * known[n];
        (nearest(part(0) + part(1) + part(2)), nearest(part(3)))
    }

    /// Learns how far the prediction was off.
    #[inline]
    pub(super) fn learn(&mut self, known: &Known, off: i32) {
        let off = if off > 0 {
            1.0
        } else if off < 0 {
            -1.0
        } else {
            0.0
        };
        self.weights = core::array::from_fn(|n| {
            let sign = within(known[n], -1.0, 1.0); // of whole numbers
            within(self.weights[n] + off * sign * STEPS[n], LEAST[n], MOST[n])
        });
    }
}

#[inline]
fn within(value: f32, least: f32, most: f32) -> f32 {
    let value = if value > least { value } else { least };
    if value < most { value } else { most }
}

/// The nearest integer, of ±2²²: this added, the lowest bit of an f32's fraction is worth 1.
#[inline]
fn nearest(value: f32) -> i32 {
    const ONES: f32 = 12_582_912.0; // 1.5 · 2²³
    (value + ONES).to_bits().cast_signed() - ONES.to_bits().cast_signed()
}
