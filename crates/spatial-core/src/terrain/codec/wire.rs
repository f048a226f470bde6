//! Codec wire: residuals of a fitted prediction, compressed by zstd.
//!
//! ```text
//!  0   2   first sample, i16
//!  2  18   weights of the nine neighbours, i16
//! 20   …   one zstd frame of two planes: the low bytes, then the high bytes of the residuals in zigzag
//! ```
//! Residuals stand in the order of [`super::sweep`]: row 0 from its second sample on against the sample before, then the
//! other rows step by step.

use std::cell::RefCell;

use zstd::bulk::{self, Decompressor};
use zstd::zstd_safe;

use super::fit::fit;
use super::sweep::{LANES, Step, TAPS, Visitor, Weights, sweep};
use super::words::u16_at;

const HEAD_BYTES: usize = 2 + 2 * TAPS;
/// Slowest level without a larger window.
const ZSTD_LEVEL: i32 = 19;

/// The payload of `side`² samples.
pub(crate) fn encode(side: usize, samples: &[i16]) -> Option<Vec<u8>> {
    let weights = fit(side, samples);
    let mut residuals: Vec<u16> = Vec::with_capacity(samples.len() - 1);
    residuals.extend(
        samples[..side]
            .windows(2)
            .map(|w| zigzag(w[1].wrapping_sub(w[0]))),
    );
    let mut again = samples.to_vec();
    sweep(
        side,
        &weights,
        &mut again,
        &mut Write {
            side,
            samples,
            residuals: &mut residuals,
        },
    );
    let low = residuals.iter().map(|z| *z as u8);
    let planes: Vec<u8> = low
        .chain(residuals.iter().map(|z| (*z >> 8) as u8))
        .collect();
    let mut out = samples[0].to_le_bytes().to_vec();
    out.extend(weights.iter().flat_map(|w| w.to_le_bytes()));
    out.extend(bulk::compress(&planes, ZSTD_LEVEL).ok()?);
    Some(out)
}

/// The samples again; `None` when the payload is damaged.
pub(crate) fn decode(side: usize, payload: &[u8]) -> Option<Vec<i16>> {
    let (head, frame) = payload.split_first_chunk::<HEAD_BYTES>()?;
    // One frame and nothing behind it: zstd itself would accept more frames.
    if zstd_safe::find_frame_compressed_size(frame) != Ok(frame.len()) {
        return None;
    }
    let count = side * side - 1;
    let planes = decompress(frame, 2 * count)?;
    let (low, high) = planes.split_at(count);
    let mut samples = vec![0; side * side];
    samples[0] = u16_at(head, 0) as i16;
    for i in 1..side {
        let residual = unzigzag(u16::from_le_bytes([low[i - 1], high[i - 1]]));
        samples[i] = samples[i - 1].wrapping_add(residual);
    }
    let weights: Weights = std::array::from_fn(|k| u16_at(head, 2 + 2 * k) as i16);
    let mut read = Read {
        low: &low[side - 1..],
        high: &high[side - 1..],
    };
    sweep(side, &weights, &mut samples, &mut read);
    Some(samples)
}

/// Exactly so many bytes from a frame. A thread keeps its decompressor: making one costs as much as a small tile.
fn decompress(frame: &[u8], count: usize) -> Option<Vec<u8>> {
    thread_local! {
        static ZSTD: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    }
    ZSTD.with_borrow_mut(|zstd| {
        if zstd.is_none() {
            *zstd = Some(Decompressor::new().ok()?);
        }
        let planes = zstd.as_mut()?.decompress(frame, count).ok()?;
        (planes.len() == count).then_some(planes)
    })
}

struct Write<'a> {
    side: usize,
    samples: &'a [i16],
    residuals: &'a mut Vec<u16>,
}

impl Visitor for Write<'_> {
    const WANTS_ACTIVITY: bool = false;

    #[inline(always)]
    fn visit(&mut self, step: &Step, prediction: &[i16; LANES], _: &[u16; LANES]) -> [i16; LANES] {
        let mut new = [0; LANES];
        for lane in step.first..step.end {
            new[lane] = self.samples[step.index(self.side, lane)];
            self.residuals
                .push(zigzag(new[lane].wrapping_sub(prediction[lane])));
        }
        new
    }
}

struct Read<'a> {
    low: &'a [u8], // as many as there are lanes to come
    high: &'a [u8],
}

impl Visitor for Read<'_> {
    const WANTS_ACTIVITY: bool = false;

    #[inline(always)]
    fn visit(&mut self, step: &Step, prediction: &[i16; LANES], _: &[u16; LANES]) -> [i16; LANES] {
        let (mut low, mut high) = ([0; LANES], [0; LANES]);
        if step.is_full() {
            (low, self.low) = next(self.low);
            (high, self.high) = next(self.high);
        } else {
            let (l, h) = (self.low, self.high);
            let (l, h) = (
                l.split_at(step.end - step.first),
                h.split_at(step.end - step.first),
            );
            low[step.first..step.end].copy_from_slice(l.0);
            high[step.first..step.end].copy_from_slice(h.0);
            (self.low, self.high) = (l.1, h.1);
        }
        let mut new = [0; LANES];
        for lane in 0..LANES {
            let residual = unzigzag(u16::from(low[lane]) | u16::from(high[lane]) << 8);
            new[lane] = prediction[lane].wrapping_add(residual);
        }
        new
    }
}

#[inline(always)]
fn next(bytes: &[u8]) -> ([u8; LANES], &[u8]) {
    let (chunk, rest) = bytes
        .split_first_chunk()
        .expect("a byte for each lane to come");
    (*chunk, rest)
}

/// 0, −1, 1, −2, … become 0, 1, 2, 3, …
#[inline(always)]
fn zigzag(v: i16) -> u16 {
    (v << 1 ^ v >> 15) as u16
}

#[inline(always)]
fn unzigzag(z: u16) -> i16 {
    (z >> 1) as i16 ^ ((z & 1) as i16).wrapping_neg()
}
