//! How far predictions are off: a symbol tells the scale of a magnitude, and bits that are as likely 1 as 0 the rest and the sign.
//!
//! ```text
//! −37 = −(1 0 0 1 0 1)₂    scale 10: 32 to 47; four bits more: 0 1 0 1; and the sign
//! ```

use crate::entropy::{AdaptiveSymbol, Coder, RAW_BITS_MAX};

/// Of three components how likely the scales are: by component, and by what is expected.
pub(super) type Sizes = [[AdaptiveSymbol; CONTEXTS]; 3];

/// So many scales are told apart of what is expected; the last is of all from 192 on. All 23 are not worth their learning.
const CONTEXTS: usize = 16;
const LAST_CONTEXT: usize = 255;

/// Scales of magnitudes: 0, 1, 2, 3, 4, 6, 8, 12, 16, 24 and so on; the last is of all from [`LAST_SCALE`] on.
const SCALES: usize = AdaptiveSymbol::COUNT;
const LAST_SCALE: usize = 2_048;

/// What a scale tells of a magnitude.
#[derive(Clone, Copy)]
struct Size {
    /// The least that it can be.
    first: u32,
    /// Bits that are left open, and the sign; none of 0.
    count: u32,
}

/// Codes three numbers of ±32,767, or any where they are not told. What is `expected` of the first, and so many sixteenths of what became of those
/// before, is what is expected of each.
#[inline]
pub(super) fn code_three<C: Coder>(
    coder: &mut C,
    [a, b, c]: &mut Sizes,
    (expected, tells): (u32, u32),
    off: [i32; 3],
) -> [i32; 3] {
    let first = code_size(coder, a, expected, off[0]);
    let expected = expected.wrapping_add(first.about(tells));
    let second = code_size(coder, b, expected, off[1]);
    let expected = expected.wrapping_add(second.about(tells));
    let third = code_size(coder, c, expected, off[2]);
    code_rests(coder, [first, second, third], off)
}

/// Which scale a magnitude is of. Looked up, not branched to: a processor cannot guess it.
#[inline]
pub(super) fn scale_of(magnitude: u32) -> usize {
    usize::from(SCALE_OF[(magnitude as usize).min(LAST_SCALE)])
}

#[inline(always)]
fn code_size(
    coder: &mut impl Coder,
    models: &mut [AdaptiveSymbol; CONTEXTS],
    expected: u32,
    off: i32,
) -> Size {
    let context = SCALE_OF[(expected as usize).min(LAST_CONTEXT)];
    let model = &mut models[usize::from(context) % CONTEXTS];
    SIZES[coder.symbol(model, scale_of(off.unsigned_abs()))]
}

impl Size {
    /// So many sixteenths of what is half way between the least and the greatest magnitude.
    #[inline]
    fn about(self, tells: u32) -> u32 {
        let about = self.first.wrapping_add(1u32.wrapping_shl(self.count) >> 2);
        about.wrapping_mul(tells) / 16
    }

    #[inline]
    fn rest_of(self, off: i32) -> u32 {
        off.unsigned_abs().wrapping_sub(self.first) << 1 | u32::from(off < 0)
    }

    #[inline]
    fn with_rest(self, rest: u32) -> i32 {
        let magnitude = self.first.wrapping_add(rest >> 1).cast_signed();
        let sign = (rest & 1).cast_signed().wrapping_neg(); // 0 or −1
        (magnitude ^ sign).wrapping_sub(sign)
    }
}

/// Codes what three sizes leave open: all at once, which takes less time than one by one.
#[inline]
fn code_rests<C: Coder>(coder: &mut C, sizes: [Size; 3], off: [i32; 3]) -> [i32; 3] {
    let mut rests: [u32; 3] = core::array::from_fn(|n| sizes[n].rest_of(off[n]));
    let [a, b, c] = sizes.map(|size| size.count);
    let (ab, abc) = (a.wrapping_add(b), a.wrapping_add(b).wrapping_add(c));
    if abc <= RAW_BITS_MAX {
        let all = rests[0] | rests[1].wrapping_shl(a) | rests[2].wrapping_shl(ab);
        let all = coder.raw(if C::IS_TOLD { all } else { 0 }, abc);
        let below = |bits: u32| !u32::MAX.wrapping_shl(bits);
        rests = [
            all & below(a),
            all.wrapping_shr(a) & below(b),
            all.wrapping_shr(ab),
        ];
    } else {
        code_long_rests(coder, &mut rests, [a, b, c]);
    }
    if C::IS_TOLD {
        return off;
    }
    core::array::from_fn(|n| sizes[n].with_rest(rests[n]))
}

#[cold]
fn code_long_rests<C: Coder>(coder: &mut C, rests: &mut [u32; 3], counts: [u32; 3]) {
    for (rest, count) in rests.iter_mut().zip(counts) {
        *rest = coder.raw(if C::IS_TOLD { *rest } else { 0 }, count);
    }
}

/// By magnitude.
static SCALE_OF: [u8; LAST_SCALE + 1] = {
    let mut scales = [1; LAST_SCALE + 1];
    scales[0] = 0;
    let mut magnitude = 2u32;
    while magnitude as usize <= LAST_SCALE {
        let log = magnitude.ilog2();
        let half = (magnitude >> (log - 1)) & 1;
        scales[magnitude as usize] = (2 * log + half).to_le_bytes()[0];
        magnitude += 1;
    }
    scales
};

/// By scale.
static SIZES: [Size; SCALES] = {
    let mut sizes = [Size { first: 0, count: 0 }; SCALES];
    let (mut scale, mut n) = (1, 1);
    while scale < SCALES {
        let (first, count) = if n < 4 {
            (n, 1)
        } else {
            ((2 + n % 2) << (n / 2 - 1), n / 2)
        };
        sizes[scale] = Size { first, count };
        (scale, n) = (scale + 1, n + 1);
    }
    sizes[SCALES - 1].count = 16; // 15 bits: no prediction is off by more
    sizes
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_side_by_side() {
        for magnitude in 0..=32_767u32 {
            let scale = scale_of(magnitude);
            let size = SIZES[scale];
            let rest = magnitude - size.first;
            assert!(rest << 1 >> size.count == 0, "{magnitude}");
            assert!(scale == 0 || scale_of(size.first - 1) == scale - 1);
            assert_eq!(scale_of(size.first), scale, "{magnitude}");
        }
    }

    #[test]
    fn a_size_and_its_rest_are_the_number() {
        for off in -32_767..=32_767i32 {
            let size = SIZES[scale_of(off.unsigned_abs())];
            let rest = size.rest_of(off);
            assert!(rest >> size.count == 0);
            assert_eq!(size.with_rest(rest), off);
        }
    }
}
