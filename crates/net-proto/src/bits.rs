//! Bits in and out of bytes.
//!
//! The first bit written is the lowest bit of the first byte; a field's lowest bit comes first. So a stream is
//! one long little-endian integer, and a field of n bits is `(stream >> position) & (2ⁿ − 1)`.
//!
//! ```text
//! write(0b101, 3) write(0b11, 2) write(0x155, 9)      byte 0: 101 11 101   byte 1: 00 101010
//!                                                     (lowest bit first)         └ padding, must be 0
//! ```

use crate::error::WireError;

/// Appends fields of 0 to 64 bits to a byte vector, through a 64-bit accumulator.
#[derive(Debug)]
pub struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    acc: u64,
    used: u32, // bits of acc in use, < 64
    start: usize,
}

impl<'a> BitWriter<'a> {
    /// A writer that appends to `out`, from its next byte on.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        Self {
            out,
            acc: 0,
            used: 0,
            start,
        }
    }

    /// Writes the lowest `bits` (0 to 64) of a value; higher bits of the value must be 0.
    #[inline]
    pub fn write(&mut self, value: u64, bits: u32) {
        debug_assert!(bits <= 64 && (bits == 64 || value >> bits == 0));
        if bits == 0 {
            return;
        }
        self.acc |= value << self.used;
        let total = self.used + bits;
        if total < 64 {
            self.used = total;
            return;
        }
        self.out.extend_from_slice(&self.acc.to_le_bytes());
        // What did not fit: nothing, when the field ended exactly at the 64th bit.
        let taken = 64 - self.used;
        self.acc = if taken == 64 { 0 } else { value >> taken };
        self.used = total - 64;
    }

    /// Copies bits that were encoded before.
    pub fn copy_bits(&mut self, span: BitSpan<'_>) {
        let mut left = span.bits;
        for &word in span.words {
            let bits = left.min(64);
            self.write(word, bits);
            left -= bits;
        }
    }

    /// Bits written so far.
    pub fn bit_count(&self) -> usize {
        (self.out.len() - self.start) * 8 + self.used as usize
    }

    /// Pads with zeros to a whole byte, and lends the bytes for whole fields to be appended.
    pub fn align(&mut self) -> &mut Vec<u8> {
        let bytes = self.used.div_ceil(8) as usize;
        self.out.extend_from_slice(&self.acc.to_le_bytes()[..bytes]);
        (self.acc, self.used) = (0, 0);
        self.out
    }

    /// Flushes the last bits, padded with zeros to a whole byte.
    pub fn finish(mut self) {
        self.align();
    }
}

/// Puts fields into bytes that are there already. Whole words are stored each time, whether they are full or not: when they are, a processor
/// cannot guess.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BitCursor {
    at: usize, // bytes that are whole
    acc: u64,
    used: u32, // bits of acc, < 8 between calls
}

impl BitCursor {
    /// From a byte on.
    pub(crate) fn new(at: usize) -> Self {
        Self {
            at,
            ..Self::default()
        }
    }

    /// Puts at most 56 bits; those above must be 0. There have to be eight bytes.
    #[inline]
    pub(crate) fn put(&mut self, out: &mut [u8], value: u64, bits: u32) {
        debug_assert!(bits <= 56 && value >> bits == 0);
        self.acc |= value << (self.used & 7);
        self.used = self.used.wrapping_add(bits);
        out[self.at..][..8].copy_from_slice(&self.acc.to_le_bytes());
        self.at = self.at.wrapping_add((self.used / 8) as usize);
        self.acc = self.acc.wrapping_shr(self.used & !7);
        self.used &= 7;
    }

    /// Puts up to 64 bits.
    #[inline]
    pub(crate) fn put_word(&mut self, out: &mut [u8], value: u64, bits: u32) {
        let low = bits.min(32);
        self.put(out, value & !(u64::MAX << low), low);
        self.put(out, value.wrapping_shr(low), bits - low);
    }

    /// Puts bits that were encoded before behind a field of at most 16: at one go, where they are short.
    #[inline]
    pub(crate) fn copy_behind(
        &mut self,
        out: &mut [u8],
        (value, bits): (u64, u32),
        span: BitSpan<'_>,
    ) {
        match span.words {
            [word] if bits + span.bits <= 56 => {
                self.put(out, value | word << bits, bits + span.bits)
            }
            _ => {
                self.put(out, value, bits);
                self.copy(out, span);
            }
        }
    }

    /// Puts bits that were encoded before.
    #[inline(never)]
    pub(crate) fn copy(&mut self, out: &mut [u8], span: BitSpan<'_>) {
        let mut left = span.bits;
        for &word in span.words {
            let bits = left.min(64);
            self.put_word(out, word, bits);
            left -= bits;
        }
    }

