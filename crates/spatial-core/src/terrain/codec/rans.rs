//! Entropy coding of residuals: distributions known beforehand, one for each scale, and four interleaved coders.
//!
//! A residual e at scale t is a token and t's number b of bare bits: token = (e + 2ᵇ⁻¹) >> b, the rest below it as it is.
//! Beyond ±62 the token is an escape, and e follows in 16 bare bits. Tokens are distributed as a logistic
//! distribution of scale s = 2^(t/4 − 3), in 4,096ths; from t = 24 on the distributions repeat every four scales
//! and b grows by one instead.
//!
//! The coder is range ANS: a state of 64 bits from 2³² on, refilled by words of 32 bits.

use super::scales::{Residual, Scales};

/// Scales there are.
pub(crate) const SCALES: u8 = 68;
/// Coders that take turns.
pub(crate) const CODERS: usize = 4;
/// Tokens are −62 to 62.
const TOKEN_MAX: i32 = 62;
const ESCAPE: usize = 2 * TOKEN_MAX as usize + 1;
const SYMBOLS: usize = ESCAPE + 1;
/// Bits of a frequency.
const FREQUENCY_BITS: u32 = 12;
const SLOTS: usize = 1 << FREQUENCY_BITS;
/// The first scale with bare bits.
const BARE_FROM: u8 = 24;
/// Distributions: the four of scale 20 on are used with every number of bare bits.
const SHAPES: usize = BARE_FROM as usize;
const STATE_MIN: u64 = 1 << 32;

/// exp(−1 / 2s) of the four least scales s = 2^(t/4 − 3), in units of 2⁻³²; every fourth is the root of the one before.
const ROOTS: [u64; 4] = [78_665_070, 148_652_826, 253_857_248, 398_132_550];

/// A distribution: for the decoder what each of 4,096 slots means, for the encoder each symbol's slots.
#[derive(Clone, Copy)]
struct Shape {
    slots: [Slot; SLOTS],
    first: [u16; SYMBOLS + 1],
}

/// A symbol, its frequency, and how far into it the slot is.
#[derive(Clone, Copy)]
struct Slot {
    symbol: u8,
    frequency: u16,
    offset: u16,
}

/// Computed by the compiler: made at the first use they would be memory that is never given back.
static TABLE: [Shape; SHAPES] = shapes();

const fn shapes() -> [Shape; SHAPES] {
    let mut all = [Shape::new(0); SHAPES];
    let mut scale = 1;
    while scale < SHAPES {
        all[scale] = Shape::new(scale);
        scale += 1;
    }
    all
}

impl Shape {
    const fn new(scale: usize) -> Self {
        let mut root = ROOTS[scale % 4];
        let mut times = scale / 4;
        while times > 0 {
            root = (root << 32).isqrt();
            times -= 1;
        }
        let masses = masses(root);
        let empty = Slot {
            symbol: 0,
            frequency: 0,
            offset: 0,
        };
        let (mut slots, mut first) = ([empty; SLOTS], [0; SYMBOLS + 1]);
        let (mut symbol, mut at) = (0, 0);
        while symbol < SYMBOLS {
            first[symbol] = at as u16;
            let frequency = if symbol < ESCAPE {
                masses[(symbol as i32 - TOKEN_MAX).unsigned_abs() as usize]
            } else {
                (SLOTS - at) as u16
            };
            let mut offset = 0;
            while offset < frequency {
                slots[at] = Slot {
                    symbol: symbol as u8,
                    frequency,
                    offset,
                };
                offset += 1;
                at += 1;
            }
            symbol += 1;
        }
        first[SYMBOLS] = SLOTS as u16;
        Self { slots, first }
    }
}

/// Frequencies of tokens by their size. The tail beyond k − ½ is y / (1 + y), y = root^(2 k − 1), of the whole; what
/// rounding leaves of 4,096 is the escape's, at least 1.
const fn masses(root: u64) -> [u16; TOKEN_MAX as usize + 1] {
    let mut power = root;
    let square = (root * root) >> 32;
    let mut tails = [0u64; TOKEN_MAX as usize + 2];
    let mut k = 1;
    while k < tails.len() {
        tails[k] = (power << 32) / ((1 << 32) + power); // of 2³²
        power = (power * square) >> 32;
        k += 1;
    }
    let mut masses = [0; TOKEN_MAX as usize + 1];
    let mut rest = SLOTS as u16 - 2 * rounded(tails[TOKEN_MAX as usize + 1]) - 1;
    let mut k = 1;
    while k < masses.len() {
        masses[k] = rounded(tails[k] - tails[k + 1]);
        rest -= 2 * masses[k];
        k += 1;
    }
    masses[0] = rest;
    masses
}

/// A mass of 2³² as slots.
const fn rounded(mass: u64) -> u16 {
    ((mass * (SLOTS as u64 - 2) + (1 << 31)) >> 32) as u16
}

