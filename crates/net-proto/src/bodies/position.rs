//! Where a body's velocity leads.

use super::body::{Body, Lanes};

/// A number for each axis, x, y and z. A fourth is of nothing: so they are a vector.
pub(super) type Axes<T> = [T; 4];

/// What positions' predictions are made of; learnt, a small step for each of a packet, all at its end. Whatever is off by much teaches no more than what is off by
/// little: the least sum of magnitudes is sought.
///
/// In f32, of which nothing is ever sent: + − × in a written order, which IEEE 754 rounds alike everywhere.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Leads {
    /// Of what is [`Known`], and of how far the neighbours' predictions were off; each by axis, none of the fourth.
    weights: [Axes<f32>; 4],
}

/// The ways since one, three and six frames before the baseline.
pub(super) type Known = [Axes<f32>; 3];

/// Steps of learning. Without any, ways cost 2.5 B a packet of the benchmark more; a third or three times of it change 0.4 B at most.
const STEPS: [f32; 4] = [WAY_STEP, WAY_STEP, WAY_STEP, 16.0 / 4_096.0];
const WAY_STEP: f32 = 3.0 / 4_096.0;

const LEAST: [f32; 4] = [-16.0, -16.0, -16.0, 0.0];
const MOST: [f32; 4] = [16.0, 16.0, 16.0, 1.0];

impl Default for Leads {
    /// Six frames at the last frame's speed, which is bent as it was between the baseline and six before.
    fn default() -> Self {
        Self {
            weights: [7.0, 0.5, -0.5, 0.25].map(|weight| [weight, weight, weight, 0.0]),
        }
    }
}

impl Leads {
    /// Where a body will be, if it is let alone: whole numbers.
    #[inline]
    pub(super) fn alone(&self, now: &Body, known: &Known) -> Axes<f32> {
        let now = axes(now.lanes());
        let [one, three, six, _] = &self.weights;
        core::array::from_fn(|n| {
            let far = one[n] * known[0][n] + three[n] * known[1][n] + six[n] * known[2][n];
            now[n] + nearest(far)
        })
    }

    /// How much its neighbours add.
    #[inline]
    pub(super) fn added(&self, pull: &Axes<f32>) -> Axes<f32> {
        core::array::from_fn(|n| nearest(self.weights[3][n] * pull[n]))
    }

    /// Learns from a packet.
    pub(super) fn learn(&mut self, lessons: &Lessons) {
        for n in 0..4 {
            for axis in 0..3 {
                let weight = self.weights[n][axis] + lessons.0[n][axis] * STEPS[n];
                self.weights[n][axis] = within(weight, LEAST[n], MOST[n]);
            }
        }
    }
}

/// By how many predictions a weight was too small, less those by which it was too great.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lessons([Axes<f32>; 4]);

impl Lessons {
    /// One more prediction was off by so much.
    #[inline(always)]
    pub(super) fn add(&mut self, known: &Known, pull: &Axes<f32>, off: &Axes<i32>) {
        let mut signs = [0.0; 4];
        for (sign, off) in signs.iter_mut().zip(off) {
            *sign = within(*off as f32, -1.0, 1.0);
        }
        let [one, three, six, neighbours] = &mut self.0;
        lesson(one, &known[0], &signs);
        lesson(three, &known[1], &signs);
        lesson(six, &known[2], &signs);
        lesson(neighbours, pull, &signs);
    }
}

#[inline]
fn lesson(lesson: &mut Axes<f32>, known: &Axes<f32>, signs: &Axes<f32>) {
    for n in 0..4 {
        lesson[n] += signs[n] * within(known[n], -1.0, 1.0);
    }
}

/// What is known of a body.
#[inline]
pub(super) fn known(now: &Body, before: [&Body; 3]) -> Known {
    // Places are of 15 bits, so ways are of 16.
    before.map(|before| {
        let ways = core::array::from_fn(|n| now.lanes()[n].wrapping_sub(before.lanes()[n]));
        axes(&ways)
    })
}

#[inline]
fn axes(lanes: &Lanes) -> Axes<f32> {
    core::array::from_fn(|n| f32::from(lanes[n]))
}

#[inline]
pub(super) fn within(value: f32, least: f32, most: f32) -> f32 {
    let value = if value > least { value } else { least };
    if value < most { value } else { most }
}

/// This added to a number of ±2²², the lowest bit of an f32's fraction is worth 1.
const ONES: f32 = 12_582_912.0; // 1.5 · 2²³

/// The nearest whole number, of ±2²².
#[inline]
fn nearest(value: f32) -> f32 {
    (value + ONES) - ONES
}

/// A whole number of ±2²².
#[inline]
pub(super) fn whole(value: f32) -> i32 {
    (value + ONES)
        .to_bits()
        .cast_signed()
        .wrapping_sub(ONES.to_bits().cast_signed())
}
