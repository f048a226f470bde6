//! The order in which wire and archive tiles predict their samples: sixteen rows at once, each two columns behind the
//! one before it, so that all that a sample is predicted from is there and sixteen samples can be computed side by side.
//!
//! ```text
//! step        s     s+1   s+2   s+3   s+4         a sample x and its nine neighbours:
//! row r       5     6     7     8     9             NNW NN NNE
//! row r + 1   3     4     5     6     7         NWW NW  N  NE
//! row r + 2   1     2     3     4     5         WW  W   x
//! row r + 3  −1     0     1     2     3   ← column
//! ```
//! Beyond the tile: left of a row stands the first sample of the row before it, right of a row its own last sample, and
//! before row 0 row 0. In the skewed buffer a neighbour is a constant number of values back.
//!
//! Prediction = (Σ weight · neighbour + 512) >> 10 in wrapping 32-bit arithmetic, cut to 16 bits.

use super::scales::size_of;
use crate::simd::SimdLevel;

/// Rows that advance together.
pub(crate) const LANES: usize = 16;
/// Neighbours that a sample is predicted from: W N NW NE WW NN NWW NNW NNE.
pub(crate) const TAPS: usize = 9;
/// Fraction bits of a weight.
pub(crate) const WEIGHT_BITS: u32 = 10;
/// Columns that a row lags behind the one before it: its north-east neighbour is needed.
const LAG: usize = 2;
/// Two rows above the strip stand before its lanes.
const ABOVE: usize = 2;
const STRIDE: usize = ABOVE + LANES;
/// Steps before the first that are read.
const HISTORY: usize = 5;
/// Steps and lanes back to each neighbour.
const BACK: [usize; TAPS] = [
    STRIDE,
    2 * STRIDE + 1,
    3 * STRIDE + 1,
    STRIDE + 1,
    2 * STRIDE,
    4 * STRIDE + 2,
    4 * STRIDE + 1,
    5 * STRIDE + 2,
    3 * STRIDE + 2,
];
/// Columns and rows from a sample to each neighbour.
pub(crate) const NEIGHBOURS: [(isize, isize); TAPS] = [
    (-1, 0),
    (0, -1),
    (-1, -1),
    (1, -1),
    (-2, 0),
    (0, -2),
    (-2, -1),
    (-1, -2),
    (1, -2),
];
const REACH: usize = HISTORY * STRIDE + ABOVE;

/// Weights of the neighbours, in units of 2⁻¹⁰.
pub(crate) type Weights = [i16; TAPS];

/// The samples that a step computes.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    row: usize,  // of the first lane
    step: usize, // its column; each lane is two columns behind the one before it
    /// Lanes whose column is inside the tile: all, but at the ends of a strip.
    pub(crate) first: usize,
    pub(crate) end: usize,
}

impl Step {
    /// Whether all lanes are inside.
    #[inline(always)]
    pub(crate) fn is_full(&self) -> bool {
        self.first == 0 && self.end == LANES
    }

    /// The index of a lane's sample.
    pub(crate) fn index(&self, side: usize, lane: usize) -> usize {
        (self.row + lane) * side + self.step - LAG * lane
    }
}

/// What is done with each step's predictions: decoding yields samples, encoding looks at them.
pub(crate) trait Visitor {
    /// Whether [`Visitor::visit`] gets activities.
    const WANTS_ACTIVITY: bool;

    /// The samples of the lanes `first..end`; what the others hold does not matter. `activity` is a weighted sum of the
    /// sizes of the neighbours' residuals, 0 if it is not wanted.
    fn visit(
        &mut self,
        step: &Step,
        prediction: &[i16; LANES],
        activity: &[u16; LANES],
    ) -> [i16; LANES];
}

