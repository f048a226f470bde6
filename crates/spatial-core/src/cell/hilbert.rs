//! The Hilbert curve of a face: leaf coordinates to positions and back, all 30 levels at once.
//!
//! Descending the quadtree, S2 carries an orientation: s (i and j are exchanged) and v (both are inverted). A level with the
//! bits i and j has the position hi·2 + lo,
//! ```text
//! lo = i ⊕ j        hi = i ⊕ s·lo ⊕ v                                               (1)
//! s′ = s ⊕ ¬(hi ⊕ lo)        v′ = v ⊕ hi·lo                                         (2)
//! ```
//! From positions to coordinates the bits of (2) are known beforehand, so s and v are running exclusive-ors. The other way
//! (2) is, with (1) put in, an affine map of (s, v) over GF(2):
//! ```text
//! lo = 1:  (s′, v′) = (v ⊕ i, s ⊕ i)          lo = 0:  (s′, v′) = (s ⊕ v ⊕ ¬i, v)
//! ```
//! Exchange s and v before every odd level (counted from the leaves) and call the pair p + q·ω, a number of GF(4) where
//! ω² = ω + 1. Then the map is a product and a sum, `A·(p + qω) + T`:
//! ```text
//! lo = 1:  A = 1, T = i·(1 + ω)               lo = 0, even level:  A = ω,  T = ¬i·ω
//!                                             lo = 0, odd level:   A = ω², T = ¬i
//! ```
//! and maps of consecutive levels compose in a prefix scan of five steps on whole words (Kogge and Stone 1973), which lanes
//! of a vector can do. One leaf alone walks down the levels, four at a time, through a table of 2 KiB: 12 ns of a leaf.

use core::ops::{BitAnd, BitOr, BitXor};

use super::id::CellId;
use super::{LEAVES, MAX_LEVEL};

/// The 30 bits of a coordinate, and those at even and at odd places.
const BITS: u32 = LEAVES - 1;
const EVEN: u32 = 0x1555_5555;
const ODD: u32 = 0x2aaa_aaaa;

/// One coordinate, or one for each lane of a vector.
pub(super) trait Word:
    Copy + BitAnd<Output = Self> + BitOr<Output = Self> + BitXor<Output = Self>
{
    /// The same bits in every lane of another vector like this one.
    fn same(self, bits: u32) -> Self;
    /// Each lane shifted up.
    fn up<const N: u32>(self) -> Self;
    /// Each lane shifted down.
    fn down<const N: u32>(self) -> Self;
}

impl Word for u32 {
    #[inline(always)]
    fn same(self, bits: u32) -> Self {
        bits
    }

    #[inline(always)]
    fn up<const N: u32>(self) -> Self {
        self << N
    }

    #[inline(always)]
    fn down<const N: u32>(self) -> Self {
        self >> N
    }
}

/// A number of GF(4) at every place of a word: p + q·ω.
#[derive(Clone, Copy)]
struct Gf4<W>(W, W);

impl<W: Word> Gf4<W> {
    #[inline(always)]
    fn down<const N: u32>(self) -> Self {
        Self(self.0.down::<N>(), self.1.down::<N>())
    }

    #[inline(always)]
    fn times(self, b: Self) -> Self {
        Self(
            (self.0 & b.0) ^ (self.1 & b.1),
            (self.0 & b.1) ^ (self.1 & (b.0 ^ b.1)),
        )
    }

    #[inline(always)]
    fn plus(self, b: Self) -> Self {
        Self(self.0 ^ b.0, self.1 ^ b.1)
    }
}

