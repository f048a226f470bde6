//! All that is learnt from packets.

use super::position::Lead;
use crate::entropy::{AdaptiveBit, AdaptiveSymbol};

/// Probabilities and weights: 17 KiB of plain numbers, copied once a packet.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Model {
    /// Whether anyone differs of a group that lay still: by closeness to the first body, whether others of it moved, and the group
    /// before; then who: by closeness, and the body before.
    pub(super) groups: [[[AdaptiveBit; 2]; 2]; 2],
    pub(super) newcomers: [[AdaptiveBit; 2]; 3],
    /// What differs, a bit each for the position, the orientation and the flag: by what moved before, closeness, and the flag.
    pub(super) kinds: [[[AdaptiveSymbol; 2]; 3]; 8],
    pub(super) positions: Residuals,
    pub(super) orientations: Residuals,
    pub(super) leads: [Lead; 3],
    /// Whether the largest component is the one predicted, the second, the third: by how clear that is, and which of them was
    /// the baseline's.
    pub(super) largest: [[[AdaptiveBit; 3]; 3]; 20],
}

/// By component and what is expected: how far predictions are off.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Residuals {
    pub(super) sizes: [[AdaptiveSymbol; SCALES]; 3],
}

/// Scales of what is expected: 0, 1, 2, 3, 4, 6, 8, 12, 16, 24 and so on.
pub(super) const SCALES: usize = 28;

/// Which of them a magnitude is of.
#[inline]
pub(super) fn scale_of(magnitude: u32) -> usize {
    let scale = match magnitude {
        0 | 1 => magnitude,
        _ => {
            let log = magnitude.ilog2();
            2 * log + ((magnitude >> (log - 1)) & 1)
        }
    };
    (scale as usize).min(SCALES - 1)
}
