//! Codec hot: any sample without decoding the tile.
//!
//! ```text
//! (n+1)² × i16   control grid, n = (side − 1) / 8: one value at every eighth row and column
//! rows × u32     for each row of blocks the place of its digits, bytes from the digits' start
//! records        for every four blocks of a row: u16 place within the row's digits, then code u8 and bias i8 of each
//! digits         7 zero bytes at their end, so that a word can be read anywhere
//! ```
//! A block is 8 × 8 samples, its first column and row included, its last not. What the last column and the last row
//! of the tile add are blocks too: eight samples after each other are a row of such a block. Rows of blocks: n of the
//! tile's interior, then one for the last column, then one for the last row. The last corner is a control value.
//!
//! sample = surface + low + digit, where the surface is bilinear in the four control values around the block, rounded.
//! The digits of a row of a block are one number in base R, kept as a binary fraction of m bits: digit k is
//! ⌊R · frac(F · Rᵏ)⌋, two multiplications and no division. A code names R; beyond 128 a row is two numbers.

mod encoder;

pub(crate) use encoder::encode;

use super::words::{u16_at, u32_at};

/// All samples of a payload; `None` when it is damaged.
pub(crate) fn decode(side: usize, payload: &[u8]) -> Option<Vec<i16>> {
    Hot::new(side, payload)?.decode()
}

/// Samples along a block.
const BLOCK: usize = 8;
/// Blocks that share a record.
const SHARED: usize = 4;
const RECORD_BYTES: usize = 2 + 2 * SHARED;
/// Zeros after the digits.
const SLACK: usize = 7;
/// The last code: samples as they are, mod 2¹⁶.
const CODE_RAW: usize = 240;

/// What a code means.
#[derive(Clone, Copy)]
struct Radix {
    base: u32,   // R, at most 2¹⁶
    middle: i32, // (R − 1) / 2: a bias of 0 centres the digits
    bits: u8,    // m of one number
    log: u8,     // of the digits in a number: 3 or 2
    scale: u8,   // the bias counts steps of 2^scale
    bytes: u8,   // of a whole block
}

/// By code; the codes beyond the last are refused when a tile is decoded.
static RADICES: [Radix; 256] = radices();

const fn radices() -> [Radix; 256] {
    let mut all = [radix(1); 256];
    let mut code = 0;
    while code < CODE_RAW {
        all[code] = radix(base_of(code));
        code += 1;
    }
    all[CODE_RAW] = radix(1 << 16);
    all
}

/// 1 to 128, then sixteen steps an octave up to 16,384.
const fn base_of(code: usize) -> u32 {
    if code < 128 {
        return code as u32 + 1;
    }
    let (octave, step) = ((code - 128) / 16, (code - 128) % 16);
    (17 + step as u32) << (3 + octave)
}

const fn radix(base: u32) -> Radix {
    let log = if base <= 128 { 3 } else { 2 };
    let count = (base as u128).pow(1 << log);
    let bits = if base == 1 {
        0
    } else {
        128 - (count - 1).leading_zeros()
    };
    let octaves = 32 - (base - 1).leading_zeros();
    Radix {
        base,
        bits: bits as u8,
        log,
        scale: if octaves > 8 { octaves as u8 - 8 } else { 0 },
        bytes: ((8 >> log) * bits) as u8,
        middle: (base as i32 - 1) / 2,
    }
}

/// A hot payload where it lies: its parts have the right lengths, its places are checked at every read.
#[derive(Clone, Copy)]
pub(crate) struct Hot<'a> {
    shape: Shape,
    control: &'a [u8],
    places: &'a [u8],
    records: &'a [u8],
    digits: &'a [u8],
}

/// Where the digits of a block are, and what they mean.
struct Block<'a> {
    radix: &'static Radix,
    low: i32,
    digits: &'a [u8],
}

impl<'a> Hot<'a> {
    /// A view of the payload of `side`² samples, side = 8 n + 1; `None` when it is too short for its grid.
    pub(crate) fn new(side: usize, payload: &'a [u8]) -> Option<Self> {
        let shape = Shape::of(side);
        let (control, rest) = payload.split_at_checked(shape.control_bytes())?;
        let (places, rest) = rest.split_at_checked(4 * shape.rows())?;
        let (records, digits) = rest.split_at_checked(shape.records() * RECORD_BYTES)?;
        let view = Self {
            shape,
            control,
            places,
            records,
            digits,
        };
        (digits.len() >= SLACK).then_some(view)
    }

    /// The sample in column i and row j, which must be below the side. `None` when the payload is damaged.
    #[inline]
    pub(crate) fn sample(&self, i: usize, j: usize) -> Option<i16> {
        let n = self.shape.n;
        let last = n * BLOCK;
        let (bi, bj) = (i / BLOCK, j / BLOCK);
        let (x, y) = (i % BLOCK, j % BLOCK);
        if i < last && j < last {
            let digit = self.block(bj, bi)?.digit(y, x)?;
            return Some(self.surface(bi, bj).at(x, y).wrapping_add(digit) as i16);
        }
        if i == last && j == last {
            return Some(self.control(n, n));
        }
        // Along an edge the segment is the row of a block.
        let (row, segment, along) = if i == last {
            (n, bj, y)
        } else {
            (n + 1, bi, x)
        };
        let digit = self
            .block(row, segment / BLOCK)?
            .digit(segment % BLOCK, along)?;
        let surface = if i == last {
            self.edge(n, bj, n, bj + 1, y)
        } else {
            self.edge(bi, n, bi + 1, n, x)
        };
        Some(surface.wrapping_add(digit) as i16)
    }

