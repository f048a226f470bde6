//! Contexts of residuals, and with which scale those of each are coded.

use std::collections::BTreeMap;

use super::rans::{self, SCALES};

/// Classes of activity, two an octave.
pub(crate) const CONTEXTS: usize = 30;
/// Bytes of the scales of all contexts.
pub(crate) const SCALES_BYTES: usize = CONTEXTS / 2;
/// A residual counts as no larger in activities, whose sum then fits 16 bits.
pub(crate) const SIZE_MAX: u16 = 4_095;

/// How large a residual counts.
#[inline(always)]
pub(crate) fn size_of(residual: i16) -> u16 {
    residual.unsigned_abs().min(SIZE_MAX)
}

/// The context of an activity, a sum of eight sizes: 0 and 1 as they are, then two steps an octave.
#[inline(always)]
pub(crate) fn context_of(activity: u16) -> usize {
    let octave = (u32::from(activity) | 2).ilog2();
    let step = (u32::from(activity) >> (octave - 1)) & 1;
    if activity < 2 {
        activity as usize
    } else {
        (2 * octave + step) as usize
    }
}

/// A residual to be coded, in the order of decoding.
#[derive(Clone, Copy)]
pub(crate) struct Residual {
    pub(crate) context: u8,
    pub(crate) coder: u8,
    pub(crate) value: i16,
}

/// The scale of each context: 2 c − 9 for context c, which is what its activity suggests, and four bits more.
pub(crate) type Scales = [u8; CONTEXTS];

fn scale(context: usize, nibble: u8) -> u8 {
    let scale = (2 * context as u8 + nibble).saturating_sub(9);
    scale.min(SCALES - 1)
}

/// The scales that were written.
pub(crate) fn unpack(bytes: &[u8; SCALES_BYTES]) -> Scales {
    std::array::from_fn(|context| scale(context, bytes[context / 2] >> (4 * (context % 2)) & 15))
}

/// The scales with which residuals are cheapest, as they are written.
pub(crate) fn choose(residuals: &[Residual]) -> [u8; SCALES_BYTES] {
    let mut counts = vec![BTreeMap::<i16, u32>::new(); CONTEXTS];
    for residual in residuals {
        *counts[usize::from(residual.context)]
            .entry(residual.value)
            .or_default() += 1;
    }
    let mut bytes = [0; SCALES_BYTES];
    for (context, counts) in counts.iter().enumerate() {
        let cost = |nibble: u8| -> f64 {
            let scale = scale(context, nibble);
            counts
                .iter()
                .map(|(r, n)| f64::from(*n) * rans::cost_bits(scale, *r))
                .sum()
        };
        let costs = (0..16).map(|nibble| (cost(nibble), nibble));
        let best = costs
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map_or(0, |best| best.1);
        bytes[context / 2] |= best << (4 * (context % 2));
    }
    bytes
}