/// Runs over all rows but row 0, which `samples` must hold, and writes what the visitor yields into `samples`.
pub(crate) fn sweep<V: Visitor>(
    side: usize,
    weights: &Weights,
    samples: &mut [i16],
    visitor: &mut V,
) {
    #[cfg(target_arch = "x86_64")]
    match SimdLevel::detected() {
        // SAFETY: the CPU has what the level says.
        SimdLevel::Avx512 => return unsafe { x86::avx512(side, weights, samples, visitor) },
        // SAFETY: likewise.
        SimdLevel::Avx2 => return unsafe { x86::avx2(side, weights, samples, visitor) },
        SimdLevel::Scalar => {}
    }
    sweep_lanes(side, weights, samples, visitor);
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Visitor, Weights, sweep_lanes};

    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    pub(super) fn avx2<V: Visitor>(
        side: usize,
        weights: &Weights,
        samples: &mut [i16],
        visitor: &mut V,
    ) {
        sweep_lanes(side, weights, samples, visitor);
    }

    #[target_feature(
        enable = "avx2,bmi1,bmi2,popcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,avx512vbmi2"
    )]
    pub(super) fn avx512<V: Visitor>(
        side: usize,
        weights: &Weights,
        samples: &mut [i16],
        visitor: &mut V,
    ) {
        sweep_lanes(side, weights, samples, visitor);
    }
}

#[inline(always)]
pub(crate) fn sweep_lanes<V: Visitor>(
    side: usize,
    weights: &Weights,
    samples: &mut [i16],
    visitor: &mut V,
) {
    let steps = side + LAG * (LANES - 1);
    let mut values = vec![0i16; (HISTORY + 1 + steps) * STRIDE + ABOVE];
    let mut sizes = Sizes::new(
        if V::WANTS_ACTIVITY { values.len() } else { 0 },
        &samples[..side],
    );
    for row in (1..side).step_by(LANES) {
        let lanes = LANES.min(side - row);
        let line = |back: usize| &samples[row.saturating_sub(back) * side..][..side]; // before row 0 stands row 0
        put_above([line(1), line(2)], [line(2)[0], line(3)[0]], &mut values);
        if V::WANTS_ACTIVITY {
            let [one, two] = &sizes.above;
            put_above([one, two], [two[0], two[0]], &mut sizes.values);
        }
        let mut at = (HISTORY + 1) * STRIDE + ABOVE - REACH;
        for step in 0..side + LAG * (lanes - 1) {
            let window: &mut [i16; REACH + LANES] = values[at..][..REACH + LANES]
                .as_mut_array()
                .expect("as long");
            let prediction = predict(window, weights);
            let now = Step {
                row,
                step,
                first: if step >= side {
                    (step - side) / LAG + 1
                } else {
                    0
                },
                end: lanes.min(step / LAG + 1),
            };
            if V::WANTS_ACTIVITY {
                let sizes: &mut [u16; REACH + LANES] = sizes.values[at..][..REACH + LANES]
                    .as_mut_array()
                    .expect("as long");
                let new = visitor.visit(&now, &prediction, &activities(sizes));
                for lane in 0..LANES {
                    let size = new[lane].wrapping_sub(prediction[lane]);
                    sizes[REACH + lane] = size_of(size);
                }
                *window.last_chunk_mut().expect("as long") = new;
                if !now.is_full() {
                    mend(sizes, &now, lanes, side);
                    mend(window, &now, lanes, side);
                }
            } else {
                let new = visitor.visit(&now, &prediction, &[0; LANES]);
                *window.last_chunk_mut().expect("as long") = new;
                if !now.is_full() {
                    mend(window, &now, lanes, side);
                }
            }
            at += STRIDE;
        }
        for lane in 0..lanes {
            let skewed =
                values[(HISTORY + 1 + LAG * lane) * STRIDE + ABOVE + lane..].chunks(STRIDE);
            for (to, from) in samples[(row + lane) * side..][..side]
                .iter_mut()
                .zip(skewed)
            {
                *to = from[0];
            }
        }
        if V::WANTS_ACTIVITY {
            sizes.keep(lanes);
        }
    }
}

