//! Bytes to bits.

use super::symbol::ALL_BITS;
use super::{AdaptiveBit, AdaptiveSymbol, Coder, RAW_BITS_MAX};
use crate::error::WireError;

/// Reads a message. Zeros follow its bytes, and any bytes are some message: the decoder never fails before its end.
#[derive(Debug)]
pub struct RangeDecoder<'a> {
    /// The message's number less the encoder's `low`: below `range` in what an encoder wrote.
    code: u64,
    range: u64, // >= 2³² between calls
    bytes: &'a [u8],
    read: usize,
}

impl<'a> RangeDecoder<'a> {
    /// A decoder of these bytes, from the first on.
    pub fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Self {
            code: 0,
            range: u64::MAX,
            bytes,
            read: 0,
        };
        decoder.code = (decoder.next() << 32) | decoder.next();
        decoder
    }

    /// Says whether the message ended here.
    ///
    /// # Errors
    /// [`WireError::Trailing`] when bytes follow that cannot have mattered; [`WireError::Padding`] when the last is 0.
    pub fn finish(self) -> Result<(), WireError> {
        if self.bytes.len() > self.read {
            Err(WireError::Trailing)
        } else if self.bytes.last() == Some(&0) {
            Err(WireError::Padding)
        } else {
            Ok(())
        }
    }

    /// The next four bytes, zeros after the last.
    #[inline]
    fn next(&mut self) -> u64 {
        let rest = self.bytes.get(self.read..).unwrap_or_default();
        self.read += 4;
        match rest.first_chunk::<4>() {
            Some(four) => u64::from(u32::from_be_bytes(*four)),
            None => (0..4).fold(0, |word, at| {
                (word << 8) | u64::from(rest.get(at).copied().unwrap_or(0))
            }),
        }
    }

    #[inline]
    fn make_room(&mut self) {
        if self.range >> 32 == 0 {
            self.range <<= 32;
            self.code = (self.code << 32) | self.next();
        }
    }
}

impl Coder for RangeDecoder<'_> {
    const IS_TOLD: bool = false;

    #[inline]
    fn bit(&mut self, model: &mut AdaptiveBit, _: bool) -> bool {
        let ones = (self.range >> 16).wrapping_mul(u64::from(model.of_one())); // 48 bits and 16
        let bit = self.code < ones;
        model.learn(bit);
        // `ones` is less than the range, and at most the code where it is taken from it.
        (self.range, self.code) = if bit {
            (ones, self.code)
        } else {
            (self.range.wrapping_sub(ones), self.code.wrapping_sub(ones))
        };
        self.make_room();
        bit
    }

    #[inline]
    fn symbol(&mut self, model: &mut AdaptiveSymbol, _: usize) -> usize {
        let unit = self.range >> ALL_BITS;
        // Only bytes that no encoder wrote name more.
        let symbol = model.symbol_of((self.code / unit).min((1 << ALL_BITS) - 1) as u16);
        let (from, share) = model.share(symbol);
        model.learn(symbol);
        self.range = unit.wrapping_mul(u64::from(share)); // 49 bits and 15
        // At most the code; and what is left is less than the range, or made so where no encoder wrote it.
        let rest = self.code.wrapping_sub(unit.wrapping_mul(u64::from(from)));
        self.code = rest.min(self.range.wrapping_sub(1));
        self.make_room();
        symbol
    }

    #[inline]
    fn raw(&mut self, _: u32, bits: u32) -> u32 {
        debug_assert!(bits <= RAW_BITS_MAX);
        self.range >>= bits;
        let highest = (1u64 << bits) - 1; // only bytes that no encoder wrote name more
        let value = (self.code / self.range).min(highest);
        self.code -= self.range * value;
        self.make_room();
        u32::try_from(value).expect("at most 24 bits")
    }
}
