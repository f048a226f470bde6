//! All that is learnt from packets.

use super::position::Lead;
use crate::entropy::{AdaptiveBit, ClassModel, MantissaModel};

/// Probabilities and weights: 13 KiB of plain numbers, copied once a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Model {
    /// Whether anything differs: by what moved before, closeness to the first body, and the body before.
    pub(super) differs: [[[AdaptiveBit; 2]; 3]; 8],
    /// Whether the position does: by what moved before.
    pub(super) position_differs: [AdaptiveBit; 8],
    /// Whether the orientation does: by whether the position does.
    pub(super) orientation_differs: [AdaptiveBit; 2],
    pub(super) positions: Residuals,
    pub(super) orientations: Residuals,
    pub(super) leads: [Lead; 3],
    /// Whether the largest component is the one predicted, the second, the third: by how clear that is, and which of them was
    /// the baseline's.
    pub(super) largest: [[[AdaptiveBit; 3]; 3]; 20],
    /// The flag: by itself before, closeness to the first body, and what moved.
    pub(super) flag: [[[AdaptiveBit; 2]; 3]; 2],
}

/// By component: how far predictions are off.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Residuals {
    pub(super) class: [[ClassModel; SCALES]; 3],
    pub(super) mantissa: [MantissaModel; 3],
    /// By which way, −, none or +, the neighbours of a position pull, or a rotation leads.
    pub(super) sign: [[AdaptiveBit; 3]; 3],
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