    /// How many bytes there are, the last filled up with zeros.
    pub(crate) fn bytes(self) -> usize {
        self.at + self.used.div_ceil(8) as usize
    }
}

/// Bits that were encoded earlier: the first in the lowest bit of the first word, zeros above the last.
#[derive(Clone, Copy, Debug)]
pub struct BitSpan<'a> {
    words: &'a [u64],
    bits: u32,
}

impl<'a> BitSpan<'a> {
    /// The first `bits` of some words; the words hold exactly these bits, and zeros above them.
    pub(crate) fn new(words: &'a [u64], bits: u32) -> Self {
        debug_assert_eq!(words.len(), bits.div_ceil(64) as usize);
        Self { words, bits }
    }

    /// Length in bits.
    pub fn bit_count(self) -> u32 {
        self.bits
    }
}

/// A few fields built on the stack, to be cached and copied: an entity's update has at most 155 bits, and those of its columns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct ShortBits {
    words: [u64; 11],
    bits: u32,
}

impl ShortBits {
    /// Forgets them.
    #[inline]
    pub(crate) fn clear(&mut self) {
        let words = self.bits.div_ceil(64) as usize;
        self.words[..words].fill(0);
        self.bits = 0;
    }

    /// Appends a field, as [`BitWriter::write`] does. Asserts that it fits.
    #[inline]
    pub(crate) fn push(&mut self, value: u64, bits: u32) {
        debug_assert!(bits <= 64 && (bits == 64 || value >> bits == 0));
        if bits == 0 {
            return;
        }
        let (word, shift) = ((self.bits / 64) as usize, self.bits % 64);
        self.words[word] |= value << shift;
        if shift + bits > 64 {
            self.words[word + 1] = value >> (64 - shift);
        }
        self.bits += bits;
    }

    #[cfg(test)]
    pub(crate) fn span(&self) -> BitSpan<'_> {
        BitSpan::new(&self.words[..self.bits.div_ceil(64) as usize], self.bits)
    }

    pub(crate) fn words(&self) -> &[u64] {
        &self.words[..self.bits.div_ceil(64) as usize]
    }

    pub(crate) fn bit_count(&self) -> u32 {
        self.bits
    }
}

/// Reads fields of 0 to 64 bits from a peer's bytes.
#[derive(Clone, Debug)]
pub struct BitReader<'a> {
    bytes: &'a [u8], // not yet loaded
    acc: u64,
    held: u32, // bits in acc; zeros above
}

impl<'a> BitReader<'a> {
    /// A reader from the first byte on.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            acc: 0,
            held: 0,
        }
    }

    /// The next `bits` (0 to 64) as an integer.
    ///
    /// # Errors
    /// [`WireError::Short`] past the end.
    pub fn read(&mut self, bits: u32) -> Result<u64, WireError> {
        debug_assert!(bits <= 64);
        if bits <= self.held {
            return Ok(self.take(bits));
        }
        let low_bits = self.held;
        let low = self.take(low_bits);
        self.refill();
        let high_bits = bits - low_bits;
        if high_bits > self.held {
            return Err(WireError::Short);
        }
        let high = self.take(high_bits);
        Ok(if low_bits == 64 {
            low
        } else {
            low | high << low_bits
        })
    }

    /// The next bit.
    ///
    /// # Errors
    /// [`WireError::Short`] past the end.
    pub fn read_bool(&mut self) -> Result<bool, WireError> {
        Ok(self.read(1)? == 1)
    }

    /// The next `bits` (1 to 32) as a two's complement integer.
    ///
    /// # Errors
    /// [`WireError::Short`] past the end.
    pub fn read_signed(&mut self, bits: u32) -> Result<i32, WireError> {
        debug_assert!((1..=32).contains(&bits));
        let raw = self.read(bits)?;
        // The sign bit is moved to the top and drawn down again.
        let wide = ((raw << (64 - bits)) as i64) >> (64 - bits);
        i32::try_from(wide).map_err(|_| WireError::Field("signed integer"))
    }

    /// Ends the reading: everything but the padding of the last byte has been read, and that is zero.
    ///
    /// # Errors
    /// [`WireError::Trailing`] with whole bytes left, [`WireError::Padding`] with non-zero bits left.
    pub fn finish(self) -> Result<(), WireError> {
        if !self.bytes.is_empty() || self.held >= 8 {
            Err(WireError::Trailing)
        } else if self.acc != 0 {
            Err(WireError::Padding)
        } else {
            Ok(())
        }
    }

    fn take(&mut self, bits: u32) -> u64 {
        debug_assert!(bits <= self.held);
        self.held -= bits;
        if bits == 64 {
            return core::mem::take(&mut self.acc);
        }
        let value = self.acc & ((1 << bits) - 1);
        self.acc >>= bits;
        value
    }

    /// Loads up to eight bytes into the empty accumulator.
    fn refill(&mut self) {
        debug_assert_eq!(self.held, 0);
        let (now, rest) = self.bytes.split_at(self.bytes.len().min(8));
        let mut word = [0; 8];
        word[..now.len()].copy_from_slice(now);
        self.acc = u64::from_le_bytes(word);
        self.held = 8 * u32::try_from(now.len()).unwrap_or(0);
        self.bytes = rest;
    }
}

