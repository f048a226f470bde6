//! The weights with which a tile's samples are best predicted from their neighbours.

use super::sweep::{NEIGHBOURS, TAPS, WEIGHT_BITS, Weights};

/// W + N − NW: what is left where there is nothing to fit.
const PLANE: Weights = [
    1 << WEIGHT_BITS,
    1 << WEIGHT_BITS,
    -(1 << WEIGHT_BITS),
    0,
    0,
    0,
    0,
    0,
    0,
];
/// Unknowns: the weights add up to 1, so that of the west neighbour follows.
const FREE: usize = TAPS - 1;

/// Least squares over all samples with all neighbours. Only + − × ÷: the same weights everywhere.
pub(crate) fn fit(side: usize, samples: &[i16]) -> Weights {
    let place = |(dx, dy): (isize, isize)| (dy * side as isize + dx).unsigned_abs();
    let back = NEIGHBOURS.map(place);
    let fitted = least_squares(|add| {
        for j in 2..side {
            for at in j * side + 2..(j + 1) * side - 1 {
                let difference =
                    |at: usize| f64::from(i32::from(samples[at]) - i32::from(samples[at - 1]));
                let west = i32::from(samples[at - 1]);
                let mut row = [0.0; TAPS];
                for (x, back) in row.iter_mut().zip(&back[1..]) {
                    *x = f64::from(i32::from(samples[at - back]) - west);
                }
                row[TAPS - 1] = difference(at);
                add(&row);
            }
        }
    });
    fitted.and_then(quantised).unwrap_or(PLANE)
}

/// The weights of the first K of M = K + 1 numbers with which they add up to the last, as nearly as can be over all
/// rows that are added. A little of every weight is free: then there is always a solution, and weights stay small where
/// numbers say the same.
pub(crate) fn least_squares<const M: usize, const K: usize>(
    rows: impl FnOnce(&mut dyn FnMut(&[f64; M])),
) -> Option<[f64; K]> {
    const { assert!(M == K + 1) };
    let mut sums = [[0.0; M]; K];
    rows(&mut |row| {
        for r in 0..K {
            for c in r..M {
                sums[r][c] += row[r] * row[c];
            }
        }
    });
    solve(sums)
}

/// Gauss elimination of a symmetric system given by its upper triangle.
#[expect(clippy::needless_range_loop, reason = "rows and columns of a matrix")]
fn solve<const M: usize, const K: usize>(mut sums: [[f64; M]; K]) -> Option<[f64; K]> {
    let trace: f64 = (0..K).map(|k| sums[k][k]).sum();
    for r in 0..K {
        for c in 0..r {
            sums[r][c] = sums[c][r];
        }
        sums[r][r] += trace * 1e-7;
    }
    for pivot in 0..K {
        let diagonal = sums[pivot][pivot];
        if diagonal <= 0.0 {
            return None;
        }
        for r in 0..K {
            if r == pivot {
                continue;
            }
            let times = sums[r][pivot] / diagonal;
            for c in pivot..M {
                sums[r][c] -= times * sums[pivot][c];
            }
        }
    }
    let mut weights = [0.0; K];
    for (k, weight) in weights.iter_mut().enumerate() {
        *weight = sums[k][M - 1] / sums[k][k];
    }
    Some(weights)
}

fn quantised(weights: [f64; FREE]) -> Option<Weights> {
    let mut out = [0i16; TAPS];
    let mut sum = 0;
    for (out, weight) in out[1..].iter_mut().zip(weights) {
        let scaled = (weight * f64::from(1 << WEIGHT_BITS)).round();
        if !(-16_000.0..=16_000.0).contains(&scaled) {
            return None;
        }
        *out = scaled as i16;
        sum += i32::from(*out);
    }
    out[0] = i16::try_from((1 << WEIGHT_BITS) - sum).ok()?;
    Some(out)
}
