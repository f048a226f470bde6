//! Bits to bytes.

use super::symbol::ALL_BITS;
use super::{AdaptiveBit, AdaptiveSymbol, Coder, RAW_BITS_MAX};

/// Writes a message into bytes that are lent; allocates nothing.
///
/// ```text
/// the message is a number between 0 and 1:   0.[bytes written][low, 64 bits]…   any number of low..low + range will do
///                                                              │ 1 │ └── 0 ──┘  a bit takes its share of the range
/// ```
/// A range that has shrunk below 2³² moves up by four bytes. Additions to `low` may carry into bytes that are written.
#[derive(Debug)]
pub struct RangeEncoder<'a> {
    low: u64,
    range: u64, // >= 2³² between calls
    out: &'a mut [u8],
    count: usize,
    is_full: bool,
}

/// A message was longer than the room for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the message is longer than the room for it")]
pub struct OutOfRoom;

impl<'a> RangeEncoder<'a> {
    /// An encoder that writes from the first of these bytes on.
    pub fn new(out: &'a mut [u8]) -> Self {
        Self {
            low: 0,
            range: u64::MAX,
            out,
            count: 0,
            is_full: false,
        }
    }

    /// Ends the message and gives its bytes' number: the fewest that name a number within the range when zeros follow
    /// them. So the last is never 0, and a message of nothing unexpected may have none.
    ///
    /// # Errors
    /// [`OutOfRoom`] when they were more than there is room for.
    pub fn finish(mut self) -> Result<usize, OutOfRoom> {
        let last = u128::from(self.low) + u128::from(self.range) - 1;
        let round = |count: u32| {
            let unit = 1u128 << (64 - 8 * count);
            (u128::from(self.low).next_multiple_of(unit), count as usize)
        };
        let (value, count) = (0..8)
            .map(round)
            .find(|(value, _)| *value <= last)
            .unwrap_or((u128::from(self.low), 8));
        if value >> 64 != 0 {
            self.carry();
        }
        self.put(&value.to_be_bytes()[8..8 + count]);
        if self.is_full {
            return Err(OutOfRoom);
        }
        let written = &self.out[..self.count];
        Ok(written
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |at| at + 1))
    }

    #[inline]
    fn add(&mut self, value: u64) {
        let (low, is_over) = self.low.overflowing_add(value);
        self.low = low;
        if is_over {
            self.carry();
        }
    }

    #[cold]
    fn carry(&mut self) {
        for byte in self.out[..self.count].iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                break;
            }
        }
    }

    /// Bytes are written whether they are due or not: when they are, a processor cannot guess.
    #[inline]
    fn make_room(&mut self) {
        let is_due = self.range >> 32 == 0;
        let next = self
            .out
            .get_mut(self.count..)
            .and_then(<[u8]>::first_chunk_mut::<4>);
        match next {
            Some(next) => {
                let [a, b, c, d, ..] = self.low.to_be_bytes();
                *next = [a, b, c, d];
                self.count = self.count.wrapping_add(usize::from(is_due) * 4);
            }
            None => self.is_full |= is_due,
        }
        let shift = u32::from(is_due) * 32;
        self.low = self.low.wrapping_shl(shift);
        self.range = self.range.wrapping_shl(shift);
    }

    fn put(&mut self, bytes: &[u8]) {
        match self.out.get_mut(self.count..self.count + bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.count += bytes.len();
            }
            None => self.is_full = true,
        }
    }
}

impl Coder for RangeEncoder<'_> {
    const IS_TOLD: bool = true;

    #[inline]
    fn bit(&mut self, model: &mut AdaptiveBit, bit: bool) -> bool {
        let ones = (self.range >> 16).wrapping_mul(u64::from(model.of_one())); // 48 bits and 16
        model.learn(bit);
        // Chosen, not branched to: a bit worth sending is one that a processor cannot guess.
        let (range, skipped) = if bit {
            (ones, 0)
        } else {
            (self.range.wrapping_sub(ones), ones) // `ones` is less than the range
        };
        self.range = range;
        self.add(skipped);
        self.make_room();
        bit
    }

    #[inline]
    fn symbol(&mut self, model: &mut AdaptiveSymbol, symbol: usize) -> usize {
        let (from, share) = model.share(symbol);
        model.learn(symbol);
        let unit = self.range >> ALL_BITS;
        self.range = unit.wrapping_mul(u64::from(share)); // 49 bits and 15
        self.add(unit.wrapping_mul(u64::from(from)));
        self.make_room();
        symbol
    }

    #[inline]
    fn raw(&mut self, value: u32, bits: u32) -> u32 {
        debug_assert!(bits <= RAW_BITS_MAX && value >> bits == 0);
        self.range >>= bits;
        self.add(self.range * u64::from(value));
        self.make_room();
        value
    }
}