/// The lowest `bits` (1 to 63) of a two's complement integer, as written on the wire.
pub(crate) fn twos_complement(value: i32, bits: u32) -> u64 {
    (i64::from(value) as u64) & ((1 << bits) - 1)
}

/// Whether a value fits `bits` of two's complement.
pub(crate) fn fits_signed(value: i32, bits: u32) -> bool {
    let limit = 1i64 << (bits - 1);
    (-limit..limit).contains(&i64::from(value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn masked(value: u64, bits: u32) -> u64 {
        if bits == 64 {
            value
        } else {
            value & ((1 << bits) - 1)
        }
    }

    proptest! {
        #[test]
        fn fields_round_trip(fields in prop::collection::vec((any::<u64>(), 0u32..=64), 0..60)) {
            let mut bytes = vec![0xaa; 3];
            let mut writer = BitWriter::new(&mut bytes);
            let mut bits = 0;
            for &(value, width) in &fields {
                writer.write(masked(value, width), width);
                bits += width as usize;
                prop_assert_eq!(writer.bit_count(), bits);
            }
            writer.finish();
            prop_assert_eq!(bytes.len(), 3 + bits.div_ceil(8));
            let mut reader = BitReader::new(&bytes[3..]);
            for &(value, width) in &fields {
                prop_assert_eq!(reader.read(width), Ok(masked(value, width)));
            }
            prop_assert_eq!(reader.clone().finish(), Ok(()));
            prop_assert_eq!(reader.read(8), Err(WireError::Short));
        }

        #[test]
        fn copied_bits_equal_written_bits(
            lead in 0u32..64,
            fields in prop::collection::vec((any::<u64>(), 0u32..=48), 0..4),
        ) {
            let (mut direct, mut copied) = (Vec::new(), Vec::new());
            let mut short = ShortBits::default();
            let mut writer = BitWriter::new(&mut direct);
            writer.write(0, lead);
            for &(value, width) in &fields {
                writer.write(masked(value, width), width);
                short.push(masked(value, width), width);
            }
            writer.finish();
            let mut writer = BitWriter::new(&mut copied);
            writer.write(0, lead);
            writer.copy_bits(short.span());
            writer.finish();
            prop_assert_eq!(&direct, &copied);
            // Bits of the lead go before it, some of them with it.
            let behind = lead.min(16);
            let mut room = vec![0xaa; direct.len() + 8];
            let mut cursor = BitCursor::new(0);
            cursor.put_word(&mut room, 0, lead - behind);
            cursor.copy_behind(&mut room, (0, behind), short.span());
            room.truncate(cursor.bytes());
            prop_assert_eq!(direct, room);
        }

        #[test]
        fn signed_round_trip(value in any::<i32>(), bits in 1u32..=32) {
            let value = value >> (32 - bits);
            prop_assert!(fits_signed(value, bits) && (bits == 32 || !fits_signed(1 << (bits - 1), bits)));
            let mut bytes = Vec::new();
            let mut writer = BitWriter::new(&mut bytes);
            writer.write(twos_complement(value, bits), bits);
            writer.finish();
            prop_assert_eq!(BitReader::new(&bytes).read_signed(bits), Ok(value));
        }
    }

    #[test]
    fn leftovers_are_refused() {
        let mut reader = BitReader::new(&[0b101, 0]);
        assert_eq!(reader.read(3), Ok(0b101));
        assert_eq!(reader.finish(), Err(WireError::Trailing));
        let mut reader = BitReader::new(&[0b1101]);
        assert_eq!(reader.read(3), Ok(0b101));
        assert_eq!(reader.finish(), Err(WireError::Padding));
        assert_eq!(BitReader::new(&[0]).finish(), Err(WireError::Trailing));
        assert_eq!(BitReader::new(&[]).read(1), Err(WireError::Short));
    }
}
