//! Sets of bodies.

use super::{BODIES_MAX, Body};

/// A bit for each body.
pub(super) type Set = [u64; BODIES_MAX / 64];

/// Where two frames differ. Bytes first, then bits: so the compiler makes vectors of it, and the bodies that lie still cost 0.4 ns each.
pub(super) fn differing(one: &[Body], other: &[Body]) -> Set {
    let mut set = Set::default();
    for ((word, one), other) in set.iter_mut().zip(one.chunks(64)).zip(other.chunks(64)) {
        let mut flags = [0; 64];
        for ((flag, one), other) in flags.iter_mut().zip(one).zip(other) {
            *flag = u8::from(one != other);
        }
        *word = bits_of(&flags);
    }
    set
}

/// A bit for each byte, which is 0 or 1.
#[inline]
fn bits_of(flags: &[u8; 64]) -> u64 {
    let (eights, _) = flags.as_chunks::<8>();
    eights.iter().rev().fold(0, |bits, eight| {
        // Byte n, at bit 8n, goes to bit 56 + n by the multiplier's bit 56 − 7n; no two terms meet below.
        let gathered = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        (bits << 8) | gathered
    })
}

/// The numbers of a word's set bits; 64 times the word's is the first bit's.
#[inline]
pub(super) fn members(word: usize, mut bits: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        (bits != 0).then(|| {
            let n = 64 * word + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            n
        })
    })
}

/// The members of two sets, in order.
pub(super) struct List {
    numbers: [u16; BODIES_MAX],
    count: usize,
}

impl List {
    pub(super) fn of(one: &Set, other: &Set) -> Self {
        let mut list = Self {
            numbers: [0; BODIES_MAX],
            count: 0,
        };
        for (first, (one, other)) in (0u16..).step_by(64).zip(one.iter().zip(other)) {
            let mut bits = one | other;
            while bits != 0 {
                let bit = bits.trailing_zeros().to_le_bytes()[0];
                list.numbers[list.count] = first + u16::from(bit);
                list.count += 1;
                bits &= bits - 1;
            }
        }
        list
    }

    pub(super) fn numbers(&self) -> &[u16] {
        &self.numbers[..self.count]
    }
}
