//! All that is learnt from packets.

use super::position::Leads;
use super::sizes::Sizes;
use crate::entropy::{AdaptiveBit, AdaptiveSymbol};

/// Probabilities and weights: 6 KiB of plain numbers, copied once a packet.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Model {
    /// Whether anyone differs of a group that lay still: by closeness to the first body, whether others of it moved, and the group
    /// before; then who: by closeness, and the body before.
    pub(super) groups: [[[AdaptiveBit; 2]; 2]; 3],
    pub(super) newcomers: [[AdaptiveBit; 2]; 3],
    /// What differs, a bit each for the position, the orientation and the flag: by what moved before, closeness, and the flag.
    pub(super) kinds: [[[AdaptiveSymbol; 2]; 3]; 4],
    pub(super) positions: Sizes,
    pub(super) orientations: Sizes,
    pub(super) leads: Leads,
    /// Whether the largest component is the one predicted, the second, the third: by how clear that is, and which of them was
    /// the baseline's.
    pub(super) largest: [[[AdaptiveBit; 3]; 3]; 20],
}