/// The distribution of a scale and its bare bits.
#[inline(always)]
fn shape_of(scale: u8) -> (usize, u32) {
    if scale < BARE_FROM {
        (usize::from(scale), 0)
    } else {
        let beyond = scale - BARE_FROM;
        (
            usize::from(BARE_FROM - 4 + beyond % 4),
            u32::from(beyond / 4) + 1,
        )
    }
}

/// A residual as its coder sees it: a symbol's slots and bare bits.
#[derive(Clone, Copy)]
struct Coded {
    first: u16,
    frequency: u16,
    bits: u32,
    bare: u16,
}

fn coded(scale: u8, residual: i16) -> Coded {
    let (shape, bits) = shape_of(scale);
    let half = if bits == 0 { 0 } else { 1 << (bits - 1) };
    let centred = i32::from(residual) + half;
    let token = centred >> bits;
    let slots = |symbol: usize| {
        let first = &TABLE[shape].first;
        (first[symbol], first[symbol + 1] - first[symbol])
    };
    if token.abs() <= TOKEN_MAX {
        let (first, frequency) = slots((token + TOKEN_MAX) as usize);
        if frequency > 0 {
            let bare = (centred & ((1 << bits) - 1)) as u16;
            return Coded {
                first,
                frequency,
                bits,
                bare,
            };
        }
    }
    let (first, frequency) = slots(ESCAPE);
    Coded {
        first,
        frequency,
        bits: 16,
        bare: residual as u16,
    }
}

/// What a residual costs at a scale, in bits.
pub(crate) fn cost_bits(scale: u8, residual: i16) -> f64 {
    let coded = coded(scale, residual);
    let frequency = u32::from(coded.frequency);
    // log2 by its integer part and a chord: good to 0.09 bits, of which comparisons see the same.
    let whole = frequency.ilog2();
    let part = f64::from(frequency) / f64::from(1u32 << whole) - 1.0;
    f64::from(FREQUENCY_BITS - whole) - part + f64::from(coded.bits)
}

/// Residuals in the order in which they will be decoded become bytes. `scales` are those of the
/// residual with a number.
pub(crate) fn encode(residuals: &[Residual], scales: impl Fn(usize) -> Scales) -> Vec<u8> {
    let mut states = [STATE_MIN; CODERS];
    let mut words: Vec<u32> = Vec::new(); // the last first
    for (k, residual) in residuals.iter().enumerate().rev() {
        let coded = coded(scales(k)[usize::from(residual.context)], residual.value);
        let state = &mut states[usize::from(residual.coder)];
        let frequency = u64::from(coded.frequency);
        if *state >= frequency << (64 - FREQUENCY_BITS - coded.bits) {
            words.push(*state as u32);
            *state >>= 32;
        }
        let bare = *state << coded.bits | u64::from(coded.bare);
        *state = (bare / frequency) << FREQUENCY_BITS | (bare % frequency + u64::from(coded.first));
    }
    let states = states.iter().flat_map(|state| state.to_le_bytes());
    states
        .chain(words.iter().rev().flat_map(|word| word.to_le_bytes()))
        .collect()
}

/// Four coders that read one row of words.
pub(crate) struct Decoder<'a> {
    states: [u64; CODERS],
    words: &'a [u8],
    at: usize, // grows beyond the words when there are too few
    table: &'static [Shape],
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        let (states, words) = bytes.split_first_chunk::<{ 8 * CODERS }>()?;
        Some(Self {
            states: std::array::from_fn(|k| super::words::u64_at(states, 8 * k)),
            words,
            at: 0,
            table: &TABLE,
        })
    }

    /// The next residual of a coder.
    #[inline(always)]
    pub(crate) fn next(&mut self, scale: u8, coder: usize) -> i16 {
        let (shape, bits) = shape_of(scale);
        let state = self.states[coder];
        let slot = self.table[shape].slots[state as usize % SLOTS];
        let state = (state >> FREQUENCY_BITS)
            .wrapping_mul(u64::from(slot.frequency))
            .wrapping_add(u64::from(slot.offset));
        if usize::from(slot.symbol) == ESCAPE {
            self.states[coder] = self.refilled(state >> 16);
            return state as i16;
        }
        let half = (1i32 << bits) >> 1;
        let bare = (state as i32) & ((1 << bits) - 1);
        self.states[coder] = self.refilled(state >> bits);
        let token = i32::from(slot.symbol) - TOKEN_MAX;
        ((token << bits) + bare - half) as i16
    }

    #[inline(always)]
    fn refilled(&mut self, state: u64) -> u64 {
        if state >= STATE_MIN {
            return state;
        }
        let word: Option<&[u8; 4]> = self
            .words
            .get(self.at..)
            .and_then(|rest| rest.first_chunk());
        self.at += 4;
        state << 32 | word.map_or(0, |word| u64::from(u32::from_le_bytes(*word)))
    }

    /// Whether all was read, and nothing but what an encoder writes.
    pub(crate) fn is_done(&self) -> bool {
        self.at == self.words.len() && self.states == [STATE_MIN; CODERS]
    }
}
