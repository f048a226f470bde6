//! A bit's probability, learnt from the bits that were.

/// How likely a bit is 1: the mean of an estimate that forgets within 16 bits and one that forgets within 128. The quick
/// one follows change, the slow one knows the odds where nothing changes.
///
/// The idea of the two is Fabian Giesen's, in his entry to the challenge of 2015 (rygorous/gaffer_net).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AdaptiveBit {
    quick: u16, // both in 1/65,536, from LEAST to 65,536 − LEAST
    slow: u16,
}

impl AdaptiveBit {
    /// The probability of a 1, in 1/65,536: never 0, and never 1.
    #[inline]
    pub(super) fn of_one(self) -> u32 {
        (u32::from(self.quick) + u32::from(self.slow)) / 2
    }

    /// Learns what the bit was.
    #[inline]
    pub(super) fn learn(&mut self, bit: bool) {
        let to = if bit { 65_536 - LEAST } else { LEAST };
        self.quick = towards(self.quick, to, 4);
        self.slow = towards(self.slow, to, 7);
    }
}

impl Default for AdaptiveBit {
    /// Knows nothing: both are as likely.
    fn default() -> Self {
        Self {
            quick: 32_768,
            slow: 32_768,
        }
    }
}

/// No bit costs more than 11 bits, nor less than 1/1,400 of one.
const LEAST: i32 = 32;

/// The shift rounds down: downwards all the way to the target, upwards to just below it.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "lies between a probability and another"
)]
fn towards(from: u16, to: i32, shift: u32) -> u16 {
    let from = i32::from(from);
    from.wrapping_add(to.wrapping_sub(from) >> shift) as u16
}