    /// The samples at (i, j), (i + 1, j), (i, j + 1) and (i + 1, j + 1). Three quarters of all lie in one block.
    #[inline]
    pub(crate) fn corners(&self, i: usize, j: usize) -> Option<[i16; 4]> {
        let (x, y) = (i % BLOCK, j % BLOCK);
        if x == BLOCK - 1 || y == BLOCK - 1 {
            return Some([
                self.sample(i, j)?,
                self.sample(i + 1, j)?,
                self.sample(i, j + 1)?,
                self.sample(i + 1, j + 1)?,
            ]);
        }
        let (bi, bj) = (i / BLOCK, j / BLOCK);
        let (block, surface) = (self.block(bj, bi)?, self.surface(bi, bj));
        let at = |x, y| Some(surface.at(x, y).wrapping_add(block.digit(y, x)?) as i16);
        Some([at(x, y)?, at(x + 1, y)?, at(x, y + 1)?, at(x + 1, y + 1)?])
    }

    /// All samples, row by row. `None` when the payload is damaged or has bytes that no sample needs.
    pub(crate) fn decode(&self) -> Option<Vec<i16>> {
        let (n, side) = (self.shape.n, self.shape.side());
        let mut samples = vec![0; side * side];
        let mut end = 0;
        for row in 0..n + 2 {
            let wide = if row < n { n } else { n.div_ceil(BLOCK) };
            if u32_at(self.places, 4 * row) as usize != end {
                return None;
            }
            let start = end;
            for index in 0..wide {
                let block = self.block(row, index)?;
                if self.code(row, index) > CODE_RAW {
                    return None;
                }
                let at = self.digits.len() - block.digits.len();
                // Places follow from the codes before them.
                if at != end || (index % SHARED == 0 && end - start > usize::from(u16::MAX)) {
                    return None;
                }
                end += usize::from(block.radix.bytes);
                self.fill(&block, (row, index), &mut samples)?;
            }
        }
        samples[side * side - 1] = self.control(n, n);
        let slack = self.digits.get(end..)?;
        (slack.len() == SLACK && slack.iter().all(|b| *b == 0)).then_some(samples)
    }

    fn code(&self, row: usize, index: usize) -> usize {
        let record = self.shape.record(row, index / SHARED) * RECORD_BYTES;
        usize::from(self.records[record + 2 + 2 * (index % SHARED)])
    }

    /// Writes the samples of a block.
    #[inline]
    fn fill(&self, block: &Block<'_>, (row, index): (usize, usize), out: &mut [i16]) -> Option<()> {
        let (n, side) = (self.shape.n, self.shape.side());
        if row < n {
            let surface = self.surface(index, row);
            for y in 0..BLOCK {
                let digits = block.row(y)?;
                let at = (row * BLOCK + y) * side + index * BLOCK;
                let to = &mut out[at..at + BLOCK];
                for x in 0..BLOCK {
                    to[x] = surface.at(x, y).wrapping_add(digits[x]) as i16;
                }
            }
            return Some(());
        }
        for y in 0..BLOCK.min(n - index * BLOCK) {
            let (digits, segment) = (block.row(y)?, index * BLOCK + y);
            for (x, digit) in digits.into_iter().enumerate() {
                let along = segment * BLOCK + x;
                let (surface, at) = if row == n {
                    (
                        self.edge(n, segment, n, segment + 1, x),
                        along * side + side - 1,
                    )
                } else {
                    (
                        self.edge(segment, n, segment + 1, n, x),
                        (side - 1) * side + along,
                    )
                };
                out[at] = surface.wrapping_add(digit) as i16;
            }
        }
        Some(())
    }

    #[inline]
    fn control(&self, bi: usize, bj: usize) -> i16 {
        u16_at(self.control, 2 * (bj * (self.shape.n + 1) + bi)) as i16
    }

    #[inline(always)]
    fn surface(&self, bi: usize, bj: usize) -> Surface {
        let pair = |j: usize| -> [i32; 2] {
            let at = 2 * (j * (self.shape.n + 1) + bi);
            let word = u32_at(self.control, at);
            [i32::from(word as i16), word as i32 >> 16]
        };
        let ([sw, se], [nw, ne]) = (pair(bj), pair(bj + 1));
        Surface::new([sw, se, nw, ne])
    }

    fn edge(&self, i0: usize, j0: usize, i1: usize, j1: usize, along: usize) -> i32 {
        between(
            i32::from(self.control(i0, j0)),
            i32::from(self.control(i1, j1)),
            along,
        )
    }