/// The high and the low bit of the Hilbert position at each of the 30 levels, from leaf coordinates below 2³⁰ and the
/// lowest bit of the face.
#[inline(always)]
pub(super) fn positions<W: Word>(i: W, j: W, face_bit: W) -> (W, W) {
    let (even, odd, bits) = (i.same(EVEN), i.same(ODD), i.same(BITS));
    let lo = i ^ j;
    let (ones, zeros) = (i & lo, (i | j) ^ bits);
    // Place 30, above the top level, holds the orientation of the face: A = 0, T = (0, s). What is shifted in from
    // above is 0 too, so A becomes 0 wherever T is complete.
    let factor = Gf4(lo | odd, lo ^ bits);
    let sum = Gf4(
        ones | (zeros & odd),
        ones | (zeros & even) | face_bit.up::<30>(),
    );
    let (factor, sum) = doubled::<W, 1>(factor, sum);
    let (factor, sum) = doubled::<W, 2>(factor, sum);
    let (factor, sum) = doubled::<W, 4>(factor, sum);
    let (factor, sum) = doubled::<W, 8>(factor, sum);
    // What a level begins with is what the one above has ended with.
    let Gf4(p, q) = sum.plus(factor.times(sum.down::<16>())).down::<1>();
    let inverted = (p & odd) | (q & even);
    let exchanged = p ^ q ^ inverted;
    (i ^ inverted ^ (lo & exchanged), lo)
}

/// Maps over `N` levels, each put after the one over the `N` levels above it.
#[inline(always)]
fn doubled<W: Word, const N: u32>(factor: Gf4<W>, sum: Gf4<W>) -> (Gf4<W>, Gf4<W>) {
    (
        factor.times(factor.down::<N>()),
        sum.plus(factor.times(sum.down::<N>())),
    )
}

/// Leaf coordinates from the bits of the Hilbert positions and the lowest bit of the face.
#[inline(always)]
pub(super) fn coordinates<W: Word>(hi: W, lo: W, face_bit: W) -> (W, W) {
    let exchanges = (hi ^ lo ^ hi.same(BITS)) | face_bit.up::<30>();
    let exchanged = running(exchanges).down::<1>();
    let inverted = running(hi & lo).down::<1>();
    let i = hi ^ (exchanged & lo) ^ inverted;
    (i, i ^ lo)
}

/// At each place the exclusive-or of all bits from there up.
#[inline(always)]
fn running<W: Word>(bits: W) -> W {
    let bits = bits ^ bits.down::<1>();
    let bits = bits ^ bits.down::<2>();
    let bits = bits ^ bits.down::<4>();
    let bits = bits ^ bits.down::<8>();
    bits ^ bits.down::<16>()
}

/// The bits at the even places.
#[inline(always)]
fn gathered(bits: u64) -> u32 {
    let x = bits & 0x5555_5555_5555_5555;
    let x = (x | x >> 1) & 0x3333_3333_3333_3333;
    let x = (x | x >> 2) & 0x0f0f_0f0f_0f0f_0f0f;
    let x = (x | x >> 4) & 0x00ff_00ff_00ff_00ff;
    let x = (x | x >> 8) & 0x0000_ffff_0000_ffff;
    (x | x >> 16) as u32
}

/// Hilbert position of the quadrant `2·(i bit) + (j bit)`, for each of the four orientations (bit 0: exchanged,
/// bit 1: inverted), and what a step into a position does to the orientation: S2's tables.
const IJ_TO_POS: [[u16; 4]; 4] = [[0, 1, 3, 2], [0, 3, 1, 2], [2, 3, 1, 0], [2, 1, 3, 0]];
const POS_TO_ORIENTATION: [u16; 4] = [1, 0, 0, 3];

/// Four levels down, of two bits of orientation, four of i and four of j: two bits of orientation, and four positions.
const FOUR_LEVELS: [u16; 1 << 10] = {
    let mut table = [0; 1 << 10];
    let mut from = 0;
    while from < table.len() {
        let (mut orientation, mut positions) = ((from >> 8) as u16, 0);
        let mut k = 4;
        while k > 0 {
            k -= 1;
            let quadrant = (from >> (4 + k) & 1) << 1 | from >> k & 1;
            let position = IJ_TO_POS[orientation as usize][quadrant];
            positions = positions << 2 | position;
            orientation ^= POS_TO_ORIENTATION[position as usize];
        }
        table[from] = orientation << 8 | positions;
        from += 1;
    }
    table
};

