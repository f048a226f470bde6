//! Exact sums and products of f64: what a predicate falls back on when rounding leaves its sign in doubt.
//!
//! A number is an integer times a power of 2⁶⁴, in a fixed array: no allocation, no rounding, no underflow. The crates
//! `robust` and `geometry-predicates` have planar predicates of coordinate differences, which are not the determinant of
//! three vectors from the sphere's centre; and expansions of f64, as theirs, lose what falls below 2⁻¹⁰⁷⁴, where the
//! products of coordinates near an axis lie.

use core::cmp::Ordering;

use glam::DVec3;

/// Enough for a determinant of unit vectors: products of three coordinates have bits from 2⁻³²²² to 2⁶.
pub(super) const CUBIC: usize = 56;
/// Enough for the squares that compare distances: products of six coordinates, from 2⁻⁶⁴⁴⁴ to 2¹².
pub(super) const SEXTIC: usize = 112;

/// `±Σ limbs[k]·2^(64·(low + k))`; the first and the last limb in use are not zero, zero has none.
#[derive(Clone, Copy)]
pub(super) struct Exact<const N: usize> {
    limbs: [u64; N],
    len: usize,
    low: i32,
    negative: bool,
}

impl<const N: usize> Exact<N> {
    const ZERO: Self = Self {
        limbs: [0; N],
        len: 0,
        low: 0,
        negative: false,
    };

    /// The very value of a finite float.
    pub(super) fn new(value: f64) -> Self {
        debug_assert!(value.is_finite());
        let bits = value.to_bits();
        let (biased, fraction) = ((bits >> 52 & 0x7ff) as i32, bits & ((1 << 52) - 1));
        let (mantissa, exponent) = match biased {
            0 => (fraction, -1_074),
            _ => (fraction | 1 << 52, biased - 1_075),
        };
        let wide = u128::from(mantissa) << exponent.rem_euclid(64);
        let mut exact = Self::ZERO;
        exact.limbs[0] = wide as u64;
        exact.limbs[1] = (wide >> 64) as u64;
        exact.len = 2;
        exact.low = exponent.div_euclid(64);
        exact.negative = value < 0.0;
        exact.trimmed()
    }

    /// −1, 0 or 1.
    pub(super) fn signum(&self) -> i8 {
        match (self.len, self.negative) {
            (0, _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        }
    }

    pub(super) fn mul(&self, other: &Self) -> Self {
        let mut product = Self::ZERO;
        if self.len == 0 || other.len == 0 {
            return product;
        }
        product.len = self.len + other.len;
        product.low = self.low + other.low;
        product.negative = self.negative != other.negative;
        for (at, &limb) in self.limbs[..self.len].iter().enumerate() {
            let mut carry = 0u128;
            for (to, &factor) in product.limbs[at..]
                .iter_mut()
                .zip(&other.limbs[..other.len])
            {
                carry += u128::from(limb) * u128::from(factor) + u128::from(*to);
                *to = carry as u64;
                carry >>= 64;
            }
            product.limbs[at + other.len] = carry as u64;
        }
        product.trimmed()
    }

    pub(super) fn sub(&self, other: &Self) -> Self {
        let mut negated = *other;
        negated.negative = !other.negative;
        self.add(&negated)
    }

    pub(super) fn add(&self, other: &Self) -> Self {
        if self.len == 0 {
            return *other;
        }
        if other.len == 0 {
            return *self;
        }
        let (mut large, mut small) = (self, other);
        if large.compare_magnitude(small) == Ordering::Less {
            core::mem::swap(&mut large, &mut small);
        }
        let mut sum = large.lowered(large.low.min(small.low));
        sum.len += 1; // room for a carry
        let at = (small.low - sum.low) as usize;
        if large.negative == small.negative {
            sum.add_magnitude(at, small);
        } else {
            sum.subtract_magnitude(at, small);
        }
        sum.trimmed()
    }

    fn add_magnitude(&mut self, at: usize, other: &Self) {
        let mut carry = false;
        for (n, to) in self.limbs[at..self.len].iter_mut().enumerate() {
            let limb = if n < other.len { other.limbs[n] } else { 0 };
            if n >= other.len && !carry {
                break;
            }
            let (sum, over) = to.overflowing_add(limb);
            let (sum, again) = sum.overflowing_add(u64::from(carry));
            *to = sum;
            carry = over || again;
        }
        debug_assert!(!carry);
    }

    /// `other` is not the larger.
    fn subtract_magnitude(&mut self, at: usize, other: &Self) {
        let mut borrow = false;
        for (n, to) in self.limbs[at..self.len].iter_mut().enumerate() {
            let limb = if n < other.len { other.limbs[n] } else { 0 };
            if n >= other.len && !borrow {
                break;
            }
            let (difference, under) = to.overflowing_sub(limb);
            let (difference, again) = difference.overflowing_sub(u64::from(borrow));
            *to = difference;
            borrow = under || again;
        }
        debug_assert!(!borrow);
    }

    fn compare_magnitude(&self, other: &Self) -> Ordering {
        let top = |x: &Self| x.low + x.len as i32;
        top(self).cmp(&top(other)).then_with(|| {
            let ours = self.limbs[..self.len].iter().rev();
            ours.cmp(other.limbs[..other.len].iter().rev())
        })
    }

    /// The same value with zeros from limb `low` on, which is not above its own.
    fn lowered(&self, low: i32) -> Self {
        let up = (self.low - low) as usize;
        let mut lowered = Self::ZERO;
        lowered.limbs[up..up + self.len].copy_from_slice(&self.limbs[..self.len]);
        lowered.len = self.len + up;
        lowered.low = low;
        lowered.negative = self.negative;
        lowered
    }

    fn trimmed(mut self) -> Self {
        while self.len > 0 && self.limbs[self.len - 1] == 0 {
            self.len -= 1;
        }
        let zeros = self.limbs[..self.len]
            .iter()
            .take_while(|l| **l == 0)
            .count();
        if zeros > 0 {
            self.limbs.copy_within(zeros..self.len, 0);
            self.limbs[self.len - zeros..self.len].fill(0);
            self.len -= zeros;
            self.low += zeros as i32;
        }
        self
    }
}

/// A vector of exact numbers.
pub(super) struct ExactVec<const N: usize>(pub(super) [Exact<N>; 3]);

impl<const N: usize> ExactVec<N> {
    pub(super) fn new(v: DVec3) -> Self {
        Self(v.to_array().map(Exact::new))
    }