    #[inline(always)]
    fn block(&self, row: usize, index: usize) -> Option<Block<'a>> {
        let record = self.shape.record(row, index / SHARED) * RECORD_BYTES;
        let record: &[u8; RECORD_BYTES] = self.records.get(record..)?.first_chunk()?;
        let mut place = u32_at(self.places, 4 * row) as usize + usize::from(u16_at(record, 0));
        let within = index % SHARED;
        // Without branches: which block of a record it is cannot be foreseen.
        for before in 0..SHARED - 1 {
            let bytes = usize::from(RADICES[usize::from(record[2 + 2 * before])].bytes);
            place += if before < within { bytes } else { 0 };
        }
        let radix = &RADICES[usize::from(record[2 + 2 * within])];
        let bias = i32::from(record[3 + 2 * within] as i8) << radix.scale;
        Some(Block {
            radix,
            low: bias - radix.middle,
            digits: self.digits.get(place..)?,
        })
    }
}

impl Block<'_> {
    /// low + the digit of a sample.
    #[inline(always)]
    fn digit(&self, y: usize, x: usize) -> Option<i32> {
        let radix = &self.radix;
        let number = self.number((y * BLOCK + x) >> radix.log)?;
        let base = u64::from(radix.base);
        let square = base.wrapping_mul(base);
        let within = x & ((1 << radix.log) - 1);
        let mut power = if within & 1 != 0 { base } else { 1 };
        power = power.wrapping_mul(if within & 2 != 0 { square } else { 1 });
        let fourth = if within & 4 != 0 {
            square.wrapping_mul(square)
        } else {
            1
        };
        Some(
            self.low
                .wrapping_add(high(number.wrapping_mul(power.wrapping_mul(fourth)), base)),
        )
    }

    /// low + the digits of a row.
    #[inline(always)]
    fn row(&self, y: usize) -> Option<[i32; BLOCK]> {
        let base = u64::from(self.radix.base);
        let mut out = [0; BLOCK];
        let mut next = |number: u64, from: usize, to: usize| {
            let mut number = number;
            for digit in &mut out[from..to] {
                *digit = self.low.wrapping_add(high(number, base));
                number = number.wrapping_mul(base);
            }
        };
        if self.radix.log == 3 {
            next(self.number(y)?, 0, 8);
        } else {
            next(self.number(2 * y)?, 0, 4);
            next(self.number(2 * y + 1)?, 4, 8);
        }
        Some(out)
    }

    /// A number of the block as a fraction of 2⁶⁴.
    #[inline(always)]
    fn number(&self, group: usize) -> Option<u64> {
        let bits = u32::from(self.radix.bits);
        if bits == 0 {
            return Some(0);
        }
        let at = group * bits as usize;
        let word: &[u8; 8] = self.digits.get(at / 8..)?.first_chunk()?;
        Some(u64::from_le_bytes(*word) >> (at % 8) << (64 - bits))
    }
}

/// ⌊a · b / 2⁶⁴⌋ for b of at most 2¹⁶.
#[inline]
fn high(fraction: u64, base: u64) -> i32 {
    ((u128::from(fraction) * u128::from(base)) >> 64) as i32
}

/// The rounded bilinear surface of a block.
struct Surface {
    corners: [i32; 4], // south-west, south-east, north-west, north-east
}

impl Surface {
    #[inline]
    fn new(corners: [i32; 4]) -> Self {
        Self { corners }
    }

    #[inline(always)]
    fn at(&self, x: usize, y: usize) -> i32 {
        let (x, y) = (x as i32, y as i32);
        // Four 16-bit values times 64: nothing overflows.
        let [sw, se, nw, ne] = self.corners;
        let west = sw.wrapping_mul(8 - y).wrapping_add(nw.wrapping_mul(y));
        let east = se.wrapping_mul(8 - y).wrapping_add(ne.wrapping_mul(y));
        west.wrapping_mul(8 - x)
            .wrapping_add(east.wrapping_mul(x))
            .wrapping_add(32)
            >> 6
    }
}

#[inline]
fn between(a: i32, b: i32, along: usize) -> i32 {
    (a * (8 - along as i32) + b * along as i32 + 4) >> 3
}

/// How many of what a side needs.
#[derive(Clone, Copy)]
struct Shape {
    n: usize,            // blocks along the interior
    wide: usize,         // records in a row of them
    edge_records: usize, // records of an edge's blocks
}

impl Shape {
    fn of(side: usize) -> Self {
        let n = (side - 1) / BLOCK;
        Self {
            n,
            wide: n.div_ceil(SHARED),
            edge_records: n.div_ceil(BLOCK).div_ceil(SHARED),
        }
    }

    fn side(self) -> usize {
        BLOCK * self.n + 1
    }

    fn control_bytes(self) -> usize {
        2 * (self.n + 1) * (self.n + 1)
    }

    /// Rows of blocks, those of the edges included.
    fn rows(self) -> usize {
        self.n + 2
    }

    fn records(self) -> usize {
        self.n * self.wide + 2 * self.edge_records
    }

    /// The number of a record.
    #[inline(always)]
    fn record(self, row: usize, index: usize) -> usize {
        if row <= self.n {
            row * self.wide + index
        } else {
            self.n * self.wide + self.edge_records + index
        }
    }
}
