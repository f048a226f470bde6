//! Where a body will be, and how far off that may be.

use super::super::body::{Body, LARGEST, Lanes, TURN};

/// What is known of a body before it is coded. Lanes, so that the compiler makes vectors of them.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(16))]
pub(super) struct Forecast {
    /// Where it will be; the largest component and the flag stay.
    pub(super) lanes: Lanes,
    /// What it moved by.
    sizes: [u16; 8],
}

/// Ranks of the codes along x and y, along z, and of the three components.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ranks {
    pub(super) along: u8,
    pub(super) up: u8,
    pub(super) turn: u8,
}

/// By the bits of a velocity, the sum of its magnitudes: ranks along x and y, along z, and of components. Those best on
/// the regenerated s31; components' at most 8, and all beyond its fastest bodies, by hand.
const RANKS: [[u8; 3]; 18] = [
    [3, 4, 2],
    [2, 2, 2],
    [3, 3, 3],
    [4, 4, 4],
    [4, 5, 4],
    [5, 6, 5],
    [5, 7, 6],
    [6, 7, 7],
    [7, 7, 8],
    [7, 8, 8],
    [8, 9, 8],
    [8, 9, 8],
    [9, 9, 8],
    [9, 9, 8],
    [9, 9, 8],
    [9, 9, 8],
    [9, 9, 8],
    [9, 9, 8],
];

/// The rank of components when the largest of them is another than in the frame before: their velocity is not known.
const RANK_TURNED: u8 = 6;

/// Frames that a velocity goes on, by lane.
const GOES_ON: Lanes = [6, 6, 6, 6, 6, 6, 0, 0];

impl Forecast {
    /// All in 16 bits that wrap around: whatever is forecast, both sides take the same difference from it.
    #[inline]
    pub(super) fn of(base: &Body, before: &Body) -> Self {
        let (base, before) = (base.lanes(), before.lanes());
        let velocity: Lanes = core::array::from_fn(|lane| base[lane].wrapping_sub(before[lane]));
        let mut forecast = Self {
            lanes: core::array::from_fn(|lane| {
                base[lane].wrapping_add(velocity[lane].wrapping_mul(GOES_ON[lane]))
            }),
            sizes: velocity.map(i16::unsigned_abs),
        };
        if velocity[LARGEST] != 0 {
            forecast.lanes[TURN].copy_from_slice(&base[TURN]);
        }
        forecast
    }

    #[inline]
    pub(super) fn ranks(&self) -> Ranks {
        let [along, up, _] = RANKS[bits(&self.sizes, 0)];
        let turn = match self.sizes[LARGEST] {
            0 => RANKS[bits(&self.sizes, TURN.start)][2],
            _ => RANK_TURNED,
        };
        Ranks { along, up, turn }
    }
}

/// Of the sum of three sizes.
#[inline]
fn bits(sizes: &[u16; 8], from: usize) -> usize {
    let [a, b, c] = [0, 1, 2].map(|lane| u32::from(sizes[from + lane]));
    let sum = a.wrapping_add(b).wrapping_add(c);
    (u32::BITS - sum.leading_zeros()) as usize
}
