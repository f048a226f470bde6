//! The probabilities of sixteen symbols, learnt from the symbols that were.

/// How likely each symbol is: the mean of an estimate that forgets within 32 symbols and one that forgets within 128.
///
/// Kept as sums, so that a step of learning is the same few operations on 16 numbers, which are vectors, whatever the symbol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(align(32))]
pub struct AdaptiveSymbol {
    /// How likely the symbols before this one are together, in 1/32,768. Each is more than the one before: a step takes both
    /// towards places at least [`LEAST`] apart, and never nearer to each other than that.
    quick: [i16; SYMBOLS],
    slow: [i16; SYMBOLS],
}

/// So many there are.
pub(super) const SYMBOLS: usize = 16;

/// The sum of all.
const ALL: u16 = 32_768;

/// The least likely symbol costs about 12 bits.
const LEAST: u16 = 8;

impl AdaptiveSymbol {
    /// How likely the symbols before this one are together, and this one, in 1/65,536. The latter is never 0.
    #[inline]
    pub(super) fn share(&self, symbol: usize) -> (u32, u32) {
        let symbol = symbol % SYMBOLS;
        let sum = |n: usize| u32::from(self.quick[n].wrapping_add(self.slow[n]).cast_unsigned());
        let to = if symbol == SYMBOLS - 1 {
            1 << 16
        } else {
            sum((symbol + 1) % SYMBOLS)
        };
        (sum(symbol), to.wrapping_sub(sum(symbol)))
    }

    /// The symbol whose share this is in: one of 65,536.
    #[inline]
    pub(super) fn symbol_of(&self, share: u16) -> usize {
        let mut before = u16::MAX; // one less, for the first sum is 0
        for (quick, slow) in self.quick.iter().zip(&self.slow) {
            let sum = quick.wrapping_add(*slow).cast_unsigned();
            before = before.wrapping_add(u16::from(sum <= share));
        }
        usize::from(before)
    }

    /// Learns what the symbol was.
    #[inline]
    #[expect(
        clippy::needless_range_loop,
        reason = "so the compiler makes vectors of it, a fifth of an encoder's time"
    )]
    pub(super) fn learn(&mut self, symbol: usize) {
        let to = &TOWARDS[symbol % SYMBOLS];
        for n in 0..SYMBOLS {
            let [quick, slow] = [self.quick[n], self.slow[n]];
            self.quick[n] = quick.wrapping_add(to[n].wrapping_sub(quick) >> 5);
            self.slow[n] = slow.wrapping_add(to[n].wrapping_sub(slow) >> 7);
        }
    }
}

impl Default for AdaptiveSymbol {
    /// Knows nothing: all are as likely.
    fn default() -> Self {
        const EVEN: [i16; SYMBOLS] = sums(&[ALL / 16; SYMBOLS]);
        Self {
            quick: EVEN,
            slow: EVEN,
        }
    }
}

/// The sums if a symbol were all but certain.
static TOWARDS: [[i16; SYMBOLS]; SYMBOLS] = {
    let mut all = [[0; SYMBOLS]; SYMBOLS];
    let mut symbol = 0;
    while symbol < SYMBOLS {
        let mut shares = [LEAST; SYMBOLS];
        shares[symbol] = ALL - 15 * LEAST;
        all[symbol] = sums(&shares);
        symbol += 1;
    }
    all
};

const fn sums(shares: &[u16; SYMBOLS]) -> [i16; SYMBOLS] {
    let mut sums = [0; SYMBOLS];
    let mut n = 1;
    while n < SYMBOLS {
        sums[n] = sums[n - 1] + shares[n - 1].cast_signed();
        n += 1;
    }
    sums
}
