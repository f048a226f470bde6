//! A bit's probability, learnt from the bits that were.

/// How likely a bit is 1: an estimate that forgets within 32 bits.
///
/// The mean of one that forgets within 16 and one that forgets within 128 is no better where this was measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AdaptiveBit(u16); // in 1/65,536, from LEAST to 65,536 − LEAST

impl AdaptiveBit {
    /// The probability of a 1, in 1/65,536: never 0, and never 1.
    #[inline]
    pub(super) fn of_one(self) -> u32 {
        u32::from(self.0)
    }

    /// Learns what the bit was.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "lies between a probability and another"
    )]
    pub(super) fn learn(&mut self, bit: bool) {
        let (from, to) = (i32::from(self.0), if bit { 65_536 - LEAST } else { LEAST });
        // The shift rounds down: downwards all the way to the target, upwards to just below it.
        self.0 = from.wrapping_add(to.wrapping_sub(from) >> 5) as u16;
    }
}

impl Default for AdaptiveBit {
    /// Knows nothing: both are as likely.
    fn default() -> Self {
        Self(32_768)
    }
}

/// No bit costs more than 11 bits, nor less than 1/1,400 of one.
const LEAST: i32 = 32;