impl CellId {
    /// The cell of a level that contains the leaf (i, j) of a face. Costs eight reads of a small table, whatever the level.
    ///
    /// # Panics
    /// When face > 5, level > 30, or i or j is not below 2³⁰.
    pub fn from_face_ij(face: u8, i: u32, j: u32, level: u8) -> Self {
        assert!(face < 6 && level <= MAX_LEVEL && i < LEAVES && j < LEAVES);
        Self::leaf_at(face, i, j).parent(level)
    }

    /// The leaf (i, j) of a face; all three are in range.
    #[inline]
    pub(super) fn leaf_at(face: u8, i: u32, j: u32) -> Self {
        debug_assert!(face < 6 && i < LEAVES && j < LEAVES);
        let (mut state, mut position) = (u32::from(face & 1) << 8, 0);
        // Above the 30 levels there are two of zeros: they exchange twice, and have the position 0.
        for k in (0..32).step_by(4).rev() {
            let at = state & 0x300 | (i >> k & 15) << 4 | j >> k & 15;
            state = FOUR_LEVELS[at as usize].into();
            position = position << 8 | u64::from(state & 0xff);
        }
        Self::from_bits(u64::from(face) << 61 | position << 1 | 1)
    }

    /// Face and the leaf coordinates of the cell's corner nearest (i, j) = (0, 0). Exact. Costs some 70 bit operations.
    #[inline]
    pub fn to_face_ij(self) -> (u8, u32, u32) {
        let stop = self.stop();
        let position = (self.to_u64() ^ stop) >> 1; // below the cell's level all positions are 0
        let (hi, lo) = (gathered(position >> 1) & BITS, gathered(position) & BITS);
        let (i, j) = coordinates(hi, lo, u32::from(self.face()) & 1);
        let mask = self.size_ij().wrapping_neg();
        (self.face(), i & mask, j & mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition: a walk down the 30 levels, one by one.
    fn walked(face: u8, i: u32, j: u32) -> u64 {
        let mut orientation = u16::from(face & 1);
        let mut position = 0;
        for k in (0..MAX_LEVEL).rev() {
            let quadrant = (i >> k & 1) << 1 | (j >> k & 1);
            let step = IJ_TO_POS[usize::from(orientation)][quadrant as usize];
            position = position << 2 | u64::from(step);
            orientation ^= POS_TO_ORIENTATION[step as usize];
        }
        u64::from(face) << 61 | position << 1 | 1
    }

    /// The scan of all levels, as the lanes of a vector do it.
    fn scanned(face: u8, i: u32, j: u32) -> u64 {
        let (hi, lo) = positions(i, j, u32::from(face & 1));
        u64::from(face) << 61 | spread(hi) << 2 | spread(lo) << 1 | 1
    }

    /// The bits of a word at the even places of one twice as long.
    fn spread(bits: u32) -> u64 {
        let x = u64::from(bits);
        let x = (x | x << 16) & 0x0000_ffff_0000_ffff;
        let x = (x | x << 8) & 0x00ff_00ff_00ff_00ff;
        let x = (x | x << 4) & 0x0f0f_0f0f_0f0f_0f0f;
        let x = (x | x << 2) & 0x3333_3333_3333_3333;
        (x | x << 1) & 0x5555_5555_5555_5555
    }

    #[test]
    fn four_levels_or_all_at_once_are_a_walk_down_the_levels() {
        let mut seed = 0x2545_f491_4f6c_dd1du64;
        for n in 0..30_000u32 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Few bits, many bits, runs: carries through all steps of the scan.
            let (i, j) = ((seed >> 34) as u32, (seed >> 4) as u32 & BITS);
            let (i, j) = match n % 4 {
                0 => (i, j),
                1 => (i & (j >> 3), j & (i >> 7)),
                2 => (BITS >> (i % 31), BITS << (j % 31) & BITS),
                _ => (1 << (i % 30), BITS ^ (1 << (j % 30))),
            };
            let face = (n / 4 % 6) as u8;
            let leaf = CellId::leaf_at(face, i, j);
            let want = walked(face, i, j);
            assert_eq!(leaf.to_u64(), want, "{face} {i:#x} {j:#x}");
            assert_eq!(scanned(face, i, j), want, "{face} {i:#x} {j:#x}");
            assert_eq!(leaf.to_face_ij(), (face, i, j));
        }
    }
}
