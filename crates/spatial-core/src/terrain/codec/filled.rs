//! Which samples were filled at import: a bit a sample, compressed.
//!
//! One zstd frame of ⌈(N+1)² / 8⌉ bytes, sample n is bit n mod 8 of byte n / 8. A tile without filled samples has none.

use zstd::bulk;
use zstd::zstd_safe;

use super::error::TileError;

const ZSTD_LEVEL: i32 = 19;

/// Bytes of a map that is not compressed.
pub(crate) fn map_bytes(samples: usize) -> usize {
    samples.div_ceil(8)
}

/// Whether bits are a map of so many samples, some of which were filled.
pub(crate) fn is_map(bits: &[u8], samples: usize) -> bool {
    let unused = (8 - samples % 8) % 8;
    let last = bits.last().copied().unwrap_or(0);
    bits.len() == map_bytes(samples)
        && last.leading_zeros() as usize >= unused
        && bits.iter().any(|byte| *byte != 0)
}

pub(crate) fn encode(bits: &[u8]) -> Result<Vec<u8>, TileError> {
    bulk::compress(bits, ZSTD_LEVEL).map_err(|_| TileError::Filled)
}

/// The map again: one frame, nothing behind it, of exactly so many bits.
pub(crate) fn decode(frame: &[u8], samples: usize) -> Result<Vec<u8>, TileError> {
    if zstd_safe::find_frame_compressed_size(frame) != Ok(frame.len()) {
        return Err(TileError::Filled);
    }
    let bits = bulk::decompress(frame, map_bytes(samples)).map_err(|_| TileError::Filled)?;
    if is_map(&bits, samples) {
        Ok(bits)
    } else {
        Err(TileError::Filled)
    }
}
