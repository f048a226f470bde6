//! The vectors that a kernel is written for, so that it is written once.

use core::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Sub};

use super::super::hilbert::Word;

/// Vectors of one level of instructions. A value of an implementor is the proof that the CPU has them, and all other
/// vectors come from it; so its methods are safe.
///
/// All of them are inlined into a function that is compiled for the level; anywhere else they would be slow.
pub(super) trait Lanes: Copy {
    /// Numbers.
    type F: Float<Mask = Self::M>;
    /// Yes or no for each number.
    type M: Mask;
    /// Words for two vectors of numbers.
    type W: Word;
    /// Numbers in a vector.
    const COUNT: usize;

    /// The same number in every lane.
    fn splat(self, x: f64) -> Self::F;
    /// The first numbers of a slice.
    fn load(self, from: &[f64]) -> Self::F;
    /// The lanes into the beginning of a slice.
    fn store(self, x: Self::F, to: &mut [f64]);
    /// Numbers of two vectors, within 0 and 2³¹ − 1, truncated.
    fn words(self, x: [Self::F; 2]) -> Self::W;
    /// Words below 2³¹ as numbers.
    fn floats(self, w: Self::W) -> [Self::F; 2];
    /// The first words of a slice.
    fn load_words(self, from: &[u32]) -> Self::W;
    /// Ids of leaves into the beginning of a slice: the bits of both words in turn, from the highest of `lo` on, and the
    /// stop bit. The highest of `hi` is dropped.
    fn store_ids(self, hi: Self::W, lo: Self::W, to: &mut [u64]);
    /// The words `hi` and `lo` of the first ids of a slice, with zeros below their levels, and their sizes in leaves.
    fn load_ids(self, from: &[u64]) -> [Self::W; 3];
}

/// Yes or no for each lane.
pub(super) trait Mask:
    Copy + BitAnd<Output = Self> + BitOr<Output = Self> + BitXor<Output = Self>
{
    /// The lanes that say yes, as bits.
    fn bits(self) -> u32;
}

/// A vector of numbers. All operations round as the scalar ones do; none is fused.
pub(super) trait Float:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// Yes or no for each number.
    type Mask;

    /// Square roots.
    fn sqrt(self) -> Self;
    /// Rounded down.
    fn floor(self) -> Self;
    /// Without signs.
    fn abs(self) -> Self;
    /// The greater ones; `other` where one is NaN.
    fn max(self, other: Self) -> Self;
    /// The lesser ones; `other` where one is NaN.
    fn min(self, other: Self) -> Self;
    /// Ordered comparison: false with NaN.
    fn gt(self, other: Self) -> Self::Mask;
    /// Ordered comparison: false with NaN.
    fn ge(self, other: Self) -> Self::Mask;
    /// This where the mask says yes, the other elsewhere.
    fn or(self, mask: Self::Mask, other: Self) -> Self;
    /// With the signs exchanged where the other is negative (its sign bit is set).
    fn times_sign_of(self, other: Self) -> Self;
}

/// The spread bits of a nibble: 0b_abcd to 0b_0a0b0c0d.
pub(super) const SPREAD: [u8; 16] = {
    let mut spread = [0; 16];
    let mut n = 0;
    while n < 16 {
        let b = n as u8;
        spread[n] = b & 1 | (b & 2) << 1 | (b & 4) << 2 | (b & 8) << 3;
        n += 1;
    }
    spread
};
