//! The probabilities of 23 symbols, learnt from the symbols that were.

/// How likely each symbol is: an estimate that forgets within 64 symbols.
///
/// Kept as sums, so that a step of learning is the same few operations on 24 numbers, which are vectors, whatever the symbol. A second
/// estimate that forgets within 256, and the mean of the two, are 0.1 B a packet of the bodies' benchmark better and as much work again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(align(16))]
pub struct AdaptiveSymbol {
    /// How likely the symbols before this one are together, in 1/32,768: from 0, to all of them behind the last. Each is more than the one
    /// before: a step takes both towards places at least [`LEAST`] apart, and never nearer to each other than that.
    sums: [u16; SUMS],
}

const SYMBOLS: u16 = 23;

/// A sum before each symbol, and one behind the last.
const SUMS: usize = AdaptiveSymbol::COUNT + 1;

/// The sum of all, and its bits.
const ALL: u16 = 1 << ALL_BITS;
pub(super) const ALL_BITS: u32 = 15;

/// The least likely symbol costs about 12 bits.
const LEAST: u16 = 8;

impl AdaptiveSymbol {
    /// So many symbols there are.
    pub const COUNT: usize = SYMBOLS as usize;

    /// How likely the symbols before this one are together, and this one, in 1/32,768. The latter is never 0.
    #[inline]
    pub(super) fn share(&self, symbol: usize) -> (u32, u32) {
        let symbol = symbol.min(Self::COUNT - 1);
        let (from, to) = (self.sums[symbol], self.sums[symbol + 1]);
        (u32::from(from), u32::from(to.wrapping_sub(from)))
    }

    /// The symbol whose share this is in: one of 32,768.
    #[inline]
    pub(super) fn symbol_of(&self, share: u16) -> usize {
        let mut before = u16::MAX; // one less, for the first sum is 0
        for sum in &self.sums {
            before = before.wrapping_add(u16::from(*sum <= share));
        }
        usize::from(before)
    }

    /// Learns what the symbol was.
    #[inline]
    pub(super) fn learn(&mut self, symbol: usize) {
        let to = &TOWARDS[symbol.min(Self::COUNT - 1)];
        for (sum, to) in self.sums.iter_mut().zip(to) {
            let step = to.wrapping_sub(*sum).cast_signed() >> 6; // 16 bits are enough: the only sum of them all is where it goes
            *sum = sum.wrapping_add(step.cast_unsigned());
        }
    }
}

impl Default for AdaptiveSymbol {
    /// Knows nothing: all are about as likely.
    fn default() -> Self {
        let even = ALL / SYMBOLS;
        Self {
            sums: sums(&[even; AdaptiveSymbol::COUNT]),
        }
    }
}

/// The sums if a symbol were all but certain.
static TOWARDS: [[u16; SUMS]; AdaptiveSymbol::COUNT] = {
    let mut all = [[0; SUMS]; AdaptiveSymbol::COUNT];
    let mut symbol = 0;
    while symbol < AdaptiveSymbol::COUNT {
        let mut shares = [LEAST; AdaptiveSymbol::COUNT];
        shares[symbol] = ALL - (SYMBOLS - 1) * LEAST;
        all[symbol] = sums(&shares);
        symbol += 1;
    }
    all
};

/// What shares leave of all is the last one's.
const fn sums(shares: &[u16; AdaptiveSymbol::COUNT]) -> [u16; SUMS] {
    let mut sums = [0; SUMS];
    let mut n = 1;
    while n < SUMS {
        sums[n] = sums[n - 1] + shares[n - 1];
        n += 1;
    }
    sums[SUMS - 1] = ALL;
    sums
}