    pub(super) fn dot(&self, other: &Self) -> Exact<N> {
        let term = |n: usize| self.0[n].mul(&other.0[n]);
        term(0).add(&term(1)).add(&term(2))
    }

    pub(super) fn cross(&self, other: &Self) -> Self {
        Self([
            self.minor(other, 1, 2),
            self.minor(other, 2, 0),
            self.minor(other, 0, 1),
        ])
    }

    /// `self[m]·other[n] − self[n]·other[m]`.
    pub(super) fn minor(&self, other: &Self, m: usize, n: usize) -> Exact<N> {
        self.0[m].mul(&other.0[n]).sub(&self.0[n].mul(&other.0[m]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Number = Exact<CUBIC>;

    #[test]
    fn integers_behave() {
        let values = [
            -7i64,
            -1,
            0,
            1,
            2,
            3,
            1 << 40,
            -(1 << 52) + 1,
            (1 << 52) + 7,
        ];
        for a in values {
            for b in values {
                let (x, y) = (Number::new(a as f64), Number::new(b as f64));
                let check = |got: Number, want: i128| {
                    assert_eq!(i128::from(got.signum()), want.signum(), "{a} {b}");
                    let limbs = (got.low..).zip(&got.limbs[..got.len]);
                    let value = limbs.fold(0u128, |sum, (place, limb)| match place {
                        0 | 1 => sum | u128::from(*limb) << (64 * place),
                        _ => {
                            assert_eq!(*limb, 0, "{a} {b}: a part that no integer has");
                            sum
                        }
                    });
                    assert_eq!(value, want.unsigned_abs(), "{a} {b}");
                };
                check(x.add(&y), i128::from(a) + i128::from(b));
                check(x.sub(&y), i128::from(a) - i128::from(b));
                check(x.mul(&y), i128::from(a) * i128::from(b));
            }
        }
    }

    /// The square of the smallest float, and its difference from a number near one.
    #[test]
    fn nothing_underflows() {
        let tiny = Number::new(5e-324);
        let cube = tiny.mul(&tiny).mul(&tiny);
        assert_eq!(cube.signum(), 1);
        let one = Number::new(1.0);
        assert_eq!(one.add(&cube).sub(&one).sub(&cube).signum(), 0);
        assert_eq!(one.sub(&cube).sub(&one).signum(), -1);
        assert_eq!(one.sub(&one).signum(), 0);
    }
}
