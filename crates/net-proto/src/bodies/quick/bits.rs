//! Bits in and out of lent bytes, and Rice's code: a number's low bits as they are, its high bits as so many zeros and a one.
//!
//! ```text
//! 21 of rank 2:   1 0 │ 0 0 0 0 0 1      21 = 5 · 2² + 1; the first bit is the lowest of the stream
//! ```

use super::super::BodiesError;
use super::ZEROS_MAX;
use crate::entropy::OutOfRoom;
use crate::error::WireError;

/// Bits that are put, or seen, at a time.
pub(super) const BITS_MAX: u32 = 56;

/// Some bits: the first is the lowest, those above the last are 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Bits {
    pub(super) value: u64,
    pub(super) count: u32,
}

impl Bits {
    #[inline]
    pub(super) const fn new(value: u64, count: u32) -> Self {
        Self { value, count }
    }

    /// A number and its rank. Of a number of more than [`ZEROS_MAX`] zeros these are not its bits.
    #[inline]
    pub(super) fn rice((value, rank): (u16, u8)) -> Self {
        let zeros = u32::from(value >> (rank & 15));
        let before = zeros.wrapping_add(u32::from(rank));
        let low = u64::from(value) & MASKS[usize::from(rank & 15)];
        Self {
            value: low | 1u64.wrapping_shl(before),
            count: before.wrapping_add(1),
        }
    }

    /// Three of them, if none has more than [`ZEROS_MAX`] zeros.
    #[inline]
    pub(super) fn rice_three(numbers: [(u16, u8); 3]) -> Option<Self> {
        let zeros = numbers.map(|(value, rank)| value >> (rank & 15));
        let fits = zeros[0] | zeros[1] | zeros[2] <= ZEROS_MAX;
        let [a, b, c] = numbers.map(Self::rice);
        fits.then(|| a.then(b).then(c))
    }

    /// These, then others; at most 64.
    #[inline]
    pub(super) fn then(self, next: Self) -> Self {
        Self {
            value: self.value | next.value.wrapping_shl(self.count),
            count: self.count.wrapping_add(next.count),
        }
    }
}

/// Puts bits into bytes.
#[derive(Debug)]
pub(super) struct BitSink<'a> {
    out: &'a mut [u8],
    at: usize, // bytes that are whole
    acc: u64,
    used: u32, // bits of acc, < 8 between calls
}

impl<'a> BitSink<'a> {
    pub(super) fn new(out: &'a mut [u8]) -> Self {
        Self {
            out,
            at: 0,
            acc: 0,
            used: 0,
        }
    }

    /// Puts at most [`BITS_MAX`] bits. Of what finds no room only the number is kept.
    #[inline]
    pub(super) fn put(&mut self, bits: Bits) {
        debug_assert!(bits.count <= BITS_MAX && bits.value >> bits.count == 0);
        self.acc |= bits.value << (self.used & 7);
        self.used = self.used.wrapping_add(bits.count);
        match self
            .out
            .get_mut(self.at..)
            .and_then(<[u8]>::first_chunk_mut::<8>)
        {
            Some(room) => *room = self.acc.to_le_bytes(),
            None => put_last(self.out, self.at, self.acc),
        }
        self.at = self.at.wrapping_add((self.used / 8) as usize);
        self.acc = self.acc.wrapping_shr(self.used & !7);
        self.used &= 7;
    }

    /// The packet's bytes, the last one filled up with zeros.
    pub(super) fn finish(self) -> Result<usize, OutOfRoom> {
        put_last(self.out, self.at, self.acc);
        let bytes = self.at + self.used.div_ceil(8) as usize;
        if bytes > self.out.len() {
            return Err(OutOfRoom);
        }
        Ok(bytes)
    }
}

/// Puts as many bytes as there is room for.
#[cold]
fn put_last(out: &mut [u8], at: usize, acc: u64) {
    let room = out.get_mut(at..).unwrap_or_default();
    for (room, byte) in room.iter_mut().zip(acc.to_le_bytes()) {
        *room = byte;
    }
}

/// Sees bits of bytes, after which there are zeros.
#[derive(Debug)]
pub(super) struct BitSource<'a> {
    bytes: &'a [u8],
    at: usize, // in bits
}

impl<'a> BitSource<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next bits, at least [`BITS_MAX`].
    #[inline]
    pub(super) fn peek(&self) -> u64 {
        let rest = self.bytes.get(self.at / 8..).unwrap_or_default();
        let word = match rest.first_chunk::<8>() {
            Some(word) => u64::from_le_bytes(*word),
            None => last_word(rest),
        };
        word >> (self.at & 7)
    }

    /// Goes on by so many.
    #[inline]
    pub(super) fn skip(&mut self, bits: u32) {
        self.at += bits as usize;
    }

    /// The next few bits.
    #[inline]
    pub(super) fn take(&mut self, bits: u32) -> u64 {
        debug_assert!(bits <= BITS_MAX);
        let value = self.peek() & !(u64::MAX << bits);
        self.skip(bits);
        value
    }

    /// Says whether the packet ended here.
    pub(super) fn finish(self) -> Result<(), BodiesError> {
        let bytes = self.at.div_ceil(8);
        let padding = self.bytes.last().map_or(0, |last| last >> (self.at & 7));
        let error = match bytes.cmp(&self.bytes.len()) {
            core::cmp::Ordering::Less => WireError::Trailing,
            core::cmp::Ordering::Greater => WireError::Short,
            core::cmp::Ordering::Equal if self.at & 7 != 0 && padding != 0 => WireError::Padding,
            core::cmp::Ordering::Equal => return Ok(()),
        };
        Err(error.into())
    }
}

#[cold]
fn last_word(rest: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..rest.len()].copy_from_slice(rest);
    u64::from_le_bytes(word)
}

/// Reads Rice's codes from bits that were seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) bits: u64,
    pub(super) used: u32,
}

impl Window {
    #[inline]
    pub(super) fn new(bits: u64) -> Self {
        Self { bits, used: 0 }
    }

    /// Goes on by so many.
    #[inline]
    pub(super) fn skip(&mut self, bits: u32) {
        self.bits >>= bits;
        self.used += bits;
    }

    /// A number of this rank; none when it has more than so many zeros. `rank` < 16.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "16 zeros of rank 6, or 7 of rank 15"
    )]
    pub(super) fn rice(&mut self, rank: u8, zeros_max: u16) -> Option<u16> {
        let rank = u32::from(rank & 15);
        let low = self.bits & MASKS[rank as usize];
        let rest = self.bits >> rank;
        let zeros = rest.trailing_zeros();
        if zeros > u32::from(zeros_max) {
            return None;
        }
        self.bits = (rest >> zeros) >> 1;
        self.used = self.used.wrapping_add(rank + zeros + 1);
        Some(((zeros << rank) | low as u32) as u16)
    }
}

/// So many low bits.
const MASKS: [u64; 16] = {
    let mut masks = [0; 16];
    let mut bits = 0;
    while bits < 16 {
        masks[bits] = (1 << bits) - 1;
        bits += 1;
    }
    masks
};