#[inline(always)]
fn predict(past: &[i16; REACH + LANES], weights: &Weights) -> [i16; LANES] {
    let mut sum = [1i32 << (WEIGHT_BITS - 1); LANES];
    // The west neighbour last: it is the one that was computed last.
    for tap in (0..TAPS).rev() {
        let from: &[i16; LANES] = past[REACH - BACK[tap]..REACH - BACK[tap] + LANES]
            .try_into()
            .expect("as long");
        let weight = i32::from(weights[tap]);
        for lane in 0..LANES {
            sum[lane] = sum[lane].wrapping_add(i32::from(from[lane]).wrapping_mul(weight));
        }
    }
    sum.map(|sum| (sum >> WEIGHT_BITS) as i16)
}

/// 2 W + 2 N + NW + NE + WW + NN
#[inline(always)]
fn activities(past: &[u16; REACH + LANES]) -> [u16; LANES] {
    let mut sum = [0u16; LANES];
    for (tap, times) in [2u16, 2, 1, 1, 1, 1].into_iter().enumerate() {
        let from: &[u16; LANES] = past[REACH - BACK[tap]..REACH - BACK[tap] + LANES]
            .try_into()
            .expect("as long");
        for lane in 0..LANES {
            sum[lane] = sum[lane].wrapping_add(from[lane].wrapping_mul(times));
        }
    }
    sum
}

/// Sizes of residuals, skewed as the samples are, and those of the two rows above a strip.
struct Sizes {
    values: Vec<u16>,
    above: [Vec<u16>; ABOVE], // the nearer row first
}

impl Sizes {
    /// Before the first strip stand the differences of row 0.
    fn new(count: usize, row: &[i16]) -> Self {
        let difference = |i: usize| row[i].wrapping_sub(row[i.max(1) - 1]);
        let sizes = (0..row.len()).map(|i| size_of(difference(i)));
        let above: Vec<u16> = sizes.collect();
        Self {
            values: vec![0; count],
            above: [above.clone(), above],
        }
    }

    /// Keeps the last two rows of a strip, which has eight or sixteen.
    fn keep(&mut self, lanes: usize) {
        for (k, line) in self.above.iter_mut().enumerate() {
            let lane = lanes - 1 - k;
            for (column, size) in line.iter_mut().enumerate() {
                *size = self.values[(HISTORY + 1 + column + LAG * lane) * STRIDE + ABOVE + lane];
            }
        }
    }
}

/// The two rows above a strip, and what is left of its first row, at the places where its lanes look for them.
fn put_above<T: Copy>(lines: [&[T]; ABOVE], left: [T; ABOVE], values: &mut [T]) {
    for (k, line) in lines.into_iter().enumerate() {
        let back = k + 1;
        for step in 0..HISTORY + 1 + line.len() {
            let column = (step + LAG * back).checked_sub(HISTORY + 1);
            let value = column.map_or(left[k], |column| line[column.min(line.len() - 1)]);
            values[step * STRIDE + ABOVE - back] = value;
        }
    }
    for step in HISTORY - 1..=HISTORY {
        values[step * STRIDE + ABOVE] = lines[0][0];
    }
}

/// Left of a row stands the first value of the row before it, right of it its own last.
fn mend<T: Copy>(window: &mut [T; REACH + LANES], now: &Step, lanes: usize, side: usize) {
    if now.end < lanes {
        let behind = now.step % LAG;
        let from = if behind == 0 {
            REACH - 1
        } else {
            REACH - STRIDE
        };
        window[REACH + now.end] = window[from + now.end];
    }
    if now.step >= side && (now.step - side).is_multiple_of(LAG) {
        let lane = (now.step - side) / LAG;
        window[REACH + lane] = window[REACH - STRIDE + lane];
    }
}
