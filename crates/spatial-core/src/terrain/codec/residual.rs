//! Archive tiles of version 1: what a tile says beyond a prediction, zigzag residuals, low bytes first.
//!
//! ```text
//! with a parent: ● known from it   ─ row residual   │ column residual
//!
//!   ● ─ ● ─ ●      rows first:     a sample between two known ones of an even row against (left + right + 1) >> 1
//!   │ │ │ │ │      then columns:   every sample of an odd row against (below + above + 1) >> 1
//!   ● ─ ● ─ ●
//!
//! without one: the plane W + S − SW through the neighbours that come earlier; W alone in row 0, S in column 0.
//! ```
//! All arithmetic wraps at 16 bits, so every residual has exactly one sample and decoding cannot overflow.

use zstd::bulk;
use zstd::zstd_safe;

/// The samples of a frame; `None` when it is none of as many residuals as the lattice asks for.
pub(crate) fn decode(side: usize, frame: &[u8], even: Option<&[i16]>) -> Option<Vec<i16>> {
    // One frame and nothing behind it: zstd itself would accept more frames.
    if zstd_safe::find_frame_compressed_size(frame) != Ok(frame.len()) {
        return None;
    }
    let byte_count = byte_count(side, even.is_some());
    let planes = bulk::decompress(frame, byte_count).ok()?;
    (planes.len() == byte_count).then(|| self::samples(side, &planes, even))
}

/// The samples again. `planes` must hold exactly [`byte_count`] bytes.
fn samples(side: usize, planes: &[u8], even: Option<&[i16]>) -> Vec<i16> {
    let (low, high) = planes.split_at(planes.len() / 2);
    let mut samples = vec![0; side * side];
    if let Some(even) = even {
        place_even(side, even, &mut samples);
    }
    let residuals = low
        .iter()
        .zip(high)
        .map(|(l, h)| u16::from_le_bytes([*l, *h]));
    for ((index, prediction), residual) in order(side, even.is_some()).zip(residuals) {
        samples[index] = prediction
            .value(&samples, index, side)
            .wrapping_add(unzigzag(residual));
    }
    samples
}

/// Bytes of both planes.
fn byte_count(side: usize, has_parent: bool) -> usize {
    2 * count(side, has_parent)
}

fn count(side: usize, has_parent: bool) -> usize {
    let known = side / 2 + 1;
    side * side - if has_parent { known * known } else { 0 }
}

fn place_even(side: usize, even: &[i16], samples: &mut [i16]) {
    let known = side / 2 + 1;
    for (k, value) in even.iter().enumerate() {
        samples[k / known * 2 * side + k % known * 2] = *value;
    }
}

/// From which earlier samples a sample is predicted.
#[derive(Clone, Copy)]
enum Prediction {
    Zero,
    West,
    South,
    Plane,
    Row,
    Column,
}

impl Prediction {
    fn value(self, samples: &[i16], index: usize, side: usize) -> i16 {
        match self {
            Self::Zero => 0,
            Self::West => samples[index - 1],
            Self::South => samples[index - side],
            Self::Plane => samples[index - 1]
                .wrapping_add(samples[index - side])
                .wrapping_sub(samples[index - side - 1]),
            Self::Row => mean(samples[index - 1], samples[index + 1]),
            Self::Column => mean(samples[index - side], samples[index + side]),
        }
    }
}

fn mean(a: i16, b: i16) -> i16 {
    ((i32::from(a) + i32::from(b) + 1) >> 1) as i16
}

/// The order of residuals: index of the sample, and its prediction.
fn order(side: usize, has_parent: bool) -> Box<dyn Iterator<Item = (usize, Prediction)>> {
    if !has_parent {
        return Box::new((0..side * side).map(move |k| (k, plane(k, side))));
    }
    let rows = (0..side).step_by(2).flat_map(move |j| {
        (1..side)
            .step_by(2)
            .map(move |i| (j * side + i, Prediction::Row))
    });
    let columns = (1..side)
        .step_by(2)
        .flat_map(move |j| (0..side).map(move |i| (j * side + i, Prediction::Column)));
    Box::new(rows.chain(columns))
}

fn plane(index: usize, side: usize) -> Prediction {
    match (index % side, index / side) {
        (0, 0) => Prediction::Zero,
        (_, 0) => Prediction::West,
        (0, _) => Prediction::South,
        _ => Prediction::Plane,
    }
}

/// 0, 1, 2, 3, … become 0, −1, 1, −2, …
fn unzigzag(z: u16) -> i16 {
    (z >> 1) as i16 ^ -((z & 1) as i16)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Residuals of a tile of `side`² samples: with `parent` those the parent lacks, else all of them.
    ///
    /// The parent is given as its samples at this tile's even positions.
    fn residuals(side: usize, samples: &[i16], even: Option<&[i16]>) -> Vec<u8> {
        let mut out: Vec<u16> = Vec::with_capacity(count(side, even.is_some()));
        for (index, prediction) in order(side, even.is_some()) {
            let residual = samples[index].wrapping_sub(prediction.value(samples, index, side));
            out.push(zigzag(residual));
        }
        let low = out.iter().map(|z| *z as u8);
        let high = out.iter().map(|z| (*z >> 8) as u8);
        low.chain(high).collect()
    }

    fn zigzag(v: i16) -> u16 {
        (v << 1 ^ v >> 15) as u16
    }

    #[test]
    fn zigzag_round_trip() {
        for v in i16::MIN..=i16::MAX {
            assert_eq!(unzigzag(zigzag(v)), v);
        }
        assert_eq!([0, -1, 1, -2].map(zigzag), [0, 1, 2, 3]);
    }

    #[test]
    fn round_trip_of_extremes() {
        let mut seed = 1u64;
        let noise: Vec<i16> = (0..17 * 17)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                [i16::MIN, i16::MAX, (seed >> 48) as i16, 0][(seed >> 33) as usize % 4]
            })
            .collect();
        let even: Vec<i16> = (0..81).map(|k| noise[k / 9 * 2 * 17 + k % 9 * 2]).collect();
        for even in [None, Some(&even[..])] {
            let planes = residuals(17, &noise, even);
            assert_eq!(planes.len(), byte_count(17, even.is_some()));
            assert_eq!(samples(17, &planes, even), noise);
        }
    }
}
