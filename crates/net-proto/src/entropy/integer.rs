//! Integers: how many bits they have, their highest bits, their sign.

use super::{AdaptiveBit, Coder};

/// A whole number of ±32,767 that is more often near 0.
///
/// ```text
/// −300 = −(1 0 0 1 0 1 1 0 0)₂    class 9, by four adaptive bits; sign; two bits below the first; six bits raw
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IntegerModel {
    class: ClassModel,
    mantissa: MantissaModel,
    sign: AdaptiveBit,
}

impl IntegerModel {
    /// Codes a number.
    ///
    /// # Panics
    /// When it is not of ±32,767.
    pub fn code(&mut self, coder: &mut impl Coder, value: i32) -> i32 {
        let sign = &mut self.sign;
        code(coder, (&mut self.class, &mut self.mantissa, sign), value)
    }
}

/// How many bits the magnitude has, 0 to 15: a tree, the first bit at 1, the next at 2 or 3, and so on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct ClassModel([AdaptiveBit; 16]);

/// The two bits below the first, by class.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct MantissaModel([[AdaptiveBit; 4]; 16]);

/// Codes a number by models that it shares with others. Asserts that it is of ±32,767.
#[inline]
fn code(
    coder: &mut impl Coder,
    (class, mantissa, sign): (&mut ClassModel, &mut MantissaModel, &mut AdaptiveBit),
    value: i32,
) -> i32 {
    let magnitude = value.unsigned_abs();
    assert!(magnitude < 1 << 15);
    let bits = class.code(coder, 32 - magnitude.leading_zeros());
    if bits == 0 {
        return 0;
    }
    let is_negative = coder.bit(sign, value < 0);
    let magnitude = mantissa.code(coder, bits, magnitude).cast_signed();
    if is_negative { -magnitude } else { magnitude }
}

impl ClassModel {
    #[inline]
    fn code(&mut self, coder: &mut impl Coder, bits: u32) -> u32 {
        let mut node = 1u32;
        for place in (0..4).rev() {
            let bit = coder.bit(&mut self.0[node as usize], (bits >> place) & 1 != 0);
            node = 2 * node + u32::from(bit);
        }
        node - 16
    }
}

impl MantissaModel {
    /// A magnitude of so many bits, at least one, of which the first is known to be 1.
    #[inline]
    fn code(&mut self, coder: &mut impl Coder, bits: u32, magnitude: u32) -> u32 {
        let models = &mut self.0[bits as usize];
        let (mut left, mut value, mut node) = (bits - 1, 1, 1);
        while left > 0 && node < 4 {
            left -= 1;
            let bit = coder.bit(&mut models[node], (magnitude >> left) & 1 != 0);
            value = 2 * value + u32::from(bit);
            node = 2 * node + usize::from(bit);
        }
        (value << left) | coder.raw(magnitude & ((1 << left) - 1), left)
    }
}
