//! Entropy coding: numbers in as many bits as they are surprising.
//!
//! A binary range coder with adaptive bits, integers alone: the same bytes on every platform. A description of a
//! message is written once, over a [`Coder`]: the encoder is told the values and repeats them, the decoder finds them.
//! Costs 2 to 4 ns a bit, and 5 to 10 one symbol of 23. Dearer than [`crate::BitWriter`], and for where bytes are dearest.
//!
//! ```
//! use net_proto::{AdaptiveBit, Coder, IntegerModel, RangeDecoder, RangeEncoder};
//!
//! fn message(coder: &mut impl Coder, (jumps, height): (bool, i32)) -> (bool, i32) {
//!     let (mut jump, mut heights) = (AdaptiveBit::default(), IntegerModel::default());
//!     (coder.bit(&mut jump, jumps), heights.code(coder, height))
//! }
//!
//! let mut bytes = [0; 16];
//! let mut encoder = RangeEncoder::new(&mut bytes);
//! message(&mut encoder, (true, -300));
//! let count = encoder.finish().expect("16 bytes are enough");
//! let mut decoder = RangeDecoder::new(&bytes[..count]);
//! assert_eq!(message(&mut decoder, (false, 0)), (true, -300));
//! assert!(decoder.finish().is_ok());
//! ```

mod bit;
mod decoder;
mod encoder;
mod integer;
mod symbol;

pub use bit::AdaptiveBit;
pub use decoder::RangeDecoder;
pub use encoder::{OutOfRoom, RangeEncoder};
pub use integer::IntegerModel;
pub use symbol::AdaptiveSymbol;

/// One of the two directions: an encoder passes on what it is told, a decoder gives what was passed on.
pub trait Coder {
    /// Whether it is told the values: what depends on them need not wait for what it gives.
    const IS_TOLD: bool;

    /// A bit that its model expects, more or less.
    fn bit(&mut self, model: &mut AdaptiveBit, bit: bool) -> bool;

    /// One of [`AdaptiveSymbol::COUNT`] symbols, from 0 on, that its model expects, more or less.
    fn symbol(&mut self, model: &mut AdaptiveSymbol, symbol: usize) -> usize;

    /// The lowest `bits` (0 to 24) of a number, each value as likely as any other; higher bits of it must be 0.
    fn raw(&mut self, value: u32, bits: u32) -> u32;
}

/// Raw bits at once: of a range of at least 2³² they leave a 256th, which is what equal shares are exact to.
pub(crate) const RAW_BITS_MAX: u32 = 24;

#[cfg(test)]
mod tests;
